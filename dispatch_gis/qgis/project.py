"""The project: every layer of the territory, in groups, with its style and its form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import pyogrio

from dispatch_gis.qgis.forms import form
from dispatch_gis.qgis.styles import LABELS, RULES, STREETS_CLOSED
from dispatch_gis.qgis.symbols import Rule, Say, labelling, renderer
from dispatch_gis.schema import BY_NAME, LAYERS, Keeper, Layer
from hooks import Message

#: Its angles are true and its north is up, so that headings can be drawn; lengths and areas are
#: measured on the ellipsoid all the same.
_PROJECTION = "EPSG:3857"
_RADIUS_M = 6_378_137.0
#: What would hide the others until it is asked for.
_HIDDEN = ("lacunes",)
_GROUPS = (
    (Message(text="To keep"), ("cameras", "fermetures", "rues fermées", "masques", "corrections",
                               "communes", "calages", "prepositions")),
    (Message(text="Computed by Renfort"), ("defauts", "lacunes", "couvertures")),
    (Message(text="Delivered"), ("rues", "interdictions", "batiments", "eau", "verts")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shown:
    """A layer as the project shows it: one that holds any geometry is shown once for each."""

    key: str
    layer: Layer
    title: Message
    shape: str | None  #: Point, LineString, Polygon; None: a table
    only: bool  #: shows one kind of geometry of several
    rules: Sequence[Rule] = ()


def write_project(territory: Path, out: Path, say: Say) -> None:
    """Write the project that opens a territory file, beside it or elsewhere.

    Parameters
    ----------
    say
        Puts a sentence in the reader's language.
    """
    root = Element("qgis", projectname=territory.stem, version="3.22.0-Białowieża")
    SubElement(root, "title").text = territory.stem
    _reference(SubElement(root, "projectCrs"), _PROJECTION)
    shown = {each.key: each for each in _all_shown()}
    tree = SubElement(root, "layer-tree-group")
    relative = _relative(territory, out)
    for title, keys in _GROUPS:
        group = SubElement(
            tree, "layer-tree-group", name=say(title), checked="Qt::Checked", expanded="1"
        )
        for key in keys:
            _leaf(group, shown[key], relative, say)
    _canvas(root, territory)
    layers = SubElement(root, "projectlayers")
    for each in shown.values():
        _layer(layers, each, relative, say)
    properties = SubElement(root, "properties")
    for part, name, kind, value in (
        ("Paths", "Absolute", "bool", "false"),
        ("SpatialRefSys", "ProjectionsEnabled", "int", "1"),
        ("Measure", "Ellipsoid", "QString", "EPSG:7030"),
    ):
        SubElement(SubElement(properties, part), name, type=kind).text = value
    indent(root, " ")
    ElementTree(root).write(out, encoding="utf-8", xml_declaration=True)


def _all_shown() -> Iterator[_Shown]:
    for layer in LAYERS:
        if layer.name == "fermetures":
            yield _Shown("fermetures", layer, Message(text="Closed areas"), "Polygon", True,
                         RULES[layer.name])  # fmt: skip
            yield _Shown("rues fermées", layer, Message(text="Closed streets"), "LineString", True,
                         STREETS_CLOSED)  # fmt: skip
        else:
            shape = layer.shape.removeprefix("Multi") if layer.shape else None
            yield _Shown(layer.name, layer, layer.title, shape, False, RULES.get(layer.name, ()))


def _relative(territory: Path, out: Path) -> str:
    """Say where the territory is from the project: both can move together."""
    try:
        return f"./{territory.resolve().relative_to(out.resolve().parent).as_posix()}"
    except ValueError:
        return territory.resolve().as_posix()


def _source(shown: _Shown, relative: str) -> str:
    only = f"|geometrytype={shown.shape}" if shown.only else ""
    return f"{relative}|layername={shown.layer.name}{only}"


def _leaf(group: Element, shown: _Shown, relative: str, say: Say) -> None:
    checked = "Qt::Unchecked" if shown.key in _HIDDEN else "Qt::Checked"
    SubElement(
        group, "layer-tree-layer", id=_id(shown), name=say(shown.title), checked=checked,
        expanded="0", providerKey="ogr", source=_source(shown, relative),
    )  # fmt: skip


def _id(shown: _Shown) -> str:
    # QGIS gives another identifier to a layer whose own has ten characters or fewer.
    return "territoire_" + shown.key.replace(" ", "_").replace("é", "e")


def _layer(parent: Element, shown: _Shown, relative: str, say: Say) -> None:
    label = LABELS.get(shown.layer.name) if shown.shape else None
    found = SubElement(
        parent, "maplayer", type="vector", geometry=shown.shape or "No geometry",
        labelsEnabled=str(int(label is not None)),
        readOnly=str(int(shown.layer.keeper is Keeper.RENFORT)),
    )  # fmt: skip
    SubElement(found, "id").text = _id(shown)
    SubElement(found, "datasource").text = _source(shown, relative)
    SubElement(found, "layername").text = say(shown.title)
    _reference(SubElement(found, "srs"), "EPSG:4326")
    SubElement(found, "provider", encoding="UTF-8").text = "ogr"
    if shown.shape is not None:
        renderer(found, shown.shape, shown.rules, say)
        if label is not None:
            labelling(found, shown.shape, label)
    form(found, shown.layer, say)


def _reference(parent: Element, authority: str) -> None:
    system = SubElement(parent, "spatialrefsys")
    SubElement(system, "srsid").text = "1"  # any: without one, the next line is not read
    SubElement(system, "authid").text = authority


def _canvas(root: Element, territory: Path) -> None:
    """Open where the cameras are; without any, where the streets are."""
    there = {str(name) for name, _ in pyogrio.list_layers(territory)}
    for name in ("cameras", "rues"):
        if name not in there or not BY_NAME[name].shape:
            continue
        bounds = pyogrio.read_info(territory, layer=name, force_total_bounds=True)["total_bounds"]
        if bounds is not None and all(math.isfinite(each) for each in bounds):
            break
    else:
        return
    west, south, east, north = bounds
    margin_m = 200.0
    corners = {
        "xmin": f"{_RADIUS_M * math.radians(west) - margin_m:.1f}",
        "ymin": f"{_mercator(south) - margin_m:.1f}",
        "xmax": f"{_RADIUS_M * math.radians(east) + margin_m:.1f}",
        "ymax": f"{_mercator(north) + margin_m:.1f}",
    }
    canvas = SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    SubElement(canvas, "units").text = "meters"
    extent = SubElement(canvas, "extent")
    for tag, value in corners.items():
        SubElement(extent, tag).text = value
    _reference(SubElement(canvas, "destinationsrs"), _PROJECTION)
    view = SubElement(SubElement(root, "ProjectViewSettings"), "DefaultViewExtent", corners)
    _reference(view, _PROJECTION)


def _mercator(lat: float) -> float:
    return _RADIUS_M * math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
