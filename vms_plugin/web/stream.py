"""Server-sent events: the whole state first, then each change within milliseconds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from vms_plugin.engine import Engine, Event
from vms_plugin.live import Relay
from vms_plugin.web import view

#: Without a change, the page hears the host's clock that often: silence is a broken link.
BEAT_S = 5.0


async def events(engine: Engine, relay: Relay, hello: dict[str, Any]) -> AsyncGenerator[str, None]:
    """Write the stream of one page until it goes away."""
    queue = engine.subscribe()
    try:
        yield _event("hello", hello)
        yield _event("state", view.state(engine, relay))
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), BEAT_S)
            except TimeoutError:
                yield _event("beat", {"now": view.millis(datetime.now(UTC))})
                continue
            yield _written(event, engine, relay)
    finally:
        engine.unsubscribe(queue)


def _written(event: Event, engine: Engine, relay: Relay) -> str:
    if event.kind == "picture" and event.picture is not None:
        return _event("picture", view.picture(event.picture, engine.say))
    if event.kind == "crews":
        return _event("crews", [view.crew(each, engine.say) for each in engine.crews()])
    if event.kind == "health":
        return _event("health", view.health(engine))
    if event.kind == "live" and event.incident is not None:
        status = relay.status.get(event.incident)
        said = {"incident": event.incident, "live": view.live(status, engine.say)}
        return _event("live", said)
    return _event("state", view.state(engine, relay))


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
