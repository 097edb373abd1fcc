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
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra

from dispatch_gis.chains import LEAST_S, Chains, Links, links
from dispatch_gis.closures import shut
from dispatch_gis.graph import Bools, Graph, Ints, build, returning
from dispatch_gis.lines import Lines, LonLat
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.town import Closure, Street, Turn
from dispatch_gis.ways import Arrivals, Search
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
        #: Seconds along each edge, one way and the other; inf: not open.
        self._ways_s = np.where(self._ways, self._times[:, None], np.inf)
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
        kept = self.chains.kept.tolist()
        #: Numbers of two kept nodes → the way from one to the next, as `drawn` gives it.
        self.hops = {
            ends: self.drawn([kept[ends[0]], *self._links.hop(*ends)]) for ends in self._links.first
        }
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
            (which, found), gaps = self._tree.query_nearest(
                where, max_distance=SNAP_M, all_matches=False, return_distance=True
            )
            streets = self._tree.geometries[found]
            edges[which] = self._tree_edges[found]
            along[which] = shapely.line_locate_point(streets, where[which], normalized=True)
            away[which] = gaps
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
        arrivals = self._arrivals(officer)
        limit_s = min(guess_s, most_s)
        while True:
            rows = self._within(limit_s, len(edges), gaps_m, officer)
            times, before = self._reach(arrivals, limit_s)
            found, choices, within = self._answered(arrivals, edges[rows], along[rows], times)
            # Beyond the limit nothing is known: only what lies within it is surely soonest.
            if limit_s >= most_s or (found <= limit_s).sum() >= min(enough, len(edges)):
                break
            limit_s = min(limit_s * 1.6, most_s) if limit_s < 3600 else most_s
        found[found > limit_s] = np.inf
        whole = bool(np.isinf(limit_s))
        return Search(
            self, arrivals, rows, edges[rows], along[rows], found, whole, choices, within, before
        )

    def _within(self, limit_s: float, count: int, gaps_m: Floats | None, officer: Snap) -> Ints:
        """List the crews who might come within the limit, as the crow flies at full speed."""
        if gaps_m is None or np.isinf(limit_s):
            return np.arange(count)
        reach_m = limit_s * self._fastest_m_s + SNAP_M + officer.away_m
        return np.flatnonzero(gaps_m <= reach_m)

    def _answered(
        self, arrivals: Arrivals, edges: Ints, along: Floats, times: Floats
    ) -> tuple[Floats, Ints, dict[int, int]]:
        """Say how long each crew takes, and which way it comes."""
        chains, officer = self.chains, arrivals.officer
        leaving = self._doors(edges, along)  # n × 2: by the street's end, by its start
        # A street not open that way has no door there; any node will do.
        doors = np.maximum(self.graph.heads.reshape(-1, 2)[edges], 0)
        # n × 2 × 2: by which door, and which way on from there.
        every = times[chains.exits[doors]] + chains.leaving_s[doors] + leaving[:, :, None]
        flat = every.reshape(-1, 4)
        choices = flat.argmin(axis=1)
        found = flat[np.arange(len(flat)), choices]
        within: dict[int, int] = {}
        inside = [node for node in arrivals.entered if chains.number[node] < 0]
        chain = chains.chain[doors] if inside else doors
        for node in inside:
            cost, _ = arrivals.entered[node]
            # Who comes out into the same chain need not go to its end first.
            for row, door in zip(*np.nonzero(chain == chains.chain[node]), strict=True):
                time_s, way = self._along(int(doors[row, door]), node)
                time_s += float(leaving[row, door]) + cost
                if time_s < found[row]:
                    found[row], choices[row], within[row] = time_s, 2 * door + way, node
        for row in np.flatnonzero(edges == officer.edge).tolist():
            direct = self._direct(officer, float(along[row]))
            if direct <= found[row]:
                found[row], choices[row] = direct, -1
        return found, choices, within

    def _along(self, here: int, there: int) -> tuple[float, int]:
        """Say how long from one node of a chain to another, and which way that is."""
        chains = self.chains
        way = 0 if chains.place[here] <= chains.place[there] else 1
        left_s, after_s = chains.leaving_s[here, way], chains.leaving_s[there, way]
        return (float(left_s - after_s) if np.isfinite(left_s) else np.inf), way

    def _reach(self, arrivals: Arrivals, limit_s: float) -> tuple[Floats, Ints]:
        """Search from the officer's place; one at a time, for his place is a row of the matrix."""
        matrix, slots = self._links.matrix, self._links.slots
        first, here = slots.start, self.here
        with self._lock:
            matrix.indices[slots] = here
            matrix.data[slots] = 1.0
            for slot, (node, (cost, _, _)) in enumerate(arrivals.ends.items(), start=first):
                matrix.indices[slot], matrix.data[slot] = node, cost
            times, before = dijkstra(  # type: ignore[call-overload]
                matrix, indices=here, limit=limit_s, return_predecessors=True
            )
        return times, before

    def _arrivals(self, officer: Snap) -> Arrivals:
        """List the nodes from which his street is entered, how long from there, and by which end.

        A loop is entered by both ends from one node: by the quicker.
        """
        edge, time = officer.edge, self._times.item(officer.edge)
        entered: dict[int, tuple[float, float]] = {}
        for arc, end, part in (
            (2 * edge, 0.0, officer.along),
            (2 * edge + 1, 1.0, 1 - officer.along),
        ):
            cost = max(time * part, LEAST_S)
            for node in self.graph.entries(arc).tolist():
                entered[node] = min(entered.get(node, (np.inf, end)), (cost, end))
        ends: dict[int, tuple[float, int, int]] = {}
        chains, never = self.chains, (np.inf, -1, 0)
        for node, (cost, _) in entered.items():
            number = chains.number.item(node)
            if number >= 0:
                ends[number] = min(ends.get(number, never), (cost, node, 0))
                continue
            for way in (0, 1):
                coming_s = chains.coming_s.item(node, way)
                end = chains.exits.item(node, 1 - way)
                if coming_s < np.inf:
                    ends[end] = min(ends.get(end, never), (cost + coming_s, node, way))
        return Arrivals(officer, entered, ends)

    def _doors(self, edges: Ints, along: Floats) -> Floats:
        """Say how long from places to the end and to the start of their street; inf: forbidden."""
        shares = np.empty((len(edges), 2))
        shares[:, 0], shares[:, 1] = 1 - along, along
        # Even at the very end of a street, against its direction is never.
        np.maximum(shares, 1e-12, out=shares)
        shares *= self._ways_s[edges]
        return shares

    def _direct(self, officer: Snap, along: float) -> float:
        """Say how long along one same street, where its direction allows; inf elsewhere."""
        gap = officer.along - along
        ahead, back = self._ways[officer.edge]
        allowed = ahead if gap >= 0 else back
        return abs(gap) * float(self._times[officer.edge]) if allowed else np.inf

    # --- drawing ---

    @property
    def chains(self) -> Chains:
        """Which junctions only lead onwards, as long as the same streets are closed."""
        return self._links.chains

    @property
    def here(self) -> int:
        """The number of the officer's place among the kept nodes."""
        return self._links.here

    def drawn(self, path: Sequence[int]) -> tuple[tuple[LonLat, ...], float]:
        """Draw the way along nodes, after its first point; and its metres."""
        lines, arc_of, rows = self.lines, self._links.arc_of, self.graph.nodes + 1
        arcs = [arc_of[tail * rows + head] for tail, head in itertools.pairwise(path)]
        points = itertools.chain.from_iterable(lines.onwards[arc] for arc in arcs)
        return tuple(points), sum(lines.length_m[arc // 2] for arc in arcs)


def _way(street: Street, means: Means) -> tuple[bool, bool]:
    if means is Means.FOOT:
        return street.foot, street.foot
    return street.bike if means is Means.BIKE else street.car


def _speed(street: Street, means: Means, factor: float) -> float:
    if means is Means.FOOT:
        return FOOT_M_S
    return BIKE_M_S if means is Means.BIKE else street.car_kmh / 3.6 * factor
