"""The town as the engine asks for it: no VMS nor fault of it hides an alert."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import wait
from datetime import UTC, datetime

import pytest

from hooks import (
    Camera,
    CameraId,
    Message,
    Position,
    hookimpl,
)
from tests.host.acted import INCIDENT, Vms
from vms_plugin.adapters import Adapters
from vms_plugin.atlas import Atlas
from vms_plugin.incident import Incident
from vms_plugin.settings import Settings


def test_a_vms_that_hangs_over_its_inventory_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vms_plugin.atlas.CALL_S", 0.2)
    monkeypatch.setattr("vms_plugin.atlas.INVENTORY_S", 0.1)
    let_go = threading.Event()

    class Prompt(Vms):
        @hookimpl
        def list_cameras(self) -> Iterable[Camera]:
            return [Camera(id=CameraId("prompt:1"), position=Position(lon=4, lat=43))]

    class Hangs(Vms):
        @hookimpl
        def list_cameras(self) -> Iterable[Camera]:
            let_go.wait(10)
            return ()

    prompt, hangs = Prompt(), Hangs()
    prompt.name, hangs.name = "prompt", "hangs"
    adapters = Adapters()
    adapters.load({"hangs": hangs, "prompt": prompt}, {})
    atlas = Atlas(Settings())

    changed = any(atlas.ask_vms(adapters) for _ in range(20))  # on a busy machine it comes later
    before = atlas.cameras()
    changed_again = atlas.ask_vms(adapters)

    assert (changed, changed_again) == (True, False)
    assert atlas.cameras() is before  # the same answer builds no other town
    assert [camera.id for camera in atlas.cameras()] == ["prompt:1"]
    assert "no answer to list_cameras" in str(adapters["hangs"].failures["list_cameras"].why)
    let_go.set()


def test_an_inventory_that_comes_the_moment_it_is_said_late_is_not_said_late_for_ten_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vms_plugin.atlas.CALL_S", 0.01)
    asked = threading.Event()

    class Slow(Vms):
        @hookimpl
        def list_cameras(self) -> Iterable[Camera]:
            asked.wait(10)
            return ()

    class Noting(Adapters):
        def fail(self, name: str, hook: str, why: Message) -> None:
            """Be overtaken by the answer on the way to the note."""
            asked.set()
            wait(list(atlas._asked.values()))
            super().fail(name, hook, why)

    adapters, atlas = Noting(), Atlas(Settings())
    adapters.load({"vms": Slow()}, {})
    atlas.ask_vms(adapters)

    assert not adapters["vms"].failures


def test_the_geography_failing_hides_no_alert() -> None:
    atlas = Atlas(Settings())
    atlas.load()
    atlas._territory = None  # as while it is loaded

    waiting = atlas.situate(Incident(id=INCIDENT), None, [], datetime.now(UTC), None)
    atlas._territory = object()  # type: ignore[assignment]
    place = Position(lon=4, lat=43)
    failing = atlas.situate(Incident(id=INCIDENT), place, [], datetime.now(UTC), None)

    assert [str(each) for each in waiting.missing] == ["the territory is being loaded"]
    assert "choose cameras and crews by hand" in str(failing.missing[0])
