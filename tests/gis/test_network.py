"""Road times: those of an independent search, one-way streets and both ends along a street."""

from __future__ import annotations

import math
from collections import defaultdict
from random import Random

import networkx
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dispatch_gis.network import Network, Snap
from dispatch_gis.plane import Plane
from dispatch_gis.town import Street, Town
from dispatch_gis.ways import Search
from hooks import Means


def network_of(town: Town, means: Means = Means.CAR) -> tuple[Network, Plane]:
    west, south, east, north = town.bounds or (0, 0, 0, 0)
    plane = Plane((west + east) / 2, (south + north) / 2)
    return Network(town.streets, means, plane, turns=town.turns), plane


def some(network: Network, count: int, seed: int) -> list[Snap]:
    chance = np.random.default_rng(seed)
    edges = chance.choice(np.flatnonzero(network._open), count)
    return [Snap(int(edge), float(chance.uniform()), 0.0) for edge in edges]


def ask(network: Network, officer: Snap, crews: list[Snap], *rest: float) -> Search:
    edges = np.array([crew.edge for crew in crews], dtype=np.int64)
    return network.search(officer, edges, np.array([crew.along for crew in crews]), *rest)  # type: ignore[arg-type]


def peer(network: Network, town: Town, means: Means, officer: Snap, crew: Snap) -> float:
    """Search with networkx among the streets themselves, each way of each being a node."""
    forbidden = {
        (turn.at, turn.come, turn.go)
        for turn in town.turns
        if (turn.car if means is Means.CAR else turn.bike and means is Means.BIKE)
    }
    graph = networkx.DiGraph()
    leaving: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    arriving: list[tuple[int, int, bool]] = []
    for edge, source in enumerate(network.sources):
        street, (ahead, back) = town.streets[source], network._ways[edge]
        if ahead:
            leaving[street.start].append((edge, True))
            arriving.append((street.end, edge, True))
        if back:
            leaving[street.end].append((edge, False))
            arriving.append((street.start, edge, False))
    sources, times = network.sources.tolist(), network._times.tolist()

    def add(tail: object, head: object, time: float) -> None:
        if not graph.has_edge(tail, head) or graph[tail][head]["time"] > time:
            graph.add_edge(tail, head, time=time)

    for node, edge, forwards in arriving:
        for other, way in leaving[node]:
            if (node, sources[edge], sources[other]) not in forbidden:
                add((edge, forwards), (other, way), times[other])
                if other == officer.edge:
                    part = officer.along if way else 1 - officer.along
                    add((edge, forwards), "officer", part * times[other])
    ahead, back = network._ways[crew.edge]
    if ahead:
        add("crew", (crew.edge, True), (1 - crew.along) * times[crew.edge])
    if back:
        add("crew", (crew.edge, False), crew.along * times[crew.edge])
    gap = officer.along - crew.along
    if crew.edge == officer.edge and (ahead if gap >= 0 else back):
        add("crew", "officer", abs(gap) * times[crew.edge])
    try:
        return float(networkx.dijkstra_path_length(graph, "crew", "officer", weight="time"))
    except (networkx.NetworkXNoPath, networkx.NodeNotFound):
        return float("inf")


@pytest.mark.parametrize("means", [Means.CAR, Means.BIKE, Means.FOOT])
def test_times_are_those_of_an_independent_search(helsinki: Town, means: Means) -> None:
    network, _ = network_of(helsinki, means)
    officer, *crews = some(network, 12, 7)

    found = ask(network, officer, crews, len(crews)).times_s

    expected = [peer(network, helsinki, means, officer, crew) for crew in crews]
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_soonest_are_found_whatever_the_first_guess(helsinki: Town) -> None:
    network, _ = network_of(helsinki)
    officer, *crews = some(network, 60, 3)

    whole = np.sort(ask(network, officer, crews, len(crews)).times_s)[:5]

    for guess in (0.01, 10, 1e9):
        soonest = np.sort(ask(network, officer, crews, 5, guess).times_s)[:5]
        assert soonest == pytest.approx(whole)


def test_a_way_goes_from_the_crew_to_the_officer_without_a_jump(helsinki: Town) -> None:
    network, plane = network_of(helsinki)
    places = np.array([[-300.0, 120.0], [250.0, -200.0]])
    crew, officer = (network.snap(places)[n] for n in range(2))
    assert crew is not None
    assert officer is not None

    search = ask(network, officer, [crew], 1)
    way = search.way(0)

    line = np.column_stack(plane.to_metres(*np.array(way.lonlat).T))
    steps = np.hypot(*np.diff(line, axis=0).T)
    assert np.hypot(*(line[0] - places[0])) == pytest.approx(crew.away_m, abs=0.2)
    assert np.hypot(*(line[-1] - places[1])) == pytest.approx(officer.away_m, abs=0.2)
    assert way.length_m == pytest.approx(steps.sum(), abs=3)
    assert 3 < way.length_m / search.times_s[0] < 30
    assert steps.max() < 400


