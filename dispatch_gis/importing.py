"""From whatever a town has, one territory: each file is recognised by what is in it.

Read: OpenStreetMap extracts, BD TOPO, camera lists and layers, buildings, communes, masks, and our
own territory files; as GeoPackage, Shapefile, GeoJSON, CSV, a folder or a zip of them.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS

from dispatch_gis import bdtopo, tables
from dispatch_gis import territory_rows as rows
from dispatch_gis.field_map import FieldMap, understood
from dispatch_gis.layers import (
    ALIASES,
    Fault,
    UnreadableLayerError,
    cameras_of,
    foreign,
    unplaced,
)
from dispatch_gis.osm import read_town as read_osm
from dispatch_gis.plane import Floats
from dispatch_gis.territory_file import FileSource, Source, read_town
from dispatch_gis.town import Geometries, Town, geometries
from hooks import Camera, CameraId, CameraKind

#: What a layer can be said to be, where it does not show.
KINDS = ("cameras", "rues", "interdictions", "batiments", "communes", "masques")
_OSM = (".pbf", ".osm", ".bz2", ".gz")
_VECTOR = (".gpkg", ".shp", ".geojson", ".json", ".fgb", ".kml", ".gml", ".sqlite", ".tab")
#: What a town is made of → the layer that keeps it.
_LAYER_OF = {
    "streets": "rues", "turns": "interdictions", "water": "eau", "green": "verts",
    "closures": "fermetures", "masks": "masques", "communes": "communes",
    "corrections": "corrections", "calibrations": "calages", "presets": "prepositions",
}  # fmt: skip
_BIGGEST = 20_000_000_000
_INSEE = ("insee", "code_insee", "insee_com", "insee_commune")


@dataclass(slots=True)
class Import:
    """What has been read so far. What comes later wins, layer by layer; cameras are joined by id.

    Parameters
    ----------
    field_map
        How camera tables are to be understood.
    """

    field_map: FieldMap = field(default_factory=FieldMap)
    town: Town = field(default_factory=Town)
    faults: list[Fault] = field(default_factory=list)
    found: list[tuple[str, str, int]] = field(default_factory=list)  #: file, layer, how many
    renewed: set[str] = field(default_factory=set)  #: layers of the territory that have changed
    cameras: set[CameraId] = field(default_factory=set)  #: those that were delivered
    _roads: list[geopandas.GeoDataFrame] = field(default_factory=list)
    _turns: list[pd.DataFrame] = field(default_factory=list)
    _drawn: tuple[Camera, ...] = ()  #: OpenStreetMap's, for want of a list of the town's own

    def add(self, path: Path, kind: str | None = None) -> None:
        """Read one source.

        Raises
        ------
        UnreadableLayerError
            It cannot be read, or nothing in it is known; the message says what was found.
        """
        if path.is_dir():
            self._folder(path, kind)
        elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
            self._zip(path, kind)
        elif path.is_file():
            already = len(self.faults)
            self._file(path, kind)
            self.faults[already:] = [
                replace(fault, layer=f"{path.name}: {fault.layer}")
                for fault in self.faults[already:]
            ]
        else:
            raise UnreadableLayerError("there is no file {path}", path=str(path))

    def add_territory(self, name: str, source: Source) -> None:
        """Read a whole territory, wherever it is kept."""
        town, faults = read_town(source)
        self.faults += faults
        self._take(town, *_LAYER_OF)
        if len(town.buildings):
            self._buildings(town.buildings, town.heights)
        self.town = replace(self.town, aliases={**self.town.aliases, **town.aliases})
        self._join(town.cameras)
        self.found.append((name, "cameras", len(town.cameras)))
        self.found.append((name, "rues", len(town.streets)))
        self.found.append((name, "batiments", len(town.buildings)))

    def whole(self) -> Town:
        """Put together what was read."""
        town = self.town
        if self._roads:
            read = bdtopo.roads(
                pd.concat(self._roads), pd.concat(self._turns) if self._turns else None, self.faults
            )
            town = replace(town, streets=read.streets, turns=read.turns)
            self.renewed |= {"rues", "interdictions"}
        if not town.cameras and self._drawn:
            town = replace(town, cameras=self._drawn)
            self.renewed.add("cameras")
        return town

    # --- sources of several files ---

    def _folder(self, path: Path, kind: str | None) -> None:
        files = [
            each
            for each in sorted(path.rglob("*"))
            if each.is_file() and each.suffix.lower() in (*_OSM, *_VECTOR, ".csv", ".tsv", ".zip")
        ]
        if not files:
            raise UnreadableLayerError("{path}: no layer in this folder", path=str(path))
        for each in files:
            self.add(each, kind)

    def _zip(self, path: Path, kind: str | None) -> None:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
            if sum(each.file_size for each in archive.infolist()) > _BIGGEST:
                raise UnreadableLayerError(
                    "{file}: more than {gigabytes} GB inside",
                    file=path.name,
                    gigabytes=_BIGGEST // 10**9,
                )
            archive.extractall(folder)
            self._folder(Path(folder), kind)

    # --- what is in a file ---

    def _file(self, path: Path, kind: str | None) -> None:
        if path.suffix.lower() in _OSM and kind is None:
            self._osm(path)
        elif tables.is_table(path):
            already = len(self.faults)
            frame, system = tables.read_table(path, self.field_map, self.faults)
            # Why a row has no place is said by who read it.
            said = {fault.row for fault in self.faults[already:] if fault.dropped}
            self._cameras(path.name, frame, system, said)
        else:
            self._layers(path, kind)

    def _osm(self, path: Path) -> None:
        try:
            town = read_osm(path)
        except RuntimeError as error:
            raise foreign(path.name, error) from error
        self._drawn = town.cameras
        self._take(town, "streets", "turns", "water", "green")
        if len(town.buildings):
            self._buildings(town.buildings, town.heights)
        for layer, count in (
            ("rues", len(town.streets)), ("interdictions", len(town.turns)),
            ("batiments", len(town.buildings)), ("cameras", len(town.cameras)),
        ):  # fmt: skip
            self.found.append((path.name, layer, count))

    def _layers(self, path: Path, kind: str | None) -> None:
        source = FileSource(path)
        if {"rues", "cameras", "couvertures"} & set(source.layers) and kind is None:
            self.add_territory(path.name, source)
            return
        seen: list[str] = []
        known = False
        for layer, frame in _frames(path, source):
            seen.append(f"{layer} ({', '.join(str(name) for name in frame.columns)})")
            known |= self._layer(path.name, layer, frame, kind)
        if not known:
            raise UnreadableLayerError(
                "{file}: nothing known here; say what it is with --as {kinds}. There is: {there}",
                file=path.name,
                kinds="|".join(KINDS),
                there="; ".join(seen)[:500],
            )

    def _take(self, town: Town, *names: str) -> None:
        """Take what a source has, and leave what it says nothing of."""
        kept = {name: getattr(town, name) for name in names if len(getattr(town, name))}
        self.town = replace(self.town, **kept)
        self.renewed |= {_LAYER_OF[name] for name in kept}

    def _layer(self, name: str, layer: str, frame: pd.DataFrame, kind: str | None) -> bool:
        """Take one layer, if it is known what it is."""
        kind = kind or _kind(layer, frame)
        if kind == "interdictions":
            self._turns.append(frame)
        elif not isinstance(frame, geopandas.GeoDataFrame) or kind is None:
            return False
        elif frame.crs is None:
            raise unplaced(f"{name}: {layer}")
        elif kind == "rues":
            self._roads.append(frame)
        elif kind == "batiments":
            self._buildings(*bdtopo.buildings(frame))
        elif kind == "communes":
            communes = rows.communes(frame.to_crs(4326), self.faults)
            self.town = replace(self.town, communes=communes)
            self.renewed.add("communes")
        elif kind == "masques":
            self.renewed.add("masques")
            ids = rows.Identifiers(self.town.cameras, self.town.aliases)
            masks = rows.masks(frame.to_crs(4326), ids, self.faults)
            self.town = replace(self.town, masks=(*self.town.masks, *masks))
        else:
            self._cameras(name, frame.to_crs(4326), frame.crs)
            return True
        self.found.append((name, kind, len(frame)))
        return True

    # --- layers ---

    def _buildings(self, shapes: Geometries, heights: Floats) -> None:
        """Take buildings; those of another source on the same ground make place."""
        self.renewed.add("batiments")
        before = self.town.buildings
        if len(before):
            tree = shapely.STRtree(shapes)
            centres = shapely.point_on_surface(before)
            doubled = np.unique(tree.query(centres, predicate="intersects")[0])
            kept = np.setdiff1d(np.arange(len(before)), doubled)
            shapes = geometries([*before[kept], *shapes])
            heights = np.concatenate([self.town.heights[kept], heights])
        self.town = replace(self.town, buildings=shapes, heights=heights)

    def _cameras(
        self, name: str, frame: geopandas.GeoDataFrame, system: CRS, said: Set[int] = frozenset()
    ) -> None:
        frame = understood(frame, self.field_map, system, self.faults)
        layer = cameras_of(frame)
        self.faults += [
            each for each in layer.faults if not (each.field == "geometry" and each.row in said)
        ]
        self.town = replace(self.town, aliases={**self.town.aliases, **layer.aliases})
        self._join(layer.cameras)
        self.found.append((name, "cameras", len(layer.cameras)))

    def _join(self, cameras: tuple[Camera, ...]) -> None:
        """Join cameras by their identifier: the town's own, even where the VMS calls it otherwise.

        What a delivery leaves empty was perhaps surveyed: it stays.
        """
        known: dict[CameraId, Camera] = {camera.id: camera for camera in self.town.cameras}
        for camera in cameras:
            identifier = self.town.aliases.get(camera.id.removeprefix("layer:"), camera.id)
            known[identifier] = _joined(known.get(identifier), replace(camera, id=identifier))
            self.cameras.add(identifier)
        self.town = replace(self.town, cameras=tuple(known.values()))
        if cameras:
            self.renewed.add("cameras")


def _joined(before: Camera | None, camera: Camera) -> Camera:
    if before is None:
        return camera
    unsaid: dict[str, Any] = {
        name: getattr(before, name)
        for name in ("heading_deg", "fov_deg", "height_m", "width_px", "range_m")
        if getattr(camera, name) is None
    }
    if camera.name == camera.id.partition(":")[2]:
        unsaid["name"] = before.name
    if camera.kind is CameraKind.UNKNOWN:
        unsaid["kind"] = before.kind
    if not camera.commune:
        unsaid["commune"] = before.commune
    if not camera.extra:
        unsaid["extra"] = before.extra
    return replace(camera, **unsaid)


def _frames(path: Path, source: FileSource) -> Iterator[tuple[str, pd.DataFrame]]:
    for layer in source.layers:
        try:
            yield layer, pyogrio.read_dataframe(path, layer=layer)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
            raise foreign(f"{path.name}: {layer}", error) from error


def _kind(layer: str, frame: pd.DataFrame) -> str | None:
    """Recognise a layer by its columns, its geometry, then its name."""
    if bdtopo.is_roads(frame):
        return "rues"
    if bdtopo.is_turns(frame):
        return "interdictions"
    if not isinstance(frame, geopandas.GeoDataFrame):
        return None
    kinds = set(frame.geometry.geom_type.dropna().unique())
    names = {str(column).lower() for column in frame.columns}
    name = layer.lower()
    found = None
    if kinds <= {"Point", "MultiPoint"}:
        found = "cameras"
    elif kinds <= {"Polygon", "MultiPolygon"}:
        if "masque" in name:
            found = "masques"
        elif "bati" in name or "building" in name or names & {"hauteur", "building", "nb_etages"}:
            found = "batiments"
        elif "commune" in name or names & set(_INSEE):
            found = "communes"
    elif "camera" in name or names & _camera_columns():
        found = "cameras"
    return found


def _camera_columns() -> set[str]:
    return {*ALIASES["heading_deg"], *ALIASES["fov_deg"]} - {"cap", "direction"}


def counts(found: list[tuple[str, str, int]]) -> Mapping[str, int]:
    """Add up what was found, layer by layer."""
    total: dict[str, int] = {}
    for _, layer, count in found:
        total[layer] = total.get(layer, 0) + count
    return total
