"""The main courante kept and given out: read from the journal, added to, exported, forgotten."""

from __future__ import annotations

import csv
import html
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from io import BytesIO
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from babel.dates import format_datetime

from hooks import CrewId, FactId, IncidentId, Picture
from vms_plugin.i18n import Language
from vms_plugin.incident import Noted
from vms_plugin.logbook import Line, Names, lines
from vms_plugin.picture import who
from vms_plugin.register import harmless, kind_of, written_detail

if TYPE_CHECKING:
    from vms_plugin.engine import Engine
    from vms_plugin.store import Store

#: A note is a sentence or two; a document belongs elsewhere.
LONGEST_NOTE = 4000


class NoSuchIncidentError(LookupError):
    """There is no such incident, or no such line in its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The whole log of one incident."""

    picture: Picture
    title: str
    lines: tuple[Line, ...]
    views: tuple[tuple[str, str, str, str], ...]  #: of the register: when, what, who, details


async def read(store: Store, incident: IncidentId, say: Language, *, named: bool = False) -> Log:
    """Read the log of an incident, open or closed. `named`: with the officer's name.

    Raises
    ------
    NoSuchIncidentError
        Nothing is known of it, or no longer.
    """
    picture = await store.picture(incident)
    if picture is None:
        raise NoSuchIncidentError(incident)
    officer = who(picture, say)
    if named and picture.officer.name:
        officer = f"{officer} ({picture.officer.name})"
    coming = picture.situation.reinforcements
    names = Names(
        who=officer,
        crews={
            **{each.crew: each.name for each in await store.crew_facts() if each.name},
            **{each.crew.id: each.crew.name for each in coming if each.crew.name},
        },
        cameras={each.camera.id: each.camera.name for each in picture.situation.sightings},
    )
    rows = await store.register_of(incident)
    return Log(
        picture=picture,
        title=picture.title,
        lines=tuple(lines(await store.facts_of(incident), names)),
        # Crews look by their own link, and are in the register by their identifier.
        views=tuple(
            (row[1], row[2], names.crews.get(CrewId(row[3]), row[3]), row[6]) for row in rows
        ),
    )


async def note(
    engine: Engine, incident: IncidentId, by: str, text: str, corrects: FactId | None = None
) -> None:
    """Write in the log, of an incident that is closed too.

    Raises
    ------
    ValueError
        There is nothing in it, or far too much.
    NoSuchIncidentError
        There is no such incident, or no such line to correct.
    """
    known = {fact.id for fact in await engine.store.facts_of(incident)}
    if not known or (corrects and corrects not in known):
        raise NoSuchIncidentError(incident)
    text = text.strip()
    if not text or len(text) > LONGEST_NOTE:
        raise ValueError("an empty note, or a book")
    now = datetime.now(UTC)
    fact = Noted(
        id=FactId(f"renfort:{uuid4()}"), at=now, incident=incident, by=by, text=text,
        corrects=corrects,
    )  # fmt: skip
    await engine.hear([fact], now)


# --- given out ---


def as_csv(logs: Iterable[Log], into: IO[str], say: Language, zone: tzinfo) -> None:
    """Write logs as CSV for French spreadsheets: semicolons, headings in words, local times."""
    sheet = csv.writer(into, delimiter=";")
    heads = (say("incident"), say("date and time"), say("line"), say("corrected"), say("reference"))
    sheet.writerow(heads)
    for log in logs:
        for line in log.lines:
            sheet.writerow([
                log.picture.incident, _moment(line.at, say, zone),
                harmless(say.message(line.said)), say("yes") if line.corrected else "", line.id,
            ])  # fmt: skip


def as_pdf(log: Log, say: Language, zone: tzinfo, *, by: str) -> bytes:
    """Print a log on A4: who exported it and when on every page."""
    from reportlab.lib import colors  # noqa: PLC0415  (only where something is printed)
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415
    from reportlab.lib.styles import getSampleStyleSheet  # noqa: PLC0415
    from reportlab.platypus import (  # noqa: PLC0415
        Paragraph,
        SimpleDocTemplate,
        Spacer,
        Table,
        TableStyle,
    )

    styles = getSampleStyleSheet()

    def text(words: str, style: str = "BodyText") -> Paragraph:
        return Paragraph(html.escape(_printable(words)), styles[style])

    rows = [[text(say("date and time")), text(say("line"))]]
    for line in log.lines:
        said = say.message(line.said)
        mark = " " + say("(corrected below)") if line.corrected else ""
        rows.append([text(_moment(line.at, say, zone)), text(said + mark)])
    table = Table(rows, colWidths=[110, 400], repeatRows=1)
    table.setStyle(
        TableStyle([
            ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
            ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ])
    )  # fmt: skip
    now = _moment(datetime.now(UTC), say, zone)
    foot = say("Exported by {by}, {time}", by=by, time=now)

    def footer(canvas: object, document: object) -> None:
        page = getattr(document, "page", 1)
        canvas.setFont("Helvetica", 8)  # type: ignore[attr-defined]
        canvas.drawString(40, 24, _printable(f"{foot} — {log.picture.incident}"))  # type: ignore[attr-defined]
        canvas.drawRightString(A4[0] - 40, 24, str(page))  # type: ignore[attr-defined]

    out = BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=40, rightMargin=40, topMargin=40, bottomMargin=48,
        title=log.title, author="Renfort", lang=say.code,
    )  # fmt: skip
    story = [text(say("Incident log"), "Title"), text(log.title, "Heading2"), Spacer(1, 8), table]
    if log.views:
        story += [Spacer(1, 12), text(say("What the register says of the pictures"), "Heading3")]
        story += [
            text(f"{_moment(datetime.fromisoformat(at), say, zone)} — {name} : "
                 f"{kind_of(kind, say)} · {written_detail(detail, say)}")
            for at, kind, name, detail in log.views
        ]  # fmt: skip
    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


def _printable(text: str) -> str:
    """Write letters that the paper's font lacks as their number: nothing vanishes in silence."""
    return "".join(
        each if each.encode("cp1252", "ignore") else f"[U+{ord(each):04X}]" for each in text
    )


def _moment(at: datetime, say: Language, zone: tzinfo) -> str:
    return format_datetime(at.astimezone(zone), "dd/MM/yyyy HH:mm:ss", locale=say.code)
