"""The application: the page, its stream, its decisions, its map."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from hooks import CameraId, IncidentId
from vms_plugin.engine import Engine
from vms_plugin.i18n import Language
from vms_plugin.live import Relay
from vms_plugin.rights import Person, Right
from vms_plugin.web import intake, outlet, stream, view
from vms_plugin.web.accounts import Doorkeeper
from vms_plugin.web.crew import CrewDoor
from vms_plugin.web.decisions import DecisionDoor
from vms_plugin.web.doors import (
    COOKIE,
    HOME,
    OTHER_PAGE,
    Doors,
    Envelop,
    keep,
    page_of,
    same_origin,
)
from vms_plugin.web.exercise import ExerciseDoor
from vms_plugin.web.live import LiveDoor
from vms_plugin.web.logs import LogDoor
from vms_plugin.web.oidc import OidcDoor
from vms_plugin.web.recordings import RecordingDoor
from vms_plugin.web.words import WORDS


def _(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


#: A screen that was shown out shows no alert any more, and must not look as if there were none.
OVER = _("The session is over: alerts are no longer shown on this screen.")
NOTHING_HERE = _("There is nothing at this address.")
TROUBLE = _("Renfort could not do that: its log on the server says why.")
#: Tiles kept drawn: a town at the usual zooms.
TILES = 2000


def build(engine: Engine, relay: Relay) -> ASGIApp:
    """Build the application around a running engine and its live pictures."""
    page = _Page(engine, relay)
    doors = page.doors
    routes = [
        Route("/", doors.to_read(page.home, Right.PAGE)),
        Route("/mur", doors.to_read(page.wall, Right.PAGE)),
        Route("/login", page.login, methods=["GET", "POST"]),
        Route("/logout", doors.to_change(page.logout, Right.PAGE), methods=["POST"]),
        Route("/stream", doors.to_read(page.stream, Right.PAGE)),
        Route("/api/state", doors.to_read(page.state, Right.PAGE)),
        Route("/api/areas/{camera:path}", doors.to_read(page.area, Right.CCTV)),
        Route("/api/stages/{incident:path}", doors.to_read(page.stages, Right.HEALTH)),
        *DecisionDoor(engine).routes(doors),
        Route("/map/{theme}/{z:int}/{x:int}/{y:int}.svg", doors.to_read(page.tile, Right.MAP)),
        *page.live.routes(doors),
        *LogDoor(engine).routes(doors),
        *RecordingDoor(engine).routes(doors),
        *page.crew.routes(),
        *ExerciseDoor(engine).routes(doors),
        *page.oidc.routes(),
        Route("/health", page.health),
        Mount("/static", StaticFiles(directory=str(files("vms_plugin").joinpath("static")))),
        *intake.routes(engine),
        *outlet.routes(engine),
    ]
    settings = engine.settings
    # Without a certificate we serve this machine alone, and know all the names it goes by.
    local = settings.certificate is None
    known = {"127.0.0.1", "localhost", "::1", settings.host}
    known |= {urlsplit(settings.public_url).hostname or settings.host}
    hosts = known if local else set()
    app = Starlette(routes=routes, exception_handlers=_last_words(engine.say))
    return Envelop(app, hosts, engine.say)


def _last_words(say: Language) -> dict[Any, Any]:
    """Say in the room's language what the server library says in its own."""

    def word(text: str, status: int) -> Callable[[Request, Exception], Response]:
        return lambda _request, _error: PlainTextResponse(say(text), status)

    return {
        404: word(NOTHING_HERE, 404),
        405: word(NOTHING_HERE, 405),
        500: word(TROUBLE, 500),
    }


