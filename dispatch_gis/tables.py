"""Read a camera list as French towns hand it over: a table with places in some of its columns.

Separators, encodings, decimal commas and coordinate systems are found out; what cannot be found out
is asked for (`field_map.py`), never guessed in silence.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import geopandas
import numpy as np
import shapely
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from dispatch_gis.field_map import PLACES, FieldMap
from dispatch_gis.layers import Fault, UnreadableLayerError, foreign
from hooks import Message

#: A town's cameras stand together: one that far from the others is drawn wrong.
FAR_M = 50_000.0
_BIGGEST = 200_000_000

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "lon": ("lon", "lng", "long", "longitude", "x_wgs84", "lon_wgs84", "coord_lon", "gps_lon"),
    "lat": ("lat", "latitude", "y_wgs84", "lat_wgs84", "coord_lat", "gps_lat"),
    "x": ("x", "x_l93", "xl93", "x_lambert93", "x_lamb93", "coord_x", "coordx", "lambert_x",
          "coordonnee_x", "coord_x_l93", "x_lambert", "easting", "est"),
    "y": ("y", "y_l93", "yl93", "y_lambert93", "y_lamb93", "coord_y", "coordy", "lambert_y",
          "coordonnee_y", "coord_y_l93", "y_lambert", "northing", "nord"),
    "wkt": ("wkt", "geom", "the_geom", "geometry", "geometrie", "geom_wkt"),
    "lat_lon": ("geo_point_2d", "lat_lon", "latlon", "coordonnees", "coordonnees_gps", "gps",
                "position", "latlong"),
}  # fmt: skip

_Place = tuple[float, float]


def is_table(path: Path) -> bool:
    """Say whether a file is a table, by its name."""
    return path.suffix.lower() in (".csv", ".tsv", ".txt")


def read_table(
    path: Path, field_map: FieldMap, faults: list[Fault]
) -> tuple[geopandas.GeoDataFrame, CRS]:
    """Read a table of cameras: points in degrees, and the system they were written in.

    A row whose place is wrong keeps its number, without a point.

    Raises
    ------
    UnreadableLayerError
        It is no table, or no column says where the cameras are.
    """
    header, rows = _cells(path, faults)
    columns = _placed(header, field_map)
    frame = geopandas.GeoDataFrame(
        {name: [row[index] for row in rows] for index, name in enumerate(header)}
    )
    written = [_written({word: row[index] for word, index in columns.items()}) for row in rows]
    system = field_map.crs or _system([place for place in written if place is not None])
    places = _degrees(written, system)
    shapes = [
        _sound(row, place, rows[row - 1], columns, faults)
        for row, place in enumerate(places, start=1)
    ]
    _strays(shapes, faults)
    return frame.set_geometry(geopandas.GeoSeries(shapes, crs=4326)), system


# --- the text ---


def _cells(path: Path, faults: list[Fault]) -> tuple[list[str], list[list[str]]]:
    if path.stat().st_size > _BIGGEST:
        raise UnreadableLayerError(
            "{file} is larger than {megabytes} MB",
            file=path.name,
            megabytes=_BIGGEST // 1_000_000,
        )
    written = _decoded(path.read_bytes())
    if "\0" in written:
        raise UnreadableLayerError("{file} is no text", file=path.name)
    first = written.partition("\n")[0]
    separator = max(";\t,|", key=first.count)
    try:
        table = [row for row in csv.reader(io.StringIO(written), delimiter=separator) if any(row)]
    except csv.Error as error:
        raise foreign(path.name, error) from error
    if len(table) < 2 or len(table[0]) < 2:
        raise UnreadableLayerError(
            "{file} has no rows under a line of column names", file=path.name
        )
    header = _unique([name.strip() for name in table[0]])
    rows = []
    for number, row in enumerate(table[1:], start=1):
        if len(row) != len(header):
            count = Message(
                text="{given} cells under {wanted} columns: quote the text that holds a separator",
                params={"given": len(row), "wanted": len(header)},
            )
            faults.append(Fault(number, header[-1], " ".join(row[len(header) :]), count))
        rows.append([*row, *[""] * len(header)][: len(header)])
    return header, rows


def _decoded(content: bytes) -> str:
    """Read text as spreadsheets write it: Excel's own Unicode, UTF-8, else Western Europe's."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        free = name or f"colonne_{number}"
        found.append(free if free not in found else f"{free}_{number}")
    return found


