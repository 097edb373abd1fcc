"""The engine: durable first, then shown; nothing lost, nothing doubled, nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    ActivationId,
    Crew,
    CrewFix,
    CrewId,
    CrewStatus,
    Envelope,
    FactId,
    Feed,
    IncidentId,
    Listener,
    LiveList,
    Malformed,
    Phase,
    Picture,
    Position,
    Receipt,
    Unreachable,
    hookimpl,
)
from tests.host.acted import INCIDENT, Source, Vms, end, press, running, tell
from tests.host.paper import idle, until
from vms_plugin import upkeep
from vms_plugin.delivery import Told
from vms_plugin.engine import UnknownIncidentError
from vms_plugin.incident import Informed
from vms_plugin.settings import Settings
from vms_plugin.store import Store


async def test_a_press_becomes_one_alarm_and_one_picture(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        pages = engine.subscribe()
        await tell(engine, press(), press())
        await until(lambda: vms.alarms.get("axis:s1"))
        events = pages.clear()

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
        facts = await engine.store.facts_of(INCIDENT)
        kinds = [type(fact).__name__ for fact in facts if not isinstance(fact, Informed)]

    assert kinds == ["Activation", "TakenInCharge", "Engaged", "Released"]
    assert [(hook, order.given_by) for hook, order in vms.orders] == [
        ("engage", "Léa"), ("release", "Léa"),
    ]  # fmt: skip
    assert vms.seen == ["axis:s1"]


async def test_who_sends_a_crew_first_takes_the_alert_in_charge(tmp_path: Path) -> None:
    vms, crew = Vms(), CrewId("crews:21")
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await engine.engage(INCIDENT, crew, "Léa")
        await until(lambda: vms.orders and vms.seen)  # the wearer knows, as the crew does
        await engine.engage(INCIDENT, CrewId("crews:22"), "Marc")
        await engine.release(INCIDENT, crew, "Léa")
        facts = await engine.store.facts_of(INCIDENT)
        kinds = [type(fact).__name__ for fact in facts if not isinstance(fact, Informed)]
        owner = engine.board.incidents[INCIDENT].owner

    assert kinds == ["Activation", "TakenInCharge", "Engaged", "Engaged", "Released"]
    assert owner == "Léa"


async def test_the_room_knows_whether_the_wearer_and_the_crew_were_told(tmp_path: Path) -> None:
    vms = Vms()
    crew = CrewId("crews:1")
    async with running(tmp_path, vms=vms) as engine:
        await engine.hear([press()], datetime.now(UTC))
        await until(lambda: INCIDENT in engine.pictures)
        assert engine.told(INCIDENT) == (Told.NO, {})
        events = engine.subscribe()

        await engine.take_in_charge(INCIDENT, "Léa")
        await engine.engage(INCIDENT, crew, "Léa")
        await until(lambda: engine.told(INCIDENT) == (Told.YES, {crew: Told.YES}))

        # The answer is known a moment before it is durable, and told once it is.
        said: list[str] = []
        while "told" not in said:
            said.append((await asyncio.wait_for(events.get(), 5)).kind)


async def test_a_wearer_whose_camera_cannot_tell_him_is_said_not_to_know(tmp_path: Path) -> None:
    class Mute(Vms):
        @hookimpl
        def acknowledge(self, activation: ActivationId) -> bool:
            return False

    async with running(tmp_path, vms=Mute()) as engine:
        await engine.hear([press()], datetime.now(UTC))
        await engine.take_in_charge(INCIDENT, "Léa")
        await until(lambda: not engine.dispatch.lacks(f"seen:{INCIDENT}"))

        assert engine.told(INCIDENT)[0] is Told.NO


async def test_a_corrected_place_is_said_to_be_an_operators_and_can_be_taken_back(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as engine:
        pressed = press()
        await engine.hear([pressed], datetime.now(UTC))
        await until(lambda: INCIDENT in engine.pictures)
        await engine.place(INCIDENT, 4.1, 43.57, "Léa")
        await until(lambda: engine.pictures[INCIDENT].placed_by == "Léa")
        await engine.unplace(INCIDENT, "Léa")
        await until(lambda: not engine.pictures[INCIDENT].placed_by)

        assert engine.pictures[INCIDENT].position == pressed.position  # type: ignore[attr-defined]


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
    first = Vms()
    async with running(tmp_path, vms=first) as engine:
        await tell(engine, press())
        await until(lambda: engine.pictures)
        await engine.close(INCIDENT, "Léa", "fini")
        await until(lambda: first.closed)
        await idle(engine, "vms")

    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, end())
        await asyncio.sleep(0.05)
        assert INCIDENT not in engine.board.incidents
        assert len(await engine.store.facts_of(INCIDENT)) == 3
    assert vms.calls == []


async def test_what_is_not_understood_is_kept_and_said(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        envelope = Envelope(adapter="axis", body=b"press bad", received_at=datetime.now(UTC))
        answer = await engine.receive(envelope)
        kept = await engine.store.unread_count()

    assert answer.facts == ("axis:s1:start",)
    assert [str(fault) for fault in answer.faults] == ["word = 'bad': write press"]
    assert kept == 1


class HalfDeaf(Vms):
    """A VMS that takes one alert, and not the other until it is healed."""

    healed = False

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        if picture.incident == "axis:s2" and not self.healed:
            raise Unreachable("it does not answer")
        return super().show(picture, receipt, repeated)


async def test_what_one_alert_gets_does_not_hide_that_another_is_not_shown(tmp_path: Path) -> None:
    vms = HalfDeaf()
    async with running(tmp_path, vms=vms) as engine:
        failures = engine.adapters["vms"].failures
        await tell(engine, press(), press("axis:s2"))
        await until(lambda: "show" in failures and vms.alarms.get(INCIDENT))
        since = failures["show"].since
        await engine.take_in_charge(INCIDENT, "Léa")
        await until(lambda: vms.alarms[INCIDENT][-1][1] is Phase.TAKEN)
        await until(lambda: not engine.dispatch.couriers["vms"]._busy)
        still = failures["show"].since
        vms.healed = True
        await until(lambda: not failures)

    assert still == since


async def test_what_a_queue_kept_for_days_does_not_win_over_what_came_after(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    told = [(3 * 24, CrewStatus.FREE), (20, CrewStatus.UNAVAILABLE)]
    async with running(tmp_path) as engine:
        for hours, status in told:
            fact = CrewFix(id=FactId(f"axis:21:{hours}"), at=now - timedelta(hours=hours),
                           crew=CrewId("axis:21"), status=status)  # fmt: skip
            await engine.take(Envelope(adapter="axis", body=b"", received_at=now), [fact])
        [crew] = engine.crews()

    assert crew.status is CrewStatus.UNAVAILABLE


async def test_a_message_at_fault_that_tells_of_crews_is_not_kept_with_their_places(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    place = Position(lon=4.08, lat=43.56, fixed_at=now)
    fact = CrewFix(id=FactId("axis:21:1"), at=now, crew=CrewId("axis:21"), position=place)
    fault = Malformed("date", "2007-04-15", "its date is wrong")
    async with running(tmp_path) as engine:
        where = Envelope(adapter="axis", body=b"43.56 4.08", received_at=now)
        await engine.take(where, [fact], fault)
        await engine.take(replace(where, body=b"?"), [], fault)
        kept = await engine.store.query("SELECT body, size FROM unread ORDER BY seq")
        await engine.store.forget_unread(now + timedelta(seconds=1))
        after = await engine.store.unread_count()

    assert kept == [(b"", 10), (b"?", 1)]
    assert after == 0


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


async def test_an_operator_who_closes_first_does_not_stop_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [IncidentId("axis:s1"), IncidentId("axis:s2")]
    async with running(tmp_path) as engine:
        for each in sessions:
            await tell(engine, press(each), end(each))
            await engine.take_in_charge(each, "Léa")
        close = engine.close

        async def both(incident: IncidentId, by: str, outcome: str) -> None:
            """While the rule's word on one is written, an operator closes the other."""
            await close(incident, by, outcome)
            for other in set(sessions) - {incident}:
                await close(other, "Léa", "Résolu")

        monkeypatch.setattr(engine, "close", both)
        engine.settings = replace(engine.settings, close_after_end_s=0)
        await upkeep._close_the_over(engine)
        closed = [engine.board.incidents[each].closed for each in sessions]

    assert {each.by for each in closed if each} == {"Renfort", "Léa"}


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


async def test_a_press_whose_line_is_cut_while_it_is_written_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = asyncio.Event()

    class Cut(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            envelope = Envelope(adapter="axis", body=b"press", received_at=datetime.now(UTC))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(listener(envelope), 0.2)
            cut.set()
            await asyncio.sleep(60)

    cut = threading.Event()
    append = Store.append

    async def slow(self: Store, *facts: Any) -> Any:
        written = await append(self, *facts)
        await disk.wait()
        return written

    monkeypatch.setattr(Store, "append", slow)
    async with running(tmp_path, axis=Cut) as engine:
        await until(cut.is_set)
        disk.set()
        await until(lambda: INCIDENT in engine.pictures)


async def test_crews_of_a_source_that_is_asked_are_known_while_an_incident_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms_plugin.upkeep.REFRESH_S", 0.02)

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
