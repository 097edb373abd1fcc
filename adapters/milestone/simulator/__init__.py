"""A Milestone XProtect site: the maker's side, for demonstrations and tests."""

from __future__ import annotations

import argparse
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from adapters.milestone.simulator import (
    alarms,
    config,
    control,
    events,
    idp,
    live,
    marks,
    messages,
    soap,
    stock,
    webrtc,
)
from adapters.milestone.simulator.accounts import Accounts
from adapters.milestone.simulator.gate import Gate
from adapters.milestone.simulator.inventory import make_cameras, read_cameras, worn_cameras
from adapters.milestone.simulator.licence import EDITIONS, Licence
from adapters.milestone.simulator.ntlm import Account
from adapters.milestone.simulator.releases import RELEASES
from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.store import Store
from adapters.milestone.simulator.trouble import Misbehaviour, Moods
from adapters.milestone.simulator.viewing import Sessions
from adapters.milestone.simulator.windows import Handshakes

__all__ = ["Simulator"]


class Simulator:
    """What `renfort simulate milestone` serves."""

    def __init__(self, options: argparse.Namespace, clock: Callable[[], float] = time.time) -> None:
        self._options = options
        self._worn = worn_cameras(options.bodyworn)
        listed = options.cameras
        fixed = (
            make_cameras(int(listed), options.channels)
            if listed.isdecimal()
            else read_cameras(Path(listed))
        )  # fmt: skip
        self.site = Site(
            cameras=[*fixed, *self._worn.values()],
            accounts=Accounts(
                username=options.username, password=options.password,
                service=_pair("--service", options.service),
                life_s=options.token_life, clock=clock,
            ),
            release=options.release,
            store=Store(options.state),
            clock=clock,
            licence=Licence(options.edition, options.smart_wall, options.licences),
            recorders=options.recorders,
        )  # fmt: skip
        self.site.retains = not options.no_retention
        stock.lay(self.site)
        self._windows = Handshakes(self.site, _windows_account(options.windows))
        self._views = Sessions(self.site)
        self._gate = Gate(
            self.site, options.analytics_port, options.analytics_allow or ["127.0.0.1"]
        )
        moods = Moods(clock, slow_s=options.latency_ms / 1000)
        server = Starlette(
            routes=self._routes(moods),
            lifespan=self._lifespan,
            exception_handlers={404: _not_found},
        )
        server.router.redirect_slashes = False
        self.app: ASGIApp = _AsIis(Misbehaviour(server, self.site, moods))
        if options.cors:
            # The permissive policy of the maker's samples; CORS is off on a new site.
            self.app = CORSMiddleware(
                self.app, allow_origins=["*"], allow_headers=["*"], allow_methods=["*"]
            )

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the accounts, the cameras, the release, the troubles."""
        parser.add_argument("--username", default="renfort", help="a basic user")
        # Every character that must be encoded in a form: who forgets finds out here.
        parser.add_argument("--password", default="p@ss word&+%é=1")
        parser.add_argument(
            "--service", default="renfort-service=s3cret", metavar="CLIENT=SECRET",
            help="a client for the grant client_credentials",
        )  # fmt: skip
        parser.add_argument(
            "--windows", default="VILLE\\svc-renfort=W1ndows & p@ss é",
            metavar="DOMAIN\\USER=PASSWORD", help="a Windows user, who logs in by NTLM at /IDP",
        )  # fmt: skip
        parser.add_argument(
            "--cameras", default="12", metavar="N|FILE.geojson",
            help="how many, or points with name, kind, heading_deg, fov_deg, id",
        )  # fmt: skip
        parser.add_argument(
            "--bodyworn", action="append", default=[], metavar="SERIAL=NAME",
            help="a camera that stands for a body-worn one; may be repeated",
        )  # fmt: skip
        parser.add_argument("--release", default="2025R1", choices=list(RELEASES))
        parser.add_argument("--edition", default="Corporate", choices=list(EDITIONS))
        parser.add_argument(
            "--smart-wall", action="store_true", help="the add-on, which Expert may buy"
        )
        parser.add_argument(
            "--licences", type=_count, default=10_000, metavar="N", help="of devices"
        )
        parser.add_argument("--recorders", type=_count, default=1, metavar="N")
        parser.add_argument(
            "--channels", type=_count, default=1, metavar="N", help="cameras a device carries"
        )
        parser.add_argument(
            "--analytics-port", type=int, metavar="PORT",
            help="where analytics events are taken in XML: shut unless given, 0 for any free port",
        )  # fmt: skip
        parser.add_argument(
            "--analytics-allow", action="append", metavar="IP",
            help="an address or a network that may send them; 127.0.0.1 unless given",
        )  # fmt: skip
        parser.add_argument(
            "--cors", action="store_true", help="let pages of other origins in, as a site may set"
        )
        parser.add_argument(
            "--no-retention",
            action="store_true",
            help="types of events are kept 0 days",
        )
        parser.add_argument("--token-life", type=_seconds, default=3600, metavar="SECONDS")
        parser.add_argument("--latency-ms", type=_milliseconds, default=0.0, metavar="MS")
        parser.add_argument(
            "--state", type=Path, metavar="FILE",
            help="keep alarms, events and user-defined events there, in SQLite",
        )  # fmt: skip

    def ready(self, url: str) -> dict[str, object]:
        """Say what a client needs besides the address."""
        client, secret = self.site.accounts.service
        windows = self._windows.account
        return {
            "username": self._options.username,
            "password": self._options.password,
            "windows_username": f"{windows.domain}\\{windows.user}",
            "windows_password": windows.password,
            "client_id": client,
            "client_secret": secret,
            "release": self.site.release.name,
            "api": f"{url}/API/",
            "events": f"{url.replace('http', 'ws', 1)}/api/ws/events/v1",
            "soap": f"{url}/ManagementServer/ServerCommandServiceOAuth.svc?wsdl",
            "analytics_port": self._gate.port,
            "control": f"{url}/simulator",
            "cameras": [each.id for each in self.site.cameras.values() if not each.worn][:10],
            "bodyworn": {serial: camera.id for serial, camera in self._worn.items()},
        }

    def _routes(self, moods: Moods) -> list[BaseRoute]:
        """List every endpoint: the configuration's paths match anything, so they come last."""
        return [
            *idp.routes(self.site, self._windows),
            *alarms.routes(self.site),
            *events.routes(self.site),
            *marks.routes(self.site),
            *soap.routes(self.site),
            *webrtc.routes(self.site, self._views),
            *config.routes(self.site),
            *live.routes(self.site, moods),
            *messages.routes(self.site),
            *control.routes(self.site, moods, self._gate, self._windows),
            WebSocketRoute("/{rest:path}", _no_socket),
        ]

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        # Made before the first client comes, who would wait for it.
        self.site.accounts.public_key()
        await self._gate.open()
        yield
        await self._gate.shut()
        await self._views.end_all()
        self.site.close()


