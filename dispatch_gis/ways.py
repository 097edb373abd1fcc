"""The ways crews come, drawn once a search has found them.

Ways to one place run together: what one crew's way has drawn serves the next one's.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dispatch_gis.graph import Ints
from dispatch_gis.lines import LonLat
from dispatch_gis.plane import Floats

if TYPE_CHECKING:
    from dispatch_gis.network import Network, Snap


@dataclass(frozen=True, slots=True)
class Way:
    """How a crew comes, drawn."""

    lonlat: tuple[LonLat, ...]  #: from the crew's street to the officer's
    length_m: float


#: What is left of the way from a junction: a line that other junctions share, where in it this one
#: begins, and metres.
_Tail = tuple[list[LonLat], int, float]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How the officer's street is entered."""

    officer: Snap
    entered: dict[int, tuple[float, float]]  #: node → seconds from there, where along one comes in
    #: Number of a kept node → seconds, the node one comes in by, which way along its chain.
    ends: dict[int, tuple[float, int, int]]


@dataclass(frozen=True, slots=True)
class Search:
    """What one search found: times per crew, and the ways, drawn only when asked for."""

    network: Network
    arrivals: Arrivals
    rows: Ints  #: of the crews that were looked at, among those given; the columns below are theirs
    edges: Ints
    along: Floats
    times_s: Floats  #: inf: later than the ones wanted, or no road
    whole: bool  #: nothing was left unsearched: what is inf has no road
    #: 2 × door + way: by which end each leaves its street (0 its last, 1 its first) and which way
    #: on along the chain; -1: it stays on its street.
    choices: Ints
    #: Row → the node next to the officer's street, in the very chain the crew comes out into.
    within: dict[int, int]
    before: Ints
    #: Kept nodes some crew already came by: ways to one place run together.
    tails: dict[int, _Tail] = field(default_factory=dict)

    def way(self, index: int) -> Way:
        """Draw how a crew comes."""
        network, officer = self.network, self.arrivals.officer
        lines, chains = network.lines, network.chains
        edge, along = self.edges.item(index), self.along.item(index)
        choice = self.choices.item(index)
        if choice < 0:
            stays = lines.part(edge, along, officer.along)
            return Way(stays, abs(along - officer.along) * float(lines.lengths_m[edge]))
        door, onwards = divmod(choice, 2)
        path = [network.graph.heads.item(2 * edge + door)]
        goal = self.within.get(index, -1)
        while path[-1] != goal and chains.number.item(path[-1]) < 0:
            path.append(chains.after.item(path[-1], onwards))
        if goal >= 0:
            rest, begins, length_m = self._last(goal)
        else:
            rest, begins, length_m = self._tail(chains.number.item(path[-1]))
        points, path_m = network.drawn(path)
        end = 1.0 - door
        line = (*lines.part(edge, along, end), *points, *rest[begins:])
        return Way(line, abs(along - end) * lines.length_m[edge] + path_m + length_m)

    def _tail(self, node: int) -> _Tail:
        """Walk from a kept node to a known one, or to the officer's street; remember all."""
        after, tails = self.before.item, self.tails
        drawn, officer = self.network.hops, self.network.here
        walked = [node]
        while node not in tails and (node := after(node)) != officer:
            walked.append(node)
        node = walked[-1]
        rest, begins, length_m = tails.setdefault(node, tails.get(node) or self._come_in(node))
        hops = [drawn[each] for each in itertools.pairwise(walked)]
        line = [*itertools.chain.from_iterable(piece for piece, _ in hops), *rest[begins:]]
        starts = itertools.accumulate((len(piece) for piece, _ in hops), initial=0)
        lengths = (piece_m for _, piece_m in reversed(hops))
        left_m = [*itertools.accumulate(lengths, initial=length_m)][:0:-1]
        tails.update(zip(walked, zip(itertools.repeat(line), starts, left_m), strict=False))
        return tails[walked[0]]

    def _come_in(self, node: int) -> _Tail:
        """Draw the way from the last kept node, along a chain if need be."""
        chains = self.network.chains
        _, goal, way = self.arrivals.ends[node]
        path = [goal]
        while chains.number[path[-1]] < 0:
            path.append(int(chains.after[path[-1], 1 - way]))
        points, path_m = self.network.drawn(path[::-1])
        last, _, last_m = self._last(goal)
        return [*points, *last], 0, path_m + last_m

    def _last(self, node: int) -> _Tail:
        """Draw the last piece, along the officer's street."""
        officer, lines = self.arrivals.officer, self.network.lines
        start = self.arrivals.entered[node][1]
        piece = lines.part(officer.edge, start, officer.along)[1:]
        return list(piece), 0, abs(start - officer.along) * lines.length_m[officer.edge]
