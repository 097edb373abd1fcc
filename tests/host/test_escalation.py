"""An alert that nobody confirms: who is called on, when, and never twice."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    DeviceId,
    Escalation,
    FactId,
    IncidentId,
    Notice,
    NoticeKind,
    Officer,
    Situation,
    Unreachable,
    hookimpl,
)
from tests.host import paper
from tests.host.paper import Paper, idle, until
from vms_plugin import delivery, upkeep
from vms_plugin.engine import Engine
from vms_plugin.escalation import due
from vms_plugin.incident import Incident, Informed, TakenInCharge
from vms_plugin.rights import Person, rights_of
from vms_plugin.web import view

INCIDENT = IncidentId("axis:s1")
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
AFTER = {"room_s": 30, "outside_s": 60}


def press(at: datetime, **more: Any) -> Activation:
    return Activation(
        id=FactId("axis:e1"), at=at, activation=ActivationId(INCIDENT), device=DeviceId("axis:d"),
        officer=Officer(call_sign="PM-214"), **more,
    )  # fmt: skip


def steps(incident: Incident, waited_s: float, *, reachable: bool = True) -> list[str]:
    at = NOW + timedelta(seconds=waited_s)
    return [each.step.value for each in due(incident, at, reachable=reachable, **AFTER)]


ALERT = Incident(id=INCIDENT).add(press(NOW))


@pytest.mark.parametrize(
    ("waited_s", "expected"),
    [(29, []), (30, ["room"]), (59.9, ["room"]), (61, ["room", "outside"])],
)  # fmt: skip
def test_it_grows_louder_with_the_time_the_officer_waits(
    waited_s: float, expected: list[str]
) -> None:
    assert steps(ALERT, waited_s) == expected


def test_each_step_is_taken_once() -> None:
    louder = ALERT
    for step in due(ALERT, NOW + timedelta(seconds=40), reachable=True, **AFTER):
        louder = louder.add(step)

    assert louder.escalated is Escalation.ROOM
    assert steps(louder, 50) == []
    assert steps(louder, 70) == ["outside"]


def test_what_somebody_confirmed_grows_no_louder_and_is_quiet_again() -> None:
    [step] = due(ALERT, NOW + timedelta(seconds=40), reachable=True, **AFTER)
    taken = TakenInCharge(id=FactId("renfort:t"), at=NOW, incident=INCIDENT, by="Léa")

    assert steps(ALERT.add(taken), 3600) == []
    assert ALERT.add(step).add(taken).escalated is Escalation.NONE


def test_an_exercise_stays_in_the_room() -> None:
    assert steps(Incident(id=INCIDENT).add(press(NOW, exercise=True)), 3600) == ["room"]


def test_without_anybody_to_tell_outside_nobody_is_said_to_be() -> None:
    assert steps(ALERT, 3600, reachable=False) == ["room"]


# --- through the engine ---


class Town(Paper):
    situation = Situation(near="rue du Port")

    def commune_at(self, *_: object) -> str:
        return "34023"


class Pager:
    """Somebody outside, behind a gateway that fails some times."""

    def __init__(self, failures: int = 0) -> None:
        self.notices: list[Notice] = []
        self.failures = failures

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="pager", brand="Fake", contract=1)

    @hookimpl
    def notify(self, notice: Notice) -> bool:
        if self.failures:
            self.failures -= 1
            raise Unreachable("the gateway does not answer")
        self.notices.append(notice)
        return True


def running(path: Path, pager: Pager) -> AbstractAsyncContextManager[Engine]:
    return paper.running(path, {"pager": pager}, paper=Town())


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "TICK_S", 0.02)
    monkeypatch.setattr(delivery, "PATIENCE_S", (0.01,))


async def test_the_contact_is_called_through_failures_and_restarts_and_once(tmp_path: Path) -> None:
    waited = datetime.now(UTC) - timedelta(seconds=70)
    pager = Pager(failures=3)
    async with running(tmp_path, pager) as engine:
        await engine.hear([press(waited)], datetime.now(UTC))
        await until(lambda: pager.notices)
        await until(lambda: any(
            isinstance(fact, Informed) for fact in engine.board.incidents[INCIDENT].facts
        ))  # fmt: skip
        picture = engine.pictures[INCIDENT]
    async with running(tmp_path, pager) as engine:
        await until(lambda: engine.pictures[INCIDENT].escalated is Escalation.OUTSIDE)
        await asyncio.sleep(0.2)
        kinds = [type(fact).__name__ for fact in await engine.store.facts_of(INCIDENT)]

    [notice] = pager.notices
    assert notice.kind is NoticeKind.UNCONFIRMED
    assert notice.title == "NON CONFIRMÉE : AGENT EN DANGER : PM-214, rue du Port"
    assert notice.incident == INCIDENT
    assert picture.escalated is Escalation.OUTSIDE
    assert sorted(kinds) == ["Activation", "Escalated", "Escalated", "Informed"]


async def test_nobody_outside_is_called_once_somebody_confirmed(tmp_path: Path) -> None:
    pager = Pager(failures=10_000)
    async with running(tmp_path, pager) as engine:
        await engine.hear([press(datetime.now(UTC) - timedelta(seconds=70))], datetime.now(UTC))
        await until(lambda: pager.failures < 10_000)
        await engine.take_in_charge(INCIDENT, "Léa")
        await until(lambda: engine.pictures[INCIDENT].escalated is Escalation.NONE)
        await idle(engine, "pager")
        pager.failures = 0
        await asyncio.sleep(0.2)

    assert pager.notices == []


async def test_what_nobody_confirms_is_told_to_the_operators_of_every_commune(
    tmp_path: Path,
) -> None:
    person = Person(name="Léa", rights=rights_of("policier"), communes=frozenset({"34344"}))
    async with running(tmp_path, Pager()) as engine:
        fresh = press(datetime.now(UTC))
        await engine.hear([fresh], datetime.now(UTC))
        await until(lambda: INCIDENT in engine.pictures)
        place = replace(fresh, id=FactId("axis:e2"))
        await engine.hear([place], datetime.now(UTC))
        await engine.place(INCIDENT, 4.05, 43.55, "Marc")
        await until(lambda: engine.pictures[INCIDENT].position)
        before = view.concerns(engine, engine.pictures[INCIDENT], person)
        late = replace(fresh, id=FactId("axis:e0"), at=fresh.at - timedelta(seconds=40))
        await engine.hear([late], datetime.now(UTC))
        await until(lambda: engine.pictures[INCIDENT].escalated)
        after = view.concerns(engine, engine.pictures[INCIDENT], person)

    assert (before, after) == (False, True)


async def test_whoever_has_nobody_to_tell_writes_nothing_in_the_log(tmp_path: Path) -> None:
    class Nobody(Pager):
        @hookimpl
        def notify(self, notice: Notice) -> None:  # type: ignore[override]
            self.notices.append(notice)

    pager = Nobody()
    async with running(tmp_path, pager) as engine:
        await engine.hear([press(datetime.now(UTC) - timedelta(seconds=70))], datetime.now(UTC))
        await until(lambda: pager.notices)
        await asyncio.sleep(0.2)
        facts = await engine.store.facts_of(INCIDENT)

    assert not [fact for fact in facts if isinstance(fact, Informed)]
