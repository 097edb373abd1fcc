"""Serve the inlets of adapters: each at its port, behind the site's certificate, on its loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from hooks import AdapterError, Inlet, Message
from hooks.causes import cause
from vms_plugin.adapters import Adapters, odd
from vms_plugin.punctual import Punctual
from vms_plugin.recordings.archive import Archive
from vms_plugin.settings import Settings

#: An upload that is being written when the host stops is cut: the sender comes again.
GRACE_S = 2
#: More connections than that are answered 503 by the server itself.
CONNECTIONS = 256

log = structlog.get_logger(__name__)


class InletServer:
    """One inlet, on a thread of its own: gigabytes that come in delay no alert."""

    def __init__(self, inlet: Inlet, certificate: Path | None, key: Path | None) -> None:
        self.port = inlet.port
        config = uvicorn.Config(
            inlet.app, host=inlet.host, port=inlet.port, ssl_certfile=certificate, ssl_keyfile=key,
            log_config=None, access_log=False, server_header=False, lifespan="off", ws="none",
            http=Punctual, limit_concurrency=CONNECTIONS, timeout_graceful_shutdown=GRACE_S,
        )  # fmt: skip
        self._up: Future[int] = Future()
        self._server = _Told(config, self._up)
        self._thread = threading.Thread(target=self._run, name=f"inlet:{inlet.name}", daemon=True)

    async def start(self) -> int:
        """Open the port, and say which; `OSError` when it is taken."""
        self._thread.start()
        self.port = await asyncio.wrap_future(self._up)
        return self.port

    async def stop(self) -> None:
        """Close it."""
        self._server.should_exit = True
        await asyncio.to_thread(self._thread.join, GRACE_S + 3)

    def _run(self) -> None:
        with contextlib.suppress(SystemExit):  # what uvicorn does of a port that is taken
            asyncio.run(self._server.serve())
        if not self._up.done():
            self._up.set_exception(OSError(f"port {self.port} cannot be opened"))


class _Told(uvicorn.Server):
    """A server that says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, up: Future[int]) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._up.set_result(self.servers[0].sockets[0].getsockname()[1])


class Inlets:
    """All inlets of all adapters."""

    def __init__(self, settings: Settings, adapters: Adapters, archive: Archive) -> None:
        self._settings, self._adapters, self._archive = settings, adapters, archive
        self.servers: dict[str, InletServer] = {}

    async def start(self) -> None:
        """Open those that can be; one that cannot is noted under its adapter's name."""
        await self._sweep()
        for name in self._adapters.offering("list_inlets"):
            for inlet in await asyncio.to_thread(inlets_of, self._adapters, name, self._archive):
                why = await self._open(name, inlet)
                if why is not None:
                    self._adapters.fail(name, "list_inlets", why)

    async def _sweep(self) -> None:
        """Destroy what a crash left half written, before anything new comes in."""
        try:
            swept = await self._archive.sweep()
        except Exception as error:  # noqa: BLE001  (an object store raises what it likes)
            log.warning("recordings cannot be swept", cause=f"{type(error).__name__}: {error}")
            return
        if swept:
            log.info("half-written recordings destroyed", count=swept)

    async def _open(self, adapter: str, inlet: Inlet) -> Message | None:
        settings = self._settings
        if (why := shut(inlet, settings)) is not None:
            return why
        server = InletServer(inlet, settings.certificate, settings.certificate_key)
        try:
            port = await server.start()
        except OSError as error:
            return Message(text="the inlet cannot open: {cause}", params={"cause": cause(error)})
        self.servers[f"{adapter}:{inlet.name}"] = server
        log.info("inlet open", adapter=adapter, inlet=inlet.name, host=inlet.host, port=port)
        return None

    async def stop(self) -> None:
        """Close them all."""
        for server in self.servers.values():
            await server.stop()


def inlets_of(adapters: Adapters, name: str, archive: Archive) -> list[Inlet]:
    """Ask an adapter for its inlets; what is no inlet is noted under its name."""
    try:
        given = adapters.ask(name, "list_inlets", vault=archive.vault(name))
    except AdapterError:
        return []  # noted under its name
    for each in given:
        if not isinstance(each, Inlet):
            adapters.fail(name, "list_inlets", odd("list_inlets", each, "Inlet"))
    return [each for each in given if isinstance(each, Inlet)]


def shut(inlet: Inlet, settings: Settings) -> Message | None:
    """Say why an inlet may not be opened; None: it may."""
    if settings.certificate is None and not _is_here(inlet.host):
        return Message(text="beyond this machine an inlet needs server.certificate")
    return None


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
