"""Aiming: bearings of the ground, whatever way the camera is mounted."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod

from dispatch_gis.aim import (
    MAN_M,
    Calibration,
    Sight,
    UncalibratedError,
    calibrate,
    nearest_preset,
    point,
)
from dispatch_gis.plane import turned_deg
from hooks import Position

GEOD = Geod(ellps="WGS84")
#: La Grande-Motte, where the Lambert-93 grid is turned by 0.79°.
EYE = Position(lon=4.0853, lat=43.5606)
HIGH_M = 6.0


def around(bearing: float, metres: float) -> Position:
    lon, lat, _ = GEOD.fwd(EYE.lon, EYE.lat, bearing, metres)
    return Position(lon=lon, lat=lat)


def sight(mounted: Calibration, bearing: float, metres: float, height_m: float = 0.0) -> Sight:
    """Read what a camera so mounted reads when a point is centred."""
    elevation = math.degrees(math.atan2(height_m - HIGH_M, metres))
    return Sight(
        place=around(bearing, metres),
        height_m=height_m,
        pan_deg=mounted.pan_sense * (bearing - mounted.pan_zero_deg),
        tilt_deg=mounted.tilt_sense * (elevation - mounted.tilt_zero_deg),
    )


mounts = st.builds(
    Calibration,
    pan_zero_deg=st.floats(0, 359),
    pan_sense=st.sampled_from([1, -1]),
    tilt_zero_deg=st.floats(-20, 20),
    tilt_sense=st.sampled_from([1, -1]),
    error_deg=st.just(0.0),
)


@given(mounts, st.floats(0, 359), st.floats(20, 150), st.floats(0, 359), st.floats(10, 300))
def test_two_known_points_say_how_a_camera_is_mounted(
    mounted: Calibration, first: float, apart: float, bearing: float, metres: float
) -> None:
    learnt = calibrate(
        EYE, HIGH_M, [sight(mounted, first, 30), sight(mounted, first + apart, 120, 8)]
    )
    aimed = point(EYE, HIGH_M, learnt, around(bearing, metres))

    wanted = sight(mounted, bearing, metres, MAN_M)
    assert aimed.pan_deg is not None
    assert aimed.tilt_deg is not None
    assert abs(float(turned_deg(aimed.pan_deg, wanted.pan_deg))) < 0.05
    assert abs(float(turned_deg(aimed.tilt_deg, wanted.tilt_deg))) < 0.05


def test_the_bearing_is_that_of_the_ground_not_of_the_grid() -> None:
    aimed = point(
        EYE, HIGH_M,
        Calibration(pan_zero_deg=0, pan_sense=1, tilt_zero_deg=0, tilt_sense=1, error_deg=0),
        around(77, 250),
    )  # fmt: skip

    assert aimed.pan_deg == pytest.approx(77, abs=0.02)


def test_the_field_holds_where_he_may_be() -> None:
    straight = Calibration(pan_zero_deg=0, pan_sense=1, tilt_zero_deg=0, tilt_sense=1, error_deg=0)
    sure, vague = around(0, 50), around(0, 50)
    vague = Position(lon=vague.lon, lat=vague.lat, accuracy_m=20)

    assert point(EYE, 6, straight, sure).fov_deg == pytest.approx(11.42, abs=0.05)
    assert point(EYE, 6, straight, vague).fov_deg == pytest.approx(43.6, abs=0.1)
    assert point(EYE, 6, straight, around(0, 1)).fov_deg == 60


MOUNT = Calibration(pan_zero_deg=350, pan_sense=1, tilt_zero_deg=0, tilt_sense=1, error_deg=0)


def test_one_point_or_two_side_by_side_prove_nothing() -> None:
    with pytest.raises(UncalibratedError, match="at least two"):
        calibrate(EYE, HIGH_M, [sight(MOUNT, 10, 50)])
    with pytest.raises(UncalibratedError, match="apart"):
        calibrate(EYE, HIGH_M, [sight(MOUNT, 10, 50), sight(MOUNT, 12, 90)])


def test_points_that_contradict_one_another_are_refused() -> None:
    wrong = Sight(place=around(200, 50), pan_deg=0, tilt_deg=0)

    with pytest.raises(UncalibratedError, match="disagree"):
        calibrate(EYE, HIGH_M, [sight(MOUNT, 10, 50), sight(MOUNT, 90, 50), wrong])


def test_the_preset_that_looks_closest_is_chosen() -> None:
    presets = {"gare": 350.0, "marché": 80.0, "port": 95.0}

    assert nearest_preset(presets, 5, 60) == ("gare", 15)
    assert nearest_preset(presets, 200, 60) is None
    assert nearest_preset({}, 5, 60) is None


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 359)), st.floats(0, 359), st.floats(1, 90))
def test_no_other_preset_looks_closer(
    presets: dict[str, float], bearing: float, fov: float
) -> None:
    found = nearest_preset(presets, bearing, fov)
    assume(found is not None)
    assert found is not None

    beside = [abs(float(turned_deg(bearing, axis))) for axis in presets.values()]
    assert found[1] == pytest.approx(min(beside), abs=0.01)
