"""What a simulated body-worn camera films and hears: real H.264 and Opus, coded as observed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from adapters._simulated.lens import Lens, Watched

#: Pictures and blocks of sound a second.
PICTURES_S, SOUNDS_S = 25, 50
#: Without being asked, a key picture comes that often (pictures).
KEY_EVERY = 250
BIT_RATE = 1_500_000
_RATE = 48_000
_SAMPLES = _RATE // SOUNDS_S


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded picture or block of sound."""

    kind: str  #: "video" or "audio"
    packet: av.Packet[Any]


class Scene(Watched[Coded]):
    """One camera's lens and microphone."""

    def __init__(self, number: int = 0) -> None:
        super().__init__()
        self.size = (640, 360)
        self.held = False  #: out of coverage: films, and nothing leaves
        self.loss = 0.0  #: the share of packets that the radio loses
        self._number = number

    async def _film(self) -> None:
        lens, microphone = self._lens(), _Microphone()
        start = time.monotonic()
        pictures = sounds = 0
        while True:
            due = min(pictures / PICTURES_S, sounds / SOUNDS_S)
            await asyncio.sleep(max(0.0, start + due - time.monotonic()))
            if sounds / SOUNDS_S <= due:
                self._send("audio", await asyncio.to_thread(microphone.code, sounds))
                sounds += 1
            if pictures / PICTURES_S <= due:
                if lens.size != self.size:
                    lens = self._lens()
                key = self._take_key()
                self._send("video", await asyncio.to_thread(lens.take, pictures, key=key))
                pictures += 1

    def _lens(self) -> Lens:
        return Lens(
            self._number, self.size, pictures_s=PICTURES_S, bit_rate=BIT_RATE, key_every=KEY_EVERY
        )

    def _send(self, kind: str, packets: list[av.Packet[Any]]) -> None:
        if not self.held:
            for packet in packets:
                self._tell(Coded(kind, packet))


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
