"""The analytics event: as the maker's schema has it, sent once, and never a second alarm."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from adapters.milestone import Milestone, analytics
from adapters.milestone import alarm as words
from adapters.milestone.ladder import Scene
from adapters.milestone.raising import defined_by
from hooks import DeviceId, IncidentId, Refused
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import (
    PICTURE,
    SERIAL,
    adapter_on,
    closed,
    seen_by,
)

CAMERA = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "maker" / "AnalyticsEvent.xsd")
NS = "{urn:milestone-systems}"


# --- the event itself ---


@given(
    st.text(max_size=60), st.text(max_size=200), st.lists(st.just(CAMERA), max_size=5),
    st.booleans(),
)  # fmt: skip
def test_whatever_is_said_the_event_is_valid_by_the_makers_schema(
    title: str, text: str, cameras: list[str], placed: bool
) -> None:
    picture = replace(
        PICTURE, title=title, text=text, position=PICTURE.position if placed else None
    )

    written = analytics.build(picture, "Renfort", CAMERA, cameras)

    SCHEMA.validate(written.decode())


def test_the_schema_refuses_an_event_out_of_order() -> None:
    good = analytics.build(seen_by([CAMERA]), "Renfort", CAMERA, [CAMERA]).decode()
    head, location = good.partition("<Location>")[0], good[good.index("<Location>") :]
    place, rest = location.split("</Location>")
    swapped = f"{head}{rest.replace('<Vendor>', f'{place}</Location><Vendor>')}"

    assert not SCHEMA.is_valid(swapped)
    assert not SCHEMA.is_valid(good.replace("<Message>Renfort</Message>", ""))


def test_it_carries_source_related_cameras_mark_and_place() -> None:
    others = [f"6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c{number:02d}" for number in range(20, 28)]
    picture = seen_by([CAMERA, *others])

    scene = Scene(picture, own=CAMERA, source=CAMERA, worn=frozenset({others[0]}))
    cameras = scene.town
    read: Any = SCHEMA.to_dict(analytics.build(picture, "Renfort", CAMERA, cameras).decode())

    header = read["EventHeader"]
    assert header["Message"] == "Renfort"
    assert header["Source"]["FQID"]["ObjectId"] == CAMERA
    assert header["CustomTag"] == "[renfort:axis:s1]"
    related = [each["FQID"]["ObjectId"] for each in read["ReferenceList"]["Reference"]]
    assert related == others[1:5]  # the first one is another officer's
    assert read["Location"] == "43.56000, 4.08000 quai d'Honneur"
    assert read["Description"].endswith("[renfort:axis:s1]")


def test_the_same_incident_is_the_same_event() -> None:
    other = replace(PICTURE, incident=IncidentId("axis:s2"))

    assert analytics.event_id(PICTURE) == analytics.event_id(replace(PICTURE, version=9))
    assert analytics.event_id(PICTURE) != analytics.event_id(other)


@pytest.mark.parametrize(
    ("definitions", "found"),
    [
        ([{"name": "Nous", "eventType": "RENFORT", "enabled": True}], ["Nous"]),
        ([{"name": "Nous", "eventType": "guid-1"}], ["Nous"]),
        ([{"name": "Nous", "eventType": "Renfort", "enabled": "False"}], []),
        ([{"name": "Autre", "eventType": "autre", "enabled": True}], []),
        ([{}], []),
    ],
)
def test_an_alarm_definition_counts_when_it_is_enabled_and_on_our_event(
    definitions: list[dict[str, Any]], found: list[str]
) -> None:
    assert defined_by(list(definitions), {"renfort", "guid-1"}) == found


# --- the port ---


class Port:
    """The Event Server's analytics port, which answers what it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answers: list[tuple[int, str]] = []
        self.url = ""
        self.happen: Any = lambda body: None


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            port.bodies.append(body)
            status, said = port.answers.pop(0) if port.answers else (200, "OK")
            if status in (0, 200) and body:
                port.happen(body)
            if status == 0:  # taken, and its reply is lost
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def site(xprotect: Start) -> Running:
    return xprotect("--bodyworn", f"{SERIAL}=PM-214")


def on_port(site: Running, port: Port, **more: object) -> Milestone:
    return adapter_on(site, analytics_event="Renfort", analytics_url=port.url, **more)


