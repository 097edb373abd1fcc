"""The simulated Alarms and Events REST, seen by a foreign client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from adapters.milestone.simulator import catalogue

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

MISSING = "00000000-0000-4000-8000-000000000000"


def named(site: Running, table: str, name: str) -> str:
    rows = site.rest("GET", table).json()["array"]
    [identifier] = [row["id"] for row in rows if row["name"] == name]
    return str(identifier)


def defined(site: Running) -> str:
    return named(site, "userDefinedEvents", "Renfort")


def test_an_alarm_is_new_and_named_and_placed_on_its_camera(xprotect: Start) -> None:
    site = xprotect()

    answer = site.raise_alarm(name="Renfort PM-214", message="Rue Haute")

    alarm = answer.json()["data"]
    assert answer.status_code == 202
    assert (alarm["name"], alarm["message"]) == ("Renfort PM-214", "Rue Haute")
    assert alarm["source"] == f"cameras/{site.ready['cameras'][0]}"
    assert (alarm["state"]["level"], alarm["state"]["name"]) == (1, "New")


def test_an_alarm_is_read_back_and_its_comment_comes_only_when_asked(xprotect: Start) -> None:
    site = xprotect()
    path = f"alarms/{site.raise_alarm().json()['data']['id']}"
    site.rest("PATCH", path, json={"comment": "vu"})

    plain = site.rest("GET", path).json()["data"]
    whole = site.rest("GET", f"{path}?include=data").json()["data"]

    assert "comment" not in plain
    assert whole["comment"] == "vu"
    assert plain.items() <= whole.items()


def test_times_have_seven_decimals_and_say_utc(xprotect: Start) -> None:
    time = xprotect().raise_alarm().json()["data"]["time"]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", time)
    assert time == "2026-11-18T11:06:40.1250000Z"


@pytest.mark.parametrize("name", ["name", "message", "source"])
@pytest.mark.parametrize("value", [None, "", "  ", 7])
def test_an_alarm_needs_a_name_a_message_and_a_source(
    xprotect: Start, name: str, value: object
) -> None:
    site = xprotect()

    answer = site.raise_alarm(**{name: value})

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)


def test_an_alarm_takes_nothing_but_what_is_documented(xprotect: Start) -> None:
    site = xprotect()

    answer = site.raise_alarm(location="43.56,4.08")

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, "location")


def test_an_alarm_on_an_unknown_camera_is_refused_as_recorded(xprotect: Start) -> None:
    site = xprotect()

    answer = site.raise_alarm(source=MISSING)

    assert answer.status_code == 400
    assert site.detail(answer)["errorText"] == f"Device not found. cameras/{MISSING}"
    assert site.http.get("/simulator/alarms").json() == {"alarms": []}


def test_a_source_may_be_written_as_a_path_and_in_capitals(xprotect: Start) -> None:
    site = xprotect()
    camera = site.ready["cameras"][0]

    answer = site.raise_alarm(source=f"cameras/{camera.upper()}")

    assert answer.json()["data"]["source"] == f"cameras/{camera}"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff", b"null"])
def test_a_body_that_is_no_object_is_refused(xprotect: Start, content: bytes) -> None:
    site = xprotect()

    assert site.rest("POST", "alarms", content=content).status_code == 400


def test_a_form_is_no_alarm(xprotect: Start) -> None:
    site = xprotect()
    headers = {"Authorization": site.http.headers["Authorization"]}

    answer = requests.post(
        f"{site.url}/api/rest/v1/alarms", data={"name": "x"}, headers=headers, timeout=5
    )

    assert answer.status_code == 415


def test_the_levels_are_those_of_a_fresh_installation(xprotect: Start) -> None:
    site = xprotect()

    def levels(table: str) -> dict[int, str]:
        return {row["level"]: row["name"] for row in site.rest("GET", table).json()["array"]}

    assert levels("alarmStates") == {1: "New", 4: "In progress", 9: "On hold", 11: "Closed"}
    assert levels("alarmPriorities") == {1: "High", 2: "Medium", 3: "Low"}
    assert levels("alarmCategories") == {}
    assert levels("closeReasons")


def test_the_messages_of_alarms_are_listed_once(xprotect: Start) -> None:
    site = xprotect()
    for text in ("b", "a", "b"):
        site.raise_alarm(message=text)

    found = site.rest("GET", "alarmMessages").json()["array"]

    assert found == [{"message": "a"}, {"message": "b"}]


def test_an_alarm_is_changed_and_remembers_how(xprotect: Start) -> None:
    site = xprotect()
    path = f"alarms/{site.raise_alarm().json()['data']['id']}"
    site.clock.now += 5
    change = {
        "state": named(site, "alarmStates", "In progress"),
        "priority": named(site, "alarmPriorities", "High").upper(),
        "comment": "pris en charge", "assignedTo.displayName": "CSU 1",
        "reasonForClosing": None,
    }  # fmt: skip

    answer = site.rest("PATCH", path, json=change)

    alarm = answer.json()["data"]
    assert answer.status_code == 202
    assert (alarm["state"]["level"], alarm["priority"]["level"]) == (4, 1)
    assert alarm["assignedTo"] == {"displayName": "CSU 1"}
    first, second = site.rest("GET", f"{path}/history").json()["array"]
    assert first["created"] is True
    assert (second["comment"], second["state"]["level"]) == ("pris en charge", 4)
    assert second["time"] > first["time"]
    [kept] = site.http.get("/simulator/alarms").json()["alarms"]
    assert kept["history"] == [first, second]


def test_an_alarm_is_closed_with_a_reason(xprotect: Start) -> None:
    site = xprotect()
    path = f"alarms/{site.raise_alarm().json()['data']['id']}"
    change = {"state": named(site, "alarmStates", "Closed"), "reasonForClosing": "Resolved"}

    site.rest("PATCH", path, json=change)

    alarm = site.rest("GET", f"{path}?include=data").json()["data"]
    assert (alarm["state"]["name"], alarm["reasonForClosing"]) == ("Closed", "Resolved")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"state": "Closed"}, "state"), ({"state": 11}, "state"),
        ({"priority": MISSING}, "priority"), ({"comment": 3}, "comment"),
        ({"assignedTo.displayName": ["x"]}, "assignedTo.displayName"),
        ({"assignedTo": {"displayName": "x"}}, "assignedTo"), ({"name": "x"}, "name"),
    ],
)  # fmt: skip
def test_a_change_that_is_not_understood_changes_nothing(
    xprotect: Start, change: dict[str, object], name: str
) -> None:
    site = xprotect()
    path = f"alarms/{site.raise_alarm().json()['data']['id']}"
    before = site.rest("GET", f"{path}?include=data").json()

    answer = site.rest("PATCH", path, json={"comment": "x", **change})

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)
    assert site.rest("GET", f"{path}?include=data").json() == before


@pytest.mark.parametrize("change", [{}, {"comment": None}])
def test_a_change_of_nothing_is_refused(xprotect: Start, change: dict[str, object]) -> None:
    site = xprotect()
    path = f"alarms/{site.raise_alarm().json()['data']['id']}"

    assert site.rest("PATCH", path, json=change).status_code == 400


@pytest.mark.parametrize(("verb", "tail"), [("GET", ""), ("PATCH", ""), ("GET", "/history")])
def test_an_alarm_deleted_by_somebody_is_not_found(xprotect: Start, verb: str, tail: str) -> None:
    site = xprotect()
    alarm = site.raise_alarm().json()["data"]["id"]

    site.order("forget", id=alarm)

    answer = site.rest(verb, f"alarms/{alarm}{tail}", json={"comment": "x"})
    assert (answer.status_code, site.detail(answer)["errorText"]) == (
        404, f"Alarm not found. alarms/{alarm}",
    )  # fmt: skip


def test_the_pages_hold_every_alarm_once_newest_first(xprotect: Start) -> None:
    site = xprotect()
    made = [site.raise_alarm(name=str(number)).json()["data"]["name"] for number in range(7)]

    pages = [
        [each["name"] for each in site.rest("GET", f"alarms?page={n}&size=3").json()["array"]]
        for n in range(4)
    ]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [name for page in pages for name in page] == made[::-1]


def test_alarms_are_numbered_in_the_order_in_which_they_came(xprotect: Start) -> None:
    site = xprotect()

    numbers = [site.raise_alarm().json()["data"]["localId"] for _ in range(3)]

    assert numbers == [1, 2, 3]


def test_the_order_of_the_pages_may_be_turned_round(xprotect: Start) -> None:
    site = xprotect()
    for number in range(3):
        site.raise_alarm(name=str(number))

    site.order("order", newest_first=False)

    found = [each["name"] for each in site.rest("GET", "alarms").json()["array"]]
    assert found == ["0", "1", "2"]


@pytest.mark.parametrize(
    "query", ["page=-1", "size=0", "size=2001", "page=x", "size=", "filter=x", "$top=5"]
)
def test_a_page_that_cannot_be_is_refused(xprotect: Start, query: str) -> None:
    assert xprotect().rest("GET", f"alarms?{query}").status_code == 400


def test_a_user_defined_event_is_its_own_source(xprotect: Start) -> None:
    site = xprotect()
    kind = defined(site)

    answer = site.rest("POST", "events", json={"type": kind.upper()})

    event = answer.json()["data"]
    assert answer.status_code == 202
    assert (event["type"], event["source"]) == (kind, f"userDefinedEvents/{kind}")


def test_an_event_may_be_sent_as_events_are_read(xprotect: Start) -> None:
    """With its source said, in capitals or not, and with the type of its data."""
    site = xprotect()
    kind, camera = defined(site), site.ready["cameras"][0]

    itself = {"type": kind, "source": f"userDefinedEvents/{kind}", "datatype": "none"}
    shouted = {"type": kind, "source": f"CAMERAS/{camera.upper()}", "datatype": None, "data": None}
    answers = [site.rest("POST", "events", json=each) for each in (itself, shouted)]

    assert [each.status_code for each in answers] == [202, 202]
    sources = [each.json()["data"]["source"] for each in answers]
    assert sources == [f"userDefinedEvents/{kind}", f"cameras/{camera}"]


def test_an_event_is_stored_and_its_data_comes_only_when_asked(xprotect: Start) -> None:
    site = xprotect()
    source = f"cameras/{site.ready['cameras'][0]}"
    body = {"type": catalogue.ANALYTICS, "source": source, "data": {"Location": "Rue Haute"}}

    event = site.rest("POST", "events", json=body).json()["data"]

    path = f"events/{event['id']}"
    assert site.rest("GET", path).json()["data"] == event
    assert "data" not in event
    [whole] = site.rest("GET", "events?page=0&size=10&include=data").json()["array"]
    assert whole == {**event, "data": {"Location": "Rue Haute"}}
    assert site.rest("GET", f"{path}?include=data").json()["data"] == whole
    assert site.rest("GET", f"events/{MISSING}").status_code == 404


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "type"), ({"type": MISSING}, "type"), ({"type": 1}, "type"),
        ({"type": catalogue.ANALYTICS}, "source"),
        ({"type": catalogue.ANALYTICS, "source": f"cameras/{MISSING}"}, "source"),
        ({"type": catalogue.ANALYTICS, "source": "nowhere"}, "source"),
        ({"type": catalogue.ANALYTICS, "message": "x"}, "message"),
    ],
)  # fmt: skip
def test_an_event_is_refused_by_the_property_at_fault(
    xprotect: Start, body: dict[str, object], name: str
) -> None:
    site = xprotect()

    answer = site.rest("POST", "events", json=body)

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)
    assert site.rest("GET", "events").json() == {"array": []}


@pytest.mark.parametrize("kind", [catalogue.GENERIC, catalogue.RECORDING])
def test_only_a_service_triggers_generic_and_system_events(xprotect: Start, kind: str) -> None:
    site = xprotect()
    body = {"type": kind, "source": f"cameras/{site.ready['cameras'][0]}"}

    as_user = site.rest("POST", "events", json=body)
    site.log_in(
        grant_type="client_credentials",
        client_id=site.ready["client_id"], client_secret=site.ready["client_secret"],
    )  # fmt: skip
    as_service = site.rest("POST", "events", json=body)

    assert (as_user.status_code, site.detail(as_user)["errorTextId"]) == (403, "VMO61008")
    assert as_service.status_code == 202


def test_events_that_are_kept_no_day_are_pushed_and_never_listed(xprotect: Start) -> None:
    site = xprotect("--no-retention")
    [event] = [each["id"] for each in site.listed("userDefinedEvents") if each["name"] == "Renfort"]

    answer = site.rest("POST", "events", json={"type": event})

    assert answer.status_code == 202
    assert site.listed("events") == []
    assert site.rest("GET", f"events/{answer.json()['data']['id']}").status_code == 404


def test_a_user_defined_event_starts_the_rule_that_waits_for_it(xprotect: Start) -> None:
    site = xprotect("--cameras", "2", "--bodyworn", "B8A44F00A001=PM-214")
    [event] = [each["id"] for each in site.listed("userDefinedEvents") if each["name"] == "Renfort"]

    [rule] = site.listed("rules?disabled")

    site.rest("POST", "events", json={"type": event})
    assert len(site.listed("events")) == 1
    site.rest("PATCH", f"rules/{rule['id']}", json={"enabled": True})
    site.rest("POST", "events", json={"type": event})

    recording = [each for each in site.listed("events") if each["type"] == catalogue.RECORDING]
    assert sorted(each["source"] for each in recording) == sorted(
        f"cameras/{each}" for each in site.ready["cameras"]
    )
