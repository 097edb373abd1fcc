"""The command lines of GIS staff: `renfort layers …` and `renfort situate`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vms_plugin.i18n import Language

#: What a layer can be said to be, where it does not show.
KINDS = ("cameras", "rues", "interdictions", "batiments", "communes", "masques")
#: Of IEC 62676-4, the newest last.
EDITIONS = (2014, 2025)


def add(commands: Any, say: Language) -> None:
    """Add `layers` and `situate` to the command line."""
    layers = commands.add_parser("layers", help=say("the town's layers"))
    verbs = layers.add_subparsers(required=True, metavar="VERBE")

    def verb(name: str, does: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = verbs.add_parser(name, help=does, description=does)
        sub.set_defaults(run=_runs(name))
        return sub

    add = verb("import", say("make a territory of what the town has"))
    add.add_argument("sources", nargs="+", metavar="SOURCE")
    add.add_argument("--schema", default="renfort", metavar="SCHEMA_POSTGIS")
    add.add_argument("--out", type=Path, required=True, metavar="TERRITOIRE.gpkg")
    add.add_argument("--fields", type=Path, metavar="CHAMPS.toml")
    add.add_argument("--as", dest="kind", choices=KINDS)
    open_it = verb("project", say("write the QGIS project of a territory: styles and forms"))
    open_it.add_argument("territory", type=Path, metavar="TERRITOIRE.gpkg")
    open_it.add_argument("--out", type=Path, metavar="TERRITOIRE.qgs")
    look = verb("check", say("say every fault by row and field, with its remedy"))
    _territory_of(look)
    look.add_argument("--json", action="store_true")
    cover = verb("coverage", say("draw what each camera really sees"))
    _territory_of(cover)
    show = verb("preview", say("draw the territory as a page for any browser"))
    _territory_of(show)
    show.add_argument("--out", type=Path, metavar="APERCU.html")
    holes = verb("gaps", say("find where no camera would show a man well enough"))
    _territory_of(holes)
    holes.add_argument("--class", dest="wanted", default="20", metavar="CLASSE|PX/M")
    holes.add_argument("--json", action="store_true")
    mount = verb("calibrate", say("learn how a turning camera is mounted"))
    _territory_of(mount)
    mount.add_argument("--camera", required=True)
    mount.add_argument("--sight", action="append", required=True, default=[],
                       metavar="LON,LAT,PAN,TILT[,HAUTEUR]")  # fmt: skip
    mount.add_argument("--json", action="store_true")
    agree = verb("reconcile", say("hold the camera layer against the VMS's own inventory"))
    agree.add_argument("territory", type=Path, metavar="TERRITOIRE.gpkg")
    agree.add_argument("--config", type=Path, default=Path("renfort.toml"), metavar="FICHIER")
    agree.add_argument("--json", action="store_true")
    agree.add_argument(
        "--write-vms", "--write-xprotect", dest="write", action="store_true",
        help=say("write the layer's places and headings into the VMS"),
    )  # fmt: skip
    place = commands.add_parser("situate", help=say("say who sees a place and who can come"))
    place.set_defaults(run=_runs("situate"))
    place.add_argument("place", metavar="LON,LAT")
    place.add_argument(
        "--layers", dest="territory", type=Path, required=True, metavar="TERRITOIRE.gpkg"
    )
    place.add_argument("--crews", type=Path, metavar="CREWS.geojson")
    place.add_argument("--accuracy", type=float, metavar="M")
    place.add_argument("--commune", action="append", default=[], metavar="INSEE")
    place.add_argument("--iec", type=int, choices=EDITIONS, default=EDITIONS[-1])
    place.add_argument("--json", action="store_true")


def _territory_of(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("territory", type=Path, metavar="TERRITOIRE.gpkg")
    parser.add_argument("--iec", type=int, choices=EDITIONS, default=EDITIONS[-1])


def _runs(name: str) -> Callable[[argparse.Namespace], int]:
    """Import the geography only for whoever asks for it: it takes a second."""

    def run(options: argparse.Namespace) -> int:
        from vms_plugin import gis  # noqa: PLC0415

        return gis.run(name, options)

    return run
