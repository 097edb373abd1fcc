"""Bookmarks and evidence locks: on the town's cameras shown, never on a body-worn device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.milestone import bookmarks
from adapters.milestone.api import Api, Row
from adapters.milestone.bookmarks import Bookmarks
from adapters.milestone.gateway import DeclinedError
from adapters.milestone.ladder import Scene
from hooks import Refused
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import SERIAL, adapter_on, closed, seen_by


@pytest.fixture
def site(xprotect: Start) -> Running:
    return xprotect("--bodyworn", f"{SERIAL}=PM-214")


def kept(site: Running, kind: str = "bookmarks") -> list[dict[str, Any]]:
    return [dict(each.fields) for each in site.simulator.site.shelf.of(kind)]


def locked(lock: dict[str, Any]) -> list[str]:
    return [each["id"] for each in lock["devicePaths"]]


def test_each_camera_shown_is_marked_from_before_the_press(site: Running) -> None:
    cameras = site.ready["cameras"]

    adapter_on(site).show(seen_by(cameras[:6]), None, False)

    assert [each["devicePath"]["id"] for each in kept(site)] == cameras[:4]
    assert {each["timeBegin"] for each in kept(site)} == {"2026-11-23T01:29:30.000000Z"}
    assert {each["timeTriggered"] for each in kept(site)} == {"2026-11-23T01:30:00.000000Z"}
    assert {each["header"] for each in kept(site)} == {"AGENT EN DANGER : PM-214, quai d'Honneur"}


def test_a_camera_that_comes_later_is_marked_too_and_none_twice(site: Running) -> None:
    adapter, (one, two, *_) = adapter_on(site), site.ready["cameras"]
    receipt = adapter.show(seen_by([one]), None, False)

    receipt = adapter.show(seen_by([two, one], version=2), receipt, True)
    adapter.show(seen_by([one], version=3), receipt, True)

    assert [each["devicePath"]["id"] for each in kept(site)] == [one, two]


def test_the_marks_end_with_the_activation(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:2])
    receipt = adapter.show(picture, None, False)
    ended = replace(picture, ended_at=picture.opened_at.replace(minute=42))

    adapter.withdraw(closed(ended), receipt, True)

    assert {each["timeEnd"] for each in kept(site)} == {"2026-11-23T01:42:00.000000Z"}


def test_r241_13_nothing_of_a_body_worn_device_is_marked_or_locked(site: Running) -> None:
    worn, one = site.ready["bodyworn"][SERIAL], site.ready["cameras"][0]
    adapter = adapter_on(site, evidence_lock_days=8)
    picture = seen_by([worn, one])

    receipt = adapter.show(picture, None, False)
    adapter.withdraw(closed(picture), receipt, True)

    assert [each["devicePath"]["id"] for each in kept(site)] == [one]
    assert [locked(each) for each in kept(site, "evidenceLocks")] == [[one]]


def test_r241_13_nor_of_the_devices_of_other_officers(site: Running) -> None:
    worn, one = site.ready["bodyworn"][SERIAL], site.ready["cameras"][0]
    adapter = adapter_on(site, devices={}, slots={"PM-999": worn})

    adapter.show(seen_by([worn, one]), None, False)

    assert [each["devicePath"]["id"] for each in kept(site)] == [one]


def test_evidence_is_locked_when_asked_for_and_for_so_many_days(site: Running) -> None:
    one, two, *_ = site.ready["cameras"]
    adapter, picture = adapter_on(site, evidence_lock_days=20), seen_by([one, two])

    receipt = adapter.show(picture, None, False)
    assert kept(site, "evidenceLocks") == []
    adapter.withdraw(closed(picture), receipt, True)

    [lock] = kept(site, "evidenceLocks")
    assert locked(lock) == sorted([one, two])
    assert lock["retentionOption"] == {"retentionType": "Days", "retentionUnits": 20}


def test_nothing_is_locked_unless_asked_for(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])

    adapter.withdraw(closed(picture), adapter.show(picture, None, False), True)

    assert kept(site, "evidenceLocks") == []


def test_a_lost_reply_makes_no_second_bookmark(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])
    now = [0.0]
    adapter._desk.ladder._clock = lambda: now[0]
    site.order("fail", status=0, method="POST", path="bookmarks", after=True)

    receipt = adapter.show(picture, None, False)
    now[0] = 2.0
    later = adapter.show(picture, receipt, True)

    assert receipt.missing is not None
    assert later.missing is None
    assert len(kept(site)) == 1


def test_a_crash_makes_no_second_bookmark(site: Running) -> None:
    picture = seen_by(site.ready["cameras"][:2])
    adapter_on(site).show(picture, None, False)

    adapter_on(site).show(picture, None, True)

    assert len(kept(site)) == 2


def test_a_bookmark_deleted_by_an_operator_is_not_missed(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])
    receipt = adapter.show(picture, None, False)
    [mark] = site.simulator.site.shelf.of("bookmarks")
    site.simulator.site.shelf.drop(mark)

    adapter.withdraw(closed(picture), receipt, True)

    assert kept(site) == []


def test_an_old_release_or_a_small_edition_is_left_alone(xprotect: Start) -> None:
    old = xprotect("--release", "2023R3")
    adapter, picture = adapter_on(old), seen_by(old.ready["cameras"][:1])

    receipt = adapter.show(picture, None, False)
    adapter.show(replace(picture, version=2), receipt, True)

    assert receipt.missing is None
    asked = [path for path in old.simulator.site.requests if "bookmarks" in path]
    assert sum(old.simulator.site.requests[each] for each in asked) <= 1
    [found] = [each for each in adapter.probe().findings if each.subject == "bookmarks"]
    assert "2024 R2" in str(found.said)


def test_they_can_be_switched_off(site: Running) -> None:
    adapter_on(site, bookmarks="no").show(seen_by(site.ready["cameras"][:1]), None, False)

    assert kept(site) == []


def test_a_lock_is_bounded_by_the_retention() -> None:
    picture = seen_by(["g"])

    lock = bookmarks.lock(picture, ["b", "a"], picture.opened_at.replace(hour=2), 31)

    assert lock["startTime"] < lock["tagTime"] < lock["endTime"]
    assert locked(lock) == ["a", "b"]


class Elsewhere(Api):
    """A site of another hand: it names a bookmark by its relations, and searches otherwise."""

    def __init__(self, *, changes: tuple[str, ...] = ("timeEnd",), listed: str = "") -> None:
        self.made: list[dict[str, Any]] = []
        self._listed = listed  # under which name it lists what it finds
        self.changed: list[dict[str, Any]] = []
        self._changes = changes

    def ask(self, method: str, path: str, body: Row | None = None) -> Row:
        assert method == "POST"
        assert body is not None
        if "?task=" in path and self._listed:
            mark = {"description": "[renfort:axis:s1]"}
            return {
                self._listed: [
                    {**mark, "id": f"b{camera}", "devicePath": {"type": "cameras", "id": camera}}
                    for camera in ("C9", "C1")  # it passes over deviceIds
                ]
            }
        if "?task=" in path:
            raise DeclinedError(400, Refused("unknown field deviceIds"))
        self.made.append(body)
        relations = {"self": {"type": "bookmarks", "id": f"b{len(self.made)}"}}
        return {"data": {**body, "relations": relations}}

    def change(self, path: str, body: Row) -> None:
        if tuple(body) != self._changes:
            raise DeclinedError(400, Refused("not these"))
        self.changed.append({"path": path, **body})


def scene(**changes: Any) -> Scene:
    return Scene(seen_by(["c1"]), "", "c1", frozenset(), **changes)


def test_a_site_that_searches_otherwise_has_its_bookmark_all_the_same() -> None:
    site = Elsewhere()

    part = Bookmarks(site).show(scene(search=True), {})

    assert part == {"made": {"c1": "b1"}}
    assert "search" in str(Bookmarks(site).examine().said)


@pytest.mark.parametrize("changes", [("timeEnd",), ("timeEnd", "devicePath")])
def test_a_mark_is_ended_on_either_edition_of_the_makers_page(changes: tuple[str, ...]) -> None:
    site = Elsewhere(changes=changes)
    rung = Bookmarks(site)

    rung.withdraw(scene(), rung.show(scene(), {}))

    assert [each["path"] for each in site.changed] == ["bookmarks/b1"]


@pytest.mark.parametrize("listed", ["array", "result", "bookmarks"])
def test_a_bookmark_is_found_under_whatever_name_it_is_listed(listed: str) -> None:
    site = Elsewhere(listed=listed)

    part = Bookmarks(site).show(scene(search=True), {})

    assert (part, site.made) == ({"made": {"c1": "bC1"}}, [])