class _AsIis:
    """Paths are case-insensitive, as on IIS; so are the GUIDs in them. A last slash is nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lower the path, and serve."""
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, "path": scope["path"].lower().rstrip("/") or "/"}
        await self._app(scope, receive, send)


async def _not_found(_request: Request, _error: Exception) -> Response:
    """Answer as the web server does outside the gateway: a page."""
    return _page()


async def _no_socket(socket: WebSocket) -> None:
    """Refuse the upgrade of a path without a WebSocket: `/api/ws/events` without its version."""
    await socket.send_denial_response(_page())


def _page() -> Response:
    return HTMLResponse(
        "<html><body><h2>404 - File or directory not found.</h2></body></html>", 404
    )


def _pair(option: str, text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not (name and value):
        raise SystemExit(f"{option} {text}: write CLIENT=SECRET")
    return name, value


def _windows_account(text: str) -> Account:
    name, _, password = text.partition("=")
    domain, _, user = name.partition("\\")
    if not (domain and user and password):
        raise SystemExit(f"--windows {text}: write DOMAIN\\USER=PASSWORD")
    return Account(domain, user, password)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: give 1 or more")
    return value


def _seconds(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: a token lives 1 second at least")
    return value


def _milliseconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 60_000:
        raise argparse.ArgumentTypeError(f"{text}: give 0 to 60000 milliseconds")
    return value
