"""What the disk did not take, kept until it does: the room is shown it meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

#: More would fill the memory as the disk is filled.
MOST_OWED = 100_000

Work = Callable[[sqlite3.Connection], Any]


class Arrears:
    """Works that are owed to the disk, in the order in which they came."""

    def __init__(self, do: Callable[[Work], Awaitable[Any]]) -> None:
        self._do = do
        self._owed: dict[Hashable, Work] = {}
        self.fault = ""  #: why something is owed, as SQLite says it; "" when nothing is

    async def keep(self, about: Hashable, work: Work) -> None:
        """Do a work now, or owe it: the newest about one thing, after all that is owed already."""
        if self._owed:
            self.owe(about, work)
            return
        try:
            await self._do(work)
        except sqlite3.Error as error:
            self.owe(about, work, error)

    def owe(self, about: Hashable, work: Work, error: sqlite3.Error | None = None) -> None:
        """Take a work that must be done as soon as the disk allows.

        Raises
        ------
        sqlite3.Error
            Too much is owed.
        """
        if len(self._owed) >= MOST_OWED:
            raise error or sqlite3.OperationalError(self.fault)
        self._owed.pop(about, None)
        self._owed[about] = work
        if error is not None:
            self._told(str(error))

    async def settle(self) -> None:
        """Do all that is owed; what the disk still does not take stays owed."""
        owed = dict(self._owed)
        if not owed:
            return

        def write(database: sqlite3.Connection) -> None:
            for work in owed.values():
                work(database)

        try:
            await self._do(write)
        except sqlite3.Error as error:
            self._told(str(error))
            return
        for about, work in owed.items():
            if self._owed.get(about) is work:
                del self._owed[about]
        if not self._owed:
            self.fault = ""
            log.warning("the journal is written again", works=len(owed))

    def _told(self, fault: str) -> None:
        if fault != self.fault:
            log.error("the journal cannot be written", why=fault)
        self.fault = fault
