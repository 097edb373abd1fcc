"""The layers of a territory, column by column: what is written, drawn in QGIS, asked of a base.

`docs/sig/couches.md` says the same to those who keep them, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from hooks import Message


class Type(StrEnum):
    """What a column holds, by its pandas type; every cell may be empty."""

    TEXT = "str"
    WHOLE = "Int64"
    NUMBER = "float64"
    YES = "boolean"


class Keeper(StrEnum):
    """Who writes a layer."""

    STAFF = "staff"  #: drawn by hand: an import never touches it unasked
    DELIVERY = "delivery"  #: imported as a whole
    RENFORT = "renfort"  #: computed: nobody edits it


@dataclass(frozen=True, slots=True)
class Column:
    """One column, and how it is asked for in a form."""

    name: str
    title: Message
    type: Type = Type.TEXT
    choices: Mapping[str, Message] = field(default_factory=lambda: MappingProxyType({}))
    span: tuple[float, float] | None = None  #: least and most
    camera: bool = False  #: holds a camera's identifier
    moment: bool = False  #: holds a date and an hour, as text


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. `shape` is its OGC geometry type; Unknown: any; None: a table."""

    name: str
    title: Message
    shape: str | None
    keeper: Keeper
    columns: tuple[Column, ...] = ()


_CAMERA = Column("camera", Message(text="Camera"), camera=True)


def _yes(name: str, title: Message) -> Column:
    return Column(name, title, Type.YES)


def _number(name: str, title: Message, least: float, most: float) -> Column:
    return Column(name, title, Type.NUMBER, span=(least, most))


_KINDS = {
    "fixe": Message(text="fixed"),
    "tourelle": Message(text="pan, tilt and zoom"),
    "dome": Message(text="dome"),
}
_SENSES = {"1": Message(text="clockwise"), "-1": Message(text="anticlockwise")}
_TILTS = {"1": Message(text="upwards"), "-1": Message(text="downwards")}

