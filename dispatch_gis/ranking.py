"""Which crews can come, and when: by road, by what they move with, as old as their fix is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from dispatch_gis.fleet import MEANS, Fleet
from dispatch_gis.graph import Bools, Ints
from dispatch_gis.network import BIKE_M_S, FOOT_M_S, Network, Snap
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.ways import Search
from hooks import Crew, CrewId, CrewStatus, Means, Message, Position, Reinforcement

#: Farther than that from the street, the end of the way is on foot.
WALK_M = 25.0
#: Speeds in a straight line, where there is no road to follow: streets wind by about a third.
STRAIGHT_M_S = {Means.FOOT: 1.4, Means.BIKE: 3.5}
DRIVEN_STRAIGHT_M_S = 6.0
_USUAL_M_S = {Means.FOOT: FOOT_M_S, Means.BIKE: BIKE_M_S, Means.CAR: 9.0}
#: A patrol has moved since its fix, at about half its speed and in any direction.
_MOVED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingSettings:
    """What the town decides."""

    stale_after_s: float = 120.0  #: an older fix is not "now"
    most: int = 5


@dataclass(frozen=True, slots=True)
class _Estimate:
    row: int
    time_s: float
    straight: bool
    walk_m: float
    search: Search | None
    place: int  #: among the rows that were searched


def rank(
    officer: Position,
    fleet: Fleet,
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
    age_s = np.maximum(at.timestamp() - fleet.fixed_at, 0.0)
    after_s = np.where(np.isnan(fleet.stale_s), settings.stale_after_s, fleet.stale_s)
    stale = ~(age_s <= after_s)  # a fix of unknown age too
    chosen = _Chosen(officer, fleet, networks, plane, settings.most)
    rows = np.flatnonzero(fleet.sendable)
    if own_crew is not None:
        rows = rows[fleet.ids[rows] != hash(own_crew)]
    doubtful = fleet.doubtful | stale
    # Crews of doubtful place or status come last, and are searched only if the others are too few.
    chosen.add(rows[~doubtful[rows]])
    found = chosen.best()
    if len(found) < settings.most:
        late = rows[doubtful[rows]]
        others = _Chosen(officer, fleet, networks, plane, settings.most)
        # A stale fix is worse than an unknown status.
        others.add(late[~stale[late]])
        found += others.best()
        last = _Chosen(officer, fleet, networks, plane, settings.most)
        last.add(late[stale[late]])
        found += _known_first(last.best(len(late)), fleet)
    return [_told(each, fleet, age_s, stale, officer, plane) for each in found[: settings.most]]


def _known_first(found: list[_Estimate], fleet: Fleet) -> list[_Estimate]:
    return sorted(found, key=lambda each: bool(fleet.doubtful[each.row]))


class _Chosen:
    """The soonest of some crews, means after means: each one cuts short the next one's search."""

    def __init__(
        self,
        officer: Position,
        fleet: Fleet,
        networks: Mapping[Means, Network],
        plane: Plane,
        most: int,
    ) -> None:
        self._here = np.array([float(each) for each in plane.to_metres(officer.lon, officer.lat)])
        self._fleet = fleet
        self._networks = networks
        self._most = most
        self._estimates: list[_Estimate] = []

    def add(self, rows: Ints) -> None:
        """Estimate these crews; those that surely come later than the ones wanted are left out."""
        for number, means in enumerate(MEANS):
            mine = rows[self._fleet.means[rows] == number]
            if len(mine):
                self._by_means(mine, means)

    def best(self, most: int | None = None) -> list[_Estimate]:
        """List the soonest, ties by id."""
        return sorted(self._estimates, key=self._order)[: self._most if most is None else most]

    def _order(self, each: _Estimate) -> tuple[float, str]:
        return round(each.time_s, 3), self._fleet.crews[each.row].id

    def _bound_s(self) -> float:
        """Say after how long a crew can no longer be among the soonest."""
        times = sorted(each.time_s for each in self._estimates)
        return times[self._most - 1] + 0.001 if len(times) >= self._most else math.inf

    def _by_means(self, rows: Ints, means: Means) -> None:
        fleet = self._fleet
        steps = fleet.at_m[rows] - self._here
        gaps = np.sqrt(np.einsum("ij,ij->i", steps, steps))
        network = self._networks.get(means)
        officer = network.snap(self._here[None, :])[0] if network is not None else None
        if network is None or officer is None:
            self._straight(rows, gaps, means)
            return
        on_road = fleet.edges[rows] >= 0
        if not on_road.all():
            self._straight(rows[~on_road], gaps[~on_road], means)
        if on_road.any():
            self._by_road(network, officer, rows[on_road], gaps[on_road], means)

    def _by_road(
        self, network: Network, officer: Snap, rows: Ints, gaps: Floats, means: Means
    ) -> None:
        enough = min(self._most, len(rows))
        # Close to a street he is on it; farther, somebody walks the rest.
        walk_m = officer.away_m if officer.away_m > WALK_M else 0.0
        # Streets wind: look a little farther than the crews wanted are in a straight line.
        near_m = float(np.partition(gaps, enough - 1)[enough - 1])
        search = network.search(
            officer,
            self._fleet.edges[rows],
            self._fleet.along[rows],
            enough,
            guess_s=35 + 1.0 * near_m / _USUAL_M_S[means],
            most_s=max(self._bound_s() - walk_m / FOOT_M_S, 0.0),
            gaps_m=gaps,
        )
        times, rows, gaps = search.times_s, rows[search.rows], gaps[search.rows]
        reached = np.flatnonzero(np.isfinite(times))
        if len(reached) > self._most:
            cut = np.partition(times[reached], self._most - 1)[self._most - 1]
            reached = reached[times[reached] <= cut + 0.001]  # with those that tie
        for place in reached.tolist():
            time_s = float(times[place]) + walk_m / FOOT_M_S
            self._estimates.append(
                _Estimate(int(rows[place]), time_s, False, walk_m, search, place)
            )
        if search.whole and len(reached) < enough:
            lost = np.isinf(times)
            self._straight(rows[lost], gaps[lost], means)

    def _straight(self, rows: Ints, gaps: Floats, means: Means) -> None:
        speed = STRAIGHT_M_S.get(means, DRIVEN_STRAIGHT_M_S)
        if len(rows) > self._most:
            cut = np.partition(gaps, self._most - 1)[self._most - 1]
            near = gaps <= cut + 0.001
            rows, gaps = rows[near], gaps[near]
        self._estimates += [
            _Estimate(int(row), float(gap) / speed, True, 0.0, None, -1)
            for row, gap in zip(rows, gaps, strict=True)
        ]


