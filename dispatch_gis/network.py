"""The streets as a network: how long from each crew to the officer, and which way.

One directed graph per means of moving. The search starts from the officer, on the graph turned
round, and is cut off as soon as enough crews are answered: its cost is that of the neighbourhood,
not of the town, nor of the number of crews.

Both ends are snapped *along* a street, not to a junction: a crew in the middle of a one-way street
leaves it forwards. Forbidden turns and barriers are exact; closed streets are left out at once.
"""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra

from dispatch_gis.closures import shut
from dispatch_gis.graph import Bools, Graph, Ints, Links, build, links, returning
from dispatch_gis.lines import Lines, LonLat
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.town import Closure, Street, Turn
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
class Way:
    """How a crew comes, drawn."""

    lonlat: tuple[LonLat, ...]  #: from the crew's street to the officer's
    length_m: float


#: What is left of the way from a junction: a line that other junctions share, where in it this one
#: begins, and metres.
_Tail = tuple[list[LonLat], int, float]


@dataclass(frozen=True, slots=True)
class Search:
    """What one search found: times per crew, and the ways, drawn only when asked for."""

    network: Network
    officer: Snap
    rows: Ints  #: of the crews that were looked at, among those given; the columns below are theirs
    edges: Ints
    along: Floats
    times_s: Floats  #: inf: later than the ones wanted, or no road
    whole: bool  #: nothing was left unsearched: what is inf has no road
    choices: Ints  #: by which end each leaves its street: 0 its last, 1 its first, -1 neither
    before: Ints
    entered: dict[int, float]  #: node next to his street → where along it one comes in
    #: Junctions some crew already came by: ways to one place run together.
    tails: dict[int, _Tail] = field(default_factory=dict)

    def way(self, index: int) -> Way:
        """Draw how a crew comes."""
        network, officer = self.network, self.officer
        lines = network.lines
        edge, along = int(self.edges[index]), float(self.along[index])
        choice = int(self.choices[index])
        if choice < 0:
            stays = lines.part(edge, along, officer.along)
            return Way(stays, abs(along - officer.along) * float(lines.lengths_m[edge]))
        rest, begins, length_m = self._tail(int(network.graph.heads[2 * edge + choice]))
        end = 1.0 - choice
        line = (*lines.part(edge, along, end), *rest[begins:])
        return Way(line, abs(along - end) * float(lines.lengths_m[edge]) + length_m)

    def _tail(self, node: int) -> _Tail:
        """Walk from a junction until one that is known, or the officer's street; remember all."""
        lines, after, tails = self.network.lines, self.before.item, self.tails
        officer = self.network.graph.nodes
        walked = [node]
        while node not in tails and (node := after(node)) != officer:
            walked.append(node)
        node = walked[-1]
        rest, begins, length_m = tails.setdefault(node, tails.get(node) or self._last(node))
        arcs = self.network.arcs(walked)
        pieces = [lines.onwards[arc] for arc in arcs]
        line = [*itertools.chain.from_iterable(pieces), *rest[begins:]]
        starts = itertools.accumulate(map(len, pieces), initial=0)
        lengths = [lines.length_m[arc // 2] for arc in reversed(arcs)]
        left_m = [*itertools.accumulate(lengths, initial=length_m)][:0:-1]
        tails.update(zip(walked, zip(itertools.repeat(line), starts, left_m), strict=False))
        return tails[walked[0]]

    def _last(self, node: int) -> _Tail:
        """Draw the last piece, along the officer's street."""
        start, officer, lines = self.entered[node], self.officer, self.network.lines
        piece = lines.part(officer.edge, start, officer.along)[1:]
        return list(piece), 0, abs(start - officer.along) * lines.length_m[officer.edge]


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
        self.lines = Lines(kept, plane)
        speeds = np.array([_speed(s, means, factor) for s in kept])
        self._times = self.lines.lengths_m / speeds
        self._fastest_m_s = float(speeds.max(initial=0.0))
        nodes, flat = np.unique(
            np.array([(s.start, s.end) for s in kept], dtype=np.int64).reshape(-1),
            return_inverse=True,
        )
        self._ends: Ints = flat.reshape(-1, 2).astype(np.int64)
        self.graph: Graph = build(self._ends, self._ways, self._forbidden(turns, means, nodes))
        self.usable = returning(self.graph, len(kept))
        self._shapes = self.lines.shapes()
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
        self._open = self.usable & ~closed
        self._links: Links = links(self.graph, self._times, closed)
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
        gaps_m: Floats | None = None,
    ) -> Search:
        """Search how crews on streets come to the officer, until the `enough` soonest are sure.

        Parameters
        ----------
        edges, along
            Where the crews are.
        guess_s
            How far to look first: a bad guess costs another search, nothing else.
        most_s
            Nobody is looked for beyond.
        gaps_m
            How far each crew is in a straight line: who could not be there in time even so, at the
            highest speed there is, is not looked at.
        """
        sources, costs, entered = self._arrivals(officer)
        limit_s = min(guess_s, most_s)
        while True:
            rows = self._within(limit_s, len(edges), gaps_m, officer)
            times, before = self._reach(sources, costs, limit_s)
            found, choices = self._answered(officer, edges[rows], along[rows], times)
            # Beyond the limit nothing is known: only what lies within it is surely soonest.
            if limit_s >= most_s or (found <= limit_s).sum() >= min(enough, len(edges)):
                break
            limit_s = min(limit_s * 1.6, most_s) if limit_s < 3600 else most_s
        found[found > limit_s] = np.inf
        whole = bool(np.isinf(limit_s))
        return Search(
            self, officer, rows, edges[rows], along[rows], found, whole, choices, before, entered
        )

    def _within(self, limit_s: float, count: int, gaps_m: Floats | None, officer: Snap) -> Ints:
        """List the crews who might come within the limit, as the crow flies at full speed."""
        if gaps_m is None or np.isinf(limit_s):
            return np.arange(count)
        reach_m = limit_s * self._fastest_m_s + SNAP_M + officer.away_m
        return np.flatnonzero(gaps_m <= reach_m)

    def _answered(
        self, officer: Snap, edges: Ints, along: Floats, times: Floats
    ) -> tuple[Floats, Ints]:
        """Say how long each crew takes, and by which end it leaves its street."""
        leaving = self._doors(edges, along)  # n × 2: by the street's end, by its start
        # A street not open that way has no door there; any node will do.
        doors = np.maximum(self.graph.heads.reshape(-1, 2)[edges], 0)
        both = times[doors] + leaving
        choices = (both[:, 1] < both[:, 0]).astype(np.int64)
        found = both.min(axis=1)
        for row in np.flatnonzero(edges == officer.edge).tolist():
            direct = self._direct(officer, float(along[row]))
            if direct <= found[row]:
                found[row], choices[row] = direct, -1
        return found, choices

    def _reach(self, sources: Ints, costs: Floats, limit_s: float) -> tuple[Floats, Ints]:
        """Search from the officer's place; one at a time, for his place is a row of the matrix."""
        matrix, slots = self._links.matrix, self._links.slots
        here = self.graph.nodes
        with self._lock:
            matrix.indices[slots] = here
            matrix.data[slots] = 1.0
            matrix.indices[slots.start : slots.start + len(sources)] = sources
            matrix.data[slots.start : slots.start + len(sources)] = costs
            times, before = dijkstra(  # type: ignore[call-overload]
                matrix, indices=here, limit=limit_s, return_predecessors=True
            )
        return times, before

    def _arrivals(self, officer: Snap) -> tuple[Ints, Floats, dict[int, float]]:
        """List the nodes from which his street is entered, how long from there, and by which end.

        A loop is entered by both ends from one node: by the quicker.
        """
        edge, time = officer.edge, self._times[officer.edge]
        entered: dict[int, tuple[float, float]] = {}
        for arc, end, part in (
            (2 * edge, 0.0, officer.along),
            (2 * edge + 1, 1.0, 1 - officer.along),
        ):
            cost = max(float(time * part), 1e-6)
            for node in self.graph.entries(arc).tolist():
                entered[node] = min(entered.get(node, (np.inf, end)), (cost, end))
        costs = np.array([cost for cost, _ in entered.values()])
        nodes = np.array(list(entered), dtype=np.int64)
        return nodes, costs, {node: end for node, (_, end) in entered.items()}

    def _doors(self, edges: Ints, along: Floats) -> Floats:
        """Say how long from places to the end and to the start of their street; inf: forbidden."""
        times, ways = self._times[edges], self._ways[edges]
        to_end = np.where(ways[:, 0], times * (1 - along), np.inf)
        to_start = np.where(ways[:, 1], times * along, np.inf)
        return np.column_stack([to_end, to_start])

    def _direct(self, officer: Snap, along: float) -> float:
        """Say how long along one same street, where its direction allows; inf elsewhere."""
        gap = officer.along - along
        ahead, back = self._ways[officer.edge]
        allowed = ahead if gap >= 0 else back
        return abs(gap) * float(self._times[officer.edge]) if allowed else np.inf

    def arcs(self, path: Sequence[int]) -> list[int]:
        """List the arcs between the nodes of a path."""
        arc_of, rows = self._links.arc_of, self.graph.nodes + 1
        return [arc_of[tail * rows + head] for tail, head in itertools.pairwise(path)]


def _way(street: Street, means: Means) -> tuple[bool, bool]:
    if means is Means.FOOT:
        return street.foot, street.foot
    return street.bike if means is Means.BIKE else street.car


def _speed(street: Street, means: Means, factor: float) -> float:
    if means is Means.FOOT:
        return FOOT_M_S
    return BIKE_M_S if means is Means.BIKE else street.car_kmh / 3.6 * factor
