"""The territory file: everything a town's GIS staff keep, in one GeoPackage they open in QGIS.

Layers and columns are in French, for those who keep them; `docs/sig/couches.md` lists them. Every
layer may be missing, every cell empty. What is wrong is a fault with its row and remedy; nothing is
dropped in silence. Geometries are degrees WGS 84 inside, any declared system outside.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import shapely

from dispatch_gis import territory_rows as rows
from dispatch_gis.coverage import Coverage
from dispatch_gis.layers import Fault, UnreadableLayerError, cameras_of
from dispatch_gis.town import Geometries, Town, geometries
from hooks import Camera, CameraId, CameraKind, Message

FRANCE = ZoneInfo("Europe/Paris")
_KINDS = {CameraKind.FIXED: "fixe", CameraKind.PTZ: "tourelle", CameraKind.DOME: "dome"}


class Source(Protocol):
    """Where layers come from: a file, a schema of PostGIS."""

    def frame(self, layer: str) -> pd.DataFrame | None:
        """Give a layer in degrees WGS 84, or a table without geometry; None: there is none."""
        ...


class FileSource:
    """The layers of a GeoPackage.

    Raises
    ------
    UnreadableLayerError
        It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        except (pyogrio.errors.DataSourceError, OSError) as error:
            raise UnreadableLayerError(str(error)) from error

    def frame(self, layer: str) -> pd.DataFrame | None:
        """Give a layer in degrees WGS 84; None: there is none."""
        if layer not in self.layers:
            return None
        try:
            found = pyogrio.read_dataframe(self._path, layer=layer, fid_as_index=True)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
            raise UnreadableLayerError(f"{layer}: {error}") from error
        if isinstance(found, geopandas.GeoDataFrame):
            if found.crs is None:
                unsaid = "the layer does not say its coordinate system (CRS): set it"
                raise UnreadableLayerError(f"{layer}: {unsaid}")
            return found.to_crs(4326)
        return found


def read_town(source: Source, zone: ZoneInfo = FRANCE) -> tuple[Town, list[Fault]]:
    """Read a whole territory.

    Parameters
    ----------
    zone
        Whose hours are meant where a closure's hours do not say it.

    Raises
    ------
    UnreadableLayerError
        A layer cannot be read at all.
    """
    faults: list[Fault] = []
    cameras: tuple[Camera, ...] = ()
    if (frame := source.frame("cameras")) is not None:
        layer = cameras_of(_with_geometry(frame))
        cameras = layer.cameras
        faults += layer.faults
    streets, places = rows.streets(source.frame("rues"), faults)
    ids = rows.Identifiers(cameras)
    buildings, heights = rows.buildings(source.frame("batiments"), faults)
    town = Town(
        streets=streets,
        turns=rows.turns(source.frame("interdictions"), places, faults),
        buildings=buildings,
        heights=heights,
        water=rows.areas(source.frame("eau")),
        green=rows.areas(source.frame("verts")),
        cameras=cameras,
        closures=rows.closures(source.frame("fermetures"), zone, faults),
        masks=rows.masks(source.frame("masques"), ids, faults),
        communes=rows.communes(source.frame("communes"), faults),
        corrections=rows.corrections(source.frame("corrections"), ids, faults),
    )
    return town, faults


def read_coverages(source: Source) -> dict[CameraId, Coverage]:
    """Read visible areas as they were written: those whose fingerprint still holds serve."""
    return rows.coverages(source.frame("couvertures"))


def _with_geometry(frame: pd.DataFrame) -> geopandas.GeoDataFrame:
    if isinstance(frame, geopandas.GeoDataFrame):
        return frame
    empty = geopandas.GeoSeries([None] * len(frame), index=frame.index, crs=4326)
    return geopandas.GeoDataFrame(frame, geometry=empty)


# --- writing ---


def write_town(town: Town, path: Path, *, coverages: Sequence[Coverage] = ()) -> None:
    """Write a whole territory; the file is replaced in one go, or left as it was."""
    with _replacing(path) as temporary:
        for layer, frame in _frames(town, coverages):
            pyogrio.write_dataframe(frame, temporary, layer=layer, driver="GPKG", append=False)


def write_layer(path: Path, layer: str, frame: geopandas.GeoDataFrame) -> None:
    """Replace one layer of a territory file, and touch nothing else in it."""
    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG", append=False)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".renfort-") as folder:
        temporary = Path(folder) / path.name
        yield temporary
        os.replace(temporary, path)