#: In the order in which they are written.
LAYERS: tuple[Layer, ...] = (
    Layer(
        "cameras", Message(text="Cameras"), "Point", Keeper.STAFF,
        (
            Column("id", Message(text="Identifier")),
            Column("vms_id", Message(text="Identifier in the VMS")),
            Column("nom", Message(text="Name")),
            Column("type", Message(text="Kind"), choices=_KINDS),
            _number("azimut_deg", Message(text="Heading (°, 0 = true north, clockwise)"), 0, 360),
            _number("champ_deg", Message(text="Horizontal field (°)"), 1, 360),
            _number("hauteur_m", Message(text="Height above the ground (m)"), 0, 200),
            Column("largeur_px", Message(text="Width of the picture (pixels)"), Type.WHOLE,
                   span=(1, 100_000)),
            _number("portee_m", Message(text="Useful range (m)"), 1, 5000),
            Column("commune", Message(text="Commune (INSEE code)")),
            _yes("en_service", Message(text="In service")),
            Column("adresse_ip", Message(text="Network address")),
        ),
    ),
    Layer(
        "rues", Message(text="Streets"), "LineString", Keeper.DELIVERY,
        (
            Column("id", Message(text="Identifier"), Type.WHOLE),
            Column("nom", Message(text="Name")),
            Column("nature", Message(text="Nature")),
            Column("debut", Message(text="Junction at the start"), Type.WHOLE),
            Column("fin", Message(text="Junction at the end"), Type.WHOLE),
            _number("vitesse_kmh", Message(text="Speed (km/h; 0: no cars)"), 0, 150),
            _yes("voiture_direct", Message(text="Cars, as drawn")),
            _yes("voiture_inverse", Message(text="Cars, against the drawing")),
            _yes("velo_direct", Message(text="Bicycles, as drawn")),
            _yes("velo_inverse", Message(text="Bicycles, against the drawing")),
            _yes("pied", Message(text="On foot")),
            Column("source", Message(text="Source")),
        ),
    ),
    Layer(
        "interdictions", Message(text="Forbidden turns"), None, Keeper.DELIVERY,
        (
            Column("carrefour", Message(text="Junction"), Type.WHOLE),
            Column("rue_entree", Message(text="Coming by street"), Type.WHOLE),
            Column("rue_sortie", Message(text="Going by street"), Type.WHOLE),
            _yes("voiture", Message(text="Cars")),
            _yes("velo", Message(text="Bicycles")),
        ),
    ),
    Layer(
        "batiments", Message(text="Buildings"), "MultiPolygon", Keeper.DELIVERY,
        (_number("hauteur_m", Message(text="Height above the ground (m)"), 0, 400),),
    ),
    Layer("eau", Message(text="Water"), "MultiPolygon", Keeper.DELIVERY),
    Layer("verts", Message(text="Green areas"), "MultiPolygon", Keeper.DELIVERY),
    Layer(
        "fermetures", Message(text="Closures"), "Unknown", Keeper.STAFF,
        (
            Column("nom", Message(text="Name")),
            Column("rue", Message(text="Only the streets of this name")),
            Column("debut", Message(text="From (the town's time)"), moment=True),
            Column("fin", Message(text="Until (empty: until it is removed)"), moment=True),
            Column("moyens", Message(text="Closed to (voiture, velo, pied; empty: voiture)")),
        ),
    ),
    Layer(
        "masques", Message(text="Masks (CSI L251-3)"), "MultiPolygon", Keeper.STAFF,
        (_CAMERA, Column("motif", Message(text="Reason"))),
    ),
    Layer(
        "communes", Message(text="Communes"), "MultiPolygon", Keeper.STAFF,
        (Column("insee", Message(text="INSEE code")), Column("nom", Message(text="Name"))),
    ),
    Layer(
        "corrections", Message(text="Visible areas drawn by hand"), "MultiPolygon", Keeper.STAFF,
        (
            _CAMERA,
            Column("auteur", Message(text="Author")),
            Column("date", Message(text="Date"), moment=True),
        ),
    ),
    Layer(
        "calages", Message(text="Calibrations of turning cameras"), None, Keeper.STAFF,
        (
            _CAMERA,
            _number("pan_zero_deg", Message(text="True bearing at pan 0 (°)"), 0, 360),
            Column("pan_sens", Message(text="Pan grows"), Type.WHOLE, choices=_SENSES),
            _number("tilt_zero_deg", Message(text="Above the horizon at tilt 0 (°)"), -90, 90),
            Column("tilt_sens", Message(text="Tilt grows"), Type.WHOLE, choices=_TILTS),
            _number("ecart_deg", Message(text="The points agree within (°)"), 0, 180),
            Column("date", Message(text="Date"), moment=True),
        ),
    ),
    Layer(
        "prepositions", Message(text="Presets of turning cameras"), None, Keeper.STAFF,
        (
            _CAMERA,
            Column("nom", Message(text="Name in the VMS")),
            _number("azimut_deg", Message(text="Heading (°, 0 = true north, clockwise)"), 0, 360),
        ),
    ),
    Layer(
        "couvertures", Message(text="Visible areas"), "MultiPolygon", Keeper.RENFORT,
        (
            _CAMERA,
            Column("nom", Message(text="Name")),
            _number("portee_m", Message(text="Useful range (m)"), 0, 5000),
            _number("lon", Message(text="Longitude of the lens"), -180, 180),
            _number("lat", Message(text="Latitude of the lens"), -90, 90),
            _number("deplacee_m", Message(text="Moved to the facade by (m)"), 0, 1000),
            _yes("position_incertaine", Message(text="Uncertain position")),
            _yes("murs_ignores", Message(text="Walls left out")),
            _yes("corrigee", Message(text="Drawn by hand")),
            Column("empreinte", Message(text="Fingerprint")),
        ),
    ),
    Layer(
        "defauts", Message(text="Faults to mend"), "Point", Keeper.RENFORT,
        (
            Column("couche", Message(text="Layer")),
            Column("ligne", Message(text="Row"), Type.WHOLE),
            Column("champ", Message(text="Field")),
            Column("valeur", Message(text="Value")),
            Column("remede", Message(text="What to do")),
            _yes("ecartee", Message(text="The row is left out")),
        ),
    ),
    Layer(
        "lacunes", Message(text="Streets no camera shows"), "MultiLineString", Keeper.RENFORT,
        (
            Column("rue", Message(text="Street")),
            Column("classe", Message(text="Class that is missing")),
            _number("longueur_m", Message(text="Length (m)"), 0, 1e6),
        ),
    ),
)  # fmt: skip

BY_NAME: Mapping[str, Layer] = {layer.name: layer for layer in LAYERS}
