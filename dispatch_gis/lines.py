"""The drawing of streets, all in one array: pieces of way are cut from it, and put together."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
import shapely

from dispatch_gis.graph import Ints
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.town import Geometries, Street

LonLat = tuple[float, float]


class Lines:
    """Streets in metres, drawn from their first node to their last. Immutable."""

    def __init__(self, streets: Sequence[Street], plane: Plane) -> None:
        counts = np.array([len(street.lonlat) for street in streets], dtype=np.int64)
        self._of_street: Ints = np.repeat(np.arange(len(streets)), counts)
        first = np.concatenate([[0], np.cumsum(counts)])
        lonlat = np.array([point for street in streets for point in street.lonlat]).reshape(-1, 2)
        self._points: Floats = np.column_stack(plane.to_metres(lonlat[:, 0], lonlat[:, 1]))
        hops = np.zeros(len(lonlat))
        if len(lonlat):
            hops[1:] = np.hypot(*np.diff(self._points, axis=0).T)
            hops[first[:-1]] = 0.0  # from one street to the next is no way
        run = np.cumsum(hops)
        start_m = run[first[:-1]] if len(streets) else np.empty(0)
        end_m = run[first[1:] - 1] if len(streets) else np.empty(0)
        self.lengths_m: Floats = end_m - start_m
        self.length_m: list[float] = self.lengths_m.tolist()  #: the same, for one at a time
        self._lonlat = [street.lonlat for street in streets]
        #: Arc → the points after its first: 2e forwards, 2e + 1 backwards.
        self.onwards: list[tuple[LonLat, ...]] = [
            points for line in self._lonlat for points in (line[1:], line[-2::-1])
        ]
        # How far along its street each point is, 0 to 1.
        done_m = run - np.repeat(start_m, counts)
        shares = (done_m / np.maximum(np.repeat(self.lengths_m, counts), 1e-9)).tolist()
        self._shares = [shares[start:end] for start, end in itertools.pairwise(first.tolist())]

    def shapes(self) -> Geometries:
        """Give each street as a line."""
        lines = shapely.linestrings(self._points, indices=self._of_street)
        return np.asarray(lines, dtype=object)

    def part(self, edge: int, start: float, end: float) -> tuple[LonLat, ...]:
        """Cut a piece of street, in the direction of travel, degrees."""
        low, high = (start, end) if start <= end else (end, start)
        line, shares = self._lonlat[edge], self._shares[edge]
        after, until = bisect_right(shares, low), bisect_left(shares, high)
        piece = (_at(line, shares, low), *line[after:until], _at(line, shares, high))
        return piece if start <= end else piece[::-1]


def _at(line: tuple[LonLat, ...], shares: list[float], share: float) -> LonLat:
    """Find the place at a share of a street."""
    if share <= 0.0 or share >= 1.0:
        return line[0] if share <= 0.0 else line[-1]
    after = min(max(bisect_right(shares, share), 1), len(line) - 1)
    low, high = shares[after - 1], shares[after]
    part = (share - low) / (high - low) if high > low else 0.0
    (west, south), (east, north) = line[after - 1], line[after]
    return round(west + part * (east - west), 7), round(south + part * (north - south), 7)
