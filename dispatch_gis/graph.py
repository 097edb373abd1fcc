"""Streets as a directed graph in which a forbidden turn cannot be taken.

An *arc* is a street in one direction: arc `2e` is edge `e` forwards, `2e + 1` backwards. A junction
where a turn is forbidden is split: who comes by the arc in question arrives at a node of its own,
from which only the allowed arcs leave. So the turns are exact, and the graph is hardly larger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Graph:
    """Which arc leads from which node to which. Nodes from `splits` on are split junctions."""

    nodes: int
    heads: Ints  #: arc → the node it arrives at; -1: the arc is not open to these means
    tails: Ints  #: one for each way to enter an arc: from which node
    arcs: Ints  #: and which arc, sorted
    first: Ints  #: arc → its first row in `tails`

    def entries(self, arc: int) -> Ints:
        """List the nodes from which an arc can be entered."""
        return self.tails[self.first[arc] : self.first[arc + 1]]


def build(ends: Ints, ways: Bools, forbidden: Iterable[tuple[int, int, int]]) -> Graph:
    """Build the graph.

    Parameters
    ----------
    ends
        Edge → its first and last junction, numbered from 0; n × 2.
    ways
        Edge → open forwards, open backwards; n × 2.
    forbidden
        (junction, edge one comes by, edge one may not go on by).
    """
    count = int(ends.max()) + 1 if len(ends) else 0
    open_ = ways.reshape(-1)
    from_ = ends.reshape(-1)
    to = ends[:, ::-1].reshape(-1)
    barred: dict[int, set[int]] = defaultdict(set)
    for at, come, go in forbidden:
        for coming in (2 * come, 2 * come + 1):
            if open_[coming] and to[coming] == at:
                barred[coming].update(
                    leaving for leaving in (2 * go, 2 * go + 1)
                    if open_[leaving] and from_[leaving] == at
                )  # fmt: skip
    heads = np.where(open_, to, -1).astype(np.int64)
    arcs = np.flatnonzero(open_)
    tails = from_[arcs].astype(np.int64)
    split = sorted(coming for coming, going in barred.items() if going)
    leaving_from: dict[int, list[int]] = {int(to[coming]): [] for coming in split}
    for arc in arcs.tolist():
        if (tail := int(from_[arc])) in leaving_from:
            leaving_from[tail].append(arc)
    more_tails: list[int] = []
    more_arcs: list[int] = []
    for number, coming in enumerate(split, start=count):
        allowed = [arc for arc in leaving_from[int(to[coming])] if arc not in barred[coming]]
        heads[coming] = number
        more_tails += [number] * len(allowed)
        more_arcs += allowed
    tails = np.concatenate([tails, np.array(more_tails, dtype=np.int64)])
    arcs = np.concatenate([arcs, np.array(more_arcs, dtype=np.int64)])
    order = np.lexsort((tails, arcs))
    first = np.searchsorted(arcs[order], np.arange(len(open_) + 1))
    return Graph(count + len(split), heads, tails[order], arcs[order], first)


def returning(graph: Graph, edges: int) -> Bools:
    """Say from which edges one comes back, by every direction they are open to.

    A clipped stub, or a court behind a bollard, answers nobody: nothing is to be snapped to it.
    """
    good = np.zeros(2 * edges, dtype=bool)
    if len(graph.arcs):
        heads = graph.heads[graph.arcs]
        links = csr_array(
            (np.ones(len(heads)), (graph.tails, heads)), shape=(graph.nodes, graph.nodes)
        )
        _, labels = connected_components(links, directed=True, connection="strong")
        # The largest by streets, not by nodes: a split junction is no place.
        inside = labels[graph.tails] == labels[heads]
        largest = np.bincount(labels[heads][inside]).argmax() if inside.any() else -1
        within = inside & (labels[heads] == largest)
        good[graph.arcs[within]] = True
    shut = graph.heads < 0
    both = (good | shut).reshape(-1, 2)
    some = good.reshape(-1, 2).any(axis=1)
    return np.asarray(both.all(axis=1) & some, dtype=bool)
