"""The officer's voice: Opus inside; G.711 or AAC for VMSs, and whatever a source gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av

from hooks import Codec, Sample

#: Twenty milliseconds in which nobody speaks, as Opus writes them (RFC 6716, 2.1.9).
SILENCE, SILENCE_S = b"\xf8\xff\xfe", 0.02
#: Sound further off than that begins anew: something was lost between.
HOLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Sound:
    """How a stream of sound is described (SDP) and coded."""

    coder: str  #: FFmpeg's name; empty: passed on as it comes
    payload_type: int
    rate: int
    channels: int
    rtpmap: str
    fmtp: str = ""
    onvif: str = ""  #: ONVIF's words for it, in media services 1 and 2
    onvif2: str = ""


#: By the word of the setting. AAC: low complexity, 48 kHz, one channel (config 1188).
SOUNDS = {
    "pcma": Sound("pcm_alaw", 8, 8000, 1, "PCMA/8000", "", "G711", "PCMA"),
    "pcmu": Sound("pcm_mulaw", 0, 8000, 1, "PCMU/8000", "", "G711", "PCMU"),
    "aac": Sound(
        "aac", 97, 48_000, 1, "MPEG4-GENERIC/48000/1",
        "streamtype=5;profile-level-id=1;mode=AAC-hbr;config=1188;"
        "sizelength=13;indexlength=3;indexdeltalength=3", "AAC", "MP4A-LATM",
    ),
    "opus": Sound("", 97, 48_000, 2, "opus/48000/2"),
}  # fmt: skip


class Translator:
    """Codes sound anew, block by block; one for each listener."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._ear = cast("Any", av.CodecContext.create("libopus", "r"))
        self._mouth = cast("Any", av.CodecContext.create(sound.coder, "w"))
        self._mouth.sample_rate = sound.rate
        self._mouth.layout = "mono"
        self._mouth.format = "fltp" if sound.coder == "aac" else "s16"
        self._mouth.time_base = Fraction(1, sound.rate)
        # 20 ms a packet; AAC wants frames of 1024 samples.
        size = 1024 if sound.coder == "aac" else sound.rate // 50
        self._between = av.AudioResampler(self._mouth.format, "mono", sound.rate, size)
        self._given = 0
        self._start_s: float | None = None

    def translate(self, sample: Sample) -> Iterator[tuple[float, bytes]]:
        """Give what the sample became: when it is to be heard, and the coded block."""
        if sample.codec is not Codec.OPUS or not sample.data:
            return  # nothing is what tells a decoder that it is over
        if self._start_s is None or abs(self._at_s() - sample.at_s) > HOLE_S:
            self._start_s, self._given = sample.at_s, 0
        for heard in _heard(self._ear, av.Packet(sample.data)):
            heard.pts = None
            for block in self._between.resample(heard):
                block.pts = self._given
                for packet in self._mouth.encode(block):
                    yield self._at_s(), bytes(packet)
                self._given += block.samples

    def _at_s(self) -> float:
        return (self._start_s or 0.0) + self._given / self._sound.rate


class Opus:
    """Makes Opus of a source's sound, block by block; what is Opus already passes as it is."""

    def __init__(self, ear: Any) -> None:
        self._ear = ear
        self._passes = ear.name in ("opus", "libopus")
        mouth = self._mouth = cast("Any", av.CodecContext.create("libopus", "w"))
        mouth.sample_rate, mouth.format, mouth.layout = 48_000, "s16", "stereo"
        mouth.bit_rate, mouth.time_base = 48_000, Fraction(1, 48_000)
        mouth.options = {"application": "voip", "frame_duration": "20"}
        self._between = av.AudioResampler("s16", "stereo", 48_000, 960)
        self._start_s: float | None = None
        self._given = 0

    def take(self, packet: Any) -> Iterator[Sample]:
        """Give what a packet of the source becomes."""
        if packet.pts is None or not packet.size:
            return
        at_s = float(packet.pts * packet.time_base)
        if self._passes:
            yield _block(bytes(packet), at_s)
            return
        if self._start_s is None or abs(self._start_s + self._given / 48_000 - at_s) > HOLE_S:
            self._start_s, self._given = at_s, 0
        for heard in _heard(self._ear, packet):
            heard.pts = None
            for block in self._between.resample(heard):
                block.pts = self._given
                for coded in self._mouth.encode(block):
                    yield _block(bytes(coded), self._start_s + self._given / 48_000)
                self._given += block.samples


def _heard(ear: Any, packet: Any) -> list[Any]:
    """Decode a block; one that cannot be read is not heard, and costs no picture."""
    try:
        return list(ear.decode(packet))
    except av.FFmpegError:
        return []


def _block(data: bytes, at_s: float) -> Sample:
    return Sample(codec=Codec.OPUS, data=data, at_s=at_s, key=True)
