"""A camera that does not answer, as an adapter tells it, leaves the operator's tiles at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks import (
    Activation,
    ActivationId,
    CameraId,
    CameraState,
    DeviceId,
    FactId,
    Position,
    SourceKind,
)
from vms_plugin.adapters import Adapters
from vms_plugin.atlas import Atlas
from vms_plugin.engine import Engine
from vms_plugin.sane import plausible
from vms_plugin.settings import Settings
from vms_plugin.store import Store

NOW = datetime.now(UTC)
HERE = Position(lon=4.0853, lat=43.5606, accuracy_m=5, fixed_at=NOW)
LAYER = """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "geometry": {"type": "Point", "coordinates": [4.0853, 43.5607]},
  "properties": {"vms_id": "vms:1", "nom": "Gare", "type": "dome"}},
 {"type": "Feature", "geometry": {"type": "Point", "coordinates": [4.0853, 43.5608]},
  "properties": {"vms_id": "vms:2", "nom": "Port", "type": "dome"}}]}"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "cameras.geojson").write_text(LAYER, encoding="utf-8")
    return replace(Settings(), cameras=tmp_path / "cameras.geojson")


def state(*, alive: bool) -> CameraState:
    return CameraState(id=FactId("s"), at=NOW, camera=CameraId("vms:1"), alive=alive)


def press(kind: SourceKind = SourceKind.BODY_WORN) -> Activation:
    return Activation(
        id=FactId("a:1"), at=NOW, activation=ActivationId("a:1"), device=DeviceId("a:D"),
        position=HERE, kind=kind,
    )  # fmt: skip


async def shown(engine: Engine, *cameras: str) -> list[str]:
    """Wait until the one picture names these cameras; give what is said to be missing."""
    async with asyncio.timeout(5):
        while True:
            for picture in engine.pictures.values():
                if tuple(each.camera.name for each in picture.situation.sightings) == cameras:
                    return [engine.say.message(each) for each in picture.situation.missing]
            await asyncio.sleep(0.005)


async def test_a_camera_that_dies_during_an_incident_leaves_its_tile_and_comes_back(
    settings: Settings, tmp_path: Path
) -> None:
    store, atlas = Store(tmp_path / "renfort.db"), Atlas(settings)
    atlas.load()
    engine = Engine(settings, Adapters(), store, atlas)
    await engine.start()
    try:
        await engine.hear([press()], NOW)
        await shown(engine, "Gare", "Port")

        await engine.hear([state(alive=False)], NOW)
        said = await shown(engine, "Port")
        assert "Gare ne répond plus" in said

        await engine.hear([state(alive=True)], NOW)
        # Its place is taken: it comes back in the next one.
        assert "Gare ne répond plus" not in await shown(engine, "Port", "Gare")
    finally:
        await engine.stop()
        store.close()


def test_a_camera_dead_for_months_is_no_clock_that_is_wrong() -> None:
    old = replace(state(alive=False), at=NOW - timedelta(days=200))

    assert plausible(old, NOW) == (old, None)


async def test_nothing_is_said_of_cameras_for_a_source_that_may_not_be_correlated(
    settings: Settings, tmp_path: Path
) -> None:
    """L243-3: for a vehicle's camera nobody chooses among the town's cameras, dead ones neither."""
    store, atlas = Store(tmp_path / "renfort.db"), Atlas(settings)
    atlas.load()
    atlas.hear({CameraId("vms:1"): False})
    engine = Engine(settings, Adapters(), store, atlas)
    await engine.start()
    try:
        await engine.hear([press(SourceKind.VEHICLE)], NOW)

        assert not [each for each in await shown(engine) if "répond" in each]
    finally:
        await engine.stop()
        store.close()
