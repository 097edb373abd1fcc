"""Read a town from an OpenStreetMap extract: streets, buildings, water, green, cameras.

A clipped extract is normal: a way whose nodes are missing keeps the part that is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from dispatch_gis.layers import heading_deg
from hooks import Camera, CameraId, CameraKind, Position

Geometries = NDArray[np.object_]

#: Speeds in km/h where none is posted, by class; a class that is not here is not for vehicles.
CAR_KMH = {
    "motorway": 110, "motorway_link": 50, "trunk": 90, "trunk_link": 45, "primary": 50,
    "primary_link": 40, "secondary": 50, "secondary_link": 40, "tertiary": 45, "tertiary_link": 35,
    "unclassified": 40, "residential": 30, "living_street": 15, "service": 15, "road": 30,
}  # fmt: skip
#: Ways that feet and bicycles take besides.
PATHS = ("footway", "path", "pedestrian", "steps", "cycleway", "track", "corridor", "bridleway")
STREETS = (*CAR_KMH, *PATHS)

_NO = ("no", "private", "agricultural", "forestry", "delivery", "customers")
_GREEN = {
    "leisure": ("park", "garden", "pitch", "golf_course", "nature_reserve"),
    "landuse": ("forest", "grass", "meadow", "cemetery", "recreation_ground", "village_green"),
    "natural": ("wood", "scrub", "grassland", "heath"),
}
_CAMERA_KINDS = {"fixed": CameraKind.FIXED, "dome": CameraKind.DOME, "panning": CameraKind.PTZ}


@dataclass(frozen=True, slots=True)
class Street:
    """One piece of street between two junctions, drawn from its first node to its last."""

    start: int  #: OSM node
    end: int
    lonlat: tuple[tuple[float, float], ...]
    kind: str
    name: str
    car_kmh: float  #: 0: no cars
    car: tuple[bool, bool]  #: may be driven forwards, backwards
    bike: tuple[bool, bool]
    foot: bool


@dataclass(frozen=True, slots=True)
class Town:
    """What an extract says of a town. Geometries are shapely, degrees WGS 84."""

    streets: tuple[Street, ...]
    buildings: Geometries
    water: Geometries
    green: Geometries
    cameras: tuple[Camera, ...]

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of the streets; None without streets."""
        if not self.streets:
            return None
        points = np.array([point for street in self.streets for point in street.lonlat])
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        return float(west), float(south), float(east), float(north)


def read_town(path: Path) -> Town:
    """Read an extract (`.osm.pbf`, `.osm`); `RuntimeError` when it is not one."""
    ways: list[tuple[dict[str, str], list[tuple[int, float, float]]]] = []
    areas: dict[str, list[Any]] = {"building": [], "water": [], "green": []}
    cameras: list[Camera] = []
    factory = osmium.geom.WKBFactory()
    wanted = osmium.filter.KeyFilter(
        "highway", "building", "natural", "landuse", "leisure", "water", "waterway", "man_made"
    )
    processor = osmium.FileProcessor(str(path)).with_areas(wanted).with_filter(wanted)
    for thing in processor:
        tags = thing.tags
        if isinstance(thing, osmium.osm.Node):
            if tags.get("man_made") == "surveillance":
                cameras += _camera(thing.id, dict(tags), thing.location)
        elif isinstance(thing, osmium.osm.Way):
            if tags.get("highway") in STREETS and tags.get("area") != "yes":
                known = [
                    (node.ref, node.lon, node.lat) for node in thing.nodes if node.location.valid()
                ]
                ways.append((dict(tags), known))
        elif isinstance(thing, osmium.osm.Area) and (layer := _layer(tags)):
            try:
                areas[layer].append(shapely.from_wkb(factory.create_multipolygon(thing)))
            except (RuntimeError, shapely.errors.GEOSException):
                continue  # a clipped or broken ring draws nothing
    return Town(
        streets=tuple(_streets(ways)),
        buildings=_array(areas["building"]),
        water=_array(areas["water"]),
        green=_array(areas["green"]),
        cameras=tuple(cameras),
    )


def _array(geometries: list[Any]) -> Geometries:
    array: Geometries = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array


def _layer(tags: Any) -> str:
    if tags.get("building", "no") != "no":
        return "building"
    if tags.get("natural") == "water" or tags.get("waterway") == "riverbank":
        return "water"
    green = any(tags.get(key) in values for key, values in _GREEN.items())
    return "green" if green else ""


# --- streets ---


