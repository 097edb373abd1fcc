"""Put the parts together and serve until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import signal
import socket
import sys
from importlib.metadata import packages_distributions

import structlog
import uvicorn

from hooks import Message
from hooks.causes import cause
from vms_plugin.adapters import Adapters
from vms_plugin.atlas import Atlas
from vms_plugin.engine import Engine
from vms_plugin.exercise import Drills
from vms_plugin.live import Relay
from vms_plugin.live.onvif import OnvifServer
from vms_plugin.punctual import Punctual
from vms_plugin.recordings import open_archive
from vms_plugin.recordings.inlets import Inlets
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.web import build

#: An open page keeps its stream for ever: closing must not wait for it.
GRACE_S = 2

log = structlog.get_logger(__name__)


def usurped() -> list[Message]:
    """List the import names of ours that another distribution owns in this environment.

    Import names are folder names (see the ADR): a rival `hooks` or `adapters` would silently hide
    the contract, so the program does not start beside one.
    """
    faults = []
    for name in ("hooks", "dispatch_gis", "vms_plugin"):
        owners = {owner for owner in packages_distributions().get(name, []) if owner != "renfort"}
        if owners:
            params = {"name": name, "owners": ", ".join(sorted(owners))}
            faults.append(Message(text="{owners} also installs {name}: remove it", params=params))
    if getattr(importlib.import_module("adapters"), "__file__", None):
        faults.append(
            Message(text="another package named adapters hides Renfort's adapters: remove it")
        )
    return faults


def unheard(settings: Settings) -> list[Message]:
    """Say why nobody could reach us where the settings have us listen; empty: he could."""
    host, port = settings.host, settings.port
    try:
        [family, *_], *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        why = Message(
            text="server.host {host}, server.port {port}: cannot listen: {cause}",
            params={"host": host, "port": port, "cause": cause(error)},
        )
        return [why]
    return []


async def serve(settings: Settings) -> int:
    """Serve the control room; answer the process's exit code."""
    # A thread that computes gives way after 1 ms, not 5: a press waits for nobody's arithmetic.
    sys.setswitchinterval(0.001)
    store = Store(settings.database)
    adapters = await asyncio.to_thread(Adapters.installed, settings.adapters)
    engine = Engine(settings, adapters, store, Atlas(settings))
    relay = Relay(engine)
    onvif: OnvifServer | None = None
    drills = Drills(engine, relay)
    inlets = Inlets(settings, adapters, open_archive(settings, store))
    config = uvicorn.Config(
        build(engine, relay),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
        log_config=None,
        access_log=False,
        server_header=False,
        http=Punctual,
        ws_max_size=1 << 20,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    try:
        await engine.start()
        await relay.start()
        onvif = await OnvifServer.of(settings, relay, store)
        if onvif is not None and (closed := await onvif.start()) is not None:
            engine.notes.append(closed)
        await inlets.start()
        await drills.start()
        serving = asyncio.create_task(server.serve())
        broken = asyncio.create_task(engine.broken.wait())
        stop = _on_signals()
        await asyncio.wait({serving, broken, stop}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        for task in (broken, stop):
            task.cancel()
        return 1 if engine.broken.is_set() or not server.started else 0
    finally:
        await drills.stop()
        await inlets.stop()
        if onvif is not None:
            await onvif.stop()
        await relay.stop()
        await engine.stop()
        store.close()


class _Server(uvicorn.Server):
    """A server that leaves signals to us: the engine is stopped with it."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def _on_signals() -> asyncio.Task[None]:
    """Give a task that ends when the process is asked to stop."""
    stop = asyncio.Event()

    async def wait() -> None:
        await stop.wait()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return asyncio.create_task(wait())
