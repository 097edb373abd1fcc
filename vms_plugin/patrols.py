"""What is heard of crews, and what may be kept of it.

Where crews are serves the incident (CNIL: safety of the employee, emergency): outside one, the last
known place alone is known, and forgotten within the hour. Off duty nobody is followed. Of a crew
engaged the way is kept with the incident, for as long as the town says, two months at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hooks import CrewFix, CrewId, CrewStatus, FactId, IncidentId
from vms_plugin.board import Board
from vms_plugin.incident import Engaged
from vms_plugin.legal import law
from vms_plugin.roster_file import RosterFile
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.waypoint import Waypoint, forget_assignments, forget_ways

#: A place as old as that serves nobody any more.
FORGOTTEN_S = 3600.0
#: Outside working time nobody is followed, breaks included (CNIL, délibération 2015-165).
_UNFOLLOWED = (CrewStatus.OFF_DUTY, CrewStatus.BREAK)


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
        ways: list[Waypoint] = []
        engaged = self._engaged()
        for fact in facts:
            private = self._private(fact, engaged.get(fact.crew))
            touched |= self._board.hear(private)
            if self._board.crews[fact.crew].crew.status in _UNFOLLOWED:
                self._board.forget_place(fact.crew)
            else:
                ways += self._way(private, engaged.get(fact.crew))
        cards = {fact.crew: self._board.crews[fact.crew] for fact in facts}
        await self._store.keep_crews(cards.values(), ways)
        return touched

    def relieved(self, now: datetime) -> list[CrewFix]:
        """Tell who is off duty by the roster and has said nothing since: his place is forgotten."""
        if not self._roster.lines():
            return []
        engaged = self._engaged()
        return [
            CrewFix(id=FactId(f"renfort:hours:{name}:{now.isoformat()}"), at=now, crew=name,
                    status=CrewStatus.OFF_DUTY)
            for name, card in self._board.crews.items()
            if card.crew.status is not CrewStatus.OFF_DUTY and name not in engaged
            and self._roster.on_duty(name, now) is False
        ]  # fmt: skip

    def _engaged(self) -> dict[CrewId, Engaged]:
        """List the crews sent somewhere and not called back, each with the word that sent it."""
        return {
            order.crew: order
            for incident in self._board.incidents.values()
            if incident.closed is None
            for order in incident.sent
        }

    def _private(self, fact: CrewFix, order: Engaged | None) -> CrewFix:
        """Leave out where somebody is who is off duty, by his own word or by the roster's.

        Whoever is engaged is at work until he is called back, whatever the hour: the roster has him
        vanish in no intervention that lasts.
        """
        if order is None and self._is_off(fact.crew, fact.at):
            return replace(fact, position=None, status=CrewStatus.OFF_DUTY)
        place = fact.position
        if order is None and place and place.fixed_at and self._is_off(fact.crew, place.fixed_at):
            fact = replace(fact, position=None)  # where he was before his hours, told within them
        over_since = self._over_since(fact.crew)
        if fact.status is None and over_since is not None:
            began = order.at if order else self._roster.on_duty_since(fact.crew, fact.at)
            if began is None or over_since >= began:
                return replace(fact, position=None)
            return replace(fact, status=CrewStatus.UNKNOWN)  # that word was of an earlier day
        return replace(fact, position=None) if fact.status in _UNFOLLOWED else fact

    def _is_off(self, crew: CrewId, at: datetime) -> bool:
        return self._roster.on_duty(crew, at) is False

    def _over_since(self, crew: CrewId) -> datetime | None:
        """Say since when a crew is not to be followed, as last told; None: it may be."""
        card = self._board.crews.get(crew)
        said = card.known.get("status") if card else None
        return said[0] if said and said[2] in _UNFOLLOWED else None

    def _way(self, fact: CrewFix, order: Engaged | None) -> Iterator[Waypoint]:
        if fact.position is not None and (order is not None or self._settings.trail_days > 0):
            yield Waypoint(
                crew=fact.crew, at=fact.position.fixed_at or fact.at,
                incident=order.incident if order else None,
                lon=fact.position.lon, lat=fact.position.lat,
            )  # fmt: skip

    async def forget(self) -> None:
        """Forget what may not be kept any longer: places, and the ways of crews."""
        now = datetime.now(UTC)
        hour_ago = now - timedelta(seconds=FORGOTTEN_S)
        self._board.forget_tapes(hour_ago)
        gone = self._board.forget_places(hour_ago)
        if gone:
            await self._store.keep_crews([self._board.crews[crew] for crew in gone], [])
        await forget_ways(
            self._store,
            stray=now - timedelta(days=self._settings.trail_days),
            kept=now - timedelta(days=self._settings.incident_trail_days),
        )
        kept_since = law(self._settings.law_parameters).register_kept_since
        await forget_assignments(self._store, kept_since(now))