class _Page:
    def __init__(self, engine: Engine, relay: Relay) -> None:
        self._engine, self._relay = engine, relay
        self._keeper = Doorkeeper(engine.store, communes=engine.settings.communes)
        self.live = LiveDoor(engine, relay, self._keeper)
        self.doors = Doors(self._keeper, engine.say)
        self._templates = Environment(
            loader=PackageLoader("vms_plugin"), autoescape=True, trim_blocks=True
        )
        self._scribe = stream.Scribe(engine, relay)
        self._draw = lru_cache(TILES)(self._drawn)
        self.crew = CrewDoor(engine, relay, self._templates, self._draw)
        self._say = engine.say
        self.oidc = OidcDoor(engine, self._keeper, self._login_page)

    # --- people ---

    async def login(self, request: Request) -> Response:
        back = page_of(request.query_params.get("next", ""))
        if request.method == "GET":
            over = "over" in request.query_params
            return self._login_page(self._say(OVER) if over else "", 200, back)
        form = await request.form()
        name, password = (_whole(form.get(field, "")) for field in ("name", "password"))
        address = request.client.host if request.client else ""
        if not same_origin(request):
            return self._login_page(self._say(OTHER_PAGE), 403, back)
        if await self._keeper.waits(name, address):
            fault = self._say("Too many wrong passwords: wait five minutes.")
            return self._login_page(fault, 429, back)
        token = await self._keeper.enter(name, password, address)
        if token is None:
            return self._login_page(self._say("Wrong name or password."), 401, back)
        answer = RedirectResponse(back, 303)
        keep(answer, request, token)
        return answer

    def _login_page(self, fault: str, status: int = 200, back: str = HOME) -> Response:
        template = self._templates.get_template("login.html")
        said = template.render(say=self._say, fault=fault, oidc=self.oidc.label, back=back)
        return HTMLResponse(said, status)

    async def logout(self, request: Request) -> Response:
        id_token = await self._keeper.leave(request.cookies.get(COOKIE, ""))
        answer = Response(status_code=204)
        if elsewhere := await self.oidc.leaving(request, id_token):
            answer.headers["X-Renfort-Next"] = elsewhere
        answer.delete_cookie(COOKIE)
        return answer

    # --- reading ---

    async def home(self, request: Request) -> Response:
        return self._drawn_from("page.html", request)

    async def wall(self, request: Request) -> Response:
        """Show the room's wall: nothing to press, and no officer's picture unless settings say."""
        body_worn = self._engine.settings.wall_body_worn
        return self._drawn_from("wall.html", request, body_worn=body_worn)

    def _drawn_from(self, name: str, request: Request, **more: object) -> Response:
        words = {name: self._say(text) for name, text in WORDS.items()}
        rights = request.state.person.rights
        template = self._templates.get_template(name)
        return HTMLResponse(
            template.render(
                say=self._say, words=words, user=request.state.user, rights=rights, **more
            )
        )

    async def stream(self, request: Request) -> Response:
        token = self.doors.forgery_token(request)

        def greet(person: Person) -> dict[str, Any]:
            return {
                "user": person.name,
                "token": token,
                "rights": sorted(person.rights),
                "secondGroup": person.role in self._engine.settings.second_group,
            }

        again = partial(self.doors.person, request, touch=False)
        told = self._scribe.events(request.state.person, greet, again)
        return StreamingResponse(told, headers=stream.HEADERS, media_type="text/event-stream")

    async def state(self, request: Request) -> Response:
        token = self.doors.forgery_token(request)
        told = view.state(self._engine, self._relay, request.state.person)
        return JSONResponse({**told, "token": token})

    async def stages(self, request: Request) -> Response:
        stages = self._engine.stages.get(IncidentId(request.path_params["incident"]))
        if stages is None:
            return JSONResponse({}, 404)
        return JSONResponse({name: at.isoformat() for name, at in stages.at.items()})

    async def area(self, request: Request) -> Response:
        """Outline what a camera sees, for the map."""
        return JSONResponse(self._engine.atlas.area(CameraId(request.path_params["camera"])))

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


def _whole(field: object) -> str:
    """Give what somebody typed; half characters, which no keyboard types, become question marks."""
    return str(field).encode("utf-8", "replace").decode()
