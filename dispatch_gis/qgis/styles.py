"""How each layer of a territory is drawn: what is doubtful or faulty shows first."""

from __future__ import annotations

from collections.abc import Mapping

from dispatch_gis.qgis.symbols import (
    BESIDE,
    Label,
    Rule,
    arrow,
    drawn,
    fill,
    hatched,
    line,
    marker,
    sign,
)
from hooks import Message

# Colour-blind safe (Okabe and Ito), as on the operator's page.
BLUE, ORANGE, RED, PURPLE = "0,114,178,255", "230,159,0,255", "213,94,0,255", "170,51,119,255"
GREY, DARK, NONE = "130,130,130,255", "40,40,40,255", "255,255,255,0"

_IN_SERVICE = 'coalesce("en_service", true)'
_TURNS = "coalesce(\"type\", '') IN ('tourelle', 'dome', 'ptz')"
# Bearings are true ones: north is up in the projection the map is drawn in, which keeps angles, and
# whose metres grow with latitude.
_FIELD_OF_VIEW = (
    "transform(wedge_buffer(transform($geometry, 'EPSG:4326', 'EPSG:3857'), \"azimut_deg\", "
    'coalesce("champ_deg", 60), coalesce("portee_m", 40) / cos(radians(y($geometry)))), '
    "'EPSG:3857', 'EPSG:4326')"
)
_OVER = "coalesce(to_datetime(left(replace(\"fin\", 'T', ' '), 16), 'yyyy-MM-dd HH:mm') < now(), "
_OVER += "false)"
_IN_FORCE = f"NOT {_OVER}"

_CLOSED, _NO_MORE = Message(text="Closed"), Message(text="No longer closed")

#: Layer → how it is drawn, first what must be seen.
RULES: Mapping[str, tuple[Rule, ...]] = {
    "cameras": (
        Rule(
            Message(text="Fixed"),
            (
                drawn(_FIELD_OF_VIEW, fill("0,114,178,60", BLUE, 0.2)),
                marker("filled_arrowhead", BLUE, 4, turned='"azimut_deg" - 90'),
                marker("circle", BLUE, 2.2),
            ),
            f'{_IN_SERVICE} AND NOT {_TURNS} AND "azimut_deg" IS NOT NULL',
        ),
        Rule(
            Message(text="Turns"),
            (marker("circle", NONE, 5, outline=BLUE), marker("circle", BLUE, 2.2)),
            f"{_IN_SERVICE} AND {_TURNS}",
        ),
        Rule(
            Message(text="Heading unknown"),
            (marker("circle", ORANGE, 4.5), sign("?", DARK, 3.5)),
            f'{_IN_SERVICE} AND NOT {_TURNS} AND "azimut_deg" IS NULL',
        ),
        Rule(
            Message(text="Out of service"),
            (marker("cross2", GREY, 3.5, outline=GREY),),
            f"NOT {_IN_SERVICE}",
        ),
    ),
    "fermetures": (
        Rule(_CLOSED, (hatched(RED),), _IN_FORCE),
        Rule(_NO_MORE, (hatched(GREY, 0.2),), _OVER),
    ),
    "masques": (Rule(Message(text="Must not be shown"), (hatched(DARK),)),),
    "corrections": (
        Rule(Message(text="Drawn by hand"), (fill("170,51,119,40", PURPLE, 0.5),)),
    ),
    "communes": (Rule(Message(text="Commune"), (fill(NONE, PURPLE, 0.6, dash="dash dot"),)),),
    "defauts": (
        Rule(
            Message(text="The row is left out"),
            (
                marker("triangle", RED, 5, offset=BESIDE),
                sign("!", "255,255,255,255", 3, offset=BESIDE),
            ),
            '"ecartee"',
        ),
        Rule(
            Message(text="To mend"),
            (
                marker("triangle", ORANGE, 4.5, offset=BESIDE),
                sign("!", DARK, 3, offset=BESIDE),
            ),
            'NOT coalesce("ecartee", false)',
        ),
    ),
    "lacunes": (Rule(Message(text="No camera shows it"), (line(RED, 1.2),), alpha=0.7),),
    "couvertures": (
        Rule(
            Message(text="Walls left out: check place and heading"),
            (fill("213,94,0,50", RED, 0.4, dash="dash"),), '"murs_ignores"',
        ),
        Rule(
            Message(text="Uncertain position"), (fill("230,159,0,45", ORANGE, 0.3, dash="dash"),),
            '"position_incertaine" AND NOT coalesce("murs_ignores", false)',
        ),
        Rule(
            Message(text="Visible area"), (fill("0,114,178,35", "0,114,178,140", 0.2),),
            'NOT coalesce("position_incertaine", false) AND NOT coalesce("murs_ignores", false)',
        ),
    ),
    "rues": (
        Rule(
            Message(text="Cars"), (line("150,150,150,255", 1.1), line("255,255,255,255", 0.8)),
            '"vitesse_kmh" > 0',
        ),
        Rule(
            Message(text="No cars"), (line("170,160,150,255", 0.3, "dash"),),
            'coalesce("vitesse_kmh", 0) = 0',
        ),
        Rule(
            Message(text="One way"), (arrow(GREY),),
            '"vitesse_kmh" > 0 AND "voiture_direct" AND NOT "voiture_inverse"', nearest=5000,
        ),
        Rule(
            Message(text="One way, against the drawing"), (arrow(GREY, back=True),),
            '"vitesse_kmh" > 0 AND "voiture_inverse" AND NOT "voiture_direct"', nearest=5000,
        ),
    ),
    "batiments": (
        Rule(
            Message(text="Height known"), (fill("205,194,180,255", "170,158,143,255", 0.1),),
            '"hauteur_m" IS NOT NULL',
        ),
        Rule(
            Message(text="Height unknown: hides everything"),
            (fill("222,214,204,255", "190,180,168,255", 0.1),), '"hauteur_m" IS NULL',
        ),
    ),
    "eau": (Rule(Message(text="Water"), (fill("170,211,223,255", NONE),)),),
    "verts": (Rule(Message(text="Green areas"), (fill("214,232,205,255", NONE),)),),
}  # fmt: skip

#: Closures can also be drawn as a line along the street.
STREETS_CLOSED = (
    Rule(_CLOSED, (line(RED, 1.4, "dash"),), _IN_FORCE),
    Rule(_NO_MORE, (line(GREY, 0.8, "dash"),), _OVER),
)

LABELS: Mapping[str, Label] = {
    "cameras": Label('coalesce("nom", "id")', 4000),
    "communes": Label('"nom"', 200_000, PURPLE, 10),
    "defauts": Label('"champ" || \' : \' || "remede"', 1000, RED),
    "fermetures": Label("\"nom\" || coalesce(' → ' || nullif(\"fin\", ''), '')", 10_000, RED),
    "rues": Label('"nom"', 5000, "90,90,90,255", 7),
}