def test_a_one_way_street_is_not_driven_backwards(made: Town) -> None:
    network, plane = network_of(made)
    ends = np.column_stack(
        plane.to_metres(np.array([0.0002, 0.0011]), np.array([45.0009, 45.0009]))
    )
    west, east = (network.snap(ends)[n] for n in range(2))
    assert west is not None
    assert east is not None
    assert west.edge == east.edge

    forwards = ask(network, east, [west], 1).times_s[0]
    backwards = ask(network, west, [east], 1).times_s[0]

    assert backwards > 3 * forwards


def test_a_stub_from_which_nobody_comes_back_is_left_out(made: Town) -> None:
    assert len(network_of(made)[0]) == 4


def test_beyond_reach_there_is_no_road(made: Town) -> None:
    network, _ = network_of(made)

    assert network.snap(np.array([[5000.0, 0.0]]))[0] is None
    assert len(network.snap(np.empty((0, 2)))) == 0


def test_a_town_without_streets_has_no_road() -> None:
    network = Network((), Means.CAR, Plane(0, 45))

    assert len(network) == 0
    assert network.snap(np.array([[0.0, 0.0]]))[0] is None


def test_a_priority_vehicle_goes_faster(made: Town) -> None:
    plane = Plane(0.0006, 45.0009)
    usual = Network(made.streets, Means.CAR, plane)
    fast = Network(made.streets, Means.CAR, plane, factor=2)
    here, there = Snap(0, 0.2, 0), Snap(1, 0.5, 0)

    assert ask(fast, here, [there], 1).times_s == pytest.approx(
        ask(usual, here, [there], 1).times_s / 2
    )


def test_who_is_too_far_to_matter_is_not_looked_at(helsinki: Town) -> None:
    """The five soonest are the same, whether or not the others were looked at."""
    network, _ = network_of(helsinki)
    crews = some(network, 2000, 3)
    edges = np.array([crew.edge for crew in crews])
    along = np.array([crew.along for crew in crews])
    lines = network.lines.shapes()
    at = shapely.line_interpolate_point(lines[edges], along, normalized=True)
    spared = 0
    for officer in some(network, 20, 4):
        here = shapely.line_interpolate_point(lines[officer.edge], officer.along, normalized=True)
        gaps = shapely.distance(at, here)

        near = network.search(officer, edges, along, 5, 5.0, np.inf, gaps)
        every = network.search(officer, edges, along, 5, 5.0)

        soonest = np.argsort(every.times_s, kind="stable")[:5]
        assert np.sort(near.times_s)[:5].tolist() == every.times_s[soonest].tolist()
        assert set(near.rows[np.argsort(near.times_s, kind="stable")[:5]]) == set(soonest)
        spared += len(crews) - len(near.rows)
    assert spared > 0


@st.composite
def small_towns(draw: st.DrawFn) -> Town:
    """Rings, chains, one-way streets, dead ends: whatever a handful of junctions can make."""
    ends = st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] != pair[1])
    ways = st.sampled_from([(True, True), (True, True), (True, False), (False, True)])
    rows = draw(st.lists(st.tuples(ends, ways, st.integers(1, 3)), min_size=2, max_size=14))
    at = [(0.001 * math.cos(n), 45 + 0.001 * math.sin(n)) for n in range(8)]
    return Town(
        streets=tuple(
            Street(
                start=start, end=end, lonlat=(at[start], (0.0001 * bend, 45.0), at[end]),
                kind="residential", name="", car_kmh=30, car=way, bike=way, foot=True,
            )
            for (start, end), way, bend in rows
        )
    )  # fmt: skip


@settings(max_examples=150)
@given(small_towns(), st.randoms(use_true_random=False))
def test_passing_over_junctions_that_only_lead_onwards_changes_nothing(
    town: Town, chance: Random
) -> None:
    network, _ = network_of(town)
    usable = np.flatnonzero(network._open).tolist()
    assume(usable)
    snaps = [Snap(chance.choice(usable), chance.random(), 0.0) for _ in range(6)]
    for officer in snaps[:2]:
        search = ask(network, officer, snaps, len(snaps))
        wanted = [peer(network, town, Means.CAR, officer, crew) for crew in snaps]

        assert search.times_s == pytest.approx(wanted, abs=1e-4)
        for index, time_s in enumerate(wanted):
            if np.isfinite(time_s):
                metres = search.way(index).length_m
                assert metres == pytest.approx(time_s * 30 / 3.6, abs=0.01)
