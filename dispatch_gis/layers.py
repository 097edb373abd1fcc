"""Read the town's camera layer: GeoPackage, GeoJSON, Shapefile, whatever GDAL reads.

Nothing is dropped in silence: each feature becomes a camera, or a fault, or a camera with a fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from hooks import Camera, CameraId, CameraKind, Message, Position
from hooks.causes import cause


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one value of a layer. `dropped`: the row could not be kept."""

    row: int  #: counted from 1, as QGIS shows it; 0: the whole layer
    field: str
    value: object
    remedy: Message
    dropped: bool = False
    layer: str = "cameras"
    place: tuple[float, float] | None = None  #: lon, lat of the row, where it has one

    @property
    def message(self) -> Message:
        """The whole sentence, for people."""
        params: dict[str, str | int | float | Message] = {
            "layer": self.layer,
            "row": self.row,
            "field": self.field,
            "value": repr(self.value)[:80],
            "remedy": self.remedy,
        }
        return Message(text="layer {layer}, row {row}, {field} = {value}: {remedy}", params=params)


@dataclass(frozen=True, slots=True)
class Layer:
    """The cameras of a layer, and what was wrong in it."""

    cameras: tuple[Camera, ...]
    faults: tuple[Fault, ...]
    rows: Mapping[int, CameraId]  #: row, counted from 1 → the camera it became
    aliases: Mapping[str, CameraId]  #: the town's own identifier → a camera the VMS calls otherwise


class UnreadableLayerError(ValueError):
    """A source cannot be read at all; `message` says why and what to do.

    Parameters
    ----------
    text, params
        As of a `Message`.
    """

    def __init__(self, text: str, /, **params: str | float | Message) -> None:
        self.message = Message(text=text, params=params)
        super().__init__(str(self.message))


def foreign(name: str, error: Exception) -> UnreadableLayerError:
    """Wrap what a library says of a file."""
    return UnreadableLayerError("{layer} cannot be read: {cause}", layer=name, cause=cause(error))


def unplaced(name: str) -> UnreadableLayerError:
    """Say that a layer could be anywhere."""
    return UnreadableLayerError(
        "{layer} does not say its coordinate system (CRS): set it", layer=name
    )


#: Our field, and the names under which towns and OpenStreetMap give it; the first is the layer's.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "ref", "refcam", "id_cam", "fid"),
    "vms_id": ("vms_id",),
    "name": ("nom", "name", "libelle"),
    "kind": ("type", "kind", "camera:type", "camera_type", "type_camera"),
    "heading_deg": (
        "azimut_deg",
        "heading_deg",
        "camera:direction",
        "camera_direction",
        "direction",
        "azimut",
        "orientation",
        "cap",
    ),
    "fov_deg": ("champ_deg", "fov_deg", "champ", "angle_ouverture", "fov"),
    "height_m": ("hauteur_m", "height_m", "height", "hauteur"),
    "width_px": ("largeur_px", "width_px"),
    "range_m": ("portee_m", "range_m", "portee"),
    "commune": ("commune", "insee", "code_insee", "insee_com"),
    "enabled": ("en_service", "enabled", "active"),
    "address": ("adresse_ip", "ip", "ip_address", "adresse_reseau"),
}

_POINTS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE",
           "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")  # fmt: skip
_GUID = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_KINDS = {
    "fixed": CameraKind.FIXED, "fixe": CameraKind.FIXED, "bullet": CameraKind.FIXED,
    "ptz": CameraKind.PTZ, "panning": CameraKind.PTZ, "tourelle": CameraKind.PTZ,
    "dome": CameraKind.DOME, "dôme": CameraKind.DOME,
}  # fmt: skip


