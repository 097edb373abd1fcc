"""The clockwork that destroys: at start, also after days off, then every minute."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog

from hooks import Message
from vms_plugin.recordings.archive import Archive, UndestroyedError

EVERY_S = 60.0
#: A clock that leaps ahead by more is not believed at once: what is destroyed does not come back.
LEAP = timedelta(hours=1)
#: It is when nobody has set it right for that long: the machine may have slept for days.
BELIEVED_S = 86_400.0

_LEAPT = Message(
    text="the server's clock leapt ahead: set it by NTP; until it is believed, in a day, "
    "recordings are destroyed by the time before"
)

log = structlog.get_logger(__name__)


class Steady:
    """The clock on the wall, for what cannot be undone; held against one that only grows."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._wall, self._ticks = wall, ticks
        self._held, self._at_s = wall(), ticks()
        self._leapt_at_s: float | None = None
        self.leapt = False  #: it is not believed now

    def now(self) -> datetime:
        """Give the time: as if no leap had been, for a day after one."""
        wall, at_s = self._wall(), self._ticks()
        steady = self._held + timedelta(seconds=at_s - self._at_s)
        self.leapt = wall - steady > LEAP
        if self.leapt:
            if self._leapt_at_s is None:
                self._leapt_at_s = at_s
                log.warning("the clock leapt ahead: believed in a day; set it by NTP",
                            to=wall.isoformat(), expected=steady.isoformat())  # fmt: skip
            if at_s - self._leapt_at_s < BELIEVED_S:
                return steady
            self.leapt = False
        self._held, self._at_s, self._leapt_at_s = wall, at_s, None
        return wall


async def keep_the_month(
    archive: Archive, tell: Callable[[Message | None], None], every_s: float = EVERY_S,
    clock: Steady | None = None,
) -> None:  # fmt: skip
    """Destroy what is over, for ever; `tell` what is kept against the law, or that nothing is.

    A store that does not answer is said and tried again: what is to be destroyed is on a list that
    survives a restart.
    """
    failing, clock = False, clock or Steady()
    while True:
        try:
            destroyed = await archive.destroy_due(clock.now())
        except (UndestroyedError, sqlite3.Error) as error:
            tell(_why(error))
            if not failing:
                cause = error.__cause__ or error
                log.warning(
                    "recordings cannot be destroyed", why=f"{type(cause).__name__}: {cause}"
                )
            failing = True
        else:
            tell(_LEAPT if clock.leapt else None)
            if failing:
                log.info("recordings are destroyed again")
            failing = False
            if destroyed:
                log.info("recordings destroyed", count=destroyed)
        await asyncio.sleep(every_s)


def _why(error: UndestroyedError | sqlite3.Error) -> Message:
    """Say what is so; why, in the system's own words, is for the log and whoever mends it."""
    if isinstance(error, sqlite3.Error):
        return Message(text="the journal cannot be written: the host's log says why")
    return Message(
        text="recordings past their month that cannot be destroyed: {count}",
        params={"count": error.count},
    )
