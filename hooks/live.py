"""The live picture and sound of a running activation: how they cross from an adapter to the host.

They cross coded, as the maker codes them: nothing is decoded, nothing is coded anew, and nothing
is kept (CSI R241-13: the feed at the command post is not recorded a second time).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hooks._values import OpenEnum
from hooks.basics import Message


class Codec(OpenEnum):
    """What a live source is made of."""

    H264 = "h264"
    H265 = "h265"
    OPUS = "opus"
    AAC = "aac"
    PCMU = "pcmu"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One whole coded picture, or one block of coded sound."""

    codec: Codec
    #: H.264, H.265: an access unit with its start codes (Annex B); sound: one frame. In no log.
    data: bytes = field(repr=False)
    at_s: float  #: when it is to be shown: seconds of a clock that picture and sound share
    key: bool = False  #: a picture that needs no earlier one, its parameter sets with it


def units(picture: bytes) -> Iterator[bytes]:
    """Split a coded picture (Annex B) into its NAL units, without start codes."""
    start = picture.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        end = picture.find(b"\x00\x00\x01", start)
        unit = picture[start : end if end >= 0 else len(picture)].rstrip(b"\x00")
        if unit:
            yield unit
        start = end


class Screen(Protocol):
    """What the host hands to a running live source. All of it is called on the source's loop."""

    def show(self, sample: Sample) -> None:
        """Take a sample; never waits. Samples come in the order of their time, per codec."""
        ...

    def lost(self, why: Message) -> None:
        """Say that nothing comes for the moment, and why; the next sample says that it is over."""
        ...

    async def key_wanted(self) -> None:
        """Wait until somebody needs a key picture: a viewer has come, or has lost one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Where the live picture and its sound come from, while it may be watched.

    Give `run` when the adapter speaks the maker's own protocol: it connects, hands samples to the
    screen, and raises when the connection is lost; it ends by being cancelled, and the host runs it
    again with back-off. Give `url` (`rtsp://`, H.264) when the host can pull it as it stands.

    The host opens one session a picture, whatever the number of viewers: each costs the wearer's
    uplink, or a recorder a stream.
    """

    url: str = ""
    run: Callable[[Screen], Awaitable[None]] | None = None
    video: Codec = Codec.UNKNOWN
    audio: Codec | None = None  #: None: no sound
    expires_at: datetime | None = None