def read_cameras(path: Path) -> Layer:
    """Read every camera of a file's first layer; positions come out in WGS 84.

    Raises
    ------
    UnreadableLayerError
        The file cannot be read, or its coordinate system is not said and cannot be WGS 84.
    """
    try:
        frame = geopandas.read_file(path, engine="pyogrio", fid_as_index=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise foreign(path.name, error) from error
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise UnreadableLayerError("{layer} has no geometry: it cannot be placed", layer=path.name)
    if frame.crs is None:
        raise unplaced(path.name)
    return cameras_of(frame.to_crs(4326))


def cameras_of(frame: geopandas.GeoDataFrame) -> Layer:
    """Read every camera of a table whose points are degrees WGS 84."""
    columns = {str(name).lower(): name for name in frame.columns}
    names = {
        field: [columns[alias] for alias in aliases if alias in columns]
        for field, aliases in ALIASES.items()
    }
    reader = _Reader(names)
    for row, (index, values) in enumerate(frame.iterrows(), start=1):
        reader.read(row, index, values)
    return Layer(tuple(reader.cameras), tuple(reader.faults), reader.rows, reader.aliases)


class _Reader:
    def __init__(self, names: Mapping[str, list[str]]) -> None:
        self._names = names
        self._taken: set[str] = set()
        self._place: tuple[float, float] | None = None
        self.cameras: list[Camera] = []
        self.faults: list[Fault] = []
        self.rows: dict[int, CameraId] = {}
        self.aliases: dict[str, CameraId] = {}

    def read(self, row: int, index: object, values: Any) -> None:
        self._place = None
        position = self._position(row, values.geometry)
        if position is None:
            return
        self._place = (position.lon, position.lat)
        given = {field: _first(values, columns) for field, columns in self._names.items()}
        identifier = self._identifier(row, index, given)
        if identifier is None:
            return
        self.rows[row] = identifier
        number = self._number
        width = number(row, given, "width_px", 1, 1e5)
        self.cameras.append(
            Camera(
                id=identifier,
                name=_text(given["name"]) or identifier.partition(":")[2],
                position=position,
                kind=self._kind(row, given["kind"]),
                heading_deg=self._heading(row, given["heading_deg"]),
                fov_deg=number(row, given, "fov_deg", 1, 360),
                height_m=number(row, given, "height_m", 0, 200),
                width_px=int(width) if width else None,
                range_m=number(row, given, "range_m", 1, 5000),
                enabled=_text(given["enabled"]).lower() not in ("0", "0.0", "false", "no", "non"),
                commune=_text(given["commune"]),
                extra={"address": address} if (address := _text(given["address"])) else {},
            )
        )

    def _position(self, row: int, geometry: Any) -> Position | None:
        if not isinstance(geometry, BaseGeometry) or geometry.is_empty:
            self._fault(row, "geometry", None, Message(text="place the point"), dropped=True)
            return None
        point = geometry if isinstance(geometry, shapely.Point) else geometry.representative_point()
        try:
            return Position(lon=point.x, lat=point.y, source="layer")
        except ValueError:
            out = Message(text="no place on earth; check the layer's coordinate system")
            self._fault(row, "geometry", f"{point.x} {point.y}", out, dropped=True)
            return None

    def _identifier(self, row: int, index: object, given: Mapping[str, object]) -> CameraId | None:
        vms = camera_name(_text(given["vms_id"]))
        local = _text(given["id"]) or str(index)
        # A camera that OpenStreetMap drew keeps the name it has there.
        ours = local if local.startswith("osm:") else f"layer:{local}"
        identifier = vms if ":" in vms else ours
        if vms and ":" not in vms:
            shape = Message(text="write <adapter>:<identifier>, as milestone:6f2b…")
            self._fault(row, "vms_id", vms, shape)
        if identifier in self._taken:
            twice = Message(text="this identifier is already used: give each camera its own")
            self._fault(row, "vms_id" if ":" in vms else "id", identifier, twice, dropped=True)
            return None
        self._taken.add(identifier)
        if vms and identifier == vms:
            self.aliases[local] = CameraId(identifier)
        return CameraId(identifier)

    def _kind(self, row: int, value: object) -> CameraKind:
        word = _text(value).lower()
        if word and word not in _KINDS:
            known = Message(text="write fixed, ptz or dome; until then it is unknown")
            self._fault(row, "kind", value, known)
        return _KINDS.get(word, CameraKind.UNKNOWN)

    def _heading(self, row: int, value: object) -> float | None:
        heading = heading_deg(value)
        if heading is None and _text(value):
            compass = Message(text="write a compass bearing, 0 to 360, 0 = north; kept as unknown")
            self._fault(row, "heading_deg", value, compass)
        return heading

    def _number(
        self, row: int, given: Mapping[str, object], field: str, low: float, high: float
    ) -> float | None:
        value = given[field]
        text = _text(value).replace(",", ".")
        if not text:
            return None
        match = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*(?:m|px|°)?", text)
        number = float(match[1]) if match else math.nan
        if low <= number <= high:
            return number
        wanted = Message(
            text="write a number from {low:.0f} to {high:.0f}; kept as unknown",
            params={"low": low, "high": float(high)},
        )
        self._fault(row, field, value, wanted)
        return None

    def _fault(
        self, row: int, field: str, value: object, remedy: Message, *, dropped: bool = False
    ) -> None:
        # Under the name it has in the layer, or would have.
        named = (*self._names.get(field, ()), *ALIASES.get(field, (field,)))[0]
        self.faults.append(Fault(row, named, value, remedy, dropped, place=self._place))


def heading_deg(value: object) -> float | None:
    """Read a compass bearing as towns and OpenStreetMap write it: 45, "45°", "NE", "30-90".

    A range runs clockwise (wiki.openstreetmap.org, camera:direction): 270-90 passes through north.
    None: not a bearing.
    """
    text = _text(value).upper().replace(",", ".").strip(" °")
    if text in _POINTS:
        return _POINTS.index(text) * 22.5
    number = r"(\d+(?:\.\d+)?)"
    if match := re.fullmatch(rf"{number}\s*-\s*{number}", text):
        start, end = float(match[1]), float(match[2])
        if max(start, end) > 360:
            return None
        return (start + ((end - start) % 360) / 2) % 360
    if re.fullmatch(number, text) and float(text) <= 360:
        return float(text) % 360
    return None


def camera_name(written: str) -> str:
    """Write a VMS's identifier as adapters do: databases show a GUID in capitals, or in braces."""
    adapter, _, identifier = written.partition(":")
    guid = _GUID.fullmatch(identifier.strip())
    return f"{adapter.strip().lower()}:{guid[1].lower()}" if guid else written


def _first(values: Any, columns: list[str]) -> object:
    return next((values[name] for name in columns if _text(values[name])), None)


def _text(value: object) -> str:
    """Write a cell; empty, null and NaN are nothing, 12.0 is 12."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    return "" if text in ("<NA>", "NaT", "nan", "None") else text
