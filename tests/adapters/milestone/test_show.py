"""One incident, one alarm: against a small XProtect that loses replies, on a real socket."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.milestone import Milestone, client
from adapters.milestone.client import Client
from adapters.milestone.gateway import Site
from hooks import (
    BadSettings,
    DeviceId,
    IncidentId,
    Officer,
    Phase,
    Picture,
    Position,
    Receipt,
    Refused,
    SourceKind,
    Trigger,
    Unreachable,
)
from hooks.testing import check_adapter

CAMERA = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
OTHER = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c22"
PRESSED = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PICTURE = Picture(
    incident=IncidentId("axis:s1"), version=1, phase=Phase.NEW, opened_at=PRESSED,
    device=DeviceId("axis:B8A44F00A001"), officer=Officer(call_sign="PM-214"),
    kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON, position=Position(lon=4.08, lat=43.56),
    title="AGENT EN DANGER : PM-214", text="Position : 43.56, 4.08.",
)  # fmt: skip
TAKEN = replace(
    PICTURE, version=2, phase=Phase.TAKEN, owner="Durand", text="Pris en charge par Durand."
)
CLOSED = replace(
    TAKEN, version=3, phase=Phase.CLOSED, closed_by="Durand", outcome="Fausse alerte",
    text="Clos par Durand : fausse alerte.",
)  # fmt: skip
STATES = [
    {"id": "s1", "name": "Nouvelle", "level": 1}, {"id": "s4", "name": "En cours", "level": 4},
    {"id": "s11", "name": "Close", "level": 11},
]  # fmt: skip
PRIORITIES = [
    {"id": "p1", "name": "Haute", "level": 1}, {"id": "p3", "name": "Basse", "level": 3}
]  # fmt: skip


@dataclass
class Vms:
    """XProtect as far as alarms go: keeps them, and fails where it is told to."""

    url: str = ""
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    cameras: set[str] = field(default_factory=lambda: {CAMERA, OTHER})
    reasons: list[dict[str, str]] = field(default_factory=list)
    enums: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"alarmStates": STATES, "alarmPriorities": PRIORITIES}
    )
    #: `POST alarms` → what happens to the next such requests: a status, "lost" or "late".
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    needs_source: bool = False
    stored: bool = True  #: False: accepted, and known to nobody yet
    release: threading.Event = field(default_factory=threading.Event)
    newest_first: bool = True

    def answer(self, verb: str, path: str, query: str, body: dict[str, Any]) -> tuple[int, Any]:
        resource, _, identifier = path.rpartition("/rest/v1/")[2].partition("/")
        if path.endswith("/uris"):
            return 200, {"ProductVersion": "25.1"}
        if path.endswith("/connect/token"):
            return 200, {"access_token": "t1", "expires_in": 3600}
        if verb == "POST":
            return self.create(body)
        if verb == "PATCH":
            return self.change(identifier, body)
        if resource == "cameras":
            self.queries.append(query)
        if resource == "alarms":
            return 200, {"array": self.page(query)}
        rows = self.reasons if resource == "closeReasons" else self.enums.get(resource)
        return (404, refusal("Unknown resource")) if rows is None else (200, {"array": rows})

    def create(self, body: dict[str, Any]) -> tuple[int, Any]:
        source = body.get("source")
        if (source and source not in self.cameras) or (self.needs_source and not source):
            return 400, refusal(f"Device not found. cameras/{source}")
        identifier = f"a{len(self.alarms) + 1}"
        time = (PRESSED + timedelta(seconds=len(self.alarms))).isoformat()
        self.alarms[identifier] = {"id": identifier, "time": time, **body}
        return 202, {"data": {"id": identifier}}

    def change(self, identifier: str, body: dict[str, Any]) -> tuple[int, Any]:
        if identifier not in self.alarms or not self.stored:
            return 404, refusal("Alarm not found")
        self.changes.append((identifier, body))
        return 202, {"data": {"id": identifier}}

    def page(self, query: str) -> list[dict[str, Any]]:
        asked = parse_qs(query)
        number, size = int(asked["page"][0]), int(asked["size"][0])
        rows = list(self.alarms.values())[:: -1 if self.newest_first else 1]
        return rows[number * size : (number + 1) * size]

    def past(self, count: int) -> None:
        """Fill in alarms of other days."""
        for number in range(count):
            time = PRESSED - timedelta(days=3) + timedelta(seconds=number)
            self.alarms[f"old{number}"] = {
                "id": f"old{number}", "message": "porte", "time": time.isoformat()
            }  # fmt: skip

    def count(self, wanted: str) -> int:
        return sum(1 for each in self.asked if re.fullmatch(wanted, each))


def refusal(text: str) -> dict[str, Any]:
    return {"error": {"httpCode": 400, "details": [{"errorText": text}]}}


def handler(vms: Vms) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def serve(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            named = f"{self.command} {parts.path.rpartition('/rest/v1/')[2]}"
            vms.asked.append(named)
            faults = vms.faults.get(named.partition("/")[0], [])
            fault = faults.pop(0) if faults else None
            if isinstance(fault, int):
                return self.write(fault, refusal("simulated"))
            body = json.loads(raw) if raw.startswith(b"{") else {}
            status, said = vms.answer(self.command, parts.path, parts.query, body)
            if fault == "lost":  # the work is done, and nobody is told
                self.close_connection = True
                return None
            if fault == "late":
                vms.release.wait(5)
            return self.write(status, said)

        def write(self, status: int, said: object) -> None:
            text = json.dumps(said).encode()
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        do_GET = do_POST = do_PATCH = serve

    return Handler


@pytest.fixture
def vms() -> Iterator[Vms]:
    vms = Vms()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(vms))
    vms.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield vms
    vms.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def settings(vms: Vms, **more: object) -> dict[str, object]:
    devices = {"axis:B8A44F00A001": CAMERA}
    return {
        "url": vms.url, "username": "renfort", "password": "secret", "devices": devices, **more
    }  # fmt: skip


@pytest.fixture
def adapter(vms: Vms) -> Iterator[Milestone]:
    adapter = Milestone()
    adapter.configure(settings(vms))
    yield adapter
    adapter.close()


def again(vms: Vms) -> Milestone:
    """Restart: what was in memory is gone."""
    adapter = Milestone()
    adapter.configure(settings(vms))
    return adapter


# --- the story ---


def test_a_press_makes_an_alarm_on_the_officers_camera(vms: Vms, adapter: Milestone) -> None:
    adapter.show(PICTURE, None, False)

    [alarm] = vms.alarms.values()
    assert alarm["source"] == CAMERA
    assert alarm["name"] == "AGENT EN DANGER : PM-214"
    assert alarm["message"] == "Position : 43.56, 4.08. [renfort:axis:s1]"
    assert vms.changes == [("a1", {"priority": "p1"})]


def test_an_exercise_is_of_low_priority(vms: Vms, adapter: Milestone) -> None:
    adapter.show(replace(PICTURE, exercise=True), None, False)

    assert vms.changes == [("a1", {"priority": "p3"})]


def test_an_incident_taken_in_charge_is_in_progress_and_says_by_whom(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.changes.clear()

    adapter.show(TAKEN, receipt, True)

    assert vms.changes == [("a1", {"state": "s4", "comment": "Pris en charge par Durand."})]


def test_a_picture_in_which_nothing_that_matters_changed_asks_nothing(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    before = len(vms.asked)

    for version in range(2, 40):
        wander = Position(lon=4.08 + version * 1e-5, lat=43.56)
        picture = replace(PICTURE, version=version, position=wander, text=f"… {version} min")
        receipt = adapter.show(picture, receipt, True)

    assert len(vms.asked) == before


def test_an_officer_who_has_gone_far_is_told_once(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.changes.clear()
    away = replace(PICTURE, position=Position(lon=4.09, lat=43.56), text="Position : 43.56, 4.09.")

    for version in (2, 3):
        receipt = adapter.show(replace(away, version=version), receipt, True)

    assert vms.changes == [("a1", {"comment": "Position : 43.56, 4.09."})]


def test_a_place_that_could_not_be_told_is_told_later(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    away = replace(PICTURE, position=Position(lon=4.09, lat=43.56), text="loin")
    vms.faults["PATCH alarms"] = [503]
    with pytest.raises(Unreachable):
        adapter.show(away, receipt, True)

    adapter.show(away, receipt, True)

    assert vms.changes[-1] == ("a1", {"comment": "loin"})


def test_an_incident_withdrawn_closes_its_alarm(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.changes.clear()

    adapter.withdraw(CLOSED, receipt, True)

    closing = {"state": "s11", "comment": "Clos par Durand : fausse alerte."}
    assert vms.changes == [("a1", closing)]


def test_an_alarm_already_closed_by_us_is_not_closed_again(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.withdraw(CLOSED, adapter.show(PICTURE, None, False), True)
    before = len(vms.changes)

    adapter.withdraw(CLOSED, receipt, True)

    assert len(vms.changes) == before


@pytest.mark.parametrize(
    ("reasons", "setting", "sent"),
    [
        (["Vraie alerte", "FAUSSE ALERTE"], "", "r1"),
        (["Vraie alerte", "Autre"], "autre", "r1"),
        (["Vraie alerte", "Autre"], "", None),
        ([], "autre", None),
    ],
)
def test_the_reason_for_closing_is_one_that_the_site_has(
    vms: Vms, reasons: list[str], setting: str, sent: str | None
) -> None:
    vms.reasons = [{"id": f"r{number}", "name": name} for number, name in enumerate(reasons)]
    adapter = Milestone()
    adapter.configure(settings(vms, **({"close_reason": setting} if setting else {})))

    adapter.withdraw(CLOSED, adapter.show(PICTURE, None, False), True)

    assert vms.changes[-1][1].get("reasonForClosing") == sent


def test_an_alarm_is_closed_without_a_reason_that_the_site_does_not_take(
    vms: Vms, adapter: Milestone
) -> None:
    vms.reasons = [{"id": "r1", "name": "Fausse alerte"}]
    receipt = adapter.show(PICTURE, None, False)
    vms.faults["PATCH alarms"] = [400]

    adapter.withdraw(CLOSED, receipt, True)

    assert vms.changes[-1] == (
        "a1", {"state": "s11", "comment": "Clos par Durand : fausse alerte."}
    )  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), [(503, Unreachable), (403, Refused)])
def test_an_alarm_that_cannot_be_closed_is_said(
    vms: Vms, adapter: Milestone, status: int, kind: type[Exception]
) -> None:
    vms.reasons = [{"id": "r1", "name": "Fausse alerte"}]
    receipt = adapter.show(PICTURE, None, False)
    vms.faults["PATCH alarms"] = [status]

    with pytest.raises(kind):
        adapter.withdraw(CLOSED, receipt, True)


def test_an_incident_that_was_never_shown_leaves_nothing_to_close(
    vms: Vms, adapter: Milestone
) -> None:
    assert adapter.withdraw(CLOSED, None, True) is None
    assert vms.changes == []


def test_an_incident_over_before_xprotect_came_back_is_shown_then_closed(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(CLOSED, None, True)
    adapter.withdraw(CLOSED, receipt, True)

    assert [change.get("state") for _, change in vms.changes] == [None, "s11"]


# --- never twice ---


def test_a_lost_reply_makes_no_second_alarm(vms: Vms, adapter: Milestone) -> None:
    vms.faults["POST alarms"] = ["lost"]
    with pytest.raises(Unreachable):
        adapter.show(PICTURE, None, False)

    receipt = adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]
    assert json.loads(receipt.data)["alarm"] == "a1"


def test_a_reply_that_is_late_makes_no_second_alarm(vms: Vms) -> None:
    vms.faults["POST alarms"] = ["late"]
    adapter = again(vms)
    adapter._client = Client(
        Site(url=vms.url, username="renfort", password="secret", patience_s=0.2)
    )
    with pytest.raises(Unreachable, match="does not answer"):
        adapter.show(PICTURE, None, False)
    vms.release.set()

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]


def test_a_crash_after_the_alarm_makes_no_second_one(vms: Vms, adapter: Milestone) -> None:
    vms.past(40)
    adapter.show(PICTURE, None, False)

    receipt = again(vms).show(TAKEN, None, True)

    assert json.loads(receipt.data)["alarm"] == "a41"
    assert vms.count("POST alarms") == 1
    assert vms.changes[-1] == (
        "a41", {"state": "s4", "priority": "p1", "comment": "Pris en charge par Durand."}
    )  # fmt: skip


def test_what_was_made_is_remembered_when_its_priority_could_not_be_set(
    vms: Vms, adapter: Milestone
) -> None:
    vms.faults["PATCH alarms"] = [503]
    with pytest.raises(Unreachable):
        adapter.show(PICTURE, None, False)

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]
    assert vms.count("GET alarms") == 0
    assert vms.changes == [("a1", {"priority": "p1"})]


def test_an_alarm_accepted_and_not_stored_yet_is_waited_for(vms: Vms, adapter: Milestone) -> None:
    vms.stored = False
    for _ in range(3):
        with pytest.raises(Unreachable, match="a1"):
            adapter.show(PICTURE, None, True)
    vms.stored = True

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]


def test_the_first_call_does_not_search(vms: Vms, adapter: Milestone) -> None:
    adapter.show(PICTURE, None, False)

    assert vms.count("GET alarms") == 0


@pytest.mark.parametrize(("newest_first", "pages"), [(True, 1), (False, 3)])
def test_our_alarm_is_found_among_many_in_either_order(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch, newest_first: bool, pages: int
) -> None:
    monkeypatch.setattr(client, "PAGE", 20)
    vms.past(50)
    adapter.show(PICTURE, None, False)
    vms.newest_first = newest_first

    again(vms).show(PICTURE, None, True)

    assert vms.count("POST alarms") == 1
    assert vms.count("GET alarms") == pages


def test_the_search_ends_where_alarms_are_older_than_the_press(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 20)
    vms.past(200)

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 1
    assert vms.count("POST alarms") == 1


def test_a_page_that_is_not_full_is_the_last(vms: Vms, adapter: Milestone) -> None:
    vms.past(3)
    vms.newest_first = False

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 1


def test_a_list_without_end_is_not_searched_for_ever(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 5)
    monkeypatch.setattr(client, "MOST_PAGES", 4)
    vms.past(200)
    vms.newest_first = False

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 4


def test_a_site_that_knows_no_pages_is_read_once_more_and_no_further(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 3)
    vms.past(3)
    vms.newest_first = False
    monkeypatch.setattr(vms, "page", lambda _: list(vms.alarms.values())[:3])

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 2


def test_a_receipt_that_cannot_be_read_is_looked_for(vms: Vms, adapter: Milestone) -> None:
    adapter.show(PICTURE, None, False)

    again(vms).show(PICTURE, Receipt(data="?"), False)

    assert list(vms.alarms) == ["a1"]


# --- deleted by somebody ---


def test_an_alarm_deleted_while_the_incident_lives_is_made_anew(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.alarms = {"x": {"id": "x"}}

    receipt = adapter.show(TAKEN, receipt, True)

    assert json.loads(receipt.data)["alarm"] == "a2"
    assert "[renfort:axis:s1]" in vms.alarms["a2"]["message"]
    assert vms.changes[-1] == ("a2", {"state": "s4", "priority": "p1"})


def test_an_alarm_made_anew_whose_receipt_was_lost_is_found(vms: Vms, adapter: Milestone) -> None:
    old = adapter.show(PICTURE, None, False)
    vms.alarms = {"x": {"id": "x"}}
    adapter.show(TAKEN, old, True)

    receipt = again(vms).show(TAKEN, old, True)

    assert json.loads(receipt.data)["alarm"] == "a2"
    assert set(vms.alarms) == {"x", "a2"}


def test_an_alarm_that_is_there_and_cannot_be_changed_is_not_doubled(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.stored = False

    with pytest.raises(Refused, match="lists the alarm a1"):
        adapter.show(TAKEN, receipt, True)

    assert list(vms.alarms) == ["a1"]


def test_an_alarm_deleted_before_it_is_closed_is_not_made_anew(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.alarms = {}

    adapter.withdraw(CLOSED, receipt, True)

    assert vms.alarms == {}


# --- source ---


def test_the_next_camera_is_tried_when_xprotect_has_not_the_first(
    vms: Vms, caplog: pytest.LogCaptureFixture
) -> None:
    vms.cameras = {OTHER}
    adapter = Milestone()
    adapter.configure(settings(vms, fallback_camera=OTHER))

    adapter.show(PICTURE, None, False)

    assert vms.alarms["a1"]["source"] == OTHER
    assert CAMERA in caplog.text


def test_an_alarm_without_camera_is_better_than_none(vms: Vms) -> None:
    vms.cameras = set()
    adapter = again(vms)

    adapter.show(PICTURE, None, False)

    assert "source" not in vms.alarms["a1"]


def test_a_site_that_needs_a_camera_is_told_with_the_setting_to_write(vms: Vms) -> None:
    vms.needs_source = True
    adapter = Milestone()
    adapter.configure(settings(vms, devices={}))

    with pytest.raises(Refused, match="set fallback_camera"):
        adapter.show(PICTURE, None, False)


def test_a_camera_whose_name_bears_the_serial_stands_for_the_officer(vms: Vms) -> None:
    vms.enums |= {"cameras": [{"id": OTHER, "name": "BWC B8A44F00A001"}], "hardware": []}
    adapter = Milestone()
    adapter.configure(settings(vms, devices={}))
    assert [camera.id for camera in adapter.list_cameras()] == [f"milestone:{OTHER}"]

    adapter.show(PICTURE, None, False)

    assert vms.alarms["a1"]["source"] == OTHER


def test_his_camera_is_looked_for_by_name_while_the_inventory_is_not_read(vms: Vms) -> None:
    vms.enums |= {"cameras": [{"id": OTHER, "name": "BWC B8A44F00A001"}]}
    adapter = Milestone()
    adapter.configure(settings(vms, devices={}))

    adapter.show(PICTURE, None, False)

    assert vms.queries == ["name=contains:'B8A44F00A001'"]
    assert vms.alarms["a1"]["source"] == OTHER


# --- rights and levels ---


def test_a_right_to_change_that_lacks_is_said_and_makes_no_second_alarm(
    vms: Vms, adapter: Milestone
) -> None:
    vms.faults["PATCH alarms"] = [403, 403]
    for _ in range(2):
        with pytest.raises(Refused, match="simulated"):
            adapter.show(PICTURE, None, True)

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]


def test_a_site_without_the_priority_still_has_its_alarm(vms: Vms, adapter: Milestone) -> None:
    vms.enums["alarmPriorities"] = []

    adapter.show(PICTURE, None, False)

    assert list(vms.alarms) == ["a1"]
    assert vms.changes == []


def test_a_site_without_the_state_is_told_which_to_add(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.enums["alarmStates"] = STATES[:1]

    with pytest.raises(Refused, match=r"level 4 \(In progress\)"):
        adapter.show(TAKEN, receipt, True)


def test_states_are_asked_again_after_a_refusal(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(TAKEN, adapter.show(PICTURE, None, False), True)
    vms.faults["PATCH alarms"] = [400]
    with pytest.raises(Refused):
        adapter.show(PICTURE, receipt, True)

    adapter.show(PICTURE, receipt, True)

    assert vms.count("GET alarmStates") == 2


# --- many at once, and warm ---


def test_eight_presses_at_once_make_eight_alarms_with_one_token(
    vms: Vms, adapter: Milestone
) -> None:
    pictures = [replace(PICTURE, incident=IncidentId(f"axis:s{number}")) for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda each: adapter.show(each, None, False), pictures))

    assert len(vms.alarms) == 8
    assert len({json.loads(each.data)["alarm"] for each in receipts}) == 8
    assert sum("token" in each for each in vms.asked) == 1


async def test_the_watch_pays_for_token_and_levels_before_the_press(
    vms: Vms, adapter: Milestone
) -> None:
    import asyncio

    signs = asyncio.Event()

    class Ear:
        async def __call__(self, envelope: object) -> tuple[()]:
            return ()

        def up(self) -> None:
            signs.set()

    [feed] = adapter.list_feeds()
    watch = asyncio.ensure_future(feed.run(Ear()))
    await asyncio.wait_for(signs.wait(), 5)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    vms.asked.clear()

    await asyncio.to_thread(adapter.show, PICTURE, None, False)

    assert vms.asked == ["POST alarms", "PATCH alarms/a1"]


async def test_the_watch_fails_when_the_alarms_do(vms: Vms, adapter: Milestone) -> None:
    vms.faults["GET alarmStates"] = [503]
    [feed] = adapter.list_feeds()

    with pytest.raises(Unreachable, match="503"):
        await feed.run(lambda *_: None)  # type: ignore[arg-type]


def test_a_site_that_is_down_is_said_in_the_same_words_each_time(
    vms: Vms, adapter: Milestone
) -> None:
    nobody = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{nobody.getsockname()[1]}"
    nobody.close()
    adapter.configure(settings(vms, url=f"http://{host}"))

    said = set()
    for _ in range(2):
        with pytest.raises(Unreachable) as error:
            adapter.list_cameras()
        said.add(str(error.value))

    assert said == {f"{host} does not answer: Connection refused"}


# --- settings ---


def test_the_adapter_keeps_the_contract(vms: Vms) -> None:
    info = check_adapter(Milestone(), settings(vms))

    assert info.name == "milestone"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"url": "vms.example.org"}, "url"),
        ({"url": "http://vms.example.org"}, "url"),
        ({"url": "https://vms.example.org/API"}, "url"),
        ({"url": "https://me:pw@vms.example.org"}, "url"),
        ({"username": ""}, "username"),
        ({"password": None}, "password"),
        ({"ca": "no/such/file.pem"}, "ca"),
        ({"ca": __file__}, "ca"),
        ({"lockout_pause_s": 1}, "lockout_pause_s"),
        ({"devices": {"B8A44F00A001": CAMERA}}, "devices.B8A44F00A001"),
        ({"devices": {"axis:": CAMERA}}, "devices.axis:"),
        ({"devices": {"axis:1": "gare"}}, "devices.axis:1"),
        ({"devices": ["axis:1"]}, "devices"),
        ({"fallback_camera": "gare"}, "fallback_camera"),
        ({"fallback": CAMERA}, "fallback"),
    ],
)
def test_a_wrong_setting_is_named(vms: Vms, more: dict[str, object], field: str) -> None:
    with pytest.raises(BadSettings) as wrong:
        Milestone().configure(settings(vms, **more))

    assert wrong.value.field == field
    assert "pw" not in str(wrong.value)


def test_an_adapter_without_settings_says_which_section_to_write() -> None:
    with pytest.raises(Refused, match=r"\[adapters\.milestone\]"):
        Milestone().probe()


def test_the_password_is_in_no_text_of_the_site(tmp_path: Path) -> None:
    site = Site(url="https://vms.example.org", username="renfort", password="s3cr3t")

    assert "s3cr3t" not in repr(site)
