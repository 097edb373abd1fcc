"""A Milestone XProtect site: the maker's side, for demonstrations and tests."""

from __future__ import annotations

import argparse
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.milestone.simulator import (
    alarms,
    config,
    control,
    defined,
    events,
    idp,
    live,
)
from adapters.milestone.simulator.accounts import Accounts
from adapters.milestone.simulator.inventory import make_cameras, read_cameras, worn_cameras
from adapters.milestone.simulator.site import VERSIONS, Site
from adapters.milestone.simulator.store import Store
from adapters.milestone.simulator.trouble import Misbehaviour, Moods

__all__ = ["Simulator"]


class Simulator:
    """What `renfort simulate milestone` serves."""

    def __init__(self, options: argparse.Namespace, clock: Callable[[], float] = time.time) -> None:
        self._options = options
        self._worn = worn_cameras(options.bodyworn)
        listed = options.cameras
        fixed = (
            make_cameras(int(listed)) if listed.isdecimal() else read_cameras(Path(listed))
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
        )  # fmt: skip
        moods = Moods(clock, slow_s=options.latency_ms / 1000)
        server = Starlette(
            routes=self._routes(moods),
            lifespan=self._lifespan,
            exception_handlers={404: _not_found},
        )
        server.router.redirect_slashes = False
        self.app = _AsIis(Misbehaviour(server, self.site, moods))

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
            "--cameras", default="12", metavar="N|FILE.geojson",
            help="how many, or points with name, kind, heading_deg, fov_deg, id",
        )  # fmt: skip
        parser.add_argument(
            "--bodyworn", action="append", default=[], metavar="SERIAL=NAME",
            help="a camera that stands for a body-worn one; may be repeated",
        )  # fmt: skip
        parser.add_argument("--release", default="2025R1", choices=list(VERSIONS))
        parser.add_argument("--token-life", type=_seconds, default=3600, metavar="SECONDS")
        parser.add_argument("--latency-ms", type=_milliseconds, default=0.0, metavar="MS")
        parser.add_argument(
            "--state", type=Path, metavar="FILE",
            help="keep alarms, events and user-defined events there, in SQLite",
        )  # fmt: skip

    def ready(self, url: str) -> dict[str, object]:
        """Say what a client needs besides the address."""
        client, secret = self.site.accounts.service
        return {
            "username": self._options.username,
            "password": self._options.password,
            "client_id": client,
            "client_secret": secret,
            "release": self.site.release,
            "api": f"{url}/API/",
            "events": f"{url.replace('http', 'ws', 1)}/api/ws/events/v1",
            "control": f"{url}/simulator",
            "cameras": [each.id for each in self.site.cameras.values() if not each.worn][:10],
            "bodyworn": {serial: camera.id for serial, camera in self._worn.items()},
        }

    def _routes(self, moods: Moods) -> list[BaseRoute]:
        """List every endpoint: the configuration's paths match anything, so they come last."""
        return [
            *idp.routes(self.site),
            *alarms.routes(self.site),
            *events.routes(self.site),
            *defined.routes(self.site),
            *config.routes(self.site),
            *live.routes(self.site),
            *control.routes(self.site, moods),
        ]

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        # Made before the first client comes, who would wait for it.
        self.site.accounts.public_key()
        yield
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
    return HTMLResponse(
        "<html><body><h2>404 - File or directory not found.</h2></body></html>", 404
    )


def _pair(option: str, text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not (name and value):
        raise SystemExit(f"{option} {text}: write CLIENT=SECRET")
    return name, value


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
