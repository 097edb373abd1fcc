"""What XProtect answers, turned into cameras; and the words of our own alarms. Pure.

Releases differ: 23.2 writes numbers as strings, 25.1 as numbers; 0 and EMPTY mean that nobody
filled the form in, never north, never 0°N 0°E.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hooks import Camera, CameraId, CameraKind, Picture, Position

log = logging.getLogger(__name__)

#: `POINT (lon lat)` or `POINT (lon lat altitude)`: longitude first.
_POINT = re.compile(r"POINT\s*Z?\s*\(\s*(\S+)\s+(\S+)(?:\s+\S+)?\s*\)", re.IGNORECASE)
#: Longest message an alarm list shows whole.
LONGEST = 1000


def read_cameras(
    rows: Iterable[Mapping[str, Any]], hardware: Mapping[str, Mapping[str, Any]]
) -> list[Camera]:
    """Read an inventory; `hardware` by id. A value that makes no sense is unknown, and logged."""
    cameras = []
    for row in rows:
        identifier = row.get("id")
        if not isinstance(identifier, str) or not identifier:
            log.warning("a camera without id in the inventory: %.200r", row)
            continue
        parent = _parent(row)
        extra = {"hardware": parent} if parent else {}
        address = hardware.get(parent, {}).get("address")
        if isinstance(address, str):
            extra["address"] = address
        cameras.append(
            Camera(
                id=camera_id(identifier),
                name=str(row.get("name") or row.get("displayName") or identifier),
                position=_position(row),
                kind=CameraKind.PTZ if row.get("ptzEnabled") is True else CameraKind.UNKNOWN,
                heading_deg=_turns(row, "coverageDirection"),
                fov_deg=_turns(row, "coverageFieldOfView"),
                range_m=_number(row, "coverageDepth"),
                enabled=row.get("enabled") is not False,
                extra=extra,
            )
        )
    return cameras


def camera_id(guid: str) -> CameraId:
    """Name a camera: GUIDs are compared without regard to case."""
    return CameraId(f"milestone:{guid.lower()}")


def guid_of(camera: str) -> str | None:
    """Give the GUID of one of our cameras; None for somebody else's."""
    adapter, _, guid = camera.partition(":")
    return guid if adapter == "milestone" else None


def _parent(row: Mapping[str, Any]) -> str:
    relations = row.get("relations")
    parent = relations.get("parent") if isinstance(relations, Mapping) else None
    found = parent.get("id") if isinstance(parent, Mapping) else None
    return found if isinstance(found, str) else ""


def _position(row: Mapping[str, Any]) -> Position | None:
    text = row.get("gisPoint")
    if not isinstance(text, str) or "EMPTY" in text.upper() or not text:
        return None
    match = _POINT.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError("not a WKT point")
        return Position(lon=float(match[1]), lat=float(match[2]), source="milestone")
    except ValueError as error:
        _doubt(row, "gisPoint", error)
        return None


def _turns(row: Mapping[str, Any], field: str) -> float | None:
    """Read an angle written as a part of a whole turn; 0 is a form nobody filled in."""
    value = _number(row, field)
    if value is None:
        return None
    if value > 1:
        _doubt(row, field, ValueError("more than a turn"))
        return None
    return value * 360 if field == "coverageFieldOfView" else (value * 360) % 360


def _number(row: Mapping[str, Any], field: str) -> float | None:
    value = row.get(field)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        _doubt(row, field, error)
        return None
    if not math.isfinite(number) or number < 0:
        _doubt(row, field, ValueError("not a length nor an angle"))
        return None
    return number or None


def _doubt(row: Mapping[str, Any], field: str, why: Exception) -> None:
    log.warning("camera %s: %s = %.80r: %s; kept as unknown", row.get("id"), field, row[field], why)


# --- alarms ---


def reference(picture: Picture) -> str:
    """Write the mark by which we find our own alarm again."""
    return f"[renfort:{picture.incident}]"


def message(picture: Picture) -> str:
    """Write an alarm's message: what the operator reads, then our mark."""
    mark = reference(picture)
    text = picture.text.replace("\n", " ").strip()
    return f"{text[: LONGEST - len(mark) - 1]} {mark}".strip()


def find(alarms: Iterable[Mapping[str, Any]], mark: str) -> str | None:
    """Find our alarm by its mark in a page of alarms; the oldest one if there were ever two."""
    found = [
        alarm for alarm in alarms
        if mark in str(alarm.get("message", "")) and isinstance(alarm.get("id"), str)
    ]  # fmt: skip
    found.sort(key=lambda alarm: str(alarm.get("time", "")))
    return str(found[0]["id"]) if found else None
