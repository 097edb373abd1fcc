"""Streets that staff close: at once, until the hour they said, to those they said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely

from dispatch_gis.osm_turns import Banned, banned, resolve
from dispatch_gis.plane import Plane
from dispatch_gis.roads import Roads
from dispatch_gis.town import Closure, Town
from hooks import Means

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
PLANE = Plane(0.0006, 45.0009)
#: Around the southern side of the made square, and a line drawn along it.
SOUTH = shapely.box(0.0003, 44.9998, 0.0010, 45.0002)
ALONG = shapely.LineString([(0.0001, 45.00002), (0.0012, 44.99998)])


def time_s(roads: Roads, means: Means = Means.CAR, at: datetime = NOW) -> float:
    """Say how long from the south-west corner to the south-east one."""
    network = roads.at(at)[0][means]
    ends = PLANE.to_metres(np.array([0.00005, 0.0013]), np.array([45.0001, 45.0001]))
    places = network.snap(np.column_stack(ends))
    officer = places[1]
    assert officer is not None
    return float(network.search(officer, places.edges[:1], places.along[:1], 1).times_s[0])


def roads(made: Town, *closures: Closure) -> Roads:
    return Roads(made, PLANE, factor=1, closures=closures)


@pytest.mark.parametrize(
    "drawn", [{"area": SOUTH}, {"area": ALONG}, {"street": "rue du sud"},
              {"area": shapely.Point(0.0006, 45.0)}],
)  # fmt: skip
def test_a_closed_street_is_gone_round(made: Town, drawn: dict[str, Any]) -> None:
    assert time_s(roads(made, Closure(**drawn))) > 1.5 * time_s(roads(made))


def test_a_closure_holds_from_its_hour_to_its_end(made: Town) -> None:
    hour = timedelta(hours=1)
    closed = roads(made, Closure(area=SOUTH, since=NOW, until=NOW + hour))
    usual = time_s(roads(made))

    assert time_s(closed, at=NOW - hour) == usual
    assert time_s(closed, at=NOW) > usual
    assert time_s(closed, at=NOW + hour) == usual


def test_a_closure_to_cars_leaves_the_feet(made: Town) -> None:
    closed = roads(made, Closure(area=SOUTH))

    assert time_s(closed, Means.FOOT) == time_s(roads(made), Means.FOOT)


def test_a_closure_takes_effect_at_once_on_streets_already_read(made: Town) -> None:
    usual = roads(made)

    assert time_s(usual.with_closures([Closure(area=SOUTH)])) > time_s(usual)
    assert time_s(usual.with_closures([])) == time_s(usual)


def test_a_street_that_only_touches_a_closed_square_stays_open(made: Town) -> None:
    beside = shapely.box(0.0013, 44.999, 0.002, 45.0)

    assert time_s(roads(made, Closure(area=beside))) == time_s(roads(made))


def test_a_line_drawn_along_one_street_does_not_close_those_it_meets(made: Town) -> None:
    network = roads(made, Closure(area=ALONG)).at(NOW)[0][Means.CAR]

    assert len(network) == len(roads(made).at(NOW)[0][Means.CAR]) - 1


# --- OpenStreetMap's restrictions ---


def relation(rule: str = "no_left_turn", **tags: str) -> list[Banned]:
    members = [("w", 11, "from"), ("n", 2, "via"), ("w", 10, "to")]
    return list(banned({"type": "restriction", "restriction": rule, **tags}, members))


def test_a_restriction_forbids_its_turn_and_no_other(made: Town) -> None:
    [turn] = resolve(made.streets, relation(), {})

    come, go = made.streets[turn.come], made.streets[turn.go]
    assert (come.name, go.name, turn.at) == ("Rue de l'Est", "Rue du Sud", 2)
    assert turn.car
    assert turn.bike


def test_an_only_restriction_forbids_the_others(made: Town) -> None:
    forbidden = {turn.go for turn in resolve(made.streets, relation("only_left_turn"), {})}

    assert {made.streets[go].name for go in forbidden} == {"Rue de l'Est"}


@pytest.mark.parametrize(
    ("tags", "read"),
    [({"except": "bicycle"}, (True, False)), ({"except": "emergency;bus"}, (False, True)),
     ({"restriction": "", "restriction:motorcar": "no_left_turn"}, (True, False))],
)  # fmt: skip
def test_who_is_excepted_may_turn(tags: dict[str, str], read: tuple[bool, bool]) -> None:
    [found] = relation(tags.pop("restriction", "no_left_turn"), **tags)

    assert (found.car, found.bike) == read


@pytest.mark.parametrize("rule", ["", "give_way", "priority"])
def test_what_is_no_restriction_forbids_nothing(rule: str) -> None:
    assert relation(rule) == []


def test_a_barrier_in_the_street_stops_cars_not_bicycles(made: Town) -> None:
    turns = resolve(made.streets, [], {2: (True, False)})

    assert len(turns) == 2
    assert all(turn.car and not turn.bike for turn in turns)


def test_what_comes_is_made_ready_and_changes_nothing_before(made: Town) -> None:
    closure = Closure(street="Rue du Sud", since=NOW + timedelta(minutes=1))
    west, south, east, north = made.bounds or (0, 0, 0, 0)
    plane = Plane((west + east) / 2, (south + north) / 2)
    ready = Roads(made, plane, factor=1.0, closures=[closure])
    asked = Roads(made, plane, factor=1.0, closures=[closure])
    open_ = len(ready.at(NOW)[0][Means.CAR])

    ready.prepare(NOW + timedelta(minutes=2))

    assert len(ready.at(NOW)[0][Means.CAR]) == open_
    then = ready.at(NOW + timedelta(minutes=2))
    assert then is ready._coming[1]
    assert len(then[0][Means.CAR]) == len(asked.at(NOW + timedelta(minutes=2))[0][Means.CAR])
    assert len(then[0][Means.CAR]) < open_
