"""The town's files: a change is in force without restart, a faulty one takes nothing away."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import geopandas
import pytest
import shapely

from dispatch_gis.territory_write import write_layer, write_town
from dispatch_gis.town import Closure, Commune, Street, Town
from hooks import (
    Camera,
    CameraId,
    CameraKind,
    Crew,
    CrewId,
    CrewStatus,
    IncidentId,
    Means,
    Position,
    Situation,
)
from vms_plugin.atlas import Atlas
from vms_plugin.incident import Incident
from vms_plugin.settings import Settings

NOW = datetime.now(UTC)
HERE = Position(lon=0.0020, lat=45.0, accuracy_m=5, fixed_at=NOW)


def street(start: int, end: int, *lonlat: tuple[float, float], name: str = "") -> Street:
    return Street(
        start=start, end=end, lonlat=lonlat, kind="residential", name=name, car_kmh=30,
        car=(True, True), bike=(True, True), foot=True,
    )  # fmt: skip


def camera(identifier: str, lon: float = 0.0021, commune: str = "") -> Camera:
    return Camera(
        id=CameraId(identifier), name=identifier, kind=CameraKind.DOME, commune=commune,
        position=Position(lon=lon, lat=45.0001),
    )  # fmt: skip


TOWN = Town(
    streets=(
        street(1, 2, (0.0, 45.0), (0.003, 45.0), name="Rue Droite"),
        street(1, 3, (0.0, 45.0), (0.0, 45.004)),
        street(3, 4, (0.0, 45.004), (0.003, 45.004)),
        street(4, 2, (0.003, 45.004), (0.003, 45.0)),
    ),
    cameras=(camera("layer:1"), camera("layer:2", 0.0019)),
)
CREW = Crew(
    id=CrewId("c:1"), status=CrewStatus.FREE, means=Means.CAR,
    position=Position(lon=0.0, lat=45.0001, fixed_at=NOW),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_town(TOWN, tmp_path / "t.gpkg")
    return tmp_path / "t.gpkg"


def told(atlas: Atlas) -> Situation:
    return atlas.situate(Incident(id=INCIDENT), HERE, [CREW], NOW, None)


INCIDENT = IncidentId("a:1")


def loaded(path: Path, **settings: object) -> Atlas:
    atlas = Atlas(replace(Settings(layers=path), **settings))  # type: ignore[arg-type]
    atlas.load()
    return atlas


def touched(path: Path) -> None:
    """Make sure that a change within the same tick of the clock is one."""
    later = path.stat().st_mtime_ns + 10_000_000
    os.utime(path, ns=(later, later))


def closed(**columns: str) -> geopandas.GeoDataFrame:
    box = shapely.box(0.001, 44.9995, 0.0012, 45.0005)
    return geopandas.GeoDataFrame([columns], geometry=[box], crs=4326)


def test_a_territory_file_is_the_whole_town(path: Path) -> None:
    found = told(loaded(path))

    assert {sighting.camera.id for sighting in found.sightings} == {"layer:1", "layer:2"}
    assert found.reinforcements[0].by_road
    assert found.near == "Rue Droite"


def test_a_street_closed_in_qgis_is_closed_without_restart(path: Path) -> None:
    atlas = loaded(path)
    before = told(atlas).reinforcements[0].time_s

    write_layer(path, "fermetures", closed(fin=""))
    touched(path)

    assert atlas.refresh()
    assert told(atlas).reinforcements[0].time_s > 2 * before
    assert not atlas.refresh()


def test_a_change_that_is_still_in_sqlite_s_journal_is_seen(path: Path) -> None:
    atlas = loaded(path)
    editor = sqlite3.connect(path)
    for function in ("IsEmpty", "MinX", "MaxX", "MinY", "MaxY"):
        editor.create_function(f"ST_{function}", 1, lambda _: 0)  # the index is not what is tried
    editor.execute("PRAGMA journal_mode=WAL")
    atlas.refresh()

    editor.execute("UPDATE cameras SET nom = 'Gare' WHERE id = '1'")
    editor.commit()

    assert atlas.refresh()
    assert "Gare" in {each.name for each in atlas.cameras()}
    editor.close()


@pytest.mark.parametrize("spoilt", ["junk", "gone", "emptied"])
def test_a_file_that_became_faulty_takes_nothing_away_and_is_said(path: Path, spoilt: str) -> None:
    atlas = loaded(path)
    if spoilt == "junk":
        path.write_bytes(b"not a GeoPackage any more")
    elif spoilt == "gone":
        path.unlink()
    else:
        write_town(replace(TOWN, cameras=()), path)
        touched(path)

    assert atlas.refresh()

    assert len(told(atlas).sightings) == 2
    assert any("stays in force" in str(note) for note in atlas.notes())

    write_town(TOWN, path)
    touched(path)
    atlas.refresh()
    assert not atlas.notes()


def test_a_camera_layer_beside_openstreetmap_is_watched_too(tmp_path: Path) -> None:
    layer = tmp_path / "cameras.geojson"

    def write(*names: str) -> None:
        features = [
            {"type": "Feature", "properties": {"id": name},
             "geometry": {"type": "Point", "coordinates": [0.002, 45.0]}}
            for name in names
        ]  # fmt: skip
        layer.write_text(json.dumps({"type": "FeatureCollection", "features": features}))

    write("1")
    atlas = Atlas(Settings(cameras=layer))
    atlas.load()
    write("1", "2")

    assert atlas.refresh()
    assert {each.id for each in atlas.cameras()} == {"layer:1", "layer:2"}


def test_r253_3_cameras_of_another_commune_are_not_shown(tmp_path: Path) -> None:
    ours = Commune(code="34344", area=shapely.box(0.00205, 44.99, 0.01, 45.01))
    cameras = (camera("layer:1"), camera("layer:2", 0.0019, commune="34172"))
    nameless = camera("layer:3", 0.0018)
    write_town(replace(TOWN, cameras=(*cameras, nameless), communes=(ours,)), tmp_path / "t.gpkg")

    found = told(loaded(tmp_path / "t.gpkg", communes=frozenset({"34344"})))

    assert [sighting.camera.id for sighting in found.sightings] == ["layer:1"]
    assert "1 cameras are left out: their commune is not said" in [str(m) for m in found.missing]


def test_a_closure_in_the_territory_holds_until_its_end(tmp_path: Path) -> None:
    usual = told_of(tmp_path, TOWN)
    shut = Closure(area=closed().geometry.iloc[0], until=NOW.replace(year=NOW.year + 1))
    over = replace(shut, until=NOW.replace(year=NOW.year - 1))

    assert told_of(tmp_path, replace(TOWN, closures=(shut,))) > 2 * usual
    assert told_of(tmp_path, replace(TOWN, closures=(over,))) == usual


def told_of(tmp_path: Path, town: Town) -> float:
    write_town(town, tmp_path / "t.gpkg")
    return told(loaded(tmp_path / "t.gpkg")).reinforcements[0].time_s


def test_hours_are_those_of_the_town_s_own_zone(path: Path) -> None:
    """Noon in Réunion is eight in the morning, UTC; in Paris in winter, eleven."""
    write_layer(path, "fermetures", closed(fin="2026-11-23 12:00"))
    at = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

    def time_s(zone: str) -> float:
        atlas = loaded(path, timezone=ZoneInfo(zone))
        found = atlas.situate(Incident(id=INCIDENT), HERE, [CREW], at, None)
        return found.reinforcements[0].time_s

    assert time_s("Europe/Paris") > 2 * time_s("Indian/Reunion")
