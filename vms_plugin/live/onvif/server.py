"""Open the device's port, and answer whoever looks for devices."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from importlib.metadata import version

import structlog
import uvicorn

from vms_plugin.live.onvif.device import Device, app
from vms_plugin.live.onvif.discovery import Discovery
from vms_plugin.live.relay import Relay
from vms_plugin.settings import Settings

log = structlog.get_logger(__name__)


class OnvifServer:
    """The device of one host, on the host's loop."""

    def __init__(self, device: Device, host: str) -> None:
        self._discovery = Discovery(device)
        config = uvicorn.Config(
            app(device), host=host, port=device.port, log_config=None, access_log=False,
            server_header=False, lifespan="off", timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = _Quiet(config)
        self._serving: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, settings: Settings, relay: Relay) -> OnvifServer | None:
        """Make the device that the settings ask for; None: none."""
        live = settings.live
        if live.onvif_port is None or live.rtsp_port is None:
            return None
        device = Device(
            officers=live.officers,
            username=live.username,
            password=live.password,
            rtsp_port=live.rtsp_port,
            port=live.onvif_port,
            site=f"{uuid.getnode():x} {settings.database}",
            sound_word=live.sound,
            version=version("renfort"),
            want_key=relay.want_key,
        )
        return cls(device, settings.host)

    async def start(self) -> None:
        """Serve from now on."""
        self._serving = asyncio.create_task(self._server.serve())
        try:
            await self._discovery.start()
        except OSError as error:
            log.warning("no discovery: the VMS adds the device by its address", why=str(error))

    async def stop(self) -> None:
        """Serve no more."""
        self._discovery.stop()
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)


class _Quiet(uvicorn.Server):
    """A server that leaves signals to the host."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield
