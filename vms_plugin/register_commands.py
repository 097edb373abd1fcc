"""`renfort registre …`: verify the register, export it, print the year's report to the prefect."""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hooks.causes import cause, whole
from vms_plugin.i18n import Language
from vms_plugin.legal import law
from vms_plugin.register import Row, export, faults
from vms_plugin.rights import ROLES, Right, rights_of
from vms_plugin.settings import Settings, read

if TYPE_CHECKING:
    from vms_plugin.store import Store

_T = TypeVar("_T")


def add(command: Callable[..., argparse.ArgumentParser], say: Language) -> None:
    """Add the command to the parser."""
    parser = command("registre", _registre, say("verify or export the register of consultations"))
    parser.add_argument("what", choices=["verifier", "exporter", "rapport"])
    parser.add_argument(
        "year", type=int, nargs="?", metavar="ANNEE",
        help=say("of the report to the prefect (CSI R241-17)"),
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FICHIER",
        help=say("where to write: .csv or .pdf; standard output without it"),
    )  # fmt: skip
    parser.add_argument(
        "--impact", type=Path, metavar="TEXTE.txt",
        help=say("what the mayor writes of the impact (report)"),
    )  # fmt: skip
    parser.add_argument(
        "--agents", type=int, metavar="N",
        help=say("officers entitled, when the accounts do not tell (report)"),
    )  # fmt: skip


def _registre(options: argparse.Namespace) -> int:
    settings = read(options.config)
    say = Language(settings.language)
    if options.what == "rapport":
        return _report(settings, options, say)
    rows = asyncio.run(_with_store(settings, lambda store: store.register()))
    return (
        _export(rows, settings, options.out, say)
        if options.what == "exporter"
        else _verify(rows, say)
    )


def _verify(rows: list[Row], say: Language) -> int:
    found = faults(rows)
    for fault in found:
        sys.stdout.write(f"✗ {say.message(fault)}\n")
    if not found:
        last = rows[-1][-1] if rows else "—"
        sys.stdout.write(
            say("✓ {count} entries, nothing altered. Last mark: {mark}", count=len(rows), mark=last)
            + "\n"
        )
    return 1 if found else 0


def _export(rows: list[Row], settings: Settings, path: Path | None, say: Language) -> int:
    if path is not None and path.suffix.lower() == ".pdf":
        from vms_plugin.register_pdf import as_pdf  # noqa: PLC0415  (reportlab is slow to import)

        return _write(path, as_pdf(rows, say, settings.timezone, datetime.now(UTC)), say)
    sheet = io.StringIO(newline="")
    export(rows, sheet, say, settings.timezone)
    if path is None:
        sys.stdout.write(sheet.getvalue())
        return 0
    return _write(path, _for_spreadsheets(sheet), say)


def _report(settings: Settings, options: argparse.Namespace, say: Language) -> int:
    from vms_plugin import annual  # noqa: PLC0415  (reportlab is slow to import)

    now, zone = datetime.now(UTC), settings.timezone
    year = options.year or now.astimezone(zone).year
    try:
        impact = options.impact.read_text(encoding="utf-8") if options.impact else ""
    except (OSError, UnicodeDecodeError) as error:
        said = say(
            "{path} cannot be read: {cause}", path=str(options.impact), cause=whole(cause(error))
        )
        sys.stderr.write(said + "\n")
        return 1
    rows, pressed, agents = asyncio.run(
        _with_store(settings, lambda store: _gathered(store, year, settings))
    )
    done = annual.report(
        rows, year, zone, now, pressed=pressed,
        agents=agents if options.agents is None else options.agents, impact=impact,
        cameras_at_most=law(settings.law_parameters).get("cameras_at_most", date(year, 12, 31)),
    )  # fmt: skip
    out: Path = options.out or Path(f"rapport-{year}.pdf")
    sheet = io.StringIO(newline="")
    annual.as_csv(done, sheet, say, zone)
    printed = annual.as_pdf(done, say, zone, now)
    return _write(out.with_suffix(".pdf"), printed, say) or _write(
        out.with_suffix(".csv"), _for_spreadsheets(sheet), say
    )


async def _gathered(
    store: Store, year: int, settings: Settings
) -> tuple[list[Row], list[str], int]:
    """Read what a report counts: the register, the presses of the year, who is entitled now."""
    from hooks import SourceKind  # noqa: PLC0415

    start, end = (datetime(each, 1, 1, tzinfo=settings.timezone) for each in (year, year + 1))
    presses = await store.presses(start, end)
    worn = [each for each in presses if each.kind is SourceKind.BODY_WORN and not each.exercise]
    entitled = [role for role in ROLES if rights_of(role) & {Right.BODY_WORN, Right.RECORDINGS}]
    marks = ", ".join("?" * len(entitled))
    query = f"SELECT count(*) FROM account WHERE disabled = 0 AND role IN ({marks})"  # noqa: S608
    [[agents]] = await store.query(query, *entitled)
    return await store.register(), [str(each.device) for each in worn], int(agents)


def _for_spreadsheets(sheet: io.StringIO) -> bytes:
    # With a byte order mark, without which French spreadsheets read accents wrongly.
    return sheet.getvalue().encode("utf-8-sig")


def _write(path: Path, content: bytes, say: Language) -> int:
    try:
        path.write_bytes(content)
    except OSError as error:
        sys.stderr.write(
            say("{path} cannot be written: {cause}", path=str(path), cause=whole(cause(error)))
            + "\n"
        )
        return 1
    sys.stdout.write(say("{path} written.", path=str(path)) + "\n")
    return 0


async def _with_store(settings: Settings, work: Callable[[Store], Awaitable[_T]]) -> _T:
    from vms_plugin.store import Store  # noqa: PLC0415  (not needed to print help)

    store = Store(settings.database)
    try:
        return await work(store)
    finally:
        store.close()
