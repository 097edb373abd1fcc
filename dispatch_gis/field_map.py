"""How a town's own columns are to be understood: a small TOML file beside its camera list.

crs = 2154                   # of the x and y columns, and of the grid the angles are measured in
angle = "trigonometrique"    # or "boussole" (the default), or "grille"

[champs]                     # our field = their column
id = "REFCAM"
type = "type_camera"
azimut_deg = "angle"

[valeurs.type]               # their code = our word
"01" = "dome"
"02" = "fixe"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
from pyproj import CRS, Proj
from pyproj.exceptions import CRSError

from dispatch_gis.layers import ALIASES, Fault, UnreadableLayerError, foreign, heading_deg
from dispatch_gis.plane import Floats
from dispatch_gis.territory_rows import text
from hooks import Message

#: Columns that say where a camera is, beside those of the layer.
PLACES = ("lon", "lat", "x", "y", "wkt", "lat_lon")
#: The layer's fields by the name under which docs and files give them.
FIELDS = (
    "id", "vms_id", "nom", "type", "azimut_deg", "champ_deg", "hauteur_m", "largeur_px",
    "portee_m", "commune", "en_service", "adresse_ip",
)  # fmt: skip


class Angle(StrEnum):
    """Where an angle begins and which way it turns."""

    COMPASS = "boussole"  # 0 = true north, clockwise: what we keep
    TRIGONOMETRIC = "trigonometrique"  # 0 = east, anticlockwise, in the map's grid
    GRID = "grille"  # 0 = the map's north, clockwise


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """Which column is which field, which code which word."""

    columns: Mapping[str, str] = field(default_factory=dict)  #: our field → their column
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    crs: CRS | None = None
    angle: Angle = Angle.COMPASS


def read_field_map(path: Path) -> FieldMap:
    """Read a field map; `UnreadableLayerError` names the key that is wrong."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise foreign(path.name, error) from error
    unknown = set(given) - {"crs", "angle", "champs", "valeurs"}
    if unknown:
        raise UnreadableLayerError(
            "{file}: unknown key {key}", file=path.name, key=sorted(unknown)[0]
        )
    columns, values = given.get("champs", {}), given.get("valeurs", {})
    for name in (*columns, *values):
        if name not in (*FIELDS, *PLACES):
            known = ", ".join((*FIELDS, *PLACES))
            raise UnreadableLayerError(
                "{file}: unknown field {field}; there are: {known}",
                file=path.name,
                field=name,
                known=known,
            )
    try:
        angle = Angle(given.get("angle", "boussole"))
    except ValueError as error:
        known = ", ".join(Angle)
        raise UnreadableLayerError(
            "{file}: angle is one of: {known}", file=path.name, known=known
        ) from error
    try:
        crs = CRS.from_user_input(given["crs"]) if "crs" in given else None
    except CRSError as error:
        raise foreign(f"{path.name}: crs", error) from error
    words = {
        name: {str(code): str(word) for code, word in codes.items()}
        for name, codes in values.items()
    }
    return FieldMap(columns=columns, values=words, crs=crs, angle=angle)


def understood(
    frame: geopandas.GeoDataFrame, field_map: FieldMap, grid: CRS | None, faults: list[Fault]
) -> geopandas.GeoDataFrame:
    """Give a camera table, in degrees, our columns, our words and true bearings.

    Parameters
    ----------
    grid
        The system the angles were measured in, where it is not the map's own saying.

    Raises
    ------
    UnreadableLayerError
        A column of the map is not in the table, or an angle needs a grid nobody named.
    """
    frame = frame.copy()
    given = {str(column).lower(): column for column in frame.columns}
    for name, column in field_map.columns.items():
        if name in PLACES:
            continue
        if column.lower() not in given:
            there = ", ".join(str(each) for each in frame.columns if each != "geometry")
            raise UnreadableLayerError(
                "no column {column}; there are: {there}", column=column, there=there
            )
        # What stood under another name for the same field must not win over the one chosen.
        rivals = [given[alias] for alias in _aliases(name) if alias in given]
        chosen = frame[given[column.lower()]].copy()
        frame = frame.drop(columns=[each for each in rivals if each in frame.columns])
        frame[name] = chosen
    for name, words in field_map.values.items():
        if name in frame.columns:
            frame[name] = [words.get(text(value), text(value)) for value in frame[name]]
    return _true_bearings(frame, field_map, field_map.crs or grid, faults)


def _aliases(name: str) -> tuple[str, ...]:
    return next((aliases for aliases in ALIASES.values() if name in aliases), (name,))


def _true_bearings(
    frame: geopandas.GeoDataFrame, field_map: FieldMap, grid: CRS | None, faults: list[Fault]
) -> geopandas.GeoDataFrame:
    if field_map.angle is Angle.COMPASS:
        return frame
    given = {str(column).lower(): column for column in frame.columns}
    column = next((given[alias] for alias in ALIASES["heading_deg"] if alias in given), None)
    if column is None:
        return frame
    if field_map.angle is Angle.GRID and (grid is None or not grid.is_projected):
        raise UnreadableLayerError("an angle from the map's north needs the map's system: crs = …")
    turned = _convergence(frame, grid)
    bearings: list[float | None] = []
    for row, value in enumerate(frame[column]):
        angle = _angle(value)
        if angle is None and text(value):
            number = Message(text="write an angle in degrees; kept as unknown")
            faults.append(Fault(row + 1, str(column), value, number))
        if angle is not None and field_map.angle is Angle.TRIGONOMETRIC:
            angle = 90 - angle
        known = angle is not None and not np.isnan(turned[row])
        bearings.append(
            round((angle + turned[row]) % 360, 2) if known and angle is not None else None
        )
    frame[column] = pd.array(bearings, dtype="Float64")
    return frame


def _angle(value: object) -> float | None:
    try:
        return float(text(value).replace(",", ".").strip(" °"))
    except ValueError:
        return heading_deg(value)


def _convergence(frame: geopandas.GeoDataFrame, grid: CRS | None) -> Floats:
    """Say by how much true bearings exceed the grid's, at each point; NaN: no point."""
    shapes = frame.geometry
    found = np.where(shapes.isna() | shapes.is_empty, np.nan, 0.0)
    if grid is None or not grid.is_projected:
        return found
    placed = np.flatnonzero(~np.isnan(found))
    points = shapes.iloc[placed].representative_point()
    factors = Proj(grid).get_factors(points.x.to_numpy(), points.y.to_numpy())
    found[placed] = factors.meridian_convergence
    return found
