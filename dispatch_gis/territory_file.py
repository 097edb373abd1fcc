"""The territory file: everything a town's GIS staff keep, in one GeoPackage they open in QGIS.

Layers and columns are in French, for those who keep them; `docs/sig/couches.md` lists them. Every
layer may be missing, every cell empty. What is wrong is a fault with its row and remedy; nothing is
dropped in silence. Geometries are degrees WGS 84 inside, any declared system outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import geopandas
import pandas as pd
import pyogrio

from dispatch_gis import territory_rows as rows
from dispatch_gis.coverage import Coverage
from dispatch_gis.layers import Fault, UnreadableLayerError, cameras_of, foreign, unplaced
from dispatch_gis.town import Town
from hooks import Camera, CameraId, Message
from hooks.causes import cause

FRANCE = ZoneInfo("Europe/Paris")


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
            raise foreign(path.name, error) from error

    def frame(self, layer: str) -> pd.DataFrame | None:
        """Give a layer in degrees WGS 84; None: there is none."""
        if layer not in self.layers:
            return None
        try:
            found = pyogrio.read_dataframe(self._path, layer=layer, fid_as_index=True)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
            raise foreign(layer, error) from error
        if isinstance(found, geopandas.GeoDataFrame):
            if found.crs is None:
                raise unplaced(layer)
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
    aliases: Mapping[str, CameraId] = {}
    if (frame := source.frame("cameras")) is not None:
        layer = cameras_of(with_geometry(frame))
        cameras, aliases = layer.cameras, layer.aliases
        faults += layer.faults
    streets, places = rows.streets(source.frame("rues"), faults)
    ids = rows.Identifiers(cameras, aliases)
    buildings, heights = rows.buildings(source.frame("batiments"), faults)
    town = Town(
        streets=streets,
        turns=rows.turns(source.frame("interdictions"), places, faults),
        buildings=buildings,
        heights=heights,
        water=rows.areas(source.frame("eau")),
        green=rows.areas(source.frame("verts")),
        cameras=cameras,
        aliases=aliases,
        closures=rows.closures(source.frame("fermetures"), zone, faults),
        masks=rows.masks(source.frame("masques"), ids, faults),
        communes=rows.communes(source.frame("communes"), faults),
        corrections=rows.corrections(source.frame("corrections"), ids, faults),
        calibrations=rows.calibrations(source.frame("calages"), ids, faults),
        presets=rows.presets(source.frame("prepositions"), ids, faults),
    )
    return town, faults


def read_coverages(source: Source) -> dict[CameraId, Coverage]:
    """Read visible areas as they were written: those whose fingerprint still holds serve."""
    return rows.coverages(source.frame("couvertures"))


def with_geometry(frame: pd.DataFrame) -> geopandas.GeoDataFrame:
    """Give a table geometries, if only empty ones."""
    if isinstance(frame, geopandas.GeoDataFrame):
        return frame
    empty = geopandas.GeoSeries([None] * len(frame), index=frame.index, crs=4326)
    return geopandas.GeoDataFrame(frame, geometry=empty)


def unreadable(name: str, error: Exception) -> Message:
    """Say that a file cannot be used."""
    said = error.message if isinstance(error, UnreadableLayerError) else cause(error)
    return Message(text="{file} cannot be used: {cause}", params={"file": name, "cause": said})
