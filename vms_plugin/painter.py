"""Draw what changed, show it, make it durable, tell it. A press goes before any refresh."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from dispatch_gis.choice import TILES
from hooks import IncidentId, Phase, Picture
from vms_plugin.picture import compose

if TYPE_CHECKING:
    from vms_plugin.engine import Engine

#: After a refresh it rests so many times as long as that took: fifty alerts that grow older while
#: crews drive leave the time to the press that comes, and to the pages that are told of them.
RESTS = 3.0


class Painter:
    """Keeps every picture up to date. On the host's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._now: set[IncidentId] = set()
        self._soon: set[IncidentId] = set()
        self._stirred = asyncio.Event()

    def want(self, names: Iterable[IncidentId]) -> None:
        """Have these drawn now: something was told of them."""
        self._now.update(names)
        if self._now:
            self._stirred.set()

    def refresh(self, names: Iterable[IncidentId]) -> None:
        """Have these drawn when there is time: what is around them moved, or they grew older."""
        self._soon.update(names)

    def wake(self) -> None:
        """Begin with what is to be refreshed."""
        if self._soon:
            self._stirred.set()

    async def run(self) -> None:
        """Draw until cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            # One at a time, unless they are new: a press does not wait for fifty others, even when
            # all of these have grown louder at once.
            while self._now:
                pressed = sorted(self._now - self._engine.pictures.keys()) or [min(self._now)]
                self._now.difference_update(pressed)
                await self._painted(pressed)
                await asyncio.sleep(0)  # what did not change is not waited for, a press must be
            while self._soon and not self._now:
                began = monotonic()
                await self._painted([self._soon.pop()])
                await self._rest(RESTS * (monotonic() - began))

    async def _rest(self, rest_s: float) -> None:
        """Rest, or until a press."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                while not self._now:
                    await self._stirred.wait()
                    if not self._now:
                        self._stirred.clear()

    async def _painted(self, names: Sequence[IncidentId]) -> None:
        drawn = [picture for name in names if (picture := self._draw(name))]
        if not drawn:
            return
        # The pages first: what they show stands on facts that are durable. A VMS is asked for
        # something only once a crash cannot make us forget that we did.
        for picture in drawn:
            self._engine.show(picture)
        await self._engine.store.keep_pictures(drawn)
        for picture in drawn:
            self._engine.deliver(picture)

    def _draw(self, name: IncidentId) -> Picture | None:
        """Draw one picture; None when it is the one already shown."""
        engine = self._engine
        incident = engine.board.incidents.get(name)
        if incident is None:
            return None
        before = engine.pictures.get(name)
        if before is not None and before.phase is Phase.CLOSED:
            return None  # the last picture of an incident is the one it was closed with
        whereabouts = engine.board.whereabouts(incident)
        wearer = engine.roster.wearer(incident.device, incident.opened_at)
        picture = compose(
            incident,
            whereabouts=whereabouts,
            situation=engine.atlas.situate(
                incident,
                whereabouts[0],
                engine.board.crews_for(incident),
                datetime.now(UTC),
                wearer,
                shown=[each.camera.id for each in before.situation.sightings[:TILES]]
                if before
                else (),
            ),
            wearer=wearer,
            language=engine.say,
            version=before.version if before else 1,
        )
        if picture == before:
            return None
        return replace(picture, version=before.version + 1) if before else picture
