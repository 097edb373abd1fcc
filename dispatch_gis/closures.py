"""Streets that staff have closed: drawn as an area or along a street, or named, until an hour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dispatch_gis.graph import Bools
from dispatch_gis.plane import Plane
from dispatch_gis.town import Closure, Geometries
from hooks import Means

#: A line drawn by hand along a street runs this close to it.
DRAWN_M = 6.0
#: A street is meant by a line that follows it this far, or nearly all of it: not when crossed.
FOLLOWED_M = 15.0
FOLLOWED_SHARE = 0.8


def shut(
    closures: Sequence[Closure],
    means: Means,
    shapes: Geometries,
    names: Sequence[str],
    plane: Plane,
) -> Bools:
    """Say which streets (lines in metres) are closed to these means."""
    closed = np.zeros(len(shapes), dtype=bool)
    for closure in closures:
        if means not in closure.means:
            continue
        mine = _touched(closure.area, shapes, plane)
        if closure.street:
            wanted = closure.street.casefold().strip()
            mine &= np.array([name.casefold() == wanted for name in names], dtype=bool)
        closed |= mine
    return closed


def _touched(area: BaseGeometry | None, shapes: Geometries, plane: Plane) -> Bools:
    if area is None or area.is_empty:
        return np.ones(len(shapes), dtype=bool)
    ground = plane.metres(area)
    touched = np.zeros(len(shapes), dtype=bool)
    drawn = ground.area == 0
    zone = ground.buffer(DRAWN_M) if drawn else ground
    shapely.prepare(zone)
    near = np.flatnonzero(shapely.intersects(shapes, zone))
    inside_m = shapely.length(shapely.intersection(shapes[near], zone))
    if ground.length == 0:
        touched[near] = True  # a point: whatever passes there
    elif drawn:
        whole_m = shapely.length(shapes[near])
        touched[near] = (inside_m >= FOLLOWED_M) | (inside_m >= FOLLOWED_SHARE * whole_m)
    else:
        touched[near] = inside_m > 1.0  # a street that ends at the edge stays open
    return touched
