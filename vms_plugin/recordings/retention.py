"""The clockwork that destroys: at start, also after days off, then every minute."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from hooks import Message
from vms_plugin.recordings.archive import Archive, UndestroyedError

EVERY_S = 60.0

log = structlog.get_logger(__name__)


async def keep_the_month(
    archive: Archive, tell: Callable[[Message | None], None], every_s: float = EVERY_S
) -> None:
    """Destroy what is over, for ever; `tell` what is kept against the law, or that nothing is.

    A store that does not answer is said and tried again: what is to be destroyed is on a list that
    survives a restart.
    """
    failing = False
    while True:
        try:
            destroyed = await archive.destroy_due(datetime.now(UTC))
        except (UndestroyedError, sqlite3.Error) as error:
            tell(_why(error))
            if not failing:
                cause = error.__cause__ or error
                log.warning(
                    "recordings cannot be destroyed", why=f"{type(cause).__name__}: {cause}"
                )
            failing = True
        else:
            tell(None)
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
