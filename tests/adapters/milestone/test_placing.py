"""Places and headings written into XProtect when GIS staff ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.milestone.client import Client
from adapters.milestone.decode import camera_id, read_cameras
from adapters.milestone.placing import geography, place
from adapters.milestone.site import Site
from hooks import Camera, Position

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

GUID = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
HERE = Position(lon=4.0853, lat=43.5606)


def camera(guid: str = GUID, **known: float) -> Camera:
    return Camera(id=camera_id(guid), position=HERE, **known)  # type: ignore[arg-type]


def client_of(site: Running) -> Client:
    account = {"username": site.ready["username"], "password": site.ready["password"]}
    return Client(Site(url=site.url, **account))


@pytest.mark.parametrize("heading", [0.0, 12.5, 359.9])
def test_what_is_written_is_read_again_as_it_was(heading: float) -> None:
    body = geography(camera(heading_deg=heading, fov_deg=62.0, range_m=80.0), {})

    [again] = read_cameras([{"id": GUID, **body}])

    assert again.position is not None
    assert (again.position.lon, again.position.lat) == pytest.approx((HERE.lon, HERE.lat))
    assert again.heading_deg == pytest.approx(heading, abs=1e-4)
    assert (again.fov_deg, again.range_m) == pytest.approx((62.0, 80.0))


def test_numbers_are_written_as_the_release_writes_them() -> None:
    old = {"coverageDirection": "0.5", "coverageFieldOfView": "0", "coverageDepth": "4.57"}

    body = geography(camera(heading_deg=90.0, fov_deg=60.0, range_m=12.0), old)

    assert body["coverageDirection"] == "0.25"
    assert body["coverageDepth"] == "12"


def test_an_altitude_that_somebody_typed_in_stays_and_what_is_unknown_is_not_written() -> None:
    body = geography(camera(), {"gisPoint": "POINT (4 43 12.5)"})

    assert body == {"gisPoint": "POINT (4.08530000 43.56060000 12.5)"}


@pytest.mark.parametrize("release", ["2023R2", "2025R2"])
def test_the_site_has_it_and_what_it_refuses_is_left_out(xprotect: Start, release: str) -> None:
    site = xprotect("--release", release)
    one, two = site.ready["cameras"][:2]
    client = client_of(site)
    site.order("fail", status=403, method="PATCH", path=f"cameras/{two}")

    written = place(
        client.gateway,
        [
            camera(one, heading_deg=90.0),
            camera(two),
            camera("00000000-0000-4000-8000-000000000000"),
        ],
    )

    assert written == (camera_id(one),)
    [found] = [each for each in client.cameras() if each.id == camera_id(one)]
    assert found.position is not None
    assert (found.position.lon, found.position.lat) == pytest.approx((HERE.lon, HERE.lat))
    assert found.heading_deg == pytest.approx(90.0)
    client.close()
