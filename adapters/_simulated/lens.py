"""What a simulated camera films: real H.264, with the moment written in each picture.

The moment is a row of blocks along the lower edge: white, black, then 32 bits of milliseconds since
1970 and the sum of their groups of six, modulo 64. So a test reads the age of a picture in the
decoded picture itself.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Generic, TypeAlias, TypeVar

import av
import numpy as np

Packet: TypeAlias = "av.Packet[Any]"
Coded = TypeVar("Coded")

_BLOCKS = 40
#: Someone walks from one side of the picture to the other in so many seconds.
_WALK_S = 8


class Watched(ABC, Generic[Coded]):
    """Films while somebody watches, once however many they are."""

    def __init__(self) -> None:
        self._watchers: set[Callable[[Coded], None]] = set()
        self._filming: asyncio.Task[None] | None = None
        self._key = True

    def watch(self, take: Callable[[Coded], None]) -> Callable[[], None]:
        """Give all that is coded from now on, a key picture first; call the answer to stop."""
        self._watchers.add(take)
        self._key = True
        if self._filming is None:
            self._filming = asyncio.get_running_loop().create_task(self._film())
        return lambda: self._leave(take)

    def want_key(self) -> None:
        """Make the next picture a key picture, as a viewer that lost one asks (PLI, FIR)."""
        self._key = True

    @abstractmethod
    async def _film(self) -> None:
        """Film until cancelled."""

    def _tell(self, coded: Coded) -> None:
        for take in list(self._watchers):
            take(coded)

    def _take_key(self) -> bool:
        """Tell whether the next picture is to be a key picture, this once."""
        key, self._key = self._key, False
        return key

    def _leave(self, take: Callable[[Coded], None]) -> None:
        self._watchers.discard(take)
        if not self._watchers and self._filming is not None:
            self._filming.cancel()
            self._filming = None


class Lens:
    """A street, somebody who walks, the moment: H.264, constrained baseline, level 3.1."""

    def __init__(
        self, number: int, size: tuple[int, int], *, pictures_s: int, bit_rate: int, key_every: int
    ) -> None:
        width, height = self.size = size
        self._pictures_s = pictures_s
        codec = self._codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, pictures_s), Fraction(pictures_s)
        codec.bit_rate, codec.gop_size, codec.profile = bit_rate, key_every, "Baseline"
        codec.options = {
            "preset": "ultrafast", "tune": "zerolatency", "level": "31",
            "x264-params": "forced-idr=1",
        }  # fmt: skip
        rows, columns = np.mgrid[0:height, 0:width]
        street = np.where(
            rows < height // 2, 170 - rows // 4, 60 + (rows - height // 2) // 3
        ).astype(np.int16)
        street[(rows > height // 2) & (abs(columns - width // 2) < (rows - height // 2))] = 95
        # Grain, as at night: without it a coder has nothing to send.
        grain = np.random.default_rng(number).integers(-4, 5, (4, height, width), np.int8)
        self._streets = (street + grain).astype(np.uint8)
        self._chroma = np.full((height // 2, width), 128, np.uint8)
        self._chroma[: height // 4] = 120 + 5 * (number % 5)

    def take(self, number: int, *, key: bool) -> list[Packet]:
        """Take the picture of that number and code it."""
        width, height = self.size
        luma = self._streets[number % len(self._streets)].copy()
        walk = _WALK_S * self._pictures_s
        left = int(number % walk / walk * (width - width // 12))
        luma[height // 3 : height * 3 // 4, left : left + width // 14] = 30
        write_clock(luma, int(time.time() * 1000))
        frame = av.VideoFrame.from_ndarray(np.concatenate([luma, self._chroma]), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, self._pictures_s)
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        return list(self._codec.encode(frame))


def write_clock(luma: np.ndarray, millis: int) -> None:
    """Write a moment, in milliseconds since 1970, along the lower edge of a picture."""
    value = millis & 0xFFFFFFFF
    bits = f"10{value:032b}{_check(value):06b}"
    height, width = luma.shape
    side = width // _BLOCKS
    blocks = np.array([235 if bit == "1" else 16 for bit in bits], np.uint8)
    luma[height - side :, : side * _BLOCKS] = np.repeat(blocks, side)


def read_clock(luma: np.ndarray) -> int | None:
    """Read the moment of a picture, in milliseconds modulo 2³²; None when there is none."""
    height, width = luma.shape
    side = width // _BLOCKS
    middle = luma[height - side // 2 - 1, side // 2 : side * _BLOCKS : side]
    bits = "".join("1" if level > 128 else "0" for level in middle)
    value = int(bits[2:34], 2)
    return value if bits[:2] == "10" and int(bits[34:], 2) == _check(value) else None


def _check(value: int) -> int:
    return sum(value >> shift & 63 for shift in range(0, 32, 6)) & 63
