"""What is written of recordings in the database, each change with its line in the register.

A change and its line are one transaction: nothing is done of which the register says nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from hooks import KeptPiece, Piece, Recording, RecordingId
from vms_plugin.register import Entry, Operation
from vms_plugin.store import Store, note_in

#: Who does what happens by itself.
OURSELVES = "Renfort"


#: A camera's clock may be that far ahead of ours; one that is years ahead keeps nothing for years.
CLOCKS_APART = timedelta(hours=1)
#: The longest there is.
MONTH = timedelta(days=31)


class Procedure(StrEnum):
    """The procedures for which a recording may be kept longer (R241-13 al. 3)."""

    JUDICIAL = "judiciaire"
    ADMINISTRATIVE = "administrative"
    DISCIPLINARY = "disciplinaire"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Why a recording is kept beyond its month, and who decided it."""

    at: datetime
    who: str
    procedure: Procedure
    number: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A recording as the house holds it."""

    recording: Recording
    received_at: datetime
    pieces: tuple[KeptPiece, ...] = ()
    set_aside: tuple[SetAside, ...] = ()  #: one for each procedure, the oldest first

    def dated(self, now: datetime) -> bool:
        """Whether the day of recording is known: none, and none that is still to come, is none.

        A day after the reception is of a clock that was wrong. The camera's: a month from the
        reception is over before a day further off has come. So one that has come all the same is
        right, and ours was the clock that was behind, until it was set.
        """
        started = self.recording.started_at
        if started is None or started > now + CLOCKS_APART:
            return False
        return not CLOCKS_APART < started - self.received_at <= MONTH

    def counted_from(self, now: datetime) -> datetime:
        """From when its month is counted: the recording, or else its reception."""
        started = self.recording.started_at
        return started if started is not None and self.dated(now) else self.received_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """A recording of which nothing is left but files to destroy."""

    recording: RecordingId
    files: tuple[str, ...]
    why: str
    detail: Mapping[str, str]


class UnknownRecordingError(LookupError):
    """There is no such recording, or it is destroyed."""


class NotSetAsideError(LookupError):
    """It is not set aside for that procedure, or for several, of which none was named."""


class Ledger:
    """The tables of recordings."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- in ---

    async def tell(self, told: Recording, now: datetime) -> bool:
        """Keep what is known of a recording; True when it is new."""
        row = (
            str(told.device or ""), told.officer.id, _iso(told.started_at), _iso(told.ended_at),
            told.complete, msgspec.json.encode(told),
        )  # fmt: skip

        def write(database: sqlite3.Connection) -> bool:
            new = "INSERT OR IGNORE INTO recording VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            added = database.execute(new, (told.id, *row[:5], _iso(now), row[5])).rowcount
            if not added:
                change = "UPDATE recording SET device = ?, officer = ?, started_at = ?, "
                change += "ended_at = ?, complete = ?, body = ? WHERE id = ?"
                database.execute(change, (*row, told.id))
            return bool(added)

        return await self._store.together(write)

    async def keep(self, kept: KeptPiece, file: str, entry: Entry, now: datetime) -> str | None:
        """Note a piece whose content is durable; answer the file it replaces, if any.

        Raises
        ------
        UnknownRecordingError
            Its recording was never told, or was destroyed meanwhile.
        """
        piece = kept.piece
        row = (
            piece.recording, piece.name, file, kept.size, kept.sha256, _iso(now),
            msgspec.json.encode(piece),
        )  # fmt: skip
        old = "SELECT file, sha256 FROM piece WHERE recording = ? AND name = ?"
        insert = "INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?, ?, ?, ?)"
        known = "SELECT 1 FROM recording WHERE id = ?"

        def write(database: sqlite3.Connection) -> str | None:
            if database.execute(known, (piece.recording,)).fetchone() is None:
                return ""
            before = database.execute(old, (piece.recording, piece.name)).fetchone()
            database.execute(insert, row)
            if before is None:
                note_in(database, entry)
            elif before[1] != kept.sha256:
                note_in(database, _replaced(entry, str(before[1])))
            return str(before[0]) if before else None

        replaced = await self._store.together(write)
        if replaced == "":
            raise UnknownRecordingError(piece.recording)
        return replaced

    async def amend(self, piece: Piece) -> bool:
        """Replace the words of a piece."""
        change = "UPDATE piece SET body = ? WHERE recording = ? AND name = ?"
        row = (msgspec.json.encode(piece), piece.recording, piece.name)
        return await self._store.together(lambda db: db.execute(change, row).rowcount > 0)

    async def remember(self, adapter: str, shelf: str, name: str, words: Mapping[str, str]) -> bool:
        """Keep words on a shelf; True when new."""
        key = (adapter, shelf, name)
        there = "SELECT 1 FROM shelf WHERE adapter = ? AND shelf = ? AND name = ?"
        insert = "INSERT OR REPLACE INTO shelf VALUES (?, ?, ?, ?)"

        def write(database: sqlite3.Connection) -> bool:
            new = database.execute(there, key).fetchone() is None
            database.execute(insert, (*key, msgspec.json.encode(dict(words))))
            return new

        return await self._store.together(write)

    # --- out ---

    async def recall(self, adapter: str, shelf: str, name: str) -> dict[str, str] | None:
        """Read words from a shelf."""
        query = "SELECT body FROM shelf WHERE adapter = ? AND shelf = ? AND name = ?"
        rows = await self._store.query(query, adapter, shelf, name)
        return msgspec.json.decode(rows[0][0], type=dict[str, str]) if rows else None

    async def recording(self, name: RecordingId) -> Recording | None:
        """Read what is known of a recording."""
        rows = await self._store.query("SELECT body FROM recording WHERE id = ?", name)
        return msgspec.json.decode(rows[0][0], type=Recording) if rows else None

    async def piece(self, recording: RecordingId, name: str) -> tuple[KeptPiece, str] | None:
        """Read a piece, and the file it is in."""
        query = "SELECT body, size, sha256, file FROM piece WHERE recording = ? AND name = ?"
        rows = await self._store.query(query, recording, name)
        return _piece(rows[0]) if rows else None

    async def files_of(self, recording: RecordingId) -> list[tuple[KeptPiece, str]]:
        """Read all the pieces of a recording, by name, each with its file."""
        query = "SELECT body, size, sha256, file FROM piece WHERE recording = ? ORDER BY name"
        return [_piece(row) for row in await self._store.query(query, recording)]

    async def all_files(self) -> set[str]:
        """Read the names of all files that hold a piece."""
        kept = {str(row[0]) for row in await self._store.query("SELECT file FROM piece")}
        return kept.union(*(each.files for each in await self.doomed()))

    async def held(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> list[Held]:
        """Read the recordings that began, or were received, within a time, oldest first."""
        within = "WHERE min(coalesce(started_at, received_at), received_at) BETWEEN ? AND ? "
        bounds = (_iso(since) or "", _iso(until) or "9")
        query = f"SELECT id, received_at, body FROM recording {within}"  # noqa: S608
        query += "ORDER BY coalesce(started_at, received_at), id"
        own = "SELECT recording, piece.body, size, sha256, file FROM piece JOIN recording "
        own += f"ON recording.id = piece.recording {within}ORDER BY recording, name"
        rows = await self._store.query(query, *bounds)
        pieces: dict[str, list[KeptPiece]] = {}
        for name, *row in await self._store.query(own, *bounds):
            pieces.setdefault(name, []).append(_piece(tuple(row))[0])
        aside = await self._set_aside()
        return [
            Held(
                recording=msgspec.json.decode(body, type=Recording),
                received_at=datetime.fromisoformat(received),
                pieces=tuple(pieces.get(name, ())),
                set_aside=tuple(aside.get(name, ())),
            )
            for name, received, body in rows
        ]

    async def _set_aside(self) -> dict[str, list[SetAside]]:
        query = "SELECT recording, at, who, procedure, number, why FROM aside ORDER BY at"
        found: dict[str, list[SetAside]] = {}
        for name, at, who, procedure, number, why in await self._store.query(query):
            how = SetAside(at=datetime.fromisoformat(at), who=who, procedure=Procedure(procedure),
                           number=number, why=why)  # fmt: skip
            found.setdefault(name, []).append(how)
        return found

    # --- decided by people ---

    async def note(self, entry: Entry) -> None:
        """Write a line of the register: what is read or taken out."""
        await self._store.note(entry)

    async def set_aside(self, recording: RecordingId, how: SetAside) -> None:
        """Keep a recording for a procedure, and write so in the register.

        Raises
        ------
        UnknownRecordingError
            There is none of that name.
        """
        row = (recording, _iso(how.at), how.who, how.procedure.value, how.number, how.why)
        detail = {"set aside": "yes", "procedure": how.procedure.value, "number": how.number}
        entry = Entry(kind=Operation.MODIFICATION, who=how.who, what=recording, why=how.why,
                      detail=detail)  # fmt: skip

        def write(database: sqlite3.Connection) -> None:
            _known(database, recording)
            database.execute("INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?, ?, ?)", row)
            note_in(database, entry)

        await self._store.together(write)

    async def release(
        self, recording: RecordingId, who: str, why: str, procedure: str = "", number: str = ""
    ) -> None:
        """Let a recording go, as far as a procedure is concerned; unnamed, the only one there is.

        Raises
        ------
        UnknownRecordingError, NotSetAsideError
            As they say.
        """

        def write(database: sqlite3.Connection) -> None:
            _known(database, recording)
            query = "SELECT procedure, number FROM aside WHERE recording = ?"
            found = database.execute(query, (recording,)).fetchall()
            asked = [each for each in found if each == (procedure, number)]
            meant = asked if procedure or number else found
            if len(meant) != 1:
                raise NotSetAsideError(recording)
            erase = "DELETE FROM aside WHERE recording = ? AND procedure = ? AND number = ?"
            database.execute(erase, (recording, *meant[0]))
            detail = {"set aside": "no", "procedure": meant[0][0], "number": meant[0][1]}
            note_in(database, Entry(kind=Operation.MODIFICATION, who=who, what=recording, why=why,
                                    detail=detail))  # fmt: skip

        await self._store.together(write)

    # --- the end ---

    async def doom(self, held: Held, why: str, detail: Mapping[str, str]) -> bool:
        """Erase what is written of a recording, and note which files are to be destroyed.

        False when it was set aside meanwhile, or is gone already. The files are destroyed after
        this, and the register says so after that: a crash in between is made good by whoever
        reads `doomed` at the next start.
        """
        name = held.recording.id

        def write(database: sqlite3.Connection) -> bool:
            kept = "SELECT 1 FROM aside WHERE recording = ?"
            if database.execute(kept, (name,)).fetchone() is not None:
                return False
            read = "SELECT file FROM piece WHERE recording = ?"
            files = [str(row[0]) for row in database.execute(read, (name,))]
            database.execute("DELETE FROM piece WHERE recording = ?", (name,))
            gone = database.execute("DELETE FROM recording WHERE id = ?", (name,)).rowcount
            if gone:
                # Told again while its files of before resist: none of those is forgotten.
                waits = "SELECT files FROM doomed WHERE recording = ?"
                for (before,) in database.execute(waits, (name,)):
                    files += msgspec.json.decode(before, type=list[str])
                row = (name, msgspec.json.encode(files), why, msgspec.json.encode(dict(detail)))
                database.execute("INSERT OR REPLACE INTO doomed VALUES (?, ?, ?, ?)", row)
            return bool(gone)

        return await self._store.together(write)

    async def doomed(self) -> list[Doomed]:
        """Read what is to be destroyed, and is not yet known to be."""
        rows = await self._store.query("SELECT recording, files, why, detail FROM doomed")
        return [
            Doomed(
                recording=RecordingId(name),
                files=msgspec.json.decode(files, type=tuple[str, ...]),
                why=why,
                detail=msgspec.json.decode(detail, type=dict[str, str]),
            )
            for name, files, why, detail in rows
        ]

    async def gone(self, doomed: Doomed) -> None:
        """Write in the register that a recording is destroyed: its files are no longer there."""
        entry = Entry(
            kind=Operation.ERASURE, who=OURSELVES, what=doomed.recording, why=doomed.why,
            detail=doomed.detail,
        )  # fmt: skip

        def write(database: sqlite3.Connection) -> None:
            named = "DELETE FROM doomed WHERE recording = ?"
            if database.execute(named, (doomed.recording,)).rowcount:
                note_in(database, entry)

        await self._store.together(write)


def _known(database: sqlite3.Connection, recording: RecordingId) -> None:
    known = "SELECT 1 FROM recording WHERE id = ?"
    if database.execute(known, (recording,)).fetchone() is None:
        raise UnknownRecordingError(recording)


def _replaced(entry: Entry, before: str) -> Entry:
    """Say that other content came under the same name."""
    return Entry(
        kind=Operation.MODIFICATION, who=entry.who, what=entry.what, why=entry.why, at=entry.at,
        detail={**entry.detail, "sha256 before": before},
    )  # fmt: skip


def _piece(row: tuple[bytes, int, str, str]) -> tuple[KeptPiece, str]:
    body, size, sha256, file = row
    piece = msgspec.json.decode(body, type=Piece)
    return KeptPiece(piece=piece, size=size, sha256=sha256), file


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
