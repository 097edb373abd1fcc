"""The streets as they are now: a network for each means, without what is closed at the time."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from dispatch_gis.fleet import MEANS, Muster
from dispatch_gis.network import Network
from dispatch_gis.plane import Plane
from dispatch_gis.town import Closure, Town
from hooks import Means

Networks = Mapping[Means, Network]


class Roads:
    """The networks of a town. Asked from any thread.

    Parameters
    ----------
    factor
        Speed of a priority vehicle over the posted one.
    closures
        What staff have closed; the networks change at the hours they say.
    """

    def __init__(
        self, town: Town, plane: Plane, *, factor: float, closures: Sequence[Closure] = ()
    ) -> None:
        self._plane = plane
        self.factor = factor
        self._whole: Networks = {
            means: Network(
                town.streets,
                means,
                plane,
                turns=town.turns,
                factor=factor if means is Means.CAR else 1.0,
            )
            for means in MEANS
        }
        self._closures: tuple[Closure, ...] = tuple(closures)
        self._lock = threading.Lock()
        self._active: tuple[Closure, ...] = ()
        self._now: tuple[Networks, Muster] = (self._whole, Muster(self._whole, plane))
        #: What is made ready: with which closures.
        self._coming: tuple[tuple[Closure, ...], tuple[Networks, Muster]] = ((), self._now)

    def with_closures(self, closures: Sequence[Closure]) -> Roads:
        """Give the same streets with other closures, at once: nothing is built anew."""
        other = Roads.__new__(Roads)
        other._plane, other.factor, other._whole = self._plane, self.factor, self._whole
        other._closures = tuple(closures)
        other._lock = threading.Lock()
        other._active = ()
        other._now = (self._whole, Muster(self._whole, self._plane))
        other._coming = (other._active, other._now)
        return other

    def at(self, at: datetime) -> tuple[Networks, Muster]:
        """Give the networks in force, and the crews' places on them."""
        active = self._closed_at(at)
        with self._lock:
            if active != self._active:
                coming, found = self._coming
                self._now = found if coming == active else self._without(active)
                self._active = active
            return self._now

    def prepare(self, at: datetime) -> None:
        """Build beforehand what will be in force then: nobody waits for it when it comes."""
        active = self._closed_at(at)
        if active not in (self._active, self._coming[0]):
            self._coming = (active, self._without(active))

    def _closed_at(self, at: datetime) -> tuple[Closure, ...]:
        return tuple(each for each in self._closures if each.active(at))

    def _without(self, closures: Sequence[Closure]) -> tuple[Networks, Muster]:
        networks = {
            means: network.closed(closures)
            if any(means in each.means for each in closures)
            else network
            for means, network in self._whole.items()
        }
        return networks, Muster(networks, self._plane)


def nowhere(plane: Plane) -> tuple[Networks, Muster]:
    """Give the networks of a place where no street is known."""
    return {}, Muster({}, plane)
