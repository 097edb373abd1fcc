"""`renfort recordings …`: what is held, setting aside for a procedure, taking out.

Each is done by a named account that is entitled (CSI R241-12 I), who gives his password: what the
register says is what somebody proved to be.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hooks import RecordingId
from hooks.causes import cause, whole
from vms_plugin.i18n import Language
from vms_plugin.settings import Settings, read

if TYPE_CHECKING:
    from vms_plugin.recordings.archive import Archive
    from vms_plugin.recordings.ledger import Held
    from vms_plugin.store import Store

PROCEDURES = ("judiciaire", "administrative", "disciplinaire")


def add(command: Callable[..., argparse.ArgumentParser], say: Language) -> None:
    """Add the command to the parser."""
    parser = command("recordings", _recordings, say("docked recordings: list, keep, take out"))
    parser.add_argument("what", choices=["list", "set-aside", "release", "extract"])
    parser.add_argument("recording", nargs="?", help=say("its name, as list gives it"))
    parser.add_argument("--by", required=True, metavar="COMPTE", help=say("the account that acts"))
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("--reason", default="", metavar="MOTIF",
                        help=say("why: the register keeps it"))  # fmt: skip
    parser.add_argument("--procedure", choices=PROCEDURES)
    parser.add_argument("--number", default="", metavar="NUMERO",
                        help=say("of the procedure"))  # fmt: skip
    parser.add_argument("--training", action="store_true",
                        help=say("taken out for training, to be made anonymous"))  # fmt: skip
    parser.add_argument("--recipient", default="", metavar="QUI",
                        help=say("to whom it is given"))  # fmt: skip
    parser.add_argument("--to", type=Path, metavar="DOSSIER",
                        help=say("a new folder for what is taken out"))  # fmt: skip


class _NoError(Exception):
    """It is not done; the sentence says why."""


def _recordings(options: argparse.Namespace) -> int:
    from vms_plugin.store import Store  # noqa: PLC0415  (not needed to print help)

    settings = read(options.config)
    say = Language(settings.language)
    store = Store(settings.database)
    try:
        lines = asyncio.run(_done(store, settings, options, say))
    except _NoError as error:
        sys.stderr.write(f"✗ {error}\n")
        return 1
    finally:
        store.close()
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


async def _done(
    store: Store, settings: Settings, options: argparse.Namespace, say: Language
) -> list[str]:
    from vms_plugin.recordings import open_archive  # noqa: PLC0415
    from vms_plugin.recordings.ledger import UnknownRecordingError  # noqa: PLC0415

    _complete(options, say)
    await _prove(store, options, say)
    archive = open_archive(settings, store)
    try:
        return await _DOES[options.what](archive, settings, options, say)
    except UnknownRecordingError as error:
        raise _NoError(say("there is no recording {name}", name=str(error))) from error


def _complete(options: argparse.Namespace, say: Language) -> None:
    """Refuse an order that lacks what the law wants to know of it."""
    if options.what == "list":
        return
    if not options.recording:
        raise _NoError(say("name the recording, as list gives it"))
    if not options.reason.strip():
        raise _NoError(say("say why: --reason"))
    numbered = bool(options.procedure and options.number.strip())
    if options.what == "set-aside" and not numbered:
        raise _NoError(say("name the procedure and its number: --procedure, --number"))
    if options.what == "extract":
        if numbered == options.training:
            raise _NoError(say("for a procedure (--procedure, --number), or for --training"))
        if not options.recipient.strip() or options.to is None:
            raise _NoError(say("say to whom, and where to: --recipient, --to"))


async def _prove(store: Store, options: argparse.Namespace, say: Language) -> None:
    """Let only an entitled account act, which proves that it is itself."""
    from vms_plugin.rights import Right  # noqa: PLC0415
    from vms_plugin.web.accounts import Doorkeeper  # noqa: PLC0415

    if options.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = await asyncio.to_thread(getpass.getpass, say("Password: "))
    keeper, here = Doorkeeper(store), "renfort recordings"
    if await keeper.waits(options.by, here):
        raise _NoError(say("Too many wrong passwords: wait five minutes."))
    token = await keeper.enter(options.by, password, here)
    if token is None:
        raise _NoError(say("Wrong name or password."))
    await keeper.leave(token)
    if Right.RECORDINGS not in await keeper.rights(options.by):
        raise _NoError(say("{name} is not entitled to recordings (CSI R241-12 I)", name=options.by))


# --- what is done ---


async def _list(
    archive: Archive, settings: Settings, options: argparse.Namespace, say: Language
) -> list[str]:
    from vms_plugin.register import Entry, Operation  # noqa: PLC0415

    why = options.reason.strip() or say("list of recordings")
    held = await archive.ledger.held()
    await archive.ledger.note(
        Entry(kind=Operation.CONSULTATION, who=options.by, what=say("list of recordings"), why=why)
    )
    return list(_rows(held, archive, settings, say)) or [say("no recording is held")]


def _rows(held: list[Held], archive: Archive, settings: Settings, say: Language) -> Iterator[str]:
    zone = settings.timezone
    now = datetime.now(zone)
    for each in held:
        last = archive.law.last_day(each.counted_from(now), now.date(), zone)
        began = each.counted_from(now).astimezone(zone).strftime("%d/%m/%Y %H:%M")
        notes = [say("destroyed after {day}", day=last.strftime("%d/%m/%Y"))]
        if not each.dated(now):
            notes.append(say("date unknown: counted from its reception"))
        if each.set_aside:
            notes = [say("set aside by {who}: procedure {procedure} {number}", who=aside.who,
                         procedure=aside.procedure.value, number=aside.number)
                     for aside in each.set_aside]  # fmt: skip
        if not each.recording.complete:
            notes.append(say("not whole yet"))
        size = sum(kept.size for kept in each.pieces) / 1e6
        pieces = say("{count} pieces, {size:.1f} MB", count=len(each.pieces), size=size)
        device = str(each.recording.device or "—")
        yield "\t".join([each.recording.id, began, device, pieces, "; ".join(notes)])


async def _set_aside(
    archive: Archive, _settings: Settings, options: argparse.Namespace, say: Language
) -> list[str]:
    from vms_plugin.recordings.ledger import Procedure, SetAside  # noqa: PLC0415

    how = SetAside(
        at=datetime.now(UTC), who=options.by, procedure=Procedure(options.procedure),
        number=options.number.strip(), why=options.reason.strip(),
    )  # fmt: skip
    await archive.ledger.set_aside(_named(options), how)
    return [say("{name} is set aside: it is kept until it is released", name=options.recording)]


async def _release(
    archive: Archive, settings: Settings, options: argparse.Namespace, say: Language
) -> list[str]:
    from vms_plugin.recordings.ledger import NotSetAsideError  # noqa: PLC0415

    try:
        await archive.ledger.release(
            _named(options), options.by, options.reason.strip(), options.procedure or "",
            options.number.strip(),
        )  # fmt: skip
    except NotSetAsideError as error:
        why = say("not set aside for that procedure, or for several: see list, and name it by "
                  "--procedure and --number")  # fmt: skip
        raise _NoError(f"{options.recording}: {why}") from error
    [left] = [each for each in await archive.ledger.held() if each.recording.id == _named(options)]
    if left.set_aside:
        return [say("{name} is still set aside for another procedure", name=options.recording)]
    return [say("{name} is released: it is destroyed when its month is over",
                name=options.recording)]  # fmt: skip


async def _extract(
    archive: Archive, _settings: Settings, options: argparse.Namespace, say: Language
) -> list[str]:
    from vms_plugin.recordings.extraction import AlteredError, extract  # noqa: PLC0415

    detail = {"recipient": options.recipient.strip()}
    if options.training:
        detail["for"] = "training"
    else:
        detail |= {"procedure": options.procedure, "number": options.number.strip()}
    try:
        paths = await extract(
            archive, _named(options), options.to, options.by, options.reason.strip(), detail
        )
    except AlteredError as error:
        altered = say("{piece} is not what was taken in: it was altered", piece=str(error))
        raise _NoError(altered) from error
    except FileExistsError as error:
        there = say("{path} is there already: name a new folder", path=str(options.to))
        raise _NoError(there) from error
    except OSError as error:
        failed = say("taken out in part only: {cause}", cause=whole(cause(error)))
        raise _NoError(failed) from error
    lines = [say("{path} written.", path=str(path)) for path in paths]
    if options.training:
        lines.append(say("For training, make it anonymous before it is shown (R241-13)."))
    return lines


def _named(options: argparse.Namespace) -> RecordingId:
    return RecordingId(options.recording)


_DOES = {"list": _list, "set-aside": _set_aside, "release": _release, "extract": _extract}
