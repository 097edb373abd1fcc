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
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import IO

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


def forgotten_before(now: datetime) -> datetime:
    """Say from when entries are kept: three years, to the day (R241-14)."""
    try:
        return now.replace(year=now.year - 3)
    except ValueError:  # 29 February
        return now.replace(year=now.year - 3, day=28) + timedelta(days=1)


def export(rows: Iterable[Row], into: IO[str], say: Language) -> None:
    """Write entries as CSV for French spreadsheets: semicolons, headings in words."""
    sheet = csv.writer(into, delimiter=";")
    sheet.writerow([say(heading) for heading in _HEADINGS])
    for seq, at, kind, *rest in rows:
        sheet.writerow([seq, at, say(_KINDS[kind]), *map(_harmless, rest)])


def _harmless(text: str) -> str:
    """Keep a spreadsheet from reading a text as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


_HEADINGS = (
    _("number"), _("date and time"), _("operation"), _("author"), _("subject"), _("reason"),
    _("details"), _("mark before"), _("mark"),
)  # fmt: skip
_KINDS = {
    "collection": _("collection"),
    "consultation": _("consultation"),
    "communication": _("communication"),
    "modification": _("modification"),
    "erasure": _("erasure"),
}
