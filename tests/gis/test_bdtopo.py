"""BD TOPO: whole names or ten capitals, either direction of drawing, in any French system."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pytest
import shapely

from dispatch_gis.bdtopo import Roads, buildings, is_roads, is_turns, roads
from dispatch_gis.layers import Fault, UnreadableLayerError

#: La Grande-Motte in Lambert-93, as IGN gives it: with altitudes.
X, Y = 787700.0, 6274100.0
USUAL: dict[str, Any] = {
    "cleabs": "TRONROUT0000000000000001", "nature": "Route à 1 chaussée", "fictif": False,
    "etat_de_l_objet": "En service", "sens_de_circulation": "Double sens",
    "vitesse_moyenne_vl": 30, "acces_vehicule_leger": "Libre", "acces_pieton": None,
    "nom_collaboratif_gauche": "AV DU GOLF",
}  # fmt: skip
SHORT = {
    "cleabs": "ID", "nature": "NATURE", "fictif": "FICTIF", "etat_de_l_objet": "ETAT",
    "sens_de_circulation": "SENS", "vitesse_moyenne_vl": "VIT_MOY_VL",
    "acces_vehicule_leger": "ACCES_VL", "acces_pieton": "ACCES_PED",
    "nom_collaboratif_gauche": "NOM_COLL_G",
}  # fmt: skip


def line(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(X + x, Y + y, 2.5) for x, y in points])


def frame(*rows: dict[str, Any], shapes: list[Any] | None = None) -> geopandas.GeoDataFrame:
    drawn = shapes or [line((100.0 * n, 0), (100.0 * n + 100, 0)) for n in range(len(rows))]
    return geopandas.GeoDataFrame([{**USUAL, **row} for row in rows], geometry=drawn, crs=2154)


def read(*rows: dict[str, Any], **rest: Any) -> Roads:
    return roads(frame(*rows, **rest), None, [])


@pytest.mark.parametrize(
    ("sense", "car"),
    [("Double sens", (True, True)), ("Sens direct", (True, False)), ("Sens inverse", (False, True)),
     ("Sans objet", (True, True))],
)  # fmt: skip
def test_the_direction_counts_from_the_first_point_drawn(
    sense: str, car: tuple[bool, bool]
) -> None:
    [street] = read({"sens_de_circulation": sense}).streets

    assert street.car == car
    assert street.foot
    assert street.name == "AV DU GOLF"


@pytest.mark.parametrize("kmh", [0, 1, None, "n/a"])
def test_a_mean_speed_of_0_or_1_is_no_street_for_cars(kmh: Any) -> None:
    [street] = read({"vitesse_moyenne_vl": kmh}).streets

    assert (street.car_kmh, street.car, street.foot) == (0, (False, False), True)


@pytest.mark.parametrize(
    "gone", [{"etat_de_l_objet": "En projet"}, {"fictif": True}, {"etat_de_l_objet": "En ruine"}]
)
def test_what_is_not_in_service_is_no_street(gone: dict[str, Any]) -> None:
    assert read(gone).streets == ()


@pytest.mark.parametrize(
    ("given", "car", "bike", "foot"),
    [({"nature": "Escalier", "vitesse_moyenne_vl": 5}, False, False, True),
     ({"nature": "Piste cyclable"}, False, True, True),
     ({"nature": "Type autoroutier", "vitesse_moyenne_vl": 110}, True, False, False),
     ({"acces_vehicule_leger": "Physiquement impossible"}, False, True, True),
     ({"acces_pieton": "Physiquement impossible"}, True, True, False)],
)  # fmt: skip
def test_each_means_has_its_own_streets(
    given: dict[str, Any], car: bool, bike: bool, foot: bool
) -> None:
    [street] = read(given).streets

    assert (any(street.car), any(street.bike), street.foot) == (car, bike, foot)


def test_streets_meet_where_their_ends_do_to_a_centimetre() -> None:
    near = [line((0, 0), (100, 0)), line((100.004, 0.001), (100, 80)), line((100.5, 0), (200, 0))]

    one, two, three = read({}, {}, {}, shapes=near).streets

    assert one.end == two.start
    assert three.start not in (one.start, one.end, two.start, two.end)


def test_forbidden_turns_are_read_where_the_streets_meet() -> None:
    streets = frame(*({"cleabs": name} for name in "ABC"), shapes=[
        line((0, 0), (100, 0)), line((100, 0), (200, 0)), line((100, 0), (100, 90)),
    ])  # fmt: skip
    forbidden = pd.DataFrame(
        {"lien_vers_troncon_entree": ["A", "B"], "liens_vers_troncon_sortie": ["B/C", "Z"]}
    )

    found = roads(streets, forbidden, [])

    at = found.streets[0].end
    assert [(turn.at, turn.come, turn.go) for turn in found.turns] == [(at, 0, 1), (at, 0, 2)]
    assert all(turn.car for turn in found.turns)


def test_a_shapefile_s_ten_capitals_are_read(tmp_path: Path) -> None:
    short = frame({"sens_de_circulation": "Sens inverse"}).rename(columns=SHORT)
    short["FICTIF"] = "Non"
    short.to_file(tmp_path / "TRONCON_DE_ROUTE.shp", encoding="UTF-8")
    again = geopandas.read_file(tmp_path / "TRONCON_DE_ROUTE.shp")

    [street] = roads(again, None, []).streets

    assert is_roads(again)
    assert (street.car, street.car_kmh) == ((False, True), 30)
    assert street.lonlat[0] == pytest.approx((4.0851, 43.5605), abs=2e-4)


def test_a_street_of_several_pieces_is_several_streets() -> None:
    both = shapely.MultiLineString([line((0, 0), (9, 0)), line((50, 0), (60, 0))])

    assert len(read({}, shapes=[both]).streets) == 2


def test_a_street_without_a_line_is_said() -> None:
    faults: list[Fault] = []

    roads(frame({}, shapes=[shapely.Point(X, Y)]), None, faults)

    assert [(fault.row, fault.dropped) for fault in faults] == [(1, True)]


def test_streets_nobody_knows_where_are_refused() -> None:
    lost = frame({}).set_crs(None, allow_override=True)

    with pytest.raises(UnreadableLayerError, match="coordinate system"):
        roads(lost, None, [])


def test_buildings_have_their_height_where_it_was_measured() -> None:
    boxes = [shapely.box(X + n, Y, X + n + 5, Y + 5) for n in (0, 10, 20, 30)]
    given = geopandas.GeoDataFrame(
        {"hauteur": [7.5, None, 0.0, 9.0],
         "etat_de_l_objet": ["En service", "En service", None, "En projet"]},
        geometry=boxes, crs=2154,
    )  # fmt: skip

    shapes, heights = buildings(given)

    assert len(shapes) == 3
    assert [None if math.isnan(height) else height for height in heights] == [7.5, None, None]
    assert not is_roads(given)
    assert not is_turns(given)
