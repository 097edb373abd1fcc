"""All that the control room knows at once: incidents, positions, crews. Pure: no clock, no disk.

Hearing facts in any order, any number of times, leaves the same board.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hooks import (
    Activation,
    Crew,
    CrewFix,
    CrewId,
    CrewStatus,
    DeviceId,
    Elsewhere,
    Fact,
    FactId,
    Fix,
    IncidentId,
    LiveList,
    Means,
    Position,
    SourceKind,
)
from vms_plugin.incident import Decision, Incident, Progressed, Tape, implied, incident_of

#: A receiver computes a place some seconds before the press that carries it: still his place.
FRESH = timedelta(seconds=15)


#: What is known of a crew, thing by thing.
_KNOWN = ("name", "position", "status", "means", "members", "stale_after_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewCard:
    """A crew, each thing known of it with the moment and the fact it is known from."""

    id: CrewId
    known: dict[str, tuple[datetime, str, Any]] = field(default_factory=dict)
    #: As last known. The very same object until something new is known: ranking counts on it.
    crew: Crew = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "crew", self._last_known())

    def add(self, fact: CrewFix) -> CrewCard:
        """Keep, thing by thing, the latest word; ties fall on the fact's id.

        Of two places of the same moment the surer stands: a tracker tells one in several sentences.
        """
        known = dict(self.known)
        place = fact.position
        for name in _KNOWN:
            value = getattr(fact, name)
            # How long a place stands for now is its source's to say, were it to say nothing of it.
            of_place = name in ("position", "stale_after_s")
            if place is None if of_place else value is None:
                continue
            moment, tie = fact.at, str(fact.id)
            if of_place and place is not None:
                moment = min(place.fixed_at or fact.at, fact.at)
                tie = f"{place.accuracy_m is not None:d} {tie}"
            entry = (moment, tie, value)
            if name not in known or known[name][:2] < entry[:2]:
                known[name] = entry
        return CrewCard(id=self.id, known=known)

    def _last_known(self) -> Crew:
        moment, _, position = self.known.get("position", (None, "", None))
        if self._last("status", None) is CrewStatus.OFF_DUTY:
            position = None  # nobody is followed off duty
        if position is not None and position.fixed_at != moment:
            # Whoever gives no time of fix gave it when he spoke.
            position = replace(position, fixed_at=moment)
        return Crew(
            id=self.id,
            name=self._last("name", ""),
            position=position,
            status=self._last("status", CrewStatus.UNKNOWN),
            means=self._last("means", Means.UNKNOWN),
            members=self._last("members", ()),
            stale_after_s=self._last("stale_after_s", None),
        )

    def _last(self, name: str, unknown: Any) -> Any:
        return self.known[name][2] if name in self.known else unknown


def as_fact(crew: Crew, at: datetime | None, telling: str) -> CrewFix:
    """Tell what is known of a crew as a fact.

    Without a time it is as old as its position, so that any news wins over it.
    """
    fixed_at = crew.position.fixed_at if crew.position else None
    return CrewFix(
        id=FactId(f"{crew.id}:{telling}"),
        at=at or fixed_at or datetime.fromtimestamp(0, UTC),
        crew=crew.id,
        name=crew.name or None,
        position=crew.position,
        status=crew.status,
        means=crew.means,
        members=crew.members or None,
        stale_after_s=crew.stale_after_s,
    )


@dataclass(slots=True)
class Board:
    """The room's memory. `hear` is its only way in."""

    incidents: dict[IncidentId, Incident] = field(default_factory=dict)
    tapes: dict[DeviceId, Tape] = field(default_factory=dict)
    crews: dict[CrewId, CrewCard] = field(default_factory=dict)

    def hear(self, fact: Fact) -> set[IncidentId]:
        """Take a fact in; name the incidents whose picture it may change."""
        if isinstance(fact, CrewFix):
            card = self.crews.get(fact.crew) or CrewCard(id=fact.crew)
            self.crews[fact.crew] = card.add(fact)
            return set(self.incidents)
        if isinstance(fact, Fix):
            return self._place(fact.device, fact.at, fact, fact.position)
        touched: set[IncidentId] = set()
        if isinstance(fact, Activation) and fact.position:
            touched |= self._place(fact.device, fact.at, fact, fact.position)
        incident = incident_of(fact)
        if incident is not None:
            before = self.incidents.get(incident, Incident(id=incident))
            self.incidents[incident] = before.add(fact)
            touched.add(incident)
        return touched

    def forget_places(self, before: datetime) -> list[CrewId]:
        """Forget where crews were before that; name those."""
        old = [
            name for name, card in self.crews.items()
            if "position" in card.known and card.known["position"][0] < before
        ]  # fmt: skip
        for name in old:
            self.forget_place(name)
        return old

    def forget_place(self, crew: CrewId) -> None:
        """Forget where a crew is."""
        card = self.crews[crew]
        if "position" in card.known:
            known = {name: word for name, word in card.known.items() if name != "position"}
            self.crews[crew] = CrewCard(id=crew, known=known)

    def forget_tapes(self, before: datetime) -> None:
        """Forget where devices of no incident here were before that."""
        here = {each.device for each in self.incidents.values()}
        for device in self.tapes.keys() - here:
            self.tapes[device] = Tape(self.tapes[device].during(before, None))
            if not self.tapes[device].fixes:
                del self.tapes[device]

    def _place(
        self, device: DeviceId, at: datetime, fact: Fact, position: Position
    ) -> set[IncidentId]:
        self.tapes[device] = self.tapes.get(device, Tape()).add(at, fact.id, position)
        return {each.id for each in self.incidents.values() if each.device == device}

    def implied_by(self, live: LiveList) -> list[Fact]:
        """List the facts that a list of running activations implies."""
        return implied(live, self.incidents.values())

    def knows_of(self, fact: Fact) -> bool:
        """Whether the incident that another system speaks of is one of ours, and still open."""
        if not isinstance(fact, Elsewhere):
            return True
        incident = self.incidents.get(fact.incident)
        return incident is not None and incident.closed is None

    def served(self, fact: Fact) -> Fact:
        """Give a fact as it is to be kept: a place told after its incident was closed serves none.

        It is kept as any other outside incidents: for minutes.
        """
        if not isinstance(fact, Fix) or fact.activation is None:
            return fact
        incident = self.incidents.get(IncidentId(fact.activation))
        closed = incident.closed if incident else None
        return replace(fact, activation=None) if closed and fact.at > closed.at else fact

    def progress(self, fact: CrewFix) -> list[Progressed]:
        """Tell what a crew's status says of the incidents it was sent to."""
        if fact.status not in (CrewStatus.EN_ROUTE, CrewStatus.ON_SCENE):
            return []
        return [
            Progressed(id=FactId(f"renfort:progress:{fact.id}:{each.id}"), at=fact.at,
                       incident=each.id, by=fact.crew, crew=fact.crew, status=fact.status)
            for each in self.incidents.values()
            if each.closed is None and fact.crew in each.engaged
            and each.progress(fact.crew) is not fact.status
        ]  # fmt: skip

    def accepts(self, decision: Decision) -> bool:
        """Whether people may still decide that of this incident."""
        incident = self.incidents.get(decision.incident)
        return incident is not None and incident.closed is None

    def crews_for(self, incident: Incident) -> list[Crew]:
        """List the crews as this incident may count on them, by id.

        Whoever is engaged here stays on the list, whatever his radio says on the way; whoever is
        engaged elsewhere is not free, even before his radio says so.
        """
        elsewhere = {
            crew
            for each in self.incidents.values()
            if each.id != incident.id and each.closed is None
            for crew in each.engaged
        }
        here = set(incident.engaged)
        return [
            replace(crew, status=CrewStatus.FREE) if crew.id in here
            else replace(crew, status=CrewStatus.ENGAGED) if crew.id in elsewhere
            else crew
            for crew in (self.crews[name].crew for name in sorted(self.crews))
        ]  # fmt: skip

    def whereabouts(self, incident: Incident) -> tuple[Position | None, bool, tuple[Position, ...]]:
        """Say where it is, whether that is older than the press, and the way there.

        An operator's placing counts as a position; the latest word wins, unless he corrected what
        the device gives: then his stands, and nothing is drawn of the way that was wrong.
        """
        tape = self.tapes.get(incident.device, Tape())
        placed = incident.placed
        if placed and placed[-1].instead:
            return placed[-1].position, False, (placed[-1].position,)
        lived = self._lived(incident)
        for fact in placed:
            lived = lived.add(fact.at, fact.id, fact.position)
        if lived.fixes:
            trail = tuple(position for _, _, position in lived.fixes)
            return trail[-1], False, trail
        earlier = tape.before(incident.opened_at) or self._undated(incident)
        return earlier, earlier is not None, ()

    def has_fix(self, incident: Incident) -> bool:
        """Whether the device itself gave a position during the activation."""
        return bool(self._lived(incident).fixes)

    def _lived(self, incident: Incident) -> Tape:
        tape = self.tapes.get(incident.device, Tape())
        fixes = tape.during(incident.opened_at - FRESH, incident.ended_at)
        if incident.kind is SourceKind.RADIO:
            fixes = tuple(each for each in fixes if each[2].fixed_at is not None)
        return Tape(fixes)

    def _undated(self, incident: Incident) -> Position | None:
        """Give the last place of unknown age: a radio says so of the one that it had kept.

        A camera that gives no time with a place gives the place of its press.
        """
        fixes = self.tapes.get(incident.device, Tape()).fixes
        undated = [place for _, _, place in fixes if place.fixed_at is None]
        radio = incident.kind is SourceKind.RADIO
        return undated[-1] if radio and undated else None