def define(site: Running, *, alarm: bool) -> None:
    """Define our event in Management Client, with an alarm definition on it or without."""
    made = site.rest("POST", "analyticsEvents", json={"name": "Renfort"})
    assert made.status_code == 201
    if alarm:
        event = made.json()["result"]["id"]
        body = {"name": "Agent en danger", "eventType": event, "enabled": True, "mapType": 2}
        assert site.rest("POST", "alarmDefinitions", json=body).status_code == 201


def test_the_event_goes_out_once_after_the_alarm(site: Running, port: Port) -> None:
    adapter, picture = on_port(site, port), seen_by(site.ready["cameras"][:3])
    port.happen = lambda _: orders.append(len(site.simulator.site.alarms))
    orders: list[int] = []

    receipt = adapter.show(picture, None, False)
    receipt = adapter.show(replace(picture, version=2), receipt, True)
    adapter.withdraw(closed(picture), receipt, True)

    [body] = port.bodies
    SCHEMA.validate(body.decode())
    assert orders == [1]
    assert len(site.simulator.site.alarms) == 1


def test_a_restart_sends_no_second_event(site: Running, port: Port) -> None:
    picture = seen_by(site.ready["cameras"][:1])
    receipt = on_port(site, port).show(picture, None, False)

    on_port(site, port).show(replace(picture, version=2), receipt, True)

    assert len(port.bodies) == 1


def test_where_the_event_makes_the_alarm_it_is_adopted_and_no_second_one_is_made(
    site: Running, port: Port
) -> None:
    define(site, alarm=True)
    adapter, picture = on_port(site, port), seen_by(site.ready["cameras"][:1])
    adapter._desk.event.warm()
    # What the Event Server does of an alarm definition: an alarm that says the event's text.
    port.happen = lambda _: site.raise_alarm(
        name="Agent en danger", message=f"Renfort {words.message(picture)}"
    )

    receipt = adapter.show(picture, None, False)
    receipt = adapter.show(replace(picture, version=2), receipt, True)

    [alarm] = site.simulator.site.alarms.values()
    assert alarm.fields["name"] == "Agent en danger"
    assert json.loads(receipt.data)["alarm"] == alarm.id
    assert alarm.fields["priority"]["name"] == "High"
    assert len(port.bodies) == 1


def test_an_event_whose_reply_is_lost_does_not_go_by_the_other_door_too(
    site: Running, port: Port
) -> None:
    """It makes an alarm: two of them would be two officers in danger."""
    define(site, alarm=True)
    adapter, picture = on_port(site, port), seen_by(site.ready["cameras"][:1])
    adapter._desk.event.warm()
    port.answers = [(0, "")]
    port.happen = lambda _: site.raise_alarm(
        name="Agent en danger", message=f"Renfort {words.message(picture)}"
    )

    adapter.show(picture, None, False)

    assert len(site.simulator.site.alarms) == 1
    assert len(port.bodies) == 1


