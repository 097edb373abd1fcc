"""Turning a camera: who may ask, what is never asked, and that the record has both halves."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import pytest
from shapely import box

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    Aim,
    Camera,
    CameraId,
    DeviceId,
    FactId,
    IncidentId,
    Message,
    PixelClass,
    Pointing,
    Position,
    Refused,
    Sighting,
    Situation,
    SourceKind,
    hookimpl,
)
from tests.host import paper
from vms_plugin import aiming
from vms_plugin.atlas import Atlas
from vms_plugin.engine import Engine, UnknownIncidentError
from vms_plugin.events import Event
from vms_plugin.incident import Aimed
from vms_plugin.settings import Settings

INCIDENT = IncidentId("axis:s1")
DOME = Camera(id=CameraId("vms:dome"), name="Dôme")
PLACE = Position(lon=4.08, lat=43.56, accuracy_m=6)
POINTING = Pointing(pan_deg=12.5, tilt_deg=-4.0, fov_deg=9.0, preset="Quai")


class Paper(paper.Paper):
    """An atlas of one camera, and of masks when told."""

    hides = False
    situation = Situation(
        sightings=(
            Sighting(
                camera=DOME, distance_m=30, bearing_deg=10, density_px_m=90,
                pixel_class=PixelClass.DISCERN, must_turn=True, share=1, pointing=POINTING,
            ),
        )
    )  # fmt: skip

    def cameras(self) -> tuple[Camera, ...]:
        return (DOME,)

    def masked(self, camera: CameraId, place: Position) -> bool:
        return self.hides


class Vms:
    """A VMS that turns cameras."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Position, Pointing | None]] = []

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="vms", brand="Fake", contract=1)

    @hookimpl
    def aim(self, camera: CameraId, target: Position, pointing: Pointing | None) -> Any:
        self.asked.append((camera, target, pointing))
        return self.answer(camera)

    def answer(self, camera: CameraId) -> Any:
        return Aim(camera=camera, done=True, how=Message(text="it turns"))


def running(
    path: Path,
    vms: object,
    atlas: Paper | None = None,
    name: str = "vms",
    settings: dict[str, Any] | None = None,
) -> AbstractAsyncContextManager[Engine]:
    return paper.running(path, {name: vms}, {name: settings or {}}, paper=atlas or Paper())


async def press(engine: Engine, **changes: Any) -> None:
    fact = Activation(
        id=FactId("axis:s1:start"), at=datetime.now(UTC), position=PLACE,
        activation=ActivationId(INCIDENT), device=DeviceId("axis:D"),
    )  # fmt: skip
    await engine.hear([replace(fact, **changes)], datetime.now(UTC))
    async with asyncio.timeout(5):
        while INCIDENT not in engine.pictures:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def answer_to(engine: Engine, camera: str = DOME.id) -> Event:
    queue = engine.subscribe()
    await engine.aim(INCIDENT, CameraId(camera), "durand")
    async with asyncio.timeout(5):
        while (event := await queue.get()).kind != "aimed":
            pass
    return event


async def test_a_camera_is_turned_by_its_own_vms_as_the_geography_says(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms) as engine:
        await press(engine)
        event = await answer_to(engine)

    [(camera, target, pointing)] = vms.asked
    assert (camera, pointing) == (DOME.id, POINTING)
    assert (target.lon, target.lat) == (4.08, 43.56)
    assert event.aim == Aim(camera=DOME.id, done=True, how=Message(text="it turns"))


async def test_who_turned_what_and_what_it_answered_is_in_the_journal(tmp_path: Path) -> None:
    async with running(tmp_path, Vms()) as engine:
        await press(engine)
        await answer_to(engine)
        facts = [f for f in await engine.store.facts_of(INCIDENT) if isinstance(f, Aimed)]

    assert [(f.by, f.camera, f.done, str(f.how or "")) for f in facts] == [
        ("durand", DOME.id, None, ""),
        ("durand", DOME.id, True, "it turns"),
    ]


async def test_it_is_on_record_before_anything_moves(tmp_path: Path) -> None:
    recorded: list[int] = []

    class Late(Vms):
        def answer(self, camera: CameraId) -> Aim:
            loop = asyncio.run_coroutine_threadsafe(store.facts_of(INCIDENT), home)
            recorded.append(sum(isinstance(fact, Aimed) for fact in loop.result(5)))
            return Aim(camera=camera, done=True, how=Message(text="it turns"))

    home = asyncio.get_running_loop()
    async with running(tmp_path, Late()) as engine:
        store = engine.store
        await press(engine)
        await answer_to(engine)

    assert recorded == [1]


