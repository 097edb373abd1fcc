"""The words of the signalling socket."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.axis.signaling import Talk, hear, life_of

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "data", "params", "method", "turnServers", "urls", "error", "x"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def frame(**data: Any) -> str:
    return json.dumps({"type": "signaling", "targetId": "S1", "orgId": None, "data": data})


def test_turn_servers_are_rewritten_in_the_words_that_webrtc_knows() -> None:
    said = {
        "type": "initSession",
        "turnServers": [
            {
                "urls": [
                    "turn://10.0.0.1:3478?transport=tcp",
                    "turn://10.0.0.1:3478?transport=udp",
                ],
                "username": "1795457040:axis",
                "password": "secret",
            }
        ],
        "stunServers": [{"urls": ["stun://10.0.0.1:3478"]}],
    }
    account = {"username": "1795457040:axis", "credential": "secret"}

    assert hear(json.dumps(said)).servers == (
        {"urls": "turn:10.0.0.1:3478?transport=udp", **account},
        {"urls": "turn:10.0.0.1:3478?transport=tcp", **account},
        {"urls": "stun:10.0.0.1:3478"},
    )


def test_what_the_camera_asks_is_heard_with_its_parameters() -> None:
    heard = hear(frame(type="request", method="setSdpOffer", params={"sdp": "v=0"}))

    assert (heard.kind, heard.params) == ("setSdpOffer", {"sdp": "v=0"})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"error": {"code": 2, "message": "no such target"}}, "2 no such target"),
        ({"error": "busy"}, "busy"),
    ],
)
def test_a_refusal_is_told_in_its_own_words(data: dict[str, Any], said: str) -> None:
    assert hear(frame(type="response", **data)).fault == said


@given(JSON)
def test_nothing_that_comes_is_more_than_a_frame_without_meaning(said: object) -> None:
    hear(json.dumps(said))


def test_bytes_that_are_no_json_mean_nothing() -> None:
    assert hear(b"\xff\x00").kind == ""
    assert hear("[" * 100_000).kind == ""


def test_every_frame_carries_the_token_and_the_session() -> None:
    talk = Talk("S1", "session-1")
    asked = json.loads(talk.ask("setSdpAnswer", {"sdp": "v=0"}, "token"))
    answered = json.loads(talk.answer({"method": "addIceCandidate", "context": "c"}, "token"))
    hello = json.loads(talk.hello("token"))

    assert {each["accessToken"] for each in (asked, answered, hello)} == {"token"}
    assert asked["data"]["sessionId"] == "session-1"
    assert asked["targetId"] == "S1"
    assert answered["data"] == {
        "apiVersion": "1.0", "type": "response", "method": "addIceCandidate", "sessionId": None,
        "context": "c", "data": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("claims", "life_s"),
    [
        ({"exp": 1_796_064_746, "nbf": 1_796_064_441, "iat": 1_796_064_446}, 300),
        ({"exp": 130.5, "iat": 100}, 30.5),
        ({"exp": 100, "iat": 100}, math.inf),
        ({"exp": 100}, math.inf),
        ({"exp": "soon", "iat": []}, math.inf),
        ([], math.inf),
    ],
)
def test_a_token_says_how_long_it_lives_or_nothing(claims: object, life_s: float) -> None:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    assert life_of(f"head.{body}.sign") == life_s


@given(st.text())
def test_any_token_is_one(token: str) -> None:
    assert life_of(token) > 0
