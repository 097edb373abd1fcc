"""RTP packets in, whole pictures out: in order, complete, and a key picture after any loss. Pure.

A picture is given the moment its last packet is here. The usual jitter buffer waits for the next
picture to begin, which costs 40 ms of an officer's life at 25 pictures a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hooks import Codec, Sample
from hooks.live import units

#: How long a missing packet is waited for: it is asked for again (NACK), and a mobile link takes
#: its time. Then the picture is given up.
PATIENCE_S = 0.25
#: More packets than that held back: two seconds of picture; the gap will not be filled.
HELD_MOST = 1000
#: While a key picture is awaited, it is asked for that often.
ASK_S = 0.5
#: A media clock further off the wall clock than that is set again.
ADRIFT_S = 2.0

_IDR, _SPS, _PPS = 5, 7, 8
_START = b"\x00\x00\x00\x01"

Give = Callable[[Sample], None]
Clock = Callable[[], float]


class Packet(Protocol):
    """What is read of an RTP packet."""

    sequence_number: int
    timestamp: int
    marker: int
    payload: bytes
    _data: bytes  # H.264: the payload as a piece of an Annex B stream


class Pictures:
    """Assembles H.264 pictures (RFC 6184)."""

    def __init__(self, give: Give, clock: Clock) -> None:
        self._give, self._clock = give, clock
        self._sequence, self._time = _Unwrapped(16), _Timeline(90_000)
        self._held: dict[int, tuple[float, Packet]] = {}
        self._next: int | None = None
        self._parts: list[bytes] = []
        self._stamp: int | None = None
        self._torn = False  #: what is being put together lacks a piece
        self._waiting = True  #: for a key picture
        self._asked_at = -ASK_S
        self._sets: dict[int, bytes] = {}

    def add(self, packet: Packet) -> bool:
        """Take a packet; answer whether a key picture is to be asked for."""
        now = self._clock()
        number = self._sequence(packet.sequence_number)
        if self._next is None:
            self._next = number
        if number >= self._next:
            self._held[number] = (now, packet)
        self._release(now)
        if self._held:
            oldest = min(self._held)
            since, packet = self._held[oldest]
            if now - since > PATIENCE_S or len(self._held) > HELD_MOST:
                self._give_up_to(oldest, packet)
                self._asked_at = now - ASK_S
                self._release(now)
        return self._asks(now)

    def _give_up_to(self, number: int, packet: Packet) -> None:
        """Go on after a gap: the picture it falls into has no beginning."""
        self._next, self._stamp = number, packet.timestamp
        self._torn = self._waiting = True
        self._parts.clear()

    def _asks(self, now: float) -> bool:
        if not self._waiting or now - self._asked_at < ASK_S:
            return False
        self._asked_at = now
        return True

    def _release(self, now: float) -> None:
        while self._next in self._held:
            _, packet = self._held.pop(self._next)
            self._next += 1
            if packet.timestamp != self._stamp:
                self._finish(now)  # a sender that marks no ends
                self._stamp = packet.timestamp
            self._parts.append(packet._data)
            if packet.marker:
                self._finish(now)

    def _finish(self, now: float) -> None:
        parts, torn = self._parts, self._torn
        self._parts, self._torn = [], False
        if not parts or torn or self._stamp is None:
            return
        data = b"".join(parts)
        kinds = {}
        for unit in units(data):
            kinds[unit[0] & 0x1F] = unit
        self._sets |= {kind: kinds[kind] for kind in (_SPS, _PPS) if kind in kinds}
        key = _IDR in kinds
        if self._waiting and not (key and len(self._sets) == 2):
            return
        self._waiting = False
        if key:
            lacking = (self._sets[kind] for kind in (_SPS, _PPS) if kind not in kinds)
            data = b"".join(_START + unit for unit in lacking) + data
        at_s = self._time(self._stamp, now)
        self._give(Sample(codec=Codec.H264, data=data, at_s=at_s, key=key))


class Sounds:
    """Passes sound on, one packet a block; what comes after its turn is left out."""

    def __init__(self, codec: Codec, rate: int, give: Give, clock: Clock) -> None:
        self._codec, self._give, self._clock = codec, give, clock
        self._sequence, self._time = _Unwrapped(16), _Timeline(rate)
        self._last = -1

    def add(self, packet: Packet) -> bool:
        """Take a packet; sound has no key."""
        number = self._sequence(packet.sequence_number)
        if number > self._last and packet.payload:
            self._last = number
            at_s = self._time(packet.timestamp, self._clock())
            self._give(Sample(codec=self._codec, data=packet.payload, at_s=at_s, key=True))
        return False


@dataclass(slots=True)
class _Unwrapped:
    """A counter of so many bits that goes round, made one that only grows."""

    bits: int
    _newest: int | None = None

    def __call__(self, value: int) -> int:
        size = 1 << self.bits
        if self._newest is None:
            self._newest = value + size  # a late first packet must not go below zero
            return self._newest
        ahead = (value - self._newest + size // 2) % size - size // 2
        number = self._newest + ahead
        self._newest = max(self._newest, number)
        return number


class _Timeline:
    """Puts a sender's media clock on ours: picture and sound then share one."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._unwrapped = _Unwrapped(32)
        self._origin: float | None = None

    def __call__(self, stamp: int, now: float) -> float:
        said = self._unwrapped(stamp) / self._rate
        if self._origin is None or abs(self._origin + said - now) > ADRIFT_S:
            self._origin = now - said
        return self._origin + said
