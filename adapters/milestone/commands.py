"""`renfort milestone …`: what is set up once on a site, by its administrator."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from hooks import AdapterError
from hooks.causes import cause, whole


def add(commands: Any, say: Any) -> None:
    """Add the commands of XProtect."""
    does = say("set up Milestone XProtect: the officers' cameras, our page in a view")
    parser = commands.add_parser("milestone", help=does, description=does)
    what = parser.add_subparsers(required=True, metavar="COMMANDE")
    slots = _command(what, "add-slots", say("add the officers' cameras, recording off (R241-13)"))
    slots.add_argument(
        "address", help=say("the address of [live] onvif, as http://192.0.2.10:8080")
    )
    slots.add_argument("officers", nargs="+", help=say("the names of [live] officers, in order"))
    slots.add_argument("--driver", choices=("onvif", "universal"), default="onvif")
    slots.add_argument("--recorder", default="", help=say("the recording server, by name"))
    slots.add_argument("--username", default="", help=say("the account of [live]"))
    slots.add_argument("--password-file", type=Path, metavar="FICHIER")
    slots.set_defaults(run=lambda options: _run(options, say, _slots))
    view = _command(what, "setup-view", say("make a view that shows our page in the Smart Client"))
    view.add_argument("url", help=say("the address of our page, as https://renfort.example:8443"))
    view.set_defaults(run=lambda options: _run(options, say, _view))


def _command(what: Any, name: str, does: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = what.add_parser(name, help=does, description=does)
    parser.add_argument("--config", type=Path, default=Path("renfort.toml"), metavar="FICHIER")
    return parser


def _run(options: argparse.Namespace, say: Any, work: Any) -> int:
    """Run one command on the site of the settings; a fault is one sentence."""
    from adapters.milestone import settings  # noqa: PLC0415
    from adapters.milestone.api import Api  # noqa: PLC0415
    from adapters.milestone.client import Client  # noqa: PLC0415  (brings in requests)

    try:
        read = settings.read(options.section_of(options.config, "milestone"))
        client = Client(read.site)
        try:
            for line in work(options, Api(client.gateway), say):
                sys.stdout.write(line + "\n")
        finally:
            client.close()
    except AdapterError as error:
        sys.stderr.write(f"✗ {say.message(whole(cause(error)))}\n")
        return 1
    return 0


def _slots(options: argparse.Namespace, api: Any, say: Any) -> list[str]:
    from adapters.milestone.bodyworn import Slots  # noqa: PLC0415

    password = options.password_file.read_text(encoding="utf-8").strip() \
        if options.password_file else ""  # fmt: skip
    found = Slots(api).add(
        options.address, options.officers, driver=options.driver, username=options.username,
        password=password, recorder=options.recorder,
    )  # fmt: skip
    lines = [say("{count} cameras ready, recording off. Write in renfort.toml:", count=len(found))]
    lines += ["", "[adapters.milestone.slots]"]
    lines += [f'"{officer}" = "{camera}"' for officer, camera in found.items()]
    if options.driver == "universal":
        lines += ["", say("In Management Client, give each camera's stream its path: {paths}",
                          paths=", ".join(f"/{each}" for each in found))]  # fmt: skip
    return lines


def _view(options: argparse.Namespace, api: Any, say: Any) -> list[str]:
    from adapters.milestone.view import set_up  # noqa: PLC0415

    name = set_up(api, options.url)
    return [say("View {name} ready: open it in the Smart Client, under {name}.", name=name)]