def plain(name: str) -> str:
    """Write a column's name without accents, capitals and punctuation."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", bare.lower()).strip("_")


def _placed(header: Sequence[str], field_map: FieldMap) -> dict[str, int]:
    """Find the columns that say where: as the map says, else by their names."""
    named = {word: name for word, name in field_map.columns.items() if word in PLACES}
    plainly = [plain(name) for name in header]
    found: dict[str, int] = {}
    for word, name in named.items():
        if plain(name) not in plainly:
            raise UnreadableLayerError(
                "no column {column}; there are: {there}", column=name, there=", ".join(header)
            )
        found[word] = plainly.index(plain(name))
    if found:
        return found
    for word, names in _COLUMNS.items():
        index = next((plainly.index(name) for name in names if name in plainly), None)
        if index is not None:
            found[word] = index
    for pair in ({"lon", "lat"}, {"x", "y"}, {"wkt"}, {"lat_lon"}):
        if pair <= found.keys():
            return {word: found[word] for word in pair}
    there = ", ".join(header)
    raise UnreadableLayerError(
        "no column says where the cameras are; name them in a field map. There are: {there}",
        there=there,
    )


# --- the places ---


def _written(cells: Mapping[str, str]) -> _Place | None:
    """Read a place in whatever units it was written; None: there is none."""
    if "wkt" in cells:
        return _from_wkt(cells["wkt"])
    if "lat_lon" in cells:
        both = re.findall(r"-?\d+(?:\.\d+)?", cells["lat_lon"])
        return (float(both[1]), float(both[0])) if len(both) == 2 else None
    words = ("lon", "lat") if "lon" in cells else ("x", "y")
    numbers = [number(cells[word]) for word in words]
    first, second = numbers
    return None if first is None or second is None else (first, second)


def _from_wkt(written: str) -> _Place | None:
    try:
        shape: BaseGeometry = shapely.from_wkt(written.partition(";")[2] or written)
    except shapely.errors.GEOSException:
        return None
    if shape.is_empty:
        return None
    point = shape.representative_point()
    return point.x, point.y


def number(written: str) -> float | None:
    """Read a number as French spreadsheets write it: 787 716,15."""
    bare = re.sub(r"[\s\u00a0\u202f']", "", written).strip("°")
    if re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+", bare):
        bare = bare.replace(".", "")
    try:
        found = float(bare.replace(",", "."))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _system(places: Sequence[_Place]) -> CRS:
    """Find out in which system places are written, by their size.

    Raises
    ------
    UnreadableLayerError
        They fit none that is known: it must be said.
    """
    if not places:
        return CRS.from_epsg(4326)
    x, y = (float(np.median([place[axis] for place in places])) for axis in (0, 1))
    if abs(x) <= 180 and abs(y) <= 90:
        return CRS.from_epsg(4326)
    if 50_000 < x < 1_300_000 and 6_000_000 < y < 7_200_000:
        return CRS.from_epsg(2154)  # Lambert-93
    zone = round((y - 200_000) / 1_000_000) + 41
    if 1_000_000 < x < 2_400_000 and 42 <= zone <= 50:
        return CRS.from_epsg(3900 + zone)  # conique conforme, zone 42 to 50
    raise UnreadableLayerError(
        "x = {x:.0f}, y = {y:.0f} fit no known system: write crs = … in a field map", x=x, y=y
    )


def _degrees(places: Sequence[_Place | None], system: CRS) -> list[_Place | None]:
    moved: Callable[..., tuple[float, float]] = Transformer.from_crs(
        system, 4326, always_xy=True
    ).transform
    return [None if place is None else moved(*place) for place in places]


def _sound(
    row: int,
    place: _Place | None,
    cells: Sequence[str],
    columns: Mapping[str, int],
    faults: list[Fault],
) -> shapely.Point | None:
    given = " ".join(cells[index] for index in columns.values())
    field = "/".join(columns)
    if place is None:
        write = Message(text="write where the camera is")
        faults.append(Fault(row, field, given, write, dropped=True))
        return None
    lon, lat = place
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        nowhere = Message(text="no place on earth; check the layer's coordinate system")
        faults.append(Fault(row, field, given, nowhere, dropped=True))
        return None
    if abs(lon) < 1e-6 and abs(lat) < 1e-6:
        zero = Message(text="0, 0 is in the sea off Africa: write where the camera is")
        faults.append(Fault(row, field, given, zero, dropped=True))
        return None
    return shapely.Point(lon, lat)


def _strays(shapes: list[shapely.Point | None], faults: list[Fault]) -> None:
    """Say which points are far from all others; one whose axes were swapped is not kept."""
    known = [point for point in shapes if point is not None]
    if len(known) < 3:
        return
    lon, lat = (float(np.median([getattr(p, axis) for p in known])) for axis in ("x", "y"))
    for index, point in enumerate(shapes):
        if point is None or _away_m(point.x, point.y, lon, lat) < FAR_M:
            continue
        swapped = _away_m(point.y, point.x, lon, lat) < FAR_M
        remedy = (
            Message(text="longitude and latitude are swapped")
            if swapped
            else Message(text="more than 50 km from the others: check its place")
        )
        given = f"{point.x:.6f} {point.y:.6f}"
        faults.append(Fault(index + 1, "lon/lat", given, remedy, swapped, place=(point.x, point.y)))
        if swapped:
            shapes[index] = None


def _away_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    east = (lon - other_lon) * math.cos(math.radians(other_lat))
    return math.hypot(east, lat - other_lat) * 111_320.0
