"""The daily proof: when it is due, what it measures, what it says when the chain fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    DeviceId,
    Envelope,
    Exercise,
    Fact,
    FactId,
    Health,
    Notice,
    NoticeKind,
    Phase,
    Picture,
    Position,
    Receipt,
    Situation,
    Unreachable,
    hookimpl,
)
from tests.host.paper import Paper, running, until
from vms_plugin import exercise, upkeep
from vms_plugin.engine import Engine
from vms_plugin.exercise import Drills, Proof
from vms_plugin.i18n import Language
from vms_plugin.live import Relay
from vms_plugin.schedule import next_due
from vms_plugin.settings import Settings
from vms_plugin.web import accounts, build
from vms_plugin.web.exercise import LOCAL_KEY

PARIS = ZoneInfo("Europe/Paris")
SHIFTS = (time(6), time(14), time(22))


# --- hours ---


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("times", "after", "due"),
    [
        (SHIFTS, at("2026-11-25T05:59"), "2026-11-25T06:00:00+01:00"),
        (SHIFTS, at("2026-11-25T06:00"), "2026-11-25T14:00:00+01:00"),
        (SHIFTS, at("2026-11-25T23:30"), "2026-11-26T06:00:00+01:00"),
        ([time(2, 30)], at("2026-03-29T00:00"), "2026-03-29T03:30:00+02:00"),  # no 02:30 that day
        ([time(2, 30)], at("2026-10-25T00:00"), "2026-10-25T02:30:00+02:00"),  # the first of two
        ([time(2, 30)], at("2026-10-25T02:31"), "2026-10-26T02:30:00+01:00"),  # not the second
    ],
)
def test_it_is_due_at_the_towns_own_hours_through_changes_of_time(
    times: Any, after: datetime, due: str
) -> None:
    found = next_due(times, after.astimezone(UTC), PARIS)

    assert found is not None
    assert found.astimezone(PARIS).isoformat() == due


@given(st.integers(0, 2 * 365 * 86_400))
def test_three_a_day_are_never_more_than_nine_hours_apart(seconds: int) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    due = next_due(SHIFTS, after, PARIS)

    assert due is not None
    assert timedelta(0) < due - after <= timedelta(hours=9)
    assert next_due((), after, PARIS) is None


# --- through the chain ---


class Town(Paper):
    situation = Situation(near="place de l'Église")

    def bounds(self) -> tuple[float, float, float, float]:
        return (4.0, 43.5, 4.2, 43.6)


class Source:
    """A maker's side that can be pressed, or gives its bytes to hear."""

    def __init__(self) -> None:
        self.over: list[str] = []
        self.place: Position | None = None
        self.broken = False
        self.deaf = False
        self.skew_s = 0.0

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="src", brand="Source", contract=1)

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        if not self.deaf:
            name = envelope.body.decode()
            yield Activation(
                id=FactId(f"src:{name}"), at=envelope.received_at, exercise=True,
                activation=ActivationId(f"src:{name}"), device=DeviceId("src:d"),
                position=self.place,
            )  # fmt: skip

    @hookimpl
    def exercise(self, mark: str, place: Position | None, over: bool) -> Exercise | None:
        if over:
            self.over.append(mark)
            return None
        if self.broken:
            raise Unreachable("the spare camera does not answer")
        self.place = place
        envelope = Envelope(adapter="src", body=mark.encode(), received_at=datetime.now(UTC))
        return Exercise(activation=ActivationId(f"src:{mark}"), envelope=envelope)

    @hookimpl
    def probe(self) -> Health:
        return Health(alive=True, clock_skew_s=self.skew_s)


class Vms:
    """Shows, withdraws, and tells somebody outside."""

    def __init__(self) -> None:
        self.shown: list[Picture] = []
        self.withdrawn: list[Picture] = []
        self.notices: list[Notice] = []

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="vms", brand="Fake", contract=1)

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        self.shown.append(picture)
        return Receipt(data="1")

    @hookimpl
    def withdraw(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> None:
        self.withdrawn.append(picture)

    @hookimpl
    def notify(self, notice: Notice) -> bool:
        self.notices.append(notice)
        return True


class Chain:
    def __init__(self, engine: Engine, drills: Drills, source: Source, vms: Vms) -> None:
        self.engine, self.drills, self.source, self.vms = engine, drills, source, vms
        self.app = build(engine, drills._relay)


@asynccontextmanager
async def chain(path: Path, settings: Settings | None = None) -> AsyncIterator[Chain]:
    source, vms = Source(), Vms()
    settings = settings or Settings(exercise_slow_ms=60_000)  # this machine's load is no fault
    async with running(
        path, {"src": source, "vms": vms}, settings=settings, paper=Town()
    ) as engine:
        relay = Relay(engine)
        drills = Drills(engine, relay)
        await relay.start()
        await drills.start()
        try:
            yield Chain(engine, drills, source, vms)
        finally:
            await drills.stop()
            await relay.stop()


async def test_every_stage_is_reached_marked_and_taken_away_again(tmp_path: Path) -> None:
    async with chain(tmp_path) as there:
        proof = await there.drills.run("Léa")
        told = there.drills.told()
        again = await there.engine.store.last_proof(Proof)
        [incident] = await there.engine.store.pictures(closed=True)

    assert proof.well, proof
    assert set(proof.stages) == {"durable", "picture", "page", "shown:vms", "withdrawn"}
    assert proof.total_ms is not None
    assert not proof.by_maker
    assert all(picture.exercise for picture in there.vms.shown)
    assert there.vms.shown[0].title.startswith("EXERCICE — ")
    assert [each.phase for each in there.vms.withdrawn] == [Phase.CLOSED]
    assert incident.outcome == "fin de l’exercice"
    assert there.source.over == [proof.id]
    assert there.source.place is not None
    assert (there.source.place.lon, there.source.place.lat) == pytest.approx((4.1, 43.55))
    assert again == proof
    assert told is not None
    assert told["well"]
    assert told["said"].startswith("dernière vérification de bout en bout : ")


async def test_a_stage_that_is_not_reached_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exercise, "PATIENCE_S", 0.3)
    monkeypatch.setattr(exercise, "WITHDRAWN_S", 0.1)
    async with chain(tmp_path) as there:
        there.source.deaf = True
        proof = await there.drills.run("Léa")
        told = there.drills.told()

    assert not proof.well
    assert proof.missing == ("durable", "page", "picture", "shown:vms", "withdrawn")
    assert Language("fr").message(proof.said()) == (
        "non atteint : appel consigné, page des opérateurs, situation composée, affiché par vms, "
        "tout retiré"
    )
    assert told is not None
    assert not told["well"]
    assert "non atteint : appel consigné, page des opérateurs" in told["said"]


