"""What is known of a town, whoever surveyed it: streets, forbidden turns, buildings, cameras.

OpenStreetMap (`osm.py`), BD TOPO (`bdtopo.py`) and a territory file (`territory_file.py`) all give
this. Geometries are shapely, degrees WGS 84.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from dispatch_gis.plane import Floats
from hooks import Camera

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


@dataclass(frozen=True, slots=True)
class Town:
    """Everything an extract says of a town."""

    streets: tuple[Street, ...] = ()
    turns: tuple[Turn, ...] = ()
    buildings: Geometries = field(default_factory=lambda: geometries([]))
    #: Metres from the ground to the top of each building; NaN: nobody measured it.
    heights: Floats = field(default_factory=lambda: np.empty(0))
    water: Geometries = field(default_factory=lambda: geometries([]))
    green: Geometries = field(default_factory=lambda: geometries([]))
    cameras: tuple[Camera, ...] = ()

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
