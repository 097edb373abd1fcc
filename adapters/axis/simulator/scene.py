"""What a simulated camera films: real H.264 and Opus, with the time written in the picture.

The clock is a row of black and white blocks along the lower edge, so that a test reads from the
decoded picture itself when it was taken. Nothing of it is Axis's; the coding is as observed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

#: Pictures and blocks of sound a second.
PICTURES_S, SOUNDS_S = 25, 50
#: Without being asked, a key picture comes that often (pictures).
KEY_EVERY = 250
#: The clock: blocks in a row, of which 2 mark the start, 32 are milliseconds and 6 check them.
BLOCKS, BITS = 40, 32
_RATE = 48_000
_SAMPLES = _RATE // SOUNDS_S


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded picture or block of sound."""

    kind: str  #: "video" or "audio"
    packet: av.Packet[Any]


class Scene:
    """One camera's lens and microphone: films while somebody watches."""

    def __init__(self, number: int = 0) -> None:
        self.size = (640, 360)
        self.held = False  #: out of coverage: films, and nothing leaves
        self.loss = 0.0  #: the share of packets that the radio loses
        self._number = number
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
        """Make the next picture a key picture (PLI, FIR)."""
        self._key = True

    def _leave(self, take: Callable[[Coded], None]) -> None:
        self._watchers.discard(take)
        if not self._watchers and self._filming is not None:
            self._filming.cancel()
            self._filming = None

    async def _film(self) -> None:
        lens, microphone = _Lens(self._number), _Microphone()
        start = time.monotonic()
        pictures = sounds = 0
        while True:
            due = min(pictures / PICTURES_S, sounds / SOUNDS_S)
            await asyncio.sleep(max(0.0, start + due - time.monotonic()))
            if sounds / SOUNDS_S <= due:
                self._tell("audio", await asyncio.to_thread(microphone.code, sounds))
                sounds += 1
            if pictures / PICTURES_S <= due:
                key, self._key = self._key, False
                coded = await asyncio.to_thread(lens.code, pictures, self.size, key)
                self._tell("video", coded)
                pictures += 1

    def _tell(self, kind: str, packets: list[av.Packet[Any]]) -> None:
        if not self.held:
            for packet in packets:
                for take in list(self._watchers):
                    take(Coded(kind, packet))


class _Lens:
    def __init__(self, number: int) -> None:
        self._number = number
        self._start((640, 360))

    def code(self, number: int, size: tuple[int, int], key: bool) -> list[av.Packet[Any]]:
        if size != self._size:
            self._start(size)
        frame = av.VideoFrame.from_ndarray(self._picture(number), format="yuv420p")
        frame.pts = number
        frame.time_base = Fraction(1, PICTURES_S)
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        return list(self._codec.encode(frame))

    def _start(self, size: tuple[int, int]) -> None:
        width, height = self._size = size
        codec = self._codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, PICTURES_S), Fraction(PICTURES_S)
        codec.bit_rate, codec.gop_size = 1_500_000, KEY_EVERY
        # 42e01f: constrained baseline, level 3.1, as observed.
        codec.profile = "Baseline"
        codec.options = {"preset": "ultrafast", "tune": "zerolatency", "level": "31",
                         "x264-params": "forced-idr=1"}  # fmt: skip
        rows, columns = np.mgrid[0:height, 0:width]
        street = np.where(
            rows < height // 2, 170 - rows // 4, 60 + (rows - height // 2) // 3
        ).astype(np.int16)
        street[(rows > height // 2) & (abs(columns - width // 2) < (rows - height // 2))] = 95
        # Grain, as at night: without it a coder has nothing to send.
        grain = np.random.default_rng(self._number).integers(-4, 5, (4, height, width), np.int8)
        self._streets = (street + grain).astype(np.uint8)

    def _picture(self, number: int) -> np.ndarray:
        width, height = self._size
        luma = self._streets[number % len(self._streets)].copy()
        # Someone walks from one side to the other in eight seconds.
        step = number % (8 * PICTURES_S) / (8 * PICTURES_S)
        left = int(step * (width - width // 12))
        luma[height // 3 : height * 3 // 4, left : left + width // 14] = 30
        write_clock(luma, int(time.time() * 1000))
        chroma = np.full((height // 2, width), 128, np.uint8)
        chroma[: height // 4] = 120 + 5 * (self._number % 5)
        return np.concatenate([luma, chroma])


class _Microphone:
    """Footsteps: a short low sound twice a second."""

    def __init__(self) -> None:
        codec = self._codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate, codec.format, codec.layout = _RATE, "s16", "stereo"
        codec.bit_rate, codec.time_base = 48_000, Fraction(1, _RATE)
        codec.options = {"application": "voip", "frame_duration": "20"}

    def code(self, number: int) -> list[av.Packet[Any]]:
        at = (np.arange(_SAMPLES) + number * _SAMPLES) / _RATE
        sound = np.where(at % 0.5 < 0.08, np.sin(2 * np.pi * 180 * at), 0.0)
        pcm = np.repeat((sound * 9000).astype(np.int16), 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, number * _SAMPLES, Fraction(1, _RATE)
        return list(self._codec.encode(frame))


def write_clock(luma: np.ndarray, millis: int) -> None:
    """Write milliseconds since 1970 (their last 32 bits) along the lower edge of a picture."""
    value = millis & 0xFFFFFFFF
    check = sum((value >> shift) & 63 for shift in range(0, BITS, 6)) & 63
    bits = [1, 0] + [value >> shift & 1 for shift in range(BITS - 1, -1, -1)]
    bits += [check >> shift & 1 for shift in range(5, -1, -1)]
    height, width = luma.shape
    side = width // BLOCKS
    row = np.repeat(np.array(bits, np.uint8) * 219 + 16, side)
    luma[height - side :, : side * BLOCKS] = row


def read_clock(luma: np.ndarray) -> int | None:
    """Read the clock of a picture; None when there is none, or it is torn."""
    height, width = luma.shape
    side = width // BLOCKS
    middle = luma[height - side // 2 - 1, side // 2 : side * BLOCKS : side]
    bits = [int(level > 128) for level in middle]
    value = int("".join(map(str, bits[2 : 2 + BITS])), 2)
    check = int("".join(map(str, bits[2 + BITS :])), 2)
    right = sum((value >> shift) & 63 for shift in range(0, BITS, 6)) & 63
    return value if bits[:2] == [1, 0] and check == right else None
