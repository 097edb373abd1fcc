"""The vendor's own JSON, read as the profile says: who received, took or closed. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.ineo.message import read_identifier
from adapters.ineo.reading import short
from hooks import (
    ClosedElsewhere,
    Elsewhere,
    Envelope,
    FactId,
    Malformed,
    ReceivedElsewhere,
    RefusedElsewhere,
    TakenElsewhere,
)

#: What a message of theirs may mean.
MEANINGS = ("received", "taken", "closed", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of message: how it is known, what it means, where in it the rest stands.

    Places in a message are names joined by dots: `alarm.externalId`.
    """

    means: str
    match: Mapping[str, str]  #: place → the value by which it is known
    identifier: str  #: where our identifier stands, as it was sent
    by: str = ""  #: where the name of whoever did it stands
    why: str = ""  #: where the reason stands


def read(
    message: Mapping[str, Any], rules: Iterable[Rule], envelope: Envelope
) -> Iterator[Elsewhere]:
    """Tell what the first rule that knows the message says of it.

    Raises
    ------
    Malformed
        It is known, and names no message of ours.
    """
    for rule in rules:
        if all(_at(message, place) == value for place, value in rule.match.items()):
            yield _told(message, rule, envelope)
            return


def knows(message: Mapping[str, Any], rules: Iterable[Rule]) -> bool:
    """Whether any rule knows the message."""
    return any(
        all(_at(message, place) == value for place, value in rule.match.items()) for rule in rules
    )


def said(message: Mapping[str, Any], rules: Iterable[Rule]) -> str:
    """Write what stands in a message where the rules look."""
    places = dict.fromkeys(place for rule in rules for place in rule.match)
    return ", ".join(f"{place} = {short(_at(message, place), 40)}" for place in places)


def _told(message: Mapping[str, Any], rule: Rule, envelope: Envelope) -> Elsewhere:
    named = _at(message, rule.identifier)
    ours = read_identifier(named)
    if ours is None:
        raise Malformed(rule.identifier, named, "refer to a message that Renfort sent")
    by = short(_at(message, rule.by) or envelope.sender or "hyperviseur")
    why = short(_at(message, rule.why), 500)
    mark = hashlib.blake2b(envelope.body, digest_size=8).hexdigest()
    name, at = FactId(f"ineo:own:{rule.means}:{mark}"), envelope.received_at
    match rule.means:
        case "taken":
            return TakenElsewhere(id=name, at=at, incident=ours[0], by=by)
        case "closed":
            return ClosedElsewhere(id=name, at=at, incident=ours[0], by=by, outcome=why)
        case "refused":
            return RefusedElsewhere(id=name, at=at, incident=ours[0], by=by, why=why)
    return ReceivedElsewhere(id=name, at=at, incident=ours[0], by=by)


def _at(message: Any, place: str) -> str:
    """Read a value, as a text; empty where there is none."""
    for name in place.split(".") if place else ():
        message = message.get(name) if isinstance(message, Mapping) else None
    if isinstance(message, bool):
        return "true" if message else "false"
    return str(message) if place and isinstance(message, str | int | float) else ""
