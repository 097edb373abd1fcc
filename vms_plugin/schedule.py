"""When the next daily proof is due: hours of the town's clocks, through changes of time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo


def next_due(times: Iterable[time], after: datetime, zone: tzinfo) -> datetime | None:
    """Give the first moment after `after` at which one of the local times strikes; None: no times.

    In spring an hour that does not exist strikes when the clocks have gone forward; in autumn one
    that comes twice strikes the first time alone.
    """
    today = after.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in range(3))
    moments = {datetime.combine(day, each, zone).astimezone(UTC) for day in days for each in times}
    return min((each for each in moments if each > after), default=None)
