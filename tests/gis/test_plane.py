"""The plane: metres and bearings as the ellipsoid has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from dispatch_gis.plane import Plane, bearing_deg, turned_deg

GEOD = Geod(ellps="WGS84")


@pytest.mark.parametrize(("lon", "lat"), [(4.085, 43.56), (6.13, 46.2), (-61.5, 16.2), (55.4, -21)])
@pytest.mark.parametrize("azimuth", [0, 37, 90, 181, 300])
def test_distances_and_bearings_are_those_of_the_ellipsoid(
    lon: float, lat: float, azimuth: float
) -> None:
    there = GEOD.fwd(lon, lat, azimuth, 1000)

    east, north = Plane(lon, lat).to_metres(there[0], there[1])

    assert np.hypot(east, north) == pytest.approx(1000, abs=0.1)
    assert abs(turned_deg(azimuth, bearing_deg(east, north))) < 0.02


@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(-3000, 3000), st.floats(-3000, 3000))
def test_there_and_back_is_the_same_place(
    lon: float, lat: float, east: float, north: float
) -> None:
    plane = Plane(lon, lat)

    again = plane.to_metres(*plane.to_degrees(east, north))

    assert again == pytest.approx((east, north), abs=0.01)


def test_the_antimeridian_is_no_border() -> None:
    east, _ = Plane(179.999, 0).to_metres(-179.999, 0)

    assert east == pytest.approx(222.6, abs=0.1)


@given(st.floats(-720, 720), st.floats(-720, 720))
def test_a_turn_is_at_most_half_a_turn(start: float, end: float) -> None:
    assert -180 <= turned_deg(start, end) < 180.000001
