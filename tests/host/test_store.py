"""The journal: durable, deduplicated, migrated, and answering whatever happens."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from hooks import (
    Activation,
    ActivationId,
    CrewFix,
    CrewId,
    CrewStatus,
    DeviceId,
    Envelope,
    FactId,
    Fix,
    IncidentId,
    Officer,
    Phase,
    Picture,
    Position,
    SourceKind,
    Trigger,
)
from vms_plugin.board import Board
from vms_plugin.incident import TakenInCharge
from vms_plugin.store import Delivered, Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PRESS = Activation(
    id=FactId("axis:e1"), at=NOW, activation=ActivationId("axis:s1"), device=DeviceId("axis:D"),
    officer=Officer(call_sign="PM-214"), trigger=Trigger.BUTTON, extra={"recordingId": "x"},
    position=Position(lon=4.08, lat=43.56, accuracy_m=6.5, fixed_at=NOW, source="gnss"),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "renfort.db")
    yield store
    store.close()


def picture(version: int = 1, closed_by: str = "") -> Picture:
    return Picture(
        incident=IncidentId("axis:s1"), version=version, phase=Phase.NEW, opened_at=NOW,
        device=DeviceId("axis:D"), officer=Officer(), kind=SourceKind.BODY_WORN,
        trigger=Trigger.BUTTON, closed_by=closed_by,
    )  # fmt: skip


async def test_a_fact_comes_back_as_it_went(store: Store) -> None:
    taken = TakenInCharge(id=FactId("r:1"), at=NOW, incident=IncidentId("axis:s1"), by="Léa")

    await store.append([PRESS, taken], NOW)

    assert await store.open_facts() == [PRESS, taken]
    assert await store.facts_of(IncidentId("axis:s1")) == [PRESS, taken]


async def test_a_fact_told_twice_is_new_once(store: Store) -> None:
    assert (await store.append([PRESS, PRESS], NOW)).new == [PRESS]
    assert (await store.append([PRESS], NOW)).new == []


async def test_what_was_answered_is_in_the_file(store: Store, tmp_path: Path) -> None:
    await store.append([PRESS], NOW)

    with sqlite3.connect(tmp_path / "renfort.db") as other:
        rows = other.execute("SELECT id, kind, incident FROM fact").fetchall()
    other.close()
    assert rows == [("axis:e1", "Activation", "axis:s1")]


async def test_many_at_once_are_all_written(store: Store) -> None:
    facts = [
        Fix(id=FactId(f"f{n}"), at=NOW, device=DeviceId("axis:D"), position=Position(lon=4, lat=43))
        for n in range(300)
    ]

    answers = await asyncio.gather(*(store.append([fact], NOW) for fact in facts))

    assert [answer.new for answer in answers] == [[fact] for fact in facts]


async def test_closed_incidents_are_not_read_again_but_known(store: Store) -> None:
    await store.append([PRESS], NOW)
    await store.keep_pictures([picture(closed_by="Léa")])

    assert await store.open_facts() == []
    late = replace(PRESS, id=FactId("axis:e2"))
    assert (await store.append([late], NOW)).late == {"axis:e2"}


async def test_the_newest_picture_is_kept(store: Store) -> None:
    await store.keep_pictures([picture(1)])
    await store.keep_pictures([picture(2)])

    assert [each.version for each in await store.pictures(closed=False)] == [2]


async def test_positions_outside_any_incident_are_forgotten(store: Store) -> None:
    stray = Fix(id=FactId("f"), at=NOW, device=DeviceId("axis:D"),
                position=Position(lon=4, lat=43))  # fmt: skip
    await store.append([stray, PRESS], NOW)

    assert await store.forget_strays(NOW) == 0
    assert await store.forget_strays(NOW + timedelta(seconds=1)) == 1
    assert await store.open_facts() == [PRESS]


async def test_a_message_nobody_understood_is_kept_in_part(store: Store, tmp_path: Path) -> None:
    body = b"\xff" * 200_000
    envelope = Envelope(adapter="axis", body=body, received_at=NOW, channel="events")

    await store.keep_unread(envelope, "body = ...: not JSON")

    [(size, kept, fault)] = await store.query("SELECT size, length(body), fault FROM unread")
    assert (size, kept, fault) == (200_000, 65_536, "body = ...: not JSON")
    assert await store.unread_count() == 1


async def test_a_sender_that_is_always_wrong_does_not_fill_the_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms_plugin.store.UNREAD_MOST", 3)
    for number in range(9):
        envelope = Envelope(adapter="axis", body=b"%d" % number, received_at=NOW)
        await store.keep_unread(envelope, "not JSON")

    kept = await store.query("SELECT body FROM unread ORDER BY seq")
    assert kept == [(b"6",), (b"7",), (b"8",)]


async def test_a_crew_is_remembered_as_old_as_its_place(store: Store) -> None:
    board = Board()
    place = Position(lon=4, lat=43, fixed_at=NOW)
    crew = CrewId("crews:1")
    board.hear(CrewFix(id=FactId("c"), at=NOW, crew=crew, position=place, status=CrewStatus.FREE))
    await store.keep_crews(board.crews.values())

    again = Board()
    for fact in await store.crew_facts():
        again.hear(fact)

    assert again.crews[crew].crew == board.crews[crew].crew


async def test_deliveries_are_remembered_by_adapter(store: Store) -> None:
    shown = Delivered(subject="axis:s1", adapter="milestone", version=3, receipt="alarm-1")
    await store.keep_delivered(shown)

    assert await store.delivered("milestone") == [shown]
    assert await store.delivered("other") == []


async def test_one_bad_statement_spoils_no_other(store: Store) -> None:
    bad = store.query("SELECT nothing FROM nowhere")
    good = store.append([PRESS], NOW)

    answers = await asyncio.gather(bad, good, return_exceptions=True)

    assert isinstance(answers[0], sqlite3.Error)
    assert not isinstance(answers[1], BaseException | list)
    assert answers[1].new == [PRESS]


async def test_what_cannot_be_written_does_not_end_the_journal(store: Store) -> None:
    for odd in ("\ud800", 1 << 70):
        with pytest.raises((UnicodeEncodeError, OverflowError)):
            await asyncio.wait_for(store.query("SELECT ?", odd), 5)

    await store.append([PRESS], NOW)

    assert await store.facts_of(IncidentId("axis:s1")) == [PRESS]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "renfort.db").write_bytes(b"not a database" * 100)

    with pytest.raises(sqlite3.DatabaseError):
        Store(tmp_path / "renfort.db")


def test_a_database_from_a_newer_release_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "renfort.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 999")
    database.close()

    with pytest.raises(sqlite3.DatabaseError, match="start the newer release"):
        Store(path)


def test_a_database_is_brought_up_to_date_once(tmp_path: Path) -> None:
    for _ in range(2):
        Store(tmp_path / "renfort.db").close()

    with sqlite3.connect(tmp_path / "renfort.db") as database:
        [version] = database.execute("PRAGMA user_version").fetchone()
        [mode] = database.execute("PRAGMA journal_mode").fetchone()
    database.close()
    assert version >= 1
    assert mode == "wal"


async def test_looking_for_what_is_over_costs_no_more_when_more_is_kept(store: Store) -> None:
    """It is done each minute in the thread that presses are written in."""
    steps: list[int] = []

    def count() -> int:
        steps.append(1)
        return 0

    def fill(database: sqlite3.Connection, first: int, number: int) -> None:
        closing = "INSERT INTO fact (id, kind, incident, at, heard_at, body) VALUES "
        closing += "(?1, 'Closed', ?1, '2026-11-01', '2026-11-01', x'')"
        names = [(f"axis:{each}",) for each in range(first, first + number)]
        database.executemany(closing, names)
        database.executemany("INSERT INTO picture VALUES (?, 1, 1, x'7b7d')", names)

    costs = []
    for first, number in ((0, 10), (10, 3000)):
        await store.together(partial(fill, first=first, number=number))
        await store.together(lambda database: database.set_progress_handler(count, 10))
        steps.clear()
        assert await store.forget_incidents(datetime(2026, 10, 1, tzinfo=UTC)) == []
        costs.append(len(steps))
        await store.together(lambda database: database.set_progress_handler(None, 0))

    assert costs[1] <= costs[0] + 5
