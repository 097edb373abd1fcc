"""Which crews can come, and when: by road, by what they move with, as old as their fix is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from dispatch_gis.network import BIKE_M_S, FOOT_M_S, Network, Search, length_m
from dispatch_gis.plane import Floats, Plane
from hooks import Crew, CrewId, CrewStatus, Means, Message, Position, Reinforcement

#: Farther than that from the street, the end of the way is on foot.
WALK_M = 25.0
#: Speeds in a straight line, where there is no road to follow: streets wind by about a third.
STRAIGHT_M_S = {Means.FOOT: 1.4, Means.BIKE: 3.5}
DRIVEN_STRAIGHT_M_S = 6.0
_USUAL_M_S = {Means.FOOT: FOOT_M_S, Means.BIKE: BIKE_M_S, Means.CAR: 9.0}


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

    @property
    def doubtful(self) -> bool:
        """Whether it is ranked after the others."""
        return self.stale or self.crew.status is CrewStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Estimate:
    candidate: _Candidate
    time_s: float
    gap_m: float  #: in a straight line, where there is no road
    walk_m: float
    search: Search | None
    row: int


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
    estimates: list[_Estimate] = []
    # Crews of doubtful place or status come last, but must not hide behind the others' search.
    for group in (
        [each for each in candidates if not each.doubtful],
        [each for each in candidates if each.doubtful],
    ):
        estimates += _estimate(officer, group, networks, plane, settings.most)
    estimates.sort(key=_order)
    return [_told(each, officer, plane) for each in estimates[: settings.most]]


def _order(each: _Estimate) -> tuple[bool, bool, float, str]:
    crew = each.candidate.crew
    doubtful = crew.status is CrewStatus.UNKNOWN
    return each.candidate.stale, doubtful, round(each.time_s, 3), crew.id


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
) -> list[_Estimate]:
    """Say when each comes: by road, or straight where there is none; later ones are left out."""
    here = np.array([[float(each) for each in plane.to_metres(officer.lon, officer.lat)]])
    estimates: list[_Estimate] = []
    for means in (Means.CAR, Means.BIKE, Means.FOOT):
        group = [each for each in candidates if _kind(each.crew.means) is means]
        if group:
            lonlat = np.array([(each.place.lon, each.place.lat) for each in group])
            places = np.column_stack(plane.to_metres(lonlat[:, 0], lonlat[:, 1]))
            estimates += _by_means(group, places, here, networks.get(means), most)
    return estimates


def _by_means(
    group: Sequence[_Candidate], places: Floats, here: Floats, network: Network | None, most: int
) -> list[_Estimate]:
    gaps = np.hypot(*(places - here).T)
    officer = network.snap(here)[0] if network is not None else None
    if network is None or officer is None:
        return [_straight(each, float(gap)) for each, gap in zip(group, gaps, strict=True)]
    snaps = network.snap(places)
    on_road = [index for index, snap in enumerate(snaps) if snap is not None]
    estimates = [
        _straight(group[index], float(gaps[index]))
        for index, snap in enumerate(snaps)
        if snap is None
    ]
    if on_road:
        chosen = [snap for snap in snaps if snap is not None]
        # Streets wind: look a little farther than the crews wanted are in a straight line.
        near_m = np.partition(gaps[on_road], min(most, len(on_road)) - 1)[: min(most, len(on_road))]
        guess_s = 30 + 1.7 * float(near_m.max()) / _USUAL_M_S[_kind(group[0].crew.means)]
        search = network.search(officer, chosen, most, guess_s)
        # Close to a street he is on it; farther, somebody walks the rest.
        walk_m = officer.away_m if officer.away_m > WALK_M else 0.0
        estimates += [
            _Estimate(group[index], float(time) + walk_m / FOOT_M_S, 0.0, walk_m, search, row)
            for row, (index, time) in enumerate(zip(on_road, search.times_s, strict=True))
            if np.isfinite(time)
        ]
    return estimates


def _kind(means: Means) -> Means:
    return means if means in (Means.FOOT, Means.BIKE) else Means.CAR


def _straight(each: _Candidate, gap_m: float) -> _Estimate:
    speed = STRAIGHT_M_S.get(each.crew.means, DRIVEN_STRAIGHT_M_S)
    return _Estimate(each, gap_m / speed, gap_m, 0.0, None, -1)


def _told(each: _Estimate, officer: Position, plane: Plane) -> Reinforcement:
    """Write an estimate with its way and its reasons."""
    place = each.candidate.place
    reasons: list[Message] = []
    if each.search is None:
        distance_m = each.gap_m
        route: tuple[tuple[float, float], ...] = (
            (place.lon, place.lat), (officer.lon, officer.lat),
        )  # fmt: skip
        reasons.append(Message(text="as the crow flies: no road known"))
    else:
        way = each.search.way(each.row)
        lon, lat = plane.to_degrees(way[:, 0], way[:, 1])
        route = tuple(zip(np.round(lon, 6).tolist(), np.round(lat, 6).tolist(), strict=True))
        distance_m = length_m(way) + each.walk_m
        if each.walk_m:
            walk = Message(text="the last {walk_m:.0f} m on foot", params={"walk_m": each.walk_m})
            reasons.append(walk)
    return Reinforcement(
        crew=each.candidate.crew,
        time_s=round(each.time_s, 1),
        distance_m=round(distance_m, 1),
        by_road=each.search is not None,
        fix_age_s=each.candidate.age_s,
        stale=each.candidate.stale,
        route=route,
        reasons=(*reasons, *_doubts(each.candidate)),
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
