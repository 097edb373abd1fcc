"""Gaps: what no camera shows well enough, in metres of street."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch_gis.coverage import Surveyor
from dispatch_gis.gaps import Gaps, as_frame, gaps
from dispatch_gis.plane import Plane
from dispatch_gis.town import Town
from hooks import Camera, CameraId, CameraKind, Position

PLANE = Plane(0.0006, 45.0009)


def camera(**known: Any) -> Camera:
    """Stand at the south-west corner, able to show a man 100 m away."""
    usual: dict[str, Any] = {"kind": CameraKind.DOME, "width_px": 2000, "fov_deg": 53.13}
    place = Position(lon=0.0, lat=45.0)
    return Camera(id=CameraId("a:1"), position=place, **{**usual, **known})


def found(made: Town, *cameras: Camera, least_px_m: float = 20.0) -> Gaps:
    bare = replace(made, buildings=made.buildings[:0], heights=made.heights[:0])
    coverages = Surveyor(bare, PLANE).coverages(cameras, {})
    return gaps(bare.streets, cameras, coverages, PLANE, least_px_m=least_px_m)


def test_without_cameras_every_street_is_a_gap(made: Town) -> None:
    answer = found(made)

    assert answer.seen_m == 0
    assert sum(answer.lengths_m) == pytest.approx(answer.whole_m)


def test_what_is_seen_is_no_gap_and_nothing_is_counted_twice(made: Town) -> None:
    answer = found(made, camera())

    assert answer.seen_m + sum(answer.lengths_m) == pytest.approx(answer.whole_m, abs=10)
    assert 180 < answer.seen_m < 320


def test_a_better_class_is_seen_on_less_of_the_streets(made: Town) -> None:
    seen = [found(made, camera(), least_px_m=least).seen_m for least in (20, 40, 80, 250)]

    assert seen == sorted(seen, reverse=True)
    # 2000 px over 53.13 degrees make 40 px/m at 50 m: two streets leave from the camera's corner.
    assert seen[1] == pytest.approx(100, abs=2)


@pytest.mark.parametrize("known", [{"enabled": False}, {"kind": CameraKind.FIXED}])
def test_a_camera_one_cannot_count_on_closes_no_gap(made: Town, known: dict[str, Any]) -> None:
    assert found(made, camera(**known)).seen_m == 0


def test_gaps_are_a_layer_with_their_street_and_length(made: Town) -> None:
    frame = as_frame(found(made), "presence discerned")

    assert "Rue du Sud" in set(frame["rue"])
    assert frame["longueur_m"].max() == pytest.approx(102, abs=2)
    assert frame.crs.to_epsg() == 4326
