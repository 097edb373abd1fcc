"""Visible areas: those of an independent construction, on real cameras among real buildings."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry

from dispatch_gis.buildings import BRACKET_M, Buildings
from dispatch_gis.coverage import MAN_M, Coverage, Surveyor
from dispatch_gis.osm import read_town
from dispatch_gis.plane import Plane
from dispatch_gis.town import Mask, Town, geometries
from dispatch_gis.visibility import visible
from hooks import Camera, CameraId, CameraKind, Position

GENEVA = Path(__file__).parents[2] / ".." / "shared" / "data" / "geneva.osm.pbf"
PLANE = Plane(6.14, 46.2)


def peer(eye: shapely.Point, reach_m: float, walls: list[shapely.LineString]) -> BaseGeometry:
    """Take from a disc, one after the other, what lies behind each wall."""
    shadows = []
    for wall in walls:
        (ax, ay), (bx, by) = wall.coords
        near = shapely.LineString([(ax, ay), (bx, by)]).intersection(eye.buffer(reach_m))
        if near.is_empty or near.geom_type != "LineString":
            continue
        (ax, ay), (bx, by) = near.coords[0], near.coords[-1]
        far = []
        for x, y in ((bx, by), (ax, ay)):
            # Far enough for the shadow's far side to lie beyond the disc, however wide it is.
            away = math.hypot(x - eye.x, y - eye.y)
            far.append((eye.x + (x - eye.x) / away * 1e5, eye.y + (y - eye.y) / away * 1e5))
        quad = shapely.Polygon([(ax, ay), (bx, by), *far])
        if quad.area > 1e-9:
            shadows.append(shapely.make_valid(quad))
    disc = eye.buffer(reach_m, quad_segs=90)
    return disc.difference(shapely.union_all(shadows))


def iou(one: BaseGeometry, other: BaseGeometry) -> float:
    union = one.union(other).area
    return one.intersection(other).area / union if union else 1.0


def compared(town: Town, count: int) -> list[float]:
    """Compare the areas of a town's cameras with the peer's, from the same eyes."""
    west, south, east, north = town.bounds or (0, 0, 0, 0)
    plane = Plane((west + east) / 2, (south + north) / 2)
    cameras = [replace(each, kind=CameraKind.DOME, height_m=None) for each in town.cameras][:count]
    shapes = plane.metres(town.buildings)
    tree = shapely.STRtree(shapes)
    found = []
    for coverage in Surveyor(town, plane).coverages(cameras, {}).values():
        if coverage.blind:
            continue
        eye = shapely.Point(*plane.to_metres(*coverage.eye))
        walls: list[shapely.LineString] = []
        for index in tree.query(eye, predicate="dwithin", distance=coverage.reach_m):
            for ring in shapely.get_rings(shapely.get_parts(shapes[index])):
                walls += [shapely.LineString(pair) for pair in itertools.pairwise(ring.coords)]
        exact = peer(eye, coverage.reach_m, walls)
        # The peer's construction leaves the inside of houses that the eye cannot see into.
        exact = next(part for part in shapely.get_parts(exact) if part.distance(eye) < 0.01)
        found.append(iou(plane.metres(coverage.area), exact))
    return found


def test_areas_are_those_of_an_independent_construction_in_helsinki(helsinki: Town) -> None:
    found = compared(helsinki, 120)

    assert len(found) > 100
    assert np.median(found) > 0.999
    assert min(found) > 0.98


@pytest.mark.skipif(not GENEVA.exists(), reason="needs ../shared/data/geneva.osm.pbf")
def test_areas_are_those_of_an_independent_construction_in_geneva() -> None:
    found = compared(read_town(GENEVA), 150)

    assert len(found) > 140
    assert np.median(found) > 0.999
    assert min(found) > 0.98


def wall(ax: float, ay: float, bx: float, by: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[ax, ay, bx, by]], dtype=np.float64)


def test_without_walls_the_whole_disc_or_sector_is_seen() -> None:
    nothing = np.empty((0, 4))

    assert visible(nothing, 100).area == pytest.approx(math.pi * 1e4, rel=1e-4)
    quarter = visible(nothing, 100, towards=1.0, fov=math.pi / 2)
    assert quarter.area == pytest.approx(math.pi * 1e4 / 4, rel=1e-3)


def test_what_is_behind_a_wall_is_not_seen() -> None:
    seen = visible(wall(10, -5, 10, 5), 50)

    assert seen.contains(shapely.Point(9.9, 0))
    assert not seen.intersects(shapely.Point(10.1, 0))
    assert seen.contains(shapely.Point(20, 10.5))
    assert not seen.intersects(shapely.Point(20, 9.5))


walls = st.lists(
    st.tuples(*[st.floats(-60, 60).filter(lambda v: abs(v) > 0.5)] * 4), max_size=12
).map(lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 4))


def clear(rows: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Leave out the walls that pass through the eye, or through one another."""
    kept: list[Any] = []
    eye = shapely.Point(0, 0)
    for row in rows:
        line = shapely.LineString(row.reshape(2, 2))
        others = [shapely.LineString(other.reshape(2, 2)) for other in kept]
        if line.distance(eye) > 0.1 and not any(line.intersects(other) for other in others):
            kept.append(row)
    return np.array(kept, dtype=np.float64).reshape(-1, 4)


