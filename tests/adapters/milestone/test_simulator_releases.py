"""Each release of the simulated XProtect, and what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.milestone.simulator.releases import RELEASES, SINCE, Feature

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Start


def test_every_feature_says_its_first_release_and_how_sure_that_is() -> None:
    assert set(SINCE) == set(Feature)
    assert all(first in RELEASES and sure.startswith("[") for first, sure in SINCE.values())


@pytest.mark.parametrize("name", list(RELEASES))
def test_a_release_says_its_version_and_what_it_offers(xprotect: Start, name: str) -> None:
    site = xprotect("--release", name)

    [found] = site.listed("sites")
    alarms = site.rest("GET", "alarms")

    assert found["version"].startswith(f"{name[2:4]}.{name[-1]}.")
    if name < "2023R2":
        assert (alarms.status_code, site.detail(alarms)["errorText"]) == (
            404, "Unknown resource: alarms",
        )  # fmt: skip
    else:
        assert alarms.status_code == 200


@pytest.mark.parametrize(("release", "kind"), [("2023R3", str), ("2024R1", float)])
def test_numbers_of_a_camera_became_numbers(xprotect: Start, release: str, kind: type) -> None:
    [camera] = xprotect("--release", release, "--cameras", "1").listed("cameras")

    assert isinstance(camera["coverageDirection"], kind)
    assert ("ptzEnabled" in camera) is (kind is float)
