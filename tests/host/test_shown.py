"""What VMSs are shown: once, in the end the newest, whatever fails in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks import (
    CrewId,
    IncidentId,
    Keep,
    Message,
    Phase,
    Picture,
    Receipt,
    Refused,
    Unreachable,
    hookimpl,
)
from tests.host.acted import INCIDENT, Vms, press, running, tell
from tests.host.paper import idle, until
from vms_plugin.engine import Stages
from vms_plugin.store import Store


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
        await until(lambda: "shown:vms" in engine.stages.get(INCIDENT, Stages()).at)

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
    shown: list[str] = []

    class Away(Vms):
        @hookimpl
        def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
            if away:
                raise Unreachable("away")
            shown.append(picture.phase)
            return Receipt(data=picture.incident)

    vms = Away()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: engine.pictures)
        await engine.close(INCIDENT, "Léa", "fini")
        await until(lambda: engine.pictures[INCIDENT].phase is Phase.CLOSED)
        await idle(engine, "vms")
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


async def test_an_alert_shown_in_part_is_said_and_finished_later(tmp_path: Path) -> None:
    class Partly(Vms):
        @hookimpl
        def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
            self.calls.append((receipt.data if receipt else "", picture.version, repeated))
            if len(self.calls) == 1:
                missing = Message(text="the wall does not answer")
                return Receipt(data="alarm only", missing=missing)
            assert seen.wait(10)  # not finished before the test has read what was said
            return Receipt(data="all")

    vms, seen = Partly(), threading.Event()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: engine.adapters["vms"].failures)
        [failure] = engine.adapters["vms"].failures.values()
        seen.set()
        await until(lambda: "shown:vms" in engine.stages[INCIDENT].at)
        await until(lambda: len(vms.calls) == 2)
        await until(lambda: not engine.adapters["vms"].failures)

    assert str(failure.why) == "the wall does not answer"
    assert vms.calls[1] == ("alarm only", 1, True)


async def test_what_failed_of_an_incident_that_is_over_is_no_longer_said(tmp_path: Path) -> None:
    class Away(Vms):
        away = True

        @hookimpl
        def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
            self.calls.append((picture.incident, picture.version, repeated))
            if len(self.calls) > 1 and self.away:
                raise Unreachable("it does not answer")
            return Receipt(data=picture.incident)

    vms = Away()
    async with running(tmp_path, vms=vms) as engine:
        await tell(engine, press())
        await until(lambda: "shown:vms" in engine.stages.get(INCIDENT, Stages()).at)
        await engine.take_in_charge(INCIDENT, "Léa")
        await until(lambda: "show" in engine.adapters["vms"].failures)
        await engine.close(INCIDENT, "Léa", "fini")
        await until(lambda: vms.closed)
        await until(lambda: not engine.adapters["vms"].failures)


async def test_what_was_missing_before_a_restart_is_finished_after_it(tmp_path: Path) -> None:
    class Partly(Vms):
        missing: Message | None = None

        @hookimpl
        def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
            self.calls.append((receipt.data if receipt else "", picture.version, repeated))
            return Receipt(data="alarm only", missing=self.missing)

    first, second = Partly(), Partly()
    first.missing = Message(text="the wall does not answer")
    async with running(tmp_path, vms=first) as engine:
        await tell(engine, press())
        await until(lambda: "shown:vms" in engine.stages.get(INCIDENT, Stages()).at)
    async with running(tmp_path, vms=second):
        await until(lambda: second.calls)

    assert second.calls == [("alarm only", 1, True)]


async def test_an_incident_closed_while_the_vms_was_away_is_withdrawn_after_a_restart(
    tmp_path: Path,
) -> None:
    class Away(Vms):
        @hookimpl
        def withdraw(self, picture: Picture, receipt: Receipt | None) -> Receipt | None:
            raise Unreachable("it does not answer")

    away, back, later = Away(), Vms(), Vms()
    async with running(tmp_path, vms=away) as engine:
        await tell(engine, press())
        await until(lambda: "shown:vms" in engine.stages.get(INCIDENT, Stages()).at)
        await engine.close(INCIDENT, "Léa", "fini")
        await until(lambda: "withdraw" in engine.adapters["vms"].failures)
    async with running(tmp_path, vms=back) as engine:
        await until(lambda: back.closed)
        await idle(engine, "vms")
        assert engine.pictures[INCIDENT].outcome == "fini"
    async with running(tmp_path, vms=later) as engine:
        await asyncio.sleep(0.1)
        assert INCIDENT not in engine.pictures

    assert back.closed == ["axis:s1"]
    assert later.closed == []
    assert back.calls == later.calls == []


async def test_what_an_adapter_is_about_to_replace_survives_a_crash(tmp_path: Path) -> None:
    class Wall(Vms):
        @hookimpl
        def show(  # type: ignore[override]
            self, picture: Picture, receipt: Receipt | None, repeated: bool, keep: Keep
        ) -> Receipt:
            self.calls.append((receipt.data if receipt else "", picture.version, repeated))
            if receipt is None:
                keep(Receipt(data="what the wall showed"))
                raise Unreachable("the power went")
            return receipt

    first, second = Wall(), Wall()
    async with running(tmp_path, vms=first) as engine:
        await tell(engine, press())
        await until(lambda: engine.adapters["vms"].failures)
    async with running(tmp_path, vms=second):
        await until(lambda: second.calls)

    assert first.calls[0] == ("", 1, False)
    assert second.calls[0] == ("what the wall showed", 1, True)


@pytest.mark.parametrize("able", [True, False])
async def test_an_adapter_is_told_its_own_answers_before_it_is_asked_to_show(
    tmp_path: Path, able: bool
) -> None:
    class Screens(Vms):
        told: Mapping[IncidentId, Receipt]

        @hookimpl
        def recall(self, receipts: Mapping[IncidentId, Receipt]) -> None:
            assert self.calls == []
            self.told = receipts
            if not able:
                raise Unreachable("the screens are not known")

    first, second = Screens(), Screens()
    async with running(tmp_path, vms=first) as engine:
        await tell(engine, press())
        await until(lambda: "shown:vms" in engine.stages.get(INCIDENT, Stages()).at)
    second.alarms = first.alarms
    async with running(tmp_path, vms=second) as engine:
        await tell(engine, press("axis:s2"))
        await until(lambda: "axis:s2" in second.alarms)

    assert second.told == {INCIDENT: Receipt(data="axis:s1")}
    assert not hasattr(first, "told")
