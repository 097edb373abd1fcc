"""The commands of GIS staff, as they type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from dispatch_gis.aim import Calibration, point
from dispatch_gis.territory_write import write_layer
from hooks import Position
from tests.gis.conftest import MADE
from vms_plugin.cli import main

PLACE = "0.0006,45.0000"


@pytest.fixture
def territory(tmp_path: Path) -> Path:
    (tmp_path / "made.osm").write_text(MADE, encoding="utf-8")
    table = "id;nom;type;azimut;hauteur;lon;lat\n1;Été;tourelle;NE;6;0,0002;44,9999\n"
    (tmp_path / "cameras.csv").write_bytes(table.encode("cp1252"))
    out = tmp_path / "t.gpkg"
    sources = [str(tmp_path / "made.osm"), str(tmp_path / "cameras.csv")]
    assert main(["layers", "import", *sources, "--out", str(out)]) == 0
    return out


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_what_was_imported_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "made.osm").write_text(MADE, encoding="utf-8")

    assert main(["layers", "import", str(tmp_path / "made.osm"), "--out",
                 str(tmp_path / "t.gpkg")]) == 0  # fmt: skip

    out = capsys.readouterr().out
    assert "made.osm: 5 rues" in out
    assert "renfort layers check" in out


def test_a_new_import_keeps_what_staff_drew(territory: Path, tmp_path: Path) -> None:
    home = shapely.box(0.0003, 45.0003, 0.0004, 45.0004)
    mask = geopandas.GeoDataFrame(
        [{"camera": "", "motif": "habitation"}], geometry=[home], crs=4326
    )
    write_layer(territory, "masques", mask)

    assert main(["layers", "import", str(tmp_path / "made.osm"), "--out", str(territory)]) == 0

    assert len(geopandas.read_file(territory, layer="masques")) == 1
    assert len(geopandas.read_file(territory, layer="cameras")) == 1


def test_faults_are_told_as_text_as_json_and_as_a_layer(
    territory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cameras = geopandas.read_file(territory, layer="cameras")
    cameras["type"] = "périscope"
    write_layer(territory, "cameras", cameras)
    capsys.readouterr()

    assert main(["layers", "check", str(territory)]) == 1
    assert "couche cameras, ligne 1, type" in capsys.readouterr().out
    assert main(["layers", "check", str(territory), "--json"]) == 1
    rows = said(capsys)

    assert {"layer", "row", "field", "value", "remedy", "dropped", "lonlat"} == set(rows[0])
    assert len(geopandas.read_file(territory, layer="defauts")) == len(rows)


def test_visible_areas_are_drawn_once_and_kept(
    territory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert main(["layers", "coverage", str(territory)]) == 0
    first = capsys.readouterr().out
    assert main(["layers", "coverage", str(territory)]) == 0

    assert "1 " in first
    assert first != capsys.readouterr().out
    [row] = geopandas.read_file(territory, layer="couvertures").itertuples()
    assert row.camera == "layer:1"


def test_gaps_are_a_figure_and_a_layer(territory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()

    assert main(["layers", "gaps", str(territory), "--class", "outline", "--json"]) == 0
    found = said(capsys)

    assert (found["class"], found["least_px_m"]) == ("outline", 40)
    assert 0 < found["seen_percent"] < 100
    lines = geopandas.read_file(territory, layer="lacunes")
    assert lines["longueur_m"].sum() == pytest.approx(found["streets_m"] - found["seen_m"], abs=15)


def test_a_preview_opens_without_the_internet(territory: Path) -> None:
    assert main(["layers", "preview", str(territory)]) == 0

    page = territory.with_suffix(".html").read_text(encoding="utf-8")
    assert "<title>Été</title>" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_picture_of_a_place_is_the_host_s(
    territory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crew = {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [0.0013, 45.0005]},
        "properties": {"id": "21", "name": "Brigade 21", "status": "disponible", "means": "car"},
    }  # fmt: skip
    (tmp_path / "crews.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [crew]})
    )
    capsys.readouterr()

    ask = ["situate", PLACE, "--layers", str(territory), "--crews", str(tmp_path / "crews.geojson"),
           "--accuracy", "5", "--json"]  # fmt: skip
    assert main(ask) == 0
    found = said(capsys)

    assert found["near"] == "Rue du Sud"
    assert [each["name"] for each in found["cameras"]] == ["Été"]
    assert [each["name"] for each in found["crews"]] == ["Brigade 21"]
    assert found["crews"][0]["byRoad"]
    assert main(ask[:-1]) == 0
    assert "Brigade 21" in capsys.readouterr().out


def test_a_camera_is_calibrated_from_points_centred_in_its_picture(
    territory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    eye = Position(lon=0.0002, lat=44.9999)
    mounted = Calibration(pan_zero_deg=40, pan_sense=-1, tilt_zero_deg=0, tilt_sense=1, error_deg=0)
    sights = []
    for lon, lat in ((0.0013, 45.0), (0.0, 45.0009), (0.0013, 45.0009)):
        aimed = point(eye, 6, mounted, Position(lon=lon, lat=lat))
        sights += ["--sight", f"{lon},{lat},{aimed.pan_deg},{aimed.tilt_deg},1.5"]
    capsys.readouterr()

    assert main(["layers", "calibrate", str(territory), "--camera", "1", *sights, "--json"]) == 0

    found = said(capsys)
    assert found["pan_zero_deg"] == pytest.approx(40, abs=0.1)
    assert (found["pan_sense"], found["tilt_sense"]) == (-1, 1)
    # It is kept in the territory, and serves at once.
    assert main(["situate", "0.0006,44.9998", "--layers", str(territory), "--json"]) == 0
    [seen] = said(capsys)["cameras"]
    wanted = point(eye, 6, mounted, Position(lon=0.0006, lat=44.9998))
    assert seen["pointing"]["pan_deg"] == pytest.approx(wanted.pan_deg, abs=0.2)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["layers", "check", "none.gpkg"], "none.gpkg"),
        (["situate", "ici", "--layers", "T"], "LON,LAT"),
        (["situate", "400,45", "--layers", "T"], "400,45"),
        (["layers", "gaps", "T", "--class", "parfait"], "overview"),
        (["layers", "calibrate", "T", "--camera", "9", "--sight", "0,45,0,0"], "9"),
        (["layers", "calibrate", "T", "--camera", "1", "--sight", "0,45"], "LON,LAT,PAN"),
        (["layers", "calibrate", "T", "--camera", "1", "--sight", "0,45,0,0"], "deux"),
        (["layers", "import", "none.csv", "--out", "T"], "none.csv"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_code_2(
    territory: Path, wrong: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(territory) if each == "T" else each for each in wrong]) == 2

    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