def _streets(
    ways: list[tuple[dict[str, str], list[tuple[int, float, float]]]],
) -> Iterator[Street]:
    """Cut each way where another one touches it."""
    uses: Counter[int] = Counter()
    for _, nodes in ways:
        uses.update(node for node, _, _ in nodes)
        # Ends are junctions, always; so is the node where a loop closes.
        uses.update((nodes[0][0], nodes[-1][0]) if nodes else ())
    for tags, nodes in ways:
        if len(nodes) < 2:
            continue
        rights = _rights(tags)
        if rights is None:
            continue
        piece = [nodes[0]]
        for node in nodes[1:]:
            piece.append(node)
            if uses[node[0]] > 1:
                if len(piece) > 1:
                    yield _street(tags, piece, rights)
                piece = [node]


@dataclass(frozen=True, slots=True)
class _Rights:
    car_kmh: float
    car: tuple[bool, bool]
    bike: tuple[bool, bool]
    foot: bool


def _street(tags: dict[str, str], piece: list[tuple[int, float, float]], rights: _Rights) -> Street:
    return Street(
        start=piece[0][0],
        end=piece[-1][0],
        lonlat=tuple((lon, lat) for _, lon, lat in piece),
        kind=tags["highway"],
        name=tags.get("name", ""),
        car_kmh=rights.car_kmh,
        car=rights.car,
        bike=rights.bike,
        foot=rights.foot,
    )


def _rights(tags: dict[str, str]) -> _Rights | None:
    """Say who may take a street, and which way; None: nobody."""
    kind = tags["highway"]
    general = tags.get("access", "yes")
    vehicle = tags.get("vehicle", general)
    motor = tags.get("motor_vehicle", tags.get("motorcar", vehicle))
    drivable = kind in CAR_KMH and motor not in _NO
    motorway = kind.startswith(("motorway", "trunk")) or tags.get("motorroad") == "yes"
    by_foot = "yes" if kind in ("footway", "pedestrian", "steps", "path") else general
    walkable = not motorway and tags.get("foot", by_foot) not in _NO
    no_bike = motorway or kind in ("steps", "footway", "corridor")
    cyclable = tags.get("bicycle", "no" if no_bike else vehicle) not in (*_NO, "dismount")
    forward, backward = _directions(tags)
    contraflow = tags.get("oneway:bicycle") == "no" or any(
        str(tags.get(key, "")).startswith("opposite")
        for key in ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
    )
    if not (drivable or walkable or cyclable):
        return None
    return _Rights(
        car_kmh=_speed_kmh(tags) if drivable else 0,
        car=(drivable and forward, drivable and backward),
        bike=(cyclable and (forward or contraflow), cyclable and (backward or contraflow)),
        foot=walkable,
    )


def _directions(tags: dict[str, str]) -> tuple[bool, bool]:
    oneway = tags.get("oneway", "")
    if oneway in ("-1", "reverse"):
        return False, True
    implied = tags.get("junction") in ("roundabout", "circular") or tags["highway"] == "motorway"
    if oneway in ("yes", "true", "1") or (implied and oneway not in ("no", "false", "0")):
        return True, False
    return True, True


def _speed_kmh(tags: dict[str, str]) -> float:
    """Read the posted speed ("50", "30 mph", "FR:urban"), else the class's own."""
    posted = tags.get("maxspeed", "").lower()
    usual = float(CAR_KMH[tags["highway"]])
    if match := re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*(mph|km/h|kmh)?", posted):
        kmh = float(match[1]) * (1.609344 if match[2] == "mph" else 1)
        return kmh if 5 <= kmh <= 150 else usual
    zones = {"urban": 50.0, "rural": 80.0, "walk": 6.0, "living_street": 15.0, "zone30": 30.0}
    zone = posted.partition(":")[2] or posted
    return zones.get(zone.replace(":", ""), usual)


# --- cameras ---


def _camera(identifier: int, tags: dict[str, str], location: Any) -> list[Camera]:
    """Read one surveillance node; guards and number-plate readers are no CCTV."""
    if tags.get("surveillance:type", "camera") != "camera" or not location.valid():
        return []
    height = re.fullmatch(r"(\d+(?:\.\d+)?)\s*m?", tags.get("height", ""))
    return [
        Camera(
            id=CameraId(f"osm:{identifier}"),
            name=tags.get("name") or tags.get("ref") or f"OSM {identifier}",
            position=Position(lon=location.lon, lat=location.lat, source="osm"),
            kind=_CAMERA_KINDS.get(tags.get("camera:type", ""), CameraKind.UNKNOWN),
            heading_deg=heading_deg(tags.get("camera:direction", tags.get("direction"))),
            height_m=float(height[1]) if height else None,
        )
    ]
