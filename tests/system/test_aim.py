"""A camera turned from the page: the host, the adapter, and XProtect that knows who holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.milestone import Milestone
from hooks import Camera, CameraId, PixelClass, Pointing, Sighting, Situation
from tests.adapters.milestone.conftest import Running, serving
from tests.adapters.milestone.showing import settings_of
from tests.host import test_aiming as aiming

pytestmark = pytest.mark.system


@pytest.fixture
def site() -> Iterator[Running]:
    with serving() as running:
        running.log_in()
        running.order("task", lasts_s=0)
        yield running


class Paper(aiming.Paper):
    """An atlas of one dome of the site, whose preset « Place » looks there."""

    def __init__(self, camera: str) -> None:
        self.dome = Camera(id=CameraId(f"milestone:{camera}"), name="Dôme")

    def cameras(self) -> tuple[Camera, ...]:
        return (self.dome,)

    def situate(self, *_: Any, **__: Any) -> Situation:
        seen = Sighting(
            camera=self.dome, distance_m=30, bearing_deg=10, density_px_m=90, must_turn=True,
            pixel_class=PixelClass.DISCERN, share=1, pointing=Pointing(preset="Place"),
        )  # fmt: skip
        return Situation(sightings=(seen,))


async def test_a_dome_is_turned_and_refused_when_an_operator_holds_it(
    tmp_path: Path, site: Running
) -> None:
    camera = next(each.id for each in site.simulator.site.cameras.values() if each.ptz)
    own = settings_of(site)
    async with aiming.running(
        tmp_path, Milestone, Paper(camera), name="milestone", settings=own
    ) as engine:
        await aiming.press(engine)
        turned = await aiming.answer_to(engine, f"milestone:{camera}")
        site.order("hold", id=camera, user="Mercier", priority=5000)
        held = await aiming.answer_to(engine, f"milestone:{camera}")
        said = engine.say.message(held.aim.how) if held.aim else ""

    assert turned.aim is not None
    assert turned.aim.done
    assert site.simulator.site.cameras[camera].aim == (0.35, -0.2, 0.3)
    assert held.aim is not None
    assert not held.aim.done
    assert "quelqu'un l'a en main" in said
    assert "Mercier" in said
