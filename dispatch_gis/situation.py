"""From a place to the whole situation: who sees it, who can come, what is missing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely

from dispatch_gis.plane import Plane
from dispatch_gis.ranking import RankingSettings, rank
from dispatch_gis.roads import Roads, nowhere
from dispatch_gis.sight import CameraIndex
from dispatch_gis.town import Town
from hooks import Camera, Crew, CrewId, CrewStatus, Message, Position, Situation

#: Farther than that from any named street, the place has no street name.
NEAR_M = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SituateSettings:
    """What the town decides."""

    stale_after_s: float = 120.0
    priority_factor: float = 1.0
    crews: int = 5
    cameras: int = 12


class Territory:
    """Everything known of a town, in one plane. Immutable: build another and swap it in."""

    def __init__(
        self, town: Town | None, cameras: Sequence[Camera], *, settings: SituateSettings
    ) -> None:
        self.cameras = tuple(sorted(cameras, key=lambda camera: camera.id))
        self.bounds = _bounds(town, self.cameras)
        west, south, east, north = self.bounds or (0.0, 0.0, 0.0, 0.0)
        self.plane = Plane((west + east) / 2, (south + north) / 2)
        streets = town.streets if town else ()
        self.roads = Roads(town or Town(), self.plane, factor=settings.priority_factor)
        self.index = CameraIndex(self.cameras, self.plane)
        named = [street for street in streets if street.name]
        self._names = [street.name for street in named]
        self._named = shapely.STRtree(
            [
                shapely.LineString(np.column_stack(self.plane.to_metres(*np.array(each.lonlat).T)))
                for each in named
            ]
        )

    def near(self, place: Position) -> str:
        """Name the nearest street; empty beyond `NEAR_M`."""
        if not self._names:
            return ""
        east, north = self.plane.to_metres(place.lon, place.lat)
        found = self._named.query_nearest(
            shapely.Point(float(east), float(north)), max_distance=NEAR_M, all_matches=False
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
) -> Situation:
    """Say who sees a place and who can come to it, and what could not be answered.

    Without a position nothing is guessed. Ages are counted at `at`.
    """
    if position is None:
        return Situation(missing=(Message(text="position unknown: click on the map to place it"),))
    sightings = territory.index.sightings(position, settings.cameras)
    # Nothing known of the town: measure around the place itself.
    plane = territory.plane if territory.bounds else Plane(position.lon, position.lat)
    ranking = RankingSettings(stale_after_s=settings.stale_after_s, most=settings.crews)
    networks, muster = territory.roads.at(at) if plane is territory.plane else nowhere(plane)
    reinforcements = rank(
        position, muster.fleet(crews), at, networks=networks, plane=plane,
        settings=ranking, own_crew=own_crew,
    )  # fmt: skip
    missing: list[Message] = []
    if not territory.cameras:
        missing.append(Message(text="no camera layer"))
    elif not sightings:
        missing.append(Message(text="no camera sees this place"))
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
    return Situation(
        sightings=tuple(sightings),
        reinforcements=tuple(reinforcements),
        near=territory.near(position),
        missing=tuple(missing),
    )


def _bounds(
    town: Town | None, cameras: Sequence[Camera]
) -> tuple[float, float, float, float] | None:
    if town is not None and town.bounds is not None:
        return town.bounds
    places = [camera.position for camera in cameras if camera.position is not None]
    if not places:
        return None
    lons, lats = [place.lon for place in places], [place.lat for place in places]
    return min(lons), min(lats), max(lons), max(lats)
