"""The incident's log (main courante): its facts told in sentences, with their times. Pure.

It writes itself; people add notes. Nothing is ever erased from it: a correction is one more line,
which names the line it corrects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hooks import (
    Activation,
    CameraId,
    ClosedElsewhere,
    CrewId,
    CrewStatus,
    End,
    EndReason,
    Escalation,
    Fact,
    FactId,
    Fix,
    LinkChange,
    Message,
    Officer,
    Position,
    ReceivedElsewhere,
    RefusedElsewhere,
    TakenElsewhere,
    Trigger,
)
from vms_plugin.incident import (
    Aimed,
    Closed,
    Engaged,
    Escalated,
    Explained,
    Informed,
    Noted,
    Placed,
    Progressed,
    Released,
    TakenInCharge,
    Unplaced,
    order,
)


def _(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the log."""

    id: FactId
    at: datetime
    said: Message
    kind: str  #: the fact's name, for whoever reads JSON
    note: bool = False  #: written by a person
    corrects: FactId | None = None  #: the line that this one corrects
    corrected: bool = False  #: a later line corrects this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How things are called, where the facts know an identifier alone."""

    who: str = ""  #: the officer, as the reader may know him
    crews: Mapping[CrewId, str] = field(default_factory=dict)
    cameras: Mapping[CameraId, str] = field(default_factory=dict)

    def crew(self, name: CrewId) -> str:
        """Name a crew."""
        return self.crews.get(name) or name.partition(":")[2]

    def camera(self, name: CameraId) -> str:
        """Name a camera."""
        return self.cameras.get(name) or name.partition(":")[2]


def lines(facts: Iterable[Fact], names: Names) -> list[Line]:
    """Tell the facts of one incident, oldest first, each once."""
    ordered = sorted({fact.id: fact for fact in facts}.values(), key=order)
    corrected = {fact.corrects for fact in ordered if isinstance(fact, Noted)}
    teller = _Teller(names, ordered)
    told = []
    for fact in ordered:
        said = teller.tell(fact)
        if said is not None:
            told.append(Line(
                id=fact.id, at=fact.at, said=said, kind=type(fact).__name__,
                note=isinstance(fact, Noted), corrected=fact.id in corrected,
                corrects=fact.corrects if isinstance(fact, Noted) else None,
            ))  # fmt: skip
    return told


