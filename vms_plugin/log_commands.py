"""`renfort main-courante …`: list incidents, and take their logs out of the room."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from vms_plugin.i18n import Language
from vms_plugin.register import Entry, Operation
from vms_plugin.settings import Settings, read

if TYPE_CHECKING:
    from hooks import Picture
    from vms_plugin.blotter import Log
    from vms_plugin.store import Store


def add(command: Callable[..., argparse.ArgumentParser], say: Language) -> None:
    """Add the command to the parser."""
    parser = command("main-courante", _run, say("list incidents, or export their logs"))
    parser.add_argument("what", choices=["lister", "exporter"])
    parser.add_argument("incident", nargs="?", help=say("one incident; all without it"))
    parser.add_argument("--du", type=date.fromisoformat, metavar="AAAA-MM-JJ",
                        help=say("from that day on"))  # fmt: skip
    parser.add_argument("--au", type=date.fromisoformat, metavar="AAAA-MM-JJ",
                        help=say("to that day"))  # fmt: skip
    where = say("a .csv, or for one incident a .pdf; standard output without it")
    parser.add_argument("--out", type=Path, metavar="FICHIER", help=where)
    parser.add_argument("--par", default="", help=say("who exports, for the register"))


def _run(options: argparse.Namespace) -> int:
    from vms_plugin.store import Store  # noqa: PLC0415  (not needed to print help)

    settings = read(options.config)
    store = Store(settings.database)
    try:
        return asyncio.run(_do(store, options, settings))
    finally:
        store.close()


async def _do(store: Store, options: argparse.Namespace, settings: Settings) -> int:
    from vms_plugin import blotter  # noqa: PLC0415

    say = Language(settings.language)
    pictures = [*await store.pictures(closed=True), *await store.pictures(closed=False)]
    chosen = [each for each in pictures if _within(each, options, settings)]
    chosen.sort(key=lambda each: each.opened_at)
    if options.incident and not chosen:
        sys.stderr.write(say("there is no incident {name}", name=options.incident) + "\n")
        return 1
    if options.what == "lister":
        for each in chosen:
            at = each.opened_at.astimezone(settings.timezone).isoformat(timespec="minutes")
            sys.stdout.write(f"{each.incident}\t{at}\t{each.title}\t{each.outcome}\n")
        return 0
    logs = [await blotter.read(store, each.incident, say, named=True) for each in chosen]
    return await _export(store, logs, options, settings)


def _within(picture: Picture, options: argparse.Namespace, settings: Settings) -> bool:
    if options.incident:
        return picture.incident == str(options.incident)
    zone = settings.timezone
    since = datetime.combine(options.du or date(2000, 1, 1), time(), zone)
    until = datetime.combine((options.au or date(9000, 1, 1)) + timedelta(days=1), time(), zone)
    return bool(since <= picture.opened_at < until)


async def _export(
    store: Store, logs: list[Log], options: argparse.Namespace, settings: Settings
) -> int:
    from vms_plugin import blotter  # noqa: PLC0415

    say, path, by = Language(settings.language), options.out, options.par or _user()
    if path is not None and path.suffix == ".pdf":
        if len(logs) != 1:
            sys.stderr.write(say("a PDF holds one incident: name it") + "\n")
            return 1
        path.write_bytes(blotter.as_pdf(logs[0], say, settings.timezone, by=by))
    elif path is not None:
        with path.open("w", encoding="utf-8-sig", newline="") as sheet:
            blotter.as_csv(logs, sheet, say, settings.timezone)
    else:
        blotter.as_csv(logs, sys.stdout, say, settings.timezone)
    await _note(store, logs, by, say)
    if path is not None:
        sys.stdout.write(say("{path} written.", path=str(path)) + "\n")
    return 0


async def _note(store: Store, logs: Iterable[Log], by: str, say: Language) -> None:
    for log in logs:
        await store.note(
            Entry(kind=Operation.COMMUNICATION, who=by, what=log.picture.incident,
                  why=say("incident log"), detail={"export": "renfort main-courante"})
        )  # fmt: skip


def _user() -> str:
    """Name whoever runs the command, as the system knows him."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "renfort"