@settings(max_examples=150)
@given(walls, st.floats(-10, 10))
def test_turning_the_world_turns_what_is_seen(rows: Any, angle: float) -> None:
    rows = clear(rows)
    turned = np.array(
        [
            rotate(shapely.LineString(row.reshape(2, 2)), angle, (0, 0), use_radians=True).coords
            for row in rows
        ]
    ).reshape(-1, 4)

    assert visible(turned, 50).area == pytest.approx(visible(rows, 50).area, rel=1e-3, abs=0.5)


@settings(max_examples=150)
@given(walls, walls)
def test_another_wall_never_shows_more(rows: Any, more: Any) -> None:
    rows = clear(rows)
    fewer = visible(rows, 50)
    seen = visible(clear(np.vstack([rows, more])), 50)

    assert shapely.make_valid(seen).difference(shapely.make_valid(fewer)).area < 0.1
    assert seen.area <= math.pi * 2500


@settings(max_examples=60)
@given(walls, st.floats(0, 6.28), st.floats(0.2, 6))
def test_a_sector_is_that_part_of_the_whole(rows: Any, towards: float, fov: float) -> None:
    rows = clear(rows)
    whole = shapely.make_valid(visible(rows, 50))
    part = shapely.make_valid(visible(rows, 50, towards=towards, fov=fov))

    assert part.difference(whole).area < 0.2


# --- one camera among made buildings, metres around PLANE's centre ---


def place(x: float, y: float) -> Position:
    lon, lat = PLANE.to_degrees(x, y)
    return Position(lon=float(lon), lat=float(lat))


def camera(x: float = 0, y: float = 0, **known: Any) -> Camera:
    usual: dict[str, Any] = {"kind": CameraKind.DOME, "range_m": 60.0, "position": place(x, y)}
    return Camera(id=CameraId("a:1"), **{**usual, **known})


def houses(*boxes: tuple[float, float, float, float], heights: list[float] | None = None) -> Town:
    shapes = [PLANE.degrees(shapely.box(*box)) for box in boxes]
    tall = np.array(heights if heights is not None else [math.nan] * len(boxes))
    return Town(buildings=geometries(shapes), heights=tall)


def surveyed(town: Town, one: Camera, **rest: Any) -> Coverage:
    return Surveyor(town, PLANE, **rest).coverages([one], {})[one.id]


def shows(coverage: Coverage, x: float, y: float) -> bool:
    return bool(shapely.intersects_xy(PLANE.metres(coverage.area), x, y))


def test_a_camera_drawn_inside_its_building_is_brought_to_the_facade_and_flagged() -> None:
    found = surveyed(houses((-20, -6, 20, 4)), camera())

    assert found.uncertain
    assert found.moved_m == pytest.approx(4 + BRACKET_M, abs=0.01)
    assert shows(found, 0, 20)
    assert not shows(found, 0, -10)


def test_it_is_brought_to_the_facade_it_looks_from() -> None:
    looks_south = camera(kind=CameraKind.FIXED, heading_deg=180.0, fov_deg=90.0)

    found = surveyed(houses((-20, -6, 20, 4)), looks_south)

    assert found.moved_m == pytest.approx(6 + BRACKET_M, abs=0.01)
    assert shows(found, 0, -20)


def test_touching_houses_are_one_block() -> None:
    row = [(x, -6.0, x + 10.05, 5.0) for x in range(-40, 40, 10)]

    found = surveyed(houses(*row), camera(x=5, y=0))

    assert found.moved_m == pytest.approx(5 + BRACKET_M, abs=0.01)


def test_a_light_well_is_no_facade() -> None:
    block = shapely.box(-30, -30, 30, 30).difference(shapely.box(2, -2, 6, 2))
    town = Town(buildings=geometries([PLANE.degrees(block)]))

    assert surveyed(town, camera()).moved_m > 29


