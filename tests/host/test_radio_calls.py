"""An emergency by radio goes on through a restart of Renfort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.crews.distress import QUIET, Distress
from hooks import Fact, IncidentId, Position
from tests.host.paper import running, until
from vms_plugin import radio_calls

START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
CALL = IncidentId(f"crews:PM-214:{int(START.timestamp())}")


def repeated(minutes: float, *, by: Distress, lon: float | None = 4.08) -> list[Fact]:
    """What the decoder tells of one more report of the radio on its emergency."""
    at = START + timedelta(minutes=minutes)
    place = None if lon is None else Position(lon=lon, lat=43.56, fixed_at=at)
    return list(by.call("PM-214", "PM-214", at, place))


async def test_a_call_still_repeated_after_a_restart_is_the_same_call(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        await engine.hear(repeated(0, by=Distress()), START)
        await until(lambda: engine.pictures.get(CALL))

    again = Distress()
    async with running(tmp_path) as engine:
        await engine.hear(repeated(2, by=again, lon=4.09), START)
        await engine.hear(repeated(3, by=again, lon=4.10), START)
        await until(lambda: (p := engine.pictures.get(CALL)) and len(p.trail) == 3)
        assert list(engine.board.incidents) == [CALL]
        await engine.hear(list(again.cancel("PM-214", START + timedelta(minutes=4))), START)
        await until(lambda: (p := engine.pictures.get(CALL)) and p.ended_at)

        assert list(engine.board.incidents) == [CALL]


@pytest.mark.parametrize(
    ("minutes", "closed", "calls"), [(14, False, 1), (16, False, 2), (2, True, 2)]
)
async def test_a_call_after_a_long_silence_or_after_the_end_is_another(
    tmp_path: Path, minutes: float, closed: bool, calls: int
) -> None:
    async with running(tmp_path) as engine:
        await engine.hear(repeated(0, by=Distress(), lon=None), START)
        await until(lambda: engine.pictures.get(CALL))
        if closed:
            await engine.take_in_charge(CALL, "Léa")
            await engine.close(CALL, "Léa", "résolu")
        await engine.hear(repeated(minutes, by=Distress(), lon=None), START)

        assert len(engine.board.incidents) == calls


@pytest.mark.parametrize(("silent_s", "calls"), [(50, 1), (70, 2)])
async def test_a_man_who_presses_again_after_his_call_was_closed_is_heard_again(
    tmp_path: Path, silent_s: float, calls: int
) -> None:
    radio, now = Distress(), datetime.now(UTC)

    def call(seconds: float, lon: float | None = None) -> list[Fact]:
        at = now + timedelta(seconds=seconds)
        place = None if lon is None else Position(lon=lon, lat=43.56, fixed_at=at)
        return list(radio.call("PM-214", "PM-214", at, place))

    async with running(tmp_path) as engine:
        await engine.hear(call(0), now)
        [first] = engine.board.incidents
        await until(lambda: engine.pictures.get(first))
        await engine.take_in_charge(first, "Léa")
        await engine.close(first, "Léa", "fausse alerte")
        await engine.hear(call(30), now)  # the radio is still on its emergency
        await engine.hear(call(30 + silent_s), now)
        await engine.hear(call(30 + silent_s + 5, 4.09), now)
        incidents = list(engine.board.incidents.values())
        if calls == 2:
            await until(lambda: (p := engine.pictures.get(incidents[1].id)) and p.trail)

    assert [each.closed is None for each in incidents] == [False, True][:calls]


async def test_another_radio_is_another_call(tmp_path: Path) -> None:
    other = Distress()
    async with running(tmp_path) as engine:
        await engine.hear(repeated(0, by=Distress()), START)
        await engine.hear(list(other.call("PM-118", "PM-118", START, None)), START)

        assert len(engine.board.incidents) == 2


def test_the_host_and_the_adapter_count_the_same_silence() -> None:
    assert radio_calls.QUIET == QUIET
