"""The cameras of the simulated site: made up, or read from a town's layer."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    stands for a body-worn camera. `device` and `channel`: which input of which hardware it is.
    `said`: the properties that somebody typed in since, as typed. `masked`: a privacy mask hides
    part of its picture. `aim`: pan and tilt from -1 to 1, zoom from 0 to 1.
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
    device: str = ""
    channel: int = 0
    masked: bool = False
    codec: str = "H264"
    aim: tuple[float, float, float] = (0.0, 0.0, 0.0)
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def hardware(self) -> str:
        """The GUID of the device this camera is a channel of."""
        return self.device or guid(f"hardware of {self.id}")


@dataclass(slots=True, kw_only=True)
class Hardware:
    """A device on the network, and the recording server that pulls it."""

    id: str
    name: str
    address: str
    model: str
    recorder: str
    driver: str
    user: str = "root"
    enabled: bool = True
    said: dict[str, Any] = field(default_factory=dict)


def recorder_ids(count: int) -> list[str]:
    """Give the GUIDs of the recording servers."""
    return [guid(f"recorder {number}") for number in range(1, count + 1)]


def drivers() -> dict[str, tuple[int, str, str, int]]:
    """List the drivers of a recording server by GUID: number, name, group, channels.

    Number 421, "Universal 1 channel", is the maker's; the other numbers are ours.
    """
    known = (
        (421, "Universal 1 channel driver", "Other", 1),
        (422, "Universal 16 channels driver", "Other", 16),
        (9, "Axis 1 channel device", "Axis", 1),
        (585, "ONVIF conformant device (2-16 channels)", "ONVIF", 2),
    )
    return {guid(f"driver {number}"): (number, *rest) for number, *rest in known}  # type: ignore[misc]


def make_hardware(cameras: list[Camera], recorders: list[str]) -> dict[str, Hardware]:
    """Make up the devices behind cameras: one each, or as `device` says; spread on recorders."""
    made: dict[str, Hardware] = {}
    first = {camera.hardware: camera for camera in reversed(cameras)}
    for number, camera in enumerate(reversed(first.values())):
        made[camera.hardware] = Hardware(
            id=camera.hardware,
            name=camera.name,
            address=f"http://10.{20 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}/",
            model="AXIS Q6135-LE" if camera.ptz else "AXIS P3265-LV",
            recorder=recorders[number * len(recorders) // len(first)],
            driver=guid("driver 9"),
        )
    return made


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


def make_cameras(count: int, channels: int = 1) -> list[Camera]:
    """Make up a site at La Grande-Motte: every kind of half-filled form is there.

    `channels`: how many cameras a device carries, as an encoder does.
    """
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
                device="" if channels == 1 else guid(f"encoder {number // channels}"),
                channel=number % channels,
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
