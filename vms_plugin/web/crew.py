"""A crew's own page, on a phone: where to go, by which way, what it says of itself, what he films.

The link is the key (`crew_links`): every request is held against it again. The picture is there
only while the crew is engaged and the activation runs (CSI R241-12 II 3°), and each look at it is
in the register. The phone's own position is not taken.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from hooks import CrewFix, CrewStatus, FactId, Message, Phase
from vms_plugin.engine import Engine
from vms_plugin.events import Follower
from vms_plugin.incident import Engaged, Incident
from vms_plugin.live import Relay
from vms_plugin.live.relay import NO_PICTURE, UNWRITTEN
from vms_plugin.live.viewer import NoViewError
from vms_plugin.register import Entry, Operation
from vms_plugin.rights import Person, Right, picture_for
from vms_plugin.viewings import new_name
from vms_plugin.web import view
from vms_plugin.web.doors import OTHER_PAGE, same_origin
from vms_plugin.web.live import AGAIN_S, read_offer
from vms_plugin.web.stream import HEADERS
from vms_plugin.web.words import CREW_WORDS

#: What a crew may know of an incident: the alert, nobody's name, no camera of the town.
CREW = Person(name="", rights=frozenset({Right.ALERTS}))
STATUSES = {"en_route": CrewStatus.EN_ROUTE, "on_scene": CrewStatus.ON_SCENE}
#: The page hears something at least that often: silence is a broken link.
BEAT_S = 5.0

Draw = Callable[[int, int, int, str], bytes]
_Own = Callable[[Request, Incident, Engaged], Awaitable[Response]]


class CrewDoor:
    """Opens to whoever holds a link that still holds."""

    def __init__(self, engine: Engine, relay: Relay, templates: Environment, draw: Draw) -> None:
        self._engine, self._relay, self._say = engine, relay, engine.say
        self._template = templates.get_template("crew.html")
        self._tasks: set[asyncio.Task[None]] = set()
        self._draw = draw

    def routes(self) -> list[BaseRoute]:
        """List the page, and what it asks for; all of it under its token."""
        own = "/e/{token}"
        return [
            Route(own, self.page),
            Route(own + "/stream", self._held(self.stream)),
            Route(own + "/status", self._held(self.status), methods=["POST"]),
            Route(own + "/whep", self._held(self.watch), methods=["POST"]),
            Route(own + "/whep/{session}", self._held(self.leave), methods=["DELETE"]),
            Route(own + "/map/{theme}/{z:int}/{x:int}/{y:int}.svg", self._held(self.tile)),
        ]

    def _order(self, token: str) -> tuple[Incident, Engaged] | None:
        links, incidents = self._engine.dispatch.links, self._engine.board.incidents.values()
        return links.find(token, incidents, datetime.now(UTC))

    def _held(self, answer: _Own) -> Callable[[Request], Awaitable[Response]]:
        """Answer only while the order stands; what changes something, only to our own page."""

        async def checked(request: Request) -> Response:
            found = self._order(request.path_params["token"])
            if found is None:
                return JSONResponse({"error": self._say("This link is no longer valid.")}, 410)
            if request.method != "GET" and not same_origin(request):
                return JSONResponse({"error": self._say(OTHER_PAGE)}, 403)
            return await answer(request, *found)

        return checked

    # --- reading ---

    async def page(self, request: Request) -> Response:
        """Give the page; to a link that holds no longer, a sentence."""
        found = self._order(request.path_params["token"])
        words = {name: self._say(text) for name, text in CREW_WORDS.items()}
        page = self._template.render(say=self._say, words=words, over=found is None)
        # The address is the key: it goes nowhere, and no index keeps it.
        headers = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
        return HTMLResponse(page, 200 if found else 410, headers)

    async def stream(self, request: Request, incident: Incident, order: Engaged) -> Response:
        """Tell the page everything, and again at each change, while the order stands."""
        await self._engine.viewings.note(self._entry(request, order, {"page": "opened"}))
        token = request.path_params["token"]
        told = self._told(token)
        return StreamingResponse(told, headers=HEADERS, media_type="text/event-stream")

    async def _told(self, token: str) -> AsyncGenerator[str, None]:
        follower, last = self._engine.subscribe(), ""
        try:
            while (found := self._order(token)) is not None:
                text = json.dumps(self._state(*found), ensure_ascii=False)
                yield f"event: beat\ndata: {view.millis(datetime.now(UTC))}\n\n"
                if text != last:
                    last = text
                    yield f"event: state\ndata: {text}\n\n"
                await self._stirred(follower)
            yield "event: over\ndata: null\n\n"
        finally:
            self._engine.unsubscribe(follower)

    async def _stirred(self, follower: Follower) -> None:
        """Wait for a change, or a while; what comes together is told together."""
        try:
            async with asyncio.timeout(BEAT_S):
                await follower.get()
        except TimeoutError:
            return
        follower.clear()

    def _state(self, incident: Incident, order: Engaged) -> dict[str, Any]:
        engine, say = self._engine, self._say
        picture = engine.pictures.get(incident.id)
        if picture is None:
            return {"who": "", "live": None}
        told = view.picture(picture_for(picture, CREW), say)
        [ours] = [each for each in told["crews"] if each["id"] == order.crew] or [{}]
        status = incident.progress(order.crew)
        source = self._relay.officer(incident.id) if engine.settings.crew_live else None
        live = self._relay.status.get(source) if source is not None else None
        kept = ("who", "title", "where", "near", "position", "lastKnown", "placedBy", "trail",
                "exercise", "ended", "linkUp")  # fmt: skip
        return {
            **{name: told[name] for name in kept},
            "crew": ours.get("name") or order.crew.partition(":")[2],
            "route": ours.get("route", []),
            "time": ours.get("time", ""),
            "distance": ours.get("distance", ""),
            "status": status.value if status else "told",
            "live": view.live(live, say),
        }

    async def tile(self, request: Request, _incident: Incident, _order: Engaged) -> Response:
        """Give a tile of the base map."""
        z, x, y = (int(request.path_params[name]) for name in "zxy")
        try:
            drawn = await asyncio.to_thread(self._draw, z, x, y, request.path_params["theme"])
        except LookupError:
            return Response(status_code=204)  # no town yet
        except ValueError:
            return Response(status_code=404)
        headers = {"Cache-Control": "private, max-age=3600"}
        return Response(drawn, media_type="image/svg+xml", headers=headers)

    # --- saying ---

    async def status(self, request: Request, _incident: Incident, order: Engaged) -> Response:
        """Take what the crew says of itself: on the way, on the scene."""
        try:
            said = STATUSES[(await request.json())["status"]]
        except (KeyError, TypeError, ValueError):
            return JSONResponse({"error": self._say("The page asked something impossible: "
                                                    "reload it.")}, 400)  # fmt: skip
        now = datetime.now(UTC)
        fact = CrewFix(id=FactId(f"renfort:{uuid4()}"), at=now, crew=order.crew, status=said)
        await self._engine.hear([fact], now)
        return Response(status_code=204)

    # --- watching ---

    async def watch(self, request: Request, incident: Incident, order: Engaged) -> Response:
        """Answer an offer (WHEP); the view is in the register before the first picture leaves."""
        offer = await read_offer(request)
        if offer is None:
            return self._no(Message(text="The page asked something impossible: reload it."), 415)
        source = self._relay.officer(incident.id) if self._engine.settings.crew_live else None
        if source is None or incident.phase is Phase.CLOSED:
            return self._no(NO_PICTURE, 404)
        token, viewing = request.path_params["token"], new_name()
        viewings = self._engine.viewings
        try:
            await viewings.open(viewing, self._entry(request, order, {}))
            session, answer = await self._relay.view(
                source, incident.id, offer, lambda: viewings.close(viewing), token
            )
        except NoViewError as error:
            return self._no(error.why, error.status)
        except sqlite3.Error:
            return self._no(UNWRITTEN, 503)
        except BaseException:
            viewings.close(viewing)
            raise
        self._later(self._keep_watch(token, session))
        headers = {"Location": f"/e/{token}/whep/{session}"}
        return Response(answer, 201, headers, media_type="application/sdp")

    async def leave(self, request: Request, _incident: Incident, _order: Engaged) -> Response:
        """End a view."""
        await self._relay.leave(request.path_params["session"])
        return Response(status_code=200)

    async def _keep_watch(self, token: str, session: str) -> None:
        """End the view with the order: the crew was called back, or the incident closed."""
        while self._relay.watches(session):
            await asyncio.sleep(AGAIN_S)
            if self._order(token) is None:
                await self._relay.leave(session)

    def _entry(self, request: Request, order: Engaged, detail: dict[str, str]) -> Entry:
        picture = self._engine.pictures.get(order.incident)
        card = self._engine.board.crews.get(order.crew)
        members = ", ".join(card.crew.members) if card else ""
        address = request.client.host if request.client else ""
        detail = {**detail, "address": address, **({"members": members} if members else {})}
        return Entry(kind=Operation.CONSULTATION, who=order.crew, what=order.incident,
                     why=picture.title if picture else "", detail=detail)  # fmt: skip

    def _no(self, why: Message, status: int) -> Response:
        return JSONResponse({"error": self._say.message(why)}, status)

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
