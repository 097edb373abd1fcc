"""Server-sent events: the whole state first, then each change within milliseconds.

Each page is written what its reader may know, and asked again who that is while it lasts.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from hooks import IncidentId
from vms_plugin.engine import Engine
from vms_plugin.events import Event, Follower
from vms_plugin.live import Relay
from vms_plugin.rights import Person, Right, Sight, picture_for
from vms_plugin.web import view

#: Without a change, the page hears the host's clock that often: silence is a broken link.
BEAT_S = 5.0
#: Events kept written: twenty pages that follow read the same few, not twenty times each.
WRITTEN_MOST = 64
#: How often a stream that lasts is held against the rights of who reads it.
AGAIN_S = 2.0
#: How long an event waits for that. Longer when the disk is slow: events then go on as they were,
#: else each would wait for a look of its own, and an alert behind all of them.
LOOK_S = 0.02

#: A proxy in between (nginx) passes each event on at once, else it keeps them to itself.
HEADERS = {"X-Accel-Buffering": "no"}

Greet = Callable[[Person], dict[str, Any]]
Again = Callable[[], Coroutine[Any, Any, Person | None]]


class Scribe:
    """Writes each event once for all who may know as much of it, however many follow."""

    def __init__(self, engine: Engine, relay: Relay) -> None:
        self._engine, self._relay = engine, relay
        self._last: deque[tuple[Event, Sight, str]] = deque(maxlen=WRITTEN_MOST)

    async def events(self, person: Person, greet: Greet, again: Again) -> AsyncGenerator[str, None]:
        """Write the stream of one page until it goes away, or its reader may read no longer."""
        follower = self._engine.subscribe()
        looked = monotonic()
        looking: asyncio.Future[Person | None] | None = None
        try:
            for text in self._whole(person, greet):
                yield text
            while True:
                event = await _next(follower)
                if looking is None and monotonic() - looked >= AGAIN_S:
                    looked, looking = monotonic(), asyncio.ensure_future(again())
                    await asyncio.wait({looking}, timeout=LOOK_S)
                if looking is not None and looking.done():
                    now, looking = looking.result(), None
                    if now is None:
                        yield _event("over", {})
                        return
                    if now != person:
                        person = now
                        for text in self._whole(person, greet):
                            yield text
                        continue
                if event is None:
                    yield _event("beat", {"now": view.millis(datetime.now(UTC))})
                elif self._concerns(event, person):
                    yield self.written(event, person)
        finally:
            self._engine.unsubscribe(follower)
            if looking is not None:
                looking.cancel()

    def _whole(self, person: Person, greet: Greet) -> tuple[str, str]:
        state = view.state(self._engine, self._relay, person)
        return _event("hello", greet(person)), _event("state", state)

    def _concerns(self, event: Event, person: Person) -> bool:
        """Whether an event is for this reader: of an incident, or a camera, that is his."""
        name = event.picture.incident if event.picture else event.incident
        if event.kind == "cctv" and event.source is not None:
            return event.source.open_to(person)
        if name is None:
            return True
        if event.kind == "gone":
            return person.may(Right.ALERTS)
        picture = event.picture or self._engine.pictures.get(IncidentId(name))
        return picture is not None and view.concerns(self._engine, picture, person)

    def written(self, event: Event, person: Person) -> str:
        """Write an event, or find it written: it is the very same object for every follower."""
        for known, sight, text in reversed(self._last):
            if known is event and sight == person.sight:
                return text
        text = self._write(event, person)
        self._last.append((event, person.sight, text))
        return text

    def _write(self, event: Event, person: Person) -> str:
        if event.kind == "crews":
            return _event("crews", view.crews(self._engine, person))
        if event.kind == "health":
            return _event("health", view.health_for(self._engine, person))
        said = self._about(event, person)
        if said is not None:
            return _event(event.kind, said)
        return _event("state", view.state(self._engine, self._relay, person))

    def _about(self, event: Event, person: Person) -> dict[str, Any] | None:
        """Write what an event tells of one incident; None when it is about everything."""
        engine, incident = self._engine, event.incident
        if event.kind == "picture" and event.picture is not None:
            said = view.picture(picture_for(event.picture, person), engine.say)
            return {**said, "told": view.told(engine, event.picture.incident)}
        if event.kind == "told" and incident is not None:
            return {"incident": incident, "told": view.told(engine, incident)}
        if event.kind in ("log", "gone") and incident is not None:
            return {"incident": incident}
        if event.kind in ("live", "cctv") and event.source is not None:
            status = view.live(self._relay.status.get(event.source), engine.say)
            named = "incident" if event.kind == "live" else "camera"
            return {named: event.source.name, event.kind: status}
        if event.kind == "aimed" and event.aim is not None:
            return view.aimed(incident, event.aim, engine.say)
        return None


async def _next(follower: Follower) -> Event | None:
    """Wait for an event; None when nothing happens for a while."""
    try:
        async with asyncio.timeout(BEAT_S):
            return await follower.get()
    except TimeoutError:
        return None


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
