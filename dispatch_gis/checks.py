"""Everything wrong in a territory, row by row, with what to do: for those who keep it in QGIS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import geopandas
import numpy as np
import pandas as pd
import shapely

from dispatch_gis.coverage import Surveyor, turns
from dispatch_gis.layers import ALIASES, Fault
from dispatch_gis.network import Network
from dispatch_gis.plane import Plane
from dispatch_gis.town import Town
from hooks import Camera, Means, Message

#: A correction drawn that far from its camera is another camera's.
_CORRECTION_M = 30.0
#: Outside these a value was mistyped, or is in other units.
_USUAL = {"height_m": (2.0, 60.0), "fov_deg": (3.0, 360.0), "range_m": (5.0, 1000.0)}


def check(town: Town, faults: Sequence[Fault], at: datetime) -> list[Fault]:
    """List everything wrong: what was found on reading, and what only the whole shows."""
    plane = Plane(*_centre(town))
    found = [
        fault
        for part in (
            _cameras(town.cameras), _twins(town.cameras), _hung(town, plane), _communes(town),
            _corrections(town, plane), _closures(town, at), _drawn(town), _streets(town, plane),
        )
        for fault in part
    ]  # fmt: skip
    return [*faults, *_renumbered(found, faults)]


def _renumbered(found: Sequence[Fault], faults: Sequence[Fault]) -> list[Fault]:
    """Count the rows as they are in the layer: those that were dropped on reading have one too."""
    rows: dict[str, list[int]] = {}
    for layer in {fault.layer for fault in found}:
        dropped = {fault.row for fault in faults if fault.layer == layer and fault.dropped}
        last = len(dropped) + max(fault.row for fault in found if fault.layer == layer)
        rows[layer] = [0, *(row for row in range(1, last + 1) if row not in dropped)]
    return [replace(fault, row=rows[fault.layer][fault.row]) for fault in found]


def as_frame(faults: Sequence[Fault], words: Sequence[str]) -> geopandas.GeoDataFrame:
    """Write faults as the layer `defauts`; `words` are their remedies in the reader's language."""
    points = [shapely.Point(*fault.place) if fault.place else None for fault in faults]
    return geopandas.GeoDataFrame(
        {
            "couche": [fault.layer for fault in faults],
            "ligne": pd.array([fault.row for fault in faults], dtype="Int64"),
            "champ": [fault.field for fault in faults],
            "valeur": ["" if fault.value is None else str(fault.value) for fault in faults],
            "remede": list(words),
            "ecartee": np.array([fault.dropped for fault in faults], dtype=bool),
        },
        geometry=geopandas.GeoSeries(points, crs=4326),
    )


def _centre(town: Town) -> tuple[float, float]:
    if town.bounds is not None:
        west, south, east, north = town.bounds
        return (west + east) / 2, (south + north) / 2
    places = [camera.position for camera in town.cameras if camera.position is not None]
    return (places[0].lon, places[0].lat) if places else (0.0, 0.0)


def _place(camera: Camera) -> tuple[float, float] | None:
    return (camera.position.lon, camera.position.lat) if camera.position else None


def _cameras(cameras: Sequence[Camera]) -> Iterator[Fault]:
    """Say what of a camera is missing, or can hardly be."""
    for row, camera in enumerate(cameras, start=1):
        place = _place(camera)
        if camera.heading_deg is None and not turns(camera):
            survey = Message(
                text="survey which way it looks: until then it may look anywhere, and goes last"
            )
            yield Fault(row, "azimut_deg", None, survey, place=place)
        for name, (low, high) in _USUAL.items():
            value = getattr(camera, name)
            if value is not None and not low <= value <= high:
                unusual = Message(
                    text="unusual: {low:.0f} to {high:.0f} was expected",
                    params={"low": low, "high": high},
                )
                yield Fault(row, ALIASES[name][0], value, unusual, place=place)


def _twins(cameras: Sequence[Camera]) -> Iterator[Fault]:
    seen: dict[tuple[object, ...], str] = {}
    for row, camera in enumerate(cameras, start=1):
        place = _place(camera)
        if place is None:
            continue
        same = (round(place[0], 6), round(place[1], 6), camera.heading_deg, camera.kind)
        if same in seen:
            twice = Message(
                text="same place and direction as {other}: is it one camera written twice?",
                params={"other": seen[same]},
            )
            yield Fault(row, "geometry", camera.name, twice, place=place)
        seen.setdefault(same, camera.name)


