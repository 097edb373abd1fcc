"""TETRA's Location Information Protocol, short and long reports: bits in, a report out. Pure.

ETSI TS 100 392-18-1 ("the standard" below). Requests, acknowledgements and triggers tell nothing
of a place and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hooks import Malformed, Position

#: SDS protocol identifier of LIP (EN 300 392-2, table 29.21).
PROTOCOL = 0x0A
#: Reason for sending: the emergency button, or a man-down alarm.
EMERGENCY = 2
POWERED_ON, POWERED_OFF, LOST_POSITION = 0, 1, 21

#: How old a position may be, by "time elapsed": the most it can be. 3: nobody knows.
_ELAPSED_S = {0: 5.0, 1: 300.0, 2: 1800.0, 3: None}
#: The most it may be off, by "position error", in metres. 7: nobody knows.
_ERROR_M = {0: 2.0, 1: 20.0, 2: 200.0, 3: 2e3, 4: 2e4, 5: 2e5, 6: None, 7: None}
#: Bits after longitude and latitude, by location shape; the ones that say how sure it is come first
#: (circle: uncertainty; ellipse: half the major axis). 10: point and position error.
_SHAPES = {1: 0, 2: 6, 3: 23, 4: 12, 5: 18, 6: 35, 7: 21, 8: 38, 10: 3}
_UNCERTAIN = (2, 3, 5, 6, 7, 8)
_ARC, _NO_SHAPE = 9, 0
#: Bits after the type of velocity.
_VELOCITY = {0: 0, 1: 7, 2: 10, 3: 15, 4: 21, 5: 15, 6: 21, 7: 32}
#: How far a clock may be ahead of ours before its day is taken for last month's.
_AHEAD = timedelta(minutes=2)

#: How a line on a radio's peripheral interface begins: an unsolicited result, or an answer.
INTERFACE = (b"+", b"OK", b"ERROR")
_SDS = re.compile(
    rb"\+CTSDSR:\s*(?P<service>\d+)\s*,\s*(?P<caller>\d+)[^\r\n]*[\r\n]+(?P<data>[0-9A-Fa-f]+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a radio reports."""

    position: Position | None  #: its `fixed_at` is the oldest it can be; None: age not known
    reason: int | None  #: why it was sent (table "Reason for sending"); None: user-defined data


class _Bits:
    """Bits, read from the first to the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._value = int(text, 16)
        self._left = 4 * len(text)

    def take(self, count: int) -> int:
        """Read an unsigned number of `count` bits; `Malformed` past the end."""
        if count > self._left:
            raise Malformed("sds", self._text, "a location report is longer: send it whole")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def signed(self, count: int) -> int:
        """Read a number in two's complement."""
        value = self.take(count)
        return value - (1 << count) if value >> (count - 1) else value


def read_report(text: str, received_at: datetime) -> Report | None:
    """Read the user data of an SDS, in hexadecimal, its protocol identifier first.

    None: it is not LIP, or is none of the two reports.

    Raises
    ------
    Malformed
        It is not hexadecimal, is cut short, or names a place that is not on earth.
    """
    if not text or len(text) > 512 or not re.fullmatch(r"[0-9A-Fa-f]+", text):
        raise Malformed("sds", text[:80], "write the SDS user data in hexadecimal")
    bits = _Bits(text)
    if bits.take(8) != PROTOCOL:
        return None
    kind = bits.take(2)
    if kind == 0:
        return _short(bits, received_at)
    if kind == 1 and bits.take(4) == 3:
        return _long(bits, received_at)
    return None


def _short(bits: _Bits, received_at: datetime) -> Report:
    """Read a short location report (standard, 6.2.1)."""
    elapsed_s = _ELAPSED_S[bits.take(2)]
    lon, lat = _lonlat(bits)
    accuracy_m = _ERROR_M[bits.take(3)]
    bits.take(7 + 4)  # velocity, direction: not used
    fixed_at = None if elapsed_s is None else received_at - timedelta(seconds=elapsed_s)
    position = _position(lon, lat, accuracy_m, fixed_at)
    return Report(position=position, reason=_reason(bits))


