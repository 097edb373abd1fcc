"""The town's layer and the VMS's inventory, held against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from dispatch_gis.reconcile import How, Pair, Reconciliation, reconcile
from hooks import Camera, CameraId, Position

GEOD = Geod(ellps="WGS84")
HERE = Position(lon=4.0853, lat=43.5606)


def at(metres: float, bearing: float = 90.0) -> Position:
    lon, lat, _ = GEOD.fwd(HERE.lon, HERE.lat, bearing, metres)
    return Position(lon=lon, lat=lat)


def camera(identifier: str, name: str = "", address: str = "", **known: Any) -> Camera:
    extra = {"address": address} if address else {}
    return Camera(id=CameraId(identifier), name=name, extra=extra, **known)


def pairs(found: Reconciliation) -> dict[tuple[str, str], How]:
    return {(each.layer.id, each.vms.id): each.how for each in found.pairs}


def fields(pair: Pair) -> list[str]:
    return [each.field for each in pair.differences]


def test_the_same_id_is_the_same_camera_whatever_else_is_said() -> None:
    ours = camera("m:1", "Gare", "10.0.0.1", position=HERE)
    theirs = camera("m:1", "Gare", "http://10.0.0.9/", position=HERE)

    found = reconcile([ours], [theirs])

    assert pairs(found) == {("m:1", "m:1"): How.ID}
    assert found.agreed


def test_without_an_id_the_address_pairs_and_the_layer_is_told_the_id() -> None:
    ours = camera("layer:12", "Gare", "10.0.0.1", position=HERE)
    theirs = camera("m:1", "GARE ", "http://10.0.0.1:8080/", position=at(100))

    [pair] = reconcile([ours], [theirs]).pairs

    assert pair.how is How.ADDRESS
    assert fields(pair) == ["vms_id", "position"]
    assert [str(each.said) for each in pair.differences] == [
        "write vms_id = m:1 in the layer", "100 m apart"
    ]  # fmt: skip


def test_channels_of_one_encoder_are_told_apart_by_their_names_or_left_to_people() -> None:
    one, two = "10.0.0.1", "10.0.0.2"
    ours = [
        camera("layer:1", "Quai nord", one), camera("layer:2", "Quai sud", one),
        camera("layer:3", "Pont", two), camera("layer:4", "Port", two),
    ]  # fmt: skip
    theirs = [
        camera("m:2", "quai SUD", one), camera("m:1", "Quai nord", one),
        camera("m:3", "Channel 1", two), camera("m:4", "Channel 2", two),
    ]  # fmt: skip

    found = reconcile(ours, theirs)

    assert pairs(found) == {("layer:1", "m:1"): How.ADDRESS, ("layer:2", "m:2"): How.ADDRESS}
    assert [each.id for each in found.layer_only] == ["layer:3", "layer:4"]
    assert [each.id for each in found.vms_only] == ["m:3", "m:4"]


def test_the_place_pairs_what_is_clearly_one_camera() -> None:
    ours = [camera("layer:1", position=HERE), camera("layer:2", position=at(100))]
    theirs = [camera("m:2", position=at(104)), camera("m:1", position=at(6, 0))]

    found = reconcile(ours, theirs)

    assert pairs(found) == {("layer:1", "m:1"): How.PLACE, ("layer:2", "m:2"): How.PLACE}


def test_two_cameras_on_one_pole_are_paired_by_name_or_by_nobody() -> None:
    theirs = [camera("m:1", "Est", position=at(3)), camera("m:2", "Ouest", position=at(3.5))]

    named = reconcile([camera("layer:1", "ouest", position=HERE)], theirs)
    unnamed = reconcile([camera("layer:1", "12", position=HERE)], theirs)

    assert pairs(named) == {("layer:1", "m:2"): How.PLACE}
    assert pairs(unnamed) == {}


def test_far_away_is_another_camera_even_of_the_same_name() -> None:
    found = reconcile(
        [camera("layer:1", "Gare", position=HERE)], [camera("m:1", "Gare", position=at(40))]
    )

    assert (len(found.pairs), found.agreed) == (0, False)


def test_what_differs_is_said_and_what_the_vms_is_to_be_told_is_the_layers() -> None:
    ours = camera("m:1", "Gare", position=HERE, heading_deg=350.0, fov_deg=60.0, range_m=80.0)
    theirs = camera("m:1", "PTZ 12", enabled=False, heading_deg=20.0)

    [pair] = reconcile([ours], [theirs]).pairs

    assert [str(each.said) for each in pair.differences] == [
        "the VMS calls it PTZ 12",
        "in service in the layer, disabled in the VMS",
        "the VMS does not know where it stands",
        "heading 350° in the layer, 20° in the VMS",
        "field of view 60° in the layer, unknown to the VMS",
    ]
    assert pair.told is not None
    assert (pair.told.id, pair.told.position, pair.told.heading_deg) == ("m:1", HERE, 350.0)
    assert (pair.told.fov_deg, pair.told.range_m) == (60.0, 80.0)


def test_the_difference_of_two_headings_is_taken_round_the_north() -> None:
    ours = camera("m:1", position=HERE, heading_deg=356.0)

    assert reconcile([ours], [replace(ours, heading_deg=4.0)]).agreed


def test_what_the_layer_does_not_say_is_no_difference() -> None:
    ours = camera("m:1", "1", position=HERE)
    theirs = camera("m:1", "Gare", position=at(2), heading_deg=90.0, fov_deg=60.0)

    [pair] = reconcile([ours], [theirs]).pairs

    assert pair.differences == ()
    assert pair.told is None


addresses = st.sampled_from(["", "10.0.0.1", "http://10.0.0.1/", "10.0.0.2", "caméra", "[bad"])
places = st.none() | st.builds(at, st.floats(0, 60), st.floats(0, 360))
names = st.sampled_from(["", "Gare", "gare", "Port", "12"])


def cameras(prefix: str) -> st.SearchStrategy[list[Camera]]:
    one = st.builds(
        lambda number, name, address, position: camera(
            f"{prefix}:{number}", name, address, position=position
        ),
        st.integers(0, 9), names, addresses, places,
    )  # fmt: skip
    return st.lists(one, max_size=8, unique_by=lambda each: each.id)


@given(cameras("m") | cameras("layer"), cameras("m"), st.randoms())
def test_each_camera_is_once_in_the_answer_whatever_the_order(
    ours: list[Camera], theirs: list[Camera], chance: Any
) -> None:
    found = reconcile(ours, theirs)
    shuffled = (chance.sample(ours, len(ours)), chance.sample(theirs, len(theirs)))

    assert sorted([*(p.layer.id for p in found.pairs), *(c.id for c in found.layer_only)]) == (
        sorted(each.id for each in ours)
    )
    assert sorted([*(p.vms.id for p in found.pairs), *(c.id for c in found.vms_only)]) == (
        sorted(each.id for each in theirs)
    )
    assert pairs(reconcile(*shuffled)) == pairs(found)
