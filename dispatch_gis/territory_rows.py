"""The rows of a territory's layers, read one layer after the other: each is kept, or is a fault."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from dispatch_gis.aim import Calibration
from dispatch_gis.coverage import Coverage
from dispatch_gis.layers import Fault, heading_deg
from dispatch_gis.plane import Floats
from dispatch_gis.town import (
    Closure,
    Commune,
    Geometries,
    Mask,
    Street,
    Turn,
    geometries,
)
from hooks import Camera, CameraId, Means, Message

_POLYGONS = ("Polygon", "MultiPolygon")
_MEANS = {"voiture": Means.CAR, "velo": Means.BIKE, "vélo": Means.BIKE, "pied": Means.FOOT}
_NO = ("0", "0.0", "false", "no", "non", "f")

UNDRAWN = Message(text="draw its area")
UNSURE_CAMERA = Message(text="no camera has this identifier: write that of the camera layer")


class Identifiers:
    """Cameras by what other layers may call them: the town's name, the VMS's, with its prefix."""

    def __init__(
        self, cameras: Sequence[Camera], aliases: Mapping[str, CameraId] = MappingProxyType({})
    ) -> None:
        self._known = {camera.id.partition(":")[2]: camera.id for camera in cameras}
        self._known |= aliases
        self._known |= {str(camera.id): camera.id for camera in cameras}

    def find(self, written: str) -> CameraId | None:
        """Say which camera is meant; None: none is."""
        return self._known.get(written)


def text(value: object) -> str:
    """Write a cell; empty, null and NaN are nothing."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    written = str(value).strip()
    return "" if written in ("<NA>", "NaT", "nan", "None") else written


def written(means: Iterable[Means]) -> str:
    """Write means as the closures' layer does."""
    words = {Means.CAR: "voiture", Means.BIKE: "velo", Means.FOOT: "pied"}
    return ",".join(words[each] for each in (Means.CAR, Means.BIKE, Means.FOOT) if each in means)


def _rows(frame: pd.DataFrame | None) -> Iterator[tuple[int, dict[str, Any]]]:
    if frame is not None:
        for row, values in enumerate(frame.to_dict("records"), start=1):
            yield row, {str(name).lower(): value for name, value in values.items()}


def _shape(values: dict[str, Any], kinds: Sequence[str] = _POLYGONS) -> BaseGeometry | None:
    shape = values.get("geometry")
    if not isinstance(shape, BaseGeometry) or shape.is_empty or shape.geom_type not in kinds:
        return None
    # A layer of multipolygons makes each polygon one.
    parts = shapely.get_parts(shape)
    return parts[0] if len(parts) == 1 else shape


# --- streets ---


def streets(
    frame: pd.DataFrame | None, faults: list[Fault]
) -> tuple[tuple[Street, ...], dict[int, int]]:
    """Read streets, and say at which place each number (`id`) stands."""
    if frame is None or not len(frame):
        return (), {}
    columns = {
        name: _column(frame, name, default)
        for name, default in (
            ("nom", ""), ("nature", ""), ("source", ""), ("debut", -1), ("fin", -1),
            ("vitesse_kmh", 0.0), ("voiture_direct", False), ("voiture_inverse", False),
            ("velo_direct", False), ("velo_inverse", False), ("pied", False),
        )
    }  # fmt: skip
    numbers = _column(frame, "id", None)
    found: list[Street] = []
    places: dict[int, int] = {}
    for row, shape in enumerate(np.asarray(frame.geometry, dtype=object)):
        street = _street(shape, {name: column[row] for name, column in columns.items()})
        if street is None:
            line = Message(text="draw one line, with its two junctions (debut, fin)")
            faults.append(Fault(row + 1, "geometry", None, line, dropped=True, layer="rues"))
            continue
        number = _whole(numbers[row])
        places[row if number is None else number] = len(found)
        found.append(street)
    return tuple(found), places


