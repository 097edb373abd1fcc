"""The SQLite file, and the one thread that owns it: durable before anything is answered.

What is asked while it commits waits for the next commit, together: under load, a thousand facts
share the price of one write to disk.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, TypeVar

from vms_plugin.arrears import Work

_T = TypeVar("_T")
_Asked = tuple[Work, Future[Any]]
_Answer = tuple[Future[Any], Any, BaseException | None]

#: Nothing to write for that long: time to fold the log into the file.
IDLE_S = 0.5


@dataclass(slots=True)
class Dated:
    """An answer that is told when it was on the disk."""

    durable_at: datetime | None = None


class Database:
    """One file, open until it is closed.

    Raises
    ------
    sqlite3.Error
        The file is no database, or of a newer release.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._work: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._opened: Future[None] = Future()
        self._thread.start()
        self._opened.result()

    def close(self) -> None:
        """Finish what was asked, then close the file."""
        self._work.put(None)
        self._thread.join()

    async def do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do a work in the file's thread; give its answer once all it wrote is on the disk.

        Raises
        ------
        sqlite3.Error
            The disk is full, or another process holds the file too long: nothing was written.
        """
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


def _commit(database: sqlite3.Connection, batch: list[_Asked]) -> None:
    """Do the works, commit them, then answer."""
    try:
        answers = _together(database, batch)
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            answers = [(future, None, error) for _, future in batch]  # each would wait as long
        else:
            answers = [_alone(database, work, future) for work, future in batch]
    now = datetime.now(UTC)
    for future, answer, fault in answers:
        if isinstance(answer, Dated):
            answer.durable_at = now
        if not future.set_running_or_notify_cancel():
            continue
        if fault is None:
            future.set_result(answer)
        else:
            future.set_exception(fault)


def _together(database: sqlite3.Connection, batch: list[_Asked]) -> list[_Answer]:
    """Do each work in its own savepoint, then commit them all."""
    answers: list[_Answer] = []
    try:
        database.execute("BEGIN IMMEDIATE")
        for work, future in batch:
            database.execute("SAVEPOINT work")
            try:
                answers.append((future, work(database), None))
            except Exception as error:
                if not database.in_transaction:
                    raise  # SQLite gave up all of it by itself: the disk is full
                # Not only SQLite's own: what cannot be written at all, as half a character, must
                # not end the one thread that every press waits for.
                database.execute("ROLLBACK TO work")
                answers.append((future, None, error))
            database.execute("RELEASE work")
        database.execute("COMMIT")
    except sqlite3.Error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return answers


def _alone(database: sqlite3.Connection, work: Work, future: Future[Any]) -> _Answer:
    """Do one work by itself: a disk that takes nothing can still be read."""
    try:
        database.execute("BEGIN")
        answer = work(database)
        database.execute("COMMIT")
    except Exception as error:  # noqa: BLE001  (told to whoever asked)
        if database.in_transaction:
            database.execute("ROLLBACK")
        return future, None, error
    return future, answer, None


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
