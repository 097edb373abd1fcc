"""What is wrong in a territory is said once, by its row, with what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from dispatch_gis.checks import as_frame, check
from dispatch_gis.layers import Fault
from dispatch_gis.territory_write import write_layer
from dispatch_gis.town import Closure, Commune, Mask, Town, geometries
from hooks import Camera, CameraId, CameraKind, Message, Position

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
SQUARE = shapely.box(0.0002, 45.0002, 0.0004, 45.0004)
BOW_TIE = shapely.Polygon([(0, 45), (0.001, 45.001), (0.001, 45), (0, 45.001)])


def camera(lon: float = 0.0006, lat: float = 45.0006, **known: Any) -> Camera:
    usual: dict[str, Any] = {"id": CameraId("layer:1"), "name": "Gare", "kind": CameraKind.DOME}
    return Camera(position=Position(lon=lon, lat=lat), **{**usual, **known})


def empty(made: Town) -> Town:
    return replace(made, cameras=(), buildings=geometries([]), heights=np.empty(0))


def said(made: Town, **changed: Any) -> list[tuple[str, str, str]]:
    bare = empty(made)
    before = {str(fault.remedy) for fault in check(bare, [], NOW)}
    faults = check(replace(bare, **changed), [], NOW)
    found = [(each.layer, each.field, str(each.remedy)) for each in faults]
    return [each for each in found if each[2] not in before]


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"cameras": (camera(kind=CameraKind.FIXED),)}, "cameras", "azimut_deg", "which way"),
    ({"cameras": (camera(height_m=80.0),)}, "cameras", "hauteur_m", "2 to 60"),
    ({"cameras": (camera(), camera(id=CameraId("layer:2")))}, "cameras", "geometry", "twice"),
    ({"cameras": (camera(0.0003, 45.0003),), "buildings": geometries([SQUARE]),
      "heights": np.array([9.0])}, "cameras", "geometry", "inside a building"),
    ({"cameras": (camera(0.0003, 45.000199, kind=CameraKind.FIXED, heading_deg=0.0, fov_deg=30.0),),
      "buildings": geometries([SQUARE]), "heights": np.array([9.0])},
     "cameras", "geometry", "before a wall"),
    ({"cameras": (camera(),), "masks": (Mask(area=shapely.box(-1, 44, 1, 46)),)},
     "cameras", "geometry", "masked"),
    ({"cameras": (camera(),), "communes": (Commune(code="1", area=SQUARE),)},
     "cameras", "commune", "outside every commune"),
    ({"cameras": (camera(0.0003, 45.0003, commune="2"),),
      "communes": (Commune(code="1", area=SQUARE),)}, "cameras", "commune", "in commune 1"),
    ({"cameras": (camera(),), "corrections": {CameraId("layer:1"): shapely.box(1, 45, 1.1, 45.1)}},
     "corrections", "camera", "from its camera"),
    ({"closures": (Closure(area=SQUARE, until=NOW - timedelta(hours=1)),)},
     "fermetures", "fin", "over"),
    ({"closures": (Closure(area=SQUARE, since=NOW, until=NOW),)}, "fermetures", "fin", "never"),
    ({"closures": (Closure(street="Rue d'Ailleurs"),)}, "fermetures", "rue", "no street"),
    ({"masks": (Mask(area=BOW_TIE),)}, "masques", "geometry", "crosses itself"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "layer", "field", "remedy"), CASES)
def test_each_fault_is_said_by_layer_and_field_with_its_remedy(
    made: Town, changed: dict[str, Any], layer: str, field: str, remedy: str
) -> None:
    found = said(made, **changed)

    assert [each[:2] for each in found] == [(layer, field)]
    assert remedy in found[0][2]


def test_a_good_territory_has_no_fault_but_its_stubs(made: Town) -> None:
    found = check(replace(empty(made), cameras=(camera(heading_deg=10.0),)), [], NOW)

    assert {each.layer for each in found} <= {"rues"}


def test_without_streets_it_is_said_once() -> None:
    assert [str(each.remedy) for each in check(Town(), [], NOW)] == [
        "no street: times will be as the crow flies"
    ]


def test_what_was_found_on_reading_is_not_forgotten_and_keeps_its_row(made: Town) -> None:
    lost = Fault(1, "geometry", None, Message(text="place the point"), dropped=True)
    nameless = replace(made, cameras=(camera(kind=CameraKind.FIXED),))

    found = check(nameless, [lost], NOW)

    assert lost in found
    assert [each.row for each in found if each.field == "azimut_deg"] == [2]


def test_faults_are_a_layer_of_points_for_qgis(made: Town, tmp_path: Path) -> None:
    faults = check(replace(made, cameras=(camera(kind=CameraKind.FIXED),)), [], NOW)

    frame = as_frame(faults, [str(each.remedy) for each in faults])
    write_layer(tmp_path / "t.gpkg", "defauts", frame)

    assert set(frame.columns) == {
        "couche", "ligne", "champ", "valeur", "remede", "ecartee", "geometry",
    }  # fmt: skip
    assert frame[frame["champ"] == "azimut_deg"].geometry.iloc[0].x == 0.0006
