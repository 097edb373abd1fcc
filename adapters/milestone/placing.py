"""Where cameras stand and look, written into XProtect when GIS staff ask for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapters.milestone.decode import guid_of
from adapters.milestone.gateway import DeclinedError
from hooks import Camera, CameraId

if TYPE_CHECKING:
    from adapters.milestone.gateway import Gateway

log = logging.getLogger(__name__)


def geography(camera: Camera, row: Mapping[str, Any]) -> dict[str, Any]:
    """Say what is to be written: what we know, in the type in which the site writes it. Pure.

    Parameters
    ----------
    row
        The camera as the site gives it now: 23.2 writes numbers as texts.
    """
    body: dict[str, Any] = {}
    if camera.position is not None:
        # "POINT (lon lat [altitude])": an altitude that somebody typed in stays.
        place = f"{camera.position.lon:.8f} {camera.position.lat:.8f}"
        body["gisPoint"] = f"POINT ({place}{_altitude(row.get('gisPoint'))})"
    parts = {
        # 0 stands for never filled in: due north is a whole turn.
        "coverageDirection": None if camera.heading_deg is None else camera.heading_deg / 360 or 1,
        "coverageFieldOfView": None if camera.fov_deg is None else camera.fov_deg / 360,
        "coverageDepth": camera.range_m,
    }
    for name, value in parts.items():
        if value is not None:
            number = round(float(value), 8)
            body[name] = f"{number:.8g}" if isinstance(row.get(name), str) else number
    return body


def _altitude(point: object) -> str:
    numbers = str(point or "").rpartition("(")[2].partition(")")[0].split()
    return f" {numbers[2]}" if len(numbers) == 3 else ""


def place(gateway: Gateway, cameras: Sequence[Camera]) -> tuple[CameraId, ...]:
    """Write them one by one; one that is refused is logged and left out of the answer.

    Raises
    ------
    Unreachable, Refused
        The site does not answer, or refuses the account: what was written is written.
    """
    written = []
    for camera in cameras:
        guid = guid_of(camera.id)
        if guid is None:
            continue
        path = f"cameras/{guid}"
        try:
            found = gateway.read(gateway.ask("GET", path), path).get("data")
            body = geography(camera, found if isinstance(found, dict) else {})
            if body:
                gateway.ask("PATCH", path, body)
        except DeclinedError as error:
            log.warning("camera %s keeps its place: %s", guid, error)
            continue
        written.append(camera.id)
    return tuple(written)
