"""What the pages show at once, and what each still has to be told. Pure, but for the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooks import Aim, IncidentId, Picture

if TYPE_CHECKING:
    from vms_plugin.live.source import Source


@dataclass(frozen=True, slots=True)
class Event:
    """Something the page shows at once."""

    #: "picture", "told", "crews", "health", "live", "cctv", "territory", "aimed", "log", "gone"
    kind: str
    picture: Picture | None = None
    incident: IncidentId | None = None
    aim: Aim | None = None
    source: Source | None = None  #: whose live picture it is about

    @property
    def about(self) -> Hashable:
        """What it tells the newest word of: the one before, if it still waits, serves nobody."""
        incident = self.picture.incident if self.picture else self.incident
        return self.kind, incident, self.source, self.aim.camera if self.aim else None


class Follower:
    """What one page still has to be told: of each thing the newest word, however slow its link is.

    Nothing is ever left out, and no more waits than there are things to tell of.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, Event] = {}
        self._stirred = asyncio.Event()

    def put(self, event: Event) -> None:
        """Have it told, in the place of the word before."""
        self._waiting[event.about] = event
        self._stirred.set()

    async def get(self) -> Event:
        """Wait for something to tell; that which has waited longest."""
        while not self._waiting:
            self._stirred.clear()
            await self._stirred.wait()
        return self._waiting.pop(next(iter(self._waiting)))

    def clear(self) -> list[Event]:
        """Give all that waits, and leave nothing."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        return waiting
