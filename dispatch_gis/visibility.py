"""What is seen from a point among walls: the exact visible area, by rays through every corner.

Between two neighbouring corners, as seen from the eye, one wall is the nearest: casting a ray on
either side of each corner therefore finds the exact area, but for the arc of the reach, drawn by
chords (1 cm at 250 m). Where walls cross between corners, as in overlapping footprints, it is exact
to a degree.
"""

from __future__ import annotations

import math

import numpy as np
import shapely

from dispatch_gis.graph import Ints
from dispatch_gis.plane import Floats

#: How far beside a corner the rays pass, in radians: 25 µm at 250 m.
_BESIDE = 1e-7
#: One ray each degree draws the arc.
_ARC = np.radians(np.arange(0.0, 360.0))
_TURN = 2 * math.pi


def visible(
    walls: Floats, reach_m: float, *, towards: float = 0.0, fov: float = _TURN
) -> shapely.Polygon:
    """Draw what is seen from the origin.

    Parameters
    ----------
    walls
        n × 4: x, y of one end, x, y of the other, metres from the eye. None passes through it.
    reach_m
        How far one sees.
    towards, fov
        Middle and width of the sector looked at, radians, mathematical sense (0 = x axis).
    """
    walls = _within(walls, reach_m)
    whole = fov >= _TURN - 1e-9
    # Rays are counted from the sector's first edge, so that no wall of interest wraps round there.
    zero = towards - (math.pi if whole else fov / 2)
    starts, spans = _spans(walls, zero)
    angles = _rays(walls, reach_m, zero, min(fov, _TURN))
    hits, which = _nearest(walls, starts, spans, angles, zero)
    which[hits > reach_m] = -1
    radii = np.minimum(hits, reach_m)
    ring = np.column_stack([radii * np.cos(angles + zero), radii * np.sin(angles + zero)])
    # Between two points of one wall, a third says nothing.
    needed = np.ones(len(ring), dtype=bool)
    needed[1:-1] = (which[1:-1] < 0) | (which[1:-1] != which[:-2]) | (which[1:-1] != which[2:])
    ring = ring[needed]
    return shapely.Polygon(ring if whole else np.vstack([ring, [0.0, 0.0]]))


def _within(walls: Floats, reach_m: float) -> Floats:
    """Keep the walls that come within reach."""
    start, along = walls[:, :2], walls[:, 2:] - walls[:, :2]
    square = np.maximum((along**2).sum(axis=1), 1e-18)
    nearest = start + np.clip(-(start * along).sum(axis=1) / square, 0, 1)[:, None] * along
    near = np.hypot(nearest[:, 0], nearest[:, 1]) < reach_m
    return np.asarray(walls[near], dtype=np.float64)


def _spans(walls: Floats, zero: float) -> tuple[Floats, Floats]:
    """Give where each wall begins, as an angle from `zero`, and how wide it looks."""
    first = np.arctan2(walls[:, 1], walls[:, 0])
    second = np.arctan2(walls[:, 3], walls[:, 2])
    width = (second - first + math.pi) % _TURN - math.pi
    return (np.where(width >= 0, first, second) - zero) % _TURN, np.abs(width)


def _rays(walls: Floats, reach_m: float, zero: float, fov: float) -> Floats:
    """List the angles to look along, sorted: the arc, and either side of what stands out."""
    points = np.vstack([walls[:, :2], walls[:, 2:], _crossings(walls, reach_m)])
    points = points[np.hypot(points[:, 0], points[:, 1]) <= reach_m + 1e-6]
    corners = (np.arctan2(points[:, 1], points[:, 0]) - zero) % _TURN
    angles = np.concatenate([corners - _BESIDE, corners + _BESIDE, _ARC, [0.0, fov]])
    angles = np.unique(angles[(angles >= 0) & (angles <= fov)])
    return angles[angles < _TURN] if fov >= _TURN else angles


def _crossings(walls: Floats, reach_m: float) -> Floats:
    """Find where walls cross the circle of the reach: there the arc ends and a wall begins."""
    start, along = walls[:, :2], walls[:, 2:] - walls[:, :2]
    a = np.maximum((along**2).sum(axis=1), 1e-18)
    b = (start * along).sum(axis=1)
    root = b**2 - a * ((start**2).sum(axis=1) - reach_m**2)
    crosses = root > 0
    found = []
    for sign in (-1.0, 1.0):
        t = (-b[crosses] + sign * np.sqrt(root[crosses])) / a[crosses]
        on = (t >= 0) & (t <= 1)
        found.append(start[crosses][on] + t[on, None] * along[crosses][on])
    return np.vstack(found)


def _nearest(
    walls: Floats, starts: Floats, spans: Floats, angles: Floats, zero: float
) -> tuple[Floats, Ints]:
    """Give the distance to the nearest wall along each ray, inf: none, and which wall it is."""
    # A wall that passes the first ray again is looked at as two.
    wraps = starts + spans >= _TURN
    which = np.concatenate([np.arange(len(walls)), np.flatnonzero(wraps)])
    low = np.concatenate([starts, starts[wraps] - _TURN])
    high = np.concatenate([starts + spans, starts[wraps] + spans[wraps] - _TURN])
    first = np.searchsorted(angles, low, side="left")
    counts = np.searchsorted(angles, high, side="right") - first
    pairs = np.repeat(np.arange(len(which)), counts)
    rays = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts) + first[pairs]
    wall = walls[which[pairs]]
    angle = angles[rays] + zero
    x, y = np.cos(angle), np.sin(angle)
    along_x, along_y = wall[:, 2] - wall[:, 0], wall[:, 3] - wall[:, 1]
    across = x * along_y - y * along_x
    with np.errstate(divide="ignore", invalid="ignore"):
        away = (wall[:, 0] * along_y - wall[:, 1] * along_x) / across
    seen = (np.abs(across) > 1e-15) & (away > 0)
    hits = np.full(len(angles), np.inf)
    np.minimum.at(hits, rays[seen], away[seen])
    nearest = np.full(len(angles), -1, dtype=np.int64)
    first_hit = seen & (away == hits[rays])
    nearest[rays[first_hit]] = which[pairs[first_hit]]
    return hits, nearest
