"""Writing the territory file: whole, or only the layers an import has renewed.

Columns and geometry types are those of `schema.py` even where a layer is empty, so that staff can
draw in it. The file is replaced in one go, or left as it was.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from dispatch_gis import territory_rows as rows
from dispatch_gis.aim import Calibration
from dispatch_gis.coverage import Coverage
from dispatch_gis.layers import cameras_of
from dispatch_gis.plane import Floats
from dispatch_gis.schema import BY_NAME, LAYERS, Type
from dispatch_gis.territory_file import FileSource, with_geometry
from dispatch_gis.town import Geometries, Town, geometries
from hooks import Camera, CameraId, CameraKind

_KINDS = {CameraKind.FIXED: "fixe", CameraKind.PTZ: "tourelle", CameraKind.DOME: "dome"}


def write_town(town: Town, path: Path, *, coverages: Sequence[Coverage] = ()) -> None:
    """Write a whole territory; whatever was in the file is gone."""
    with _replacing(path) as temporary:
        for layer in LAYERS:
            if layer.name == "couvertures":
                write_layer(temporary, layer.name, coverage_frame(coverages, town.cameras))
            else:
                write_layer(temporary, layer.name, _frame_of(layer.name, town))


def complete(path: Path) -> None:
    """Add the layers a territory file lacks, empty: staff draw in them, a project shows them."""
    there = FileSource(path).layers
    for layer in LAYERS:
        if layer.name not in there:
            write_layer(path, layer.name, _frame_of(layer.name, Town()))


def renew_town(
    town: Town, path: Path, *, layers: Set[str], cameras: Set[CameraId] = frozenset()
) -> None:
    """Renew some layers of a territory file; rows and columns of the staff's own stay.

    Parameters
    ----------
    layers
        Those that were delivered. Of `masques`, what is new is added.
    cameras
        Those whose rows are written anew; the other rows of `cameras` stay as they are.
    """
    source = FileSource(path)
    with _replacing(path) as temporary:
        shutil.copy2(path, temporary)
        for name in [layer.name for layer in LAYERS if layer.name in layers]:
            before = source.frame(name)
            frame = _frame_of(name, town)
            if before is not None and name == "cameras":
                frame = _with_cameras(with_geometry(before), town, cameras)
            elif before is not None and name == "masques":
                frame = _with_masks(with_geometry(before), frame)
            write_layer(temporary, name, frame)


def write_calibration(path: Path, camera: CameraId, found: Calibration, date: str) -> None:
    """Keep how a camera is mounted; what was known of it before is replaced."""
    before = FileSource(path).frame("calages")
    fresh = calibration_frame({camera: found}, date)
    if before is not None:
        others = before[before["camera"] != camera]
        fresh = pd.concat([others, fresh], ignore_index=True) if len(others) else fresh
    write_layer(path, "calages", fresh)


def write_layer(path: Path, name: str, frame: pd.DataFrame) -> None:
    """Replace one layer of a territory file, and touch nothing else in it."""
    layer = BY_NAME[name]
    columns = {column.name: column.type for column in layer.columns}
    frame = frame.assign(
        # A column without a value says nothing of what it is to hold.
        **{
            column: frame[column].astype(columns[column].value)
            for column in frame.columns
            if column in columns and frame[column].isna().all()
        }
    )
    if layer.shape is not None and not len(frame):
        frame = with_geometry(frame)
    shape = layer.shape
    if shape is not None and isinstance(frame, geopandas.GeoDataFrame):
        drawn = set(frame.geom_type.dropna())
        shape = shape if drawn <= {shape, shape.removeprefix("Multi")} else "Unknown"
    pyogrio.write_dataframe(
        frame, path, layer=name, driver="GPKG", append=False, geometry_type=shape,
        promote_to_multi=bool(shape and shape.startswith("Multi")),
        # The newest version makes QGIS 3.22, a Debian stable's, complain at every layer.
        dataset_options=None if path.exists() else {"VERSION": "1.3"},
    )  # fmt: skip


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".renfort-") as folder:
        temporary = Path(folder) / path.name
        yield temporary
        os.replace(temporary, path)


# --- what staff had, with what is new ---


def _with_cameras(
    before: geopandas.GeoDataFrame, town: Town, renewed: Set[CameraId]
) -> geopandas.GeoDataFrame:
    """Bring rows up to date: each keeps its identifiers and the columns only staff know."""
    row_of = {camera: row - 1 for row, camera in cameras_of(before).rows.items()}
    if "id" in before.columns:
        # A row without identifier is called by its number, which writing may change.
        unsaid = [not rows.text(value) for value in before["id"]]
        before.loc[unsaid, "id"] = before.index[unsaid].astype(str)
    before = before.reset_index(drop=True)
    known = [camera for camera in town.cameras if camera.id in renewed and camera.id in row_of]
    news = [camera for camera in town.cameras if camera.id not in row_of]
    fresh = camera_frame(known)
    places = [row_of[camera.id] for camera in known]
    for name in [column for column in fresh.columns if column not in ("id", "vms_id")]:
        column = before[name] if name in before.columns else pd.Series([None] * len(before))
        values = np.array(column.tolist(), dtype=object)
        values[places] = geometries(fresh[name].tolist())
        before[name] = (
            geopandas.GeoSeries(values, crs=4326)
            if name == "geometry"
            else pd.Series(values).infer_objects()
        )
    return geopandas.GeoDataFrame(
        pd.concat([before, camera_frame(news, town.aliases)], ignore_index=True)
    )


def _with_masks(
    before: geopandas.GeoDataFrame, delivered: geopandas.GeoDataFrame
) -> geopandas.GeoDataFrame:
    """Add the masks whose ground is not there yet."""
    there = {_ground(shape) for shape in before.geometry}
    news = [_ground(shape) not in there for shape in delivered.geometry]
    return geopandas.GeoDataFrame(pd.concat([before, delivered[news]], ignore_index=True))


def _ground(shape: BaseGeometry | None) -> bytes:
    """Give what two drawings of the same ground have in common."""
    return shapely.to_wkb(shapely.normalize(shapely.union_all(shapely.get_parts(shape))))


# --- layers ---


def camera_frame(
    cameras: Sequence[Camera], aliases: Mapping[str, CameraId] = MappingProxyType({})
) -> geopandas.GeoDataFrame:
    """Write cameras as the layer GIS staff keep; `aliases` are the names the town gave them."""
    named = {camera: alias for alias, camera in aliases.items()}
    placed = [each for each in cameras if each.position is not None]
    points = [
        shapely.Point(each.position.lon, each.position.lat)
        for each in placed
        if each.position is not None
    ]
    return _frame(
        "cameras",
        geometries(points),
        id=[named.get(each.id, each.id.removeprefix("layer:")) for each in placed],
        vms_id=["" if each.id.startswith(("layer:", "osm:")) else each.id for each in placed],
        nom=[each.name for each in placed],
        type=[_KINDS.get(each.kind, "") for each in placed],
        azimut_deg=[each.heading_deg for each in placed],
        champ_deg=[each.fov_deg for each in placed],
        hauteur_m=[each.height_m for each in placed],
        largeur_px=[each.width_px for each in placed],
        portee_m=[each.range_m for each in placed],
        commune=[each.commune for each in placed],
        en_service=[each.enabled for each in placed],
        adresse_ip=[each.extra.get("address", "") for each in placed],
    )


def coverage_frame(
    coverages: Sequence[Coverage], cameras: Sequence[Camera]
) -> geopandas.GeoDataFrame:
    """Write visible areas as the layer that `coverage` makes and nobody edits."""
    names = {camera.id: camera.name for camera in cameras}
    return _frame(
        "couvertures",
        geometries([each.area for each in coverages]),
        camera=[each.camera for each in coverages],
        nom=[names.get(each.camera, "") for each in coverages],
        portee_m=[round(each.reach_m, 1) for each in coverages],
        lon=[each.eye[0] for each in coverages],
        lat=[each.eye[1] for each in coverages],
        deplacee_m=[round(each.moved_m, 2) for each in coverages],
        position_incertaine=[each.uncertain for each in coverages],
        murs_ignores=[each.blind for each in coverages],
        corrigee=[each.corrected for each in coverages],
        empreinte=[each.fingerprint for each in coverages],
    )


def _street_frame(town: Town) -> geopandas.GeoDataFrame:
    streets = town.streets
    points = np.array([point for street in streets for point in street.lonlat]).reshape(-1, 2)
    counts = [len(street.lonlat) for street in streets]
    lines = shapely.linestrings(points, indices=np.repeat(np.arange(len(streets)), counts))
    return _frame(
        "rues",
        np.asarray(lines, dtype=object),
        id=range(len(streets)),
        nom=[each.name for each in streets],
        nature=[each.kind for each in streets],
        debut=[each.start for each in streets],
        fin=[each.end for each in streets],
        vitesse_kmh=[each.car_kmh for each in streets],
        voiture_direct=[each.car[0] for each in streets],
        voiture_inverse=[each.car[1] for each in streets],
        velo_direct=[each.bike[0] for each in streets],
        velo_inverse=[each.bike[1] for each in streets],
        pied=[each.foot for each in streets],
        source=[each.source for each in streets],
    )


def _turn_frame(town: Town) -> pd.DataFrame:
    return _table(
        "interdictions",
        carrefour=[turn.at for turn in town.turns],
        rue_entree=[turn.come for turn in town.turns],
        rue_sortie=[turn.go for turn in town.turns],
        voiture=[turn.car for turn in town.turns],
        velo=[turn.bike for turn in town.turns],
    )


def _building_frame(town: Town) -> geopandas.GeoDataFrame:
    return _frame("batiments", town.buildings, hauteur_m=town.heights)


def _closure_frame(town: Town) -> geopandas.GeoDataFrame:
    return _frame(
        "fermetures",
        geometries([each.area for each in town.closures]),  # type: ignore[misc]
        nom=["" for _ in town.closures],
        rue=[each.street for each in town.closures],
        debut=[each.since.isoformat() if each.since else "" for each in town.closures],
        fin=[each.until.isoformat() if each.until else "" for each in town.closures],
        moyens=[rows.written(each.means) for each in town.closures],
    )


def _mask_frame(town: Town) -> geopandas.GeoDataFrame:
    return _frame(
        "masques",
        geometries([each.area for each in town.masks]),
        camera=[each.camera or "" for each in town.masks],
        motif=[each.reason for each in town.masks],
    )


def _commune_frame(town: Town) -> geopandas.GeoDataFrame:
    return _frame(
        "communes",
        geometries([each.area for each in town.communes]),
        insee=[each.code for each in town.communes],
        nom=[each.name for each in town.communes],
    )


def _correction_frame(town: Town) -> geopandas.GeoDataFrame:
    return _frame(
        "corrections",
        geometries(list(town.corrections.values())),
        camera=list(town.corrections),
        auteur=["" for _ in town.corrections],
        date=["" for _ in town.corrections],
    )


def _calibration_frame(town: Town) -> pd.DataFrame:
    return calibration_frame(town.calibrations)


def calibration_frame(found: Mapping[CameraId, Calibration], date: str = "") -> pd.DataFrame:
    """Write how turning cameras are mounted."""
    return _table(
        "calages",
        camera=list(found),
        pan_zero_deg=[each.pan_zero_deg for each in found.values()],
        pan_sens=[each.pan_sense for each in found.values()],
        tilt_zero_deg=[each.tilt_zero_deg for each in found.values()],
        tilt_sens=[each.tilt_sense for each in found.values()],
        ecart_deg=[each.error_deg for each in found.values()],
        date=[date for _ in found],
    )


def _preset_frame(town: Town) -> pd.DataFrame:
    rows = [
        (camera, name, bearing)
        for camera, presets in town.presets.items()
        for name, bearing in presets.items()
    ]
    return _table(
        "prepositions",
        camera=[camera for camera, _, _ in rows],
        nom=[name for _, name, _ in rows],
        azimut_deg=[bearing for _, _, bearing in rows],
    )


_FRAMES: Mapping[str, Callable[[Town], pd.DataFrame]] = {
    "cameras": lambda town: camera_frame(town.cameras, town.aliases),
    "rues": _street_frame,
    "interdictions": _turn_frame,
    "batiments": _building_frame,
    "eau": lambda town: _frame("eau", town.water),
    "verts": lambda town: _frame("verts", town.green),
    "fermetures": _closure_frame,
    "masques": _mask_frame,
    "communes": _commune_frame,
    "corrections": _correction_frame,
    "calages": _calibration_frame,
    "prepositions": _preset_frame,
}


def _frame_of(layer: str, town: Town) -> pd.DataFrame:
    if layer in _FRAMES:
        return _FRAMES[layer](town)
    none: dict[str, list[Any]] = {column.name: [] for column in BY_NAME[layer].columns}
    return _frame(layer, geometries([]), **none)


def _table(layer: str, **columns: Sequence[Any] | Floats) -> pd.DataFrame:
    dtypes: dict[str, Any] = {
        column.name: "object" if column.type is Type.TEXT else column.type.value
        for column in BY_NAME[layer].columns
    }
    return pd.DataFrame(
        {name: pd.array(list(values), dtype=dtypes[name]) for name, values in columns.items()}
    )


def _frame(
    layer: str, shapes: Geometries, **columns: Sequence[Any] | Floats
) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(
        _table(layer, **columns), geometry=geopandas.GeoSeries(shapes), crs=4326
    )