def test_a_camera_drawn_before_a_wall_is_never_silently_blind() -> None:
    facing = camera(kind=CameraKind.FIXED, heading_deg=0.0, fov_deg=60.0)

    found = surveyed(houses((-20, 0.5, 20, 30)), facing)

    assert found.blind
    assert found.uncertain
    assert shows(found, 0, 40)


def test_a_camera_outside_is_not_moved() -> None:
    found = surveyed(houses((10, -5, 20, 5)), camera())

    assert (found.moved_m, found.uncertain) == (0, False)


def test_a_camera_sees_over_a_low_wall_what_its_shadow_leaves() -> None:
    low = houses((10, -5, 11, 5), heights=[2.0])

    found = surveyed(low, camera(height_m=6.0))

    # Over a top of 2 m at 11 m, from 6 m, the line comes down to 1.5 m at 11 x 4.5 / 4 m.
    edge = 11 * (6 - MAN_M) / (6 - 2)
    assert not shows(found, edge - 0.1, 0)
    assert shows(found, edge + 0.1, 0)
    assert not shows(found, 10.5, 0)


@pytest.mark.parametrize(("eye_m", "top_m"), [(None, 2.0), (6.0, math.nan), (6.0, 6.0), (3.0, 9.0)])
def test_a_building_taller_or_of_unknown_height_hides_all_behind_it(
    eye_m: float | None, top_m: float
) -> None:
    found = surveyed(houses((10, -5, 11, 5), heights=[top_m]), camera(height_m=eye_m))

    assert not shows(found, 20, 0)
    assert not shows(found, 59, 0)


def test_a_camera_on_a_roof_stays_there_and_sees_beyond_the_edge() -> None:
    found = surveyed(houses((-5, -5, 5, 5), heights=[10.0]), camera(height_m=12.0))

    assert found.moved_m == 0
    assert not shows(found, 6, 0)
    assert shows(found, 5 * (12 - MAN_M) / 2 + 0.2, 0)


def test_l251_3_what_is_masked_is_not_shown_however_the_camera_turns() -> None:
    home = PLANE.degrees(shapely.box(20, -5, 40, 5))
    masked = Town(masks=(Mask(area=home, reason="habitation"),))
    other = Town(masks=(Mask(area=home, camera=CameraId("a:2")),))

    assert not shows(surveyed(masked, camera()), 30, 0)
    assert shows(surveyed(masked, camera()), 45, 0)
    assert shows(surveyed(other, camera()), 30, 0)


def test_what_was_drawn_by_hand_is_taken_as_it_is() -> None:
    drawn = PLANE.degrees(shapely.box(0, 0, 5, 5))
    town = replace(houses((1, 1, 2, 2)), corrections={CameraId("a:1"): drawn})

    found = surveyed(town, camera())

    assert found.corrected
    assert found.area.equals(drawn)


def test_the_reach_is_that_of_the_standard_s_edition() -> None:
    plain = camera(range_m=None, fov_deg=60.0, width_px=1920)
    at_a_metre = 1920 / (2 * math.tan(math.radians(30)))

    assert surveyed(Town(), plain).reach_m == pytest.approx(at_a_metre / 20)
    assert surveyed(Town(), plain, edition=2014).reach_m == pytest.approx(at_a_metre / 12.5)


def test_only_what_changed_is_computed_again() -> None:
    town = houses((10, -5, 20, 5), (500, 500, 510, 510))
    cameras = [camera(), replace(camera(480, 500), id=CameraId("a:2"))]
    before = Surveyor(town, PLANE).coverages(cameras, {})

    raised = houses((10, -5, 20, 5), (500, 500, 510, 512))
    after = Surveyor(raised, PLANE).coverages(cameras, before)
    turned = Surveyor(town, PLANE).coverages(
        [replace(cameras[0], kind=CameraKind.FIXED, heading_deg=10.0), cameras[1]], before
    )

    assert after[CameraId("a:1")] is before[CameraId("a:1")]
    assert after[CameraId("a:2")] is not before[CameraId("a:2")]
    assert turned[CameraId("a:1")] is not before[CameraId("a:1")]
    assert turned[CameraId("a:2")] is before[CameraId("a:2")]


def test_nothing_but_polygons_is_a_building() -> None:
    mixed = geometries([shapely.Point(0, 0), shapely.Polygon(), shapely.box(5, 5, 6, 6)])

    assert len(Buildings(mixed, np.array([1.0, 2.0, 0.0]), PLANE)) == 1
