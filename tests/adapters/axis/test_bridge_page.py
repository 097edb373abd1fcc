"""The page that companions are written from says the truth: every example in it is decoded."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.axis import Axis
from adapters.axis.bridge import _READERS
from hooks import Activation, End, Envelope, Fact, Fix, LiveList

PAGE = (Path(__file__).parents[3] / "docs" / "integrators" / "bridge.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
TELLS: dict[str, list[type[Fact]]] = {
    "hello": [],
    "heartbeat": [],
    "remote_activation": [],
    "stream.active": [Activation],
    "stream.inactive": [End],
    "location": [Fix],
}


def decoded(body: str) -> list[Fact]:
    envelope = Envelope(
        adapter="axis",
        body=body.encode(),
        received_at=datetime(2026, 11, 23, 18, 30, 11, tzinfo=UTC),
        channel="intake",
    )
    return list(Axis().decode(envelope))


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_understood_without_fault(example: str) -> None:
    message = json.loads(example)

    told = [type(fact) for fact in decoded(example)]

    if message["type"] == "snapshot_of_state":
        assert told == [Activation] * len(message["streams"]) + [LiveList]
    else:
        assert told == TELLS[message["type"]]


def test_every_type_of_message_has_an_example_and_a_heading() -> None:
    shown = {json.loads(example)["type"] for example in EXAMPLES}

    assert shown == set(_READERS)
    assert all(f"### `{kind}`" in PAGE for kind in _READERS)


def test_the_curl_example_sends_a_drill_that_is_understood() -> None:
    [body] = re.findall(r"-d '(\{.*?\})'", PAGE, re.DOTALL)

    [press] = decoded(body)

    assert isinstance(press, Activation)
    assert press.exercise


def test_the_full_press_keeps_everything_it_says() -> None:
    [press] = [f for text in EXAMPLES if '"m-7"' in text for f in decoded(text)]

    assert isinstance(press, Activation)
    assert press.officer.call_sign == "PM-214"
    assert press.position is not None
    assert press.position.fixed_at == datetime(2026, 11, 23, 18, 4, 2, tzinfo=UTC)
    assert press.extra["media.url"] == "rtsp://127.0.0.1:8554/B8A44F00A001"
    assert press.extra["raw.recordingId"] == "20261123_190312_7F3A_B8A44F00A001"
    assert not [name for name in press.extra if name.startswith("fault.")]
