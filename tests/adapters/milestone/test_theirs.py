"""What others did to our alarms: who did it, and that it is told once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.milestone import theirs
from adapters.milestone.client import Client
from adapters.milestone.site import Site
from adapters.milestone.theirs import CHANNEL, Ours, author, facts
from hooks import ClosedElsewhere, Envelope, Malformed, Message, TakenElsewhere
from hooks.testing import check_value

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Start

NOW = datetime(2026, 11, 25, 14, 2, tzinfo=UTC)
STATES = [
    {"id": f"s{level}", "level": level, "name": name}
    for level, name in ((1, "New"), (4, "In progress"), (11, "Closed"))
]


def told(level: int, written: int, **row: Any) -> list[Any]:
    alarm = {"id": "a1", "message": "PM-214 [renfort:axis:1]", "state": {"id": f"s{level}"}, **row}
    body = json.dumps({"alarm": alarm, "states": STATES, "written": written}).encode()
    found = list(facts(Envelope(adapter="milestone", body=body, received_at=NOW, channel=CHANNEL)))
    for each in found:
        check_value(each, "milestone")
    return found


def test_taken_there() -> None:
    [taken] = told(4, 1, changedBy="Paul", assignedTo={"displayName": "Room"})

    assert isinstance(taken, TakenElsewhere)
    assert (taken.incident, taken.by, taken.at) == ("axis:1", "Paul", NOW)


def test_closed_there_without_having_been_taken_is_both() -> None:
    taken, closed = told(11, 1, reasonForClosing="False alarm")

    assert isinstance(taken, TakenElsewhere)
    assert isinstance(closed, ClosedElsewhere)
    assert (closed.outcome, closed.by) == ("False alarm", "XProtect")


@pytest.mark.parametrize(("level", "written"), [(1, 1), (4, 4), (1, 0), (11, 11), (1, 4)])
def test_what_we_wrote_or_what_went_back_tells_nothing(level: int, written: int) -> None:
    assert told(level, written) == []


def test_the_same_reading_twice_is_the_same_fact() -> None:
    assert [each.id for each in told(11, 1)] == [each.id for each in told(11, 1)]


@given(st.binary() | st.builds(
    lambda **body: json.dumps(body).encode(),
    alarm=st.none() | st.text() | st.dictionaries(st.text(max_size=6), st.integers() | st.text()),
    states=st.none() | st.lists(st.none() | st.dictionaries(st.text(max_size=6), st.integers())),
    written=st.integers() | st.text(),
))  # fmt: skip
def test_anything_else_is_malformed_or_nothing(body: bytes) -> None:
    with contextlib.suppress(Malformed):
        list(facts(Envelope(adapter="milestone", body=body, received_at=NOW, channel=CHANNEL)))


def test_the_last_who_brought_the_alarm_there_is_its_author() -> None:
    history: list[dict[str, Any]] = [
        {"time": "2026-11-25T14:00:03.0000000Z", "user": "CSU\\paul", "state": {"id": "s4"}},
        {"time": "2026-11-25T14:00:01.0000000Z", "userName": "renfort", "state": {"id": "s4"}},
        {"time": "2026-11-25T14:00:09.0000000Z", "userName": "renfort", "comment": "…"},
        {"time": "2026-11-25T14:00:07.0000000Z", "userName": "lea", "state": {"id": "s11"}},
    ]

    assert author(history, STATES, 4) == "CSU\\paul"
    assert author(history, STATES, 11) == "lea"
    assert author([], STATES, 4) == ""
    assert author([{"state": {"id": "s4"}}], STATES, 4) == ""


@pytest.mark.parametrize(
    ("name", "ours"),
    [("renfort", True), ("[BASIC]\\Renfort", True), ("paul", False), ("", False),
     ("CSU\\renforts", False)],
)  # fmt: skip
def test_our_own_account_is_known_however_the_site_writes_it(name: str, ours: bool) -> None:
    client = Client(Site(url="https://vms.example.org", username="renfort", password="s"))

    assert client.is_us(name) is ours
    client.close()


def test_an_alarm_goes_forward_only() -> None:
    ours = Ours()
    ours.wrote("a", 4)
    ours.wrote("a", 1)
    ours.found("a")
    ours.found("b")

    assert ours.levels == {"a": 4, "b": 0}


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Ear:
    """A host that keeps what it is told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signs = 0

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        self.bodies.append(envelope.body)
        return ()

    def up(self) -> None:
        self.signs += 1


async def test_an_alarm_accepted_and_not_there_yet_is_still_watched(
    xprotect: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202: accepted, which is not yet found."""
    monkeypatch.setattr(theirs, "POLL_S", 0.01)
    site = xprotect()
    client = Client(
        Site(url=site.url, username=site.ready["username"], password=site.ready["password"])
    )
    client.warm()
    body = {"name": "Alerte", "message": "PM-214 [renfort:axis:1]"}
    alarm = await asyncio.to_thread(client.create_alarm, body, site.ready["cameras"][:1])
    site.order("fail", status=404, count=5, method="GET", path=f"alarms/{alarm}")
    watch, ear = theirs.AlarmWatch(client, lambda *_: None), Ear()
    task = asyncio.ensure_future(watch.run(ear))
    try:
        await until(lambda: ear.signs > 20)
        site.order("acknowledge", id=alarm, user="Paul")
        await until(lambda: ear.bodies)
        site.order("forget", id=alarm)
        await until(lambda: not client.ours.levels)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        client.close()

    assert json.loads(ear.bodies[0])["alarm"]["changedBy"] == "Paul"
    assert len(ear.bodies) == 1
