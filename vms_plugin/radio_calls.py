"""A radio's call for help, told anew by an adapter that has forgotten it: the same call still.

A radio says "emergency" with each report until somebody answers it. Its adapter knows which reports
are one call; restarted with the host it does not, and names the next report after a new call. Two
alerts for one man would send two crews to him.

Nor does it know that the room has closed a call. A radio that goes on with it opens nothing; one
that fell silent and calls again is a man who pressed again, and is heard again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hooks import (
    Activation,
    ActivationId,
    DeviceId,
    End,
    Fact,
    FactId,
    Fix,
    IncidentId,
    SourceKind,
)
from vms_plugin.board import Board
from vms_plugin.incident import Incident

#: A radio silent for so long on its call, then calling again, calls anew: as its adapter counts.
QUIET = timedelta(minutes=15)
#: After its call was closed, a radio silent on it for so long, then calling again, calls anew: what
#: is left on emergency repeats itself every few seconds, half a minute at the most.
ANEW = timedelta(minutes=1)


class RadioCalls:
    """Which calls are another one continued. On the host's loop."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._same: dict[ActivationId, ActivationId] = {}
        #: Of each radio, the call it was last heard on, and when.
        self._heard: dict[DeviceId, tuple[ActivationId, datetime]] = {}

    def known(self, facts: Iterable[Fact]) -> list[Fact]:
        """Give the facts, each under the call that the room knows; a call told again is none."""
        return [self._renamed(fact) for fact in map(self._anew, facts) if not self._repeats(fact)]

    def _renamed(self, fact: Fact) -> Fact:
        if isinstance(fact, Fix | End) and fact.activation in self._same:
            return replace(fact, activation=self._same[fact.activation])
        return fact

    def _anew(self, fact: Fact) -> Fact:
        """Give a call as the new one that it is, if the room has closed the one it goes on with."""
        if not isinstance(fact, Activation) or fact.kind is not SourceKind.RADIO:
            return fact
        known, last = self._heard.get(fact.device, (None, fact.at))
        self._heard[fact.device] = fact.activation, max(fact.at, last)
        if known != fact.activation or fact.at - last <= ANEW:
            return fact
        room = self._board.incidents.get(IncidentId(self._same.get(known, known)))
        if room is not None and (room.closed is None or fact.at <= room.closed.at):
            return fact  # it is open still; what is not here any more was closed long ago
        session = ActivationId(f"{fact.device}:{int(fact.at.timestamp())}")
        self._same[known] = session
        return replace(fact, id=FactId(f"{session}:call"), activation=session)

    def _repeats(self, fact: Fact) -> bool:
        if not isinstance(fact, Activation) or fact.kind is not SourceKind.RADIO:
            return False
        if IncidentId(fact.activation) in self._board.incidents:
            return False  # told again under its own name: the journal knows it
        if fact.activation not in self._same:
            for each in self._board.incidents.values():
                if self._goes_on(each, fact):
                    self._same[fact.activation] = ActivationId(each.id)
        return fact.activation in self._same

    def _goes_on(self, incident: Incident, call: Activation) -> bool:
        if incident.device != call.device or incident.kind is not SourceKind.RADIO:
            return False
        over = incident.closed is not None or incident.ended_at is not None
        return not over and call.at - self._last_word(incident) <= QUIET

    def _last_word(self, incident: Incident) -> datetime:
        tape = self._board.tapes.get(incident.device)
        places = [at for at, _, _ in tape.fixes] if tape else []
        return max([incident.opened_at, *places[-1:]])