def test_where_the_event_was_to_make_the_alarm_and_did_not_it_is_made_by_us(
    site: Running, port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.milestone.raising.ADOPT_S", 0.2)
    define(site, alarm=True)
    adapter = on_port(site, port)
    adapter._desk.event.warm()

    adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert len(site.simulator.site.alarms) == 1


def test_what_makes_alarms_is_not_sent_after_ours_was_made(site: Running, port: Port) -> None:
    define(site, alarm=True)
    adapter, picture = on_port(site, port), seen_by(site.ready["cameras"][:1])

    # The press comes before anything was learned of the site: the alarm is ours.
    receipt = adapter.show(picture, None, False)
    adapter._desk.event.warm()
    adapter.show(replace(picture, version=2), receipt, True)

    assert port.bodies == []
    assert len(site.simulator.site.alarms) == 1


def test_where_alarm_definitions_may_not_be_read_no_event_goes_out(
    site: Running, port: Port
) -> None:
    site.order("forbid", path="alarmdefinitions")
    adapter = on_port(site, port)

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert port.bodies == []
    assert receipt.missing is None


def test_where_the_port_is_shut_the_alarm_does_not_wait_for_the_event(
    site: Running, port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(site, alarm=True)
    adapter = on_port(site, port)
    adapter._desk.event.warm()
    port.answers = [(403, "Forbidden")]

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert len(site.simulator.site.alarms) == 1
    assert receipt.missing is None  # nobody asked for the event: doctor says it


def test_by_the_events_rest_where_the_port_does_not_answer(site: Running) -> None:
    define(site, alarm=False)
    nobody = adapter_on(site, analytics_event="Renfort", analytics_url="http://127.0.0.1:1")
    nobody._desk.event.warm()
    one, two, *_ = site.ready["cameras"]

    nobody.show(seen_by([one, two]), None, False)

    [event] = site.simulator.site.events.values()
    assert event["source"] == f"cameras/{site.ready['bodyworn'][SERIAL]}"
    assert len(site.simulator.site.alarms) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "Warning: Event message not known"), "define it in Management Client"),
        ((400, "Bad request"), "refuses our analytics event: Bad request"),
        ((403, ""), "add its address"),
    ],
)
def test_what_the_port_answers_is_said_with_what_to_do(
    port: Port, answer: tuple[int, str], said: str
) -> None:
    port.answers = [answer]

    with pytest.raises(Refused, match=said):
        analytics.Sender(port.url).send(b"<AnalyticsEvent/>")


def doctor(adapter: Milestone) -> tuple[bool, str]:
    [found] = [each for each in adapter.probe().findings if each.subject == "event"]
    return found.well, str(found.said)


def test_doctor_says_by_which_door_the_event_goes_and_who_makes_the_alarm(
    site: Running, port: Port
) -> None:
    adapter = on_port(site, port)
    assert doctor(adapter) == (
        True,
        "no analytics event Renfort is defined in Management Client, under Rules and Events",
    )
    define(site, alarm=False)
    host = port.url.removeprefix("http://")
    assert doctor(adapter) == (True, f"by port {host}; the alarm is made by us")
    define(site, alarm=True)
    assert "the alarm definition Agent en danger makes the alarm" in doctor(adapter)[1]
    define(site, alarm=True)
    assert "keep one of" in doctor(adapter)[1]


def test_an_event_without_any_camera_is_not_sent(site: Running, port: Port) -> None:
    adapter = on_port(site, port, devices={})
    adapter._desk.sources._fallback = ""
    nobody = adapter._desk._scene(replace(PICTURE, device=DeviceId("axis:UNKNOWN00001")))

    adapter._desk.ladder.show(nobody, {}, 0.0)

    assert port.bodies == []


# --- on the simulated Event Server ---


def test_the_event_servers_own_alarm_shows_the_related_cameras_and_is_the_only_one(
    xprotect: Start,
) -> None:
    site = xprotect("--bodyworn", f"{SERIAL}=PM-214", "--analytics-port", "0")
    define(site, alarm=True)
    port = site.ready["analytics_port"]
    adapter = adapter_on(site, analytics_event="Renfort", analytics_url=f"http://127.0.0.1:{port}")
    adapter._desk.event.warm()
    cameras = site.ready["cameras"][:5]
    picture = seen_by(cameras)

    receipt = adapter.show(picture, None, False)
    adapter.withdraw(closed(picture), receipt, True)

    [made] = site.simulator.site.alarms.values()
    assert made.fields["name"] == "Agent en danger"
    assert [each["id"] for each in made.fields["references"]] == cameras[:4]
    assert made.fields["state"]["name"] == "Closed"
    assert "PM-214" in made.fields["description"] or "Position" in made.fields["description"]


def test_a_lost_process_adopts_the_event_servers_alarm_by_our_mark(xprotect: Start) -> None:
    site = xprotect("--bodyworn", f"{SERIAL}=PM-214", "--analytics-port", "0")
    define(site, alarm=True)
    url = f"http://127.0.0.1:{site.ready['analytics_port']}"
    first = adapter_on(site, analytics_event="Renfort", analytics_url=url)
    first._desk.event.warm()
    picture = seen_by(site.ready["cameras"][:2])
    first.show(picture, None, False)
    second = adapter_on(site, analytics_event="Renfort", analytics_url=url)
    second._desk.event.warm()

    second.show(replace(picture, version=2), None, True)

    assert len(site.simulator.site.alarms) == 1
