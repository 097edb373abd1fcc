"""A disk that takes nothing more: the alert is shown all the same, and written when it can be."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from hooks import IncidentId, Phase, Unreachable
from tests.host.acted import INCIDENT, Vms, press, running, tell
from tests.host.paper import until
from tests.host.test_web import room, say
from vms_plugin import upkeep
from vms_plugin.engine import Engine
from vms_plugin.store import Store
from vms_plugin.web import view


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "TICK_S", 0.02)


async def fill(store: Store, *, full: bool = True) -> None:
    """Have SQLite refuse every write, as on a disk that is full or mounted read-only."""
    order = f"PRAGMA query_only={'ON' if full else 'OFF'}"
    await store._do(lambda database: database.execute(order))


async def test_a_press_is_shown_everywhere_and_written_when_there_is_room(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        await fill(engine.store)
        await tell(engine, press())
        await until(lambda: vms.alarms.get("axis:s1"))
        await engine.take_in_charge(INCIDENT, "Léa")
        await until(lambda: engine.pictures[INCIDENT].owner == "Léa")
        said = view.health(engine)
        before = await engine.store.facts_of(INCIDENT)
        await fill(engine.store, full=False)
        await until(lambda: not engine.store.arrears.fault)
        after = await engine.store.facts_of(INCIDENT)
        well = view.health(engine)["unwritten"]

    assert before == []
    assert [type(fact).__name__ for fact in after][:2] == ["Activation", "TakenInCharge"]
    assert said["unwritten"]
    assert not said["well"]
    assert not well


async def test_what_was_shown_meanwhile_is_not_shown_again_after_a_restart(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms=vms) as engine:
        await fill(engine.store)
        await tell(engine, press())
        await until(lambda: vms.alarms.get("axis:s1"))
        await fill(engine.store, full=False)
        await until(lambda: not engine.store.arrears.fault)
    async with running(tmp_path, vms=vms) as engine:
        await until(lambda: INCIDENT in engine.pictures)
        await until(lambda: not engine.behind("vms"))

    assert vms.alarms == {"axis:s1": [(1, Phase.NEW)]}


async def test_a_sender_is_told_to_send_again_what_is_shown_but_not_on_record(
    tmp_path: Path,
) -> None:
    def status(answer: httpx.Response) -> tuple[int, Any]:
        return answer.status_code, answer.json().get("error", {}).get("field")

    async with room(tmp_path) as (client, engine):
        await fill(engine.store)
        refused = status(await say(client))
        await until(lambda: IncidentId("src:s1") in engine.pictures)
        await fill(engine.store, full=False)
        accepted = status(await say(client))
        known = await engine.store.facts_of(IncidentId("src:s1"))

    assert refused == (503, "journal")
    assert accepted == (202, None)
    assert len(known) == 1


async def test_a_feed_hears_why_and_the_host_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        await fill(engine.store)
        with pytest.raises(Unreachable, match="the journal cannot be written"):
            await _taken(engine)
        await upkeep_passes(engine)


async def _taken(engine: Engine) -> None:
    from hooks import Envelope

    now = datetime.now(UTC)
    await engine.take(Envelope(adapter="axis", body=b"", received_at=now), [press()])


async def upkeep_passes(engine: Engine) -> None:
    """Let the minute's work come round on a disk that refuses it."""
    beats = engine.beat
    count = 0

    def counted(*, refresh: bool) -> None:
        nonlocal count
        count += 1
        beats(refresh=refresh)

    vars(engine)["beat"] = counted
    await until(lambda: count > 65, seconds=60)


async def test_a_transaction_that_sqlite_gives_up_fails_as_a_whole_and_says_why(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "renfort.db")

    def full(database: sqlite3.Connection) -> None:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count={pages}")

    def write(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE more (body)")
        database.executemany("INSERT INTO more VALUES (?)", [(b"x" * 4000,)] * 50)

    await store._do(full)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await store._do(write)
    assert await store.unread_count() == 0
    store.close()
