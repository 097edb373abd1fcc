"""What is heard of crews, and what may be kept of it.

Where crews are serves the incident (CNIL: safety of the employee, emergency): outside one, the last
known place alone is known, and forgotten within the hour. Off duty nobody is followed. Of a crew
engaged the way is kept with the incident, for as long as the town says, two months at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hooks import CrewFix, CrewId, CrewStatus, IncidentId
from vms_plugin.board import Board
from vms_plugin.legal import law
from vms_plugin.roster_file import RosterFile
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.waypoint import Waypoint, forget_assignments, forget_ways

#: A place as old as that serves nobody any more.
FORGOTTEN_S = 3600.0


class Patrols:
    """Takes what is told of crews to the board and the disk. On the host's loop."""

    def __init__(self, settings: Settings, board: Board, store: Store, roster: RosterFile) -> None:
        self._settings = settings
        self._board = board
        self._store = store
        self._roster = roster

    async def hear(self, facts: Sequence[CrewFix]) -> set[IncidentId]:
        """Take facts in; name the incidents whose picture they may change, once they are kept."""
        touched: set[IncidentId] = set()
        heard = [self._private(fact) for fact in facts]
        for fact in heard:
            touched |= self._board.hear(fact)
        cards = {fact.crew: self._board.crews[fact.crew] for fact in heard}
        await self._store.keep_crews(cards.values(), list(self._way(heard)))
        return touched

    def _private(self, fact: CrewFix) -> CrewFix:
        """Leave out where somebody is who is off duty, by his own word or by the roster's."""
        if self._roster.on_duty(fact.crew, fact.at) is False:
            return replace(fact, position=None, status=CrewStatus.OFF_DUTY)
        return replace(fact, position=None) if fact.status is CrewStatus.OFF_DUTY else fact

    def _way(self, facts: Iterable[CrewFix]) -> Iterable[Waypoint]:
        engaged: dict[CrewId, IncidentId] = {
            crew: incident.id
            for incident in self._board.incidents.values()
            if incident.closed is None
            for crew in incident.engaged
        }
        always = self._settings.trail_days > 0
        for fact in facts:
            incident = engaged.get(fact.crew)
            if fact.position is not None and (incident is not None or always):
                yield Waypoint(
                    crew=fact.crew, at=fact.position.fixed_at or fact.at, incident=incident,
                    lon=fact.position.lon, lat=fact.position.lat,
                )  # fmt: skip

    async def forget(self) -> None:
        """Forget what may not be kept any longer: places, and the ways of crews."""
        now = datetime.now(UTC)
        gone = self._board.forget_places(now - timedelta(seconds=FORGOTTEN_S))
        if gone:
            await self._store.keep_crews([self._board.crews[crew] for crew in gone], [])
        await forget_ways(
            self._store,
            stray=now - timedelta(days=self._settings.trail_days),
            kept=now - timedelta(days=self._settings.incident_trail_days),
        )
        kept_since = law(self._settings.law_parameters).register_kept_since
        await forget_assignments(self._store, kept_since(now))
