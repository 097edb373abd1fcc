"""Frames of the Events and State WebSocket, and the facts they tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.milestone.frames import ANSWERS, CHANNEL, facts, last_event, read_time
from hooks import CameraState, Envelope, Malformed
from hooks.testing import check_value

NOW = datetime(2026, 11, 25, 14, 2, tzinfo=UTC)
GUID = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
STARTED, STOPPED, ERROR = ANSWERS


def told(body: object) -> list[CameraState]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = list(facts(Envelope(adapter="milestone", body=raw, received_at=NOW, channel=CHANNEL)))
    for each in found:
        check_value(each, "milestone")
        assert isinstance(each, CameraState)
    return found  # type: ignore[return-value]


def event(kind: str = ERROR, source: str = f"cameras/{GUID}", **more: Any) -> dict[str, Any]:
    return {"id": "e1", "type": kind, "source": source, "time": "2026-11-25T14:01:00.1234567Z",
            **more}  # fmt: skip


@pytest.mark.parametrize(("kind", "alive"), [(STARTED, True), (STOPPED, False), (ERROR, False)])
def test_an_event_tells_whether_a_camera_answers(kind: str, alive: bool) -> None:
    [state] = told({"events": [event(kind)]})

    assert (state.camera, state.alive) == (f"milestone:{GUID}", alive)
    assert state.at == datetime(2026, 11, 25, 14, 1, 0, 123456, tzinfo=UTC)
    assert state.id == "milestone:e1"


def test_nulls_and_numbers_as_texts_change_nothing() -> None:
    """What a serializer has nothing to say of it leaves out, or writes as null."""
    nothing = {"commandId": None, "sessionId": None, "status": None, "error": None}

    [pushed] = told({**nothing, "states": None, "events": [event(data=None)]})
    [state] = told({**nothing, "commandId": "3", "status": "200", "events": None,
                    "states": [event(id=None, time=None)]})  # fmt: skip

    assert (pushed.id, pushed.alive) == ("milestone:e1", False)
    assert (state.at, state.alive) == (NOW, False)


def test_capitals_change_nothing() -> None:
    [state] = told({"events": [event(ERROR.upper(), f"Cameras/{{{GUID.upper()}}}")]})

    assert state.camera == f"milestone:{GUID}"


def test_the_whole_state_is_told_as_events_are() -> None:
    states = [
        {"specVersion": "1.0", "type": kind, "source": f"cameras/{GUID[:-1]}{number}",
         "time": "2026-11-25T14:00:00Z", "stategroupid": GUID}
        for number, kind in enumerate((STARTED, ERROR))
    ]  # fmt: skip

    assert [each.alive for each in told({"commandId": 3, "status": 200, "states": states})] == [
        True, False
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        event("6eb95dd6-7ccc-4bce-99f8-af0d0b582d77"),
        event(source=f"hardware/{GUID}"),
        event(source="cameras/"),
        event(source="cameras/gare"),
    ],
)
def test_what_is_about_something_else_tells_nothing(other: dict[str, Any]) -> None:
    assert told({"events": [other]}) == []


@pytest.mark.parametrize("time", ["", "0001-01-01T00:00:00.0000000", "yesterday"])
def test_a_state_of_unknown_time_is_of_now(time: str) -> None:
    [state] = told({"events": [event(time=time)]})

    assert state.at == NOW


def test_a_time_without_zone_is_utc() -> None:
    assert read_time("2026-11-25T14:01:00") == datetime(2026, 11, 25, 14, 1, tzinfo=UTC)


def test_one_bad_event_does_not_lose_the_others() -> None:
    body = json.dumps({"events": [{"type": 3}, event()]}).encode()
    found = facts(Envelope(adapter="milestone", body=body, received_at=NOW))

    assert isinstance(next(found), CameraState)
    with pytest.raises(Malformed, match="write type and source as texts"):
        next(found)


def test_the_last_event_is_where_a_session_is_resumed() -> None:
    body = json.dumps({"events": [event(id="e1"), event(id="e2")]}).encode()

    assert last_event(body) == "e2"
    assert last_event(b'{"commandId": 1, "status": 200}') == ""
    assert last_event(b"nonsense") == ""


@given(st.binary() | st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["events", "states", "type", "source", "time"]), inner),
    max_leaves=9,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_give_facts_or_malformed(body: bytes) -> None:
    found = facts(Envelope(adapter="milestone", body=body, received_at=NOW))
    try:
        for fact in found:
            assert fact.at <= NOW + timedelta(days=36500)
    except Malformed:
        pass
