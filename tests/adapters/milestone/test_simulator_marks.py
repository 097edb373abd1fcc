"""The simulated bookmarks and evidence locks, seen by a foreign client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

MISSING = "00000000-0000-4000-8000-000000000000"


def path(camera: str) -> dict[str, str]:
    return {"type": "cameras", "id": camera}


def mark(site: Running, **changes: object) -> httpx.Response:
    body = {
        "header": "PM-214", "description": "Alerte", "devicePath": path(site.ready["cameras"][0]),
        "timeBegin": "2026-11-20T12:00:00Z", "timeEnd": "2026-11-20T12:05:00.1234567Z", **changes,
    }  # fmt: skip
    return site.rest("POST", "bookmarks", json=body)


def lock(site: Running, **changes: object) -> httpx.Response:
    body = {
        "header": "PM-214", "devicePaths": [path(each) for each in site.ready["cameras"][:2]],
        "startTime": "2026-11-20T12:00:00Z", "endTime": "2026-11-20T12:05:00Z", **changes,
    }  # fmt: skip
    return site.rest("POST", "evidenceLocks", json=body)


def test_a_bookmark_is_made_read_changed_and_deleted(xprotect: Start) -> None:
    site = xprotect()

    made = mark(site).json()["result"]
    path = f"bookmarks/{made['id']}"
    changed = site.rest("PATCH", path, json={"timeEnd": "2026-11-20T12:10:00+01:00"})
    right = site.rest("PATCH", path, json={"timeEnd": "2026-11-20T13:10:00+01:00"})

    assert site.detail(changed)["propertyName"] == "timeEnd"
    assert right.json()["data"]["timeEnd"] == "2026-11-20T13:10:00+01:00"
    assert site.rest("GET", path).json()["data"]["header"] == "PM-214"
    assert site.rest("DELETE", path).status_code == 200
    assert site.rest("GET", path).status_code == 404


@pytest.mark.parametrize("kind", ["bookmarks", "evidenceLocks"])
def test_nobody_lists_marks_with_a_get(xprotect: Start, kind: str) -> None:
    site = xprotect()

    answer = site.rest("GET", kind)

    assert (answer.status_code, site.detail(answer)["errorText"]) == (
        400, "Bad request: Unknown request",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"time": "2026-11-20T11:59:00Z", "timeSpanAfter": 120}, 1),
        ({"time": "2026-11-20T12:30:00Z", "timeSpanBefore": 600}, 0),
        ({"time": "2026-11-20T12:01:00Z", "deviceIds": [MISSING]}, 0),
        ({"time": "2026-11-20T12:01:00Z", "searchText": "pm-214"}, 1),
    ],
)
def test_bookmarks_are_searched_around_a_moment(
    xprotect: Start, search: dict[str, Any], found: int
) -> None:
    site = xprotect()
    mark(site)

    answer = site.rest("POST", "bookmarks?task=searchTime", json=search)

    assert len(answer.json()["array"]) == found


@pytest.mark.parametrize("span", ["timeSpanBefore", "timeSpanAfter"])
def test_a_search_through_more_time_than_there_is_is_refused(xprotect: Start, span: str) -> None:
    search = {"time": "2026-11-20T12:01:00Z", span: 1e15}

    assert xprotect().rest("POST", "bookmarks?task=searchTime", json=search).status_code == 400


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"timeBegin": "2026-11-20T12:00:00"}, "timeBegin"),
        ({"timeEnd": "2026-11-20T11:00:00Z"}, "timeEnd"),
        ({"devicePath": path(MISSING)}, "devicePath"),
        ({"devicePath": MISSING}, "devicePath"),
        ({"timeTrigged": "2026-11-20T12:00:00Z"}, "timeTrigged"),
        ({"cameraId": MISSING}, "cameraId"),
        ({"header": 12}, "header"),
    ],
)
def test_a_bookmark_that_does_not_fit_is_refused_by_its_property(
    xprotect: Start, changes: dict[str, object], name: str
) -> None:
    site = xprotect()

    answer = mark(site, **changes)

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)


@pytest.mark.parametrize(
    ("edition", "bookmark", "locked"),
    [("Corporate", 201, 201), ("Expert", 201, 403), ("Essential+", 403, 403)],
)
def test_editions_decide_who_marks_and_who_locks(
    xprotect: Start, edition: str, bookmark: int, locked: int
) -> None:
    site = xprotect("--edition", edition)

    assert (mark(site).status_code, lock(site).status_code) == (bookmark, locked)


def test_a_bookmark_reads_as_the_makers_page_shows_it(xprotect: Start) -> None:
    site = xprotect()
    [camera, *_] = site.ready["cameras"]

    read = site.rest("GET", f"bookmarks/{mark(site).json()['result']['id']}").json()["data"]

    assert read["devicePath"] == path(camera)
    assert read["timeTriggered"] == read["timeBegin"]
    assert read["user"] == site.ready["username"]
    assert {"deviceName", "reference", "relations"} <= set(read)


def test_a_device_named_by_its_id_alone_is_understood(xprotect: Start) -> None:
    """Some read `deviceId` in the documentation."""
    site = xprotect()
    [camera, *_] = site.ready["cameras"]
    body = {"header": "PM-214", "timeBegin": "2026-11-20T12:00:00Z", "deviceId": camera,
            "timeEnd": "2026-11-20T12:05:00Z"}  # fmt: skip

    made = site.rest("POST", "bookmarks", json=body).json()["result"]

    assert made["devicePath"] == path(camera)
    assert "deviceId" not in made


def test_a_lock_reads_as_the_makers_page_shows_it(xprotect: Start) -> None:
    site = xprotect()

    read = site.rest("GET", f"evidenceLocks/{lock(site).json()['result']['id']}").json()["data"]

    assert read["devicePaths"] == [path(each) for each in site.ready["cameras"][:2]]
    assert read["retentionOption"] == {"retentionUnits": -1, "retentionType": "Indefinite"}
    assert read["retentionExpire"] == "9999-12-31T22:59:59.9999999Z"
    assert {"startTime", "tagTime", "endTime", "created", "lastModified", "user"} <= set(read)
    site.clock.now += 60
    changed = site.rest("PATCH", f"evidenceLocks/{read['id']}", json={"header": "PM-215"})
    assert changed.json()["data"]["lastModified"] > read["lastModified"] == read["created"]


def test_marks_came_with_2024_r2(xprotect: Start) -> None:
    site = xprotect("--release", "2024R1")

    assert (mark(site).status_code, lock(site).status_code) == (404, 404)


def test_a_lock_says_how_long_it_keeps(xprotect: Start) -> None:
    site = xprotect()
    kept = {"retentionType": "Months", "retentionUnits": 1}

    made = lock(site, retentionOption=kept)
    wrong = lock(site, retentionOption={"retentionType": "Forever"})

    assert made.json()["result"]["retentionOption"] == kept
    assert made.json()["result"]["retentionExpire"] == "2026-12-20T12:05:00+00:00"
    assert site.detail(wrong)["propertyName"] == "retentionOption"


def test_a_new_reference_starts_rules_and_keeps_nothing(xprotect: Start) -> None:
    site = xprotect()
    body = {"devicePath": path(site.ready["cameras"][0]), "timeBegin": "2026-11-20T12:00:00Z"}

    answer = site.rest("POST", "bookmarks?task=newReference", json=body)

    assert answer.json()["result"]["reference"] == "no.000001"
    assert site.listed("events")[0]["source"] == f"cameras/{site.ready['cameras'][0]}"