def _told(
    each: _Estimate, fleet: Fleet, age_s: Floats, stale: Bools, officer: Position, plane: Plane
) -> Reinforcement:
    """Write an estimate with its way and its reasons."""
    crew = fleet.crews[each.row]
    place = crew.position
    if place is None:
        raise ValueError(f"{crew.id} has no position")
    reasons: list[Message] = []
    if each.search is None:
        here = np.array([plane.to_metres(officer.lon, officer.lat)], dtype=np.float64)
        distance_m = float(np.hypot(*(fleet.at_m[each.row] - here[0])))
        route: tuple[tuple[float, float], ...] = (
            (place.lon, place.lat), (officer.lon, officer.lat),
        )  # fmt: skip
        reasons.append(Message(text="as the crow flies: no road known"))
    else:
        way = each.search.way(each.place)
        route = way.lonlat
        distance_m = way.length_m + each.walk_m
        if each.walk_m:
            walk = Message(text="the last {walk_m:.0f} m on foot", params={"walk_m": each.walk_m})
            reasons.append(walk)
    age = float(age_s[each.row])
    known_age = None if math.isnan(age) else age
    old = bool(stale[each.row])
    return Reinforcement(
        crew=crew,
        time_s=round(each.time_s, 1),
        distance_m=round(distance_m, 1),
        by_road=each.search is not None,
        fix_age_s=known_age,
        spread_s=None if known_age is None else round(known_age * _MOVED, 1),
        stale=old,
        route=route,
        reasons=(*reasons, *_doubts(crew, known_age, old)),
    )


def _doubts(crew: Crew, age_s: float | None, stale: bool) -> list[Message]:
    """Say what is not sure of a crew; whole minutes, so that nothing changes every second."""
    said: list[Message] = []
    if age_s is None:
        said.append(Message(text="position of unknown age"))
    elif stale:
        minutes = max(1, math.floor(age_s / 60))
        said.append(Message(text="position {minutes} min old", params={"minutes": minutes}))
    if crew.status is CrewStatus.UNKNOWN:
        said.append(Message(text="status unknown"))
    if crew.means is Means.UNKNOWN:
        said.append(Message(text="assumed to drive"))
    return said
