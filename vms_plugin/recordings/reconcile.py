"""Hold a recording's own trail against what was heard live, in metres and seconds. Pure.

The trail is the camera's, without the network between. Where both disagree, the room was shown
something else than what was: that is to be said, not averaged away.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from dispatch_gis.plane import Plane
from hooks import Message, Position

#: Between two places of a trail further apart in time, nobody knows where the camera was.
GAP_S = 60.0
#: Two receivers' places of one man differ by that much in a street.
AGREE_M = 25.0
#: Shifts of the clock that are tried, both ways.
SHIFTS_S = range(-120, 121)
#: Positions that are tried at each shift.
SAMPLE = 200
#: A shift is told when it brings both so much closer: else it is noise.
BETTER, BETTER_M = 0.5, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a trail and live positions agree."""

    compared: int = 0  #: live positions that fall within the trail's time
    outside: int = 0  #: those that do not
    median_m: float | None = None
    worst_m: float | None = None
    worst_at: datetime | None = None
    #: How much later the live positions' clock tells a place than the trail's; None: no shift found
    late_s: int | None = None
    shifted_m: float | None = None  #: the median once that shift is undone

    def said(self, zone: ZoneInfo) -> list[Message]:
        """Say it in words; `zone` is whose clocks are read."""
        if not self.compared and not self.outside:
            return [Message(text="nothing was heard live: the trail is all there is")]
        told = []
        if self.median_m is not None and self.worst_m is not None and self.worst_at is not None:
            params: dict[str, str | int | float] = {
                "count": self.compared, "median": self.median_m, "worst": self.worst_m,
                "time": self.worst_at.astimezone(zone).strftime("%H:%M:%S"),
            }  # fmt: skip
            told.append(Message(text=_APART if self.worst_m > AGREE_M else _AGREE, params=params))
        if self.outside:
            told.append(Message(text=_OUTSIDE, params={"count": self.outside}))
        if self.late_s is not None and self.shifted_m is not None:
            shift: dict[str, str | int | float] = {
                "seconds": abs(self.late_s),
                "metres": self.shifted_m,
            }
            told.append(Message(text=_LATE if self.late_s > 0 else _EARLY, params=shift))
        return told


def _(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


_AGREE = _(
    "live positions held against the camera's trail: {count}; they agree, half within "
    "{median:.0f} m, all within {worst:.0f} m"
)
_APART = _(
    "live positions held against the camera's trail: {count}; half within {median:.0f} m, but one "
    "{worst:.0f} m away, at {time}"
)
_OUTSIDE = _("live positions where the trail says nothing: {count}")
_LATE = _(
    "the live positions are {seconds} s behind the trail: with that undone, half are within "
    "{metres:.0f} m"
)
_EARLY = _(
    "the live positions are {seconds} s ahead of the trail: with that undone, half are within "
    "{metres:.0f} m"
)


def compare(trail: Sequence[Position], live: Sequence[Position]) -> Comparison:
    """Hold live positions against a trail, each at its own time of fix; order does not matter."""
    path = _Path(trail)
    fixes = sorted(
        {(fix.fixed_at, fix.lon, fix.lat) for fix in live if fix.fixed_at is not None},
    )
    apart = [(path.distance_m(at, lon, lat), at) for at, lon, lat in fixes]
    within = [(metres, at) for metres, at in apart if metres is not None]
    if not within:
        return Comparison(outside=len(fixes))
    worst_m, worst_at = max(within)
    middle = median(metres for metres, _ in within)
    late_s, shifted_m = _shift(path, fixes, middle, share=0.8 * len(within) / len(fixes))
    return Comparison(
        compared=len(within), outside=len(fixes) - len(within), median_m=middle, worst_m=worst_m,
        worst_at=worst_at, late_s=late_s, shifted_m=shifted_m,
    )  # fmt: skip


def _shift(
    path: _Path, fixes: Sequence[tuple[datetime, float, float]], middle: float, share: float
) -> tuple[int | None, float | None]:
    """Find by how many seconds one clock is behind the other, if that explains most of it."""
    if len(fixes) < 3 or middle < BETTER_M:
        return None, None
    fixes = fixes[:: max(1, len(fixes) // SAMPLE)]
    tried = []
    for seconds in SHIFTS_S:
        undone = timedelta(seconds=seconds)
        found = [path.distance_m(at - undone, lon, lat) for at, lon, lat in fixes]
        known = [metres for metres in found if metres is not None]
        if len(known) >= max(3, share * len(fixes)):
            tried.append((median(known), abs(seconds), seconds))
    best_m, _, seconds = min(tried, default=(middle, 0, 0))
    if seconds == 0 or best_m > middle * BETTER or middle - best_m < BETTER_M:
        return None, None
    return seconds, best_m


class _Path:
    """Where a camera was at any moment, between the places of its trail."""

    def __init__(self, trail: Sequence[Position]) -> None:
        dated = sorted(
            ((place.fixed_at, place) for place in trail if place.fixed_at is not None),
            key=lambda each: each[0],
        )
        self._times = [at for at, _ in dated]
        self._plane = Plane(dated[0][1].lon, dated[0][1].lat) if dated else None
        self._places = [self._metres(place.lon, place.lat) for _, place in dated]

    def _metres(self, lon: float, lat: float) -> tuple[float, float]:
        assert self._plane is not None  # noqa: S101  (for the checker: there are places)
        east, north = self._plane.to_metres(lon, lat)
        return float(east), float(north)

    def distance_m(self, at: datetime, lon: float, lat: float) -> float | None:
        """Say how far a place is from where the camera was; None: the trail says nothing then."""
        where = self._where(at)
        if where is None:
            return None
        east, north = self._metres(lon, lat)
        metres: float = ((east - where[0]) ** 2 + (north - where[1]) ** 2) ** 0.5
        return metres

    def _where(self, at: datetime) -> tuple[float, float] | None:
        place = bisect_left(self._times, at)
        if place < len(self._times) and self._times[place] == at:
            return self._places[place]
        if place in (0, len(self._times)):
            return None
        before, after = self._times[place - 1], self._times[place]
        whole = (after - before).total_seconds()
        if whole > GAP_S:
            return None
        share = (at - before).total_seconds() / whole
        (e0, n0), (e1, n1) = self._places[place - 1], self._places[place]
        return e0 + share * (e1 - e0), n0 + share * (n1 - n0)
