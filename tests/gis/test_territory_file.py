"""The territory file: what is written is read again, and what is wrong is said with its row."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from dispatch_gis.aim import Calibration
from dispatch_gis.checks import check
from dispatch_gis.coverage import Surveyor
from dispatch_gis.layers import Fault, UnreadableLayerError
from dispatch_gis.plane import Plane
from dispatch_gis.schema import LAYERS
from dispatch_gis.territory_file import (
    FileSource,
    read_coverages,
    read_town,
)
from dispatch_gis.territory_rows import moment_of
from dispatch_gis.territory_write import (
    coverage_frame,
    renew_town,
    write_layer,
    write_town,
)
from dispatch_gis.town import Closure, Commune, Mask, Town
from hooks import Camera, CameraId, CameraKind, Means, Position

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime.now(UTC)
SQUARE = shapely.box(0.0002, 45.0002, 0.0004, 45.0004)
GATE = Camera(
    id=CameraId("milestone:6f2b"), name="Porte d'été", kind=CameraKind.PTZ, commune="34344",
    position=Position(lon=0.0002, lat=45.0004, source="layer"), heading_deg=12.5, fov_deg=60.0,
    height_m=6.5, width_px=3840, range_m=80.0, enabled=False, extra={"address": "10.1.2.3"},
)  # fmt: skip
BARE = Camera(
    id=CameraId("layer:7"), name="7", position=Position(lon=0.0003, lat=45.0005, source="layer")
)


@pytest.fixture
def town(made: Town) -> Town:
    return replace(
        made,
        heights=np.array([7.5]),
        cameras=(GATE, BARE),
        closures=(
            Closure(area=SQUARE, until=datetime(2026, 11, 23, 18, 30, tzinfo=UTC),
                    means=frozenset({Means.CAR, Means.BIKE})),
            Closure(street="Rue du Sud"),
        ),
        masks=(Mask(area=SQUARE, camera=BARE.id, reason="habitation"), Mask(area=SQUARE)),
        communes=(Commune(code="34344", name="La Grande-Motte", area=SQUARE),),
        corrections={GATE.id: SQUARE},
        calibrations={
            GATE.id: Calibration(pan_zero_deg=12.5, pan_sense=-1, tilt_zero_deg=-2.0, tilt_sense=1,
                                 error_deg=0.3),
        },
        presets={GATE.id: {"Quai": 270.0, "Gare": 15.0}, BARE.id: {"Parking": 0.0}},
    )  # fmt: skip


def read(path: Path) -> tuple[Town, list[Fault]]:
    return read_town(FileSource(path))


def plain(town: Town) -> list[Any]:
    """Give a town as something that compares."""
    return [
        town.streets, town.turns, [single(shape).wkb for shape in town.buildings],
        [None if math.isnan(height) else height for height in town.heights],
        [single(shape).wkb for shape in town.water], [single(shape).wkb for shape in town.green],
        town.cameras, town.closures, town.masks, town.communes, dict(town.corrections),
        dict(town.calibrations), dict(town.presets),
    ]  # fmt: skip


def single(shape: BaseGeometry) -> BaseGeometry:
    """Give the only part of a shape: a layer of multipolygons makes each polygon one."""
    return next(iter(shapely.get_parts(shape)), shape)


def test_a_town_that_is_written_is_read_again(town: Town, tmp_path: Path) -> None:
    write_town(town, tmp_path / "t.gpkg")

    again, faults = read(tmp_path / "t.gpkg")

    assert not faults
    assert plain(again) == plain(town)


def test_a_real_town_is_read_again(helsinki: Town, tmp_path: Path) -> None:
    write_town(replace(helsinki, cameras=()), tmp_path / "t.gpkg")

    again, faults = read(tmp_path / "t.gpkg")

    assert not faults
    assert len(again.turns) > 10
    assert plain(again) == plain(replace(helsinki, cameras=()))


def test_a_missing_layer_is_empty_and_a_missing_file_is_an_error(tmp_path: Path) -> None:
    write_layer(tmp_path / "t.gpkg", "masques", frame("masques", camera=[""]))

    town, faults = read(tmp_path / "t.gpkg")

    assert (town.streets, town.cameras, len(town.masks), faults) == ((), (), 1, [])
    with pytest.raises(UnreadableLayerError):
        FileSource(tmp_path / "none.gpkg")


def test_junk_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "t.gpkg").write_bytes(b"\0\1SQLite, or not")

    with pytest.raises(UnreadableLayerError):
        FileSource(tmp_path / "t.gpkg")


def test_visible_areas_are_kept_with_their_fingerprints(town: Town, tmp_path: Path) -> None:
    surveyor = Surveyor(town, Plane(0.0006, 45.0009))
    known = surveyor.coverages(town.cameras, {})
    write_town(town, tmp_path / "t.gpkg", coverages=list(known.values()))

    kept = read_coverages(FileSource(tmp_path / "t.gpkg"))
    again = surveyor.coverages(town.cameras, kept)

    assert again == kept
    assert all(again[name] is kept[name] for name in known)


def test_one_layer_is_replaced_and_the_others_stay(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "t.gpkg"
    write_town(town, path)
    coverages = Surveyor(town, Plane(0.0006, 45.0009)).coverages(town.cameras, {})

    for _ in range(2):
        write_layer(path, "couvertures", coverage_frame(list(coverages.values()), town.cameras))

    assert len(read_coverages(FileSource(path))) == 2
    assert plain(read(path)[0]) == plain(town)


def frame(kind: str, **columns: Any) -> geopandas.GeoDataFrame:
    count = len(next(iter(columns.values())))
    shapes: list[Any] = [shapely.Point(0, 45) if kind == "cameras" else SQUARE] * count
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs=4326)


@pytest.mark.parametrize(
    ("layer", "columns", "field", "dropped"),
    [
        ("batiments", {"hauteur_m": ["haut"]}, "hauteur_m", False),
        ("masques", {"camera": ["inconnue"]}, "camera", False),
        ("corrections", {"camera": ["inconnue"]}, "camera", True),
        ("calages", {"camera": ["inconnue"]}, "camera", True),
        ("prepositions", {"camera": ["inconnue"]}, "camera", True),
        ("communes", {"insee": [""]}, "insee", True),
        ("fermetures", {"fin": ["mardi"]}, "fin", False),
        ("fermetures", {"moyens": ["voiture, trottinette"]}, "moyens", False),
        ("rues", {"debut": [1], "fin": [2]}, "geometry", True),
    ],
)
def test_what_is_wrong_is_said_with_its_layer_and_row(
    tmp_path: Path, layer: str, columns: dict[str, Any], field: str, dropped: bool
) -> None:
    write_layer(tmp_path / "t.gpkg", layer, frame(layer, **columns))

    [fault] = read(tmp_path / "t.gpkg")[1]

    assert (fault.layer, fault.row, fault.field, fault.dropped) == (layer, 1, field, dropped)
    assert layer in str(fault.message)


def test_a_turn_between_streets_that_are_not_there_is_said(made: Town, tmp_path: Path) -> None:
    write_town(made, tmp_path / "t.gpkg")
    wrong = pd.DataFrame({"carrefour": [2], "rue_entree": [0], "rue_sortie": [999]})
    pyogrio.write_dataframe(wrong, tmp_path / "t.gpkg", layer="interdictions", driver="GPKG")

    town, [fault] = read(tmp_path / "t.gpkg")

    assert town.turns == ()
    assert fault.layer == "interdictions"


def test_a_mask_for_an_unknown_camera_hides_from_all(tmp_path: Path) -> None:
    write_layer(tmp_path / "t.gpkg", "masques", frame("masques", camera=["inconnue"]))

    assert read(tmp_path / "t.gpkg")[0].masks[0].camera is None


def test_a_closure_whose_end_cannot_be_read_holds(tmp_path: Path) -> None:
    write_layer(tmp_path / "t.gpkg", "fermetures", frame("fermetures", fin=["mardi"]))

    [closure] = read(tmp_path / "t.gpkg")[0].closures

    assert closure.active(datetime.now(UTC) + timedelta(days=3650))


@pytest.mark.parametrize(
    "written",
    ["2026-11-23 18:30", "2026-11-23T18:30:00", "23/11/2026 18:30", "23/11/2026 18h30",
     "2026-11-23T17:30:00+00:00", pd.Timestamp("2026-11-23 18:30", tz="UTC")],
)  # fmt: skip
def test_an_hour_is_the_town_s_own_unless_it_says_otherwise(written: object) -> None:
    assert moment_of(written, PARIS) == (datetime(2026, 11, 23, 18, 30, tzinfo=PARIS), True)


def test_any_declared_coordinate_system_comes_out_in_degrees(tmp_path: Path) -> None:
    lambert = frame("communes", insee=["34344"]).to_crs(2154)
    write_layer(tmp_path / "t.gpkg", "communes", lambert)

    [commune] = read(tmp_path / "t.gpkg")[0].communes

    assert shapely.equals_exact(commune.area.centroid, SQUARE.centroid, 1e-9)


@pytest.mark.parametrize(
    ("layer", "columns", "field"),
    [
        ("calages", {"pan_zero_deg": ["nord"], "pan_sens": [1], "tilt_sens": [1]}, "pan_zero_deg"),
        ("calages", {"pan_zero_deg": [1.0], "tilt_zero_deg": [0.0], "pan_sens": [2]},
         "pan_zero_deg"),
        ("prepositions", {"nom": ["Gare"], "azimut_deg": [400.0]}, "azimut_deg"),
        ("prepositions", {"nom": [""], "azimut_deg": [40.0]}, "nom"),
    ],
)  # fmt: skip
def test_how_a_camera_turns_is_kept_only_if_it_is_whole(
    tmp_path: Path, layer: str, columns: dict[str, Any], field: str
) -> None:
    write_town(Town(cameras=(GATE,)), tmp_path / "t.gpkg")
    table = pd.DataFrame({"camera": ["6f2b"], **columns})
    write_layer(tmp_path / "t.gpkg", layer, table)

    town, [fault] = read(tmp_path / "t.gpkg")

    assert (fault.layer, fault.field, fault.dropped) == (layer, field, True)
    assert not town.calibrations
    assert not town.presets


def test_staff_can_draw_in_a_layer_that_is_still_empty(tmp_path: Path) -> None:
    write_town(Town(), tmp_path / "t.gpkg")

    for layer in LAYERS:
        info = pyogrio.read_info(tmp_path / "t.gpkg", layer=layer.name)
        types = dict(zip(info["fields"].tolist(), info["ogr_types"], strict=True))
        wanted = {"str": "OFTString", "Int64": "OFTInteger64", "float64": "OFTReal",
                  "boolean": "OFTInteger"}  # fmt: skip
        assert types == {column.name: wanted[column.type] for column in layer.columns}
        assert info["geometry_type"] == layer.shape


def test_every_column_is_explained_to_those_who_keep_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sig" / "couches.md").read_text(encoding="utf-8")

    for layer in LAYERS:
        assert f"`{layer.name}`" in page
        for column in layer.columns:
            assert f"`{column.name}`" in page, f"{layer.name}.{column.name}"


def test_a_renewed_layer_keeps_what_only_staff_know(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "t.gpkg"
    write_town(town, path)
    cameras = geopandas.read_file(path, layer="cameras").assign(remarque=["mât penché", ""])
    cameras.loc[1, "id"] = "12"
    cameras.loc[1, "vms_id"] = "milestone:77"
    nowhere = cameras.iloc[[0]].assign(id="99", vms_id="", remarque="à placer")
    nowhere.geometry = [None]
    nameless = cameras.iloc[[0]].assign(id="", vms_id="", remarque="sans numéro")
    write_layer(path, "cameras", pd.concat([cameras, nowhere, nameless]))
    masks = geopandas.read_file(path, layer="masques").assign(auteur="DPO")
    write_layer(path, "masques", masks)

    again = read(path)[0]
    moved = replace(again.cameras[1], name="Quai", position=BARE.position)
    news = replace(BARE, id=CameraId("layer:8"), name="Neuve")
    renewed = replace(again, cameras=(again.cameras[0], moved, news))
    renew_town(renewed, path, layers={"cameras", "masques"}, cameras={moved.id, news.id})

    rows = geopandas.read_file(path, layer="cameras").set_index("id")
    assert rows.loc["12", "nom"] == "Quai"
    assert rows.loc["12", "vms_id"] == "milestone:77"
    assert rows.loc["99", "remarque"] == "à placer"
    assert rows.loc["8", "nom"] == "Neuve"
    assert rows.loc["4", "remarque"] == "sans numéro"
    assert len(rows) == 5
    assert set(geopandas.read_file(path, layer="masques")["auteur"]) == {"DPO"}
    assert read(path)[0].cameras[1] == moved


def test_other_layers_call_a_camera_as_the_town_does(tmp_path: Path) -> None:
    path = tmp_path / "t.gpkg"
    write_town(Town(cameras=(GATE,)), path)
    cameras = geopandas.read_file(path, layer="cameras").assign(id="12")
    write_layer(path, "cameras", cameras)
    write_layer(path, "masques", frame("masques", camera=["12"]))

    town, faults = read(path)

    assert not faults
    assert town.masks[0].camera == GATE.id


def test_of_two_corrections_the_last_holds_and_the_rows_stay_right(tmp_path: Path) -> None:
    path = tmp_path / "t.gpkg"
    write_town(Town(cameras=(GATE, BARE)), path)
    far = shapely.box(0.5, 45.5, 0.5004, 45.5004)
    rows = frame("corrections", camera=["6f2b", "7", "6f2b"])
    rows.geometry = [SQUARE, far, far]
    write_layer(path, "corrections", rows)

    town, [fault] = read(path)

    assert (fault.row, fault.dropped, fault.message.params["row"]) == (1, True, 1)
    assert "row 3" in str(fault.message)
    assert town.corrections[GATE.id].equals(far)
    told = {each.row for each in check(town, [fault], NOW) if each.layer == "corrections"}
    assert told == {1, 2, 3}  # both of the others are far from their cameras
