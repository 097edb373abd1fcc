"""Open the device's port, and answer whoever looks for devices."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import Iterable
from importlib.metadata import version

import structlog
import uvicorn

from hooks import Message
from vms_plugin.live.onvif.device import Device, app
from vms_plugin.live.onvif.discovery import Discovery
from vms_plugin.live.relay import Relay
from vms_plugin.punctual import Punctual
from vms_plugin.settings import Settings
from vms_plugin.store import Store

log = structlog.get_logger(__name__)


class OnvifServer:
    """The device of one host, on the host's loop."""

    def __init__(self, device: Device, host: str) -> None:
        self.device = device
        self._discovery = Discovery(device)
        config = uvicorn.Config(
            app(device), host=host, port=device.port, log_config=None, access_log=False,
            server_header=False, lifespan="off", http=Punctual, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = _Quiet(config)
        self._serving: asyncio.Task[None] | None = None

    @classmethod
    async def of(cls, settings: Settings, relay: Relay, store: Store) -> OnvifServer | None:
        """Make the device that the settings ask for; None: none.

        What it is known by is kept with the journal: the address of a network card changes with a
        container, a virtual machine or a card, and the VMS would see another device.
        """
        live = settings.live
        if live.onvif_port is None or live.rtsp_port is None:
            return None
        device = Device(
            officers=await numbered(store, live.officers),
            username=live.username,
            password=live.password,
            rtsp_port=live.rtsp_port,
            port=live.onvif_port,
            site=(await store.secret("onvif")).hex(),
            sound_word=live.sound,
            version=version("renfort"),
            want_key=relay.want_key,
        )
        return cls(device, settings.host)

    async def start(self) -> Message | None:
        """Serve from now on; say why not, where the port cannot be opened."""
        self._serving = asyncio.create_task(self._server.serve())
        if not await self._server.opened:
            return Message(
                text="the VMS finds no ONVIF device here: port {port} cannot be opened",
                params={"port": self._server.config.port},
            )
        try:
            await self._discovery.start()
        except OSError as error:
            log.warning("no discovery: the VMS adds the device by its address", why=str(error))
        return None

    async def stop(self) -> None:
        """Serve no more."""
        self._discovery.stop()
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)


async def numbered(store: Store, officers: Iterable[str]) -> dict[str, int]:
    """Give each officer his channel's number: once, in the order they come, never another's.

    A VMS knows a channel by it: were the list numbered anew, a name put in or taken out would show
    one officer under the name of another.
    """
    names = tuple(officers)

    def write(database: sqlite3.Connection) -> dict[str, int]:
        insert = "INSERT OR IGNORE INTO channel SELECT ?, coalesce(max(number), 0) + 1 FROM channel"
        for name in names:
            database.execute(insert, (name,))
        known = dict(database.execute("SELECT name, number FROM channel").fetchall())
        return {name: known[name] for name in names}

    return await store.together(write)


class _Quiet(uvicorn.Server):
    """A server that leaves signals, and the end of the process, to the host."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # what uvicorn does of a port that is taken, its cause in the log
            self.should_exit = True
        self.opened.set_result(not self.should_exit)

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield
