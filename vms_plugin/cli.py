"""The command `renfort`."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from vms_plugin import gis_commands, log, register_commands, simulate
from vms_plugin.i18n import Language
from vms_plugin.rights import ROLES
from vms_plugin.settings import BadConfigurationError, read

CONFIG = Path("renfort.toml")


def main(argv: list[str] | None = None) -> int:
    """Run one command; answer the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["simulate"] and len(argv) > 1 and not argv[1].startswith("-"):
        return _simulate(argv[1], argv[2:])
    options = _parser().parse_args(argv)
    log.configure(verbose=options.verbose)
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except BadConfigurationError as error:
        return _say_faults(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except sqlite3.Error as error:
        say = Language()
        print(say("The database cannot be used: {cause}", cause=str(error)), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    say = Language()
    parser = argparse.ArgumentParser(prog="renfort", description=say("One press, help on its way."))
    parser.add_argument("--verbose", action="store_true", help=say("more logs"))
    commands = parser.add_subparsers(required=True, metavar="COMMANDE")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], does: str, *, config: bool = True
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=does, description=does)
        sub.set_defaults(run=run)
        if config:
            sub.add_argument("--config", type=Path, default=CONFIG, metavar="FICHIER")
        return sub

    command("serve", _serve, say("serve the control room"))
    doctor = command("doctor", _doctor, say("say what is wrong and what to do"))
    doctor.add_argument("--json", action="store_true")
    init = command("init", _init, say("write a commented configuration"), config=False)
    init.add_argument("path", type=Path, nargs="?", default=CONFIG)
    account = command("account", _account, say("create an account for the page, or change it"))
    account.add_argument("name")
    account.add_argument("--password-stdin", action="store_true")
    account.add_argument(
        "--role", choices=sorted(ROLES),
        help=say("policier: sees body-worn cameras live (CSI R241-12); civil: does not"),
    )  # fmt: skip
    register_commands.add(command, say)
    command("simulate", _list_simulators, say("play the maker's side"), config=False)
    gis_commands.add(commands, say)
    demo = command("demo", _demo, say("show everything on a real town"), config=False)
    demo.add_argument("--once", action="store_true", help=say("one press, no page, then stop"))
    demo.add_argument("--json", action="store_true", help=say("print the times of each stage"))
    demo.add_argument("--port", type=int, default=8790)
    return parser


def _serve(options: argparse.Namespace) -> int:
    from vms_plugin import host  # noqa: PLC0415  (the geography takes a second to import)

    settings = read(options.config)
    faults = host.usurped()
    if faults:
        say = Language(settings.language)
        print("\n".join(say.message(fault) for fault in faults), file=sys.stderr)
        return 1
    return asyncio.run(host.serve(settings))


def _doctor(options: argparse.Namespace) -> int:
    from vms_plugin import doctor  # noqa: PLC0415  (the geography takes a second to import)

    say = Language()
    well = True
    for finding in doctor.examine(options.config):
        well = well and finding.well
        said = say.message(finding.said)
        if options.json:
            row = {"subject": finding.subject, "well": finding.well, "said": said}
            print(json.dumps(row, ensure_ascii=False))
        else:
            print(f"{'✓' if finding.well else '✗'} {finding.subject}: {said}", flush=True)
    return 0 if well else 1


def _init(options: argparse.Namespace) -> int:
    from vms_plugin.template import write_configuration  # noqa: PLC0415

    say = Language()
    try:
        write_configuration(options.path)
    except FileExistsError:
        print(
            say("{path} exists already; nothing written.", path=str(options.path)), file=sys.stderr
        )
        return 1
    print(say("{path} written. Next: renfort account NAME, renfort doctor, renfort serve.",
              path=str(options.path)))  # fmt: skip
    return 0


def _account(options: argparse.Namespace) -> int:
    from vms_plugin.store import Store  # noqa: PLC0415
    from vms_plugin.web import accounts  # noqa: PLC0415

    settings = read(options.config)
    say = Language(settings.language)
    if options.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = getpass.getpass(say("Password: "))
    if len(password) < accounts.SHORTEST:
        print(say("A password has at least {count} characters.", count=accounts.SHORTEST),
              file=sys.stderr)  # fmt: skip
        return 1
    store = Store(settings.database)
    try:
        role = asyncio.run(accounts.add(store, options.name, password, options.role))
    finally:
        store.close()
    print(say("Account {name} ready, role {role}.", name=options.name, role=role))
    return 0


def _list_simulators(_options: argparse.Namespace) -> int:
    print("\n".join(simulate.simulator_names()))
    return 0


def _simulate(name: str, argv: list[str]) -> int:
    try:
        return simulate.run(name, argv)
    except KeyError:
        say, known = Language(), ", ".join(simulate.simulator_names())
        print(say("no simulator {name}; there are: {known}", name=name, known=known),
              file=sys.stderr)  # fmt: skip
        return 2


def _demo(options: argparse.Namespace) -> int:
    from vms_plugin import demo  # noqa: PLC0415

    try:
        return asyncio.run(demo.play(once=options.once, as_json=options.json, port=options.port))
    except OSError:
        say = Language()
        taken = say("Renfort did not start: is port {port} taken? Try --port.", port=options.port)
        print(taken, file=sys.stderr)
        return 1


def _say_faults(error: BadConfigurationError) -> int:
    say = Language()
    for fault in error.faults:
        value = "" if fault.value is None else f" = {fault.value!r}"
        print(f"✗ {fault.key}{value}: {say.message(fault.remedy)}", file=sys.stderr)
    return 1
