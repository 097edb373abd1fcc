"""The shape of a property's value: what a body may hold, and what is said of it when it may not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

Shape = Callable[[object], bool]
_POINT = re.compile(r"POINT (EMPTY|\((-?[\d.]+) (-?[\d.]+)( -?[\d.]+)?\))")


def text(value: object) -> bool:
    """Accept any text."""
    return isinstance(value, str)


def filled(value: object) -> bool:
    """Accept a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def flag(value: object) -> bool:
    """Accept true or false."""
    return isinstance(value, bool)


def number(value: object) -> bool:
    """Accept a number; older releases write and take it as a text."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def between(low: float, high: float) -> Shape:
    """Accept a number within limits, both included."""
    return lambda value: number(value) and low <= float(str(value)) <= high


def among(*words: str) -> Shape:
    """Accept one of these words."""
    return lambda value: value in words


def identifier(value: object) -> bool:
    """Accept a GUID."""
    try:
        UUID(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


def path(*kinds: str) -> Shape:
    """Accept a path, `{"type": …, "id": …}`, as `relations` holds them."""

    def fits(value: object) -> bool:
        if not isinstance(value, Mapping) or set(value) != {"type", "id"}:
            return False
        return identifier(value["id"]) and (not kinds or value["type"] in kinds)

    return fits


def several(shape: Shape) -> Shape:
    """Accept a list of such values."""
    return lambda value: isinstance(value, list) and all(shape(each) for each in value)


def mapping(value: object) -> bool:
    """Accept an object, whose inside is not looked at."""
    return isinstance(value, dict)


def anything(_value: object) -> bool:
    """Accept whatever it is."""
    return True


def gis_point(value: object) -> bool:
    """Accept well-known text, longitude first, within the globe."""
    match = _POINT.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2] is None:
        return match is not None
    return abs(float(match[2])) <= 180 and abs(float(match[3])) <= 90


def wrong(body: Mapping[str, Any], shapes: Mapping[str, Shape]) -> str | None:
    """Name the first property whose value does not fit; None when all do."""
    return next((name for name, value in body.items() if not shapes[name](value)), None)
