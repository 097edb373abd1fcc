"""The simulated Events and State WebSocket, seen by a foreign client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from adapters.milestone.simulator import catalogue

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

EVERYTHING: dict[str, object] = {
    "modifier": "include", "resourceTypes": ["*"], "sourceIds": ["*"], "eventTypes": ["*"]
}  # fmt: skip


class Listener:
    """A client that numbers its commands and sorts answers from events."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self._numbers = socket, count(1)

    def say(self, command: str, **more: object) -> dict[str, Any]:
        number = next(self._numbers)
        self.socket.send(json.dumps({"command": command, "commandId": number, **more}))
        answer = self.hear()
        assert answer["commandId"] == number
        return answer

    def hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(self.socket.recv(timeout=5))
        return heard

    def start(self, session: str = "", event: str = "") -> dict[str, Any]:
        return self.say("startSession", sessionId=session, eventId=event)

    def subscribe(self, *filters: dict[str, object]) -> dict[str, Any]:
        return self.say("addSubscription", filters=list(filters))


@contextmanager
def listening(site: Running, path: str = "/api/ws/events/v1/") -> Iterator[Listener]:
    headers = {"Authorization": site.http.headers.get("Authorization", "")}
    url = site.url.replace("http", "ws", 1) + path
    with connect(url, additional_headers=headers) as socket:
        yield Listener(socket)


def lose(site: Running, number: int = 0) -> None:
    site.order("camera", id=site.ready["cameras"][number], online=False)


def find(site: Running, number: int = 0) -> None:
    site.order("camera", id=site.ready["cameras"][number], online=True)


def test_a_session_begins_and_a_subscription_is_named(xprotect: Start) -> None:
    with listening(xprotect(), "/API/WS/Events/v1") as client:
        session, subscription = client.start(), client.subscribe(EVERYTHING)

    assert session["status"] == 201
    assert session["sessionId"]
    assert subscription["status"] == 200
    assert subscription["subscriptionId"]


def test_a_camera_that_is_lost_is_told(xprotect: Start) -> None:
    site = xprotect()
    with listening(site) as client:
        client.start()
        client.subscribe(EVERYTHING)

        lose(site)

        [event] = client.hear()["events"]
    assert event["source"] == f"cameras/{site.ready['cameras'][0]}"
    assert event["type"] == catalogue.COMMUNICATION_ERROR
    assert event["stategroupid"] == catalogue.group_id("Communication")
    assert event["time"].endswith("Z")


def test_an_event_triggered_by_rest_is_told_with_its_data(xprotect: Start) -> None:
    site = xprotect()
    source = f"cameras/{site.ready['cameras'][0]}"
    body = {"type": catalogue.ANALYTICS, "source": source, "data": {"Location": "x"}}
    with listening(site) as client:
        client.start()
        client.subscribe(EVERYTHING)

        event = site.rest("POST", "events", json=body).json()["data"]

        assert client.hear() == {"events": [{**event, "data": {"Location": "x"}}]}


def test_only_what_was_subscribed_to_is_told(xprotect: Start) -> None:
    site = xprotect()
    wanted = {**EVERYTHING, "sourceIds": [site.ready["cameras"][1].upper()]}
    with listening(site) as client:
        client.start()
        client.subscribe(wanted)

        lose(site, 0)
        lose(site, 1)

        [event] = client.hear()["events"]
    assert event["source"] == f"cameras/{site.ready['cameras'][1]}"


def test_what_a_subscription_excludes_is_not_told(xprotect: Start) -> None:
    site = xprotect()
    excluded = {
        **EVERYTHING, "modifier": "exclude", "eventTypes": [catalogue.COMMUNICATION_ERROR]
    }  # fmt: skip
    with listening(site) as client:
        client.start()
        client.subscribe(EVERYTHING, excluded)

        lose(site)
        find(site)

        [event] = client.hear()["events"]
    assert event["type"] == catalogue.COMMUNICATING


