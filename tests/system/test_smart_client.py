"""What is done in the Smart Client is done on our page, and the reverse; nothing goes round."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hooks import IncidentId, Phase, Picture
from tests.system.xprotect import Room, room, until

pytestmark = pytest.mark.system


async def pressed(here: Room, number: int = 1) -> tuple[IncidentId, str]:
    """Press, and give the incident and its one alarm."""
    incident = await here.press(number)
    await until(lambda: here.site.alarms().get(incident) == ["New"])
    return IncidentId(incident), list(here.site.simulator.site.alarms)[number - 1]


def history(here: Room, alarm: str) -> list[dict[str, Any]]:
    return here.site.simulator.site.alarms[alarm].history


async def order(here: Room, name: str, **how: object) -> None:
    await asyncio.to_thread(lambda: here.site.order(name, **how))


def picture(here: Room, incident: IncidentId) -> Picture:
    return here.engine.pictures[incident]


async def quiet(here: Room, alarm: str) -> list[dict[str, Any]]:
    """Wait until nobody changes the alarm any more; give its history."""
    before = -1
    while before != len(history(here, alarm)):
        before = len(history(here, alarm))
        await asyncio.sleep(0.8)
    return history(here, alarm)


async def test_an_alarm_acknowledged_there_is_in_charge_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        incident, alarm = await pressed(here)

        await order(here, "acknowledge", id=alarm, user="Paul")
        await until(lambda: picture(here, incident).phase is Phase.TAKEN)

        assert picture(here, incident).owner == "Paul"
        states = [each for each in await quiet(here, alarm) if "state" in each]
        assert [each["userName"] for each in states] == ["Paul"]


async def test_an_alarm_closed_there_with_its_reason_is_closed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        incident, alarm = await pressed(here)

        await order(here, "close", id=alarm, user="Paul", reason="False alarm")
        await until(lambda: picture(here, incident).phase is Phase.CLOSED)

        assert picture(here, incident).closed_by == "Paul"
        assert picture(here, incident).outcome == "False alarm"
        states = [each for each in await quiet(here, alarm) if "state" in each]
        assert [(each["userName"], each["state"]["name"]) for each in states] == [
            ("Paul", "Closed")
        ]


async def test_what_we_do_ourselves_never_comes_back_as_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        incident, alarm = await pressed(here)

        await here.engine.take_in_charge(incident, "Léa")
        await until(lambda: here.site.alarms() == {incident: ["In progress"]})
        await quiet(here, alarm)
        assert picture(here, incident).owner == "Léa"

        await here.engine.close(incident, "Léa", "Résolu")
        await until(lambda: here.site.alarms() == {incident: ["Closed"]})
        await quiet(here, alarm)
        assert picture(here, incident).closed_by == "Léa"


async def test_what_was_done_there_while_renfort_was_stopped_is_found_on_its_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        incident, alarm = await pressed(here)
        other, _ = await pressed(here, 2)
        await here.engine.take_in_charge(other, "Léa")
        await until(lambda: here.site.alarms()[other] == ["In progress"])
        await here.stop()
        await order(here, "close", id=alarm, user="Paul", reason="Test")
        await here.start()

        await until(lambda: picture(here, incident).phase is Phase.CLOSED)
        await quiet(here, alarm)

        assert picture(here, incident).closed_by == "Paul"
        assert picture(here, other).owner == "Léa"
        assert here.site.alarms() == {incident: ["Closed"], other: ["In progress"]}


async def test_an_alarm_closed_there_while_we_were_cut_off_is_not_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        incident, alarm = await pressed(here)
        await order(here, "fail", status=503, seconds=3600, path="rest")
        await until(lambda: here.health()["down"])

        await here.engine.take_in_charge(incident, "Léa")
        await order(here, "close", id=alarm, user="Paul", reason="False alarm")
        await order(here, "heal")
        await until(lambda: picture(here, incident).phase is Phase.CLOSED)
        await until(lambda: here.health()["well"])
        states = [each for each in await quiet(here, alarm) if "state" in each]

        assert picture(here, incident).owner == "Léa"
        assert picture(here, incident).closed_by == "Paul"
        assert [each["userName"] for each in states] == ["Paul"]
        assert here.site.alarms() == {incident: ["Closed"]}
