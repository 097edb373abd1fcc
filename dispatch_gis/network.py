"""The streets as a network: how long from each crew to the officer, and which way.

One directed graph per means of moving. The search starts from the officer, on the graph turned
round, and is cut off as soon as enough crews are answered: its cost is that of the neighbourhood,
not of the town, nor of the number of crews.

Both ends are snapped *along* a street, not to a junction: a crew in the middle of a one-way street
leaves it forwards. Forbidden turns and barriers are exact; closed streets are left out at once.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra

from dispatch_gis.closures import shut
from dispatch_gis.graph import Bools, Graph, Ints, Links, build, links, returning
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.town import Closure, Street, Turn, geometries
from hooks import Means

#: Metres per second on foot and by bicycle, a person in a hurry.
FOOT_M_S = 1.9
BIKE_M_S = 5.0
#: Farther than that from any street of one's kind, there is no road.
SNAP_M = 250.0
#: First search radius in seconds; it grows until enough crews are answered.
FIRST_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Snap:
    """A place on a street: which one, how far along it, how far from it."""

    edge: int
    along: float  #: 0 at the edge's start, 1 at its end
    away_m: float


@dataclass(frozen=True, slots=True)
class Snaps:
    """Many places on streets, in arrays of one length; edge -1: no street within `SNAP_M`."""

    edges: Ints
    along: Floats
    away_m: Floats

    def __getitem__(self, index: int) -> Snap | None:
        edge = int(self.edges[index])
        if edge < 0:
            return None
        return Snap(edge, float(self.along[index]), float(self.away_m[index]))

    def __len__(self) -> int:
        return len(self.edges)


@dataclass(frozen=True, slots=True)
class Search:
    """What one search found: times per crew, and the ways, drawn only when asked for."""

    network: Network
    officer: Snap
    edges: Ints
    along: Floats
    times_s: Floats  #: inf: later than the ones wanted, or no road
    whole: bool  #: nothing was left unsearched: what is inf has no road
    choices: Ints  #: by which end each leaves its street: 0 its last, 1 its first, -1 neither
    before: Ints

    def way(self, index: int) -> Floats:
        """Draw how a crew comes, n × 2 metres east and north."""
        crew = Snap(int(self.edges[index]), float(self.along[index]), 0.0)
        return self.network.way(crew, self.officer, int(self.choices[index]), self.before)


class Network:
    """The streets one means may take. Immutable; built once, asked from any thread.

    Parameters
    ----------
    streets
        Pieces of street between junctions.
    means
        Decides which streets and which way; anything that is neither foot nor bicycle drives.
    turns
        The turns forbidden between these streets; on foot nobody minds.
    factor
        Speed of a priority vehicle over the posted one.
    """

    def __init__(
        self,
        streets: Sequence[Street],
        means: Means,
        plane: Plane,
        *,
        turns: Sequence[Turn] = (),
        factor: float = 1.0,
    ) -> None:
        ways = [_way(street, means) for street in streets]
        #: Edge → its place among the streets.
        self.sources = np.array([n for n, way in enumerate(ways) if any(way)], dtype=np.int64)
        kept = [streets[n] for n in self.sources]
        self._ways = np.array([ways[n] for n in self.sources], dtype=bool).reshape(-1, 2)
        self._lines = [np.column_stack(plane.to_metres(*np.array(s.lonlat).T)) for s in kept]
        self._lengths = np.array([length_m(line) for line in self._lines], dtype=np.float64)
        self._times = self._lengths / np.array([_speed(s, means, factor) for s in kept])
        nodes, flat = np.unique(
            np.array([(s.start, s.end) for s in kept], dtype=np.int64).reshape(-1),
            return_inverse=True,
        )
        self._ends: Ints = flat.reshape(-1, 2).astype(np.int64)
        self._graph: Graph = build(self._ends, self._ways, self._forbidden(turns, means, nodes))
        self._usable = returning(self._graph, len(kept))
        self._shapes = geometries([shapely.LineString(line) for line in self._lines])
        self._names = [street.name for street in kept]
        self._means, self._plane = means, plane
        self._close(np.zeros(len(kept), dtype=bool))

    def _forbidden(
        self, turns: Sequence[Turn], means: Means, nodes: Ints
    ) -> list[tuple[int, int, int]]:
        if means is Means.FOOT or not len(nodes):
            return []
        edge_of = {int(source): edge for edge, source in enumerate(self.sources)}
        node_of = {int(node): number for number, node in enumerate(nodes)}
        return [
            (node_of[turn.at], edge_of[turn.come], edge_of[turn.go])
            for turn in turns
            if (turn.bike if means is Means.BIKE else turn.car)
            and turn.come in edge_of
            and turn.go in edge_of
        ]

    def _close(self, closed: Bools) -> None:
        self._open = self._usable & ~closed
        self._links: Links = links(self._graph, self._times, closed)
        self._tree = shapely.STRtree(self._shapes[self._open])
        self._tree_edges: Ints = np.flatnonzero(self._open)
        self._lock = threading.Lock()

    def closed(self, closures: Sequence[Closure]) -> Network:
        """Give this network without the streets that are closed to its means."""
        other = copy.copy(self)
        other._close(shut(closures, self._means, self._shapes, self._names, self._plane))
        return other

    def __len__(self) -> int:
        return int(self._open.sum())

    @property
    def lines(self) -> list[Floats]:
        """The streets one can be sent by, each n × 2 metres."""
        return [self._lines[edge] for edge in self._tree_edges]

    def snap(self, points: Floats) -> Snaps:
        """Put places (n × 2, metres) on the nearest open streets."""
        edges = np.full(len(points), -1, dtype=np.int64)
        along, away = np.zeros(len(points)), np.zeros(len(points))
        if len(points) and len(self._tree_edges):
            where = np.asarray(shapely.points(points))
            which, found = self._tree.query_nearest(where, max_distance=SNAP_M, all_matches=False)
            streets = self._tree.geometries[found]
            edges[which] = self._tree_edges[found]
            along[which] = shapely.line_locate_point(streets, where[which], normalized=True)
            away[which] = shapely.distance(streets, where[which])
        return Snaps(edges, along, away)

    def search(
        self,
        officer: Snap,
        edges: Ints,
        along: Floats,
        enough: int,
        guess_s: float = FIRST_LIMIT_S,
        most_s: float = np.inf,
    ) -> Search:
        """Search how crews on streets come to the officer, until the `enough` soonest are sure.

        `guess_s` is how far to look first: a bad guess costs another search, nothing else. Nobody
        is looked for beyond `most_s`.
        """
        leaving = self._doors(edges, along)  # n × 2: by the street's end, by its start
        # A street not open that way has no door there; any node will do.
        doors = np.maximum(self._graph.heads.reshape(-1, 2)[edges], 0)
        direct = self._direct(officer, edges, along)
        limit_s = min(guess_s, most_s)
        while True:
            times, before = self._reach(officer, limit_s)
            both = times[doors] + leaving
            choice = both.argmin(axis=1)
            found = np.minimum(both[np.arange(len(edges)), choice], direct)
            # Beyond the limit nothing is known: only what lies within it is surely soonest.
            if limit_s >= most_s or (found <= limit_s).sum() >= min(enough, len(edges)):
                break
            limit_s = min(limit_s * 2.5, most_s) if limit_s < 3600 else most_s
        found[found > limit_s] = np.inf
        choice = np.where(direct <= found, -1, choice)
        whole = bool(np.isinf(limit_s))
        return Search(self, officer, edges, along, found, whole, choice, before)

    def _reach(self, officer: Snap, limit_s: float) -> tuple[Floats, Ints]:
        """Search from the officer's place; one at a time, for his place is a row of the matrix."""
        matrix, slots = self._links.matrix, self._links.slots
        sources, costs = self._arrivals(officer)
        here = self._graph.nodes
        with self._lock:
            matrix.indices[slots] = here
            matrix.data[slots] = 1.0
            matrix.indices[slots.start : slots.start + len(sources)] = sources
            matrix.data[slots.start : slots.start + len(sources)] = costs
            times, before = dijkstra(  # type: ignore[call-overload]
                matrix, indices=here, limit=limit_s, return_predecessors=True
            )
        return times, before

    def _arrivals(self, officer: Snap) -> tuple[Ints, Floats]:
        """List the nodes from which his street is entered, and how long from there to him."""
        edge, time = officer.edge, self._times[officer.edge]
        ahead, back = self._graph.entries(2 * edge), self._graph.entries(2 * edge + 1)
        costs = [max(time * officer.along, 1e-6)] * len(ahead)
        costs += [max(time * (1 - officer.along), 1e-6)] * len(back)
        return np.concatenate([ahead, back]), np.array(costs)

    def _doors(self, edges: Ints, along: Floats) -> Floats:
        """Say how long from places to the end and to the start of their street; inf: forbidden."""
        times, ways = self._times[edges], self._ways[edges]
        to_end = np.where(ways[:, 0], times * (1 - along), np.inf)
        to_start = np.where(ways[:, 1], times * along, np.inf)
        return np.column_stack([to_end, to_start])

    def _direct(self, officer: Snap, edges: Ints, along: Floats) -> Floats:
        """Say how long along one same street, where its direction allows; inf elsewhere."""
        gap = officer.along - along
        ahead, back = self._ways[officer.edge]
        allowed = (edges == officer.edge) & np.where(gap >= 0, ahead, back)
        return np.where(allowed, np.abs(gap) * self._times[officer.edge], np.inf)

    # --- the way ---

    def way(self, crew: Snap, officer: Snap, choice: int, before: Ints) -> Floats:
        """Draw a way, n × 2 metres east and north, from a crew to the officer.

        `choice` is the search's: by which end the crew leaves its street; -1: it stays on it.
        """
        if choice < 0:
            return self._part(crew.edge, crew.along, officer.along)
        here = self._graph.nodes
        path = [int(self._graph.heads[2 * crew.edge + choice])]
        while (after := int(before[path[-1]])) != here:
            path.append(after)
        pieces = [self._part(crew.edge, crew.along, 1.0 - choice)]
        stops = np.array(path, dtype=np.int64)
        for arc in self._links.arc(stops[:-1], stops[1:], here).tolist():
            line = self._lines[arc // 2]
            pieces.append(line[::-1] if arc % 2 else line)
        pieces.append(self._part(officer.edge, self._entered(officer, path[-1]), officer.along))
        return np.vstack(pieces)

    def _entered(self, officer: Snap, node: int) -> float:
        """Say by which end of his street one comes from a node; a loop: by the quicker."""
        sources, costs = self._arrivals(officer)
        ahead = len(self._graph.entries(2 * officer.edge))
        ways = [(cost, n) for n, cost in enumerate(costs) if sources[n] == node]
        return 0.0 if min(ways)[1] < ahead else 1.0

    def _part(self, edge: int, start: float, end: float) -> Floats:
        """Cut a piece of street, in the direction of travel."""
        line = self._lines[edge]
        if (start, end) == (0.0, 1.0):
            return line
        steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        steps /= steps[-1] or 1.0
        low, high = (start, end) if start <= end else (end, start)
        cut = np.array([low, high])
        ends = np.column_stack([np.interp(cut, steps, line[:, axis]) for axis in (0, 1)])
        inner = line[(steps > low) & (steps < high)]
        piece = np.vstack([ends[:1], inner, ends[1:]])
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
