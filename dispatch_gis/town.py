"""What is known of a town, whoever surveyed it: streets, forbidden turns, buildings, cameras.

OpenStreetMap (`osm.py`), BD TOPO (`bdtopo.py`) and a territory file (`territory_file.py`) all give
this. Geometries are shapely, degrees WGS 84.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from dispatch_gis.aim import Calibration
from dispatch_gis.plane import Floats
from hooks import Camera, CameraId, Means

Geometries = NDArray[np.object_]


def geometries(given: Sequence[BaseGeometry]) -> Geometries:
    """Put geometries in an array, one to a cell: numpy would take some of them apart."""
    array: Geometries = np.empty(len(given), dtype=object)
    array[:] = given
    return array


@dataclass(frozen=True, slots=True)
class Street:
    """One piece of street between two junctions, drawn from its first node to its last."""

    start: int  #: the junction's number in its source
    end: int
    lonlat: tuple[tuple[float, float], ...]
    kind: str
    name: str
    car_kmh: float  #: 0: no cars
    car: tuple[bool, bool]  #: may be driven forwards, backwards
    bike: tuple[bool, bool]
    foot: bool
    source: str = ""  #: the way or segment it is a piece of


@dataclass(frozen=True, slots=True)
class Turn:
    """Coming by one street, nobody may go on by another: a restriction, or a barrier between."""

    at: int  #: the junction
    come: int  #: place in `Town.streets`
    go: int
    car: bool  #: forbidden to cars
    bike: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """What is closed, to whom, from when to when. Without `until` it stays until it is removed."""

    area: BaseGeometry | None = None  #: a zone, or a line along the street; None: see `street`
    street: str = ""  #: only the streets of that name
    since: datetime | None = None
    until: datetime | None = None
    means: frozenset[Means] = field(default=frozenset({Means.CAR}))

    def active(self, at: datetime) -> bool:
        """Say whether it holds at that time; from its first second to the one before its end."""
        begun = self.since is None or self.since <= at
        return begun and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """What a camera must not show: homes and their entrances (CSI L251-3)."""

    area: BaseGeometry
    camera: CameraId | None = None  #: None: no camera may
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """A commune's ground, for the territory of competence (CSI R253-3)."""

    code: str  #: INSEE
    name: str = ""
    area: BaseGeometry


@dataclass(frozen=True, slots=True)
class Town:
    """Everything that files say of a town: surveyed by others, or kept by GIS staff."""

    streets: tuple[Street, ...] = ()
    turns: tuple[Turn, ...] = ()
    buildings: Geometries = field(default_factory=lambda: geometries([]))
    #: Metres from the ground to the top of each building; NaN: nobody measured it.
    heights: Floats = field(default_factory=lambda: np.empty(0))
    water: Geometries = field(default_factory=lambda: geometries([]))
    green: Geometries = field(default_factory=lambda: geometries([]))
    cameras: tuple[Camera, ...] = ()
    closures: tuple[Closure, ...] = ()
    masks: tuple[Mask, ...] = ()
    communes: tuple[Commune, ...] = ()
    #: The town's own identifier → a camera that the VMS calls otherwise.
    aliases: Mapping[str, CameraId] = field(default_factory=dict)
    #: Visible areas drawn by hand: they are taken as they are.
    corrections: Mapping[CameraId, BaseGeometry] = field(default_factory=dict)
    #: How turning cameras are mounted.
    calibrations: Mapping[CameraId, Calibration] = field(default_factory=dict)
    #: Where turning cameras can be sent: the preset's name in the VMS → its true bearing.
    presets: Mapping[CameraId, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.heights) != len(self.buildings):
            # Not measured is not flat: a building of unknown height hides everything behind it.
            object.__setattr__(self, "heights", np.full(len(self.buildings), math.nan))

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of the streets; None without streets."""
        if not self.streets:
            return None
        points = np.array([point for street in self.streets for point in street.lonlat])
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        return float(west), float(south), float(east), float(north)
