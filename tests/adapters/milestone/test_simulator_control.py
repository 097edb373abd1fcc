"""How the simulator misbehaves when told to, and what it remembers when killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start


def alarms(site: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.http.get("/simulator/alarms").json()["alarms"]
    return found


def test_what_is_asked_is_counted_by_verb_and_path(xprotect: Start) -> None:
    site = xprotect()
    for _ in range(2):
        alarm = site.raise_alarm().json()["data"]["id"]
        site.rest("GET", f"Alarms/{alarm}")

    requests_seen = site.http.get("/simulator/state").json()["requests"]

    assert requests_seen == {
        "POST /api/idp/connect/token": 1, "POST /api/rest/v1/alarms": 2,
        "GET /api/rest/v1/alarms/{id}": 2,
    }  # fmt: skip


def test_a_failure_strikes_once_before_the_work_is_done(xprotect: Start) -> None:
    site = xprotect()

    site.order("fail", status=503)

    answer = site.raise_alarm()
    assert (answer.status_code, alarms(site)) == (503, [])
    assert answer.headers["content-type"].startswith("text/plain")
    assert site.raise_alarm().status_code == 202


def test_a_failure_strikes_as_often_as_told_on_one_verb_and_path(xprotect: Start) -> None:
    site = xprotect()

    site.order("fail", status=500, count=2, path="/Alarms", method="post")

    assert site.rest("GET", "alarms").status_code == 200
    assert site.rest("GET", "cameras").status_code == 200
    assert [site.raise_alarm().status_code for _ in range(3)] == [500, 500, 202]


def test_a_failure_lasts_as_long_as_told(xprotect: Start) -> None:
    site = xprotect()

    site.order("fail", status=502, seconds=60)

    assert [site.raise_alarm().status_code for _ in range(3)] == [502] * 3
    site.clock.now += 60
    assert site.raise_alarm().status_code == 202


def test_healing_ends_every_trouble(xprotect: Start) -> None:
    site = xprotect()
    site.order("fail", seconds=3600)
    site.order("slow", seconds=3600)

    site.order("heal")

    assert site.raise_alarm().status_code == 202


def test_a_reply_is_lost_although_the_work_is_done(xprotect: Start) -> None:
    site = xprotect()

    site.order("fail", status=500, after=True)

    assert site.raise_alarm().status_code == 500
    assert [alarm["name"] for alarm in alarms(site)] == ["Renfort"]


@pytest.mark.parametrize("after", [True, False])
def test_a_connection_is_cut_without_a_byte(xprotect: Start, after: bool) -> None:
    site = xprotect()

    site.order("fail", status=0, after=after)

    with pytest.raises(httpx.TransportError):
        site.raise_alarm()
    assert len(alarms(site)) == int(after)
    assert site.raise_alarm().status_code == 202


def test_a_cut_connection_reads_as_such_in_requests_too(xprotect: Start) -> None:
    site = xprotect()
    site.order("fail", status=0)

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{site.url}/api/rest/v1/cameras", timeout=5)


@pytest.mark.parametrize(("status", "key"), [(403, "errorTextId"), (404, "errorText")])
def test_a_refusal_is_told_in_the_makers_form(xprotect: Start, status: int, key: str) -> None:
    site = xprotect()

    site.order("fail", status=status)

    error = site.raise_alarm().json()["error"]
    assert error["httpCode"] == status
    assert key in error["details"][0]


def test_a_page_comes_where_json_is_expected(xprotect: Start) -> None:
    site = xprotect()

    site.order("html", path="alarms")

    answer = site.raise_alarm()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert site.raise_alarm().status_code == 202


@pytest.mark.parametrize("how", ["option", "order"])
def test_every_answer_is_late(xprotect: Start, how: str) -> None:
    site = xprotect("--latency-ms", "200" if how == "option" else "0")
    if how == "order":
        site.order("slow", seconds=0.2)

    with pytest.raises(httpx.ReadTimeout):
        site.rest("GET", "cameras", timeout=0.05)
    assert site.http.get("/simulator/state", timeout=5).json()["slow_s"] == 0.2


@pytest.mark.parametrize(
    ("name", "order", "said"),
    [
        ("fail", {"colour": 1}, "colour"), ("fail", {"count": 0}, "$.count"),
        ("fail", {"status": 700}, "$.status"), ("slow", {}, "seconds"),
        ("slow", {"seconds": -1}, "$.seconds"), ("camera", {"id": 1}, "$.id"),
        ("forbid", {"path": ""}, "$.path"), ("unlock", {"x": 1}, "x"),
    ],
)  # fmt: skip
def test_an_order_that_is_not_understood_is_refused_by_its_field(
    xprotect: Start, name: str, order: dict[str, object], said: str
) -> None:
    answer = xprotect().http.post(f"/simulator/{name}", json=order)

    assert answer.status_code == 400
    assert said in answer.json()["error"]


@pytest.mark.parametrize("name", ["camera", "forget"])
def test_an_order_about_nothing_known_is_not_found(xprotect: Start, name: str) -> None:
    answer = xprotect().http.post(f"/simulator/{name}", json={"id": "nothing"})

    assert (answer.status_code, "nothing" in answer.json()["error"]) == (404, True)


def test_an_order_is_posted_as_json(xprotect: Start) -> None:
    site = xprotect()

    assert site.http.get("/simulator/fail").status_code == 405
    assert site.http.post("/simulator/fail", content=b"{").status_code == 400


def test_what_was_written_is_there_after_a_restart(xprotect: Start, tmp_path: Path) -> None:
    path = str(tmp_path / "site.db")
    before = xprotect("--state", path)
    kept = before.raise_alarm().json()["data"]["id"]
    before.rest("PATCH", f"alarms/{kept}", json={"comment": "vu"})
    forgotten = before.raise_alarm().json()["data"]["id"]
    before.order("forget", id=forgotten)
    named = before.rest("POST", "userDefinedEvents", json={"name": "Appui"}).json()["result"]["id"]
    event = before.rest("POST", "events", json={"type": named}).json()["data"]

    after = xprotect("--state", path)

    [alarm] = alarms(after)
    assert (alarm["id"], alarm["comment"], len(alarm["history"])) == (kept, "vu", 2)
    assert after.rest("GET", f"events/{event['id']}").json()["data"] == event
    assert after.rest("GET", f"userDefinedEvents/{named}").status_code == 200
    after.rest("DELETE", f"userDefinedEvents/{named}")
    last = xprotect("--state", path)
    assert last.rest("GET", f"userDefinedEvents/{named}").status_code == 404


def test_an_event_type_deleted_stays_deleted_after_a_restart(
    xprotect: Start, tmp_path: Path
) -> None:
    path = str(tmp_path / "site.db")
    before = xprotect("--state", path)
    [ours] = before.listed("userDefinedEvents?name=equals:'Renfort'")

    before.rest("DELETE", f"userDefinedEvents/{ours['id']}")

    assert len(xprotect("--state", path).listed("userDefinedEvents")) == 3


@pytest.mark.system
def test_an_alarm_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    words = ["--plain", "--state", str(tmp_path / "site.db")]
    first, ready = launch(*words)
    try:
        made = post_alarm(ready)
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.communicate(timeout=10)

    second, ready = launch(*words)
    try:
        found = requests.get(f"{ready['control']}/alarms", timeout=5).json()["alarms"]
    finally:
        second.terminate()
        second.communicate(timeout=10)

    assert [alarm["id"] for alarm in found] == [made]


def test_an_address_of_ipv6_is_written_as_addresses_are() -> None:
    process, ready = launch("--host", "::1", "--plain")
    try:
        assert post_alarm(ready)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def launch(*words: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-m", "vms_plugin", "simulate", "milestone", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready: dict[str, Any] = json.loads(process.stdout.readline())
    return process, ready


def post_alarm(ready: dict[str, Any]) -> str:
    form = {
        "grant_type": "password", "client_id": "GrantValidatorClient",
        "username": ready["username"], "password": ready["password"],
    }  # fmt: skip
    granted = requests.post(f"{ready['api']}IDP/connect/token", data=form, timeout=5).json()
    answer = requests.post(
        f"{ready['api']}rest/v1/alarms",
        json={"name": "Renfort", "message": "PM-214", "source": ready["cameras"][0]},
        headers={"Authorization": f"Bearer {granted['access_token']}"},
        timeout=5,
    )
    assert answer.status_code == 202
    return str(answer.json()["data"]["id"])


def test_times_go_with_the_clock_of_the_site(xprotect: Start) -> None:
    site = xprotect()
    first = site.raise_alarm().json()["data"]["time"]

    site.clock.now += 1

    assert site.raise_alarm().json()["data"]["time"] > first


def test_a_site_that_is_away_answers_nothing_until_it_is_back(xprotect: Start) -> None:
    site = xprotect()

    site.order("away", seconds=29)
    with pytest.raises(httpx.TransportError):
        site.rest("GET", "sites")
    assert site.http.get("/simulator/state").status_code == 200
    site.clock.now += 30

    assert site.rest("GET", "sites").status_code == 200


@pytest.mark.parametrize("status", [400, 404])
def test_a_device_that_is_not_there_is_answered_either_way(xprotect: Start, status: int) -> None:
    site = xprotect()

    site.order("missing", status=status)

    answer = site.rest("GET", "cameras/00000000-0000-4000-8000-000000000000")
    assert answer.status_code == status
    assert site.detail(answer)["errorText"].startswith("Device not found.")
