"""Symbols, rules and labels, in the words of QGIS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement

from hooks import Message

Say = Callable[[Message], str]
#: Kind of symbol for each geometry.
_KIND = {"Point": "marker", "LineString": "line", "Polygon": "fill"}
_EXPRESSION = "3"  # of QgsProperty


@dataclass(frozen=True, slots=True)
class Stroke:
    """One layer of a symbol: its class, its properties, those that an expression gives."""

    name: str
    properties: Mapping[str, str]
    expressions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    within: tuple[str, tuple[Stroke, ...]] | None = None  #: a symbol inside: its kind and layers


@dataclass(frozen=True, slots=True)
class Rule:
    """What is drawn how."""

    label: Message
    strokes: tuple[Stroke, ...]
    filter: str = ""
    nearest: int = 0  #: drawn only at scales larger than 1 : that; 0: at any
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class Label:
    """What is written beside."""

    expression: str
    nearest: int
    colour: str = "40,40,40,255"
    size: float = 8.0


#: Up and to the right, in millimetres: what is said of a point does not hide it.
BESIDE = "3.5,-3.5"


def marker(
    shape: str, colour: str, size: float, *, turned: str = "", outline: str = "", offset: str = ""
) -> Stroke:
    """Draw a point; `turned` is an expression in degrees, clockwise from north."""
    properties = {
        "name": shape, "color": colour, "size": str(size), "size_unit": "MM",
        "outline_color": outline or "255,255,255,255", "outline_width": "0.4",
        "offset": offset or "0,0", "offset_unit": "MM",
    }  # fmt: skip
    return Stroke("SimpleMarker", properties, {"angle": turned} if turned else {})


def sign(letter: str, colour: str, size: float, *, offset: str = "") -> Stroke:
    """Write a letter on a point."""
    properties = {
        "chr": letter, "color": colour, "size": str(size), "size_unit": "MM", "font": "Sans",
        "offset": offset or "0,0", "offset_unit": "MM",
    }  # fmt: skip
    return Stroke("FontMarker", properties)


def line(colour: str, width: float, dash: str = "solid") -> Stroke:
    """Draw a line."""
    properties = {
        "line_color": colour, "line_width": str(width), "line_width_unit": "MM",
        "line_style": dash, "capstyle": "round", "joinstyle": "round",
    }  # fmt: skip
    return Stroke("SimpleLine", properties)


def arrow(colour: str, *, back: bool = False) -> Stroke:
    """Put an arrow in the middle of a line."""
    head = marker("filled_arrowhead", colour, 2.2, outline=colour)
    head = Stroke(head.name, {**head.properties, "angle": "180" if back else "0"})
    properties = {"placement": "centralpoint", "placements": "CentralPoint", "rotate": "1"}
    return Stroke("MarkerLine", properties, within=("marker", (head,)))


def fill(colour: str, outline: str, width: float = 0.3, *, dash: str = "solid") -> Stroke:
    """Fill an area."""
    properties = {
        "color": colour, "style": "solid", "outline_color": outline, "outline_style": dash,
        "outline_width": str(width), "outline_width_unit": "MM",
    }  # fmt: skip
    return Stroke("SimpleFill", properties)


def hatched(colour: str, width: float = 0.4) -> Stroke:
    """Hatch an area."""
    properties = {
        "color": colour, "style": "b_diagonal", "outline_color": colour, "outline_style": "solid",
        "outline_width": str(width), "outline_width_unit": "MM",
    }  # fmt: skip
    return Stroke("SimpleFill", properties)


def drawn(expression: str, stroke: Stroke) -> Stroke:
    """Draw the area an expression makes of the feature."""
    properties = {"SymbolType": "Fill", "geometryModifier": expression, "units": "MapUnit"}
    return Stroke("GeometryGenerator", properties, within=("fill", (stroke,)))


# --- XML ---


def option_map(parent: Element, values: Mapping[str, str], kind: str = "QString") -> Element:
    """Write a map as QGIS keeps its settings."""
    found = SubElement(parent, "Option", type="Map")
    for name, value in values.items():
        SubElement(found, "Option", name=name, type=kind, value=value)
    return found


def renderer(parent: Element, shape: str, rules: Sequence[Rule], say: Say) -> None:
    """Write how a layer is drawn."""
    whole = SubElement(
        parent, "renderer-v2", type="RuleRenderer", symbollevels="0", forceraster="0"
    )
    written = SubElement(whole, "rules", key="{0}")
    symbols = SubElement(whole, "symbols")
    for number, rule in enumerate(rules):
        about = {"key": f"{{{number + 1}}}", "symbol": str(number), "label": say(rule.label)}
        if rule.filter:
            about["filter"] = rule.filter
        if rule.nearest:
            about["scalemaxdenom"] = str(rule.nearest)
        SubElement(written, "rule", about)
        _symbol(symbols, _KIND[shape], str(number), rule.strokes, rule.alpha)


def _symbol(
    parent: Element, kind: str, name: str, strokes: Sequence[Stroke], alpha: float = 1.0
) -> None:
    symbol = SubElement(
        parent, "symbol", type=kind, name=name, alpha=str(alpha), clip_to_extent="1", force_rhr="0"
    )
    for number, stroke in enumerate(strokes):
        layer = SubElement(
            symbol, "layer", {"class": stroke.name, "enabled": "1", "pass": "0", "locked": "0"}
        )
        option_map(layer, stroke.properties)
        for key, value in stroke.properties.items():
            SubElement(layer, "prop", k=key, v=value)  # read by QGIS before 3.22
        if stroke.expressions:
            _expressions(layer, stroke.expressions)
        if stroke.within is not None:
            _symbol(layer, stroke.within[0], f"@{name}@{number}", stroke.within[1])


def _expressions(parent: Element, expressions: Mapping[str, str]) -> None:
    whole = option_map(SubElement(parent, "data_defined_properties"), {"name": ""})
    each = SubElement(whole, "Option", name="properties", type="Map")
    for name, expression in expressions.items():
        one = SubElement(each, "Option", name=name, type="Map")
        SubElement(one, "Option", name="active", type="bool", value="true")
        SubElement(one, "Option", name="expression", type="QString", value=expression)
        SubElement(one, "Option", name="type", type="int", value=_EXPRESSION)
    SubElement(whole, "Option", name="type", type="QString", value="collection")


def labelling(parent: Element, shape: str, label: Label) -> None:
    """Write what is written beside the features."""
    settings = SubElement(SubElement(parent, "labeling", type="simple"), "settings")
    style = SubElement(
        settings, "text-style", fieldName=label.expression, isExpression="1", fontFamily="Sans",
        fontSize=str(label.size), fontSizeUnit="Point", textColor=label.colour, namedStyle="Book",
        fontWeight="50",
    )  # fmt: skip
    SubElement(
        style, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferSizeUnits="MM",
        bufferColor="255,255,255,230",
    )  # fmt: skip
    along = {"Point": "6", "LineString": "2", "Polygon": "1"}[shape]
    SubElement(settings, "placement", placement=along, dist="1.5", priority="5")
    SubElement(
        settings, "rendering", scaleVisibility="1", scaleMin="0", scaleMax=str(label.nearest),
        obstacle="1", drawLabels="1",
    )  # fmt: skip