class _Teller:
    """Tells one fact after another, and remembers what was said before."""

    def __init__(self, names: Names, facts: Iterable[Fact]) -> None:
        self._names = names
        # One press is told by its event and by lists, in any order, and not all of them know all.
        self._presses = [fact for fact in facts if isinstance(fact, Activation)]
        self._pressed = self._running = False
        self._linked = True
        self._placed = any(fact.position for fact in self._presses)
        self._owner = ""
        self._sent: set[CrewId] = set()

    def tell(self, fact: Fact) -> Message | None:
        """Give the sentence of a fact; None: it says nothing new."""
        kind = next((known for known in _TOLD if isinstance(fact, known)), None)
        return None if kind is None else _TOLD[kind](self, fact)

    def activation(self, fact: Activation) -> Message | None:
        if self._running:
            return None  # the same press, told again by a list
        self._running = True
        if self._pressed:
            return _say(_("The activation runs again."))
        self._pressed = True
        where = _place(next((each.position for each in self._presses if each.position), None))
        text = (
            _("EXERCISE. {who} calls for help ({how}), {where}.")
            if all(each.exercise for each in self._presses)
            else _("{who} calls for help ({how}), {where}.")
        )
        triggers = (each.trigger for each in self._presses)
        known = next((each for each in triggers if each is not Trigger.UNKNOWN), Trigger.UNKNOWN)
        how = Message(text=_HOW[known])
        return _say(text, who=self._names.who or _named(fact.officer), how=how, where=where)

    def fix(self, fact: Fix) -> Message | None:
        if self._placed:
            return None  # he moves: the map follows him, not the log
        self._placed = True
        return _say(_("His position is known now: {where}."), where=_place(fact.position))

    def end(self, fact: End) -> Message | None:
        self._running = False
        return _say(_ENDS[fact.reason])

    def link(self, fact: LinkChange) -> Message | None:
        if fact.up == self._linked:
            return None  # a list says again what is known
        self._linked = fact.up
        lost = _("The camera has lost its link.")
        return _say(_("The camera has found its link again.") if fact.up else lost)

    def taken(self, fact: TakenInCharge | TakenElsewhere) -> Message:
        first, self._owner = not self._owner, self._owner or fact.by
        if isinstance(fact, TakenElsewhere):
            return _say(_("{by} takes it in charge in another system."), by=fact.by)
        text = _("{by} confirms reception and takes it in charge.")
        return _say(text if first else _("{by} confirms reception too."), by=fact.by)

    def engaged(self, fact: Engaged) -> Message:
        crew = self._names.crew(fact.crew)
        if fact.crew in self._sent:
            return _say(_("{by} engages {crew} too, sent already."), by=fact.by, crew=crew)
        self._sent.add(fact.crew)
        if fact.rank is not None and fact.rank > 1:
            text = _("{by} engages {crew}, ranked number {rank}.")
            return _say(text, by=fact.by, crew=crew, rank=fact.rank)
        return _say(_("{by} engages {crew}."), by=fact.by, crew=crew)

    def explained(self, fact: Explained) -> Message:
        text = _("{by} says why {crew}: {reason}")
        return _say(text, by=fact.by, crew=self._names.crew(fact.crew), reason=fact.reason)

    def released(self, fact: Released) -> Message:
        self._sent.discard(fact.crew)
        return _say(_("{by} calls {crew} back."), by=fact.by, crew=self._names.crew(fact.crew))

    def progressed(self, fact: Progressed) -> Message:
        there, coming = _("{crew} is on the scene."), _("{crew} is on the way.")
        text = there if fact.status is CrewStatus.ON_SCENE else coming
        return _say(text, crew=self._names.crew(fact.crew))

    def placed(self, fact: Placed) -> Message:
        text = _("{by} places the officer: {where}.")
        return _say(text, by=fact.by, where=_place(fact.position))

    def unplaced(self, fact: Unplaced) -> Message:
        return _say(_("{by} takes back the place he gave."), by=fact.by)

    def aimed(self, fact: Aimed) -> Message:
        camera = self._names.camera(fact.camera)
        if fact.done is None:
            return _say(_("{by} turns the camera {camera}."), by=fact.by, camera=camera)
        text = (
            _("Camera {camera} turned: {how}")
            if fact.done
            else _("Camera {camera} did not turn: {how}")
        )
        return _say(text, camera=camera, how=fact.how or Message(text=_("no answer")))

    def escalated(self, fact: Escalated) -> Message:
        room = _("Nobody has confirmed: the second group is called on.")
        outside = _("Nobody has confirmed: somebody outside the room is called.")
        return _say(outside if fact.step is Escalation.OUTSIDE else room)

    def informed(self, fact: Informed) -> Message:
        if fact.whom == "wearer":
            knows, not_told = (
                _("The officer knows that he is seen."),
                _("The officer could not be told that he is seen."),
            )
            return _say(knows if fact.well else not_told)
        if fact.whom == "contact":
            well, not_well = (
                _("The contact outside the room was called ({by})."),
                _("The contact outside the room could not be called ({by})."),
            )
            return _say(well if fact.well else not_well, by=fact.by)
        crew = self._names.crew(CrewId(fact.whom))
        if fact.call_back:
            well, not_well = (
                _("{crew} was told of the call back ({by})."),
                _("{crew} could not be told of the call back ({by})."),
            )
        else:
            well, not_well = (
                _("{crew} has the order ({by})."),
                _("{crew} could not be given the order ({by})."),
            )
        return _say(well if fact.well else not_well, crew=crew, by=fact.by)

    def noted(self, fact: Noted) -> Message:
        text = _("Correction by {by}: {text}") if fact.corrects else _("Note by {by}: {text}")
        return _say(text, by=fact.by, text=fact.text)

    def received(self, fact: ReceivedElsewhere) -> Message:
        return _say(_("{by} confirms that it has the alert."), by=fact.by)

    def refused(self, fact: RefusedElsewhere) -> Message:
        return _say(_("{by} could not use the alert: {why}"), by=fact.by, why=fact.why)

    def closed(self, fact: Closed | ClosedElsewhere) -> Message:
        if isinstance(fact, ClosedElsewhere):
            text = _("{by} closes it in another system: {outcome}")
            return _say(text, by=fact.by, outcome=fact.outcome)
        return _say(_("{by} closes it: {outcome}"), by=fact.by, outcome=fact.outcome)


_TOLD: dict[type[Fact], Callable[[_Teller, Any], Message | None]] = {
    Activation: _Teller.activation, Fix: _Teller.fix, End: _Teller.end, LinkChange: _Teller.link,
    TakenInCharge: _Teller.taken, TakenElsewhere: _Teller.taken, Engaged: _Teller.engaged,
    Explained: _Teller.explained, Released: _Teller.released, Progressed: _Teller.progressed,
    Placed: _Teller.placed, Unplaced: _Teller.unplaced, Aimed: _Teller.aimed,
    Escalated: _Teller.escalated, Informed: _Teller.informed, Noted: _Teller.noted,
    ReceivedElsewhere: _Teller.received, RefusedElsewhere: _Teller.refused,
    Closed: _Teller.closed, ClosedElsewhere: _Teller.closed,
}  # fmt: skip
_HOW = {
    Trigger.BUTTON: _("button"), Trigger.FALL: _("fall detected"),
    Trigger.REMOTE: _("started from afar"), Trigger.UNKNOWN: _("means not said"),
}  # fmt: skip
_ENDS = {
    EndReason.STOPPED: _("The activation is over: he, or his camera, stopped it."),
    EndReason.MISSING: _("The activation is over: the server lists it no longer."),
    EndReason.UNKNOWN: _("The activation is over."),
}


def _say(text: str, /, **params: Any) -> Message:
    return Message(text=text, params=params)


def _place(position: Position | None) -> Message:
    if position is None:
        return Message(text=_("place unknown"))
    return Message(
        text=_("at {lat:.5f}, {lon:.5f}"), params={"lat": position.lat, "lon": position.lon}
    )


def _named(officer: Officer) -> str:
    return officer.call_sign or officer.id or "?"
