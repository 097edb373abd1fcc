"""`renfort registre …`: verify the register of consultations, and export it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from vms_plugin.i18n import Language
from vms_plugin.register import Row, export, faults
from vms_plugin.settings import read


def add(command: Callable[..., argparse.ArgumentParser], say: Language) -> None:
    """Add the command to the parser."""
    parser = command("registre", _registre, say("verify or export the register of consultations"))
    parser.add_argument("what", choices=["verifier", "exporter"])
    parser.add_argument("--out", type=Path, metavar="FICHIER.csv",
                        help=say("where to export; standard output without it"))  # fmt: skip


def _registre(options: argparse.Namespace) -> int:
    settings = read(options.config)
    say = Language(settings.language)
    rows = asyncio.run(_rows(settings.database))
    if options.what == "exporter":
        return _export(rows, options.out, say)
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


def _export(rows: list[Row], path: Path | None, say: Language) -> int:
    if path is None:
        export(rows, sys.stdout, say)
        return 0
    try:
        # With a byte order mark, without which French spreadsheets read accents wrongly.
        with path.open("w", encoding="utf-8-sig", newline="") as sheet:
            export(rows, sheet, say)
    except OSError as error:
        sys.stderr.write(
            say("{path} cannot be written: {cause}", path=str(path), cause=error.strerror or "")
            + "\n"
        )
        return 1
    sys.stdout.write(say("{path} written.", path=str(path)) + "\n")
    return 0


async def _rows(database: Path) -> list[Row]:
    from vms_plugin.store import Store  # noqa: PLC0415  (not needed to print help)

    store = Store(database)
    try:
        return await store.register()
    finally:
        store.close()
