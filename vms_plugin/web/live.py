"""The door to live pictures: WHEP (RFC 9725), for those entitled, each view in the register.

A view ends with what it is for (the activation, the incident), with the log-in and with the right:
they are looked at again while it lasts.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import CameraId, IncidentId, Message, Phase
from vms_plugin.engine import Engine
from vms_plugin.live import Relay
from vms_plugin.live.relay import NO_PICTURE, OVER, UNWRITTEN
from vms_plugin.live.source import Source
from vms_plugin.live.viewer import NoViewError
from vms_plugin.register import Entry, Operation
from vms_plugin.rights import Person, Right
from vms_plugin.viewings import new_name
from vms_plugin.web import view
from vms_plugin.web.accounts import Doorkeeper
from vms_plugin.web.doors import COOKIE, Doors

#: A browser's offer takes some 3 kB.
LARGEST_OFFER = 64 * 1024
#: How often a view that lasts is held against the rights of who watches.
AGAIN_S = 1.0
OTHERS = Message(text="This alert is of another commune.")


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Who watches what, for which incident: for the register."""

    name: str
    source: Source
    incident: IncidentId
    address: str


class LiveDoor:
    """Opens and closes views, an officer's picture and a town's camera alike."""

    def __init__(self, engine: Engine, relay: Relay, keeper: Doorkeeper) -> None:
        self._engine, self._relay, self._keeper = engine, relay, keeper
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self, doors: Doors) -> list[BaseRoute]:
        """List the endpoints, and the resource of each session."""
        return [
            Route("/whep/session/{session}", doors.to_change(self.close, Right.PAGE),
                  methods=["DELETE"]),
            Route("/whep/camera/{camera:path}", doors.to_change(self.open_camera, Right.CCTV),
                  methods=["POST"]),
            Route("/whep/{incident:path}", doors.to_change(self.open_officer, Right.BODY_WORN),
                  methods=["POST"]),
        ]  # fmt: skip

    async def open_officer(self, request: Request) -> Response:
        """Answer an offer to watch an officer's picture."""
        incident = IncidentId(request.path_params["incident"])
        return await self._open(request, incident, self._relay.officer(incident))

    async def open_camera(self, request: Request) -> Response:
        """Answer an offer to watch a fixed camera, for the incident `?incident=…`."""
        incident = IncidentId(request.query_params.get("incident", ""))
        camera = CameraId(request.path_params["camera"])
        return await self._open(request, incident, self._relay.camera(incident, camera))

    async def _open(
        self, request: Request, incident: IncidentId, source: Source | None
    ) -> Response:
        """Open a view: it is in the register before the first picture leaves."""
        person, viewings = request.state.person, self._engine.viewings
        offer = await read_offer(request)
        if offer is None:
            return self._no(Message(text="The page asked something impossible: reload it."), 415)
        if source is None:
            return self._no(*self._nothing(incident, person))
        if (why := self._shut(incident, source, person)) is not None:
            return self._no(why, 403)
        address = request.client.host if request.client else ""
        watcher = _Watcher(person.name, source, incident, address)
        viewing = new_name()
        cookie = request.cookies.get(COOKIE, "")
        page = f"{cookie} {request.headers.get('x-renfort-page', '')[:64]}"
        try:
            await viewings.open(viewing, self._entry(watcher))
            session, answer = await self._relay.view(
                source, incident, offer, lambda: viewings.close(viewing), page
            )
        except NoViewError as error:
            return self._no(error.why, error.status)
        except sqlite3.Error:
            return self._no(UNWRITTEN, 503)
        except BaseException:
            viewings.close(viewing)
            raise
        self._later(self._keep_watch(cookie, watcher, session))
        headers = {"Location": f"/whep/session/{session}"}
        return Response(answer, 201, headers, media_type="application/sdp")

    def _shut(self, incident: IncidentId, source: Source, person: Person) -> Message | None:
        """Say why somebody may not watch; None: he may."""
        picture = self._engine.pictures.get(incident)
        if picture is not None and not view.concerns(self._engine, picture, person):
            return OTHERS
        if not source.open_to(person):
            return Message(text="This camera is of another commune.")
        return None

    def _nothing(self, incident: IncidentId, person: Person) -> tuple[Message, int]:
        """Say why there is nothing to watch; of others' alerts, nothing but that."""
        picture = self._engine.pictures.get(incident)
        if picture is not None and not view.concerns(self._engine, picture, person):
            return OTHERS, 403
        return OVER if picture is None or picture.phase is Phase.CLOSED else NO_PICTURE, 404

    async def close(self, request: Request) -> Response:
        """End a view."""
        await self._relay.leave(request.path_params["session"])
        return Response(status_code=200)  # gone already is gone

    async def _keep_watch(self, cookie: str, watcher: _Watcher, session: str) -> None:
        """Look again, while the view lasts, whether who watches may still."""
        while self._relay.watches(session):
            await asyncio.sleep(AGAIN_S)
            try:
                person = await self._keeper.person(cookie, touch=False)
            except sqlite3.Error:
                continue  # nobody lost a right by that: he is looked at again
            if person is None or self._shut(watcher.incident, watcher.source, person):
                await self._relay.leave(session)

    def _entry(self, watcher: _Watcher) -> Entry:
        say, source = self._engine.say, watcher.source
        picture = self._engine.pictures.get(watcher.incident)
        why = picture.title if picture else say("live picture of an activation")
        detail = {"address": watcher.address}
        if source.name != watcher.incident:
            detail["incident"] = watcher.incident
        return Entry(kind=Operation.CONSULTATION, who=watcher.name, what=source.name, why=why,
                     detail=detail)  # fmt: skip

    def _no(self, why: Message, status: int) -> Response:
        headers = {"Retry-After": "5"} if status == 503 else None
        return JSONResponse({"error": self._engine.say.message(why)}, status, headers)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def read_offer(request: Request) -> str | None:
    """Read an offer; None for what is none, or is far too large."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/sdp":
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_OFFER:
            return None
    return body.decode("utf-8", "replace")
