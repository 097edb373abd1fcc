"""The crews as arrays, kept from one picture to the next: of ten thousand, few have moved.

A crew is a frozen object: the very same object is the same crew at the same place, and costs
nothing again.
"""

from __future__ import annotations

import itertools
import math
import operator
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dispatch_gis.graph import Bools, Ints
from dispatch_gis.network import Network, Snaps
from dispatch_gis.plane import Floats, Plane
from hooks import Crew, CrewStatus, Means

_T = TypeVar("_T", bound=np.generic)

#: The means that have a network of their own; everything else drives.
MEANS = (Means.CAR, Means.BIKE, Means.FOOT)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What ranking asks of crews, one row to a crew, in the order given."""

    crews: Sequence[Crew]
    at_m: Floats  #: n × 2, metres east and north
    fixed_at: Floats  #: seconds since 1970; NaN: not said
    stale_s: Floats  #: how long a position stands for now; NaN: the town's rule
    sendable: Bools  #: free or of unknown status, and placed
    doubtful: Bools  #: of unknown status
    means: Ints  #: place in `MEANS`
    ids: Ints  #: a number for each crew's id, to tell one's own
    edges: Ints  #: street of one's own network; -1: none near
    along: Floats


def kind_of(means: Means) -> Means:
    """Say whose streets a crew takes."""
    return means if means in (Means.FOOT, Means.BIKE) else Means.CAR


class Muster:
    """Turns crews into a fleet, remembering the last one. Asked from any thread.

    Parameters
    ----------
    networks
        By means; the crews are snapped to them.
    """

    def __init__(self, networks: Mapping[Means, Network], plane: Plane) -> None:
        self._networks = networks
        self._plane = plane
        self._lock = threading.Lock()
        self._last = _empty()

    def fleet(self, crews: Sequence[Crew]) -> Fleet:
        """Give the fleet of these crews, in their order."""
        with self._lock:
            last = self._last
            known = last.crews
            if tuple(crews) == known:  # the same objects are told equal without being looked into
                return last
            size = len(crews)
            differ = map(operator.is_not, crews, known)
            changed = list(itertools.compress(range(size), differ))
            changed += range(len(known), size)
            if changed or size != len(known):
                self._last = last = self._renewed(last, crews, changed)
            return last

    def _renewed(self, last: Fleet, crews: Sequence[Crew], changed: Sequence[int]) -> Fleet:
        size = len(crews)
        fleet = Fleet(
            tuple(crews),
            at_m=_resized(last.at_m, size),
            fixed_at=_resized(last.fixed_at, size),
            stale_s=_resized(last.stale_s, size),
            sendable=_resized(last.sendable, size),
            doubtful=_resized(last.doubtful, size),
            means=_resized(last.means, size),
            ids=_resized(last.ids, size),
            edges=_resized(last.edges, size),
            along=_resized(last.along, size),
        )
        rows = np.array(changed, dtype=np.int64)
        if not len(rows):
            return fleet
        moved = [crews[row] for row in changed]
        places = [crew.position for crew in moved]
        lonlat = np.array([(p.lon, p.lat) if p else (math.nan, math.nan) for p in places])
        fleet.at_m[rows] = np.column_stack(self._plane.to_metres(lonlat[:, 0], lonlat[:, 1]))
        fleet.fixed_at[rows] = [
            p.fixed_at.timestamp() if p and p.fixed_at else math.nan for p in places
        ]
        fleet.stale_s[rows] = [crew.stale_after_s or math.nan for crew in moved]
        status = [crew.status for crew in moved]
        fleet.doubtful[rows] = [each is CrewStatus.UNKNOWN for each in status]
        fleet.sendable[rows] = [
            place is not None and each in (CrewStatus.FREE, CrewStatus.UNKNOWN)
            for place, each in zip(places, status, strict=True)
        ]
        fleet.means[rows] = [MEANS.index(kind_of(crew.means)) for crew in moved]
        fleet.ids[rows] = [hash(crew.id) for crew in moved]
        fleet.edges[rows] = -1
        for number, means in enumerate(MEANS):
            mine = rows[(fleet.means[rows] == number) & fleet.sendable[rows]]
            if len(mine) and means in self._networks:
                found: Snaps = self._networks[means].snap(fleet.at_m[mine])
                fleet.edges[mine], fleet.along[mine] = found.edges, found.along
        return fleet


def _resized(column: NDArray[_T], size: int) -> NDArray[_T]:
    other = np.zeros((size, *column.shape[1:]), dtype=column.dtype)
    kept = min(size, len(column))
    other[:kept] = column[:kept]
    return other


def _empty() -> Fleet:
    none = np.empty(0)
    whole = np.empty(0, dtype=np.int64)
    flag = np.empty(0, dtype=bool)
    return Fleet(
        (), at_m=np.empty((0, 2)), fixed_at=none, stale_s=none, sendable=flag, doubtful=flag,
        means=whole, ids=whole, edges=whole, along=none,
    )  # fmt: skip