def _street(shape: object, values: dict[str, Any]) -> Street | None:
    if not isinstance(shape, shapely.LineString) or shape.is_empty:
        return None
    start, end = _whole(values["debut"]), _whole(values["fin"])
    kmh = _number(values["vitesse_kmh"])
    if start is None or end is None or start < 0 or end < 0:
        return None
    drivable = kmh is not None and kmh > 0
    ahead, back = _yes(values["voiture_direct"]), _yes(values["voiture_inverse"])
    return Street(
        start=start,
        end=end,
        lonlat=tuple(map(tuple, shapely.get_coordinates(shape).tolist())),
        kind=text(values["nature"]),
        name=text(values["nom"]),
        car_kmh=min(kmh, 150.0) if drivable and kmh is not None else 0.0,
        car=(drivable and ahead, drivable and back),
        bike=(_yes(values["velo_direct"]), _yes(values["velo_inverse"])),
        foot=_yes(values["pied"]),
        source=text(values["source"]),
    )


def turns(
    frame: pd.DataFrame | None, places: dict[int, int], faults: list[Fault]
) -> tuple[Turn, ...]:
    """Read forbidden turns, between streets by their numbers."""
    found = []
    for row, values in _rows(frame):
        at = _whole(values.get("carrefour"))
        come, go = (
            places.get(-1 if (number := _whole(values.get(name))) is None else number)
            for name in ("rue_entree", "rue_sortie")
        )
        if at is None or come is None or go is None:
            known = Message(text="write the junction and two streets' numbers (rues.id)")
            value = f"{values.get('rue_entree')}, {values.get('rue_sortie')}"
            faults.append(Fault(row, "rue_entree", value, known, True, layer="interdictions"))
            continue
        found.append(Turn(at, come, go, _yes(values.get("voiture")), _yes(values.get("velo"))))
    return tuple(found)


# --- areas ---


def areas(frame: pd.DataFrame | None) -> Geometries:
    """Read what is only drawn."""
    return geometries([shape for _, values in _rows(frame) if (shape := _shape(values))])


def buildings(frame: pd.DataFrame | None, faults: list[Fault]) -> tuple[Geometries, Floats]:
    """Read footprints and heights; a height that is none is unknown, and said."""
    shapes, heights = [], []
    for row, values in _rows(frame):
        shape = _shape(values)
        if shape is None:
            faults.append(Fault(row, "geometry", None, UNDRAWN, True, layer="batiments"))
            continue
        given = next((values[k] for k in ("hauteur_m", "hauteur") if text(values.get(k))), None)
        height = _number(given)
        if given is not None and (height is None or not 0 <= height <= 400):
            metres = Message(text="write metres from the ground to the top; kept as unknown")
            place = _place(shape)
            faults.append(Fault(row, "hauteur_m", given, metres, layer="batiments", place=place))
            height = None
        shapes.append(shape)
        heights.append(math.nan if height is None else height)
    return geometries(shapes), np.array(heights, dtype=np.float64)


def masks(frame: pd.DataFrame | None, ids: Identifiers, faults: list[Fault]) -> tuple[Mask, ...]:
    """Read masks. One that names no known camera hides its area from all: too much is lawful."""
    found = []
    for row, values in _rows(frame):
        shape, camera = _shape(values), text(values.get("camera"))
        if shape is None:
            faults.append(Fault(row, "geometry", None, UNDRAWN, True, layer="masques"))
            continue
        meant = ids.find(camera) if camera else None
        if camera and meant is None:
            every = Message(text="no camera has this identifier: the mask is kept for every camera")
            place = _place(shape)
            faults.append(Fault(row, "camera", camera, every, layer="masques", place=place))
        found.append(Mask(area=shape, camera=meant, reason=text(values.get("motif"))))
    return tuple(found)


