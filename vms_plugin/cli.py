"""The command `renfort`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from hooks.causes import cause, whole
from vms_plugin import (
    account_commands,
    adapter_commands,
    exercise_commands,
    gis_commands,
    inlet_commands,
    log,
    log_commands,
    recording_commands,
    register_commands,
    roster_commands,
    simulate,
    usage,
)
from vms_plugin.i18n import Language
from vms_plugin.settings import BadConfigurationError, read

CONFIG = Path("renfort.toml")


def main(argv: list[str] | None = None) -> int:
    """Run one command; answer the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    usage.speak(Language())
    if argv[:1] == ["simulate"] and len(argv) > 1 and not argv[1].startswith("-"):
        return _simulate(argv[1], argv[2:])
    if argv[1:2] == [inlet_commands.WORD]:
        return _guarded(lambda: inlet_commands.run(argv[0], argv[2:]))
    options = _parser().parse_args(argv)
    log.configure(verbose=options.verbose)
    command: Callable[[argparse.Namespace], int] = options.run
    return _guarded(lambda: command(options))


def _guarded(command: Callable[[], int]) -> int:
    """Run a command; what it says is wrong is a sentence and an exit code."""
    try:
        return command()
    except BadConfigurationError as error:
        return _say_faults(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except sqlite3.Error as error:
        say = Language()
        why = whole(cause(error))
        print(say("The database cannot be used: {cause}", cause=why), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    say = Language()
    also = say("and, where a docking station sends recordings: renfort ADAPTER connection-file")
    parser = argparse.ArgumentParser(
        prog="renfort", description=say("One press, help on its way."), epilog=also
    )
    parser.add_argument("--verbose", action="store_true", help=say("more logs"))
    parser.set_defaults(section_of=adapter_commands.section_of)
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
    doctor.add_argument(
        "--discover", type=Path, metavar="DOSSIER",
        help=say("write what the site answers there, secrets, names and places removed"),
    )  # fmt: skip
    init = command("init", _init, say("write a commented configuration"), config=False)
    init.add_argument("path", type=Path, nargs="?", default=CONFIG)
    account_commands.add(command, say)
    register_commands.add(command, say)
    recording_commands.add(command, say)
    log_commands.add(command, say)
    exercise_commands.add(command, say)
    roster_commands.add(command, say)
    command("simulate", _list_simulators, say("play the maker's side"), config=False)
    gis_commands.add(commands, say)
    adapter_commands.add(commands, say)
    demo = command("demo", _demo, say("show everything on a real town"), config=False)
    demo.add_argument("--once", action="store_true", help=say("one press, no page, then stop"))
    demo.add_argument("--json", action="store_true", help=say("print the times of each stage"))
    demo.add_argument("--port", type=int, default=8790)
    return parser


def _serve(options: argparse.Namespace) -> int:
    from vms_plugin import host  # noqa: PLC0415  (the geography takes a second to import)

    settings = read(options.config)
    faults = host.usurped() or host.unheard(settings)
    if faults:
        say = Language(settings.language)
        print("\n".join(say.message(fault) for fault in faults), file=sys.stderr)
        return 1
    return asyncio.run(host.serve(settings))


def _doctor(options: argparse.Namespace) -> int:
    from vms_plugin import doctor  # noqa: PLC0415  (the geography takes a second to import)

    say = Language()
    well = True
    findings = [doctor.examine(options.config)]
    if options.discover:
        findings.append(doctor.discover(options.config, options.discover))
    for finding in chain.from_iterable(findings):
        well = well and finding.well
        said = say.message(whole(finding.said))
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
    except OSError as error:
        say, why = Language(), whole(cause(error))
        print(say("the simulator {name} did not start: {cause}", name=name, cause=why),
              file=sys.stderr)  # fmt: skip
        return 1


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
        print(f"✗ {fault.key}{value}: {say.message(whole(fault.remedy))}", file=sys.stderr)
    return 1
