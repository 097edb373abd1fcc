"""Compare what the server lists with what its events told. Pure.

Picture fine, events silently dead: the most common failure of the trade. Pings do not find it,
for the socket lives; a stream that runs without its start having been told does.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

#: Sessions remembered as heard; past that, those that no longer run are forgotten.
REMEMBERED = 1000


class Watch:
    """One subscription's account of sessions heard, and listed."""

    def __init__(self) -> None:
        self._heard: set[str] = set()
        self._listed: AbstractSet[str] | None = None
        self._awaited: AbstractSet[str] = frozenset()

    def hear(self, session: str) -> None:
        """Note that an event spoke of a session."""
        self._heard.add(session)

    def unheard(self, listed: AbstractSet[str]) -> AbstractSet[str]:
        """Name the sessions whose start was not told, though they began under our eyes.

        A session counts at the second reading that lists it: its event had that long to come. What
        ran at the first reading began before we listened.
        """
        unheard = (self._awaited & listed) - self._heard
        began = listed - self._listed if self._listed is not None else frozenset()
        self._awaited = began - self._heard
        self._listed = listed
        if len(self._heard) > REMEMBERED:
            self._heard &= listed
        return unheard
