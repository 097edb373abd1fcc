"""Analytics events over TCP: a raw HTTP POST, on a port that a new site keeps shut.

No account is asked for: the list of addresses allowed is all that keeps strangers out.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from adapters.milestone.simulator import raising
from adapters.milestone.simulator.analytics import Invalid, read
from adapters.milestone.simulator.inventory import Camera
from adapters.milestone.simulator.site import Site

_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error"}
#: What one document may weigh, pictures included; and how long it may take to come.
_MOST, _PATIENCE_S = 16 << 20, 30.0


class Gate:
    """The port, open or shut, and who may come in."""

    def __init__(self, site: Site, port: int | None, allowed: list[str]) -> None:
        self._site, self.allowed = site, [ip_network(each) for each in allowed]
        self._server: asyncio.Server | None = None
        self._socket = _bound(port) if port is not None else None
        #: Whether the event server fails.
        self.broken = False
        #: What was received, with its answer, for our own controls.
        self.received: list[dict[str, object]] = []

    @property
    def port(self) -> int | None:
        """The port, when it is open."""
        return int(self._socket.getsockname()[1]) if self._socket is not None else None

    async def open(self) -> None:
        """Listen, if the site has it open."""
        if self._socket is not None and self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def shut(self) -> None:
        """Listen no more; whoever comes is refused by the machine itself."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        elif self._socket is not None:
            self._socket.close()
        self._server = self._socket = None

    async def switch(self, *, opened: bool) -> None:
        """Open the port (any free one), or shut it, as an administrator does in Options."""
        if opened and self._socket is None:
            self._socket = _bound(0)
            await self.open()
        elif not opened:
            await self.shut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        try:
            status, text = await asyncio.wait_for(self._answer(reader, peer), _PATIENCE_S)
            body = text.encode()
            head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, peer: str) -> tuple[int, str]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(":", 1) for line in head[1:] if ":" in line)
        length = fields.get("content-length", "").strip()
        if not head[0].startswith("POST ") or not length.isdecimal() or int(length) > _MOST:
            return 400, "Bad request."
        body = await reader.readexactly(int(length))
        status, text = self._judge(peer, body)
        self.received.append(
            {"status": status, "text": text, "body": body.decode(errors="replace")}
        )
        return status, text

    def _judge(self, peer: str, body: bytes) -> tuple[int, str]:
        if not any(ip_address(peer) in each for each in self.allowed):
            return 403, "Forbidden."
        if self.broken:
            return 500, "Internal error."
        try:
            event = read(body)
        except Invalid as fault:
            return 400, f"Error: {fault}"
        known = raising.analytics(self._site, event.message)
        if known is None:
            return 200, "Warning: Event message not known"
        source = _find(self._site, event.source)
        if source is None:
            return 200, "Warning: Event source not known"
        raising.happen(self._site, known, source, event)
        return 200, ""


def _bound(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.setblocking(False)
    return listening


def _find(site: Site, source: str) -> Camera | None:
    """Find a camera by its identifier, or by the address of its device, `,channel` behind."""
    found = site.cameras.get(source)
    if found is not None:
        return found
    address, _, channel = source.partition(",")
    for device in site.hardware.values():
        if urlsplit(device.address).hostname == address.strip():
            for camera in site.cameras_of(device.id):
                if channel.strip() in ("", str(camera.channel + 1)):
                    return camera
    return None
