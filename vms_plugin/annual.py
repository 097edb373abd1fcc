"""The annual report to the prefect on the use of body-worn cameras (CSI R241-17). Pure.

« Ce rapport fait état du nombre de caméras utilisées, du nombre d'agents habilités, du nombre de
procédures judiciaires, administratives et disciplinaires pour le besoin desquelles il a été procédé
à la consultation et à l'extraction de données […], et comprend une évaluation de l'impact ».
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO
from zoneinfo import ZoneInfo

from vms_plugin.i18n import Language
from vms_plugin.legal import Parameter
from vms_plugin.paper import Paper
from vms_plugin.register import Operation, Row, harmless, kind_of
from vms_plugin.register_pdf import moment, proven

PROCEDURES = ("judiciaire", "administrative", "disciplinaire")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A year of use, in figures."""

    year: int
    cameras: int
    agents: int
    procedures: dict[str, int]  #: by kind, each number counted once
    operations: dict[str, int]
    presses: int
    cameras_at_most: Parameter | None = None
    impact: str = ""
    until: datetime | None = None  #: the year is not over: what is known until then
    since: datetime | None = None  #: the register begins only then: what was before is erased
    rows: Sequence[Row] = field(default=(), repr=False)  #: the whole register, which proves it


def report(
    rows: Sequence[Row],
    year: int,
    zone: ZoneInfo,
    now: datetime,
    *,
    pressed: Iterable[str],
    agents: int,
    cameras_at_most: Parameter | None = None,
    impact: str = "",
) -> Report:
    """Count a year.

    Parameters
    ----------
    pressed
        The camera of each press of the year, drills left out.
    agents
        How many people are entitled, now.
    """
    own = [row for row in rows if datetime.fromisoformat(row[1]).astimezone(zone).year == year]
    details = [_details(row) for row in own]
    presses = list(pressed)
    docked = {detail["device"] for detail in details if detail.get("device")}
    named = {
        (detail["procedure"], detail["number"])
        for detail in details
        if detail.get("procedure") in PROCEDURES and detail.get("number")
    }
    counted = Counter(procedure for procedure, _ in named)
    operations = Counter(row[2] for row in own)
    begun = datetime.fromisoformat(rows[0][1]) if rows else None
    cut = begun is not None and rows[0][0] > 1 and begun.astimezone(zone).year >= year
    return Report(
        year=year,
        cameras=len(docked | set(presses)),
        agents=agents,
        procedures={kind: counted[kind] for kind in PROCEDURES},
        operations={kind.value: operations[kind.value] for kind in Operation},
        presses=len(presses),
        cameras_at_most=cameras_at_most,
        impact=impact.strip(),
        until=now if now.astimezone(zone).year <= year else None,
        since=begun if cut else None,
        rows=rows,
    )


def _details(row: Row) -> dict[str, str]:
    try:
        read = json.loads(row[6])
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def figures(done: Report, say: Language) -> Iterator[tuple[str, int]]:
    """List the figures that the article asks for, then what they stand on."""
    yield say("Cameras used"), done.cameras
    if done.cameras_at_most is not None:
        held = done.cameras_at_most
        yield say("Cameras authorised ({article})", article=held.article), held.amount
    yield say("Officers entitled"), done.agents
    names = {
        "judiciaire": say("Judicial procedures with consultation or extraction"),
        "administrative": say("Administrative procedures with consultation or extraction"),
        "disciplinaire": say("Disciplinary procedures with consultation or extraction"),
    }
    for kind, count in done.procedures.items():
        yield names[kind], count
    yield say("Activations (presses), drills left out"), done.presses
    for kind, count in done.operations.items():
        yield say("Operations in the register: {kind}", kind=kind_of(kind, say)), count


def notes(done: Report, say: Language, zone: ZoneInfo) -> Iterator[str]:
    """List what a reader must know of the figures."""
    if done.until is not None:
        yield say("The year is not over: figures until {when}.", when=moment(done.until, zone))
    if done.since is not None:
        yield say("The register begins on {when}: what was before is erased (R241-14).",
                  when=moment(done.since, zone))  # fmt: skip
    if done.cameras_at_most is not None and done.cameras > done.cameras_at_most.amount:
        yield say("WARNING: more cameras were used than are authorised.")


def as_csv(done: Report, into: IO[str], say: Language, zone: ZoneInfo) -> None:
    """Write the report for a spreadsheet."""
    sheet = csv.writer(into, delimiter=";")
    sheet.writerow([say("figure"), say("value")])
    sheet.writerow([say("year"), done.year])
    sheet.writerows(figures(done, say))
    for note in notes(done, say, zone):
        sheet.writerow([say("note"), note])
    sheet.writerow([say("impact"), harmless(done.impact)])
    sheet.writerow([say("last mark"), done.rows[-1][-1] if done.rows else ""])


def as_pdf(done: Report, say: Language, zone: ZoneInfo, printed_at: datetime) -> bytes:
    """Write the report to be signed and sent."""
    title = say("Annual report on the use of body-worn cameras, {year}", year=str(done.year))
    paper = Paper(title, say("page"))
    paper.title(title)
    paper.text(say("To the prefect, under article R241-17 of the code de la sécurité intérieure."))
    paper.text(say("Printed on {when}.", when=moment(printed_at, zone)))
    for note in notes(done, say, zone):
        paper.text(note)
    paper.heading(say("Figures"))
    for name, count in figures(done, say):
        paper.figure(name, str(count))
    paper.heading(say("Impact of the cameras on the relations of officers with the population"))
    if done.impact:
        for paragraph in done.impact.splitlines():
            paper.text(paragraph)
    else:
        paper.blanks(12)
    paper.heading(say("What these figures stand on"))
    paper.text(say("The register of operations (R241-14), and the journal of presses."))
    proven(paper, done.rows, say)
    if done.rows:
        paper.text(say("Last mark, of entry {seq}:", seq=done.rows[-1][0]))
        paper.text(done.rows[-1][-1], small=True)
    paper.heading(say("Date, name and signature of the mayor"))
    paper.blanks(3)
    return paper.done()
