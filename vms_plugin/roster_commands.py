"""`renfort effectifs …`: check the roster, ask who wore a camera, export the ways of crews."""

from __future__ import annotations

import argparse
import asyncio
import csv
import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hooks import IncidentId, Message
from hooks.causes import cause, whole
from vms_plugin.i18n import Language
from vms_plugin.register import Entry, Operation
from vms_plugin.roster import read_roster
from vms_plugin.roster_table import UnreadableRosterError
from vms_plugin.settings import Settings, read
from vms_plugin.waypoint import Assignment, Waypoint, assignments, ways


def add(command: Callable[..., argparse.ArgumentParser], say: Language) -> None:
    """Add the command to the parser."""
    parser = command("effectifs", _effectifs, say("check the roster, or ask it"))
    parser.add_argument("what", choices=["verifier", "porteur", "trajets"])
    parser.add_argument("subject", nargs="?", default="", metavar="FICHIER|CAMERA|ALERTE",
                        help=say("a table to check, a camera, or an incident"))  # fmt: skip
    parser.add_argument("--le", metavar="JJ/MM/AAAA HH:MM",
                        help=say("at that moment alone"))  # fmt: skip
    parser.add_argument("--motif", help=say("why the ways are read: it is registered"))


def _effectifs(options: argparse.Namespace) -> int:
    settings = read(options.config)
    say = Language(settings.language)
    match options.what:
        case "verifier":
            path = Path(options.subject) if options.subject else settings.roster
            return _check(path, settings, say)
        case "porteur":
            return _worn(options.subject, options.le, settings, say)
        case _:
            return _ways(options.subject, options.motif or "", settings, say)


def _check(path: Path | None, settings: Settings, say: Language) -> int:
    if path is None:
        return _refused(say("name a table, or set crews.roster"))
    try:
        roster = read_roster(path.read_bytes(), settings.timezone)
    except OSError as error:
        return _refused(say("{path} cannot be read: {cause}", path=str(path),
                            cause=whole(cause(error))))  # fmt: skip
    except UnreadableRosterError as error:
        return _refused(f"{path.name} : {say.message(whole(error.why))}")
    for fault in roster.faults:
        print(f"✗ {say.message(fault)}")
    if roster.unread:
        print(say("Columns that are not read: {columns}.", columns=", ".join(roster.unread)))
    print(say("{count} rows read.", count=len(roster.lines)))
    return 1 if roster.faults else 0


def _worn(device: str, moment: str | None, settings: Settings, say: Language) -> int:
    if not device:
        return _refused(say("name a camera by its serial number"))
    at = None
    if moment is not None:
        try:
            at = datetime.strptime(moment, "%d/%m/%Y %H:%M").replace(tzinfo=settings.timezone)
        except ValueError:
            remedy = Message(text="{value}: write a date as 25/11/2026 06:00",
                             params={"value": moment})  # fmt: skip
            return _refused(say.message(remedy))
    found = asyncio.run(_assignments(settings.database, device))
    held = [row for row in found if at is None or _holds(row, at)]
    for row in held:
        print(_written(row, settings, say))
    if not held:
        print(say("Nobody, as far as the roster ever said."))
    return 0 if held else 1


def _holds(row: Assignment, at: datetime) -> bool:
    start, end = row[4], row[5]
    return (not start or datetime.fromisoformat(start) <= at) and (
        not end or at < datetime.fromisoformat(end)
    )


def _written(row: Assignment, settings: Settings, say: Language) -> str:
    call_sign, name, _, crew, start, end, told, gone = row

    def local(text: str) -> str:
        if not text:
            return "…"
        return datetime.fromisoformat(text).astimezone(settings.timezone).strftime("%d/%m/%Y %H:%M")

    who = " · ".join(filter(None, (call_sign, name, crew.partition(":")[2])))
    line = say("{who}, from {start} to {end} (told on {told})",
               who=who, start=local(start), end=local(end), told=local(told))  # fmt: skip
    return line if not gone else line + " " + say("taken back on {gone}", gone=local(gone))


def _ways(incident: str, why: str, settings: Settings, say: Language) -> int:
    if not incident or not why.strip():
        return _refused(say("name the incident, and say why with --motif: it is registered"))
    rows = asyncio.run(_registered(settings.database, IncidentId(incident), why))
    sheet = csv.writer(sys.stdout, delimiter=";")
    sheet.writerow([say("crew"), say("date and time"), "lon", "lat"])
    for each in rows:
        local = each.at.astimezone(settings.timezone).isoformat(timespec="seconds")
        sheet.writerow([each.crew.partition(":")[2], local, f"{each.lon:.6f}", f"{each.lat:.6f}"])
    return 0


async def _assignments(database: Path, device: str) -> list[Assignment]:
    from vms_plugin.store import Store  # noqa: PLC0415  (not needed to print help)

    store = Store(database)
    try:
        return await assignments(store, device)
    finally:
        store.close()


async def _registered(database: Path, incident: IncidentId, why: str) -> list[Waypoint]:
    from vms_plugin.store import Store  # noqa: PLC0415

    store = Store(database)
    try:
        await store.note(
            Entry(kind=Operation.CONSULTATION, who=getpass.getuser(), what=incident, why=why,
                  detail={"view": "ways of crews"}, at=datetime.now(UTC))
        )  # fmt: skip
        return await ways(store, incident)
    finally:
        store.close()


def _refused(why: str) -> int:
    print(why, file=sys.stderr)
    return 1
