"""The application: the page, its stream, its decisions, its map."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from hooks import CrewId, IncidentId
from vms_plugin.engine import Engine, UnknownIncidentError
from vms_plugin.live import Relay
from vms_plugin.web import intake, stream, view
from vms_plugin.web.accounts import IDLE, Doorkeeper
from vms_plugin.web.doors import COOKIE, Doors, Envelop, same_origin
from vms_plugin.web.live import LiveDoor
from vms_plugin.web.words import WORDS

#: Tiles kept drawn: a town at the usual zooms.
TILES = 2000


def build(engine: Engine, relay: Relay) -> ASGIApp:
    """Build the application around a running engine and its live pictures."""
    page = _Page(engine, relay)
    doors = page.doors
    routes = [
        Route("/", doors.to_read(page.home)),
        Route("/login", page.login, methods=["GET", "POST"]),
        Route("/logout", doors.to_change(page.logout), methods=["POST"]),
        Route("/stream", doors.to_read(page.stream)),
        Route("/api/state", doors.to_read(page.state)),
        Route("/api/stages/{incident:path}", doors.to_read(page.stages)),
        Route("/api/decide", doors.to_change(page.decide), methods=["POST"]),
        Route("/map/{theme}/{z:int}/{x:int}/{y:int}.svg", doors.to_read(page.tile)),
        *page.live.routes(doors),
        Route("/health", page.health),
        Mount("/static", StaticFiles(directory=str(files("vms_plugin").joinpath("static")))),
        *intake.routes(engine),
    ]
    settings = engine.settings
    # Without a certificate we serve this machine alone, and know all the names it goes by.
    local = settings.certificate is None
    hosts = {"127.0.0.1", "localhost", "::1", settings.host} if local else set()
    return Envelop(Starlette(routes=routes), hosts)


class _Page:
    def __init__(self, engine: Engine, relay: Relay) -> None:
        self._engine, self._relay = engine, relay
        self._keeper = Doorkeeper(engine.store)
        self.live = LiveDoor(engine, relay, self._keeper)
        self.doors = Doors(self._keeper)
        self._templates = Environment(
            loader=PackageLoader("vms_plugin"), autoescape=True, trim_blocks=True
        )
        self._draw = lru_cache(TILES)(self._drawn)
        self._say = engine.say

    # --- people ---

    async def login(self, request: Request) -> Response:
        if request.method == "GET":
            return self._login_page("")
        form = await request.form()
        name, password = str(form.get("name", "")), str(form.get("password", ""))
        address = request.client.host if request.client else ""
        if not same_origin(request):
            return self._login_page("", 403)
        if self._keeper.waits(name, address):
            return self._login_page(self._say("Too many wrong passwords: wait five minutes."), 429)
        token = await self._keeper.enter(name, password, address)
        if token is None:
            return self._login_page(self._say("Wrong name or password."), 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE, token, max_age=int(IDLE.total_seconds()), httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    def _login_page(self, fault: str, status: int = 200) -> Response:
        template = self._templates.get_template("login.html")
        return HTMLResponse(template.render(say=self._say, fault=fault), status)

    async def logout(self, request: Request) -> Response:
        await self._keeper.leave(request.cookies.get(COOKIE, ""))
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE)
        return answer

    # --- reading ---

    async def home(self, request: Request) -> Response:
        words = {name: self._say(text) for name, text in WORDS.items()}
        template = self._templates.get_template("page.html")
        page = template.render(say=self._say, words=words, user=request.state.user)
        return HTMLResponse(page)

    async def stream(self, request: Request) -> Response:
        rights = await self._keeper.rights(request.state.user)
        hello = {
            "user": request.state.user,
            "token": self.doors.forgery_token(request),
            "rights": sorted(rights),
        }
        told = stream.events(self._engine, self._relay, hello)
        return StreamingResponse(told, media_type="text/event-stream")

    async def state(self, request: Request) -> Response:
        token = self.doors.forgery_token(request)
        return JSONResponse({**view.state(self._engine, self._relay), "token": token})

    async def stages(self, request: Request) -> Response:
        stages = self._engine.stages.get(IncidentId(request.path_params["incident"]))
        if stages is None:
            return JSONResponse({}, 404)
        return JSONResponse({name: at.isoformat() for name, at in stages.at.items()})

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def tile(self, request: Request) -> Response:
        z, x, y = (int(request.path_params[name]) for name in "zxy")
        try:
            drawn = await asyncio.to_thread(self._draw, z, x, y, request.path_params["theme"])
        except LookupError:
            return Response(status_code=204)  # no town yet: nothing to keep
        except ValueError:
            return Response(status_code=404)
        headers = {"Cache-Control": "private, max-age=3600"}
        return Response(drawn, media_type="image/svg+xml", headers=headers)

    def _drawn(self, z: int, x: int, y: int, theme: str) -> bytes:
        drawn = self._engine.atlas.tile(z, x, y, theme)
        if drawn is None:
            raise LookupError("no town")
        return drawn

    # --- deciding ---

    async def decide(self, request: Request) -> Response:
        """Record what an operator decides: `{decision, incident, …}`."""
        try:
            asked = await request.json()
            await self._decided(asked, request.state.user)
        except UnknownIncidentError:
            return self._refused(self._say("This incident is closed."), 409)
        except (ValueError, TypeError, KeyError):
            return self._refused(self._say("The page asked something impossible: reload it."), 400)
        return Response(status_code=204)

    async def _decided(self, asked: dict[str, object], by: str) -> None:
        engine, incident = self._engine, IncidentId(str(asked["incident"]))
        match asked["decision"]:
            case "take":
                await engine.take_in_charge(incident, by)
            case "engage":
                await engine.engage(incident, CrewId(str(asked["crew"])), by)
            case "release":
                await engine.release(incident, CrewId(str(asked["crew"])), by)
            case "place":
                lon, lat = float(str(asked["lon"])), float(str(asked["lat"]))
                await engine.place(incident, lon, lat, by)
            case "close":
                await engine.close(incident, by, str(asked["outcome"])[:500])
            case _:
                raise ValueError(asked["decision"])

    def _refused(self, sentence: str, status: int) -> Response:
        return JSONResponse({"error": sentence}, status)
