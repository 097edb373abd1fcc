"""`renfort account …`: who may open the page, in which role, for which communes."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vms_plugin.i18n import Language
from vms_plugin.rights import ROLES
from vms_plugin.settings import read

if TYPE_CHECKING:
    from vms_plugin.store import Store
    from vms_plugin.web.accounts import Account

#: Said instead of a name: what is listed.
LISTS = ("list", "sessions")


def add(command: Callable[..., argparse.ArgumentParser], say: Language) -> None:
    """Add the command to the parser."""
    parser = command("account", _account, say("create an account for the page, or change it"))
    parser.add_argument("name", help=say("the account; or list, or sessions"))
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("--password", action="store_true",
                        help=say("ask for a new password"))  # fmt: skip
    parser.add_argument(
        "--role", choices=sorted(ROLES),
        help=say("policier: sees body-worn cameras live (CSI R241-12); civil: does not"),
    )  # fmt: skip
    parser.add_argument(
        "--communes", metavar="INSEE,INSEE",
        help=say("the communes of competence (CSI R253-3); empty: the site's"),
    )  # fmt: skip
    shut = parser.add_mutually_exclusive_group()
    shut.add_argument("--disable", action="store_true", help=say("shut out, and log out"))
    shut.add_argument("--enable", action="store_true", help=say("let in again"))
    parser.add_argument("--unlock", action="store_true",
                        help=say("forget the wrong passwords given for this name"))  # fmt: skip
    parser.add_argument("--log-out", action="store_true", help=say("end all its sessions"))


def _account(options: argparse.Namespace) -> int:
    from vms_plugin.store import Store  # noqa: PLC0415  (not needed to print help)

    settings = read(options.config)
    say = Language(settings.language)
    store = Store(settings.database)
    try:
        if options.name in LISTS:
            for line in asyncio.run(_listed(store, options.name, say)):
                sys.stdout.write(line + "\n")
            return 0
        return asyncio.run(_changed(store, options, say))
    finally:
        store.close()


async def _listed(store: Store, what: str, say: Language) -> list[str]:
    from vms_plugin.web import accounts  # noqa: PLC0415

    if what == "sessions":
        rows = await accounts.sessions(store)
        return ["\t".join(row) for row in rows] or [say("nobody is logged in")]
    return list(_roll(await accounts.everybody(store), say))


def _roll(people: list[Account], say: Language) -> Iterator[str]:
    for each in people:
        notes = [say("shut out")] if each.disabled else []
        notes += [say("by the identity provider")] if each.provider else []
        notes += [say.plural("{count} session", "{count} sessions", each.sessions)]
        communes = " ".join(sorted(each.communes)) or say("all the site's communes")
        yield "\t".join([each.name, each.role, communes, ", ".join(notes)])


async def _changed(store: Store, options: argparse.Namespace, say: Language) -> int:
    from vms_plugin.web import accounts  # noqa: PLC0415

    communes = _communes(options.communes)
    if communes is None and options.communes is not None:
        return _fault(say("a commune is an INSEE code of five signs: {value}",
                          value=options.communes))  # fmt: skip
    known = {each.name for each in await accounts.everybody(store)}
    asked = options.password or options.password_stdin
    changes = (options.role, options.communes, options.disable, options.enable, options.unlock,
               options.log_out)  # fmt: skip
    if asked or options.name not in known or not any(each for each in changes if each != ""):
        try:
            await accounts.add(store, options.name, _password(options, say), options.role, communes)
        except accounts.WeakPasswordError as error:
            return _fault(say.message(error.why))
    else:
        await accounts.change(store, options.name, role=options.role, communes=communes)
    if options.disable or options.enable:
        await accounts.change(store, options.name, disabled=options.disable)
    if options.unlock:
        await accounts.unlock(store, options.name)
    if options.log_out:
        await accounts.end_sessions(store, options.name)
    [own] = [each for each in await accounts.everybody(store) if each.name == options.name]
    text = say("Account {name} ready, role {role}.", name=own.name, role=own.role)
    sys.stdout.write((say("Account {name} is shut out.", name=own.name) if own.disabled else text)
                     + "\n")  # fmt: skip
    return 0


def _communes(text: str | None) -> list[str] | None:
    codes = (text or "").replace(",", " ").split()
    return None if text is None or any(len(code) != 5 for code in codes) else codes


def _password(options: argparse.Namespace, say: Language) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass(say("Password: "))


def _fault(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1
