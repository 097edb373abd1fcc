"""The graph as it is searched: junctions that only lead onwards are passed over.

More than half the junctions of a town join two pieces of street and nothing else (a crossing on
foot, a change of name). Between two real junctions they make a *chain*, which a search takes in one
step. Whoever stands inside one leaves it by either end: how soon is known beforehand. Nothing is
lost by it: times and ways are those of the whole graph.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from dispatch_gis.graph import Bools, Graph, Ints
from dispatch_gis.plane import Floats

#: A street of no length must not vanish from a sparse matrix.
LEAST_S = 1e-6


@dataclass(frozen=True, slots=True)
class Chains:
    """Where each node's chain leads, one way (0) and the other (1).

    A node that is kept leads to itself, at once, one way; the other way nowhere. *Kept* nodes have
    numbers of their own, those of the matrix that is searched.
    """

    kept: Ints  #: number → node
    number: Ints  #: node → number; -1: it is inside a chain
    chain: Ints  #: node → its chain; -1: it is kept
    place: Ints  #: node → how many nodes of its chain come before it
    exits: Ints  #: nodes × 2: number of the kept node at that end
    leaving_s: Floats  #: nodes × 2: seconds to that end; inf: against a one-way street
    coming_s: Floats  #: nodes × 2: seconds from the other end, going that way
    after: Ints  #: nodes × 2: the next node that way


@dataclass(frozen=True, slots=True)
class Links:
    """The graph turned round, ready to be searched from one place on a street.

    The last row is that place: its slots are written before each search.
    """

    chains: Chains
    matrix: csr_array
    slots: slice
    #: `tail * (nodes + 1) + head` → the arc it is: of two streets between the same junctions, the
    #: quicker.
    arc_of: dict[int, int]
    #: Numbers of two kept nodes → the first node from one to the other, and which way on.
    first: dict[tuple[int, int], tuple[int, int]]

    @property
    def here(self) -> int:
        """The number of the place that is searched from."""
        return len(self.chains.kept)

    def hop(self, tail: int, head: int) -> Iterator[int]:
        """List the nodes from one kept node to the next, without the first one."""
        node, way = self.first[tail, head]
        last = int(self.chains.kept[head])
        yield node
        while node != last:
            node = self.chains.after.item(node, way)
            yield node


def links(graph: Graph, times: Floats, shut: Bools) -> Links:
    """Weigh the graph: seconds per edge, some of them shut."""
    nodes = graph.nodes
    heads = graph.heads[graph.arcs]
    edges = graph.arcs // 2
    costs = np.maximum(times[edges], LEAST_S) if len(edges) else np.empty(0)
    usable = ~shut[edges] & (graph.tails != heads)
    tails, heads, arcs, costs = (
        graph.tails[usable],
        heads[usable],
        graph.arcs[usable],
        costs[usable],
    )
    keys = tails * (nodes + 1) + heads
    order = np.lexsort((costs, keys))
    quickest = np.ones(len(order), dtype=bool)
    quickest[1:] = keys[order][1:] != keys[order][:-1]
    some = order[quickest]
    arc_of = dict(zip(keys[some].tolist(), arcs[some].tolist(), strict=True))
    cost_of = dict(zip(keys[some].tolist(), costs[some].tolist(), strict=True))
    chains, spans = _chained(nodes, tails[some], heads[some], cost_of)
    between = _between(chains, tails[some], heads[some], costs[some], spans)
    matrix, slots = _matrix(len(chains.kept), between, _most_entries(graph))
    first = {ends: (node, way) for ends, (_, node, way) in between.items()}
    return Links(chains, matrix, slots, arc_of, first)


#: A way through a chain: numbers of its two ends, seconds, first node inside, which way.
_Span = tuple[int, int, float, int, int]
_Between = dict[tuple[int, int], tuple[float, int, int]]


def _between(
    chains: Chains,
    tails: Ints,
    heads: Ints,
    costs: Floats,
    spans: list[_Span],
) -> _Between:
    """List the quickest step from each kept node to the next: seconds, first node, which way."""
    found: _Between = {}
    direct = (chains.number[tails] >= 0) & (chains.number[heads] >= 0)
    steps = zip(
        chains.number[tails[direct]].tolist(), chains.number[heads[direct]].tolist(),
        costs[direct].tolist(), heads[direct].tolist(), itertools.repeat(0),
        strict=False,
    )  # fmt: skip
    for tail, head, cost, node, way in itertools.chain(steps, spans):
        if tail != head and cost < found.get((tail, head), (np.inf,))[0]:
            found[tail, head] = cost, node, way
    return found


def _matrix(kept: int, between: _Between, most: int) -> tuple[csr_array, slice]:
    ends = np.array(list(between), dtype=np.int64).reshape(-1, 2)
    costs = np.array([cost for cost, _, _ in between.values()])
    # Each way into the officer's street may be inside a chain, which is entered by two ends.
    slots = np.full(4 * most, kept, dtype=np.int64)  # at rest, the place leads to itself
    rows = np.concatenate([ends[:, 1], np.full(len(slots), kept)])
    columns = np.concatenate([ends[:, 0], slots])
    data = np.concatenate([costs, np.ones(len(slots))])
    by_row = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[by_row], np.arange(kept + 2))
    matrix = csr_array(
        (data[by_row], columns[by_row].astype(np.int32), starts.astype(np.int32)),
        shape=(kept + 1, kept + 1),
    )
    return matrix, slice(len(costs), len(costs) + len(slots))


def _most_entries(graph: Graph) -> int:
    return int(np.bincount(graph.arcs).max()) if len(graph.arcs) else 1


# --- which junctions only lead onwards ---


def _chained(
    nodes: int, tails: Ints, heads: Ints, cost_of: dict[int, float]
) -> tuple[Chains, list[_Span]]:
    """Find the chains; and, for each way through one: its two ends, seconds, first node, way."""
    inside = _onwards(nodes, tails, heads)
    beside = _neighbours(tails, heads, inside)
    lines = _lines(inside, beside)
    kept = np.flatnonzero(~inside)
    number = np.full(nodes, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    chains = Chains(
        kept, number,
        chain=np.full(nodes, -1, dtype=np.int64),
        place=np.zeros(nodes, dtype=np.int64),
        exits=np.maximum(np.column_stack([number, number]), 0),
        leaving_s=np.where(inside[:, None], np.inf, np.array([[0.0, np.inf]])),
        coming_s=np.full((nodes, 2), np.inf),
        after=np.full((nodes, 2), -1, dtype=np.int64),
    )  # fmt: skip
    spans: list[_Span] = []
    for name, line in enumerate(lines):
        within = line[1:-1]
        chains.chain[within] = name
        chains.place[within] = np.arange(len(within))
        for way, path in ((0, line), (1, line[::-1])):
            run = _run(path, nodes, cost_of)
            chains.exits[within, way] = number[path[-1]]
            chains.after[path[1:-1], way] = path[2:]
            if run is not None:
                chains.leaving_s[path[1:-1], way] = run[-1] - run[1:-1]
                chains.coming_s[path[1:-1], way] = run[1:-1]
                ends = int(number[path[0]]), int(number[path[-1]])
                spans.append((*ends, float(run[-1]), path[1], way))
    return chains, spans


def _onwards(nodes: int, tails: Ints, heads: Ints) -> Bools:
    """Say which nodes have two neighbours, and lead from each to the other, or from one alone."""
    low, high = np.minimum(tails, heads), np.maximum(tails, heads)
    pairs = np.unique(np.column_stack([low, high]), axis=0) if len(tails) else np.empty((0, 2), int)
    beside = np.bincount(pairs.reshape(-1), minlength=nodes)
    out, into = np.bincount(tails, minlength=nodes), np.bincount(heads, minlength=nodes)
    return np.asarray((beside == 2) & (out == into) & (out >= 1), dtype=bool)


def _neighbours(tails: Ints, heads: Ints, inside: Bools) -> dict[int, list[int]]:
    beside: dict[int, list[int]] = defaultdict(list)
    for here, there in ((tails, heads), (heads, tails)):
        some = inside[here]
        for node, other in zip(here[some].tolist(), there[some].tolist(), strict=True):
            if other not in beside[node]:
                beside[node].append(other)
    return beside


def _lines(inside: Bools, beside: dict[int, list[int]]) -> list[list[int]]:
    """Walk each chain from a kept node to the next; of a ring, one node becomes a kept one."""
    lines, walked = [], set()
    for start in np.flatnonzero(inside).tolist():
        if start in walked:
            continue
        line = [start]
        for first in beside[start]:
            last, node = start, first
            while inside[node] and node != start:
                line.append(node)
                last, node = node, _other(beside[node], last)
            line.append(node)
            if node == start:
                inside[start] = False
                break
            line.reverse()
        walked.update(line)
        lines.append(line)
    return lines


def _other(two: list[int], one: int) -> int:
    return two[1] if two[0] == one else two[0]


def _run(path: list[int], nodes: int, cost_of: dict[int, float]) -> Floats | None:
    """Add up the seconds along a chain; None: it is closed that way."""
    costs = [cost_of.get(tail * (nodes + 1) + head) for tail, head in itertools.pairwise(path)]
    if None in costs:
        return None
    return np.concatenate([[0.0], np.cumsum(np.array(costs, dtype=np.float64))])
