"""What an adapter is to be asked: from an incident and its picture to one call of one hook. Pure.

Subjects are named so that they survive a restart: an incident's own id for its picture,
`seen:<incident>` for the confirmation to the wearer, `order:<incident> <crew>` for orders,
`alarm:<incident>` for the call outside when nobody confirms, `notice:<id>` for other notices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hooks import (
    ActivationId,
    CrewId,
    Escalation,
    FactId,
    IncidentId,
    Notice,
    NoticeKind,
    Order,
    Phase,
    Picture,
    Receipt,
)
from vms_plugin.delivery import Shown
from vms_plugin.i18n import Language
from vms_plugin.incident import Engaged, Escalated, Incident, Informed, Released
from vms_plugin.picture import title

Offers = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Errand:
    """A version of a subject that an adapter is to be made to show."""

    subject: str
    version: int
    urgent: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make: which hook, with what, and the version it makes shown."""

    hook: str
    facts: dict[str, Any]
    version: int


def errands(incident: Incident, picture: Picture | None, offers: Offers) -> Iterator[Errand]:
    """List what one adapter is wanted to show and tell of an incident."""
    if picture is not None and offers("show"):
        # One more for the end: shown first if it never was, then withdrawn.
        closing = picture.phase is Phase.CLOSED
        yield Errand(incident.id, picture.version + closing, picture.version == 1)
    if offers("acknowledge") and incident.owner and incident.activations:
        yield Errand(seen(incident.id), 1, True)
    if offers("engage") or offers("release"):
        for crew, words in incident.orders.items():
            yield Errand(order(incident.id, crew), len(words), True)
    if offers("notify") and incident.escalated is Escalation.OUTSIDE:
        yield Errand(f"alarm:{incident.id}", 1, True)


def seen(incident: IncidentId) -> str:
    """Name the subject of the confirmation to the wearer."""
    return f"seen:{incident}"


def order(incident: IncidentId, crew: CrewId) -> str:
    """Name the subject of what a crew is told."""
    return f"order:{incident} {crew}"


def incident_in(subject: str) -> IncidentId:
    """Say which incident a subject is about."""
    kind, _, rest = subject.partition(":")
    if kind in ("seen", "alarm"):
        return IncidentId(rest)
    return IncidentId(rest.rpartition(" ")[0] if kind == "order" else subject)


def call_for(
    subject: str,
    shown: Shown,
    picture: Picture | None,
    incident: Incident | None,
    offers: Offers,
    say: Language,
    link: Callable[[Engaged], str] = lambda _: "",
) -> Call | None:
    """Say which call closes the difference for a subject; None when there is none any more."""
    kind, _, rest = subject.partition(":")
    if kind == "seen":
        return Call("acknowledge", {"activation": ActivationId(rest)}, 1)
    if picture is None:
        return None
    if kind == "alarm":
        return _alarm(picture, incident, say)
    if kind == "order":
        return _order(CrewId(rest.rpartition(" ")[2]), picture, incident, offers, say, link)
    receipt = Receipt(data=shown.receipt) if shown.receipt is not None else None
    facts = {"picture": picture, "receipt": receipt, "repeated": shown.asked}
    if picture.phase is Phase.CLOSED and shown.version > 0:
        hook = "withdraw" if offers("withdraw") else "show"
        return Call(hook, facts, picture.version + 1)
    return Call("show", facts, picture.version)


def heard_by(
    adapter: str, subject: str, version: int, incident: Incident, *, well: bool
) -> Informed | None:
    """Tell, as a fact, that somebody was told through an adapter; None: it was no person."""
    kind, _, rest = subject.partition(":")
    whom = {"seen": "wearer", "alarm": "contact"}.get(kind, "")
    whom = rest.rpartition(" ")[2] if kind == "order" else whom
    words = incident.orders.get(CrewId(whom), ())
    if not whom or (kind == "order" and not words):
        return None
    return Informed(
        id=FactId(f"renfort:told:{adapter}:{subject}:{version}"), at=datetime.now(UTC),
        incident=incident.id, by=adapter, whom=whom, well=well,
        call_back=kind == "order" and isinstance(words[version - 1], Released),
    )  # fmt: skip


def _alarm(picture: Picture, incident: Incident | None, say: Language) -> Call | None:
    """Call somebody outside; nobody is called once an operator has confirmed."""
    if incident is None or incident.escalated is not Escalation.OUTSIDE:
        return None
    told = next(fact for fact in incident.facts
                if isinstance(fact, Escalated) and fact.step is Escalation.OUTSIDE)  # fmt: skip
    line = say("NOT CONFIRMED: {title}", title=title(picture, say))
    notice = Notice(
        id=told.id, kind=NoticeKind.UNCONFIRMED, at=told.at, title=line, text=picture.text,
        incident=picture.incident,
    )  # fmt: skip
    return Call("notify", {"notice": notice}, 1)


def _line(word: Engaged | Released, picture: Picture, say: Language) -> str:
    line = title(picture, say)
    return line if isinstance(word, Engaged) else say("CALLED BACK: {title}", title=line)


def _order(
    crew: CrewId,
    picture: Picture,
    incident: Incident | None,
    offers: Offers,
    say: Language,
    link: Callable[[Engaged], str],
) -> Call | None:
    """Tell the last word given to a crew; the words before it do not matter any more."""
    words = incident.orders.get(crew) if incident else None
    if not words:
        return None
    hook = "engage" if isinstance(words[-1], Engaged) else "release"
    if not offers(hook):
        return None
    order = Order(
        id=words[-1].id,
        incident=picture.incident,
        crew=crew,
        given_by=words[-1].by,
        given_at=words[-1].at,
        position=picture.position,
        text=_line(words[-1], picture, say),
        link=link(words[-1]) if isinstance(words[-1], Engaged) else "",
    )
    return Call(hook, {"order": order}, len(words))
