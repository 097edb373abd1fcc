"""What is written and run through the simulated Configuration REST, by a foreign client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Start

MISSING = "00000000-0000-4000-8000-000000000000"


def test_a_user_defined_event_is_created_read_renamed_and_deleted(xprotect: Start) -> None:
    site = xprotect()

    created = site.rest("POST", "userDefinedEvents", json={"name": "Appui"})
    path = f"userDefinedEvents/{created.json()['result']['id']}"
    renamed = site.rest("PUT", path, json={"name": "Appui nord"})
    read = site.rest("GET", path)
    deleted = site.rest("DELETE", path)

    codes = [each.status_code for each in (created, renamed, read, deleted)]
    assert codes == [201, 200, 200, 200]
    assert read.json()["data"]["name"] == "Appui nord"
    assert site.rest("GET", path).status_code == 404
    assert site.rest("DELETE", path).status_code == 404
    assert site.rest("PATCH", path, json={"name": "x"}).status_code == 404


def test_user_defined_events_answer_the_switches_as_every_resource_does(xprotect: Start) -> None:
    """The maker's sample lists the tasks of any resource by `?tasks&noData`."""
    site = xprotect()
    [first, *_] = site.listed("userDefinedEvents")
    one = f"userDefinedEvents/{first['id']}"

    assert site.rest("GET", "userDefinedEvents?tasks&noData").json() == {"tasks": []}
    assert site.rest("GET", "userDefinedEvents?definitions&noData").json() == {
        "definitions": [{"name": "name"}]
    }
    assert site.rest("GET", f"{one}?tasks").json() == {"data": first, "tasks": []}
    assert site.rest("GET", f"{one}?unheard-of").status_code == 400


def test_a_user_defined_event_may_be_sent_back_as_it_was_read_and_says_when(
    xprotect: Start,
) -> None:
    site = xprotect()
    made = site.rest("POST", "userDefinedEvents", json={"name": "Appui"}).json()["result"]
    path = f"userDefinedEvents/{made['id']}"
    site.clock.now += 1

    changed = site.rest("PUT", path, json={**made, "name": "Appui nord"}).json()["data"]

    assert changed["name"] == changed["displayName"] == "Appui nord"
    assert changed["subtype"] == "UserDefined"
    assert made["lastModified"] < changed["lastModified"]


@pytest.mark.parametrize(
    ("body", "name"), [({}, "name"), ({"name": " "}, "name"), ({"name": "x", "hue": 1}, "hue")]
)
def test_a_user_defined_event_is_refused_by_the_property_at_fault(
    xprotect: Start, body: dict[str, object], name: str
) -> None:
    site = xprotect()

    answer = site.rest("POST", "userDefinedEvents", json=body)

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)


def test_the_three_events_that_come_with_the_server_stay(xprotect: Start) -> None:
    site = xprotect()
    system = [each for each in site.listed("userDefinedEvents") if each["subtype"] == "System"]

    answers = [site.rest("DELETE", f"userDefinedEvents/{each['id']}") for each in system]

    assert [answer.status_code for answer in answers] == [400, 400, 400]


def test_user_defined_events_are_filtered_and_are_event_types(xprotect: Start) -> None:
    site = xprotect()

    [event] = site.listed("userDefinedEvents?name=equals:'Renfort'")

    assert site.rest("GET", f"eventTypes/{event['id']}").json()["data"]["displayName"] == "Renfort"
    assert site.rest("GET", "userDefinedEvents?hue=equals:'x'").status_code == 400


def test_a_task_runs_is_polled_and_is_cleaned_up(xprotect: Start) -> None:
    site = xprotect("--cameras", "2")
    presets = f"cameras/{site.ready['cameras'][1]}/ptzPresets"
    offered = site.rest("GET", f"{presets}?tasks&noData").json()

    answer = site.rest("POST", f"{presets}?task=GetDevicePresets", json={"sessionDataId": 0})
    task = f"tasks/{answer.json()['result']['path']['id']}"
    before = site.rest("GET", task).json()["data"]["state"]
    site.clock.now += 1
    after = site.rest("GET", task).json()["data"]["state"]
    cleaned = site.rest("POST", f"{task}?task=TaskCleanup", content="{}")

    assert "GetDevicePresets" in [each["id"] for each in offered["tasks"]]
    assert "array" not in offered
    assert (before, after, cleaned.status_code) == ("InProgress", "Success", 200)
    assert site.rest("GET", task).status_code == 404


def test_a_camera_that_does_not_turn_has_no_presets_to_read(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    presets = f"cameras/{site.ready['cameras'][0]}/ptzPresets"

    assert site.rest("GET", f"{presets}?tasks").json() == {"array": [], "tasks": []}
    answer = site.rest("POST", f"{presets}?task=GetDevicePresets", json={"sessionDataId": 0})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "cameras/{id}", "cameras/{id}?task=MoveUp", "cameras/{id}?x",
        "cameras/{id}/ptzPresets?task=MoveUp", "cameras/{id}/ptzPresets?task=GetDevicePresets&x",
    ],
)  # fmt: skip
def test_a_task_nobody_knows_is_refused(xprotect: Start, path: str) -> None:
    site = xprotect("--cameras", "2")

    answer = site.rest("POST", path.format(id=site.ready["cameras"][1]), json={})

    assert site.detail(answer)["errorText"] == "Bad request: Unknown request"


def test_a_task_on_nothing_known_is_not_found(xprotect: Start) -> None:
    answer = xprotect().rest("POST", f"tasks/{MISSING}?task=TaskCleanup", content="{}")

    assert answer.status_code == 404


def test_a_task_takes_nothing_but_what_is_documented(xprotect: Start) -> None:
    site = xprotect("--cameras", "2")
    presets = f"cameras/{site.ready['cameras'][1]}/ptzPresets"

    answer = site.rest("POST", f"{presets}?task=GetDevicePresets", json={"preset": 1})

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, "preset")
    assert site.rest("GET", f"{presets}?foo").status_code == 400


def test_tasks_may_be_asked_with_or_without_the_data(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    path = f"cameras/{site.ready['cameras'][0]}"

    assert set(site.rest("GET", f"{path}?tasks").json()) == {"data", "tasks"}
    assert site.rest("GET", f"{path}?tasks&noData").json() == {"tasks": []}