def _long(bits: _Bits, received_at: datetime) -> Report:
    """Read a long location report (standard, 6.2.2)."""
    fixed_at = _time(bits, received_at)
    shape = bits.take(4)
    position = None
    if shape == _ARC:  # a sector around the transmitter, not a place: its centre would mislead
        bits.take(25 + 24 + 16 + 16 + 8 + 8 + 3)
    elif shape in _SHAPES:
        lon, lat = _lonlat(bits)
        rest = _SHAPES[shape]
        accuracy_m = None
        if shape in _UNCERTAIN:
            accuracy_m, rest = _uncertainty_m(bits.take(6)), rest - 6
        elif shape == 10:
            accuracy_m, rest = _ERROR_M[bits.take(3)], 0
        bits.take(rest)
        position = _position(lon, lat, accuracy_m, fixed_at)
    elif shape != _NO_SHAPE:
        raise Malformed("sds.location_shape", shape, "write a shape of the standard, 0 to 10")
    bits.take(_VELOCITY[bits.take(3)])
    bits.take(1)  # acknowledgement request: nobody here answers the radio
    return Report(position=position, reason=_reason(bits))


def _time(bits: _Bits, received_at: datetime) -> datetime | None:
    kind = bits.take(2)
    if kind == 1:
        elapsed_s = _ELAPSED_S[bits.take(2)]
        return None if elapsed_s is None else received_at - timedelta(seconds=elapsed_s)
    if kind != 2:
        return None
    day, hour, minute, second = (bits.take(count) for count in (5, 5, 6, 6))
    return _in_this_month_or_the_last(received_at, day, hour, minute, second)


def _in_this_month_or_the_last(
    received_at: datetime, day: int, hour: int, minute: int, second: int
) -> datetime | None:
    """Complete a day of the month: the latest such moment that is not yet to come."""
    month = received_at.astimezone(UTC).replace(day=1)
    for _ in range(3):  # the 31st may be two months ago
        try:
            moment = month.replace(
                day=day, hour=hour, minute=minute, second=second, microsecond=0
            )  # fmt: skip
        except ValueError:
            moment = received_at + 2 * _AHEAD
        if moment <= received_at + _AHEAD:
            return moment
        month = (month - timedelta(days=1)).replace(day=1)
    return None


def _lonlat(bits: _Bits) -> tuple[float, float]:
    """Read longitude (25 bits, 360°/2²⁵) and latitude (24 bits, 180°/2²⁴)."""
    return bits.signed(25) * 360 / 2**25, bits.signed(24) * 180 / 2**24


def _uncertainty_m(code: int) -> float:
    """Read a horizontal position uncertainty: 2·1.2^(K+5) − 4 metres."""
    return float(2 * 1.2 ** (code + 5) - 4)


def _position(
    lon: float, lat: float, accuracy_m: float | None, fixed_at: datetime | None
) -> Position | None:
    if lon == 0 and lat == 0:
        return None  # what a receiver without a fix says
    return Position(lon=lon, lat=lat, accuracy_m=accuracy_m, fixed_at=fixed_at, source="tetra")


def _reason(bits: _Bits) -> int | None:
    user_defined, value = bits.take(1), bits.take(8)
    return None if user_defined else value


def read_sds_lines(body: bytes) -> Iterator[tuple[str, str]]:
    """Read what a radio says on its peripheral interface: the caller, the user data (hexadecimal).

    `+CTSDSR: <service>,<calling party>,…,<bits>` and the data on the next line (EN 300 392-5,
    unsolicited SDS; service 12 is type 4). What else the interface says (calls, registration) is
    passed over.

    Raises
    ------
    Malformed
        An SDS is announced in it, and not there.
    """
    found = list(_SDS.finditer(body))
    if not found and b"+CTSDSR" in body:
        raise Malformed("message", body[:80], "write +CTSDSR: … and the user data on the next line")
    for each in found:
        if int(each["service"]) == 12:
            yield each["caller"].decode(), each["data"].decode()
