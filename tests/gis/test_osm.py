"""Towns from OpenStreetMap: who may take which street, at what speed; clipped ways included."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch_gis.osm import read_town
from dispatch_gis.osm_rights import rights as _rights
from dispatch_gis.town import Town
from hooks import CameraKind


def test_a_town_is_cut_at_its_junctions(made: Town) -> None:
    ends = {(street.start, street.end) for street in made.streets}

    assert ends == {(1, 2), (2, 3), (4, 3), (1, 4), (4, 5)}
    assert len(made.buildings) == 1


def test_a_clipped_way_keeps_the_part_that_is_there(made: Town) -> None:
    assert [street.foot for street in made.streets if street.kind == "footway"] == [True]


def test_cameras_come_with_their_heading_and_number_plate_readers_do_not(made: Town) -> None:
    [camera] = made.cameras

    assert (camera.id, camera.heading_deg, camera.height_m) == ("osm:20", 45, 4)
    assert camera.kind is CameraKind.FIXED


def test_bounds_are_those_of_the_streets(made: Town) -> None:
    assert made.bounds == (0.0, 45.0, 0.0013, 45.0018)


@pytest.mark.parametrize(
    ("tags", "car", "bike", "foot"),
    [
        ({}, (True, True), (True, True), True),
        ({"oneway": "yes"}, (True, False), (True, False), True),
        ({"oneway": "-1"}, (False, True), (False, True), True),
        ({"oneway": "yes", "oneway:bicycle": "no"}, (True, False), (True, True), True),
        ({"oneway": "yes", "cycleway": "opposite_lane"}, (True, False), (True, True), True),
        ({"junction": "roundabout"}, (True, False), (True, False), True),
        ({"motor_vehicle": "no"}, (False, False), (True, True), True),
        ({"highway": "motorway"}, (True, False), (False, False), False),
        ({"highway": "footway"}, (False, False), (False, False), True),
        ({"highway": "footway", "bicycle": "yes"}, (False, False), (True, True), True),
        ({"highway": "steps"}, (False, False), (False, False), True),
        ({"highway": "pedestrian"}, (False, False), (True, True), True),
    ],
)
def test_who_may_take_a_street(
    tags: dict[str, str], car: tuple[bool, bool], bike: tuple[bool, bool], foot: bool
) -> None:
    rights = _rights({"highway": "residential", **tags})

    assert rights is not None
    assert (rights.car, rights.bike, rights.foot) == (car, bike, foot)


def test_a_private_street_is_nobodys() -> None:
    assert _rights({"highway": "service", "access": "private"}) is None


@pytest.mark.parametrize(
    ("posted", "kmh"),
    [("50", 50), ("30 mph", 48.28), ("FR:urban", 50), ("FR:zone30", 30), ("signals", 30),
     ("walk", 6), ("0", 30), ("", 30)],
)  # fmt: skip
def test_speeds_are_read_as_they_are_posted(posted: str, kmh: float) -> None:
    rights = _rights({"highway": "residential", "maxspeed": posted})

    assert rights is not None
    assert rights.car_kmh == pytest.approx(kmh, abs=0.01)


def test_a_file_that_is_no_extract_is_refused(tmp_path: Path) -> None:
    (tmp_path / "town.osm.pbf").write_bytes(b"not an extract")

    with pytest.raises(RuntimeError):
        read_town(tmp_path / "town.osm.pbf")


def test_a_real_town_is_read(helsinki: Town) -> None:
    assert len(helsinki.streets) > 4000
    assert len(helsinki.cameras) == 221
    assert len(helsinki.buildings) > 400
