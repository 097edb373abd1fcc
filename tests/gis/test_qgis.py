"""The project of a territory, opened by QGIS itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dispatch_gis.schema import LAYERS, Keeper
from dispatch_gis.territory_file import FileSource, read_town
from dispatch_gis.town import Town
from tests.gis.conftest import MADE
from vms_plugin.cli import main

PROBE = Path(__file__).with_name("qgis_probe.py")
pytestmark = [pytest.mark.qgis, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sig")
    (folder / "made.osm").write_text(MADE, encoding="utf-8")
    rows = (
        "1;Été;fixe;45;6;0,0002;44,9999\n2;Quai;tourelle;;6;0,0006;44,9999\n"
        "3;Gare;fixe;;;0,0009;44,9999\n"
    )
    (folder / "cameras.csv").write_text(
        "id;nom;type;azimut;hauteur;lon;lat\n" + rows, encoding="utf-8"
    )
    out = str(folder / "ville.gpkg")
    sources = [str(folder / "made.osm"), str(folder / "cameras.csv")]
    assert main(["layers", "import", *sources, "--out", out]) == 0
    assert main(["layers", "coverage", out]) == 0
    assert main(["layers", "check", out]) == 1
    return folder


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, Any]:
    """Move the folder, as a colleague's copy would be, and open its project."""
    moved = folder.rename(folder.with_name("copie du SIG"))
    done = subprocess.run(
        ["/usr/bin/python3", str(PROBE), "ville.qgs", "ville.png"],
        cwd=moved, capture_output=True, text=True, check=False, timeout=240,
        env={"QT_QPA_PLATFORM": "offscreen", "PATH": os.environ["PATH"],
             "HOME": str(moved), "XDG_RUNTIME_DIR": str(moved)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    found["said"] = done.stderr
    found["folder"] = moved
    return found


def test_qgis_opens_every_layer_wherever_the_folder_is(seen: dict[str, Any]) -> None:
    assert seen["read"]
    assert seen["said"].strip() == ""
    assert (seen["crs"], seen["ellipsoid"]) == ("EPSG:3857", "EPSG:7030")
    assert [name for name, layer in seen["layers"].items() if not layer["valid"]] == []
    assert {f"territoire_{layer.name}" for layer in LAYERS} <= set(seen["layers"])
    assert sorted(seen["shown"]) == sorted(seen["layers"])
    assert seen["layers"]["territoire_cameras"]["count"] == 3
    assert seen["layers"]["territoire_couvertures"]["count"] == 3


def test_it_speaks_french(seen: dict[str, Any]) -> None:
    cameras = seen["layers"]["territoire_cameras"]

    assert seen["groups"] == ["À tenir à jour", "Calculé par Renfort", "Livré"]
    assert cameras["title"] == "Caméras"
    assert cameras["aliases"]["azimut_deg"] == "Azimut (°, 0 = nord vrai, sens horaire)"
    assert cameras["rules"] == ["Fixe", "Tournante", "Azimut inconnu", "Hors service"]


def test_every_expression_is_one_qgis_understands(seen: dict[str, Any]) -> None:
    assert {name: layer["wrong"] for name, layer in seen["layers"].items() if layer["wrong"]} == {}
    assert seen["errors"] == []


def test_forms_offer_choices_and_what_is_computed_is_not_edited(seen: dict[str, Any]) -> None:
    layers = seen["layers"]

    assert layers["territoire_cameras"]["forms"]["type"] == "ValueMap"
    assert layers["territoire_cameras"]["forms"]["azimut_deg"] == "Range"
    assert layers["territoire_cameras"]["forms"]["en_service"] == "CheckBox"
    assert layers["territoire_masques"]["forms"]["camera"] == "ValueRelation"
    assert layers["territoire_fermetures"]["forms"]["fin"] == "DateTime"
    computed = {f"territoire_{each.name}" for each in LAYERS if each.keeper is Keeper.RENFORT}
    assert {name for name, layer in layers.items() if layer["read_only"]} == computed


def test_what_is_drawn_in_qgis_is_what_renfort_reads(seen: dict[str, Any]) -> None:
    assert seen["drawn"] == [[], [], []]

    town, faults = read_town(FileSource(seen["folder"] / "ville.gpkg"))

    assert not [fault for fault in faults if fault.layer in ("fermetures", "masques")]
    assert {closure.street for closure in town.closures} == {"", "Rue du Sud"}
    assert {closure.area.geom_type for closure in town.closures if closure.area} == {
        "Polygon", "LineString",
    }  # fmt: skip
    assert [mask.camera for mask in town.masks] == ["layer:1"]


def test_the_map_is_drawn(seen: dict[str, Any]) -> None:
    """A blank map has one colour; streets, areas, cameras and labels have hundreds."""
    assert seen["colours"] > 100


def test_a_project_staff_have_changed_is_left_alone(tmp_path: Path, made: Town) -> None:
    (tmp_path / "made.osm").write_text(MADE, encoding="utf-8")
    (tmp_path / "t.qgs").write_text("<qgis/>")

    main(["layers", "import", str(tmp_path / "made.osm"), "--out", str(tmp_path / "t.gpkg")])

    assert (tmp_path / "t.qgs").read_text() == "<qgis/>"
    assert main(["layers", "project", str(tmp_path / "t.gpkg")]) == 0
    assert "territoire_cameras" in (tmp_path / "t.qgs").read_text(encoding="utf-8")
