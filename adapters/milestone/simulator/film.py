"""What a simulated CCTV camera films: real H.264, coded once however many watch."""

from __future__ import annotations

import asyncio
import time

from adapters._simulated.lens import Lens, Packet, Watched

#: Pictures a second, their size, and after how many a key picture comes unasked.
PICTURES_S, SIZE, KEY_EVERY = 15, (640, 360), 150
BIT_RATE = 800_000


class Film(Watched[Packet]):
    """One camera's lens."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    async def _film(self) -> None:
        lens = Lens(
            self._number, SIZE, pictures_s=PICTURES_S, bit_rate=BIT_RATE, key_every=KEY_EVERY
        )
        start, taken = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, start + taken / PICTURES_S - time.monotonic()))
            for packet in await asyncio.to_thread(lens.take, taken, key=self._take_key()):
                self._tell(packet)
            taken += 1