def test_nothing_more_is_told_once_unsubscribed(xprotect: Start) -> None:
    site = xprotect()
    with listening(site) as client:
        client.start()
        both = client.subscribe(EVERYTHING)["subscriptionId"]
        client.say("removeSubscription", subscriptionId=both)

        lose(site)

        assert client.say("getState") == {"commandId": 4, "status": 200, "states": []}
        assert client.say("removeSubscription", subscriptionId=both)["status"] == 404


def test_the_state_is_that_of_the_enabled_cameras_subscribed_to(xprotect: Start) -> None:
    site = xprotect("--cameras", "2", "--bodyworn", "B8A44F00A001=PM-214")
    lose(site, 0)
    with listening(site) as client:
        client.start()
        client.subscribe({**EVERYTHING, "resourceTypes": ["cameras"]})

        states = client.say("getState")["states"]

    first, second = (f"cameras/{camera}" for camera in site.ready["cameras"])
    worn = f"cameras/{site.ready['bodyworn']['B8A44F00A001']}"
    assert {(state["source"], state["type"]) for state in states} == {
        (first, catalogue.COMMUNICATION_ERROR), (second, catalogue.COMMUNICATING),
        (second, catalogue.RECORDING), (worn, catalogue.COMMUNICATING),
    }  # fmt: skip
    assert {state["specVersion"] for state in states} == {"1.0"}


def test_states_and_events_lead_to_names_in_the_configuration(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    with listening(site) as client:
        client.start()
        client.subscribe(EVERYTHING)
        state = client.say("getState")["states"][0]

    kind = site.rest("GET", f"eventTypes/{state['type']}").json()["data"]
    group = site.rest("GET", f"stateGroups/{state['stategroupid']}").json()["data"]
    assert (kind["state"], group["displayName"]) == ("Started", "Communication")
    assert kind["stateGroupId"] == group["relations"]["self"]["id"]


@pytest.mark.parametrize("gone_s", [0, 30])
def test_a_session_resumed_in_time_tells_what_was_missed(xprotect: Start, gone_s: float) -> None:
    site = xprotect()
    with listening(site) as client:
        session = client.start()["sessionId"]
        client.subscribe(EVERYTHING)
        lose(site, 0)
        last = client.hear()["events"][0]["id"]
    wait_until_gone(site)
    find(site, 0)
    lose(site, 1)
    site.clock.now += gone_s

    with listening(site) as client:
        assert client.start(session, last)["status"] == 200
        missed = [client.hear()["events"][0]["type"] for _ in range(2)]

    assert missed == [catalogue.COMMUNICATING, catalogue.COMMUNICATION_ERROR]


def test_a_session_resumed_too_late_is_another_one_without_a_word(xprotect: Start) -> None:
    site = xprotect()
    with listening(site) as client:
        session = client.start()["sessionId"]
        client.subscribe(EVERYTHING)
    wait_until_gone(site)
    site.clock.now += 31

    with listening(site) as client:
        answer = client.start(session)
        assert client.say("getState")["states"] == []

    assert answer["status"] == 201
    assert answer["sessionId"] != session


def test_a_session_in_use_is_not_given_to_another_connection(xprotect: Start) -> None:
    site = xprotect()
    with listening(site) as first, listening(site) as second:
        session = first.start()["sessionId"]

        assert second.start(session)["status"] == 201


def test_a_recycled_gateway_says_it_is_going_away(xprotect: Start) -> None:
    site = xprotect()
    with listening(site) as client:
        client.start()

        assert site.order("drop") == {"connections": 1}

        with pytest.raises(ConnectionClosed) as closed:
            client.hear()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_the_token_is_checked_when_connecting_and_never_after(xprotect: Start) -> None:
    site = xprotect()
    with listening(site) as client:
        client.start()
        site.order("expire")

        assert client.subscribe(EVERYTHING)["status"] == 200

    with pytest.raises(InvalidStatus) as refused, listening(site):
        pass
    assert refused.value.response.status_code == 401


def test_nobody_enters_without_a_token(xprotect: Start) -> None:
    with pytest.raises(InvalidStatus) as refused, listening(xprotect(logged_in=False)):
        pass

    assert refused.value.response.status_code == 401


def test_2023_r2_has_no_such_endpoint(xprotect: Start) -> None:
    with pytest.raises(InvalidStatus) as refused, listening(xprotect("--release", "2023R2")):
        pass

    assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    "frame",
    [
        "{", "[]", "{}", b"\x00", '{"command": "startSession"}', '{"commandId": 1}',
        '{"command": 1, "commandId": 1}', '{"command": "startSession", "commandId": true}',
        '{"command": "whoAmI", "commandId": 1}',
    ],
)  # fmt: skip
def test_a_malformed_command_closes_the_connection(xprotect: Start, frame: str | bytes) -> None:
    with listening(xprotect()) as client:
        client.socket.send(frame)

        with pytest.raises(ConnectionClosed):
            client.hear()


