"""The Axis simulator, driven by clients that are not ours: requests, httpx, websockets."""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
import requests
from requests.auth import HTTPDigestAuth
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from adapters.axis.simulator import Simulator
from tests.serving import Server

TOPIC = "tns1:WebRTC/tnsaxis:Signaling/tnsaxis:CloudEvent"
APP = "/local/BodyWornLiveSelfHosted"


class Served:
    """A simulator on loopback, with a clock that the test moves."""

    def __init__(self) -> None:
        parser = argparse.ArgumentParser()
        Simulator.add_arguments(parser)
        self.simulator = Simulator(
            parser.parse_args(["--officer", "S1=PM-1", "--officer", "S2=PM-2"])
        )
        self.device = self.simulator.device
        self.ahead_s = 0.0
        clock = self.device.clock
        self.device.clock = lambda: clock() + self.ahead_s
        self.device.doorman._clock = self.device.clock
        self.server = Server(self.simulator.app)
        self.server.start()
        self.url = self.server.url

    @property
    def account(self) -> HTTPDigestAuth:
        return HTTPDigestAuth(self.device.doorman.username, self.device.doorman.password)

    def post(self, path: str, body: object) -> requests.Response:
        return requests.post(self.url + path, json=body, auth=self.account, timeout=5)

    def control(self, what: str, **order: Any) -> Any:
        answer = requests.post(f"{self.url}/simulator/{what}", json=order, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def socket(self, token: str | None = None) -> AbstractContextManager[ClientConnection]:
        address = self.url.replace("http", "ws") + "/vapix/ws-data-stream?sources=events"
        return connect(f"{address}&wssession={token or self.token()}")

    def token(self) -> str:
        return requests.get(f"{self.url}/axis-cgi/wssession.cgi", auth=self.account, timeout=5).text


@pytest.fixture
def axis() -> Iterator[Served]:
    served = Served()
    yield served
    served.server.stop()
    served.server.join()


def ask(socket: ClientConnection, method: str, params: object) -> dict[str, Any]:
    socket.send(
        json.dumps({"apiVersion": "1.0", "context": "c", "method": method, "params": params})
    )
    return hear(socket)


def hear(socket: ClientConnection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(socket.recv(timeout=5))
    return answer


@contextmanager
def subscribed(axis: Served, *topics: str) -> Iterator[ClientConnection]:
    filters = [{"topicFilter": topic} for topic in topics or (TOPIC,)]
    with axis.socket() as socket:
        assert ask(socket, "events:configure", {"eventFilterList": filters})["data"] == {}
        yield socket


def event_of(frame: dict[str, Any]) -> dict[str, Any]:
    data = frame["params"]["notification"]["message"]["data"]
    event: dict[str, Any] = json.loads(data["event"])
    assert data["eventType"] == event["type"]
    return event


def test_a_foreign_digest_is_accepted_and_a_wrong_one_refused(axis: Served) -> None:
    path = f"{axis.url}{APP}/status.cgi"
    body = {"apiVersion": "1.0", "method": "getTargets", "params": {}}
    right = httpx.DigestAuth(axis.device.doorman.username, axis.device.doorman.password)

    assert httpx.post(path, json=body, auth=right).status_code == 200
    refused = requests.post(path, json=body, auth=HTTPDigestAuth("renfort", "no"), timeout=5)

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Digest realm=")


def test_a_nonce_grows_stale_and_is_given_anew(axis: Served) -> None:
    session = requests.Session()
    session.auth = axis.account
    assert session.get(f"{axis.url}/axis-cgi/wssession.cgi", timeout=5).status_code == 200
    axis.ahead_s = 301

    again = session.get(f"{axis.url}/axis-cgi/wssession.cgi", timeout=5)

    assert again.status_code == 200
    assert any("stale=true" in each.headers.get("WWW-Authenticate", "") for each in again.history)
    session.close()


def test_basic_is_for_tls_alone(axis: Served) -> None:
    doorman = axis.device.doorman
    plain = base64.b64encode(f"{doorman.username}:{doorman.password}".encode()).decode()

    assert doorman.check("GET", "/", f"Basic {plain}", secure=True) is None
    assert doorman.check("GET", "/", f"Basic {plain}", secure=False)
    assert doorman.check("GET", "/", "Basic !!!", secure=True)


def test_a_session_token_opens_the_socket_for_fifteen_seconds(axis: Served) -> None:
    token = axis.token()
    with axis.socket(token):
        axis.ahead_s = 15.5

    with pytest.raises(InvalidStatus) as refused, axis.socket(token):
        pass

    assert refused.value.response.status_code == 401


def test_digest_on_the_upgrade_opens_it_too(axis: Served) -> None:
    address = axis.url.replace("http", "ws") + "/vapix/ws-data-stream?sources=events"
    with pytest.raises(InvalidStatus) as refused, connect(address):
        pass
    account = axis.account
    account.init_per_thread_state()
    challenge = refused.value.response.headers["WWW-Authenticate"]
    account._thread_local.chal = requests.utils.parse_dict_header(challenge.partition(" ")[2])  # type: ignore[attr-defined, no-untyped-call]
    answer = account.build_digest_header("GET", address.replace("ws", "http", 1))  # type: ignore[no-untyped-call]

    with connect(address, additional_headers={"Authorization": answer}) as socket:
        assert ask(socket, "events:configure", {"eventFilterList": []})["data"] == {}


def test_a_press_is_told_as_it_was_observed(axis: Served) -> None:
    with subscribed(axis) as socket:
        told = axis.control("press", serial="S1", lon=4.0853, lat=43.5606, eph=6.5)
        frame = hear(socket)
        event = event_of(frame)

    assert frame["params"]["notification"]["topic"] == "tns1:WebRTC/tnsaxis:Signaling/CloudEvent"
    assert abs(frame["params"]["notification"]["timestamp"] / 1000 - time.time()) < 5
    assert (event["type"], event["subject"]) == ("com.axis.bodyworn.stream.started", "S1")
    assert event["specversion"] == "1.0"
    assert event["data"]["sessionId"] == told["sessionId"]
    assert event["data"]["recordingId"].endswith("_S1")
    assert (event["data"]["lon"], event["data"]["eph"]) == (4.0853, 6.5)
    assert event["data"]["triggerType"] == "button"


def test_without_a_fix_everything_is_zero(axis: Served) -> None:
    with subscribed(axis) as socket:
        axis.control("press", serial="S1")
        data = event_of(hear(socket))["data"]

    assert [data[name] for name in ("lat", "lon", "eph", "gpsTimestamp")] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("topics", "times"),
    [((TOPIC,), 1), ((TOPIC, "tns1:WebRTC//."), 2), (("tns1:Device/Other",), 0),
     (("tns1:WebRTC/tnsaxis:Signaling/CloudEvent",), 1), (("",), 1)],
)  # fmt: skip
def test_an_event_comes_once_for_each_filter_it_passes(
    axis: Served, topics: tuple[str, ...], times: int
) -> None:
    with subscribed(axis, *topics) as socket:
        axis.control("press", serial="S1")
        axis.control("raw", text='{"last": true}')
        frames = [hear(socket)]
        while "last" not in frames[-1]:
            frames.append(hear(socket))

    assert len(frames) - 1 == times


@pytest.mark.parametrize(
    ("text", "code"),
    [("nonsense", 2101), ('{"method": "events:explode"}', 2102),
     ('{"method": "events:configure", "params": {}}', 2103),
     ('{"method": "events:configure", "params": {"eventFilterList": [{"x": 1}]}}', 2103)],
)  # fmt: skip
def test_a_wrong_order_is_answered_with_its_code(axis: Served, text: str, code: int) -> None:
    with axis.socket() as socket:
        socket.send(text)

        assert hear(socket)["error"]["code"] == code


def test_the_list_tells_who_streams_who_stopped_and_who_is_lost(axis: Served) -> None:
    axis.control("press", serial="S1")
    axis.control("press", serial="S2", deliver=False)
    axis.control("release", serial="S1")
    axis.control("lost", serial="S2")
    body = {"apiVersion": "1.0", "method": "getTargets", "params": {}}

    first, second = axis.post(f"{APP}/status.cgi", body).json()["data"]["targets"]

    assert {"id", "bearerId", "bearerName", "sessionId", "started", "stopped"} == set(first)
    assert "disconnected" in second
    assert "stopped" not in second
    axis.control("found", serial="S2")
    again = axis.post(f"{APP}/status.cgi", body).json()["data"]["targets"][1]
    assert "disconnected" not in again
    assert again["sessionId"] == second["sessionId"]


def test_a_camera_that_never_streamed_has_no_session(axis: Served) -> None:
    body = {"apiVersion": "1.0", "method": "getTargets", "params": {}}

    assert "sessionId" not in axis.post(f"{APP}/status.cgi", body).json()["data"]["targets"][0]


def test_the_signalling_token_lives_five_minutes_and_began_five_seconds_ago(axis: Served) -> None:
    body = {"apiVersion": "1.0", "method": "getSignalingClientToken", "params": {}}
    data = axis.post(f"{APP}/auth.cgi", body).json()["data"]
    head, claims, _ = (part + "=" * (-len(part) % 4) for part in data["token"].split("."))

    told = json.loads(base64.urlsafe_b64decode(claims))
    assert json.loads(base64.urlsafe_b64decode(head))["alg"] == "HS256"
    assert (told["exp"] - told["iat"], told["iat"] - told["nbf"]) == (300, 5)
    assert data["expiresAt"].endswith("Z")


def test_a_viewer_that_says_what_nobody_understands_is_still_heard(axis: Served) -> None:
    session = axis.control("press", serial="S1")["sessionId"]
    body = {"apiVersion": "1.0", "method": "getSignalingClientToken", "params": {}}
    token = axis.post(f"{APP}/auth.cgi", body).json()["data"]["token"]
    address = axis.url.replace("http", "ws") + f"/client?authorization={token}"

    def ask(kind: str, method: str, params: object, session: str = session) -> None:
        data = {"apiVersion": "1.0", "type": "request", "method": method, "sessionId": session,
                "context": "x", "params": params}  # fmt: skip
        known = {"accessToken": token, "correlationId": "c", "targetId": "S1"}
        socket.send(json.dumps(known | {"type": kind, "id": "noid", "data": data}))

    def heard(method: str) -> Any:
        while True:
            told = json.loads(socket.recv(timeout=5))
            if method in (told["type"], told.get("data", {}).get("method")):
                return told

    with connect(address) as socket:
        for odd in ("garbage", "[]", "null", json.dumps({"type": "hello", "accessToken": token}),
                    json.dumps({"type": "signaling", "accessToken": token})):  # fmt: skip
            socket.send(odd)
        ask("hello", "", {})
        assert heard("hello")["id"]
        wish = {"type": "live", "videoReceive": {}}
        ask("initSession", "initSession", wish)
        assert heard("setSdpOffer")["data"]["params"]["type"] == "offer"
        ask("signaling", "setSdpAnswer", {"type": "answer", "sdp": "v=0\r\nm=video"})
        assert heard("setSdpAnswer")["data"]["error"]["message"] == "Invalid parameters"
        ask("initSession", "initSession", wish, "no")
        heard("initSession")  # what was asked comes back, then what became of it
        refused = heard("initSession")["data"]["error"]["message"]

    assert refused == "S1 does not stream in session no"


@pytest.mark.parametrize(
    ("body", "code"),
    [({"apiVersion": "9.0", "method": "getTargets"}, 2100),
     ({"apiVersion": "1.0", "method": "explode"}, 2102), ([], 2101)],
)  # fmt: skip
def test_errors_of_the_json_apis_are_http_200(axis: Served, body: object, code: int) -> None:
    answer = axis.post(f"{APP}/status.cgi", body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)


def test_it_can_be_told_to_refuse_to_fall_silent_and_to_cut(axis: Served) -> None:
    with subscribed(axis) as socket:
        axis.control("mute")
        axis.control("press", serial="S1")
        axis.control("mute", muted=False)
        axis.control("press", serial="S2", delay_s=0.01, duplicate=True)
        first, second = event_of(hear(socket)), event_of(hear(socket))
        assert first["subject"] == "S2"
        assert first["id"] == second["id"]
        assert axis.control("drop") == {"sockets": 1}
        with pytest.raises(Exception, match=r"1001|close"):
            socket.recv(timeout=5)
    axis.control("refuse", seconds=60, status=503)
    body = {"apiVersion": "1.0", "method": "getTargets", "params": {}}
    assert axis.post(f"{APP}/status.cgi", body).status_code == 503


def test_its_clock_and_password_can_be_moved(axis: Served) -> None:
    axis.control("clock", skew_s=-86400)
    with subscribed(axis) as socket:
        axis.control("events", events=[{"type": "x", "id": "1"}, {"type": "y", "id": "2"}])
        frames = [hear(socket), hear(socket)]
    old = axis.account
    axis.control("password", password="another")
    refused = requests.get(f"{axis.url}/axis-cgi/wssession.cgi", auth=old, timeout=5)
    state = requests.get(f"{axis.url}/simulator/state", timeout=5).json()

    assert [event_of(frame)["type"] for frame in frames] == ["x", "y"]
    assert time.time() - frames[0]["params"]["notification"]["timestamp"] / 1000 > 86000
    assert refused.status_code == 401
    assert state["requests"]["/axis-cgi/wssession.cgi"] >= 2
    wrong = requests.post(f"{axis.url}/simulator/press", json={"serial": "none"}, timeout=5)
    assert wrong.status_code == 400


def test_what_a_client_needs_is_said_when_ready(axis: Served) -> None:
    ready = axis.simulator.ready(axis.url)

    assert ready["cameras"] == ["S1", "S2"]
    assert str(ready["events"]).startswith("ws://")
