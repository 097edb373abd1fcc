"""XProtect away, slow, failing, talking nonsense: nothing lost, nothing doubled, no hand needed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks import IncidentId
from tests.system.xprotect import room, until

pytestmark = pytest.mark.system


@pytest.mark.parametrize("away_s", [29, 31, 600])
async def test_away_nothing_is_lost_nor_doubled_and_all_is_right_again_on_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away_s: float
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        site = here.site
        gare, port = site.ready["cameras"]
        before = site.wall()
        first = await here.press(1)
        await until(lambda: site.alarms() == {first: ["New"]})
        await until(lambda: {gare, port} <= set(site.wall()))

        await asyncio.to_thread(site.leave)
        left_at = datetime.now().astimezone()
        site.now += away_s
        second = await here.press(2)
        await here.engine.take_in_charge(IncidentId(first), "Léa")
        site.lose_camera(0)
        await until(lambda: here.health()["down"])
        said = here.health()["down"]
        minutes = {f"{(left_at.minute + late) % 60:02}" for late in (0, 1)}
        assert said.startswith("Milestone XProtect injoignable depuis ")
        assert said[-2:] in minutes
        assert not here.health()["well"]
        await until(lambda: IncidentId(second) in here.engine.pictures)

        await asyncio.to_thread(site.come_back)
        await until(lambda: site.alarms() == {first: ["In progress"], second: ["New"]})
        await until(lambda: here.health()["well"])
        assert here.health()["down"] == ""
        await until(lambda: here.tiles(first) == ["Port"] == here.tiles(second))
        await until(lambda: port in site.wall() and gare not in site.wall())

        await here.engine.close(IncidentId(first), "Léa", "Résolu")
        await until(lambda: site.alarms() == {first: ["Closed"], second: ["New"]})
        await here.engine.close(IncidentId(second), "Léa", "Résolu")
        await until(lambda: site.alarms() == {first: ["Closed"], second: ["Closed"]})
        await until(lambda: site.wall() == before)


async def test_a_restart_in_the_middle_loses_nothing_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        site, before = here.site, here.site.wall()
        first = await here.press(1)
        await until(lambda: site.alarms() == {first: ["New"]})
        await until(lambda: site.wall() != before)

        await asyncio.to_thread(site.leave)
        second = await here.press(2)
        await here.engine.take_in_charge(IncidentId(first), "Léa")
        await until(lambda: here.health()["failures"])
        await here.stop()
        await here.start(well=False)
        await here.engine.close(IncidentId(first), "Léa", "Résolu")
        third = await here.press(3)
        await until(lambda: here.health()["failures"])
        await here.stop()
        await asyncio.to_thread(site.come_back)
        await here.start(well=False)

        await until(lambda: site.alarms() == {first: ["Closed"], second: ["New"], third: ["New"]})
        await until(lambda: here.health()["well"])
        for each in (second, third):
            await here.engine.close(IncidentId(each), "Léa", "Résolu")
        await until(lambda: site.alarms() == {each: ["Closed"] for each in (first, second, third)})
        await until(lambda: site.wall() == before)
        await until(lambda: here.health()["well"])


async def test_cut_off_while_the_wall_is_taken_it_is_given_back_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        site, before = here.site, here.site.wall()
        # Its cameras go up on the wall; the text, by which we know our own, does not.
        site.order("spell", task="ApplyTextAndLayout", names={"text": "caption"})
        first = await here.press(1)
        await until(lambda: site.wall() != before)
        await until(lambda: here.health()["failures"])
        await asyncio.to_thread(site.leave)
        await here.engine.close(IncidentId(first), "Léa", "Résolu")
        second = await here.press(2)
        await here.stop()
        await asyncio.to_thread(site.come_back)
        site.order("spell", task="ApplyTextAndLayout", names={})
        await here.start(well=False)

        await until(lambda: site.alarms() == {first: ["Closed"], second: ["New"]})
        await here.engine.close(IncidentId(second), "Léa", "Résolu")
        await until(lambda: site.alarms() == {first: ["Closed"], second: ["Closed"]})
        await until(lambda: site.wall() == before)


@pytest.mark.parametrize(
    ("trouble", "how"),
    [
        ("fail", {"status": 500, "seconds": 3600}),
        ("fail", {"status": 503, "seconds": 3600}),
        ("fail", {"status": 0, "seconds": 3600}),
        ("fail", {"status": 500, "seconds": 3600, "method": "POST", "path": "alarms",
                  "after": True}),
        ("html", {"seconds": 3600}),
        ("html", {"status": 404, "seconds": 3600, "path": "alarms"}),
    ],
)  # fmt: skip
async def test_whatever_it_answers_there_is_one_alarm_once_it_answers_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str, how: dict[str, object]
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        site = here.site
        await asyncio.to_thread(lambda: site.order(trouble, **how))
        incident = await here.press(1)
        await until(lambda: here.health()["failures"])
        await asyncio.sleep(1.5)  # some more attempts

        await asyncio.to_thread(site.order, "heal")
        await here.engine.take_in_charge(IncidentId(incident), "Léa")
        await until(lambda: site.alarms() == {incident: ["In progress"]})
        await until(lambda: here.health()["well"])


async def test_a_token_refused_in_the_middle_is_renewed_and_nobody_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        await until(lambda: here.engine.links() and here.health()["well"])  # in the middle
        await asyncio.to_thread(here.site.order, "expire")

        incident = await here.press(1)

        await until(lambda: here.site.alarms() == {incident: ["New"]})
        assert here.health()["well"]


async def test_slow_it_still_gets_one_alarm_and_the_room_waits_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch) as here:
        await asyncio.to_thread(lambda: here.site.order("slow", seconds=5))

        pressed = datetime.now(UTC)
        incident = await here.press(1)
        await until(lambda: IncidentId(incident) in here.engine.pictures)
        drawn_s = (datetime.now(UTC) - pressed).total_seconds()

        await until(lambda: here.site.alarms().get(incident))
        assert drawn_s < 4.0
        await asyncio.to_thread(here.site.order, "heal")
        await until(lambda: here.site.alarms() == {incident: ["New"]} and here.health()["well"])
