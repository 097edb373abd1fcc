"""The territory in force: layers from files, cameras from the VMS; rebuilt aside, then swapped."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
import structlog

from dispatch_gis.basemap import Basemap
from dispatch_gis.coverage import outline
from dispatch_gis.situation import SituateSettings, Territory, situate
from hooks import (
    Camera,
    CameraId,
    Crew,
    CrewId,
    Message,
    Position,
    Situation,
)
from vms_plugin.adapters import CALL_S, Adapters
from vms_plugin.incident import Incident
from vms_plugin.layer_files import Files, LayerFiles
from vms_plugin.picture import NO_CORRELATION, may_correlate
from vms_plugin.roster import Wearer
from vms_plugin.settings import Settings

#: The VMS's inventory is asked again this often, and sooner while one does not answer.
REFRESH_S = 600.0
RETRY_S = 15.0
#: The maker's own patience: large sites answer in minutes.
INVENTORY_S = 180.0

#: Streets that close or open at an hour are made ready that long before.
AHEAD = timedelta(seconds=60)

LOADING = Message(text="the territory is being loaded")
FAILED = Message(text="the geography failed: choose cameras and crews by hand")

log = structlog.get_logger(__name__)


class Atlas:
    """Where everything is. Read from any thread; written by `load` and `ask_vms` alone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules = SituateSettings(
            stale_after_s=settings.stale_after_s,
            priority_factor=settings.priority_factor,
            edition=settings.iec_edition,
            communes=settings.communes,
        )
        self._sources = LayerFiles(settings)
        self._files = Files()
        self._building = threading.Lock()
        self._inventories: dict[str, tuple[Camera, ...]] = {}
        self._territory: Territory | None = None
        self._basemap: Basemap | None = None
        self._asked: dict[str, Future[Any]] = {}
        self._dead: frozenset[CameraId] = frozenset()
        self.patience_s = REFRESH_S

    # --- learn ---

    def load(self) -> None:
        """Read the town's files, the first time. A bad file is noted, not fatal."""
        if not self.refresh():
            self._rebuild()

    def refresh(self) -> bool:
        """Read again the files that have changed, and put them in force; say whether any had."""
        with self._building:
            files = self._sources.refresh()
            if files is None:
                if self._territory is not None:
                    self._territory.roads.prepare(datetime.now(UTC) + AHEAD)
                return False
            drawn = files.town is not self._files.town
            self._files = files
            if drawn:
                self._basemap = Basemap(files.town) if files.town is not None else None
        self._rebuild()
        return True

    def close(self) -> None:
        """Leave the servers the layers come from."""
        with self._building:
            self._sources.close()

    def ask_vms(self, adapters: Adapters) -> bool:
        """Ask every VMS for its cameras, side by side; blocks until all have answered, or late.

        Says whether any answer was another than before.

        One that does not answer keeps its last inventory, is named after `CALL_S`, and is not asked
        again while its answer is still awaited. The territory is rebuilt as answers come.
        """
        for name in adapters.offering("list_cameras"):
            if name not in self._asked:
                self._asked[name] = adapters.start(name, "list_cameras")
        asked = list(self._asked.items())
        changed = self._take_answers(adapters)
        wait([future for _, future in asked], timeout=CALL_S)
        changed |= self._take_answers(adapters)
        for name in self._asked:
            late = Message(
                text="no answer to {hook} within {seconds:g} s",
                params={"hook": "list_cameras", "seconds": CALL_S},
            )
            adapters.fail(name, "list_cameras", late)
        wait(list(self._asked.values()), timeout=INVENTORY_S)
        changed |= self._take_answers(adapters)
        silent = any(name not in self._inventories for name, _ in asked)
        self.patience_s = RETRY_S if silent or self._asked else REFRESH_S
        return changed

    def _take_answers(self, adapters: Adapters) -> bool:
        """Take the inventories that have come; a failure is noted under the adapter's name."""
        before = dict(self._inventories)
        done = [name for name, future in self._asked.items() if future.done()]
        for name in done:
            future = self._asked.pop(name)
            if future.exception() is None:
                adapters.succeed(name, "list_cameras")  # it may have come while it was said late
                self._inventories[name] = tuple(
                    camera for camera in future.result() if isinstance(camera, Camera)
                )
        if self._inventories == before:
            return False
        self._rebuild()
        return True

    def hear(self, alive: Mapping[CameraId, bool]) -> bool:
        """Learn which cameras answer now; say whether that changes anything."""
        before = self._dead
        gone = {camera for camera, answers in alive.items() if not answers}
        self._dead = before - alive.keys() | gone
        return self._dead != before

    def _rebuild(self) -> None:
        with self._building:
            inventory = [camera for cameras in self._inventories.values() for camera in cameras]
            before = self._territory
            territory = Territory(
                self._files.town,
                merge(self._files.cameras, inventory),
                settings=self._rules,
                known={**self._files.known, **(before.coverages if before else {})},
                before=before,
            )
            territory.roads.at(datetime.now(UTC))  # so that the first press need not wait for it
            self._territory = territory

    # --- answer ---

    def situate(
        self,
        incident: Incident,
        position: Position | None,
        crews: Sequence[Crew],
        at: datetime,
        wearer: Wearer | None,
        shown: Sequence[CameraId] = (),
    ) -> Situation:
        """Say who sees the place and who can come. Never fails: what is missing is said.

        `shown` are the cameras before the operator now: they keep their places.
        """
        territory = self._territory
        if territory is None:
            return Situation(missing=(LOADING,))
        own = CrewId(wearer.crew) if wearer and wearer.crew else incident.officer.crew
        correlate = may_correlate(incident)
        try:
            found = situate(
                territory, position, crews, at,
                settings=self._rules, own_crew=own, shown=shown,
                dead=self._dead if correlate else frozenset(),
            )  # fmt: skip
        except Exception:
            # A fault in the geography must not hide a man in danger: the alert goes out without.
            log.exception("geography failed", incident=incident.id)
            return Situation(missing=(FAILED,))
        if correlate:
            return found
        return replace(found, sightings=(), missing=(*found.missing, NO_CORRELATION))

    def masked(self, camera: CameraId, place: Position) -> bool:
        """Whether a mask hides that place from that camera (CSI L251-3)."""
        town = self._files.town
        return town is not None and any(
            mask.camera in (None, camera) and shapely.intersects_xy(mask.area, place.lon, place.lat)
            for mask in town.masks
        )

    def cameras(self) -> tuple[Camera, ...]:
        """List the cameras in force."""
        return self._territory.cameras if self._territory else ()

    def alive(self, camera: CameraId) -> bool:
        """Whether a camera answers, as far as anybody said."""
        return camera not in self._dead

    def commune_at(self, position: Position) -> str:
        """Give the INSEE code of the commune a place is in; empty where no layer says it."""
        town = self._files.town
        for commune in town.communes if town is not None else ():
            if shapely.contains_xy(commune.area, position.lon, position.lat):
                return commune.code
        return ""

    def area(self, camera: CameraId) -> list[list[list[tuple[float, float]]]]:
        """Outline what a camera can show, as the ranking counts it.

        Polygons, each its outline then its holes, as (lat, lon); nothing where nobody knows.
        """
        coverage = self._territory.coverages.get(camera) if self._territory else None
        return outline(coverage.area) if coverage is not None else []

    def bounds(self) -> tuple[float, float, float, float] | None:
        """Give west, south, east, north of what is known, in degrees."""
        return self._territory.bounds if self._territory else None

    def dated(self) -> datetime | None:
        """Say of when the base map is: of when its file was last written; None: nobody knows."""
        path = self._settings.layers or self._settings.osm
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path else None
        except OSError:
            return None

    def notes(self) -> list[Message]:
        """List what is wrong with the layers, for people."""
        return [LOADING] if self._territory is None else list(self._files.notes)

    def tile(self, z: int, x: int, y: int, theme: str) -> bytes | None:
        """Draw one tile of the base map as SVG; None while there is no town.

        `ValueError` when there is no such tile or theme.
        """
        return self._basemap.tile(z, x, y, theme) if self._basemap is not None else None


def merge(layer: Sequence[Camera], inventory: Sequence[Camera]) -> list[Camera]:
    """Join the town's layer and the VMS's inventory by id.

    Where both know a camera, GIS staff know better where it stands and looks, the VMS whether it
    is enabled and what it is called. A camera that the VMS alone knows comes as it is.
    """
    known: dict[CameraId, Camera] = {camera.id: camera for camera in layer}
    for camera in inventory:
        ours = known.get(camera.id)
        if ours is None:
            known[camera.id] = camera
            continue
        known[camera.id] = replace(
            ours,
            name=ours.name or camera.name,
            position=ours.position or camera.position,
            heading_deg=camera.heading_deg if ours.heading_deg is None else ours.heading_deg,
            fov_deg=ours.fov_deg or camera.fov_deg,
            enabled=ours.enabled and camera.enabled,
            extra={**camera.extra, **ours.extra},
        )
    return list(known.values())
