"""The engine: durable first, then shown; nothing lost, nothing doubled, nobody waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    Camera,
    CameraId,
    Crew,
    CrewFix,
    CrewId,
    CrewStatus,
    DeviceId,
    End,
    Envelope,
    Fact,
    FactId,
    Feed,
    IncidentId,
    Listener,
    LiveList,
    Malformed,
    Order,
    Phase,
    Picture,
    Position,
    Receipt,
    Refused,
    Situation,
    Unreachable,
    hookimpl,
)
from vms_plugin.adapters import Adapters
from vms_plugin.atlas import Atlas
from vms_plugin.engine import Engine, UnknownIncidentError
from vms_plugin.incident import Incident
from vms_plugin.settings import Settings
from vms_plugin.store import Store

INCIDENT = IncidentId("axis:s1")


class Paper:
    """An atlas with nothing on it."""

    patience_s = 600.0

    def load(self) -> None: ...
    def close(self) -> None: ...
    def ask_vms(self, adapters: Adapters) -> None: ...
    def refresh(self) -> bool:
        return False

    def situate(self, *_: Any, **__: Any) -> Situation:
        return Situation()


class Vms:
    """A VMS that remembers every alarm, and misbehaves when told to."""

    name = "vms"

    def __init__(self) -> None:
        self.alarms: dict[str, list[tuple[int, Phase]]] = {}
        self.closed: list[str] = []
        self.orders: list[tuple[str, Order]] = []
        self.seen: list[str] = []
        self.calls: list[tuple[str, int, bool]] = []
        self.fail: Callable[[], None] = lambda: None
        self.gate = threading.Event()
        self.gate.set()

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name=self.name, brand="Fake", contract=1)

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        self.calls.append((picture.incident, picture.version, repeated))
        self.gate.wait(10)
        found = receipt.data if receipt else (picture.incident if repeated else None)
        if found is None or found not in self.alarms:
            assert picture.incident not in self.alarms, "a second alarm for one incident"
            self.alarms[picture.incident] = []
        self.alarms[picture.incident].append((picture.version, picture.phase))
        self.fail()
        return Receipt(data=picture.incident)

    @hookimpl
    def withdraw(self, picture: Picture, receipt: Receipt | None) -> Receipt | None:
        self.closed.append(picture.incident)
        return receipt

    @hookimpl
    def engage(self, order: Order) -> bool:
        self.orders.append(("engage", order))
        return True

    @hookimpl
    def release(self, order: Order) -> bool:
        self.orders.append(("release", order))
        return True

    @hookimpl
    def acknowledge(self, activation: ActivationId) -> bool:
        self.seen.append(activation)
        return True


class Source:
    """A source whose messages are words: `press`, `end`, `bad`, `old`."""

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="axis", brand="Fake", contract=1)

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        for word in envelope.body.decode().split():
            if word == "bad":
                raise Malformed("word", word, "write press")
            yield press(at=envelope.received_at - timedelta(days=9000 * (word == "old")))


def press(session: str = "axis:s1", at: datetime | None = None, lon: float | None = 4.08) -> Fact:
    position = Position(lon=lon, lat=43.56, accuracy_m=6) if lon is not None else None
    return Activation(
        id=FactId(f"{session}:start"), at=at or datetime.now(UTC), position=position,
        activation=ActivationId(session), device=DeviceId("axis:D"),
    )  # fmt: skip


def end(session: str = "axis:s1") -> Fact:
    return End(id=FactId(f"{session}:end"), at=datetime.now(UTC),
               activation=ActivationId(session), device=DeviceId("axis:D"))  # fmt: skip


@asynccontextmanager
async def running(
    path: Path, settings: Settings | None = None, **plugins: Any
) -> AsyncIterator[Engine]:
    adapters = Adapters()
    adapters.load({"axis": Source, **plugins}, {})
    store = Store(path / "renfort.db")
    engine = Engine(settings or Settings(), adapters, store, Paper())  # type: ignore[arg-type]
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
        store.close()
        assert not engine.broken.is_set()


async def until(true: Callable[[], object], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def tell(engine: Engine, *facts: Fact) -> None:
    await engine.hear(list(facts), datetime.now(UTC))


async def test_a_press_becomes_one_alarm_and_one_picture(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        pages = engine.subscribe()
        await tell(engine, press(), press())
        await until(lambda: vms.alarms.get("axis:s1"))
        events = [pages.get_nowait() for _ in range(pages.qsize())]

    pictures = [event.picture for event in events if event.picture]
    assert [(each.version, each.phase) for each in pictures] == [(1, Phase.NEW)]
    assert vms.alarms == {"axis:s1": [(1, Phase.NEW)]}
    assert vms.calls[0] == ("axis:s1", 1, False)


async def test_every_stage_of_the_chain_is_dated(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: "shown:vms" in engine.stages[INCIDENT].at)
        stages = engine.stages[INCIDENT].at

    assert stages["durable"] <= stages["picture"] <= stages["shown:vms"]


async def test_decisions_are_journaled_and_told_to_all(tmp_path: Path) -> None:
    vms, crew = Vms(), CrewId("crews:21")
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await engine.take_in_charge(INCIDENT, "Léa")
        await engine.engage(INCIDENT, crew, "Léa")
        await until(lambda: vms.orders and vms.seen)
        await engine.release(INCIDENT, crew, "Léa")
        await until(lambda: len(vms.orders) == 2)
        kinds = [type(fact).__name__ for fact in await engine.store.facts_of(INCIDENT)]

    assert kinds == ["Activation", "TakenInCharge", "Engaged", "Released"]
    assert [(hook, order.given_by) for hook, order in vms.orders] == [
        ("engage", "Léa"), ("release", "Léa"),
    ]  # fmt: skip
    assert vms.seen == ["axis:s1"]


async def test_a_closed_incident_is_withdrawn_and_stays_closed(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: vms.alarms)
        await engine.close(INCIDENT, "Léa", "fausse alerte")
        await until(lambda: vms.closed)
        await tell(engine, end())
        refused = None
        try:
            await engine.take_in_charge(INCIDENT, "Marc")
        except UnknownIncidentError as error:
            refused = error

    assert vms.closed == ["axis:s1"]
    assert refused is not None


async def test_a_late_word_on_a_closed_incident_raises_no_alert_after_a_restart(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, vms=Vms()) as engine:
        await tell(engine, press())
        await until(lambda: engine.pictures)
        await engine.close(INCIDENT, "Léa", "fini")
        await until(lambda: engine.pictures[INCIDENT].phase is Phase.CLOSED)

    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, end())
        await asyncio.sleep(0.05)
        assert INCIDENT not in engine.board.incidents
        assert len(await engine.store.facts_of(INCIDENT)) == 3
    assert vms.calls == []


async def test_a_slow_vms_delays_no_other_and_skips_to_the_newest(tmp_path: Path) -> None:
    slow, quick = Vms(), Vms()
    slow.name, quick.name = "slow", "quick"
    slow.gate.clear()
    async with running(tmp_path, slow=slow, quick=quick) as engine:
        await tell(engine, press())
        await until(lambda: quick.alarms)
        await engine.take_in_charge(INCIDENT, "Léa")
        await engine.engage(INCIDENT, CrewId("crews:1"), "Léa")
        await until(lambda: quick.alarms["axis:s1"][-1][1] is Phase.ENGAGED)
        assert slow.alarms == {}
        slow.gate.set()
        await until(lambda: slow.alarms and slow.alarms["axis:s1"][-1][1] is Phase.ENGAGED)

    shown = [version for version, _ in slow.alarms["axis:s1"]]
    assert shown[0] == 1
    assert shown == sorted(set(shown))


async def test_a_reply_lost_is_looked_for_and_never_doubled(tmp_path: Path) -> None:
    vms, lost = Vms(), [True]

    def lose() -> None:
        if lost:
            lost.pop()
            raise Unreachable("the reply was lost")

    vms.fail = lose
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: len(vms.calls) >= 2)
        await until(lambda: not engine.behind("vms"))

    assert list(vms.alarms) == ["axis:s1"]
    assert vms.calls[1][2] is True


async def test_after_a_restart_what_was_shown_is_not_shown_again(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: engine.pictures and not engine.behind("vms"))

    again = Vms()
    async with running(tmp_path, vms=again) as engine:
        await asyncio.sleep(0.1)
        assert engine.pictures[INCIDENT].version == 1
    assert again.calls == []


async def test_after_a_crash_between_fact_and_picture_the_press_is_shown(tmp_path: Path) -> None:
    store = Store(tmp_path / "renfort.db")
    await store.append([press()], datetime.now(UTC))
    store.close()

    vms = Vms()
    async with running(tmp_path, vms=vms):
        await until(lambda: vms.alarms)


async def test_an_incident_lived_while_the_vms_was_away_is_shown_and_closed_on_return(
    tmp_path: Path,
) -> None:
    away = [True]
    vms = Vms()

    def refuse() -> None:
        if away:
            raise Unreachable("away")

    shown: list[str] = []

    class Away(Vms):
        @hookimpl
        def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
            refuse()
            shown.append(picture.phase)
            return Receipt(data=picture.incident)

    vms = Away()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: engine.pictures)
        await engine.close(INCIDENT, "Léa", "fini")
        await until(lambda: engine.pictures[INCIDENT].phase is Phase.CLOSED)
        away.clear()
        await until(lambda: vms.closed)

    assert shown == [Phase.CLOSED]
    assert vms.closed == ["axis:s1"]


async def test_a_refusal_is_named_and_not_hammered(tmp_path: Path) -> None:
    class Locked(Vms):
        @hookimpl
        def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
            self.calls.append((picture.incident, picture.version, repeated))
            raise Refused("the account {name} is locked", name="renfort")

    vms = Locked()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: engine.adapters["vms"].failures)
        await asyncio.sleep(0.6)
        why = str(engine.adapters["vms"].failures["show"].why)

    assert why == "the account renfort is locked"
    assert len(vms.calls) == 1


async def test_what_is_not_understood_is_kept_and_said(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        envelope = Envelope(adapter="axis", body=b"press bad", received_at=datetime.now(UTC))
        answer = await engine.receive(envelope)
        kept = await engine.store.unread_count()

    assert answer.facts == ("axis:s1:start",)
    assert [str(fault) for fault in answer.faults] == ["word = 'bad': write press"]
    assert kept == 1


async def test_a_press_from_a_clock_years_off_is_a_press_of_now(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        now = datetime.now(UTC)
        answer = await engine.receive(Envelope(adapter="axis", body=b"old", received_at=now))
        opened = engine.board.incidents[INCIDENT].opened_at

    assert opened == now
    assert "set the sender's clock" in str(answer.faults[0])


async def test_an_end_during_an_outage_is_inferred_from_the_list(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        await tell(engine, press())
        later = datetime.now(UTC) + timedelta(seconds=1)
        await tell(engine, LiveList(id=FactId("axis:live"), at=later, active=()))
        ended = engine.board.incidents[INCIDENT].ended_at
        kinds = [type(fact).__name__ for fact in await engine.store.facts_of(INCIDENT)]

    assert ended == later
    assert kinds == ["Activation", "End"]


async def test_an_alert_taken_in_charge_and_over_closes_by_the_houses_rule(tmp_path: Path) -> None:
    async with running(tmp_path, Settings(close_after_end_s=0)) as engine:
        await tell(engine, press())
        await engine.take_in_charge(INCIDENT, "Léa")
        await tell(engine, end())
        await until(lambda: engine.board.incidents[INCIDENT].closed)
        closed = engine.board.incidents[INCIDENT].closed

    assert closed is not None
    assert closed.by == "Renfort"


async def test_crews_are_known_again_after_a_restart(tmp_path: Path) -> None:
    crew = CrewFix(
        id=FactId("crews:1:a"), at=datetime.now(UTC), crew=CrewId("crews:1"), name="Brigade 1",
        status=CrewStatus.FREE, position=Position(lon=4, lat=43, fixed_at=datetime.now(UTC)),
    )  # fmt: skip
    async with running(tmp_path) as engine:
        await tell(engine, crew)
        before = engine.crews()

    async with running(tmp_path) as engine:
        assert engine.crews() == before


async def test_a_feed_is_answered_only_once_its_facts_are_durable(tmp_path: Path) -> None:
    answered: list[int] = []

    class Fed(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            now = datetime.now(UTC)
            await listener(Envelope(adapter="axis", body=b"press", received_at=now))
            answered.append(1)
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Fed) as engine:
        await until(lambda: answered)
        kinds = [type(fact).__name__ for fact in await engine.store.facts_of(INCIDENT)]
        [link] = engine.links()

    assert kinds == ["Activation"]
    assert link.up


async def test_a_feed_that_falls_is_run_again_and_said_down_meanwhile(tmp_path: Path) -> None:
    runs: list[int] = []
    seen: list[str] = []

    class Falls(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            runs.append(1)
            if len(runs) < 3:
                raise Unreachable("{host} does not answer", host="axis")
            listener.up()
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Falls) as engine:
        await until(lambda: runs and str(engine.links()[0].why) != "connecting")
        seen.append(str(engine.links()[0].why))
        await until(lambda: engine.links()[0].up)

    assert seen == ["axis does not answer"]
    assert len(runs) == 3


async def test_a_feed_that_says_nothing_is_taken_for_dead(tmp_path: Path) -> None:
    runs: list[int] = []

    class Silent(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run, silence_s=0.05)]

        async def run(self, listener: Listener) -> None:
            runs.append(1)
            listener.up()
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Silent) as engine:
        await until(lambda: len(runs) == 2)
        await until(lambda: engine.links()[0].why is not None)

    assert len(runs) >= 2


async def test_crews_of_a_source_that_is_asked_are_known_while_an_incident_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms_plugin.engine.REFRESH_S", 0.02)

    class Radio(Source):
        asked = 0

        @hookimpl
        def list_crews(self, at: datetime) -> Iterable[Crew]:
            Radio.asked += 1
            place = Position(lon=4, lat=43, fixed_at=at)
            return [Crew(id=CrewId("axis:7"), name="Brigade 7", position=place)]

    async with running(tmp_path, axis=Radio) as engine:
        await asyncio.sleep(0.1)
        assert Radio.asked == 0
        await tell(engine, press())
        await until(engine.crews)

        assert [crew.name for crew in engine.crews()] == ["Brigade 7"]


def test_a_vms_that_hangs_over_its_inventory_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vms_plugin.atlas.CALL_S", 0.2)
    monkeypatch.setattr("vms_plugin.atlas.INVENTORY_S", 0.1)
    let_go = threading.Event()

    class Prompt(Vms):
        @hookimpl
        def list_cameras(self) -> Iterable[Camera]:
            return [Camera(id=CameraId("prompt:1"), position=Position(lon=4, lat=43))]

    class Hangs(Vms):
        @hookimpl
        def list_cameras(self) -> Iterable[Camera]:
            let_go.wait(10)
            return ()

    prompt, hangs = Prompt(), Hangs()
    prompt.name, hangs.name = "prompt", "hangs"
    adapters = Adapters()
    adapters.load({"hangs": hangs, "prompt": prompt}, {})
    atlas = Atlas(Settings())

    atlas.ask_vms(adapters)
    atlas.ask_vms(adapters)

    assert [camera.id for camera in atlas.cameras()] == ["prompt:1"]
    assert "no answer to list_cameras" in str(adapters["hangs"].failures["list_cameras"].why)
    let_go.set()


def test_the_geography_failing_hides_no_alert() -> None:
    atlas = Atlas(Settings())
    atlas.load()
    atlas._territory = None  # as while it is loaded

    waiting = atlas.situate(Incident(id=INCIDENT), None, [], datetime.now(UTC), None)
    atlas._territory = object()  # type: ignore[assignment]
    place = Position(lon=4, lat=43)
    failing = atlas.situate(Incident(id=INCIDENT), place, [], datetime.now(UTC), None)

    assert [str(each) for each in waiting.missing] == ["the territory is being loaded"]
    assert "choose cameras and crews by hand" in str(failing.missing[0])


async def test_a_feed_that_is_no_feed_is_named_and_the_others_are_opened(tmp_path: Path) -> None:
    class Odd(Source):
        @hookimpl
        def list_feeds(self) -> Any:
            return ["not a feed"]

    class Fed(Vms):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            listener.up()
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Odd, vms=Fed()) as engine:
        await until(lambda: engine.links() and engine.links()[0].up)
        why = str(engine.adapters["axis"].failures["list_feeds"].why)

    assert why == "list_feeds answered str instead of Feed"
