"""What works with which release: the table, the page that shows it, and the simulated releases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.milestone.client import Client
from adapters.milestone.releases import (
    ALARMS,
    CAPABILITIES,
    RELEASES,
    STATE,
    offers,
    release_of,
    table,
)
from adapters.milestone.simulator.releases import RELEASES as SIMULATED
from adapters.milestone.site import Site
from hooks import CameraKind

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Start

PAGE = Path(__file__).parents[3] / "docs" / "integrators" / "milestone.md"


def test_the_page_shows_the_very_table_the_client_uses() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


def test_every_capability_names_a_release_there_is() -> None:
    assert {each.since for each in CAPABILITIES} <= set(RELEASES)
    assert [each.replace(" ", "") for each in RELEASES] == list(SIMULATED)


@pytest.mark.parametrize(
    ("version", "release"),
    [("25.1.1804.0", "2025 R1"), ("21.2", "2021 R2"), ("23.3.0.1", "2023 R3"), ("", ""),
     ("25", ""), ("unknown.1", ""), ("2025.1", "")],
)  # fmt: skip
def test_a_version_names_its_release(version: str, release: str) -> None:
    assert release_of(version) == release


def test_a_version_that_cannot_be_read_decides_nothing() -> None:
    assert offers("", ALARMS) is None


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_gives_what_it_has_and_says_what_it_has_not(
    xprotect: Start, release: str
) -> None:
    site = xprotect("--release", release.replace(" ", ""))
    client = Client(
        Site(url=site.url, username=site.ready["username"], password=site.ready["password"])
    )
    version = client.gateway.found().version

    assert release_of(version) == release
    cameras = client.cameras()
    assert len(cameras) == 12
    assert all(each.extra["address"] and each.extra["recorder"] for each in cameras)
    told = {each.kind for each in cameras}
    assert told == ({CameraKind.UNKNOWN} if release < "2024 R1" else
                    {CameraKind.PTZ, CameraKind.FIXED})  # fmt: skip
    if offers(version, ALARMS):
        [state] = client.probe([], True).findings
        assert state.well
        assert ("does not tell" in state.said.text) is (not offers(version, STATE))
    else:
        missing, state = client.probe([], True).findings
        assert str(missing.said).startswith(f"XProtect {release} takes no alarms from programs")
        assert not missing.well
        assert "does not tell" in state.said.text
    client.close()
