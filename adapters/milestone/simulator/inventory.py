"""The cameras of the simulated site: made up, or read from a town's layer."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

_HOUSE = UUID("5c1b2f0e-3c55-4f4e-9b3d-8f4f6f0a1c11")


def guid(text: str) -> str:
    """Give the GUID of a thing, the same for the same name."""
    return str(uuid5(_HOUSE, text))


@dataclass(slots=True, kw_only=True)
class Camera:
    """A camera and its hardware, as Management Client knows them.

    `place` is longitude, latitude and perhaps altitude, WGS 84; None where nobody filled it in.
    `heading_deg` is from north, clockwise. `online`: the recording server reaches it. `worn`: it
    stands for a body-worn camera.
    """

    id: str
    name: str
    place: tuple[float, ...] | None = None
    heading_deg: float | None = None
    fov_deg: float | None = None
    depth_m: float | None = None
    ptz: bool = False
    enabled: bool = True
    online: bool = True
    worn: bool = False

    @property
    def hardware(self) -> str:
        """The GUID of the device this camera is a channel of."""
        return guid(f"hardware of {self.id}")


def worn_cameras(pairs: list[str]) -> dict[str, Camera]:
    """Read `SERIAL=NAME` options: one camera without a place for each serial number."""
    worn = {}
    for text in pairs:
        serial, _, name = (part.strip() for part in text.partition("="))
        if not (serial and name):
            raise SystemExit(f"--bodyworn {text}: write SERIAL=NAME, as B8A44F00A001=PM-214")
        identifier = guid(f"body-worn {serial}")
        worn[serial] = Camera(id=identifier, name=f"{name} ({serial})", worn=True)
    return worn


def make_cameras(count: int) -> list[Camera]:
    """Make up a site at La Grande-Motte: every kind of half-filled form is there."""
    made = []
    for number in range(count):
        aimed, placed = number % 3 != 0, number % 7 != 6
        place = (4.075 + 0.0007 * (number % 40), 43.555 + 0.0006 * (number // 40))
        made.append(
            Camera(
                id=guid(f"camera {number}"),
                name=f"Caméra {number + 1:03d}",
                place=place if placed else None,
                heading_deg=(37.0 * number) % 360 if aimed else None,
                fov_deg=62.0 if aimed else None,
                depth_m=60.0 if aimed else None,
                ptz=number % 4 == 1,
                enabled=number % 11 != 10,
            )
        )
    return made


def read_cameras(path: Path) -> list[Camera]:
    """Read a GeoJSON collection of points; leave with the feature and the field that are wrong.

    Properties: `name`, `heading_deg`, `fov_deg`, `kind` (`fixed`, `dome`, `ptz`); `id` or `vms_id`
    is kept when it is a GUID.
    """
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        cameras = [_camera(number, feature) for number, feature in enumerate(features)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"--cameras {path}: {type(error).__name__}: {error}") from error
    for identifier, times in Counter(camera.id for camera in cameras).items():
        if times > 1:
            raise SystemExit(f"--cameras {path}: id {identifier} is given {times} times")
    return cameras


def _camera(number: int, feature: Mapping[str, Any]) -> Camera:
    said, geometry = feature["properties"], feature.get("geometry")
    name = str(said.get("name") or f"Camera {number + 1}")
    kind = said.get("kind") or "fixed"
    if kind not in ("fixed", "dome", "ptz"):
        raise ValueError(f"feature {number}: kind is {kind!r}; write fixed, dome or ptz")
    if geometry and geometry["type"] != "Point":
        raise ValueError(f"feature {number}: geometry is a {geometry['type']}; give a Point")
    return Camera(
        id=_as_guid(said.get("vms_id") or said.get("id") or f"{number} {name}"),
        name=name,
        place=_place(number, geometry["coordinates"]) if geometry else None,
        heading_deg=_degrees(number, said, "heading_deg"),
        fov_deg=_degrees(number, said, "fov_deg"),
        ptz=kind == "ptz",
    )


def _place(number: int, coordinates: list[Any]) -> tuple[float, ...]:
    place = tuple(float(each) for each in coordinates[:3])
    # RFC 7946: longitude first.
    if len(place) < 2 or not (abs(place[0]) <= 180 and abs(place[1]) <= 90):
        raise ValueError(f"feature {number}: coordinates {coordinates}; give longitude, latitude")
    return place


def _degrees(number: int, said: Mapping[str, Any], field: str) -> float | None:
    value = said.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"feature {number}: {field} is {value!r}; give degrees")
    return float(value)


def _as_guid(text: object) -> str:
    try:
        return str(UUID(str(text).rpartition(":")[2]))
    except ValueError:
        return guid(f"camera {text}")
