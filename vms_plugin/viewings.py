"""Live views in the register: each opening before its first picture, each closing once (R241-14).

A view that is open is a row beside the register, written and erased together with its two lines.
A host that dies leaves its rows; the next one closes them, and says that nobody knows when.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from vms_plugin.register import Entry
from vms_plugin.store import Store, note_in


def new_name() -> str:
    """Name a view, before it is opened."""
    return uuid4().hex


class Viewings:
    """The views of one host. On the host's loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self, name: str, entry: Entry) -> None:
        """Write that somebody sees from now on; durable on return.

        Raises
        ------
        sqlite3.Error
            It is not written: nobody sees without it (ADR 0031).
        """
        opened = _told(entry, {"view": "opened"})

        def write(database: sqlite3.Connection) -> None:
            insert = "INSERT INTO viewing VALUES (?, ?)"
            database.execute(insert, (name, msgspec.json.encode(entry)))
            note_in(database, opened)

        await self._store.together(write)

    def close(self, name: str) -> None:
        """Write that he sees no longer; nothing where that view never opened, or is closed.

        What the disk does not take is owed: a view that is over cannot be refused any more.
        """
        now = datetime.now(UTC)
        work = self._store.arrears.keep(("viewing", name), lambda db: _close(db, name, now, {}))
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def note(self, entry: Entry) -> None:
        """Write that somebody was told of an alert; owed where the disk does not take it.

        Who is on his way is told where to all the same (ADR 0031): no picture is in it.
        """
        await self._store.arrears.keep(("told", new_name()), lambda db: note_in(db, entry))

    async def settle(self) -> None:
        """Wait until all that is closed is written, or owed."""
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def close_left(self) -> None:
        """At start: close what a host that died left open."""
        now = datetime.now(UTC)

        def write(database: sqlite3.Connection) -> None:
            for (name,) in database.execute("SELECT id FROM viewing").fetchall():
                _close(database, name, now, {"end": "unknown, the host stopped"})

        await self._store.arrears.keep(("viewings left",), write)


def _close(database: sqlite3.Connection, name: str, now: datetime, detail: dict[str, str]) -> None:
    read = "DELETE FROM viewing WHERE id = ? RETURNING body"
    row = database.execute(read, (name,)).fetchone()
    if row is not None:
        entry = msgspec.json.decode(row[0], type=Entry)
        note_in(database, _told(replace(entry, at=now), {"view": "closed", **detail}))


def _told(entry: Entry, detail: dict[str, str]) -> Entry:
    return replace(entry, detail={**entry.detail, **detail})
