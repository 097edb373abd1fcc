"""The journal and what stands beside it: durable before anything is answered."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hooks import (
    Activation,
    ClosedElsewhere,
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
    ReceivedElsewhere,
    RefusedElsewhere,
    TakenElsewhere,
)
from vms_plugin.arrears import Arrears
from vms_plugin.board import CrewCard, as_fact
from vms_plugin.database import Database, Dated
from vms_plugin.incident import (
    Aimed,
    Closed,
    Engaged,
    Escalated,
    Explained,
    Informed,
    Noted,
    Placed,
    Progressed,
    Released,
    TakenInCharge,
    Unplaced,
    incident_of,
)
from vms_plugin.register import Entry, Row, mark
from vms_plugin.waypoint import Waypoint

_T = TypeVar("_T")

#: Facts that are journaled. Of crews only the last word is kept, and of a list of running
#: activations what it implies.
KINDS: dict[str, type[Fact]] = {
    kind.__name__: kind
    for kind in (
        Activation, Fix, End, LinkChange,
        TakenInCharge, Engaged, Explained, Released, Placed, Unplaced, Aimed, Closed,
        Escalated, Informed, Noted, Progressed,
        ReceivedElsewhere, RefusedElsewhere, TakenElsewhere, ClosedElsewhere,
    )
}  # fmt: skip

#: What is kept of a message nobody understood.
UNREAD_BYTES = 64 * 1024
#: A sender that is wrong every second must not fill the disk: the last ones are enough.
UNREAD_MOST = 1000
#: Whether an incident is not over: open, or closed and not withdrawn yet (one version more than its
#: last picture) by a VMS that was away: it is owed the end, for its alarm stands.
_ALIVE = """closed = 0 OR EXISTS (SELECT 1 FROM delivery
    WHERE delivery.subject = picture.incident AND delivery.version <= picture.version)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What an adapter was last made to show of a subject. Version 0: called, never answered."""

    subject: str
    adapter: str
    version: int
    receipt: str | None


@dataclass(slots=True)
class Written(Dated):
    """The facts that were new, and which are late words on incidents already closed."""

    new: list[Fact] = field(default_factory=list)
    late: set[FactId] = field(default_factory=set)


class Store:
    """The database. Every method waits until what it writes is on the disk.

    What the room lives by (facts, pictures, what was shown where) is never refused: while the disk
    does not take it, it is owed (see `Arrears`).

    Raises
    ------
    sqlite3.Error
        Of all else: the disk is full, the file is no database, another process holds it too long.
    """

    def __init__(self, path: Path | str) -> None:
        self._database = Database(str(path))
        self.arrears = Arrears(self._do)

    # --- facts ---

    async def append(self, facts: Iterable[Fact], heard_at: datetime) -> Written:
        """Write facts to the journal, and say which were new to it, once they are durable.

        Those that are owed are all said to be new, without the moment at which they were durable.
        """
        rows = [(fact, _row(fact, heard_at)) for fact in facts]
        statement = "INSERT OR IGNORE INTO fact (id, kind, incident, at, heard_at, body) "
        statement += "VALUES (?, ?, ?, ?, ?, ?)"
        over = "SELECT 1 FROM picture WHERE incident = ? AND closed = 1"

        def write(database: sqlite3.Connection) -> Written:
            new = [fact for fact, row in rows if database.execute(statement, row).rowcount]
            late = {
                fact.id for fact in new if database.execute(over, (incident_of(fact),)).fetchone()
            }
            return Written(new=new, late=late)

        if not rows:
            return Written()
        try:
            return await self._do(write)
        except sqlite3.Error as error:
            self.arrears.owe(("facts", *(fact.id for fact, _ in rows)), write, error)
            return Written(new=[fact for fact, _ in rows])

    async def open_facts(self) -> list[Fact]:
        """Read what a restarted host must know: facts of incidents not over, stray positions."""
        over = f"SELECT incident FROM picture WHERE NOT ({_ALIVE})"  # noqa: S608
        query = "SELECT kind, body FROM fact WHERE incident IS NULL OR incident NOT IN"
        rows = await self.query(f"{query} ({over}) ORDER BY seq")
        return [msgspec.json.decode(body, type=KINDS[kind]) for kind, body in rows]

    async def facts_of(self, incident: IncidentId) -> list[Fact]:
        """Read all the facts of one incident, in the order they were heard."""
        query = "SELECT kind, body FROM fact WHERE incident = ? ORDER BY seq"
        rows = await self.query(query, incident)
        return [msgspec.json.decode(body, type=KINDS[kind]) for kind, body in rows]

    async def forget_incidents(self, closed_before: datetime) -> list[IncidentId]:
        """Erase all that is kept of the incidents closed before then; name them."""
        over = """
            SELECT DISTINCT incident FROM fact INDEXED BY fact_by_closing
            WHERE kind IN ('Closed', 'ClosedElsewhere') AND at < ? AND EXISTS
            (SELECT 1 FROM picture WHERE picture.incident = fact.incident AND closed = 1)"""

        def erase(database: sqlite3.Connection) -> list[IncidentId]:
            gone = [IncidentId(row[0]) for row in database.execute(over, (_iso(closed_before),))]
            for name in gone:
                for table in ("fact", "picture", "waypoint"):
                    database.execute(f"DELETE FROM {table} WHERE incident = ?", (name,))  # noqa: S608
                told = "DELETE FROM delivery WHERE subject IN (?, ?, ?)"
                database.execute(told, (name, f"seen:{name}", f"alarm:{name}"))
                orders = "DELETE FROM delivery WHERE subject >= ? AND subject < ?"
                database.execute(orders, (f"order:{name} ", f"order:{name}!"))
            return gone

        return await self._do(erase)

    async def presses(self, since: datetime, until: datetime) -> list[Activation]:
        """Read the presses of a time, oldest first."""
        query = "SELECT body FROM fact WHERE kind = 'Activation' AND at >= ? AND at < ? ORDER BY at"
        rows = await self.query(query, _iso(since), _iso(until))
        return [msgspec.json.decode(body, type=Activation) for (body,) in rows]

    async def forget_strays(self, before: datetime) -> int:
        """Erase positions that served no incident (`law`: whereabouts serve the incident)."""
        query = "DELETE FROM fact WHERE incident IS NULL AND heard_at < ?"
        return await self._do(lambda database: database.execute(query, (_iso(before),)).rowcount)

    async def keep_unread(self, envelope: Envelope, fault: str, *, body: bool = True) -> None:
        """Keep a message nobody understood, for a person to read; without its `body`, its fault."""
        row = (
            envelope.adapter, envelope.channel, envelope.sender, _iso(envelope.received_at),
            fault[:2000], len(envelope.body), envelope.body[: UNREAD_BYTES if body else 0],
        )  # fmt: skip
        statement = "INSERT INTO unread (adapter, channel, sender, received_at, fault, size, body)"
        statement += " VALUES (?, ?, ?, ?, ?, ?, ?)"
        forget = "DELETE FROM unread WHERE seq <= (SELECT max(seq) FROM unread) - ?"

        def write(database: sqlite3.Connection) -> None:
            database.execute(statement, row)
            database.execute(forget, (UNREAD_MOST,))

        await self.arrears.keep(("unread", row[3]), write)

    async def forget_unread(self, before: datetime) -> None:
        """Forget the messages nobody understood until then: who knows whose places are in them."""
        await self.query("DELETE FROM unread WHERE received_at < ?", _iso(before))

    async def unread_count(self) -> int:
        """Count the messages nobody understood."""
        query = "SELECT count(*) FROM unread"
        return int((await self._do(lambda database: database.execute(query).fetchone()))[0])

    # --- crews, pictures, deliveries ---

    async def keep_crews(self, crews: Iterable[CrewCard], ways: Iterable[Waypoint] = ()) -> None:
        """Replace what is known of crews, and add to the ways that are kept."""
        rows = [(crew.id, msgspec.json.encode(crew.crew)) for crew in crews]
        points = [(each.crew, _iso(each.at), each.incident, each.lon, each.lat) for each in ways]

        def write(database: sqlite3.Connection) -> None:
            database.executemany("INSERT OR REPLACE INTO crew (id, body) VALUES (?, ?)", rows)
            if points:
                way = "INSERT OR REPLACE INTO waypoint (crew, at, incident, lon, lat)"
                database.executemany(way + " VALUES (?, ?, ?, ?, ?)", points)

        about = object() if points else ("crews", *(name for name, _ in rows))
        await self.arrears.keep(about, write)

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
        about = ("pictures", *(row[0] for row in rows))
        await self.arrears.keep(about, lambda database: database.executemany(statement, rows))

    async def pictures_alive(self) -> list[Picture]:
        """Read the newest picture of each incident that is not over."""
        rows = await self.query(f"SELECT body FROM picture WHERE {_ALIVE}")  # noqa: S608
        return [msgspec.json.decode(body, type=Picture) for (body,) in rows]

    async def pictures(self, *, closed: bool, most: int = 10_000) -> list[Picture]:
        """Read the newest picture of each incident, open or closed; the last ones first."""
        query = "SELECT body FROM picture WHERE closed = ? ORDER BY rowid DESC LIMIT ?"
        rows = await self._do(lambda db: db.execute(query, (closed, most)).fetchall())
        return [msgspec.json.decode(body, type=Picture) for (body,) in rows]

    async def picture(self, incident: IncidentId) -> Picture | None:
        """Read the newest picture of an incident."""
        rows = await self.query("SELECT body FROM picture WHERE incident = ?", incident)
        return msgspec.json.decode(rows[0][0], type=Picture) if rows else None

    async def keep_delivered(self, delivered: Delivered) -> None:
        """Note what an adapter was made to show, or (version 0) that it is about to be asked."""
        row = (delivered.subject, delivered.adapter, delivered.version, delivered.receipt)
        statement = "INSERT OR REPLACE INTO delivery (subject, adapter, version, receipt)"
        statement += " VALUES (?, ?, ?, ?)"
        about = ("delivered", delivered.subject, delivered.adapter)
        await self.arrears.keep(about, lambda database: database.execute(statement, row))

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
        await self._do(lambda database: note_in(database, entry))

    async def register(self) -> list[Row]:
        """Read the whole register, oldest first."""
        query = "SELECT * FROM register ORDER BY seq"
        return await self._do(lambda database: database.execute(query).fetchall())

    async def register_of(self, what: str) -> list[Row]:
        """Read what the register says of one incident, or recording, oldest first."""
        query = "SELECT * FROM register WHERE what = ? ORDER BY seq"
        return await self._do(lambda database: database.execute(query, (what,)).fetchall())

    async def forget_register(self, before: datetime) -> int:
        """Erase the entries whose time is over; the chain goes on from the oldest one kept."""
        # Oldest first and no further than one that is kept: a clock that was wrong makes no hole.
        # The last is kept whatever its age: the next is chained to it.
        query = "DELETE FROM register WHERE seq < coalesce("
        query += "(SELECT seq FROM register WHERE at >= ? ORDER BY seq LIMIT 1), "
        query += "(SELECT max(seq) FROM register))"
        allow = "INSERT OR REPLACE INTO register_limit (one, before) VALUES (1, ?)"

        def write(database: sqlite3.Connection) -> int:
            database.execute(allow, (_iso(before),))
            return database.execute(query, (_iso(before),)).rowcount

        return await self._do(write)

    async def together(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do several statements as one: all of them are durable on return, or none is."""
        return await self._do(work)

    # --- the daily proof ---

    async def keep_proof(self, name: str, at: datetime, proof: object) -> None:
        """Keep what came of an exercise."""
        statement = "INSERT OR REPLACE INTO proof (id, at, body) VALUES (?, ?, ?)"
        row = (name, _iso(at), msgspec.json.encode(proof))
        await self._do(lambda database: database.execute(statement, row))

    async def last_proof(self, kind: type[_T]) -> _T | None:
        """Read what came of the last exercise."""
        query = "SELECT body FROM proof ORDER BY at DESC LIMIT 1"
        rows = await self._do(lambda database: database.execute(query).fetchall())
        return msgspec.json.decode(rows[0][0], type=kind) if rows else None

    # --- accounts, keys ---

    async def secret(self, name: str) -> bytes:
        """Give a key of this installation, made at the first need."""
        made = secrets.token_bytes(32)

        def read(database: sqlite3.Connection) -> bytes:
            insert = "INSERT OR IGNORE INTO secret (name, value) VALUES (?, ?)"
            database.execute(insert, (name, made))
            query = "SELECT value FROM secret WHERE name = ?"
            return bytes(database.execute(query, (name,)).fetchone()[0])

        return await self._do(read)

    async def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement of the page's accounts and sessions."""
        return await self._do(lambda database: database.execute(statement, values).fetchall())

    def close(self) -> None:
        """Finish what was asked, then close the file."""
        self._database.close()

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._database.do(work)


def note_in(database: sqlite3.Connection, entry: Entry) -> None:
    """Write an entry of the register within a work, chained to the one before."""
    columns = entry.written()
    last = database.execute("SELECT seq, mark FROM register ORDER BY seq DESC LIMIT 1").fetchone()
    seq, before = last or (0, "")
    own = mark(before, seq + 1, columns)
    statement = "INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    database.execute(statement, (seq + 1, *columns, before, own))


def _row(fact: Fact, heard_at: datetime) -> tuple[object, ...]:
    # A position told of an activation serves its incident: it is kept, and erased, with it.
    incident = fact.activation if isinstance(fact, Fix) else incident_of(fact)
    return (
        fact.id, type(fact).__name__, incident, _iso(fact.at), _iso(heard_at),
        msgspec.json.encode(fact),
    )  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
