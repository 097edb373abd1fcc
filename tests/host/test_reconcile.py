"""`renfort layers reconcile` and `renfort doctor --discover`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooks import CONTRACT, AdapterInfo, Camera, CameraId, Position, Unreachable, hookimpl
from vms_plugin import doctor, reconciling
from vms_plugin.adapters import Adapters
from vms_plugin.cli import main

ROWS = [
    {"id": "1", "vms_id": "vms:1", "nom": "Gare", "azimut": "90"},
    {"id": "2", "nom": "Port", "adresse_ip": "10.0.0.2"},
    {"id": "3", "nom": "Halles"},
]
THERE = [
    Camera(id=CameraId("vms:1"), name="Gare", heading_deg=270.0,
           position=Position(lon=4.0853, lat=43.5606)),
    Camera(id=CameraId("vms:2"), name="Port", extra={"address": "http://10.0.0.2/"}),
    Camera(id=CameraId("vms:4"), name="Mairie"),
]  # fmt: skip


class Vms:
    """A VMS that knows cameras, and takes the places of all but one."""

    placed: list[Camera]
    silent = False

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="vms", brand="VMS", contract=CONTRACT)

    @hookimpl
    def list_cameras(self) -> list[Camera]:
        if self.silent:
            raise Unreachable("{host} does not answer", host="vms.example.org")
        return THERE

    @hookimpl
    def place_cameras(self, cameras: tuple[Camera, ...]) -> tuple[CameraId, ...]:
        type(self).placed = list(cameras)
        return tuple(each.id for each in cameras if each.id != "vms:2")

    @hookimpl
    def discover(self) -> dict[str, str]:
        return {"cameras.json": "[]", "../sneaky.json": "{}"}


@pytest.fixture
def vms() -> type[Vms]:
    return type("Fresh", (Vms,), {"placed": []})


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vms: type[Vms]) -> Path:
    """A territory of three cameras, a configuration, and one VMS installed."""
    features = [
        {"type": "Feature", "properties": row,
         "geometry": {"type": "Point", "coordinates": [4.0853 + 0.001 * number, 43.5606]}}
        for number, row in enumerate(ROWS)
    ]  # fmt: skip
    (tmp_path / "c.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8"
    )
    out = tmp_path / "t.gpkg"
    assert main(["layers", "import", str(tmp_path / "c.geojson"), "--out", str(out)]) == 0
    (tmp_path / "renfort.toml").write_text("", encoding="utf-8")

    def installed(_: Any) -> Adapters:
        adapters = Adapters()
        adapters.load({"vms": vms}, {})
        return adapters

    for module in (reconciling, doctor):
        monkeypatch.setattr(module.Adapters, "installed", installed)
    return out


def run(town: Path, *more: str) -> int:
    config = str(town.parent / "renfort.toml")
    return main(["layers", "reconcile", str(town), "--config", config, *more])


def test_what_differs_is_told_in_french(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()

    assert run(town) == 1

    said = capsys.readouterr().out
    assert "azimut 90° dans la couche, 270° dans le VMS" in said
    assert "même adresse réseau" in said
    assert "vms_id = vms:2" in said
    assert "Halles [layer:3] n’est que dans la couche" in said
    assert "Mairie [vms:4] n’est que dans le VMS" in said


def test_a_program_reads_the_same(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()

    run(town, "--json")

    found = json.loads(capsys.readouterr().out)
    assert [(each["vms"], each["how"]) for each in found["pairs"]] == [
        ("vms:1", "id"), ("vms:2", "address")
    ]  # fmt: skip
    assert [each["id"] for each in found["vms_only"]] == ["vms:4"]


def test_nothing_is_written_unless_asked_and_what_is_refused_is_counted(
    town: Path, capsys: pytest.CaptureFixture[str], vms: type[Vms]
) -> None:
    run(town)
    assert vms.placed == []
    capsys.readouterr()

    assert run(town, "--write-xprotect") == 1

    assert [each.id for each in vms.placed] == ["vms:1", "vms:2"]
    assert vms.placed[0].heading_deg == 90.0
    assert "1 caméras sur 2" in capsys.readouterr().err


def test_a_vms_that_does_not_answer_is_no_empty_vms(
    town: Path, capsys: pytest.CaptureFixture[str], vms: type[Vms]
) -> None:
    vms.silent = True
    capsys.readouterr()

    assert run(town) == 2

    told = capsys.readouterr()
    assert "ne répond pas" in told.err
    assert "n’est que dans la couche" not in told.out


def test_what_is_discovered_is_written_under_the_adapters_name_and_nowhere_else(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = town.parent / "found"
    config = str(town.parent / "renfort.toml")

    main(["doctor", "--config", config, "--discover", str(folder)])

    written = sorted(str(each.relative_to(folder)) for each in folder.rglob("*.json"))
    assert written == ["vms/cameras.json", "vms/sneaky.json"]
    assert "2 fichiers écrits" in capsys.readouterr().out