def communes(frame: pd.DataFrame | None, faults: list[Fault]) -> tuple[Commune, ...]:
    """Read communes."""
    found = []
    for row, values in _rows(frame):
        shape = _shape(values)
        names = ("insee", "code_insee", "insee_com", "commune", "code")
        code = next((text(values[k]) for k in names if text(values.get(k))), "")
        if shape is None or not code:
            both = Message(text="draw its area and write its INSEE code")
            faults.append(Fault(row, "insee", code, both, True, layer="communes"))
            continue
        found.append(Commune(code=code, name=text(values.get("nom")), area=shape))
    return tuple(found)


def corrections(
    frame: pd.DataFrame | None, ids: Identifiers, faults: list[Fault]
) -> dict[CameraId, BaseGeometry]:
    """Read visible areas drawn by hand; of two for one camera the last holds, and it is said."""
    found: dict[CameraId, BaseGeometry] = {}
    holding: dict[CameraId, int] = {}
    for row, values in _rows(frame):
        shape, camera = _shape(values), ids.find(text(values.get("camera")))
        if shape is None or camera is None:
            remedy = UNDRAWN if shape is None else UNSURE_CAMERA
            place = _place(shape) if shape is not None else None
            fault = Fault(
                row, "camera", text(values.get("camera")), remedy, True, "corrections", place
            )
            faults.append(fault)
            continue
        if camera in found:
            twice = Message(
                text="this camera is corrected again in row {row}: that one holds",
                params={"row": row},
            )
            place = _place(found.pop(camera))  # in the order of the rows that hold
            faults.append(
                Fault(holding[camera], "camera", camera, twice, True, "corrections", place)
            )
        found[camera] = shapely.make_valid(shape)
        holding[camera] = row
    return found


# --- turning cameras ---


def calibrations(
    frame: pd.DataFrame | None, ids: Identifiers, faults: list[Fault]
) -> dict[CameraId, Calibration]:
    """Read how turning cameras are mounted; of two rows for one camera the last holds."""
    found: dict[CameraId, Calibration] = {}
    for row, values in _rows(frame):
        camera = ids.find(text(values.get("camera")))
        pan, tilt = _number(values.get("pan_zero_deg")), _number(values.get("tilt_zero_deg"))
        senses = [_whole(values.get(name)) for name in ("pan_sens", "tilt_sens")]
        if camera is None:
            given = text(values.get("camera"))
            faults.append(Fault(row, "camera", given, UNSURE_CAMERA, True, "calages"))
        elif pan is None or tilt is None or not {*senses} <= {1, -1}:
            again = Message(text="calibrate it again: renfort layers calibrate")
            faults.append(Fault(row, "pan_zero_deg", pan, again, True, "calages"))
        else:
            found[camera] = Calibration(
                pan_zero_deg=pan, pan_sense=senses[0] or 1, tilt_zero_deg=tilt,
                tilt_sense=senses[1] or 1, error_deg=_number(values.get("ecart_deg")) or 0.0,
            )  # fmt: skip
    return found


def presets(
    frame: pd.DataFrame | None, ids: Identifiers, faults: list[Fault]
) -> dict[CameraId, dict[str, float]]:
    """Read the bearings of presets."""
    found: dict[CameraId, dict[str, float]] = {}
    for row, values in _rows(frame):
        camera, name = ids.find(text(values.get("camera"))), text(values.get("nom"))
        bearing = heading_deg(values.get("azimut_deg"))
        if camera is None:
            given = text(values.get("camera"))
            faults.append(Fault(row, "camera", given, UNSURE_CAMERA, True, "prepositions"))
        elif not name or bearing is None:
            both = Message(text="write the preset's name in the VMS and the bearing it looks to")
            value = name if bearing is not None else text(values.get("azimut_deg"))
            column = "nom" if bearing is not None else "azimut_deg"
            faults.append(Fault(row, column, value, both, True, "prepositions"))
        else:
            found.setdefault(camera, {})[name] = bearing
    return found


# --- closures ---


