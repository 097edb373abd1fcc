"""Read streets, forbidden turns and buildings from IGN's BD TOPO, version 3.

GeoPackage and PostGIS give whole column names, Shapefiles ten capitals: both are read. A street's
direction counts from its first point drawn (*sens de numérisation*); a mean speed of 0 or 1 km/h
means that no car drives there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from dispatch_gis.layers import Fault, unplaced
from dispatch_gis.plane import Floats
from dispatch_gis.territory_rows import text
from dispatch_gis.town import Geometries, Street, Turn, geometries
from hooks import Message

#: Our word → IGN's column, whole and in a Shapefile.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("cleabs", "id"),
    "nature": ("nature",),
    "state": ("etat_de_l_objet", "etat"),
    "fictional": ("fictif",),
    "sense": ("sens_de_circulation", "sens"),
    "speed": ("vitesse_moyenne_vl", "vit_moy_vl"),
    "car": ("acces_vehicule_leger", "acces_vl"),
    "foot": ("acces_pieton", "acces_ped"),
    "name": (
        "nom_collaboratif_gauche", "nom_coll_g", "nom_voie_ban_gauche", "nom_ban_g",
        "nom_1_gauche", "nom_1_g", "nom_collaboratif_droite", "nom_coll_d",
        "cpx_toponyme_route_nommee",
    ),
    "come": ("lien_vers_troncon_entree", "id_tr_ent", "tr_entree"),
    "go": ("liens_vers_troncon_sortie", "id_tr_sor", "tr_sortie"),
    "height": ("hauteur",),
    "weight": ("importance",),
}  # fmt: skip

_IN_SERVICE = "en service"
#: Ways that no vehicle takes, whatever their mean speed.
_ON_FOOT = ("sentier", "escalier", "piste cyclable")
_NO_FEET = ("type autoroutier", "bretelle", "bac ou liaison maritime")
_NO_BIKES = (*_NO_FEET, "escalier")
_SHUT = ("physiquement impossible", "restreint aux ayants droit")
#: How a street is drawn on the map, by its nature, else by its importance: OpenStreetMap's words.
_DRAWN = {
    "sentier": "path",
    "escalier": "steps",
    "piste cyclable": "cycleway",
    "chemin": "track",
    "type autoroutier": "motorway",
    "bac ou liaison maritime": "ferry",
}
_WEIGHTS = {"1": "trunk", "2": "primary", "3": "secondary", "4": "tertiary", "5": "residential"}
#: Ends that close are one junction, in the units of the layer's system: metres, or degrees.
_SAME = {True: 2, False: 7}


@dataclass(frozen=True, slots=True)
class Roads:
    """Streets in degrees, with their forbidden turns."""

    streets: tuple[Street, ...]
    turns: tuple[Turn, ...]


def is_roads(frame: pd.DataFrame) -> bool:
    """Say whether a table is `troncon_de_route`, by its columns."""
    names = _columns(frame)
    return "sense" in names and "speed" in names


def is_turns(frame: pd.DataFrame) -> bool:
    """Say whether a table is `non_communication`, by its columns."""
    names = _columns(frame)
    return "come" in names and "go" in names


def roads(
    frame: geopandas.GeoDataFrame, forbidden: pd.DataFrame | None, faults: list[Fault]
) -> Roads:
    """Read `troncon_de_route`, and `non_communication` where there is one.

    Raises
    ------
    UnreadableLayerError
        The layer does not say its coordinate system.
    """
    if frame.crs is None:
        raise unplaced("troncon_de_route")
    decimals = _SAME[bool(frame.crs.is_projected)]
    cells = _cells(frame)
    kept, junctions = [], _Junctions()
    ends: list[tuple[int, int]] = []
    shapes = shapely.force_2d(np.asarray(frame.geometry, dtype=object))
    for row, shape in enumerate(shapes):
        values = {name: column[row] for name, column in cells.items()}
        if not _open(values):
            continue
        for line in _lines(shape):
            points = np.round(shapely.get_coordinates(line)[[0, -1]], decimals)
            ends.append((junctions.number(points[0]), junctions.number(points[1])))
            kept.append((row, line))
        if not _lines(shape):
            drawn = Message(text="draw one line from junction to junction")
            faults.append(Fault(row + 1, "geometry", None, drawn, True, "troncon_de_route"))
    lines = geopandas.GeoSeries(geometries([line for _, line in kept]), crs=frame.crs)
    degrees = np.asarray(lines.to_crs(4326), dtype=object)
    streets = tuple(
        _street({name: column[row] for name, column in cells.items()}, shape, end)
        for (row, _), shape, end in zip(kept, degrees, ends, strict=True)
    )
    return Roads(streets, _turns(streets, forbidden))


def buildings(frame: geopandas.GeoDataFrame) -> tuple[Geometries, Floats]:
    """Read `batiment`: footprints in degrees, and heights to the eaves; NaN: not measured."""
    cells = _cells(frame)
    shapes = shapely.force_2d(np.asarray(frame.to_crs(4326).geometry, dtype=object))
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    standing = [_standing(value) for value in cells.get("state", [""] * len(frame))]
    kept = polygonal & np.array(standing, dtype=bool)
    heights = pd.to_numeric(pd.Series(cells.get("height", [None] * len(frame))), errors="coerce")
    tall = np.asarray(heights, dtype=np.float64)
    return shapes[kept], np.where(tall > 0, tall, np.nan)[kept]


class _Junctions:
    """Numbers places where streets end, in the order in which they are met."""

    def __init__(self) -> None:
        self._known: dict[tuple[float, ...], int] = {}

    def number(self, place: Floats) -> int:
        return self._known.setdefault(tuple(place.tolist()), len(self._known) + 1)


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Say under which columns our words stand, best first."""
    given = {str(column).lower(): column for column in frame.columns}
    found = {
        word: [given[name] for name in names if name in given] for word, names in _NAMES.items()
    }
    return {word: columns for word, columns in found.items() if columns}


