"""What operators do to our alarms in the Smart Client: told as facts, without going round. Pure.

An alarm of ours is known by its mark. What it says is held against what we last wrote into it: only
what differs was done by somebody else. The facts' ids are made of the alarm and of what was done,
so the same thing read again, or after a restart, is the same fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from adapters.milestone.record import Shown
from hooks import ClosedElsewhere, Elsewhere, FactId, IncidentId, TakenElsewhere

Row = Mapping[str, Any]

_MARK = re.compile(r"\[renfort:([^\]\s]+)\]")
#: From this level on somebody has the alarm in hand; at this one it is closed (`alarm.LEVELS`).
TAKEN, CLOSED = 4, 11
#: Who did it, when the site names nobody.
NOBODY = "XProtect"


def incident_in(row: Row) -> IncidentId | None:
    """Say which incident an alarm of ours is about; None for somebody else's alarm."""
    for said in row.values():
        found = _MARK.search(said) if isinstance(said, str) else None
        if found:
            return IncidentId(found[1])
    return None


def level_of(row: Row, states: Iterable[Row]) -> int | None:
    """Read how far an alarm is: releases give its state whole, by id, or by name."""
    state = row.get("state")
    if isinstance(state, Mapping):
        level = state.get("level", state.get("id"))
        return int(level) if str(level).isdecimal() else _level(state.get("id"), states)
    return _level(state, states)


def _level(named: object, states: Iterable[Row]) -> int | None:
    for each in states:
        if named is not None and named in (each.get("id"), each.get("name")):
            level = each.get("level", each.get("id"))
            return int(level) if str(level).isdecimal() else None
    return int(str(named)) if str(named).isdecimal() else None


def changes(
    row: Row, shown: Shown | None, states: Iterable[Row], at: datetime, ours: str = ""
) -> list[Elsewhere]:
    """Tell what somebody else did to an alarm of ours.

    Parameters
    ----------
    row
        The alarm, as the site lists it.
    shown
        What we last wrote into it; None after a restart: all that it says is then told, and the
        incident, which knows it already, is the same.
    states
        The site's alarm states.
    at
        When it was read; later than what we wrote ourselves.
    ours
        Our own account: what it did is not told.
    """
    incident, level = incident_in(row), level_of(row, states)
    if incident is None or level is None:
        return []
    alarm, by = str(row.get("id")), _who(row)
    if by == ours and by:
        return []
    written = shown.state if shown else "new"
    told: list[Elsewhere] = []
    if level >= TAKEN and written == "new":
        told.append(
            TakenElsewhere(
                id=FactId(f"milestone:alarm:{alarm}:taken"), at=at, incident=incident, by=by
            )
        )
    if level >= CLOSED and written != "closed":
        told.append(
            ClosedElsewhere(
                id=FactId(f"milestone:alarm:{alarm}:closed"), at=at, incident=incident, by=by,
                outcome=_outcome(row),
            )
        )  # fmt: skip
    return told


def _who(row: Row) -> str:
    """Name who did it: whom the history names, whom it is assigned to, or the site itself."""
    changed = row.get("changedBy")  # ours: read in the alarm's history
    if isinstance(changed, str) and changed.strip():
        return changed.strip()[:100]
    assigned = row.get("assignedTo")
    named = assigned.get("displayName") if isinstance(assigned, Mapping) else assigned
    named = named or row.get("assignedTo.displayName")
    return str(named).strip()[:100] if isinstance(named, str) and named.strip() else NOBODY


def _outcome(row: Row) -> str:
    reason = row.get("reasonForClosing")
    if isinstance(reason, Mapping):
        reason = reason.get("name") or reason.get("displayName")
    said = reason or row.get("comment") or ""
    return str(said).strip()[:500]
