"""The incident: a fold of its facts. Pure.

An incident is the *set* of what is known about one activation, kept in one order (`at`, then
`id`). Adding a fact is therefore commutative and idempotent by construction: late, doubled and
out-of-order facts give the same incident, and a replay of the journal gives it again.

Positions live beside, on a `Tape` per device: an incident reads the part of it that it lived
through, and the last place known before it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from hooks import (
    Activation,
    ActivationId,
    CameraId,
    ClosedElsewhere,
    CrewId,
    CrewStatus,
    DeviceId,
    Elsewhere,
    End,
    EndReason,
    Escalation,
    Fact,
    FactId,
    IncidentId,
    LinkChange,
    LiveList,
    Message,
    Officer,
    Phase,
    Position,
    ReceivedElsewhere,
    RefusedElsewhere,
    SourceKind,
    TakenElsewhere,
    Trigger,
)

_T = TypeVar("_T")

#: Positions kept per device: ten minutes at one a second.
TAPE_LENGTH = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Fact):
    """Something a person at the control room, or the house's rule, decided."""

    incident: IncidentId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInCharge(Decision):
    """An operator confirms reception. The first one owns the incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engaged(Decision):
    """An operator sends a crew."""

    crew: CrewId
    rank: int | None = None  #: its place, from 1, among those that could be sent; None: unlisted


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained(Decision):
    """An operator says why he sent that crew and not the one ranked first."""

    crew: CrewId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Decision):
    """An operator calls a crew back."""

    crew: CrewId


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed(Decision):
    """An operator says where it is, GNSS being wrong or missing."""

    position: Position
    #: He corrects a place that was given: his word stands whatever comes, until `Unplaced`.
    instead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced(Decision):
    """An operator takes back where he said it is: what the device gives counts again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aimed(Decision):
    """An operator has a camera turned there. One fact when he asks, one for what it answered."""

    camera: CameraId
    done: bool | None = None  #: None: asked, and not answered yet
    how: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(Decision):
    """Nobody confirmed in time: the house's rule made the alert louder."""

    step: Escalation


@dataclass(frozen=True, slots=True, kw_only=True)
class Informed(Decision):
    """Somebody was told through an adapter, which `by` names, or could not be."""

    whom: str  #: "wearer", "contact", or the crew's id
    well: bool
    call_back: bool = False  #: the crew was told that it is no longer needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Decision):
    """Somebody writes in the log. Also once it is closed: nothing is erased, a word may be late."""

    text: str
    corrects: FactId | None = None  #: the line that this one corrects


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed(Decision):
    """A crew that was sent says that it is on the way, or there."""

    crew: CrewId
    status: CrewStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Decision):
    """The incident is over. Nothing reopens it: another press is another incident."""

    outcome: str


def order(fact: Fact) -> tuple[datetime, str]:
    """Give the one order in which facts are read, whatever the order they came in."""
    return fact.at, fact.id


