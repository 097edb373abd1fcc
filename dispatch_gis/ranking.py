"""Which crews can come, and when: by road, by what they move with, as old as their fix is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from dispatch_gis.network import FOOT_M_S, Network, Snap, Trip
from dispatch_gis.plane import Floats, Plane
from hooks import Crew, CrewId, CrewStatus, Means, Message, Position, Reinforcement

#: Speeds in a straight line, where there is no road to follow: streets wind by about a third.
STRAIGHT_M_S = {Means.FOOT: 1.4, Means.BIKE: 3.5}
DRIVEN_STRAIGHT_M_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingSettings:
    """What the town decides."""

    stale_after_s: float = 120.0  #: an older fix is not "now"
    most: int = 5


@dataclass(frozen=True, slots=True)
class _Candidate:
    crew: Crew
    place: Position
    age_s: float | None
    stale: bool


def rank(
    officer: Position,
    crews: Sequence[Crew],
    at: datetime,
    *,
    networks: Mapping[Means, Network],
    plane: Plane,
    settings: RankingSettings,
    own_crew: CrewId | None = None,
) -> list[Reinforcement]:
    """Rank the crews that can be sent: soonest first, ties by id, at most `settings.most`.

    Only free crews, or of unknown status (said, and after the others); never the officer's own.
    Old fixes come last: where they were is not where they are. The same crews in any order give
    the same list.
    """
    candidates = [
        _candidate(crew, at, settings)
        for crew in sorted(crews, key=lambda crew: crew.id)
        if crew.position is not None
        and crew.id != own_crew
        and crew.status in (CrewStatus.FREE, CrewStatus.UNKNOWN)
    ]
    ranked: list[Reinforcement] = []
    for fresh in (True, False):
        chosen = [each for each in candidates if each.stale != fresh]
        ranked += _estimate(officer, chosen, networks, plane, settings.most)
    ranked.sort(key=_order)
    return ranked[: settings.most]


def _order(each: Reinforcement) -> tuple[bool, bool, float, str]:
    doubtful = each.crew.status is CrewStatus.UNKNOWN
    return each.stale, doubtful, round(each.time_s, 3), each.crew.id


def _candidate(crew: Crew, at: datetime, settings: RankingSettings) -> _Candidate:
    place = crew.position
    if place is None:
        raise ValueError(f"{crew.id} has no position")
    age_s = None if place.fixed_at is None else max(0.0, (at - place.fixed_at).total_seconds())
    return _Candidate(crew, place, age_s, age_s is None or age_s > settings.stale_after_s)


def _estimate(
    officer: Position,
    candidates: Sequence[_Candidate],
    networks: Mapping[Means, Network],
    plane: Plane,
    most: int,
) -> list[Reinforcement]:
    here = np.array([[float(each) for each in plane.to_metres(officer.lon, officer.lat)]])
    estimates: list[Reinforcement] = []
    for means in (Means.CAR, Means.BIKE, Means.FOOT):
        group = [each for each in candidates if _kind(each.crew.means) is means]
        if not group:
            continue
        lonlat = np.array([(each.place.lon, each.place.lat) for each in group])
        places = np.column_stack(plane.to_metres(lonlat[:, 0], lonlat[:, 1]))
        network = networks.get(means)
        trips = _trips(network, here, places, most)
        gaps = np.hypot(*(places - here).T)
        for each, trip, gap in zip(group, trips, gaps, strict=True):
            if isinstance(trip, Trip):
                estimates.append(_by_road(each, trip, plane))
            elif trip is _NO_ROAD:
                estimates.append(_straight(each, float(gap), officer))
    return estimates


#: Where no road leads: not the same as "later than the ones we want".
_NO_ROAD = object()


def _trips(network: Network | None, here: Floats, places: Floats, most: int) -> list[object]:
    if network is None or not len(network):
        return [_NO_ROAD] * len(places)
    [officer] = network.snap(here)
    if officer is None:
        return [_NO_ROAD] * len(places)
    snaps = network.snap(places)
    snapped: list[Snap] = [snap for snap in snaps if snap is not None]
    found = iter(network.trips(officer, snapped, most))
    return [_NO_ROAD if snap is None else next(found) for snap in snaps]


def _kind(means: Means) -> Means:
    return means if means in (Means.FOOT, Means.BIKE) else Means.CAR


def _by_road(each: _Candidate, trip: Trip, plane: Plane) -> Reinforcement:
    lon, lat = plane.to_degrees(trip.way[:, 0], trip.way[:, 1])
    reasons: list[Message] = []
    # Close to a street he is on it; farther, somebody walks the rest.
    walk_s = trip.walk_m / FOOT_M_S if trip.walk_m > 25 else 0.0
    if walk_s:
        reasons.append(
            Message(text="the last {walk_m:.0f} m on foot", params={"walk_m": trip.walk_m})
        )
    return Reinforcement(
        crew=each.crew,
        time_s=round(trip.time_s + walk_s, 1),
        distance_m=round(trip.distance_m + (trip.walk_m if walk_s else 0.0), 1),
        by_road=True,
        fix_age_s=each.age_s,
        stale=each.stale,
        route=tuple(zip(np.round(lon, 6).tolist(), np.round(lat, 6).tolist(), strict=True)),
        reasons=(*reasons, *_doubts(each)),
    )


def _straight(each: _Candidate, gap_m: float, officer: Position) -> Reinforcement:
    speed = STRAIGHT_M_S.get(each.crew.means, DRIVEN_STRAIGHT_M_S)
    return Reinforcement(
        crew=each.crew,
        time_s=round(gap_m / speed, 1),
        distance_m=round(gap_m, 1),
        by_road=False,
        fix_age_s=each.age_s,
        stale=each.stale,
        route=((each.place.lon, each.place.lat), (officer.lon, officer.lat)),
        reasons=(Message(text="as the crow flies: no road known"), *_doubts(each)),
    )


def _doubts(each: _Candidate) -> list[Message]:
    """Say what is not sure of a crew; whole minutes, so that nothing changes every second."""
    said: list[Message] = []
    if each.age_s is None:
        said.append(Message(text="position of unknown age"))
    elif each.stale:
        minutes = max(1, math.floor(each.age_s / 60))
        said.append(Message(text="position {minutes} min old", params={"minutes": minutes}))
    if each.crew.status is CrewStatus.UNKNOWN:
        said.append(Message(text="status unknown"))
    if each.crew.means is Means.UNKNOWN:
        said.append(Message(text="assumed to drive"))
    return said