def _frames(town: Town, coverages: Sequence[Coverage]) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "cameras", camera_frame(town.cameras)
    yield "rues", _street_frame(town)
    yield (
        "interdictions",
        pd.DataFrame(
            {
                "carrefour": np.array([turn.at for turn in town.turns], dtype=np.int64),
                "rue_entree": np.array([turn.come for turn in town.turns], dtype=np.int64),
                "rue_sortie": np.array([turn.go for turn in town.turns], dtype=np.int64),
                "voiture": np.array([turn.car for turn in town.turns], dtype=bool),
                "velo": np.array([turn.bike for turn in town.turns], dtype=bool),
            }
        ),
    )
    yield "batiments", _frame(town.buildings, hauteur_m=town.heights)
    yield "eau", _frame(town.water)
    yield "verts", _frame(town.green)
    yield (
        "fermetures",
        _frame(
            geometries([each.area for each in town.closures]),  # type: ignore[misc]
            nom=["" for _ in town.closures],
            rue=[each.street for each in town.closures],
            debut=[each.since.isoformat() if each.since else "" for each in town.closures],
            fin=[each.until.isoformat() if each.until else "" for each in town.closures],
            moyens=[rows.written(each.means) for each in town.closures],
        ),
    )
    yield (
        "masques",
        _frame(
            geometries([each.area for each in town.masks]),
            camera=[each.camera or "" for each in town.masks],
            motif=[each.reason for each in town.masks],
        ),
    )
    yield (
        "communes",
        _frame(
            geometries([each.area for each in town.communes]),
            insee=[each.code for each in town.communes],
            nom=[each.name for each in town.communes],
        ),
    )
    yield (
        "corrections",
        _frame(
            geometries(list(town.corrections.values())),
            camera=list(town.corrections),
            auteur=["" for _ in town.corrections],
            date=["" for _ in town.corrections],
        ),
    )
    yield "couvertures", coverage_frame(coverages, town.cameras)


def camera_frame(cameras: Sequence[Camera]) -> geopandas.GeoDataFrame:
    """Write cameras as the layer GIS staff keep."""
    placed = [each for each in cameras if each.position is not None]
    points = [
        shapely.Point(each.position.lon, each.position.lat)
        for each in placed
        if each.position is not None
    ]
    return _frame(
        geometries(points),
        id=[each.id.removeprefix("layer:") for each in placed],
        vms_id=["" if each.id.startswith(("layer:", "osm:")) else each.id for each in placed],
        nom=[each.name for each in placed],
        type=[_KINDS.get(each.kind, "") for each in placed],
        azimut_deg=_numbers([each.heading_deg for each in placed]),
        champ_deg=_numbers([each.fov_deg for each in placed]),
        hauteur_m=_numbers([each.height_m for each in placed]),
        largeur_px=pd.array([each.width_px for each in placed], dtype="Int64"),
        portee_m=_numbers([each.range_m for each in placed]),
        commune=[each.commune for each in placed],
        en_service=np.array([each.enabled for each in placed], dtype=bool),
    )


def coverage_frame(
    coverages: Sequence[Coverage], cameras: Sequence[Camera]
) -> geopandas.GeoDataFrame:
    """Write visible areas as the layer that `coverage` makes and nobody edits."""
    names = {camera.id: camera.name for camera in cameras}
    return _frame(
        geometries([each.area for each in coverages]),
        camera=[each.camera for each in coverages],
        nom=[names.get(each.camera, "") for each in coverages],
        portee_m=_numbers([round(each.reach_m, 1) for each in coverages]),
        lon=_numbers([each.eye[0] for each in coverages]),
        lat=_numbers([each.eye[1] for each in coverages]),
        deplacee_m=_numbers([round(each.moved_m, 2) for each in coverages]),
        position_incertaine=np.array([each.uncertain for each in coverages], dtype=bool),
        murs_ignores=np.array([each.blind for each in coverages], dtype=bool),
        corrigee=np.array([each.corrected for each in coverages], dtype=bool),
        empreinte=[each.fingerprint for each in coverages],
    )


def _street_frame(town: Town) -> geopandas.GeoDataFrame:
    streets = town.streets
    points = np.array([point for street in streets for point in street.lonlat]).reshape(-1, 2)
    counts = [len(street.lonlat) for street in streets]
    lines = shapely.linestrings(points, indices=np.repeat(np.arange(len(streets)), counts))
    return _frame(
        np.asarray(lines, dtype=object),
        id=np.arange(len(streets), dtype=np.int64),
        nom=[each.name for each in streets],
        nature=[each.kind for each in streets],
        debut=np.array([each.start for each in streets], dtype=np.int64),
        fin=np.array([each.end for each in streets], dtype=np.int64),
        vitesse_kmh=_numbers([each.car_kmh for each in streets]),
        voiture_direct=np.array([each.car[0] for each in streets], dtype=bool),
        voiture_inverse=np.array([each.car[1] for each in streets], dtype=bool),
        velo_direct=np.array([each.bike[0] for each in streets], dtype=bool),
        velo_inverse=np.array([each.bike[1] for each in streets], dtype=bool),
        pied=np.array([each.foot for each in streets], dtype=bool),
        source=[each.source for each in streets],
    )


def _numbers(values: Sequence[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if each is None else each for each in values], dtype=np.float64)


def _frame(shapes: Geometries, **columns: Any) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(columns, geometry=geopandas.GeoSeries(shapes), crs=4326)


def unreadable(name: str, error: Exception) -> Message:
    """Say that a file cannot be used."""
    return Message(
        text="{file} cannot be used: {cause}", params={"file": name, "cause": str(error)[:300]}
    )
