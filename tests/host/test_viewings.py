"""Live views in the register: opened once, closed once, whatever dies in between (R241-14)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.host.live_room import Browser, eventually, room, watching
from tests.host.test_full_disk import fill
from vms_plugin import upkeep
from vms_plugin.register import Entry, Operation, faults
from vms_plugin.rights import Person
from vms_plugin.store import Store
from vms_plugin.viewings import Viewings
from vms_plugin.web import live as live_door
from vms_plugin.web.accounts import Doorkeeper

ENTRY = Entry(kind=Operation.CONSULTATION, who="Léa", what="src:s1", why="PM-214",
              detail={"address": "10.0.0.7"})  # fmt: skip


@asynccontextmanager
async def host(path: Path) -> AsyncIterator[tuple[Store, Viewings]]:
    store = Store(path / "renfort.db")
    viewings = Viewings(store)
    await viewings.close_left()
    try:
        yield store, viewings
    finally:
        store.close()


async def told(store: Store) -> list[dict[str, str]]:
    rows = await store.register()
    assert faults(rows) == []
    return [json.loads(row[6]) for row in rows]


async def test_a_host_that_dies_has_its_open_views_closed_once_by_the_next(tmp_path: Path) -> None:
    async with host(tmp_path) as (_, first):
        await first.open("one", ENTRY)
        await first.open("two", ENTRY)
        first.close("two")
        await first.settle()
    for _ in range(2):
        async with host(tmp_path) as (store, _):
            seen = await told(store)

    assert [each["view"] for each in seen] == ["opened", "opened", "closed", "closed"]
    assert {each["address"] for each in seen} == {"10.0.0.7"}
    assert [each.get("end") for each in seen] == [None, None, None, "unknown, the host stopped"]


async def test_a_view_is_closed_once_and_never_before_it_opened(tmp_path: Path) -> None:
    async with host(tmp_path) as (store, viewings):
        viewings.close("never opened")
        await viewings.open("one", ENTRY)
        viewings.close("one")
        viewings.close("one")
        await viewings.settle()
        seen = await told(store)

    assert [each["view"] for each in seen] == ["opened", "closed"]


async def test_a_view_that_ends_on_a_full_disk_is_closed_when_there_is_room(tmp_path: Path) -> None:
    async with host(tmp_path) as (store, viewings):
        await viewings.open("one", ENTRY)
        await fill(store)
        viewings.close("one")
        await viewings.settle()
        before = await told(store)
        await fill(store, full=False)
        await store.arrears.settle()
        after = await told(store)

    assert [each["view"] for each in before] == ["opened"]
    assert [each["view"] for each in after] == ["opened", "closed"]


@pytest.fixture
def _here(on_loopback: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep to this machine. The clock's jobs wait for no test."""
    monkeypatch.setattr(upkeep, "TICK_S", 0.02)


@pytest.mark.usefixtures("_here")
async def test_nobody_sees_what_cannot_be_written_and_is_told_so(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in()
        await fill(there.engine.store)
        refused = await there.offer(await Browser().offer(), token)
        views = await there.views()

    assert refused.status_code == 503
    assert "registre" in refused.json()["error"]
    assert views == []


@pytest.mark.usefixtures("_here")
async def test_who_loses_the_right_while_the_database_fails_is_cut_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 0.02)
    asked, look = 0, Doorkeeper.person

    async def failing(*given: Any, **more: Any) -> Person | None:
        nonlocal asked
        asked += 1
        if asked <= 3:
            raise sqlite3.OperationalError("disk I/O error")
        return await look(*given, **more)

    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            monkeypatch.setattr(Doorkeeper, "person", failing)
            await eventually(lambda: asked >= 3)
            await there.engine.store.query("UPDATE account SET role = 'civil'")
            await eventually(lambda: browser.peer.connectionState in ("closed", "failed"))