def closures(
    frame: pd.DataFrame | None, zone: ZoneInfo, faults: list[Fault]
) -> tuple[Closure, ...]:
    """Read closures. One whose end cannot be read holds until it is mended: the safe side."""
    found = []
    kinds = (*_POLYGONS, "LineString", "MultiLineString", "Point", "MultiPoint")
    for row, values in _rows(frame):
        shape, street = _shape(values, kinds), text(values.get("rue"))
        if shape is None and not street:
            drawn = Message(text="draw the closed area or street, or name the street (rue)")
            faults.append(Fault(row, "geometry", None, drawn, True, layer="fermetures"))
            continue
        place = _place(shape) if shape is not None else None
        moments = []
        for name in ("debut", "fin"):
            moment, well = moment_of(values.get(name), zone)
            moments.append(moment)
            if not well:
                hour = Message(text="write a date and an hour: 2026-11-23 18:30")
                value = text(values.get(name))
                faults.append(Fault(row, name, value, hour, False, "fermetures", place))
        means = _means(row, text(values.get("moyens")), faults, place)
        found.append(
            Closure(area=shape, street=street, since=moments[0], until=moments[1], means=means)
        )
    return tuple(found)


def _means(
    row: int, given: str, faults: list[Fault], place: tuple[float, float] | None
) -> frozenset[Means]:
    words = [word.strip().lower() for word in given.replace(";", ",").split(",") if word.strip()]
    wrong = [word for word in words if word not in _MEANS]
    if wrong:
        known = Message(text="write voiture, velo, pied; the others are not understood")
        faults.append(Fault(row, "moyens", given, known, False, "fermetures", place))
    means = frozenset(_MEANS[word] for word in words if word in _MEANS)
    return means or frozenset({Means.CAR})


def moment_of(value: object, zone: ZoneInfo) -> tuple[datetime | None, bool]:
    """Read a moment as staff write it, and whether it could be read.

    A text may carry its offset; without one it is the town's own hour. A column of the database's
    own type is the hour that was typed: GeoPackage writes every such hour with a Z that QGIS never
    meant.
    """
    written_ = text(value)
    if not written_:
        return None, True
    if isinstance(value, datetime):  # pandas' Timestamp is one
        return value.replace(tzinfo=zone), True
    for shape in ("%d/%m/%Y %H:%M", "%d/%m/%Y %Hh%M", "%d/%m/%Y"):
        try:
            return datetime.strptime(written_, shape).replace(tzinfo=zone), True
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(written_)
    except ValueError:
        return None, False
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)), True


# --- coverages ---


def coverages(frame: pd.DataFrame | None) -> dict[CameraId, Coverage]:
    """Read visible areas computed before; a row that is odd is computed again."""
    found: dict[CameraId, Coverage] = {}
    for _, values in _rows(frame):
        shape = values.get("geometry")
        numbers = [_number(values.get(k)) for k in ("portee_m", "lon", "lat", "deplacee_m")]
        if not isinstance(shape, BaseGeometry) or None in numbers:
            continue
        reach, lon, lat, moved = (float(number or 0.0) for number in numbers)
        camera = CameraId(text(values.get("camera")))
        found[camera] = Coverage(
            camera=camera, area=shape, eye=(lon, lat), reach_m=reach, moved_m=moved,
            uncertain=_yes(values.get("position_incertaine")),
            blind=_yes(values.get("murs_ignores")),
            corrected=_yes(values.get("corrigee")), fingerprint=text(values.get("empreinte")),
        )  # fmt: skip
    return found


# --- cells ---


def _column(frame: pd.DataFrame, name: str, default: object) -> list[Any]:
    columns = {str(column).lower(): column for column in frame.columns}
    if name not in columns:
        return [default] * len(frame)
    return list(frame[columns[name]].tolist())


def _place(shape: BaseGeometry) -> tuple[float, float]:
    point = shape.representative_point()
    return point.x, point.y


def _yes(value: object) -> bool:
    return bool(text(value)) and text(value).lower() not in _NO


def _number(value: object) -> float | None:
    try:
        number = float(text(value).replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None
