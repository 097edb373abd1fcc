"""On paper: the register, and the year's report to the prefect, read by another program."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hooks import Activation, ActivationId, DeviceId, FactId, SourceKind
from vms_plugin import annual, register_pdf
from vms_plugin.i18n import Language
from vms_plugin.legal import Parameter
from vms_plugin.paper import Paper
from vms_plugin.register import Entry, Operation, Row, mark
from vms_plugin.store import Store
from vms_plugin.web import accounts

PARIS = ZoneInfo("Europe/Paris")
SAY = Language("fr")
NOW = datetime(2027, 1, 8, 9, 0, tzinfo=PARIS)


def chained(*entries: Entry, first: int = 1) -> list[Row]:
    rows: list[Row] = []
    before = "" if first == 1 else "0" * 64
    for seq, entry in enumerate(entries, first):
        columns = entry.written()
        own = mark(before, seq, columns)
        rows.append((seq, *columns, before, own))  # type: ignore[arg-type]
        before = own
    return rows


def line(kind: Operation, at: str = "2026-06-01", **detail: str) -> Entry:
    moment = datetime.fromisoformat(at).replace(tzinfo=PARIS)
    return Entry(kind=kind, who="Léa", what="axis:1", why="enquête", detail=detail, at=moment)


YEAR = chained(
    line(Operation.COLLECTION, "2025-12-31", device="axis:c9"),
    line(Operation.COLLECTION, device="axis:c1"),
    line(Operation.COLLECTION, device="axis:c2"),
    line(Operation.CONSULTATION, view="opened"),
    line(Operation.MODIFICATION, procedure="judiciaire", number="2026/12"),
    line(Operation.COMMUNICATION, procedure="judiciaire", number="2026/12"),
    line(Operation.COMMUNICATION, procedure="judiciaire", number="2026/44"),
    line(Operation.CONSULTATION, procedure="disciplinaire", number="D-3"),
    line(Operation.ERASURE, "2026-12-31"),
    line(Operation.COMMUNICATION, "2027-01-02", procedure="administrative", number="A-1"),
)
MOST = Parameter(
    name="cameras_at_most", amount=2, unit="count", article="arrêté du 5 janvier 2026",
    since=date(2026, 1, 5),
)  # fmt: skip


def report(**more: object) -> annual.Report:
    given = {"pressed": ["axis:c1", "axis:c3", "axis:c3"], "agents": 12, **more}
    return annual.report(YEAR, 2026, PARIS, NOW, **given)  # type: ignore[arg-type]


def test_r241_17_the_report_counts_cameras_officers_and_procedures() -> None:
    done = report()

    assert done.cameras == 3  # two that docked, three that pressed, one of them both
    assert done.agents == 12
    assert done.procedures == {"judiciaire": 2, "administrative": 0, "disciplinaire": 1}
    assert done.presses == 3
    assert done.operations == {
        "collection": 2, "consultation": 2, "communication": 2, "modification": 1, "erasure": 1,
    }  # fmt: skip
    assert (done.until, done.since) == (None, None)


def test_a_year_that_runs_and_a_register_already_erased_are_said() -> None:
    running = annual.report(YEAR, 2027, PARIS, NOW, pressed=[], agents=0, cameras_at_most=None)
    cut = annual.report(
        chained(line(Operation.ERASURE), first=7), 2026, PARIS, NOW, pressed=[], agents=0
    )

    assert next(iter(annual.notes(running, SAY, PARIS))).startswith("L'année n'est pas finie")
    assert "Le registre commence le 01/06/2026" in next(iter(annual.notes(cut, SAY, PARIS)))


def test_r241_8_more_cameras_than_the_prefect_allows_is_said() -> None:
    assert "ATTENTION" in next(iter(annual.notes(report(cameras_at_most=MOST), SAY, PARIS)))
    assert not list(annual.notes(report(cameras_at_most=replace(MOST, amount=3)), SAY, PARIS))


def test_the_report_as_csv() -> None:
    sheet = io.StringIO()
    annual.as_csv(report(cameras_at_most=MOST, impact="=1+1"), sheet, SAY, PARIS)
    rows = dict(csv.reader(io.StringIO(sheet.getvalue()), delimiter=";"))

    assert rows["Caméras utilisées"] == "3"
    assert rows["Caméras autorisées (arrêté du 5 janvier 2026)"] == "2"
    assert rows["Procédures judiciaires avec consultation ou extraction"] == "2"
    assert rows["impact"] == "'=1+1"
    assert rows["dernière empreinte"] == YEAR[-1][-1]


# --- on paper, read by poppler ---


def read(pdf: bytes, tmp_path: Path) -> str:
    file = tmp_path / "paper.pdf"
    file.write_bytes(pdf)
    command = ["pdftotext", "-layout", str(file), "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.pdf
def test_the_register_on_paper_is_french_numbered_and_ends_with_the_last_mark(
    tmp_path: Path,
) -> None:
    many = chained(*(line(Operation.CONSULTATION, view="opened", address="10.0.0.4")
                     for _ in range(60)))  # fmt: skip
    text = read(register_pdf.as_pdf(many, SAY, PARIS, NOW), tmp_path)
    pages = text.split("\f")[:-1]

    assert "Registre des opérations sur les images des agents" in pages[0]
    assert "La chaîne des empreintes a été vérifiée : rien n'a été modifié." in pages[0]
    assert "01/06/2026 00:00:00 (UTC+0200) — consultation — Léa" in text
    assert "motif : enquête" in text
    assert "visionnage : ouvert" in text
    assert many[-1][-1] in pages[-1]
    for number, page in enumerate(pages, 1):
        assert f"page {number} / {len(pages)}" in page
    assert len(pages) > 3
    for seq in range(1, 61):
        assert f"\n{seq} — " in text or f"\f{seq} — " in text


@pytest.mark.pdf
def test_an_altered_register_says_so_on_paper(tmp_path: Path) -> None:
    altered = [*YEAR[:3], (*YEAR[3][:3], "personne", *YEAR[3][4:]), *YEAR[4:]]
    text = read(register_pdf.as_pdf(altered, SAY, PARIS, NOW), tmp_path)

    assert "ATTENTION : ligne 4 : elle a été modifiée" in text
    assert "rien n'a été modifié" not in text


@pytest.mark.pdf
def test_an_empty_register_prints(tmp_path: Path) -> None:
    assert "page 1 / 1" in read(register_pdf.as_pdf([], SAY, PARIS, NOW), tmp_path)


@pytest.mark.pdf
def test_the_report_on_paper(tmp_path: Path) -> None:
    impact = "Relations apaisées.\nTrois plaintes de moins."
    text = read(annual.as_pdf(report(impact=impact), SAY, PARIS, NOW), tmp_path)

    assert "Rapport annuel sur l'emploi des caméras individuelles, 2026" in text
    assert "article R241-17" in text
    for name, value in annual.figures(report(), SAY):
        assert [each for each in text.splitlines() if name in each and each.endswith(str(value))]
    assert "Trois plaintes de moins." in text
    assert YEAR[-1][-1] in text
    assert "signature du maire" in text


@pytest.mark.pdf
def test_what_is_hostile_is_written_and_breaks_no_page(tmp_path: Path) -> None:
    hostile = Entry(kind=Operation.CONSULTATION, who="\U0001f600\x07", what="x" * 900,
                    why="a\nb " * 400, detail={"k": "\u4e2d" * 50})  # fmt: skip
    text = read(register_pdf.as_pdf(chained(hostile), SAY, PARIS, NOW), tmp_path)

    assert "[U+1F600]" in text
    assert text.count("x" * 60) >= 1


def test_the_same_register_gives_the_same_bytes() -> None:
    one, other = (register_pdf.as_pdf(YEAR, SAY, PARIS, NOW) for _ in range(2))

    assert one == other
    assert one.startswith(b"%PDF-")


def test_a_heading_begins_a_page_rather_than_ends_one() -> None:
    paper = Paper("x", "page")
    for _ in range(200):
        paper.heading("a")
        paper.blanks(1)

    assert paper.done().startswith(b"%PDF-")


# --- the command ---


@pytest.mark.pdf
async def test_the_command_prints_the_year_from_the_register_and_the_journal(
    tmp_path: Path,
) -> None:
    config = tmp_path / "renfort.toml"
    order = tmp_path / "arrete.toml"
    impact = tmp_path / "impact.txt"
    config.write_text('[storage]\npath = "renfort.db"\n[law]\nparameters = "arrete.toml"\n')
    order.write_text('[[parameter]]\nname = "cameras_at_most"\ncount = 8\n'
                     'article = "arrêté du 12 avril 2023"\nfrom = 2023-04-12\n')  # fmt: skip
    impact.write_text("Rien à signaler.")
    store = Store(tmp_path / "renfort.db")
    presses = [press("c1", SourceKind.BODY_WORN), press("c2", SourceKind.VEHICLE),
               replace(press("c3", SourceKind.BODY_WORN), exercise=True)]  # fmt: skip
    await store.append(presses, datetime.now(UTC))
    await store.note(line(Operation.COMMUNICATION, procedure="judiciaire", number="2026/12"))
    await accounts.add(store, "Roy", "a long enough password", "chef")
    await accounts.add(store, "Léa", "another long enough password", "civil")
    store.close()

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "vms_plugin", "registre", *words, "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    out = str(tmp_path / "rapport.pdf")
    assert "rapport.csv écrit" in run("rapport", "2026", "--out", out, "--impact", str(impact))
    sheet = io.StringIO((tmp_path / "rapport.csv").read_text(encoding="utf-8-sig"))
    rows = dict(csv.reader(sheet, delimiter=";"))
    assert rows["Caméras utilisées"] == "1"
    assert rows["Caméras autorisées (arrêté du 12 avril 2023)"] == "8"
    assert rows["Agents habilités"] == "1"
    assert rows["Procédures judiciaires avec consultation ou extraction"] == "1"
    assert "Rien à signaler." in read((tmp_path / "rapport.pdf").read_bytes(), tmp_path)
    run("exporter", "--out", str(tmp_path / "registre.pdf"))
    text = read((tmp_path / "registre.pdf").read_bytes(), tmp_path)
    assert "procédure : judiciaire" in text


def press(device: str, kind: SourceKind) -> Activation:
    return Activation(
        id=FactId(f"axis:{device}"), at=datetime(2026, 6, 1, tzinfo=UTC), kind=kind,
        activation=ActivationId(f"axis:s-{device}"), device=DeviceId(f"axis:{device}"),
    )  # fmt: skip
