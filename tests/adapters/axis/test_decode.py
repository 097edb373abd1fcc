"""What a message means, whatever its wrapping; and that nothing breaks the reader."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.axis import Axis
from hooks import Activation, End, Envelope, Fact, LinkChange, LiveList, Malformed, Trigger
from hooks.testing import check_value

NOW = datetime(2026, 11, 23, 18, 4, 30, tzinfo=UTC)
CHANNELS = ["events", "status", "links", "intake"]


def decode(body: object, channel: str, received_at: datetime = NOW) -> list[Fact]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    envelope = Envelope(adapter="axis", body=raw, received_at=received_at, channel=channel)
    return list(Axis().decode(envelope))


def told_before_the_fault(body: object, channel: str) -> tuple[list[Fact], Malformed]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    envelope = Envelope(adapter="axis", body=raw, received_at=NOW, channel=channel)
    facts: list[Fact] = []
    with pytest.raises(Malformed) as caught:
        facts.extend(Axis().decode(envelope))
    # `extend` keeps what a generator gave before it raised.
    return facts, caught.value


def notification(event: object, kind: str = "com.axis.bodyworn.stream.started") -> dict[str, Any]:
    text = event if isinstance(event, str) else json.dumps(event)
    data = {"event": text, "eventType": kind}
    topic = "tns1:WebRTC/tnsaxis:Signaling/CloudEvent"
    inner = {"topic": topic, "message": {"data": data}}
    return {"method": "events:notify", "params": {"notification": inner}}


def press(**data: object) -> dict[str, Any]:
    said = {"sessionId": "s-1", "bearerName": "PM-214", "triggerType": "button", **data}
    return notification(
        {
            "id": "e-1",
            "type": "com.axis.bodyworn.stream.started",
            "subject": "B8A44F00A001",
            "time": "2026-11-23T18:04:05Z",
            "data": said,
        }
    )


def targets(*listed: object) -> dict[str, Any]:
    return {"data": {"targets": list(listed)}}


LIVE = {"id": "B8A44F00A001", "sessionId": "s-1", "started": "2026-11-23T18:04:05Z"}


# --- events ---


def test_a_press_is_named_after_the_maker_s_own_identifiers() -> None:
    [fact] = decode(press(), "events")

    assert isinstance(fact, Activation)
    assert (fact.id, fact.activation, fact.device) == ("axis:e-1", "axis:s-1", "axis:B8A44F00A001")
    assert fact.trigger is Trigger.BUTTON


def test_a_press_heard_twice_is_the_same_fact() -> None:
    first = decode(press(), "events", NOW)
    again = decode(press(), "events", NOW + timedelta(seconds=40))

    assert first == again


def test_an_undated_unnamed_press_heard_twice_has_the_same_name() -> None:
    event = {"type": "com.axis.bodyworn.stream.started", "data": {"bearerName": "PM-214"}}

    [first] = decode(notification(event), "events", NOW)
    [again] = decode(notification(event), "events", NOW + timedelta(seconds=40))

    assert first.id == again.id


def test_zeros_all_over_are_no_fix_and_no_fault() -> None:
    [fact] = decode(press(lat=0.0, lon=0.0, eph=0.0, gpsTimestamp=0), "events")

    assert isinstance(fact, Activation)
    assert fact.position is None
    assert not [name for name in fact.extra if name.startswith("fault.")]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"lat": float("nan"), "lon": 1.4}, "fault.lat"),
        ({"lat": 91.0, "lon": 1.4}, "fault.lat, lon"),
        ({"lat": 43.6, "lon": True}, "fault.lon"),
        ({"lat": 43.6, "lon": 1.4, "eph": -1}, "fault.eph"),
        ({"lat": 43.6, "lon": 1.4, "gpsTimestamp": 9e18}, "fault.gpsTimestamp"),
        ({"bearerId": 7}, "fault.bearerId"),
        ({"bearerName": "x" * 201}, "fault.bearerName"),
        ({"sessionId": None}, "fault.sessionId"),
    ],
)
def test_a_press_with_a_bad_field_is_a_press_that_names_it(
    wrong: dict[str, object], named: str
) -> None:
    [fact] = decode(press(**wrong), "events")

    assert isinstance(fact, Activation)
    assert named in fact.extra


def test_an_event_given_as_an_object_is_read_too() -> None:
    frame = press()
    data = frame["params"]["notification"]["message"]["data"]
    data["event"] = json.loads(data["event"])

    [fact] = decode(frame, "events")

    assert isinstance(fact, Activation)


def test_a_key_written_twice_loses_no_press_and_is_told() -> None:
    frame = press()
    data = frame["params"]["notification"]["message"]["data"]
    data["event"] = data["event"].replace('"id": "e-1"', '"id": "e-0", "id": "e-1"')

    facts, fault = told_before_the_fault(frame, "events")

    assert [fact.id for fact in facts] == ["axis:e-1"]
    assert fault.field == "id"


def test_a_type_nobody_knows_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    frame = notification({"type": f"com.axis.new.{id(caplog)}"})

    with caplog.at_level(logging.WARNING, logger="adapters.axis.decode"):
        assert decode(frame, "events") == []
        assert decode(frame, "events") == []

    assert len(caplog.records) == 1


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe{}",
        b"[]",
        b"null",
        b'{"a":',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
    ids=["nothing", "not-utf8", "list", "null", "cut", "bomb", "bomb-of-objects", "huge", "deep"],
)
def test_a_hostile_message_is_malformed_and_says_what_to_write(body: bytes, channel: str) -> None:
    _, fault = told_before_the_fault(body, channel)

    assert fault.field == "message"
    assert "write" in str(fault) or "nest" in str(fault)


# --- status ---


def test_the_same_state_read_twice_tells_the_same_facts_but_the_list() -> None:
    lost = {**LIVE, "id": "c", "sessionId": "s-2", "disconnected": "2026-11-23T18:04:20Z"}
    over = {**LIVE, "id": "d", "sessionId": "s-3", "stopped": "2026-11-23T18:04:21Z"}

    first = decode(targets(LIVE, lost, over), "status", NOW)
    again = decode(targets(LIVE, lost, over), "status", NOW + timedelta(seconds=15))

    assert first[:-1] == again[:-1]
    assert first[-1].id != again[-1].id


def test_a_lost_link_ends_nothing() -> None:
    facts = decode(targets({**LIVE, "disconnected": "2026-11-23T18:04:20Z"}), "status")

    assert [type(fact) for fact in facts] == [Activation, LinkChange, LiveList]
    assert isinstance(facts[-1], LiveList)
    assert facts[-1].active == ("axis:s-1",)


def test_links_that_stand_are_told_only_when_asked_for() -> None:
    quiet = [fact for fact in decode(targets(LIVE), "status") if isinstance(fact, LinkChange)]
    asked = [fact for fact in decode(targets(LIVE), "links") if isinstance(fact, LinkChange)]

    assert quiet == []
    assert [fact.up for fact in asked] == [True]


def test_a_link_lost_by_a_clock_ahead_is_not_lost_for_ever() -> None:
    lost = decode(targets({**LIVE, "disconnected": "2026-11-23T18:06:00Z"}), "status")
    back = decode(targets(LIVE), "links", NOW + timedelta(seconds=15))

    changes = [fact for fact in lost + back if isinstance(fact, LinkChange)]
    assert [fact.up for fact in sorted(changes, key=lambda fact: fact.at)] == [False, True]


def test_a_link_lost_for_hours_is_no_new_alert_and_no_end_either() -> None:
    facts = decode(targets({**LIVE, "disconnected": "2026-11-23T12:00:00Z"}), "status")

    assert [type(fact) for fact in facts] == [LiveList]
    assert isinstance(facts[0], LiveList)
    assert facts[0].active == ("axis:s-1",)


def test_a_press_missed_during_an_outage_is_told_with_its_end() -> None:
    facts = decode(targets({**LIVE, "stopped": "2026-11-23T18:04:25Z"}), "status")

    assert [type(fact) for fact in facts] == [Activation, End, LiveList]


def test_how_long_a_missed_press_counts_is_a_setting() -> None:
    adapter = Axis()
    adapter.configure({"transport": "bridge", "missed_press_window_s": 60})
    body = json.dumps(targets({**LIVE, "stopped": "2026-11-23T18:03:00Z"})).encode()

    told = adapter.decode(
        Envelope(adapter="axis", body=body, received_at=NOW, channel="status")
    )  # fmt: skip

    assert [type(fact) for fact in told] == [LiveList]


@pytest.mark.parametrize("wrong", [7, {"sessionId": 5}, {"sessionId": "s-9"}, None])
def test_a_list_half_understood_ends_nobody_s_activation(wrong: object) -> None:
    facts, fault = told_before_the_fault(targets(wrong, LIVE), "status")

    assert [type(fact) for fact in facts] == [Activation]
    assert fault.field.startswith("data.targets[0]")


def test_several_faults_are_told_in_one() -> None:
    _, fault = told_before_the_fault(targets(7, LIVE, 8), "status")

    assert fault.field == "data.targets[0], data.targets[2]"


# --- any bytes ---

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["2026-11-23T18:04:05Z", "0001-01-01T00:00:00+23:59", "\ud800", 10**400])
)
_json = st.recursive(
    _leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def survives(body: bytes, channel: str) -> None:
    facts: list[Fact] = []
    try:
        for fact in Axis().decode(
            Envelope(adapter="axis", body=body, received_at=NOW, channel=channel)
        ):
            facts.append(fact)  # noqa: PERF402  (kept when it raises)
    except Malformed as fault:
        said = str(fault)
        assert said
    for fact in facts:
        check_value(fact, "axis")
        msgspec.json.encode(fact)  # a lone surrogate would not pass


@given(st.binary(), st.sampled_from(CHANNELS))
def test_any_bytes_are_survived(body: bytes, channel: str) -> None:
    survives(body, channel)


def any_of(names: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), _json)


_data = any_of(["lat", "lon", "eph", "gpsTimestamp", "bearerId", "bearerName", "triggerType",
                "sessionId", "recordingId"])  # fmt: skip
_kinds = st.sampled_from(["com.axis.bodyworn.stream.started", "com.axis.bodyworn.stream.stopped"])


@given(any_of(["id", "subject", "time"]), _data | _json, _kinds)
def test_any_event_is_survived(event: dict[str, Any], data: object, kind: str) -> None:
    body = json.dumps(notification({**event, "type": kind, "data": data}))

    survives(body.encode(), "events")


@given(any_of(["id", "subject", "time"]), _data)
def test_any_press_is_an_activation(event: dict[str, Any], data: dict[str, Any]) -> None:
    frame = notification({**event, "type": "com.axis.bodyworn.stream.started", "data": data})

    [fact] = decode(frame, "events")

    assert isinstance(fact, Activation)


@given(
    st.lists(
        any_of(["id", "sessionId", "started", "stopped", "disconnected", "bearerId", "bearerName"])
        | _json
    ),
    st.sampled_from(["status", "links"]),
)
def test_any_state_is_survived(listed: list[Any], channel: str) -> None:
    survives(json.dumps(targets(*listed)).encode(), channel)


_members = ["id", "at", "camera_serial", "session_id", "bearer_id", "bearer_name", "trigger",
            "started_at", "ended_at", "position", "media", "raw", "streams", "lat", "lon",
            "accuracy_m", "fix_time", "exercise", "\ud800"]  # fmt: skip
_types = st.sampled_from(["stream.active", "stream.inactive", "location", "snapshot_of_state"])


@given(any_of(_members), _types)
def test_any_message_of_a_companion_is_survived(said: dict[str, Any], kind: str) -> None:
    whole = {"camera_serial": "c", "session_id": "s", "streams": [], **said}

    survives(json.dumps({**whole, "renfort_bridge": 1, "type": kind}).encode(), "intake")
