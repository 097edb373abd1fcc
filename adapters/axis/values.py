"""Read JSON that others wrote, value by value. Pure.

What cannot be read is unknown, and the fault is noted: it never hides the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hooks import Malformed, Position
from hooks.errors import shown
from hooks.reading import Faults, number, printable

LONGEST_TEXT = 200
#: A time further from ours than that is no time: a clock that was never set.
LONG_AGO, FAR_AHEAD = timedelta(days=366), timedelta(days=1)
#: A receiver's clock may be that far ahead of the message that tells its fix.
GNSS_AHEAD = timedelta(minutes=2)


def objects(value: object, *path: str) -> Mapping[str, Any]:
    """Walk down objects; `Malformed` names the one that is missing, by its path."""
    walked = []
    for name in path:
        walked.append(name)
        value = value.get(name) if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping):
            raise Malformed(".".join(walked), value, "write an object here")
    found: Mapping[str, Any] = value  # type: ignore[assignment]
    return found


def text(where: Mapping[str, Any], name: str, faults: Faults) -> str:
    """Read a short text, fit to be shown and stored; empty when it is absent or null."""
    value = where.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        faults.append(
            Malformed(name, value, "write a text of at most {most} characters", most=LONGEST_TEXT)
        )
        return ""
    return printable(value)


def moment(
    where: Mapping[str, Any], name: str, received_at: datetime, faults: Faults
) -> datetime | None:
    """Read a time in RFC 3339, however many decimals; None when absent or not to be believed."""
    value = where.get(name)
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        read = None
    if read is None or read.tzinfo is None:
        faults.append(Malformed(name, value, "write RFC 3339 with a zone, as 2026-11-23T18:04:05Z"))
        return None
    if not received_at - LONG_AGO <= read <= received_at + FAR_AHEAD:
        faults.append(Malformed(name, value, "set the clock: it was received at another time"))
        return None
    return read.astimezone(UTC)


def place(
    where: Mapping[str, Any], accuracy: str, fixed_at: datetime | None, faults: Faults
) -> Position | None:
    """Read `lat`, `lon` and an accuracy in metres, named `accuracy`; None when there is no fix.

    Zeros all over are how a camera without a fix says so (both recorded samples).
    """
    before = len(faults)
    lat, lon = number(where, "lat", faults), number(where, "lon", faults)
    accuracy_m = number(where, accuracy, faults)
    if lat is None or lon is None:
        if len(faults) == before and (lat, lon) != (None, None):
            faults.append(Malformed("lat, lon", [lat, lon], "write both, or neither"))
        return None
    if lat == 0 and lon == 0:
        if accuracy_m:
            faults.append(Malformed("lat, lon", [lat, lon], "0/0 is no place: write null"))
        return None
    if accuracy_m is not None and not 0 < accuracy_m < 1e6:
        if accuracy_m != 0:
            faults.append(Malformed(accuracy, accuracy_m, "write metres above zero"))
        accuracy_m = None
    try:
        return Position(
            lon=lon, lat=lat, accuracy_m=accuracy_m, fixed_at=fixed_at, source="gnss"
        )  # fmt: skip
    except ValueError:
        faults.append(
            Malformed(
                "lat, lon", [lat, lon], "write degrees WGS 84: latitude to ±90, longitude to ±180"
            )
        )
        return None


def noted(faults: Faults) -> dict[str, str]:
    """Write faults for the `extra` of a press that is told in spite of them."""
    return {f"fault.{fault.field}": printable(shown(fault.field, fault.value)) for fault in faults}
