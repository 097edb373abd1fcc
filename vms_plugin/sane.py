"""Hold what comes in to what can be true: a clock that is years off must not hide a press. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hooks import Activation, CameraState, CrewFix, Fact, Message

#: A fact may be told this late: longer than any outage that a resync closes.
LATE = timedelta(days=1)
#: A clock may be this far ahead before we stop believing it.
AHEAD = timedelta(minutes=2)


def plausible(fact: Fact, heard_at: datetime) -> tuple[Fact, Message | None]:
    """Give the fact with a time that can be true, and what was wrong with the one it had."""
    # A camera may have been dead for months: the time of its state says so, and decides nothing.
    if isinstance(fact, CameraState) or heard_at - LATE <= fact.at <= heard_at + AHEAD:
        return fact, None
    # A queue gives on Monday what it kept since Friday: dated today, it would win over Sunday.
    if isinstance(fact, CrewFix) and fact.at < heard_at:
        return fact, None
    fault = Message(
        text="{field} = {value}: {remedy}",
        params={
            "field": f"{type(fact).__name__}.at",
            "value": fact.at.isoformat(),
            "remedy": Message(text="that cannot be; set the sender's clock (NTP)"),
        },
    )
    if isinstance(fact, Activation):
        extra = {**fact.extra, "claimed_at": fact.at.isoformat()}
        return replace(fact, at=heard_at, extra=extra), fault
    return replace(fact, at=heard_at), fault
