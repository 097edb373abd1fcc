"""Read a town from an OpenStreetMap extract: streets, turns, buildings, water, green, cameras.

A clipped extract is normal: a way whose nodes are missing keeps the part that is there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely

from dispatch_gis.layers import heading_deg
from dispatch_gis.osm_rights import STREETS, Rights, barred, rights
from dispatch_gis.osm_turns import Banned, banned, resolve
from dispatch_gis.town import Street, Town, geometries
from hooks import Camera, CameraId, CameraKind, Position

#: Metres from floor to floor, where only the storeys are counted, and the roof above them.
STOREY_M = 3.0

_GREEN = {
    "leisure": ("park", "garden", "pitch", "golf_course", "nature_reserve"),
    "landuse": ("forest", "grass", "meadow", "cemetery", "recreation_ground", "village_green"),
    "natural": ("wood", "scrub", "grassland", "heath"),
}
_CAMERA_KINDS = {"fixed": CameraKind.FIXED, "dome": CameraKind.DOME, "panning": CameraKind.PTZ}


@dataclass(slots=True)
class _Read:
    """What was met on the way through the file."""

    ways: list[tuple[int, dict[str, str], list[tuple[int, float, float]]]] = field(
        default_factory=list
    )
    areas: dict[str, list[Any]] = field(
        default_factory=lambda: {"building": [], "water": [], "green": []}
    )
    heights: list[float] = field(default_factory=list)
    cameras: list[Camera] = field(default_factory=list)
    #: Junction → shut to cars, shut to bicycles.
    barriers: dict[int, tuple[bool, bool]] = field(default_factory=dict)
    banned: list[Banned] = field(default_factory=list)


def read_town(path: Path) -> Town:
    """Read an extract (`.osm.pbf`, `.osm`); `RuntimeError` when it is not one."""
    read = _Read()
    factory = osmium.geom.WKBFactory()
    areas = osmium.filter.KeyFilter("building", "natural", "landuse", "leisure", "waterway")
    wanted = osmium.filter.KeyFilter(
        "highway", "building", "natural", "landuse", "leisure", "waterway", "man_made", "barrier",
        "restriction", "restriction:motorcar", "restriction:motor_vehicle",
    )  # fmt: skip
    for thing in osmium.FileProcessor(str(path)).with_areas(areas).with_filter(wanted):
        if isinstance(thing, osmium.osm.Node):
            _node(read, thing)
        elif isinstance(thing, osmium.osm.Way):
            if thing.tags.get("highway") in STREETS and thing.tags.get("area") != "yes":
                known = [(each.ref, each.lon, each.lat) for each in thing.nodes
                         if each.location.valid()]  # fmt: skip
                read.ways.append((thing.id, dict(thing.tags), known))
        elif isinstance(thing, osmium.osm.Relation):
            members = [(each.type, each.ref, each.role) for each in thing.members]
            read.banned += banned(dict(thing.tags), members)
        elif isinstance(thing, osmium.osm.Area) and (layer := _layer(thing.tags)):
            try:
                shape = shapely.from_wkb(factory.create_multipolygon(thing))
            except (RuntimeError, shapely.errors.GEOSException):
                continue  # a clipped or broken ring draws nothing
            read.areas[layer].append(shape)
            if layer == "building":
                read.heights.append(height_m(thing.tags))
    streets = tuple(_streets(read.ways, read.barriers))
    return Town(
        streets=streets,
        turns=resolve(streets, read.banned, read.barriers),
        buildings=geometries(read.areas["building"]),
        heights=np.array(read.heights, dtype=np.float64),
        water=geometries(read.areas["water"]),
        green=geometries(read.areas["green"]),
        cameras=tuple(read.cameras),
    )


def _node(read: _Read, node: Any) -> None:
    if node.tags.get("man_made") == "surveillance":
        read.cameras += _camera(node.id, dict(node.tags), node.location)
    if "barrier" in node.tags:
        shut = barred(dict(node.tags))
        if any(shut):
            read.barriers[node.id] = shut


def _layer(tags: Any) -> str:
    if tags.get("building", "no") != "no":
        return "building"
    if tags.get("natural") == "water" or tags.get("waterway") == "riverbank":
        return "water"
    green = any(tags.get(key) in values for key, values in _GREEN.items())
    return "green" if green else ""


def height_m(tags: Any) -> float:
    """Say how high a building is: measured, else by its storeys; NaN where neither is told.

    A part that begins above the ground (a bridge between houses) hides what its top hides.
    """
    measured = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*m?", tags.get("height", "").strip())
    if measured:
        return float(measured[1].replace(",", "."))
    storeys = re.fullmatch(r"\d+(?:\.\d+)?", tags.get("building:levels", "").strip())
    if storeys and float(storeys[0]) > 0:
        roof = re.fullmatch(r"\d+(?:\.\d+)?", tags.get("roof:levels", "").strip())
        return STOREY_M * (float(storeys[0]) + (float(roof[0]) if roof else 0.0))
    return math.nan


# --- streets ---


def _streets(
    ways: list[tuple[int, dict[str, str], list[tuple[int, float, float]]]],
    barriers: Mapping[int, tuple[bool, bool]],
) -> Iterator[Street]:
    """Cut each way where another one touches it, and where a barrier stands."""
    uses: Counter[int] = Counter(dict.fromkeys(barriers, 2))
    for _, _, nodes in ways:
        uses.update(node for node, _, _ in nodes)
        # Ends are junctions, always; so is the node where a loop closes.
        uses.update((nodes[0][0], nodes[-1][0]) if nodes else ())
    for way, tags, nodes in ways:
        allowed = rights(tags)
        if len(nodes) < 2 or allowed is None:
            continue
        piece = [nodes[0]]
        for node in nodes[1:]:
            piece.append(node)
            if uses[node[0]] > 1:
                yield _street(way, tags, piece, allowed)
                piece = [node]


def _street(
    way: int, tags: dict[str, str], piece: list[tuple[int, float, float]], allowed: Rights
) -> Street:
    return Street(
        start=piece[0][0],
        end=piece[-1][0],
        lonlat=tuple((lon, lat) for _, lon, lat in piece),
        kind=tags["highway"],
        name=tags.get("name", ""),
        car_kmh=allowed.car_kmh,
        car=allowed.car,
        bike=allowed.bike,
        foot=allowed.foot,
        source=str(way),
    )


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
