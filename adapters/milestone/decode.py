"""What XProtect answers, turned into cameras. Pure.

Releases differ: 23.2 writes numbers as strings, 25.1 as numbers; 0 and EMPTY mean that nobody
filled the form in, never north, never 0°N 0°E.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hooks import Camera, CameraId, CameraKind, Position

log = logging.getLogger(__name__)

Row = Mapping[str, Any]

#: `POINT (lon lat)`, longitude first; some write an altitude (above the sea) as third number.
_POINT = re.compile(r"POINT\s*Z?\s*\(\s*(\S+)\s+(\S+)(?:\s+\S+)?\s*\)", re.IGNORECASE)
_EMPTY = re.compile(r"(POINT\s*Z?\s*EMPTY)?", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KINDS = {True: CameraKind.PTZ, False: CameraKind.FIXED, None: CameraKind.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Box:
    """A device that cameras are channels of."""

    address: str = ""
    enabled: bool = True
    recorder: str = ""  #: the GUID of its recording server


_NO_BOXES: Mapping[str, Box] = MappingProxyType({})


def read_hardware(rows: Iterable[object]) -> dict[str, Box]:
    """Read the devices by GUID; rows may come one by one, and none is kept."""
    boxes = {}
    for row in _rows(rows, "hardware"):
        address = row.get("address")
        boxes[str(row.get("id")).lower()] = Box(
            address=address if isinstance(address, str) else "",
            enabled=str(row.get("enabled")).lower() != "false",
            recorder=_parent(row),
        )
    return boxes


def read_cameras(rows: Iterable[object], boxes: Mapping[str, Box] = _NO_BOXES) -> list[Camera]:
    """Read an inventory, with the hardware its cameras are channels of.

    A value that makes no sense is unknown, and logged with the camera's id, the field and the
    value. A row without id is left out, and logged. A camera listed twice is given once. A camera
    of a device that is disabled gives no picture, whatever is said of itself.
    """
    cameras: dict[CameraId, Camera] = {}
    for row in _rows(rows, "camera"):
        guid = row.get("id")
        if not isinstance(guid, str) or not guid.strip():
            log.warning("a camera without id in the inventory: %.200r; left out", row)
            continue
        cameras.setdefault(camera_id(guid), _camera(row, guid.strip().lower(), boxes))
    return list(cameras.values())


def camera_id(guid: str) -> CameraId:
    """Name a camera: GUIDs are compared without regard to case."""
    return CameraId(f"milestone:{guid.strip().lower()}")


def guid_of(camera: str) -> str | None:
    """Give the GUID of one of our cameras; None for somebody else's."""
    adapter, _, guid = camera.partition(":")
    return guid if adapter == "milestone" and guid else None


def read_guid(text: str) -> str | None:
    """Read a GUID as people copy them, in capitals or braces; None when it is none."""
    guid = text.strip().strip("{}").lower()
    return guid if _GUID.fullmatch(guid) else None


def _rows(found: Iterable[object], kind: str) -> Iterable[Row]:
    for row in found:
        if isinstance(row, Mapping):
            yield row
        else:
            log.warning("a %s that is no object in the inventory: %.80r; left out", kind, row)


def _camera(row: Row, guid: str, boxes: Mapping[str, Box]) -> Camera:
    parent = _parent(row)
    box = boxes.get(parent, Box())
    known = {"hardware": parent, "address": box.address, "recorder": box.recorder}
    extra = {name: value for name, value in known.items() if value}
    if row.get("channel") is not None:
        extra["channel"] = str(row["channel"])[:20]
    return Camera(
        id=camera_id(guid),
        name=_name(row) or guid,
        position=_position(row),
        kind=_KINDS[_flag(row, "ptzEnabled")],
        heading_deg=_heading(row),
        fov_deg=_degrees(row, "coverageFieldOfView"),
        range_m=_number(row, "coverageDepth"),
        enabled=box.enabled and _flag(row, "enabled") is not False,
        extra=extra,
    )


def _parent(row: Row) -> str:
    """Give the parent's id: of a camera its hardware (an encoder has several), else its server."""
    relations = row.get("relations")
    parent = relations.get("parent") if isinstance(relations, Mapping) else None
    found = parent.get("id") if isinstance(parent, Mapping) else None
    return found.lower() if isinstance(found, str) else ""


def _name(row: Row) -> str:
    for field in ("name", "displayName"):
        value = row.get(field)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value not in (None, ""):
            _doubt(row, field, "not a name")
    return ""


def _position(row: Row) -> Position | None:
    text = row.get("gisPoint")
    if text is None or (isinstance(text, str) and _EMPTY.fullmatch(text.strip())):
        return None
    match = _POINT.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        _doubt(row, "gisPoint", "not POINT (longitude latitude)")
        return None
    try:
        lon, lat = float(match[1]), float(match[2])
        return Position(lon=lon, lat=lat, source="milestone") if lon or lat else None
    except ValueError as error:
        _doubt(row, "gisPoint", error)
        return None


def _heading(row: Row) -> float | None:
    turned = _degrees(row, "coverageDirection")
    return None if turned is None else turned % 360


def _degrees(row: Row, field: str) -> float | None:
    """Read an angle written as a part of a whole turn: 0.25 is 90 degrees."""
    part = _number(row, field)
    if part is not None and part > 1:
        _doubt(row, field, "more than a whole turn")
        return None
    return None if part is None else part * 360


def _number(row: Row, field: str) -> float | None:
    """Read a positive number, or its text; 0 is a form that nobody filled in."""
    value = row.get(field)
    if value is None or value == "":
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        _doubt(row, field, "not a positive number")
        return None
    return number or None


def _flag(row: Row, field: str) -> bool | None:
    value = row.get(field)
    if value is None or value == "":
        return None
    flag = {"true": True, "false": False}.get(str(value).lower())
    if flag is None:
        _doubt(row, field, "neither true nor false")
    return flag


def _doubt(row: Row, field: str, why: object) -> None:
    log.warning(
        "camera %.40s: %s = %.80r: %s; kept as unknown", row.get("id"), field, row[field], why
    )
