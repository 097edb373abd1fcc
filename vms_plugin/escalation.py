"""An alert that nobody confirms grows louder: the second group, then somebody outside. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from hooks import Escalation, FactId, Phase
from vms_plugin.incident import Escalated, Incident

#: What the officer waits, from his press; the settings say otherwise.
ROOM_S = 30.0
OUTSIDE_S = 60.0


def due(
    incident: Incident, now: datetime, *, room_s: float, outside_s: float, reachable: bool
) -> list[Escalated]:
    """List the steps to take now, each once for ever: their ids are the incident's own.

    The press itself starts the clock, not its hearing: after an outage both come at once. An
    exercise stays in the room. `reachable`: somebody outside can be told at all.
    """
    if incident.phase is not Phase.NEW or not incident.activations:
        return []
    waited = now - incident.opened_at
    steps = [(Escalation.ROOM, room_s)]
    if reachable and not incident.exercise:
        steps.append((Escalation.OUTSIDE, outside_s))
    found = [
        Escalated(id=FactId(f"renfort:escalated:{step}:{incident.id}"), at=now,
                  incident=incident.id, by="Renfort", step=step)
        for step, after_s in steps
        if waited >= timedelta(seconds=after_s)
    ]  # fmt: skip
    return [each for each in found if each.id not in incident.known]
