"""From a place to the whole situation: who sees it, who can come, what is missing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import numpy as np
import shapely

from dispatch_gis import optics
from dispatch_gis.aim import pointing
from dispatch_gis.choice import tiled
from dispatch_gis.coverage import Coverage, Surveyor
from dispatch_gis.plane import Plane
from dispatch_gis.ranking import RankingSettings, rank
from dispatch_gis.roads import Roads, nowhere
from dispatch_gis.sight import CameraIndex
from dispatch_gis.town import Commune, Town
from hooks import (
    Camera,
    CameraId,
    Crew,
    CrewId,
    CrewStatus,
    Message,
    Position,
    Reinforcement,
    Sighting,
    Situation,
)

#: Farther than that from any named street, the place has no street name.
NEAR_M = 60.0
#: So many dead cameras are named; of more, their number is said.
NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SituateSettings:
    """What the town decides."""

    stale_after_s: float = 120.0
    priority_factor: float = 1.0
    crews: int = 5
    cameras: int = 12
    edition: int = optics.EDITION  #: of IEC 62676-4, whose classes the town speaks
    #: INSEE codes of the operators' competence (CSI R253-3): no other camera; empty: no limit.
    communes: frozenset[str] = frozenset()


class Territory:
    """Everything known of a town, in one plane. Immutable: build another and swap it in.

    Parameters
    ----------
    known
        What the cameras were found to show before: only what has changed is computed anew.
    before
        The territory until now: streets that have not changed are not put together again, so that
        a closure takes effect at once.
    """

    def __init__(
        self,
        town: Town | None,
        cameras: Sequence[Camera],
        *,
        settings: SituateSettings,
        known: Mapping[CameraId, Coverage] = MappingProxyType({}),
        before: Territory | None = None,
    ) -> None:
        town = town or Town()
        self._town = town
        self.cameras = tuple(
            sorted(in_communes(cameras, town.communes), key=lambda camera: camera.id)
        )
        self.bounds = _bounds(town, self.cameras)
        self.plane = plane_of(town, self.cameras)
        streets = town.streets
        self.roads = self._roads(before, settings)
        self.walled = bool(len(town.buildings))
        surveyor = Surveyor(town, self.plane, edition=settings.edition)
        self.coverages = surveyor.coverages(self.cameras, known)
        self.index = CameraIndex(
            self.cameras, self.plane, self.coverages, walled=self.walled, edition=settings.edition
        )
        self.unlabelled = sum(not camera.commune for camera in self.cameras)
        named = [street for street in streets if street.name]
        self._names = [street.name for street in named]
        self._named = shapely.STRtree(
            [
                shapely.LineString(np.column_stack(self.plane.to_metres(*np.array(each.lonlat).T)))
                for each in named
            ]
        )

    def _roads(self, before: Territory | None, settings: SituateSettings) -> Roads:
        town = self._town
        if (
            before is not None
            and before.plane == self.plane
            and before.roads.factor == settings.priority_factor
            and (before._town.streets, before._town.turns) == (town.streets, town.turns)
        ):
            return before.roads.with_closures(town.closures)
        return Roads(town, self.plane, factor=settings.priority_factor, closures=town.closures)

    def pointed(self, sighting: Sighting, place: Position) -> Sighting:
        """Say how to point a camera there, where its mounting is known."""
        town, name = self._town, sighting.camera.id
        if name not in town.calibrations and name not in town.presets:
            return sighting
        found = pointing(
            sighting.camera, place, town.calibrations.get(name), town.presets.get(name, {})
        )
        if found is None:
            return sighting
        reasons = sighting.reasons
        if found.preset and sighting.must_turn:
            preset = Message(text="preset {name}", params={"name": found.preset})
            reasons = (*reasons, preset)
        return replace(sighting, pointing=found, reasons=reasons)

    def near(self, place: Position) -> str:
        """Name the nearest street; empty beyond `NEAR_M`."""
        if not self._names:
            return ""
        east, north = self.plane.to_metres(place.lon, place.lat)
        found = self._named.query_nearest(
            shapely.points(np.array([east, north])), max_distance=NEAR_M, all_matches=False
        )
        return self._names[int(found[0])] if len(found) else ""


def situate(
    territory: Territory,
    position: Position | None,
    crews: Sequence[Crew],
    at: datetime,
    *,
    settings: SituateSettings,
    own_crew: CrewId | None = None,
    shown: Sequence[CameraId] = (),
    dead: Set[CameraId] = frozenset(),
) -> Situation:
    """Say who sees a place and who can come to it, and what could not be answered.

    Without a position nothing is guessed. Ages are counted at `at`. `shown` are the cameras whose
    pictures are before the operator now: they are not taken away for nothing. `dead` cameras give
    no picture: they take no place, and those that would show this one are said.
    """
    if position is None:
        return Situation(missing=(Message(text="position unknown: click on the map to place it"),))
    sightings = [
        territory.pointed(sighting, position)
        for sighting in territory.index.sightings(
            position, settings.cameras, communes=settings.communes, dead=dead
        )
    ]
    # Nothing known of the town: measure around the place itself.
    plane = territory.plane if territory.bounds else Plane(position.lon, position.lat)
    ranking = RankingSettings(stale_after_s=settings.stale_after_s, most=settings.crews)
    networks, muster = territory.roads.at(at) if plane is territory.plane else nowhere(plane)
    reinforcements = rank(
        position, muster.fleet(crews), at, networks=networks, plane=plane,
        settings=ranking, own_crew=own_crew,
    )  # fmt: skip
    found = Situation(
        sightings=tuple(sightings),
        reinforcements=tuple(reinforcements),
        near=territory.near(position),
        missing=(
            *_missing_cameras(territory, sightings, settings),
            *_silent(territory, position, dead, settings),
            *_missing_crews(crews, reinforcements),
        ),
    )
    return tiled(found, shown)


def _missing_cameras(
    territory: Territory, sightings: Sequence[Sighting], settings: SituateSettings
) -> list[Message]:
    missing = []
    if not territory.cameras:
        missing.append(Message(text="no camera layer"))
    elif not sightings:
        missing.append(Message(text="no camera sees this place"))
    elif not territory.walled:
        missing.append(Message(text="no building is known here: a wall may hide him"))
    if settings.communes and territory.unlabelled:
        left_out = Message(
            text="{count} cameras are left out: their commune is not said",
            params={"count": territory.unlabelled},
        )
        missing.append(left_out)
    return missing


def _silent(
    territory: Territory, position: Position, dead: Set[CameraId], settings: SituateSettings
) -> list[Message]:
    """Say which cameras would show the place if they answered: the best ones by name."""
    if not dead:
        return []
    silent = territory.index.silent(position, dead, communes=settings.communes)
    said = [
        Message(text="{camera} no longer answers", params={"camera": each.name or each.id})
        for each in silent[:NAMED]
    ]
    if len(silent) > NAMED:
        others = {"count": len(silent) - NAMED}
        said.append(Message(text="{count} more cameras here no longer answer", params=others))
    return said


def _missing_crews(crews: Sequence[Crew], reinforcements: Sequence[Reinforcement]) -> list[Message]:
    missing = []
    if not crews:
        missing.append(Message(text="no crew has given its position"))
    elif not reinforcements:
        free = any(crew.status is CrewStatus.FREE for crew in crews)
        missing.append(
            Message(text="no free crew has given its position")
            if free
            else Message(text="no crew is free")
        )
    if reinforcements and not any(each.by_road for each in reinforcements):
        missing.append(Message(text="no road network here: times as the crow flies"))
    return missing


def in_communes(cameras: Sequence[Camera], communes: Sequence[Commune]) -> list[Camera]:
    """Label the cameras whose commune is not said with the one they stand in."""
    placed = [
        (number, camera.position)
        for number, camera in enumerate(cameras)
        if not camera.commune and camera.position is not None
    ]
    labelled = list(cameras)
    if placed and communes:
        points = shapely.points([(place.lon, place.lat) for _, place in placed])
        tree = shapely.STRtree([commune.area for commune in communes])
        for point, commune in zip(*tree.query(points, predicate="intersects"), strict=True):
            number = placed[point][0]
            labelled[number] = replace(cameras[number], commune=communes[commune].code)
    return labelled


def plane_of(town: Town, cameras: Sequence[Camera]) -> Plane:
    """Give the plane in which a territory is measured: tangent at its middle."""
    west, south, east, north = _bounds(town, cameras) or (0.0, 0.0, 0.0, 0.0)
    return Plane((west + east) / 2, (south + north) / 2)


def _bounds(town: Town, cameras: Sequence[Camera]) -> tuple[float, float, float, float] | None:
    if town.bounds is not None:
        return town.bounds
    places = [camera.position for camera in cameras if camera.position is not None]
    if not places:
        return None
    lons, lats = [place.lon for place in places], [place.lat for place in places]
    return min(lons), min(lats), max(lons), max(lats)
