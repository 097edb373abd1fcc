"""Each message in `payloads/`, and beside it the facts and the fault that it is.

The expected files were read by a person, line by line; `RENFORT_REWRITE=1` writes them anew.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.axis import Axis
from hooks import Envelope, Fact, Malformed
from hooks.testing import check_decoder, check_value

FOLDER = Path(__file__).parent / "payloads"
CASES = sorted(path for path in FOLDER.glob("*.json") if not path.name.endswith(".facts.json"))
RECEIVED = datetime(2026, 11, 23, 18, 4, 30, tzinfo=UTC)


def channel_of(path: Path) -> str:
    return path.name.partition("-")[0].replace("bridge", "intake")


def read(path: Path) -> dict[str, Any]:
    envelope = Envelope(
        adapter="axis", body=path.read_bytes(), received_at=RECEIVED, channel=channel_of(path)
    )
    facts: list[Fact] = []
    fault: dict[str, str] | None = None
    try:
        for fact in Axis().decode(envelope):
            check_value(fact, "axis")
            facts.append(fact)
    except Malformed as error:
        fault = {"field": error.field, "remedy": error.text.format(**error.params)}
    told = [{"fact": type(fact).__name__, **plain(fact)} for fact in facts]
    return {"facts": told, "fault": fault}


def plain(fact: Fact) -> dict[str, Any]:
    """Write a fact as JSON has it, without what is not said."""
    written: dict[str, Any] = json.loads(msgspec.json.encode(fact))
    return {name: value for name, value in written.items() if value not in (None, {}, "")}


def test_there_are_messages() -> None:
    assert len(CASES) > 50


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_message_tells_the_facts_beside_it(path: Path) -> None:
    beside = path.with_suffix(".facts.json")
    now = read(path)
    if os.environ.get("RENFORT_REWRITE"):
        beside.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert now == json.loads(beside.read_text(encoding="utf-8"))


@pytest.mark.parametrize("channel", ["events", "status", "links", "intake"])
def test_the_decoder_keeps_the_contract_on_damaged_messages(channel: str) -> None:
    good = [
        path.read_bytes()
        for path in CASES
        if channel_of(path) == channel and read(path)["fault"] is None
    ][:8]

    told = check_decoder(Axis(), good, {"transport": "bridge"}, channel=channel)

    assert told
