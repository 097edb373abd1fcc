"""The register of what is done with officers' pictures: who, when, what, why (CSI R241-14).

Each entry carries the mark (SHA-256) of the one before and its own: an entry altered, put in or
taken out shows, to whoever kept the last mark of an earlier export. The file refuses alteration,
and erasure before three years; the marks are for whoever opens it with another tool.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import IO
from zoneinfo import ZoneInfo

from hooks import Message
from vms_plugin.i18n import Language


def _(text: str) -> str:
    """Mark a word for the catalogue."""
    return text


class Operation(StrEnum):
    """The five operations of R241-14."""

    COLLECTION = "collection"
    CONSULTATION = "consultation"
    COMMUNICATION = "communication"
    MODIFICATION = "modification"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One operation, as it is to be written."""

    kind: Operation
    who: str  #: the account, or "Renfort" for what happens by itself
    what: str  #: the incident, or the recording
    why: str
    detail: Mapping[str, str] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def written(self) -> tuple[str, ...]:
        """Give the columns that the mark covers."""
        detail = json.dumps(dict(self.detail), sort_keys=True, ensure_ascii=False)
        return (_iso(self.at), self.kind.value, self.who, self.what, self.why, detail)


#: A row of the table: seq, the columns of `Entry.written`, the mark before, the mark.
Row = tuple[int, str, str, str, str, str, str, str, str]


def mark(before: str, seq: int, columns: Iterable[str]) -> str:
    """Compute the mark of an entry from that of the one before."""
    text = json.dumps([before, seq, *columns], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def faults(rows: Iterable[Row]) -> list[Message]:
    """List where the chain is broken; empty when nothing was altered."""
    found: list[Message] = []
    known: tuple[int, str] | None = None
    for seq, *columns, before, own in rows:
        if known is None and seq == 1 and before:
            found.append(_fault(_("entry {seq}: something stood before the first entry"), seq))
        if known is not None and seq != known[0] + 1:
            found.append(_fault(_("entry {seq}: entries before it are missing"), seq))
        elif known is not None and before != known[1]:
            found.append(_fault(_("entry {seq}: it does not follow the one before"), seq))
        if mark(before, seq, columns) != own:
            found.append(_fault(_("entry {seq}: it was altered"), seq))
        known = seq, own
    return found


def _fault(text: str, seq: int) -> Message:
    return Message(text=text, params={"seq": seq})


def export(rows: Iterable[Row], into: IO[str], say: Language, zone: ZoneInfo) -> None:
    """Write entries as CSV for French spreadsheets: semicolons, words, times of the place."""
    sheet = csv.writer(into, delimiter=";")
    sheet.writerow([say(heading) for heading in _HEADINGS])
    for seq, at, kind, who, what, why, detail, *marks in rows:
        when = datetime.fromisoformat(at).astimezone(zone).isoformat(timespec="microseconds")
        said = map(harmless, (who, what, why, written_detail(detail, say)))
        sheet.writerow([seq, when, kind_of(kind, say), *said, *marks])


def written_detail(detail: str, say: Language) -> str:
    """Write the details of an entry for people; what cannot be read is given as it stands."""
    try:
        words = json.loads(detail)
        return " · ".join(
            f"{_said(key, say)} : {_said(value, say)}" for key, value in words.items()
        )
    except (ValueError, AttributeError):
        return detail


def _said(word: object, say: Language) -> str:
    known = _DETAILS.get(str(word))
    return say(known) if known else str(word)


def kind_of(kind: str, say: Language) -> str:
    """Name an operation."""
    known = _KINDS.get(kind)
    return say(known) if known else kind


def harmless(text: str) -> str:
    """Keep a spreadsheet from reading a text as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


_HEADINGS = (
    _("number"), _("date and time"), _("operation"), _("author"), _("subject"), _("reason"),
    _("details"), _("mark before"), _("mark"),
)  # fmt: skip
#: What details are made of, by key and by value.
_DETAILS = {
    "view": _("view"), "opened": _("opened"), "closed": _("closed"), "address": _("address"),
    "piece": _("piece"), "pieces": _("pieces"), "kind": _("kind of piece"), "bytes": _("bytes"),
    "device": _("camera"), "by": _("received by"), "last day": _("last day"),
    "counted from": _("counted from"), "recording": _("the recording"),
    "reception": _("the reception"), "set aside": _("set aside"), "yes": _("yes"), "no": _("no"),
    "procedure": _("procedure"), "number": _("number"), "recipient": _("recipient"),
    "recordings": _("recordings"), "video": _("video"), "trail": _("GNSS trail"),
    "bookmark": _("bookmark"), "key": _("encryption key"), "unknown": _("unknown"),
    "sha256 before": _("sha256 before"), "for": _("for"), "training": _("training"),
    "members": _("members"), "page": _("page"), "incident": _("incident"),
    "export": _("export"), "ways of crews": _("ways of crews"), "end": _("end"),
    "unknown, the host stopped": _("unknown, the host stopped"),
}  # fmt: skip
_KINDS = {
    "collection": _("collection"),
    "consultation": _("consultation"),
    "communication": _("communication"),
    "modification": _("modification"),
    "erasure": _("erasure"),
}
