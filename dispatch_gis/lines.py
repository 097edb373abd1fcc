"""The drawing of streets, all in one array: pieces of way are cut from it, and put together."""

from __future__ import annotations

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
        self._first: list[int] = first.tolist()
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
        self._lonlat = [street.lonlat for street in streets]
        #: How far along its street each point is, 0 to 1.
        done_m = run - np.repeat(start_m, counts)
        self._share: Floats = done_m / np.maximum(np.repeat(self.lengths_m, counts), 1e-9)

    def shapes(self) -> Geometries:
        """Give each street as a line."""
        lines = shapely.linestrings(self._points, indices=self._of_street)
        return np.asarray(lines, dtype=object)

    def arc(self, arc: int) -> tuple[LonLat, ...]:
        """Give a street in one direction, degrees: 2e forwards, 2e + 1 backwards."""
        line = self._lonlat[arc // 2]
        return line[::-1] if arc % 2 else line

    def part(self, edge: int, start: float, end: float) -> tuple[LonLat, ...]:
        """Cut a piece of street, in the direction of travel, degrees."""
        low, high = (start, end) if start <= end else (end, start)
        line, share = self._lonlat[edge], self._share[self._first[edge] : self._first[edge + 1]]
        after, until = int(share.searchsorted(low, "right")), int(share.searchsorted(high, "left"))
        piece = (_at(line, share, low), *line[after:until], _at(line, share, high))
        return piece if start <= end else piece[::-1]


def _at(line: tuple[LonLat, ...], shares: Floats, share: float) -> LonLat:
    """Find the place at a share of a street."""
    after = min(max(int(shares.searchsorted(share, "right")), 1), len(line) - 1)
    low, high = shares.item(after - 1), shares.item(after)
    part = (share - low) / (high - low) if high > low else 0.0
    (west, south), (east, north) = line[after - 1], line[after]
    return round(west + part * (east - west), 7), round(south + part * (north - south), 7)
