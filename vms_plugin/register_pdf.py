"""The register on paper: every entry, page numbers, the last mark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from vms_plugin.i18n import Language
from vms_plugin.paper import Paper
from vms_plugin.register import Row, faults, kind_of, written_detail


def as_pdf(rows: Sequence[Row], say: Language, zone: ZoneInfo, printed_at: datetime) -> bytes:
    """Write the register, oldest entry first; times are those of the place."""
    title = say("Register of operations on officers' pictures (CSI R241-14)")
    paper = Paper(title, say("page"))
    paper.title(title)
    paper.text(say("Printed on {when}.", when=moment(printed_at, zone)))
    proven(paper, rows, say)
    if rows:
        first, last = (datetime.fromisoformat(rows[place][1]) for place in (0, -1))
        said = say("{count} entries, from {first} to {last}.", count=len(rows),
                   first=moment(first, zone), last=moment(last, zone))  # fmt: skip
        paper.text(said)
    paper.heading(say("Entries"))
    for seq, at, kind, who, what, why, detail, _before, own in rows:
        when = moment(datetime.fromisoformat(at), zone)
        paper.entry(
            f"{seq} — {when} — {kind_of(kind, say)} — {who}",
            [
                f"{say('subject')} : {what}",
                f"{say('reason')} : {why}",
                written_detail(detail, say),
                f"{say('mark')} : {own}",
            ],
        )
    if rows:
        paper.heading(say("End of the register"))
        paper.text(say("Last mark, of entry {seq}:", seq=rows[-1][0]))
        paper.text(rows[-1][-1], small=True)
        paper.text(say("Keep it apart: it proves later that none of these entries was altered."))
    return paper.done()


def proven(paper: Paper, rows: Sequence[Row], say: Language) -> bool:
    """Say on paper whether the chain of marks holds."""
    found = faults(rows)
    if not found:
        paper.text(say("The chain of marks was verified: nothing was altered."))
    for fault in found:
        paper.text(say("WARNING: {fault}", fault=say.message(fault)))
    return not found


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Write a moment on the clocks of the place, with their distance from UTC."""
    return at.astimezone(zone).strftime("%d/%m/%Y %H:%M:%S (UTC%z)")
