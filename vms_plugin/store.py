"""The journal and what stands beside it, in SQLite: durable before anything is answered.

One thread owns the connection. What is asked while it commits waits for the next commit, together:
under load, a thousand facts share the price of one write to disk.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hooks import (
    Activation,
    Crew,
    CrewFix,
    End,
    Envelope,
    Fact,
    FactId,
    Fix,
    IncidentId,
    LinkChange,
    Picture,
)
from vms_plugin.board import CrewCard, as_fact
from vms_plugin.incident import Closed, Engaged, Placed, Released, TakenInCharge, incident_of
from vms_plugin.register import Entry, Row, mark

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], Any]

#: Facts that are journaled. Of crews only the last word is kept, and of a list of running
#: activations what it implies.
KINDS: dict[str, type[Fact]] = {
    kind.__name__: kind
    for kind in (
        Activation, Fix, End, LinkChange,
        TakenInCharge, Engaged, Released, Placed, Closed,
    )
}  # fmt: skip

#: Nothing to write for that long: time to fold the log into the file.
IDLE_S = 0.5

#: What is kept of a message nobody understood.
UNREAD_BYTES = 64 * 1024
#: A sender that is wrong every second must not fill the disk: the last ones are enough.
UNREAD_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What an adapter was last made to show of a subject. Version 0: called, never answered."""

    subject: str
    adapter: str
    version: int
    receipt: str | None


@dataclass(slots=True)
class Written:
    """The facts that were new, which are late words on incidents already closed, and when."""

    new: list[Fact]
    late: set[FactId]
    durable_at: datetime | None = None  #: the commit was on the disk


class Store:
    """The database. Every method waits until what it writes is on the disk.

    Raises
    ------
    sqlite3.Error
        The disk is full, the file is not a database, another process holds it too long.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._work: queue.SimpleQueue[tuple[_Work, Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        opened: Future[None] = Future()
        self._opened = opened
        self._thread.start()
        opened.result()

    # --- facts ---

    async def append(self, facts: Iterable[Fact], heard_at: datetime) -> Written:
        """Write facts to the journal, and say which were new to it, once they are durable."""
        rows = [(fact, _row(fact, heard_at)) for fact in facts]
        statement = "INSERT OR IGNORE INTO fact (id, kind, incident, at, heard_at, body) "
        statement += "VALUES (?, ?, ?, ?, ?, ?)"
        over = "SELECT 1 FROM picture WHERE incident = ? AND closed = 1"

        def write(database: sqlite3.Connection) -> Written:
            new = [fact for fact, row in rows if database.execute(statement, row).rowcount]
            late = {
                fact.id for fact in new if database.execute(over, (incident_of(fact),)).fetchone()
            }
            return Written(new, late)

        return await self._do(write) if rows else Written([], set())

    async def open_facts(self) -> list[Fact]:
        """Read what a restarted host must know: facts of incidents not closed, stray positions."""
        query = """
            SELECT kind, body FROM fact WHERE incident IS NULL OR incident NOT IN
                (SELECT incident FROM picture WHERE closed = 1) ORDER BY seq"""
        rows = await self._do(lambda database: database.execute(query).fetchall())
        return [msgspec.json.decode(body, type=KINDS[kind]) for kind, body in rows]

    async def facts_of(self, incident: IncidentId) -> list[Fact]:
        """Read all the facts of one incident, in the order they were heard."""
        query = "SELECT kind, body FROM fact WHERE incident = ? ORDER BY seq"
        rows = await self._do(lambda database: database.execute(query, (incident,)).fetchall())
        return [msgspec.json.decode(body, type=KINDS[kind]) for kind, body in rows]

    async def forget_strays(self, before: datetime) -> int:
        """Erase positions that served no incident (`law`: whereabouts serve the incident)."""
        query = "DELETE FROM fact WHERE incident IS NULL AND heard_at < ?"
        return await self._do(lambda database: database.execute(query, (_iso(before),)).rowcount)

    async def keep_unread(self, envelope: Envelope, fault: str) -> None:
        """Keep a message nobody understood, for a person to read."""
        row = (
            envelope.adapter, envelope.channel, envelope.sender, _iso(envelope.received_at),
            fault[:2000], len(envelope.body), envelope.body[:UNREAD_BYTES],
        )  # fmt: skip
        statement = "INSERT INTO unread (adapter, channel, sender, received_at, fault, size, body)"
        statement += " VALUES (?, ?, ?, ?, ?, ?, ?)"
        forget = "DELETE FROM unread WHERE seq <= (SELECT max(seq) FROM unread) - ?"

        def write(database: sqlite3.Connection) -> None:
            database.execute(statement, row)
            database.execute(forget, (UNREAD_MOST,))

        await self._do(write)

    async def unread_count(self) -> int:
        """Count the messages nobody understood."""
        query = "SELECT count(*) FROM unread"
        return int((await self._do(lambda database: database.execute(query).fetchone()))[0])

    # --- crews, pictures, deliveries ---

    async def keep_crews(self, crews: Iterable[CrewCard]) -> None:
        """Replace what is known of crews."""
        rows = [(crew.id, msgspec.json.encode(crew.crew)) for crew in crews]
        statement = "INSERT OR REPLACE INTO crew (id, body) VALUES (?, ?)"
        await self._do(lambda database: database.executemany(statement, rows))

    async def crew_facts(self) -> list[CrewFix]:
        """Read what was last known of crews, as facts."""
        rows = await self._do(lambda db: db.execute("SELECT body FROM crew").fetchall())
        return [as_fact(msgspec.json.decode(body, type=Crew), None, "stored") for (body,) in rows]

    async def keep_pictures(self, pictures: Iterable[Picture]) -> None:
        """Replace the newest picture of each incident."""
        rows = [
            (each.incident, each.version, each.closed_by != "", msgspec.json.encode(each))
            for each in pictures
        ]
        statement = "INSERT OR REPLACE INTO picture (incident, version, closed, body)"
        statement += " VALUES (?, ?, ?, ?)"
        await self._do(lambda database: database.executemany(statement, rows))

    async def pictures(self, *, closed: bool, most: int = 10_000) -> list[Picture]:
        """Read the newest picture of each incident, open or closed; the last ones first."""
        query = "SELECT body FROM picture WHERE closed = ? ORDER BY rowid DESC LIMIT ?"
        rows = await self._do(lambda db: db.execute(query, (closed, most)).fetchall())
        return [msgspec.json.decode(body, type=Picture) for (body,) in rows]

    async def keep_delivered(self, delivered: Delivered) -> None:
        """Note what an adapter was made to show, or (version 0) that it is about to be asked."""
        row = (delivered.subject, delivered.adapter, delivered.version, delivered.receipt)
        statement = "INSERT OR REPLACE INTO delivery (subject, adapter, version, receipt)"
        statement += " VALUES (?, ?, ?, ?)"
        await self._do(lambda database: database.execute(statement, row))

    async def delivered(self, adapter: str) -> list[Delivered]:
        """Read all that an adapter was made to show."""
        query = "SELECT subject, version, receipt FROM delivery WHERE adapter = ?"
        rows = await self._do(lambda database: database.execute(query, (adapter,)).fetchall())
        return [
            Delivered(subject=subject, adapter=adapter, version=version, receipt=receipt)
            for subject, version, receipt in rows
        ]

    # --- the register ---

    async def note(self, entry: Entry) -> None:
        """Write an entry of the register, chained to the one before, once it is durable."""
        columns = entry.written()
        last = "SELECT seq, mark FROM register ORDER BY seq DESC LIMIT 1"
        statement = "INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

        def write(database: sqlite3.Connection) -> None:
            seq, before = database.execute(last).fetchone() or (0, "")
            own = mark(before, seq + 1, columns)
            database.execute(statement, (seq + 1, *columns, before, own))

        await self._do(write)

    async def register(self) -> list[Row]:
        """Read the whole register, oldest first."""
        query = "SELECT * FROM register ORDER BY seq"
        return await self._do(lambda database: database.execute(query).fetchall())

    async def forget_register(self, before: datetime) -> int:
        """Erase the entries whose time is over; the chain goes on from the oldest one kept."""
        # The last is kept whatever its age: the next is chained to it.
        query = "DELETE FROM register WHERE at < ? AND seq < (SELECT max(seq) FROM register)"
        return await self._do(lambda database: database.execute(query, (_iso(before),)).rowcount)

    # --- accounts ---

    async def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement of the page's accounts and sessions."""
        return await self._do(lambda database: database.execute(statement, values).fetchall())

    # --- the thread ---

    def close(self) -> None:
        """Finish what was asked, then close the file."""
        self._work.put(None)
        self._thread.join()

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        future: Future[_T] = Future()
        self._work.put((work, future))
        return await asyncio.wrap_future(future)

    def _run(self) -> None:
        try:
            database = _open(self._path)
        except BaseException as error:  # noqa: BLE001  (told to whoever opens the store)
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        running, written = True, False
        while running:
            try:
                batch = [self._work.get(timeout=IDLE_S if written else None)]
            except queue.Empty:
                # Between two moments of work, never before an answer.
                database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                written = False
                continue
            written = True
            while not self._work.empty():
                batch.append(self._work.get())
            running = None not in batch
            _commit(database, [each for each in batch if each is not None])
        database.close()


