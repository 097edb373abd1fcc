"""A network between two peers that can be made bad: a UDP relay on loopback."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any


class Lossy(asyncio.DatagramProtocol):
    """Stands in the place of one peer; the other knows it by this address alone.

    Loses a share of the packets, both ways, or all of them while it is a hole.
    """

    def __init__(self, to: int) -> None:
        self.loss, self.hole = 0.0, False
        self.passed = self.lost = 0
        self._to, self._back = ("127.0.0.1", to), ("127.0.0.1", 0)
        self._wire: Any = None
        self._random = random.Random(1)

    @classmethod
    async def before(cls, to: int) -> tuple[Lossy, int]:
        """Open one before a peer's port; answer it and its own port."""
        loop = asyncio.get_running_loop()
        wire, made = await loop.create_datagram_endpoint(
            lambda: cls(to), local_addr=("127.0.0.1", 0)
        )
        return made, wire.get_extra_info("sockname")[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if addr != self._to:
            self._back = (addr[0], addr[1])
        if self.hole or self._random.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        self._wire.sendto(data, self._back if addr == self._to else self._to)

    def error_received(self, exc: Exception) -> None:
        """A peer that went: nothing to say."""

    def close(self) -> None:
        self._wire.close()


def port_of(text: str) -> int:
    """Read the port of a description's first candidate, or of one candidate."""
    found = re.search(r"candidate:\S+ \d+ \S+ \d+ 127\.0\.0\.1 (\d+) ", text)
    assert found is not None, text
    return int(found[1])


def without_candidates(sdp: str) -> str:
    """Leave a description's candidates out: the peer must be met by the way it comes."""
    return re.sub(r"^a=(candidate:.*|end-of-candidates)\r?\n", "", sdp, flags=re.MULTILINE)


def led_by(text: str, port: int) -> str:
    """Lead whoever reads this description, or candidate, to another port."""
    return text.replace(f" 127.0.0.1 {port_of(text)} ", f" 127.0.0.1 {port} ")