async def test_a_chain_too_slow_is_not_well(tmp_path: Path) -> None:
    async with chain(tmp_path, Settings(exercise_slow_ms=0.0)) as there:
        proof = await there.drills.run("Léa")

    assert (proof.well, proof.slow, proof.missing) == (False, True, ())


async def test_at_its_hour_it_runs_by_itself_and_a_failure_calls_somebody_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = [datetime.now(UTC) + timedelta(seconds=0.3)]
    monkeypatch.setattr(exercise, "next_due", lambda *_: soon.pop() if soon else None)
    settings = Settings(exercise_times=SHIFTS)
    async with chain(tmp_path, settings) as there:
        there.source.broken = True
        await until(lambda: there.vms.notices)
        [notice] = there.vms.notices
        health = there.drills.told()
    async with chain(tmp_path, settings) as restarted:
        await asyncio.sleep(0.3)
        told = restarted.drills.told()

    assert notice.kind is NoticeKind.CHAIN
    assert notice.title == "Renfort : la vérification de bout en bout a échoué"
    assert notice.text == "non faite : the spare camera does not answer"
    assert health is not None
    assert not health["well"]
    assert restarted.vms.notices == []
    assert told is not None
    assert not told["well"]


async def test_nothing_is_exercised_while_somebody_is_in_danger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon, struck = [datetime.now(UTC)], asyncio.Event()
    monkeypatch.setattr(exercise, "next_due", lambda *_: soon.pop() if soon else None)
    monkeypatch.setattr(exercise, "_until", lambda _: struck.wait())
    monkeypatch.setattr(exercise, "QUIET_S", 0.05)
    hours = Settings(exercise_times=SHIFTS, exercise_slow_ms=60_000)
    async with chain(tmp_path, hours) as there:
        real = Activation(
            id=FactId("src:real"), at=datetime.now(UTC), activation=ActivationId("src:real"),
            device=DeviceId("src:d"),
        )  # fmt: skip
        await there.engine.hear([real], datetime.now(UTC))
        struck.set()  # the hour of the exercise
        await asyncio.sleep(0.6)
        before = there.drills.last
        await until(lambda: "src:real" in there.engine.pictures)
        await there.engine.close(there.engine.pictures[next(iter(there.engine.pictures))].incident,
                                 "Léa", "Résolu")  # fmt: skip
        await until(lambda: there.drills.last)

    assert before is None
    assert there.drills.last is not None
    assert there.drills.last.well


# --- the doors ---


async def test_its_local_door_opens_to_the_key_of_the_database_alone(tmp_path: Path) -> None:
    async with chain(tmp_path) as there:
        await accounts.add(there.engine.store, "Léa", "a long enough phrase", "civil")
        key = (await there.engine.store.secret(LOCAL_KEY)).hex()
        transport = httpx.ASGITransport(app=there.app, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            wrong = await client.post("/local/exercise", headers={"Authorization": "Bearer x"})
            right = await client.post(
                "/local/exercise", headers={"Authorization": f"Bearer {key}"}, timeout=30
            )
            form = {"name": "Léa", "password": "a long enough phrase"}
            await client.post("/login", data=form)
            state = (await client.get("/api/state")).json()
            civil = await client.post("/api/exercise", headers={"X-Renfort-Token": state["token"]})

    assert wrong.status_code == 401
    assert right.json()["well"]
    assert state["health"]["exercise"]["well"]
    assert civil.status_code == 403


async def test_a_clock_that_drifts_is_said_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vms_plugin.web import view

    monkeypatch.setattr(upkeep, "PROBE_S", 0.02)
    async with chain(tmp_path) as there:
        there.source.skew_s = 12.0
        healths = there.engine.healths
        await until(lambda: "src" in healths and healths["src"].clock_skew_s == 12.0)
        health = view.health(there.engine)

    [source] = [each for each in health["adapters"] if each["name"] == "src"]
    assert source["skew"] == "son horloge s’écarte de 12 s de la nôtre : réglez les deux par NTP"
    assert (source["well"], health["well"]) == (False, False)
