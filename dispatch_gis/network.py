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
#: Places remembered on their street.
REMEMBERED = 50_000
#: First search radius in seconds; it grows until enough crews are answered.
FIRST_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Snap:
    """A place on a street: which arc pair, how far along it, how far from it."""

    edge: int
    along: float  #: 0 at the edge's start, 1 at its end
    away_m: float


@dataclass(frozen=True, slots=True)
class Search:
    """What one search found: times per crew, and the ways, drawn only when asked for."""

    network: Network
    officer: Snap
    crews: list[Snap]
    times_s: Floats  #: inf: later than the ones wanted, or no road
    choices: Ints
    before: NDArray[Any]

    def way(self, index: int) -> Floats:
        """Draw how a crew comes, n × 2 metres east and north."""
        choice = int(self.choices[index])
        return self.network.way(self.crews[index], self.officer, choice, self.before)


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
        lengths = np.array([length_m(line) for line in lines], dtype=np.float64)
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
        self._snapped: dict[tuple[float, float], Snap | None] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def snap(self, points: Floats) -> list[Snap | None]:
        """Put places (n × 2, metres) on the nearest streets; None beyond `SNAP_M`.

        A place already asked for is remembered: of a hundred crews, few have moved since the
        last picture.
        """
        keys = [(float(x), float(y)) for x, y in points]
        new = [key for key in dict.fromkeys(keys) if key not in self._snapped]
        if len(self._snapped) + len(new) > REMEMBERED:
            self._snapped.clear()
            new = list(dict.fromkeys(keys))
        if new:
            self._snapped.update(zip(new, self._snap(np.array(new)), strict=True))
        return [self._snapped[key] for key in keys]

    def _snap(self, points: Floats) -> list[Snap | None]:
        found: list[Snap | None] = [None] * len(points)
        if not self._lines:
            return found
        where = np.asarray(shapely.points(points))
        which, edges = self._tree.query_nearest(where, max_distance=SNAP_M, all_matches=False)
        streets = self._tree.geometries[edges]
        along = shapely.line_locate_point(streets, where[which], normalized=True)
        away = shapely.distance(streets, where[which])
        for index, edge, share, far in np.column_stack([which, edges, along, away]):
            found[int(index)] = Snap(int(edge), float(share), float(far))
        return found

    def search(
        self, officer: Snap, crews: Sequence[Snap], enough: int, guess_s: float = FIRST_LIMIT_S
    ) -> Search:
        """Search how crews come to the officer, until the `enough` soonest are sure.

        `guess_s` is how far to look first; a bad guess costs another search, nothing else.
        """
        edges = np.array([crew.edge for crew in crews], dtype=np.int64)
        along = np.array([crew.along for crew in crews])
        leaving = self._doors(edges, along)  # n × 2: by the street's end, by its start
        # By the street's start if it may be driven forwards, by its end if backwards.
        arriving = np.where(self._ways[officer.edge], self._arrival_s(officer), np.inf)
        sources = self._ends[officer.edge]
        direct = self._direct(officer, edges, along)
        nodes = self._ends[edges][:, ::-1]
        limit_s = guess_s
        while True:
            times, before = dijkstra(
                self._graph, indices=sources, limit=limit_s, return_predecessors=True
            )
            whole = times[:, nodes] + arriving[:, None, None] + leaving[None, :, :]
            flat = whole.transpose(1, 0, 2).reshape(len(edges), -1)
            choice = flat.argmin(axis=1)
            found = np.minimum(flat[np.arange(len(edges)), choice], direct)
            # Beyond the limit nothing is known: only what lies within it is surely soonest.
            if (found <= limit_s).sum() >= min(enough, len(edges)) or np.isinf(limit_s):
                break
            limit_s = limit_s * 2.5 if limit_s < 3600 else np.inf
        found[found > limit_s] = np.inf
        choice = np.where(direct <= found, -1, choice)
        return Search(self, officer, list(crews), found, choice, before)

    # --- search ---

    def _doors(self, edges: Ints, along: Floats) -> Floats:
        """Say how long from places to the end and to the start of their street; inf: forbidden."""
        times, ways = self._times[edges], self._ways[edges]
        to_end = np.where(ways[:, 0], times * (1 - along), np.inf)
        to_start = np.where(ways[:, 1], times * along, np.inf)
        return np.column_stack([to_end, to_start])

    def _arrival_s(self, officer: Snap) -> Floats:
        time = self._times[officer.edge]
        return np.array([time * officer.along, time * (1 - officer.along)])

    def _direct(self, officer: Snap, edges: Ints, along: Floats) -> Floats:
        """Say how long along one same street, where its direction allows; inf elsewhere."""
        gap = officer.along - along
        ahead, back = self._ways[officer.edge]
        allowed = (edges == officer.edge) & np.where(gap >= 0, ahead, back)
        return np.where(allowed, np.abs(gap) * self._times[officer.edge], np.inf)

    # --- the way ---

    def way(self, crew: Snap, officer: Snap, choice: int, before: NDArray[Any]) -> Floats:
        """Draw a way, n × 2 metres east and north, from a crew to the officer.

        `choice` is the search's: which door of the officer's street, which of the crew's; -1:
        along one same street.
        """
        if choice < 0:
            return self._part(crew.edge, crew.along, officer.along)
        row, leaves_by_start = divmod(choice, 2)
        node = int(self._ends[crew.edge][0 if leaves_by_start else 1])
        pieces = [self._part(crew.edge, crew.along, 0.0 if leaves_by_start else 1.0)]
        while (after := int(before[row, node])) >= 0:
            pieces.append(self._arc(node, after))
            node = after
        pieces.append(self._part(officer.edge, float(row), officer.along))
        return np.vstack(pieces)

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


def length_m(line: Floats) -> float:
    """Measure a line, n × 2 metres."""
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
