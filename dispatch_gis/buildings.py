"""The buildings of a town as walls: which stand near a point, and where a camera hangs on them."""

from __future__ import annotations

import hashlib

import numpy as np
import shapely

from dispatch_gis.graph import Ints
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.town import Geometries

#: A camera hangs this far before its wall.
BRACKET_M = 0.3
#: A court smaller than that is a light well: nobody watches it from the facade.
COURT_M2 = 400.0
#: First look for a way out of a block of buildings.
_BLOCK_M = 40.0


class Buildings:
    """Footprints with their heights. Immutable.

    Parameters
    ----------
    footprints
        Polygons or multipolygons, degrees.
    heights
        Metres from the ground to the top; NaN: unknown.
    """

    def __init__(self, footprints: Geometries, heights: Floats, plane: Plane) -> None:
        usable = ~(shapely.is_missing(footprints) | shapely.is_empty(footprints))
        usable &= np.isin(shapely.get_type_id(footprints), (3, 6))
        tall = np.asarray(heights, dtype=np.float64)[usable]
        self.heights = np.where(tall > 0, tall, np.nan)  # no height at all is no measure
        self._digests = [
            hashlib.blake2b(wkb, digest_size=8).digest()
            for wkb in shapely.to_wkb(footprints[usable])
        ]
        self.shapes: Geometries = plane.metres(footprints[usable])
        self._tree = shapely.STRtree(self.shapes)
        self._walls, self._first = _walls(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def near(self, x: float, y: float, reach_m: float) -> Ints:
        """List the buildings within reach of a point, sorted."""
        found = self._tree.query(shapely.Point(x, y), predicate="dwithin", distance=reach_m)
        return np.sort(found).astype(np.int64)

    def walls(self, which: Ints) -> tuple[Floats, Ints]:
        """Give the walls of some buildings, n × 4 metres, and whose each is."""
        first, counts = self._first[which], self._first[which + 1] - self._first[which]
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._walls[np.repeat(first, counts) + steps], np.repeat(which, counts)

    def digest(self, which: Ints) -> bytes:
        """Sum up some buildings: other bytes when one is moved, raised, added or pulled down."""
        summed = hashlib.blake2b(self.heights[which].round(2).tobytes(), digest_size=16)
        for building in which.tolist():
            summed.update(self._digests[building])
        return summed.digest()

    def facade(
        self, x: float, y: float, height_m: float | None, gaze: tuple[float, float] | None
    ) -> tuple[float, float, float, bool]:
        """Say where a camera really hangs: x, y, metres moved, and whether it was inside.

        A camera is often drawn in the middle of its building. It is brought before the facade: the
        nearest one on the side it looks to (`gaze`, a direction), else the nearest. On the roof of
        a building lower than itself it stays where it is.
        """
        around = self.near(x, y, BRACKET_M)
        if height_m is not None:
            around = around[~(self.heights[around] <= height_m)]
        if not len(around):
            return x, y, 0.0, False
        here = shapely.Point(x, y)
        inside = bool(shapely.intersects(self.shapes[around], here).any())
        found = self._way_out(here, height_m, gaze if inside else None)
        return found.x, found.y, float(here.distance(found)), inside

    def _way_out(
        self, here: shapely.Point, height_m: float | None, gaze: tuple[float, float] | None
    ) -> shapely.Point:
        radius_m = _BLOCK_M
        while True:
            around = self.near(here.x, here.y, radius_m)
            if height_m is not None:
                around = around[~(self.heights[around] <= height_m)]
            block = _block(self.shapes[around], here)
            found = _nearest_outside(block, here, gaze)
            # Beyond half the radius there may be buildings that were not looked at.
            if here.distance(found) < radius_m / 2 or radius_m > 500:
                return found
            radius_m *= 2


def _walls(shapes: Geometries) -> tuple[Floats, Ints]:
    """List every side of every ring, building after building, and where each building begins."""
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    follows = of_ring[1:] == of_ring[:-1]
    walls = np.column_stack([points[:-1], points[1:]])[follows]
    owners = of_shape[of_part[of_ring[:-1][follows]]]
    return walls, np.searchsorted(owners, np.arange(len(shapes) + 1)).astype(np.int64)


def _block(shapes: Geometries, here: shapely.Point) -> shapely.Polygon:
    """Join what stands together around a point, with a camera's bracket all around it."""
    joined = shapely.union_all(shapely.buffer(shapes, BRACKET_M, join_style="mitre"))
    parts = shapely.get_parts(joined)
    block = parts[shapely.distance(parts, here).argmin()]
    courts = [ring for ring in block.interiors if shapely.Polygon(ring).area >= COURT_M2]
    return shapely.Polygon(block.exterior, courts)


def _nearest_outside(
    block: shapely.Polygon, here: shapely.Point, gaze: tuple[float, float] | None
) -> shapely.Point:
    """Find the nearest point of a block's edge, on the side looked to if there is one."""
    points, of_ring = shapely.get_coordinates(shapely.get_rings(block), return_index=True)
    follows = of_ring[1:] == of_ring[:-1]
    start, along = points[:-1][follows], (points[1:] - points[:-1])[follows]
    square = np.maximum((along**2).sum(axis=1), 1e-18)
    origin = np.array([here.x, here.y])
    share = np.clip(((origin - start) * along).sum(axis=1) / square, 0, 1)
    nearest = start + share[:, None] * along
    out = nearest - origin
    away = np.hypot(out[:, 0], out[:, 1])
    if gaze is not None:
        ahead = out @ np.array(gaze) > 0.5 * away  # within 60° of where it looks
        if ahead.any():
            away = np.where(ahead, away, np.inf)
    return shapely.Point(nearest[away.argmin()])
