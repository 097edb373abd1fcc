"""Read JSON that others wrote, value by value. Pure.

What cannot be read is unknown, and the fault is noted: it never hides the rest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from hooks import Malformed, Position
from hooks.reading import Faults, number, printable

LONGEST_NAME, LONGEST_TEXT = 100, 200
MOST_MEMBERS = 20

_T = TypeVar("_T")


def name_of(said: Mapping[str, Any], where: str) -> str:
    """Read a crew's identifier, a text or a whole number.

    Raises
    ------
    Malformed
        There is none: nobody knows of whom this is said.
    """
    value = said.get("id")
    if isinstance(value, str | int) and not isinstance(value, bool):
        name = printable(str(value))
        if 0 < len(name) <= LONGEST_NAME:
            return name
    raise Malformed(
        f"{where}id", value, "write the crew's identifier, of 1 to {most} characters",
        most=LONGEST_NAME,
    )  # fmt: skip


def text(said: Mapping[str, Any], name: str, where: str, faults: Faults) -> str | None:
    """Read a short text; None when it is absent or null."""
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= LONGEST_TEXT:
        return printable(value)
    faults.append(
        Malformed(
            f"{where}{name}", value, "write a text of at most {most} characters", most=LONGEST_TEXT
        )
    )
    return None


def word(
    said: Mapping[str, Any],
    name: str,
    words: Mapping[str, _T],
    unknown: _T,
    where: str,
    faults: Faults,
) -> _T | None:
    """Read one of some words, whatever their case and accents; None when it is absent or null.

    A word nobody knows is `unknown`, not the last known one: a crew is not sent on a guess.
    """
    value = said.get(name)
    if value is None:
        return None
    found = words.get(_bare(value)) if isinstance(value, str) else None
    if found is None:
        known = ", ".join(words)
        faults.append(Malformed(f"{where}{name}", value, "write one of: {known}", known=known))
        return unknown
    return found


def _bare(value: str) -> str:
    apart = unicodedata.normalize("NFKD", value.casefold())
    plain = "".join(each for each in apart if not unicodedata.combining(each))
    return " ".join(plain.split())


def members(said: Mapping[str, Any], where: str, faults: Faults) -> tuple[str, ...] | None:
    """Read the call signs of a crew; None when they are absent or null."""
    value = said.get("members")
    if value is None:
        return None
    if isinstance(value, list) and len(value) <= MOST_MEMBERS:
        fit = [each for each in value if isinstance(each, str) and len(each) <= LONGEST_NAME]
        if len(fit) == len(value):
            return tuple(printable(each) for each in fit)
    faults.append(
        Malformed(
            f"{where}members", value, "write a list of at most {most} call signs", most=MOST_MEMBERS
        )
    )
    return None


def moment(said: Mapping[str, Any], name: str, where: str, faults: Faults) -> datetime | None:
    """Read a time in ISO 8601 with its zone; None when it is absent or not understood."""
    value = said.get(name)
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        pass
    field = f"{where}{name}"
    faults.append(Malformed(field, value, "write ISO 8601 with a zone, as 2026-11-23T18:04:05Z"))
    return None


def place(
    said: Mapping[str, Any], fixed_at: datetime, where: str, faults: Faults
) -> Position | None:
    """Read `lon`, `lat`, `accuracy_m`; None when there is no place, or none on earth.

    0/0 is what a receiver without a fix says.
    """
    before = len(faults)
    lon, lat = (number(said, name, faults, where) for name in ("lon", "lat"))
    accuracy_m = number(said, "accuracy_m", faults, where)
    field = f"{where}lon, lat"
    if lon is None or lat is None:
        if len(faults) == before and (lon, lat) != (None, None):
            faults.append(Malformed(field, [lon, lat], "write both, or neither"))
        return None
    if lon == 0 and lat == 0:
        faults.append(Malformed(field, [lon, lat], "0/0 is no place: write null without a fix"))
        return None
    if accuracy_m is not None and accuracy_m < 0:
        faults.append(Malformed(f"{where}accuracy_m", accuracy_m, "write metres, zero or more"))
        accuracy_m = None
    try:
        return Position(
            lon=lon, lat=lat, accuracy_m=accuracy_m, fixed_at=fixed_at, source="crew"
        )  # fmt: skip
    except ValueError:
        faults.append(Malformed(field, [lon, lat], "write degrees WGS 84, longitude first"))
        return None