def _cells(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Give each word's column; of several the first that says something in its row."""
    cells: dict[str, list[Any]] = {}
    for word, columns in _columns(frame).items():
        values = [frame[column].tolist() for column in columns]
        cells[word] = [
            next((value for value in row if text(value)), None) for row in zip(*values, strict=True)
        ]
    return cells


def _open(values: Mapping[str, Any]) -> bool:
    """Say whether a street is there at all: in service, and not a link drawn for its own sake."""
    fictional = text(values.get("fictional")).lower() in ("oui", "true", "1", "1.0", "t")
    return _standing(values.get("state")) and not fictional


def _standing(state: object) -> bool:
    return text(state).lower() in ("", _IN_SERVICE)


def _lines(shape: object) -> list[shapely.LineString]:
    if not isinstance(shape, BaseGeometry) or shape.is_empty:
        return []
    parts = shapely.get_parts(shape)
    return [each for each in parts if isinstance(each, shapely.LineString) and each.length > 0]


def _street(values: Mapping[str, Any], shape: BaseGeometry, ends: tuple[int, int]) -> Street:
    nature, sense = text(values.get("nature")).lower(), text(values.get("sense")).lower()
    try:
        kmh = float(text(values.get("speed")).replace(",", ".") or 0)
    except ValueError:
        kmh = 0.0
    # 0 and 1 km/h are IGN's way to say that no car drives here.
    drivable = kmh > 1 and nature not in _ON_FOOT and text(values.get("car")).lower() not in _SHUT
    ahead, back = sense != "sens inverse", sense != "sens direct"
    walkable = nature not in _NO_FEET and text(values.get("foot")).lower() not in _SHUT
    cyclable = nature not in _NO_BIKES
    free = nature in ("piste cyclable", "sentier", "chemin") or not drivable
    return Street(
        start=ends[0],
        end=ends[1],
        lonlat=tuple((lon, lat) for lon, lat in shapely.get_coordinates(shape).tolist()),
        kind=_DRAWN.get(nature) or _WEIGHTS.get(text(values.get("weight")), "service"),
        name=text(values.get("name")),
        car_kmh=min(kmh, 150.0) if drivable else 0.0,
        car=(drivable and ahead, drivable and back),
        bike=(cyclable and (ahead or free), cyclable and (back or free)),
        foot=walkable,
        source=text(values.get("id")),
    )


def _turns(streets: Sequence[Street], forbidden: pd.DataFrame | None) -> tuple[Turn, ...]:
    """Read forbidden turns: from a street to those it may not be left by, where they meet."""
    if forbidden is None or not len(forbidden):
        return ()
    named: dict[str, list[int]] = defaultdict(list)
    for index, street in enumerate(streets):
        named[street.source].append(index)
    cells = _cells(forbidden)
    found = set()
    for come, gone in zip(cells.get("come", []), cells.get("go", []), strict=True):
        for go in text(gone).replace(",", "/").split("/"):
            for one in named.get(text(come), []):
                for other in named.get(go.strip(), []):
                    first, second = streets[one], streets[other]
                    for at in {first.start, first.end} & {second.start, second.end}:
                        found.add((at, one, other))
    return tuple(Turn(at, come, go, car=True, bike=False) for at, come, go in sorted(found))