@dataclass(frozen=True, slots=True)
class Tape:
    """The last positions of a device, oldest first."""

    fixes: tuple[tuple[datetime, FactId, Position], ...] = ()

    def add(self, at: datetime, fact: FactId, position: Position) -> Tape:
        """Keep a position, and only the newest `TAPE_LENGTH` of them."""
        # A receiver cannot have computed a place after it was told: a clock ahead does not win.
        moment = min(position.fixed_at or at, at)
        entry = (moment, fact, position)
        if any(known == fact for _, known, _ in self.fixes):
            return self
        fixes = list(self.fixes)
        insort(fixes, entry, key=lambda each: each[:2])
        return Tape(tuple(fixes[-TAPE_LENGTH:]))

    def during(
        self, start: datetime, end: datetime | None
    ) -> tuple[tuple[datetime, FactId, Position], ...]:
        """List what was recorded from `start` to `end`, oldest first."""
        return tuple(
            each for each in self.fixes if start <= each[0] and not (end and end < each[0])
        )

    def before(self, moment: datetime) -> Position | None:
        """Give the last position known before a moment."""
        earlier = [p for at, _, p in self.fixes if at < moment]
        return earlier[-1] if earlier else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """All that is known of one activation but its positions. Everything else is read from it."""

    id: IncidentId
    facts: tuple[Fact, ...] = ()
    known: frozenset[FactId] = field(default=frozenset(), repr=False)

    def add(self, fact: Fact) -> Incident:
        """Add a fact; the same one again changes nothing."""
        if fact.id in self.known:
            return self
        facts = list(self.facts)
        insort(facts, fact, key=order)
        return replace(self, facts=tuple(facts), known=self.known | {fact.id})

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Every telling of the press: the event itself, the list read after an outage."""
        return self._of(Activation)

    @property
    def opened_at(self) -> datetime:
        """When the officer pressed; the earliest thing known, if the press itself is not."""
        return (self.activations or self.facts)[0].at

    @property
    def device(self) -> DeviceId:
        """The device that was activated; empty when only people spoke of this incident."""
        for fact in self.facts:
            if isinstance(fact, Activation | End | LinkChange):
                return fact.device
        return DeviceId("")

    @property
    def officer(self) -> Officer:
        """Who wears it, each field from the first telling that gives it."""
        tellings = [activation.officer for activation in self.activations]
        return Officer(
            id=next((officer.id for officer in tellings if officer.id), ""),
            call_sign=next((officer.call_sign for officer in tellings if officer.call_sign), ""),
            name=next((officer.name for officer in tellings if officer.name), ""),
            crew=next((officer.crew for officer in tellings if officer.crew), None),
        )

    @property
    def kind(self) -> SourceKind:
        """What was activated; the first telling that knows says so."""
        kinds = [activation.kind for activation in self.activations]
        return next((kind for kind in kinds if kind != SourceKind.UNKNOWN), SourceKind.UNKNOWN)

    @property
    def trigger(self) -> Trigger:
        """What started it; the first telling that knows says so."""
        triggers = [activation.trigger for activation in self.activations]
        return next((each for each in triggers if each != Trigger.UNKNOWN), Trigger.UNKNOWN)

    @property
    def exercise(self) -> bool:
        """A drill only when every telling says so: in doubt, a man is in danger."""
        tellings = self.activations
        return bool(tellings) and all(activation.exercise for activation in tellings)

    @property
    def ended_at(self) -> datetime | None:
        """When the activation ended; None while it runs, or runs again.

        An end that was heard is truer than one inferred from a list.
        """
        started = max((activation.at for activation in self.activations), default=None)
        ends = [end for end in self._of(End) if started is None or end.at >= started]
        heard = [end for end in ends if end.reason != EndReason.MISSING]
        return (heard or ends)[0].at if ends else None

    @property
    def ended_by_inference(self) -> bool:
        """Whether it is over only because a list omitted it."""
        at = self.ended_at
        return at is not None and not any(
            end.at == at and end.reason != EndReason.MISSING for end in self._of(End)
        )

    @property
    def link_up(self) -> bool:
        """Whether the device had its link, last we knew."""
        changes = self._of(LinkChange)
        return changes[-1].up if changes else True

    @property
    def owner(self) -> str:
        """Who took it in charge, here or in another system: the first, until he closes it."""
        takings = [f for f in self.facts if isinstance(f, TakenInCharge | TakenElsewhere)]
        return takings[0].by if takings else ""

    @property
    def escalated(self) -> Escalation:
        """How loud it is: only while nobody has taken it in charge."""
        if self.phase is not Phase.NEW:
            return Escalation.NONE
        steps = {fact.step for fact in self._of(Escalated)}
        louder = (Escalation.OUTSIDE, Escalation.ROOM)
        return next((step for step in louder if step in steps), Escalation.NONE)

    @property
    def placed(self) -> tuple[Placed, ...]:
        """Where operators said it is, oldest first; nothing once they took it back."""
        placed: tuple[Placed, ...] = ()
        for fact in self.facts:
            if isinstance(fact, Placed):
                placed = (*placed, fact)
            elif isinstance(fact, Unplaced):
                placed = ()
        return placed

    @property
    def received_by(self) -> tuple[str, ...]:
        """The other systems that confirmed reception, in that order, each once."""
        return tuple(dict.fromkeys(fact.by for fact in self._of(ReceivedElsewhere)))

    @property
    def refused_by(self) -> tuple[str, ...]:
        """The other systems whose last word is that they could not use what they were told."""
        last = {f.by: f for f in self.facts if isinstance(f, ReceivedElsewhere | RefusedElsewhere)}
        return tuple(by for by, word in last.items() if isinstance(word, RefusedElsewhere))

    @property
    def closed(self) -> Closed | ClosedElsewhere | None:
        """How it was closed, if it was: the first closing counts."""
        closings = [f for f in self.facts if isinstance(f, Closed | ClosedElsewhere)]
        return closings[0] if closings else None

    @property
    def orders(self) -> dict[CrewId, tuple[Engaged | Released, ...]]:
        """What each crew was told, oldest first; the last word counts.

        Two operators who send it in the same breath give one order, not two, and one link.
        """
        orders: dict[CrewId, tuple[Engaged | Released, ...]] = {}
        for fact in self.facts:
            if isinstance(fact, Engaged | Released):
                before = orders.get(fact.crew, ())
                if not before or type(before[-1]) is not type(fact):
                    orders[fact.crew] = (*before, fact)
        return orders

    @property
    def engaged(self) -> tuple[CrewId, ...]:
        """The crews sent and not called back, in the order they were sent."""
        return tuple(word.crew for word in self.sent)

    @property
    def sent(self) -> tuple[Engaged, ...]:
        """The words that sent the crews not called back, oldest first."""
        last = [words[-1] for words in self.orders.values()]
        return tuple(sorted((word for word in last if isinstance(word, Engaged)), key=order))

    def sent_too_by(self, crew: CrewId, by: str) -> str:
        """Name somebody else who sent that crew since it was last called back; empty: nobody."""
        others: list[str] = []
        for fact in self.facts:
            if isinstance(fact, Released) and fact.crew == crew:
                others.clear()
            elif isinstance(fact, Engaged) and fact.crew == crew and fact.by != by:
                others.append(fact.by)
        return others[-1] if others else ""

    def progress(self, crew: CrewId) -> CrewStatus | None:
        """Say how far a crew is since it was last sent; None: it has not said."""
        status = None
        words = {word.id for word in self.orders.get(crew, ())}
        for fact in self.facts:
            if fact.id in words:
                status = None
            elif isinstance(fact, Progressed) and fact.crew == crew:
                status = fact.status
        return status

    @property
    def phase(self) -> Phase:
        """Where it stands: new, taken in charge, reinforcement engaged, closed."""
        if self.closed:
            return Phase.CLOSED
        if self.engaged:
            return Phase.ENGAGED
        return Phase.TAKEN if self.owner else Phase.NEW

    def closes_by_itself(self, now: datetime, after: timedelta) -> bool:
        """Whether the house's rule closes it: over for a while, seen by someone, nobody on the way.

        An alert that nobody took in charge never closes by itself.
        """
        ended = self.ended_at
        over = ended is not None and now - ended >= after
        return over and self.phase is Phase.TAKEN

    def _of(self, kind: type[_T]) -> tuple[_T, ...]:
        return tuple(fact for fact in self.facts if isinstance(fact, kind))


def incident_of(fact: Fact) -> IncidentId | None:
    """Say to which incident a fact belongs; a bare position belongs to its device's tape."""
    if isinstance(fact, Decision | Elsewhere):
        return fact.incident
    if isinstance(fact, Activation | End | LinkChange):
        return IncidentId(fact.activation)
    return None


def implied(live: LiveList, incidents: Iterable[Incident]) -> list[Fact]:
    """Tell what a list of running activations implies: ends unheard, and ends wrongly inferred.

    What ran before the list was made and is not on it has ended. What is on it though an earlier
    list omitted it (a server restarting forgets) runs again. The list speaks for its own adapter
    alone, which the prefix of its id names.
    """
    adapter = live.id.partition(":")[0]
    active = set(map(str, live.active))
    facts: list[Fact] = []
    for incident in incidents:
        if incident.id.partition(":")[0] != adapter or not incident.activations:
            continue
        new = FactId(f"{live.id}:{incident.id}")
        if incident.ended_at is None and incident.id not in active:
            if incident.opened_at < live.at:
                facts.append(_missing(incident, new, live.at))
        elif incident.id in active and incident.ended_by_inference:
            facts.append(replace(incident.activations[0], id=new, at=live.at, position=None))
    return facts


def _missing(incident: Incident, fact: FactId, at: datetime) -> End:
    return End(
        id=fact,
        at=at,
        activation=ActivationId(incident.id),
        device=incident.device,
        reason=EndReason.MISSING,
    )
