"""What a hypervisor is told, before any format: which message, named how, dated when. Pure.

An incident is told as one opening, an update at each change that a dispatcher would act on, and one
end. Each message has an identifier that says of which incident it is and when it was first sent,
so that an answer can be checked against it without any memory of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from adapters._shared.news import matters
from hooks import IncidentId, Phase, Picture, Receipt

#: How far the officer goes before his new place is told: further than fixes wander.
MOVED_M = 50.0
#: References are kept for that many messages; CAP asks for those that an update replaces.
MOST_REFERENCES = 20


class Act(StrEnum):
    """What a message does to the incident on the other side."""

    OPEN = "open"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one endpoint was told of an incident. No place and no name in it: it is kept."""

    #: Every message that counts so far, oldest first, as (identifier, sent).
    messages: tuple[tuple[str, str], ...] = ()
    matters: str = ""  #: what was last told, as `matters`; empty: not known
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One message to be sent: the act, its name, its time, what it replaces."""

    act: Act
    identifier: str
    sent: datetime
    picture: Picture
    replaces: tuple[tuple[str, str], ...] = ()
    trial: bool = False  #: `renfort ineo essai`: an exercise that no picture says

    @property
    def exercise(self) -> bool:
        """Whether it is marked as a drill."""
        return self.picture.exercise or self.trial


# --- names and times ---


def identifier(incident: IncidentId, serial: str, sent: datetime) -> str:
    """Name a message in letters, digits, `.`, `-` and `_`: fit for CAP, a path, a file."""
    return f"renfort.{_escaped(incident)}.{serial}.{int(sent.timestamp())}"


_IDENTIFIER = re.compile(r"renfort\.([A-Za-z0-9_-]+)\.(open|end|[0-9]+)\.([0-9]{1,12})\Z")


def read_identifier(text: str) -> tuple[IncidentId, datetime] | None:
    """Say of which incident a message of ours is, and when it was sent; None: not one of ours.

    What stands before the identifier (an organisation) does not matter.
    """
    found = _IDENTIFIER.search(text)
    if found is None:
        return None
    incident = unquote(found[1].replace("_", "%"), errors="replace")
    try:
        return IncidentId(incident), datetime.fromtimestamp(int(found[3]), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _escaped(text: str) -> str:
    return "".join(
        chr(each) if each < 0x80 and (chr(each).isalnum() or each == 0x2D) else f"_{each:02X}"
        for each in text.encode()
    )


def stamp(moment: datetime, zone: tzinfo) -> str:
    """Write a time as CAP and EMSI want it: seconds, a numeric offset, never Z.

    CAP 1.2 §3.3.2: "Alphabetic timezone designators such as “Z” MUST NOT be used. The timezone for
    UTC MUST be represented as “-00:00”."
    """
    text = moment.astimezone(zone).replace(microsecond=0).isoformat()
    return text.replace("+00:00", "-00:00")


# --- which message is due ---


def opening(picture: Picture) -> tuple[str, datetime]:
    """Name the first message of an incident: the same however often it is sent."""
    sent = picture.opened_at.replace(microsecond=0)
    return identifier(picture.incident, "open", sent), sent


def due(
    picture: Picture, told: Told | None, now: datetime, *, perhaps: str | None, moved: bool
) -> Saying | None:
    """Say which message one endpoint is to be sent now; None when it knows what matters.

    `perhaps` is what an opening that may have arrived said, as `matters` (empty: nobody knows);
    None when none can have arrived.
    """
    if picture.phase is Phase.CLOSED:
        return _ending(picture, told, now, may_know=perhaps is not None)
    if told is None:
        name, sent = opening(picture)
        return Saying(act=Act.OPEN, identifier=name, sent=sent, picture=picture)
    if not told.ended and (moved or told.matters != matters(picture)):
        return _following(Act.UPDATE, str(picture.version), picture, told, now)
    return None


def _ending(picture: Picture, told: Told | None, now: datetime, *, may_know: bool) -> Saying | None:
    """End what is known there; what never arrived needs no end."""
    if told is None and not may_know:
        return None
    if told is None:
        told = Told(messages=(_message(*opening(picture)),))
    return None if told.ended else _following(Act.END, "end", picture, told, now)


def _following(act: Act, serial: str, picture: Picture, told: Told, now: datetime) -> Saying:
    return Saying(
        act=act, identifier=identifier(picture.incident, serial, now), picture=picture,
        sent=now.replace(microsecond=0), replaces=told.messages,
    )  # fmt: skip


def after(told: Told | None, saying: Saying) -> Told:
    """Note that a message was taken."""
    messages = (*(told.messages if told else saying.replaces), _message(
        saying.identifier, saying.sent))  # fmt: skip
    return Told(
        messages=messages[:1] + messages[1:][-MOST_REFERENCES:],
        matters=matters(saying.picture),
        ended=saying.act is Act.END,
    )


def unsure(told: Told, perhaps: str) -> Told:
    """Note that an opening was taken that may have been known already, with other words."""
    return replace(told, matters=perhaps)


def _message(name: str, sent: datetime) -> tuple[str, str]:
    return name, sent.astimezone(UTC).isoformat()


# --- receipts ---


def receipt(told: Mapping[str, Told]) -> Receipt:
    """Write down what each endpoint was told."""
    return Receipt(data=json.dumps({name: asdict(each) for name, each in told.items()}))


def read_receipt(written: Receipt | None) -> dict[str, Told]:
    """Read what an earlier call wrote; what cannot be read is not known."""
    try:
        said = json.loads(written.data) if written else {}
    except ValueError:
        return {}
    return {
        str(name): each
        for name, value in (said.items() if isinstance(said, dict) else ())
        if (each := _read_told(value)) is not None
    }


def _read_told(value: Any) -> Told | None:
    try:
        messages = tuple((str(name), str(sent)) for name, sent in value["messages"])
        for _, sent in messages:
            datetime.fromisoformat(sent)
        return Told(
            messages=messages, matters=str(value["matters"]), ended=bool(value["ended"])
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return None