def _hung(town: Town, plane: Plane) -> Iterator[Fault]:
    """Say which cameras are drawn inside a building, or before a wall that blinds them."""
    rows = {camera.id: (row, camera) for row, camera in enumerate(town.cameras, start=1)}
    surveyor = Surveyor(town, plane)
    for name, coverage in surveyor.coverages(town.cameras, {}).items():
        row, camera = rows[name]
        if coverage.blind:
            wall = Message(
                text="drawn before a wall that hides everything: check place and azimuth"
            )
            yield Fault(row, "geometry", camera.name, wall, place=_place(camera))
        elif coverage.uncertain:
            inside = Message(
                text="drawn inside a building: moved {moved_m:.1f} m to the facade; draw it there",
                params={"moved_m": coverage.moved_m},
            )
            yield Fault(row, "geometry", camera.name, inside, place=_place(camera))
        elif coverage.area.is_empty:
            masked = Message(text="shows nothing: everything it could show is masked")
            yield Fault(row, "geometry", camera.name, masked, place=_place(camera))


def _communes(town: Town) -> Iterator[Fault]:
    """Say which cameras stand outside every commune, or in another one than they say (R253-3)."""
    if not town.communes:
        return
    tree = shapely.STRtree([commune.area for commune in town.communes])
    for row, camera in enumerate(town.cameras, start=1):
        place = _place(camera)
        if place is None:
            continue
        around = tree.query(shapely.Point(*place), predicate="intersects")
        codes = [town.communes[index].code for index in around]
        if not codes:
            outside = Message(text="stands outside every commune of the layer")
            yield Fault(row, "commune", camera.commune, outside, place=place)
        elif camera.commune and camera.commune not in codes:
            other = Message(text="stands in commune {code}", params={"code": codes[0]})
            yield Fault(row, "commune", camera.commune, other, place=place)


def _corrections(town: Town, plane: Plane) -> Iterator[Fault]:
    places = {camera.id: _place(camera) for camera in town.cameras}
    for row, (name, area) in enumerate(town.corrections.items(), start=1):
        place = places.get(name)
        if place is None:
            continue
        point = shapely.Point(*plane.to_metres(*place))
        away_m = plane.metres(area).distance(point)
        if away_m > _CORRECTION_M:
            far = Message(
                text="drawn {away_m:.0f} m from its camera: is it another one's?",
                params={"away_m": away_m},
            )
            yield Fault(row, "camera", name, far, layer="corrections", place=place)


def _closures(town: Town, at: datetime) -> Iterator[Fault]:
    names = {street.name.casefold() for street in town.streets}
    for row, closure in enumerate(town.closures, start=1):
        point = closure.area.representative_point() if closure.area is not None else None
        place = (point.x, point.y) if point is not None else None
        ends = closure.until
        if ends is not None and closure.since is not None and ends <= closure.since:
            order = Message(text="ends before it begins: it never holds")
            yield Fault(row, "fin", ends, order, layer="fermetures", place=place)
        elif ends is not None and ends <= at:
            over = Message(text="is over: remove it")
            yield Fault(row, "fin", ends, over, layer="fermetures", place=place)
        if closure.street and names and closure.street.casefold().strip() not in names:
            unknown = Message(text="no street has this name")
            yield Fault(row, "rue", closure.street, unknown, layer="fermetures", place=place)


def _drawn(town: Town) -> Iterator[Fault]:
    """Say which polygons cross themselves: GIS software disagrees on what is inside."""
    layers = {
        "masques": [mask.area for mask in town.masks],
        "communes": [commune.area for commune in town.communes],
        "batiments": list(town.buildings),
    }
    for layer, shapes in layers.items():
        for index in np.flatnonzero(~shapely.is_valid(np.array(shapes, dtype=object))):
            point = shapely.make_valid(shapes[index]).representative_point()
            crossed = Message(text="its outline crosses itself: mend it (Fix geometries)")
            place = (point.x, point.y)
            yield Fault(int(index) + 1, "geometry", None, crossed, layer=layer, place=place)


def _streets(town: Town, plane: Plane) -> Iterator[Fault]:
    """Say which streets for cars lead nowhere: nobody is ever sent by them."""
    if not town.streets:
        none = Message(text="no street: times will be as the crow flies")
        yield Fault(0, "rues", None, none, layer="rues")
        return
    network = Network(town.streets, Means.CAR, plane, turns=town.turns)
    lost: dict[str, list[int]] = defaultdict(list)
    for edge in np.flatnonzero(~network.usable):
        street = int(network.sources[edge])
        lost[town.streets[street].name].append(street)
    for name, streets in sorted(lost.items()):
        middle = town.streets[streets[0]].lonlat[len(town.streets[streets[0]].lonlat) // 2]
        cut_off = Message(
            text="{count} pieces cut off from the other streets: nobody is sent there by car",
            params={"count": len(streets)},
        )
        yield Fault(streets[0] + 1, "geometry", name, cut_off, layer="rues", place=middle)
