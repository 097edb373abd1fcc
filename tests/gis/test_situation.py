"""The whole answer: who sees the place, who can come, what is missing, and never a failure."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from dispatch_gis.aim import Calibration
from dispatch_gis.optics import EDITIONS, REACH_M, least_px_m, pixel_class
from dispatch_gis.situation import SituateSettings, Territory, situate
from dispatch_gis.town import Town
from hooks import (
    Camera,
    CameraId,
    CameraKind,
    Crew,
    CrewId,
    CrewStatus,
    Means,
    Message,
    PixelClass,
    Pointing,
    Position,
    Situation,
)

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
S = SituateSettings()
GEOD = Geod(ellps="WGS84")
HERE = Position(lon=24.944, lat=60.17, accuracy_m=8, fixed_at=NOW)


def camera(identifier: str, metres: float, bearing: float, **known: Any) -> Camera:
    """Stand a camera so that the officer is `metres` away from it, on `bearing` seen from it."""
    lon, lat, _ = GEOD.fwd(HERE.lon, HERE.lat, bearing + 180, metres)
    usual: dict[str, Any] = {
        "kind": CameraKind.FIXED, "heading_deg": bearing, "fov_deg": 60.0, "width_px": 1920,
        "position": Position(lon=lon, lat=lat),
    }  # fmt: skip
    return Camera(id=CameraId(identifier), name=identifier, **{**usual, **known})


def crew(
    identifier: str, metres: float = 200, bearing: float = 90, age_s: float | None = 5, **known: Any
) -> Crew:
    lon, lat, _ = GEOD.fwd(HERE.lon, HERE.lat, bearing, metres)
    fixed_at = None if age_s is None else NOW - timedelta(seconds=age_s)
    usual: dict[str, Any] = {"status": CrewStatus.FREE, "means": Means.CAR}
    place = Position(lon=lon, lat=lat, fixed_at=fixed_at)
    return Crew(id=CrewId(identifier), name=identifier, position=place, **{**usual, **known})


def seen(*cameras: Camera, place: Position = HERE) -> Situation:
    return situate(Territory(None, cameras, settings=S), place, [], NOW, settings=S)


def words(messages: tuple[Message, ...]) -> list[str]:
    return [str(message) for message in messages]


def test_distance_bearing_and_density_are_those_of_the_ground() -> None:
    [sighting] = seen(camera("a:1", 34, 77)).sightings

    assert sighting.distance_m == pytest.approx(34, abs=0.1)
    assert sighting.bearing_deg == pytest.approx(77, abs=0.2)
    assert sighting.density_px_m == pytest.approx(960 / (34 * math.tan(math.radians(30))), rel=0.01)
    assert sighting.pixel_class is PixelClass.OUTLINE
    assert words(sighting.reasons) == ["34 m", "49 px/m: outline"]


def test_a_camera_that_looks_away_is_not_named() -> None:
    away = camera("a:1", 30, 10, heading_deg=190.0)

    assert seen(away).sightings == ()
    assert words(seen(away).missing)[0] == "no camera sees this place"


def test_a_ptz_that_looks_away_must_turn_and_says_so() -> None:
    [sighting] = seen(camera("a:1", 30, 10, heading_deg=190.0, kind=CameraKind.PTZ)).sightings

    assert sighting.must_turn
    assert "must turn" in words(sighting.reasons)


def test_a_camera_that_sees_all_round_need_not_turn() -> None:
    dome = camera("a:1", 12, 10, kind=CameraKind.DOME, heading_deg=None, fov_deg=360.0)

    assert not seen(dome).sightings[0].must_turn


def test_what_nobody_measured_is_assumed_and_said() -> None:
    bare = camera("a:1", 30, 10, heading_deg=None, fov_deg=None, width_px=None)

    [sighting] = seen(bare).sightings

    assert {
        "direction unknown", "field of view assumed 60°", "picture assumed 1920 px wide",
    } <= set(words(sighting.reasons))  # fmt: skip


def test_a_camera_that_surely_looks_goes_before_one_that_may() -> None:
    sure, maybe = camera("a:2", 40, 10), camera("a:1", 35, 90, heading_deg=None)

    assert [each.camera.id for each in seen(maybe, sure).sightings] == ["a:2", "a:1"]


@pytest.mark.parametrize("known", [{"enabled": False}, {"position": None}])
def test_a_camera_switched_off_or_nowhere_is_never_named(known: dict[str, Any]) -> None:
    assert seen(camera("a:1", 20, 0, **known)).sightings == ()


def test_beyond_its_reach_a_camera_shows_nobody() -> None:
    edge = 1920 / (2 * math.tan(math.radians(30))) / least_px_m()
    place = replace(HERE, accuracy_m=None)

    assert seen(camera("a:1", edge - 1, 0), place=place).sightings
    assert not seen(camera("a:1", edge + 1, 0), place=place).sightings
    assert not seen(camera("a:1", REACH_M + 1, 0, fov_deg=5.0), place=place).sightings


def test_the_share_of_the_disc_is_that_of_its_area() -> None:
    # His place is on the edge of the range: about half of where he may be lies beyond it.
    [half] = seen(camera("a:1", 40, 0, range_m=40.0, fov_deg=120.0)).sightings

    assert half.share == pytest.approx(0.47, abs=0.08)
    assert any("of where he may be" in said for said in words(half.reasons))


@given(st.floats(0, 5000), st.sampled_from([2014, 2025]))
def test_the_class_is_the_last_whose_threshold_is_reached(density: float, edition: int) -> None:
    reached = [name for least, name in EDITIONS[edition] if density >= least]

    assert pixel_class(density, edition) is (reached[-1] if reached else PixelClass.NONE)


def test_both_editions_of_the_standard_have_their_own_thresholds() -> None:
    assert [least for least, _ in EDITIONS[2025]] == [20, 40, 80, 125, 250, 500, 1500]
    assert [least for least, _ in EDITIONS[2014]] == [12.5, 25, 62.5, 125, 250, 1000]


def test_without_a_position_nothing_is_guessed() -> None:
    answer = situate(Territory(None, [], settings=S), None, [crew("c:1")], NOW, settings=S)

    assert answer.sightings == ()
    assert answer.reinforcements == ()
    assert words(answer.missing) == ["position unknown: click on the map to place it"]


def told(town: Town | None, *crews: Crew, own: str = "") -> Situation:
    territory = Territory(town, [], settings=S)
    mine = CrewId(own) if own else None
    return situate(territory, HERE, crews, NOW, settings=S, own_crew=mine)


def test_crews_are_ranked_by_road_with_their_way(helsinki: Town) -> None:
    answer = told(helsinki, crew("c:far", 700, 200), crew("c:near", 150, 20))

    assert [each.crew.id for each in answer.reinforcements] == ["c:near", "c:far"]
    for each in answer.reinforcements:
        assert each.by_road
        assert len(each.route) > 2
        assert each.distance_m >= 100


def test_only_free_crews_are_named_and_never_his_own() -> None:
    answer = told(
        None, crew("c:busy", status=CrewStatus.ENGAGED), crew("c:own"),
        crew("c:off", status=CrewStatus.OFF_DUTY), crew("c:free"), own="c:own",
    )  # fmt: skip

    assert [each.crew.id for each in answer.reinforcements] == ["c:free"]


@pytest.mark.parametrize(
    ("crews", "said"),
    [
        ([], "no crew has given its position"),
        ([crew("c:1", status=CrewStatus.BREAK)], "no crew is free"),
        ([replace(crew("c:1"), position=None)], "no free crew has given its position"),
    ],
)
def test_who_is_missing_is_said_in_words(crews: list[Crew], said: str) -> None:
    assert said in words(told(None, *crews).missing)


def test_without_a_road_the_straight_line_is_used_and_said() -> None:
    [only] = told(None, crew("c:1", 600)).reinforcements

    assert not only.by_road
    assert only.distance_m == pytest.approx(600, abs=1)
    assert "as the crow flies: no road known" in words(only.reasons)


def test_an_old_position_comes_last_and_is_said_old() -> None:
    old, new, unknown = crew("c:old", 10, age_s=600), crew("c:new", 900), crew("c:?", 5, age_s=None)

    answer = told(None, old, new, unknown).reinforcements

    assert [each.crew.id for each in answer] == ["c:new", "c:?", "c:old"]
    assert "position 10 min old" in words(answer[2].reasons)
    assert "position of unknown age" in words(answer[1].reasons)


def test_a_crew_of_unknown_status_comes_after_those_that_are_free() -> None:
    answer = told(None, crew("c:1", 10, status=CrewStatus.UNKNOWN), crew("c:2", 900))

    assert [each.crew.id for each in answer.reinforcements] == ["c:2", "c:1"]


@settings(max_examples=25)
@given(st.permutations(range(8)))
def test_the_order_of_the_crews_changes_nothing(order: list[int]) -> None:
    crews = [crew(f"c:{n}", 100 + 50 * (n % 3), 45 * n) for n in range(8)]

    assert told(None, *(crews[n] for n in order)) == told(None, *crews)


def test_an_officer_off_the_streets_is_reached_on_foot_at_the_end(made: Town) -> None:
    place = Position(lon=0.00065, lat=45.0016, fixed_at=NOW)
    driver = Crew(
        id=CrewId("c:1"), status=CrewStatus.FREE, means=Means.CAR,
        position=Position(lon=0.0005, lat=45.0, fixed_at=NOW),
    )  # fmt: skip
    territory = Territory(made, [], settings=S)

    [only] = situate(territory, place, [driver], NOW, settings=S).reinforcements

    assert any("on foot" in said for said in words(only.reasons))


def test_the_street_is_named(made: Town) -> None:
    territory = Territory(made, [], settings=S)

    assert territory.near(Position(lon=0.0005, lat=45.0001)) == "Rue du Sud"
    assert territory.near(Position(lon=0.1, lat=45.0001)) == ""


@settings(max_examples=60)
@given(
    st.floats(-180, 180), st.floats(-90, 90), st.none() | st.floats(0, 1e7),
    st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=4),
)  # fmt: skip
def test_no_place_on_earth_makes_it_fail(
    lon: float, lat: float, accuracy: float | None, places: list[tuple[float, float]]
) -> None:
    cameras = [
        Camera(id=CameraId(f"a:{n}"), position=Position(lon=x, lat=y))
        for n, (x, y) in enumerate(places)
    ]
    crews = [
        Crew(id=CrewId(f"c:{n}"), status=CrewStatus.FREE, position=Position(lon=x, lat=y))
        for n, (x, y) in enumerate(places)
    ]
    place = Position(lon=lon, lat=lat, accuracy_m=accuracy)

    answer = situate(Territory(None, cameras, settings=S), place, crews, NOW, settings=S)

    for each in answer.reinforcements:
        assert math.isfinite(each.time_s)
    for sighting in answer.sightings:
        assert math.isfinite(sighting.distance_m)
        assert 0 < sighting.share <= 1


TURRET = {"kind": CameraKind.PTZ, "heading_deg": 200.0, "height_m": 6.0}


def pointed(town: Town, **known: Any) -> Any:
    turret = camera("a:1", 40, 77, **{**TURRET, **known})
    territory = Territory(town, [turret], settings=S)
    [sighting] = situate(territory, HERE, [], NOW, settings=S).sightings
    return sighting


def test_a_calibrated_camera_is_told_where_to_look() -> None:
    mount = Calibration(pan_zero_deg=47, pan_sense=1, tilt_zero_deg=0, tilt_sense=1, error_deg=0)

    found = pointed(Town(calibrations={CameraId("a:1"): mount})).pointing

    assert found.pan_deg == pytest.approx(30, abs=0.3)
    assert found.tilt_deg == pytest.approx(-math.degrees(math.atan2(4.5, 40)), abs=0.1)
    assert found.fov_deg == pytest.approx(2 * math.degrees(math.atan2(8, 40)), abs=0.2)


def test_a_camera_with_presets_is_told_the_closest_and_the_operator_too() -> None:
    presets = {CameraId("a:1"): {"Gare": 60.0, "Quai": 85.0, "Port": 250.0}}

    sighting = pointed(Town(presets=presets))

    assert sighting.pointing == Pointing(preset="Quai")
    assert "preset Quai" in words(sighting.reasons)


def test_nothing_is_said_of_how_to_turn_where_nobody_knows() -> None:
    away = {CameraId("a:1"): {"Port": 250.0}}
    mount = Calibration(pan_zero_deg=47, pan_sense=1, tilt_zero_deg=0, tilt_sense=1, error_deg=0)

    assert pointed(Town()).pointing is None
    assert pointed(Town(presets=away)).pointing is None
    # Without its height nobody knows how far down.
    low = pointed(Town(calibrations={CameraId("a:1"): mount}), height_m=None)
    assert low.pointing is None


# --- cameras that do not answer ---


def watched(dead: set[str], *cameras: Camera, shown: tuple[str, ...] = ()) -> Situation:
    return situate(
        Territory(None, cameras, settings=S), HERE, [], NOW, settings=S,
        shown=[CameraId(each) for each in shown], dead={CameraId(each) for each in dead},
    )  # fmt: skip


def test_a_dead_camera_leaves_its_tile_to_the_next_and_is_said() -> None:
    cameras = [camera(f"a:{number}", 20 + number, 72.0 * number) for number in range(6)]

    found = watched({"a:1"}, *cameras, shown=("a:0", "a:1", "a:2", "a:3"))

    tiles = [each.camera.id for each in found.sightings[:4]]
    assert tiles == ["a:0", "a:4", "a:2", "a:3"]
    assert "a:1 no longer answers" in words(found.missing)


def test_a_dead_camera_takes_no_place_among_the_best_twelve() -> None:
    cameras = [camera(f"a:{number:02}", 20 + number, 20.0 * number) for number in range(14)]
    dead = {f"a:{number:02}" for number in range(5)}

    found = watched(dead, *cameras)

    assert [each.camera.id for each in found.sightings] == [f"a:{n:02}" for n in range(5, 14)]
    assert words(found.missing)[-5:-1] == [
        "a:00 no longer answers", "a:01 no longer answers", "a:02 no longer answers",
        "2 more cameras here no longer answer",
    ]  # fmt: skip


def test_a_dead_camera_that_would_show_nothing_is_not_said() -> None:
    away = camera("a:9", 30, 10, heading_deg=190.0)

    found = watched({"a:9", "a:unknown"}, camera("a:1", 30, 10), away)

    assert [each.camera.id for each in found.sightings] == ["a:1"]
    assert not [each for each in words(found.missing) if "answer" in each]


@given(dead=st.sets(st.integers(0, 7)))
def test_to_leave_dead_cameras_out_is_to_have_only_the_others(dead: set[int]) -> None:
    cameras = [camera(f"a:{number}", 20 + 3 * number, 45.0 * number) for number in range(8)]
    living = [each for number, each in enumerate(cameras) if number not in dead]

    found = watched({f"a:{number}" for number in dead}, *cameras)

    assert {each.camera.id for each in found.sightings} == {each.id for each in living}