def _commit(database: sqlite3.Connection, batch: list[tuple[_Work, Future[Any]]]) -> None:
    """Do each work in its own savepoint, then commit them all, then answer."""
    answers: list[tuple[Future[Any], Any, BaseException | None]] = []
    try:
        database.execute("BEGIN IMMEDIATE")
        for work, future in batch:
            database.execute("SAVEPOINT work")
            try:
                answers.append((future, work(database), None))
            except sqlite3.Error as error:
                database.execute("ROLLBACK TO work")
                answers.append((future, None, error))
            database.execute("RELEASE work")
        database.execute("COMMIT")
    except sqlite3.Error as error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        answers = [(future, None, error) for _, future in batch]
    now = datetime.now(UTC)
    for future, answer, fault in answers:
        if isinstance(answer, Written):
            answer.durable_at = now
        if not future.set_running_or_notify_cancel():
            continue
        if fault is None:
            future.set_result(answer)
        else:
            future.set_exception(fault)


def _open(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        # FULL: a committed fact survives the power cut of the next instant.
        # The log is folded into the file when there is nothing to do, not inside a commit.
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=20000",
        ):  # fmt: skip
            database.execute(f"PRAGMA {pragma}")
        _migrate(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the file up to date: numbered scripts, each in one transaction, never edited."""
    scripts = sorted(
        (entry for entry in files("vms_plugin").joinpath("migrations").iterdir()
         if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )  # fmt: skip
    [version] = database.execute("PRAGMA user_version").fetchone()
    if version > len(scripts):
        raise sqlite3.DatabaseError(
            f"the database is of version {version}, this program knows {len(scripts)}: "
            "start the newer release, or restore the older file"
        )
    for number, script in enumerate(scripts[version:], start=version + 1):
        body = script.read_text(encoding="utf-8")
        database.executescript(f"BEGIN;\n{body}\nPRAGMA user_version={number};\nCOMMIT;")


def _row(fact: Fact, heard_at: datetime) -> tuple[object, ...]:
    return (
        fact.id, type(fact).__name__, incident_of(fact), _iso(fact.at), _iso(heard_at),
        msgspec.json.encode(fact),
    )  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
