"""The streets as a network: how long from each crew to the officer, and which way.

One directed graph per means of moving. The search starts from the officer, on the graph turned
round, and is cut off as soon as enough crews are answered: its cost is that of the neighbourhood,
not of the town, nor of the number of crews.

Both ends are snapped *along* a street, not to a junction: a crew in the middle of a one-way street
leaves it forwards. Turn restrictions are not read yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from dispatch_gis.osm import Street
from dispatch_gis.plane import Floats, Plane
from hooks import Means

Ints = NDArray[np.int64]

#: Metres per second on foot and by bicycle, a person in a hurry.
FOOT_M_S = 1.9
BIKE_M_S = 5.0
#: Farther than that from any street of one's kind, there is no road.
SNAP_M = 250.0
#: First search radius in seconds; it grows until enough crews are answered.
FIRST_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Snap:
    """A place on a street: which arc pair, how far along it, how far from it."""

    edge: int
    along: float  #: 0 at the edge's start, 1 at its end
    away_m: float


@dataclass(frozen=True, slots=True)
class Trip:
    """How a crew comes: time, length, and the way, from it to the officer, in metres."""

    time_s: float
    distance_m: float
    walk_m: float  #: from the street to the officer
    way: Floats  #: n × 2, metres east and north


@dataclass(frozen=True, slots=True)
class _Door:
    """An end of a street, and how long it takes to get to it along the street."""

    node: int
    time_s: float
    share: float  #: 0 the street's start, 1 its end


@dataclass(frozen=True, slots=True)
class _Choice:
    time_s: float
    door: _Door | None
    row: int


class Network:
    """The streets one means may take. Immutable; built once, asked from any thread.

    Parameters
    ----------
    streets
        Pieces of street between junctions.
    means
        Decides which streets and which way; anything that is neither foot nor bicycle drives.
    factor
        Speed of a priority vehicle over the posted one.
    """

    def __init__(
        self, streets: Sequence[Street], means: Means, plane: Plane, *, factor: float = 1.0
    ) -> None:
        chosen = [(each, _way(each, means)) for each in streets]
        kept = [(each, way) for each, way in chosen if any(way)]
        lines = [np.column_stack(plane.to_metres(*np.array(each.lonlat).T)) for each, _ in kept]
        lengths = np.array([_length(line) for line in lines], dtype=np.float64)
        speeds = np.array([_speed(each, means, factor) for each, _ in kept], dtype=np.float64)
        ways = np.array([way for _, way in kept], dtype=bool).reshape(-1, 2)
        ends = np.array([(each.start, each.end) for each, _ in kept], dtype=np.int64)
        _, flat = np.unique(ends.reshape(-1), return_inverse=True)
        ends = flat.reshape(-1, 2).astype(np.int64)
        times = lengths / speeds if kept else lengths
        usable = _usable(ends, ways)
        self._lines = [line for line, good in zip(lines, usable, strict=True) if good]
        self._lengths, self._times = lengths[usable], times[usable]
        self._ways, self._ends = ways[usable], ends[usable]
        self._tree = shapely.STRtree([shapely.LineString(line) for line in self._lines])
        self._graph, self._arcs = _reversed_graph(self._ends, self._ways, self._times)

    def __len__(self) -> int:
        return len(self._lines)

    def snap(self, points: Floats) -> list[Snap | None]:
        """Put places (n × 2, metres) on the nearest streets; None beyond `SNAP_M`."""
        found: list[Snap | None] = [None] * len(points)
        if not self._lines or not len(points):
            return found
        where = np.asarray(shapely.points(points))
        which, edges = self._tree.query_nearest(where, max_distance=SNAP_M, all_matches=False)
        streets = self._tree.geometries[edges]
        along = shapely.line_locate_point(streets, where[which], normalized=True)
        away = shapely.distance(streets, where[which])
        for index, edge, share, far in np.column_stack([which, edges, along, away]):
            found[int(index)] = Snap(int(edge), float(share), float(far))
        return found

    def trips(self, officer: Snap, crews: Sequence[Snap], enough: int) -> list[Trip | None]:
        """Find how crews come to the officer: the `enough` soonest, None for the others.

        None also where no road leads.
        """
        starts = [self._leaving(crew) for crew in crews]
        arrivals = self._arriving(officer)
        extra = np.array([[door.time_s] for door in arrivals])
        limit_s = FIRST_LIMIT_S
        while True:
            times, before = dijkstra(
                self._graph,
                indices=[door.node for door in arrivals],
                limit=limit_s,
                return_predecessors=True,
            )
            times += extra
            found = [
                self._best(crew, officer, start, times)
                for crew, start in zip(crews, starts, strict=True)
            ]
            # Beyond the limit nothing is known: only what lies within it is surely soonest.
            sure = sum(best is not None and best.time_s <= limit_s for best in found)
            if sure >= min(enough, len(crews)) or np.isinf(limit_s):
                break
            limit_s = limit_s * 4 if limit_s < 3600 else np.inf
        ranked = sorted(best.time_s for best in found if best)
        last = ranked[min(enough, len(ranked)) - 1] if ranked else 0.0
        return [
            self._trip(crew, officer, best, arrivals, before)
            if best and best.time_s <= last
            else None
            for crew, best in zip(crews, found, strict=True)
        ]

    # --- search ---

    def _leaving(self, crew: Snap) -> list[_Door]:
        """List the junctions a crew may reach first, and when."""
        (start, end), (ahead, back) = self._ends[crew.edge], self._ways[crew.edge]
        time = float(self._times[crew.edge])
        doors = [_Door(int(end), time * (1 - crew.along), 1.0)] if ahead else []
        return doors + ([_Door(int(start), time * crew.along, 0.0)] if back else [])

    def _arriving(self, officer: Snap) -> list[_Door]:
        """List the last junctions before the officer, and how long from there."""
        (start, end), (ahead, back) = self._ends[officer.edge], self._ways[officer.edge]
        time = float(self._times[officer.edge])
        doors = [_Door(int(start), time * officer.along, 0.0)] if ahead else []
        return doors + ([_Door(int(end), time * (1 - officer.along), 1.0)] if back else [])

    def _best(self, crew: Snap, officer: Snap, start: list[_Door], times: Floats) -> _Choice | None:
        """Choose by which junctions to leave and to arrive; by none along one same street."""
        best: _Choice | None = None
        if crew.edge == officer.edge:
            gap = officer.along - crew.along
            if self._ways[crew.edge][0 if gap >= 0 else 1]:
                best = _Choice(float(abs(gap) * self._times[crew.edge]), None, -1)
        for door in start:
            row = int(times[:, door.node].argmin())
            total = float(times[row, door.node]) + door.time_s
            if np.isfinite(total) and (best is None or total < best.time_s):
                best = _Choice(total, door, row)
        return best

    # --- the way ---

    def _trip(
        self, crew: Snap, officer: Snap, best: _Choice, arrivals: list[_Door], before: NDArray[Any]
    ) -> Trip:
        if best.door is None:
            way = self._part(crew.edge, crew.along, officer.along)
        else:
            node = best.door.node
            pieces = [self._part(crew.edge, crew.along, best.door.share)]
            while (after := int(before[best.row, node])) >= 0:
                pieces.append(self._arc(node, after))
                node = after
            pieces.append(self._part(officer.edge, arrivals[best.row].share, officer.along))
            way = np.vstack(pieces)
        return Trip(best.time_s, _length(way), officer.away_m, way)

    def _arc(self, tail: int, head: int) -> Floats:
        edge, forwards = self._arcs[tail, head]
        return self._lines[edge] if forwards else self._lines[edge][::-1]

    def _part(self, edge: int, start: float, end: float) -> Floats:
        """Cut a piece of street, in the direction of travel."""
        line = self._lines[edge]
        steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        steps /= steps[-1] or 1.0
        low, high = sorted((start, end))
        inner = line[(steps > low) & (steps < high)]
        ends = [
            [np.interp(share, steps, line[:, axis]) for axis in (0, 1)] for share in (low, high)
        ]
        piece = np.vstack([ends[0], inner, ends[1]])
        return piece if start <= end else piece[::-1]


def _way(street: Street, means: Means) -> tuple[bool, bool]:
    if means is Means.FOOT:
        return street.foot, street.foot
    return street.bike if means is Means.BIKE else street.car


def _speed(street: Street, means: Means, factor: float) -> float:
    if means is Means.FOOT:
        return FOOT_M_S
    return BIKE_M_S if means is Means.BIKE else street.car_kmh / 3.6 * factor


def _length(line: Floats) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _usable(ends: Ints, ways: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the streets from which one comes back: a clipped stub answers nobody."""
    if not len(ends):
        return np.zeros(0, dtype=bool)
    size = int(ends.max()) + 1
    tails = np.concatenate([ends[ways[:, 0], 0], ends[ways[:, 1], 1]])
    heads = np.concatenate([ends[ways[:, 0], 1], ends[ways[:, 1], 0]])
    graph = csr_array((np.ones(len(tails)), (tails, heads)), shape=(size, size))
    _, labels = connected_components(graph, directed=True, connection="strong")
    largest = np.bincount(labels).argmax()
    kept: NDArray[np.bool_] = (labels[ends] == largest).all(axis=1)
    return kept


def _reversed_graph(
    ends: Ints, ways: NDArray[np.bool_], times: Floats
) -> tuple[csr_array, dict[tuple[int, int], tuple[int, bool]]]:
    """Build the graph turned round, and say which street each arc is, and which way."""
    size = int(ends.max()) + 1 if len(ends) else 0
    best: dict[tuple[int, int], tuple[float, int, bool]] = {}
    for edge, ((start, end), (ahead, back)) in enumerate(zip(ends, ways, strict=True)):
        for tail, head, open_, forwards in ((start, end, ahead, True), (end, start, back, False)):
            key, time = (int(tail), int(head)), float(times[edge])
            # Two streets between the same junctions: the quicker one; a loop leads nowhere.
            if open_ and tail != head and (key not in best or time < best[key][0]):
                best[key] = (time, edge, forwards)
    heads = np.array([head for _, head in best], dtype=np.int32)
    tails = np.array([tail for tail, _ in best], dtype=np.int32)
    # A street of no length must not vanish from a sparse matrix.
    costs = np.maximum([time for time, _, _ in best.values()], 1e-6)
    graph = csr_array((costs, (heads, tails)), shape=(size, size))
    return graph, {key: (edge, forwards) for key, (_, edge, forwards) in best.items()}