@pytest.mark.parametrize(
    "filters",
    [
        None, [1], [{**EVERYTHING, "modifier": "perhaps"}], [{"modifier": "include"}],
        [{**EVERYTHING, "sourceIds": "*"}], [{**EVERYTHING, "colour": "red"}],
    ],
)  # fmt: skip
def test_a_filter_that_is_not_understood_is_refused_with_a_text(
    xprotect: Start, filters: object
) -> None:
    with listening(xprotect()) as client:
        client.start()

        answer = client.say("addSubscription", filters=filters)

        assert answer["status"] == 400
        assert answer["error"]["errorText"].startswith("Invalid filters")
        assert client.say("getState")["status"] == 200


def test_a_session_comes_first_and_once(xprotect: Start) -> None:
    with listening(xprotect()) as client:
        assert client.say("getState")["status"] == 400
        assert client.start()["status"] == 201
        assert client.start()["status"] == 400


def wait_until_gone(site: Running) -> None:
    """Wait for the server to notice that the client has closed."""
    for _ in range(1000):
        if site.http.get("/simulator/state").json()["connections"] == 0:
            return
    raise AssertionError("the server still holds the connection")


@pytest.mark.parametrize("path", ["/api/ws/events", "/ws/webrtc/v1", "/"])
def test_a_path_without_a_socket_is_not_found(xprotect: Start, path: str) -> None:
    """Without its version the gateway answers 404 to the upgrade, as was seen on a server."""
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(xprotect().url.replace("http", "ws", 1) + path),
    ):
        pass

    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("release", ["2023R3", "2024R1"])
def test_a_browser_that_cannot_send_a_header_authenticates_since_2024_r1(
    xprotect: Start, release: str
) -> None:
    site = xprotect("--release", release)
    token = site.http.headers["Authorization"]
    url = site.url.replace("http", "ws", 1) + "/api/ws/events/v1"

    if release == "2023R3":
        with pytest.raises(InvalidStatus), connect(url):
            pass
        return
    with connect(url) as socket:
        client = Listener(socket)
        assert client.say("authenticate", token="Bearer x")["status"] == 401
        assert client.say("authenticate", token=token)["status"] == 200
        assert client.start()["status"] == 201
        included = {**EVERYTHING, "modifier": "Include"}
        assert client.say("addSubscription", subscriptionId="", filters=[included])["status"] == 200


def test_who_has_not_authenticated_is_not_answered(xprotect: Start) -> None:
    url = xprotect().url.replace("http", "ws", 1) + "/api/ws/events/v1"

    with connect(url) as socket, pytest.raises(ConnectionClosed):
        Listener(socket).start()


def test_events_come_while_the_answer_to_a_command_is_awaited(xprotect: Start) -> None:
    site = xprotect()
    with listening(site) as client:
        client.start()
        client.subscribe(EVERYTHING)
        site.order("slow", seconds=0.5)
        client.socket.send(json.dumps({"command": "getState", "commandId": 9}))
        lose(site)

        first, second = client.hear(), client.hear()

    assert "events" in first
    assert second["commandId"] == 9
