"""The door to the live picture: WHEP (RFC 9725), for those entitled, each view in the register.

A view ends with the activation, with the log-in and with the right: all three are looked at again
while it lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import IncidentId, Message
from vms_plugin.engine import Engine
from vms_plugin.live import Relay
from vms_plugin.live.viewer import NoViewError
from vms_plugin.register import Entry, Operation
from vms_plugin.rights import Right
from vms_plugin.web.accounts import Doorkeeper
from vms_plugin.web.doors import COOKIE, Doors

#: A browser's offer takes some 3 kB.
LARGEST_OFFER = 64 * 1024
#: How often a view that lasts is held against the rights of who watches.
AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Who watches what, for the register."""

    name: str
    incident: IncidentId
    address: str


class LiveDoor:
    """Opens and closes views."""

    def __init__(self, engine: Engine, relay: Relay, keeper: Doorkeeper) -> None:
        self._engine, self._relay, self._keeper = engine, relay, keeper
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self, doors: Doors) -> list[BaseRoute]:
        """List the endpoint, and the resource of each session."""
        session = "/whep/{incident:path}/session/{session}"
        return [
            Route(session, doors.to_change(self.close), methods=["DELETE"]),
            Route("/whep/{incident:path}", doors.to_change(self.open), methods=["POST"]),
        ]

    async def open(self, request: Request) -> Response:
        """Answer an offer; the view is in the register before the first picture leaves."""
        if Right.BODY_WORN not in await self._keeper.rights(request.state.user):
            return self._no(
                Message(text="The picture of a body-worn camera is for municipal police."), 403
            )
        offer = await _offer(request)
        if offer is None:
            return self._no(Message(text="The page asked something impossible: reload it."), 415)
        incident = IncidentId(request.path_params["incident"])
        address = request.client.host if request.client else ""
        watcher = _Watcher(request.state.user, incident, address)
        await self._note(watcher, "opened")
        try:
            session, answer = await self._relay.view(
                incident, offer, lambda: self._later(self._note(watcher, "closed"))
            )
        except NoViewError as error:
            return self._no(error.why, error.status)
        self._later(self._keep_watch(request.cookies.get(COOKIE), watcher, session))
        headers = {"Location": f"/whep/{incident}/session/{session}"}
        return Response(answer, 201, headers, media_type="application/sdp")

    async def close(self, request: Request) -> Response:
        """End a view."""
        incident = IncidentId(request.path_params["incident"])
        await self._relay.leave(incident, request.path_params["session"])
        return Response(status_code=200)  # gone already is gone

    async def _keep_watch(self, cookie: str | None, watcher: _Watcher, session: str) -> None:
        """Look again, while the view lasts, whether who watches may still."""
        while self._relay.watches(watcher.incident, session):
            await asyncio.sleep(AGAIN_S)
            here = await self._keeper.who(cookie) == watcher.name
            if not here or Right.BODY_WORN not in await self._keeper.rights(watcher.name):
                await self._relay.leave(watcher.incident, session)

    async def _note(self, watcher: _Watcher, what: str) -> None:
        say = self._engine.say
        picture = self._engine.pictures.get(watcher.incident)
        why = picture.title if picture else say("live picture of an activation")
        detail = {"view": what, "address": watcher.address}
        await self._engine.store.note(
            Entry(kind=Operation.CONSULTATION, who=watcher.name, what=watcher.incident, why=why,
                  detail=detail)
        )  # fmt: skip

    def _no(self, why: Message, status: int) -> Response:
        headers = {"Retry-After": "5"} if status == 503 else None
        return JSONResponse({"error": self._engine.say.message(why)}, status, headers)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _offer(request: Request) -> str | None:
    """Read an offer; None for what is none, or is far too large."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/sdp":
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_OFFER:
            return None
    return body.decode("utf-8", "replace")