async def test_l251_3_no_turn_is_asked_towards_a_mask(tmp_path: Path) -> None:
    vms, paper = Vms(), Paper()
    paper.hides = True
    async with running(tmp_path, vms, paper) as engine:
        await press(engine)
        event = await answer_to(engine)

    assert vms.asked == []
    assert event.aim is not None
    assert "L251-3" in str(event.aim.how)


@pytest.mark.parametrize("kind", [SourceKind.VEHICLE, SourceKind.DRONE])
async def test_l243_3_no_camera_is_turned_for_a_vehicle_or_a_drone(
    tmp_path: Path, kind: SourceKind
) -> None:
    vms = Vms()
    async with running(tmp_path, vms) as engine:
        await press(engine, kind=kind)
        event = await answer_to(engine)

    assert vms.asked == []
    assert event.aim is not None
    assert "L243-3" in str(event.aim.how)


@pytest.mark.parametrize(
    ("camera", "position", "said"),
    [
        ("vms:other", PLACE, aiming.UNKNOWN),
        (DOME.id, None, aiming.NO_PLACE),
    ],
)
async def test_what_cannot_be_aimed_at_is_said_and_not_asked(
    tmp_path: Path, camera: str, position: Position | None, said: Message
) -> None:
    vms = Vms()
    async with running(tmp_path, vms) as engine:
        await press(engine, position=position)
        event = await answer_to(engine, camera)

    assert vms.asked == []
    assert event.aim is not None
    assert (event.aim.done, event.aim.how) == (False, said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Refused("an operator holds {camera}", camera="Dôme"), "an operator holds Dôme"),
        (ValueError("broken"), "aim failed: the host's log says why"),
        (None, "nothing installed can turn this camera"),
        ("yes", "aim answered str instead of Aim"),
    ],
)
async def test_whatever_goes_wrong_is_an_answer_in_words(
    tmp_path: Path, answer: object, said: str
) -> None:
    class Odd(Vms):
        def answer(self, camera: CameraId) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    async with running(tmp_path, Odd()) as engine:
        await press(engine)
        event = await answer_to(engine)

    assert event.aim is not None
    assert (event.aim.done, str(event.aim.how)) == (False, said)
    # Told to whoever asked: the link is not said to fail until the next camera is turned.
    assert not engine.adapters["vms"].failures


async def test_a_vms_that_hangs_is_said_and_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiming, "AIM_S", 0.1)

    class Hung(Vms):
        def answer(self, camera: CameraId) -> None:
            time.sleep(1)

    async with running(tmp_path, Hung()) as engine:
        await press(engine)
        event = await answer_to(engine)

    assert event.aim is not None
    assert str(event.aim.how) == "no answer to aim within 0.1 s"


async def test_nothing_is_turned_for_an_incident_that_is_closed(tmp_path: Path) -> None:
    vms = Vms()
    async with running(tmp_path, vms) as engine:
        await press(engine)
        await engine.close(INCIDENT, "durand", "Résolu")
        with pytest.raises(UnknownIncidentError):
            await engine.aim(INCIDENT, DOME.id, "durand")

    assert vms.asked == []


def test_a_mask_of_the_layer_hides_its_place_from_its_camera_alone(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    masks = geopandas.GeoDataFrame(
        {"camera": ["dome"], "motif": ["fenêtres"]},
        geometry=[box(4.0795, 43.5595, 4.0805, 43.5605)], crs=4326,
    )  # fmt: skip
    cameras = geopandas.GeoDataFrame(
        {"id": ["dome", "mast"], "name": ["Dôme", "Mât"]},
        geometry=geopandas.points_from_xy([4.081, 4.082], [43.561, 43.561]), crs=4326,
    )  # fmt: skip
    cameras.to_file(path, layer="cameras", driver="GPKG")
    masks.to_file(path, layer="masques", driver="GPKG")
    atlas = Atlas(Settings(layers=path))
    atlas.load()

    assert atlas.masked(CameraId("layer:dome"), PLACE)
    assert not atlas.masked(CameraId("layer:mast"), PLACE)
    assert not atlas.masked(CameraId("layer:dome"), Position(lon=4.09, lat=43.56))
