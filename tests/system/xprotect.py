"""A room whole but for its page, and a simulated XProtect whose clock is turned by hand."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.milestone import Milestone, theirs
from adapters.milestone import client as milestone_client
from adapters.milestone.simulator import Simulator, catalogue, wall
from hooks import Activation, ActivationId, DeviceId, FactId, IncidentId, Position
from tests.serving import Server
from vms_plugin.adapters import Adapters
from vms_plugin.atlas import Atlas
from vms_plugin.engine import Engine
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.web import view

HERE = Position(lon=4.0853, lat=43.5606, accuracy_m=5, fixed_at=datetime.now(UTC))


class Site:
    """A simulated XProtect that can leave and come back at the same address."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0
        parser = argparse.ArgumentParser()
        Simulator.add_arguments(parser)
        self.simulator = Simulator(parser.parse_args(["--cameras", "2"]), lambda: self.now)
        self._come()
        self.url = self._server.url
        self.ready: dict[str, Any] = self.simulator.ready(self.url)
        self.simulator.site.task_lasts_s = 0.0  # tasks last by the clock, which stands still

    def _come(self, port: int = 0) -> None:
        self._server = Server(self.simulator.app, port, timeout_graceful_shutdown=0)
        self._server.start()

    def leave(self) -> None:
        self._server.stop()
        self._server.join()

    def come_back(self) -> None:
        self._come(self._server.port)

    def order(self, name: str, **how: object) -> None:
        httpx.post(f"{self.url}/simulator/{name}", json=how, timeout=10).raise_for_status()

    def alarms(self) -> dict[str, list[str]]:
        """Give the states of all alarms by incident: more than one state is a doubled alarm."""
        found: dict[str, list[str]] = {}
        for alarm in list(self.simulator.site.alarms.values()):  # its thread adds to them
            mark = str(alarm.fields["message"]).rpartition("[renfort:")[2].rstrip("]")
            found.setdefault(mark, []).append(alarm.fields["state"]["name"])
        return found

    def wall(self) -> list[str]:
        """Give what the first monitor of the Smart Wall shows, place by place."""
        site = self.simulator.site
        monitor = next(
            each for each in site.shelf.of("monitors") if each.fields["name"] == "Écran 1"
        )
        return [what for _, what in wall.screen_of(site, monitor.id).cells]

    def lose_camera(self, number: int, *, online: bool = False) -> None:
        camera = self.simulator.site.cameras[self.ready["cameras"][number]]
        camera.online = online
        kind = catalogue.COMMUNICATING if online else catalogue.COMMUNICATION_ERROR
        catalogue.state_changed(self.simulator.site, camera.id, kind)


class Room:
    """The host without its page; it may be stopped and started again."""

    engine: Engine

    def __init__(self, folder: Path, site: Site) -> None:
        self.site, self._folder = site, folder
        guids: list[str] = site.ready["cameras"]
        features = [
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": [4.0853, 43.5607]},
             "properties": {"vms_id": f"milestone:{guid}", "nom": name, "type": "dome"}}
            for guid, name in zip(guids, ("Gare", "Port"), strict=True)
        ]  # fmt: skip
        layer = folder / "cameras.geojson"
        layer.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        section = {
            "url": site.url, "username": site.ready["username"],
            "password": site.ready["password"], "fallback_camera": guids[0],
            "wall": ["Écran 1", "Écran 2"], "analytics_event": "no",
        }  # fmt: skip
        self._settings = replace(Settings(), cameras=layer, adapters={"milestone": section})

    async def start(self, *, well: bool = True) -> None:
        adapters = Adapters()
        adapters.load({"milestone": Milestone}, self._settings.adapters)
        self._store, atlas = Store(self._folder / "renfort.db"), Atlas(self._settings)
        atlas.load()
        self.engine = Engine(self._settings, adapters, self._store, atlas)
        await self.engine.start()
        if well:
            await until(lambda: self.health()["well"])

    async def stop(self) -> None:
        await self.engine.stop()
        self._store.close()
        self.engine.adapters["milestone"].plugin.close()
        assert not self.engine.broken.is_set()

    async def press(self, number: int) -> str:
        now = datetime.now(UTC)
        name = f"axis:{number}"
        fact = Activation(
            id=FactId(f"{name}:start"), at=now, activation=ActivationId(name),
            device=DeviceId(f"axis:D{number}"), position=HERE,
        )  # fmt: skip
        await self.engine.hear([fact], now)
        return name

    def health(self) -> dict[str, Any]:
        [found] = [
            each for each in view.health(self.engine)["adapters"] if each["name"] == "milestone"
        ]
        return found  # type: ignore[no-any-return]

    def tiles(self, incident: str) -> list[str]:
        picture = self.engine.pictures[IncidentId(incident)]
        return [each.camera.name for each in picture.situation.sightings]


@asynccontextmanager
async def room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    monkeypatch.setattr(milestone_client, "WARM_EVERY_S", 0.3)
    monkeypatch.setattr(theirs, "POLL_S", 0.1)
    here = Room(folder, Site())
    await here.start()
    try:
        yield here
    finally:
        await here.stop()
        await asyncio.to_thread(here.site.leave)


async def until(true: Callable[[], object], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
