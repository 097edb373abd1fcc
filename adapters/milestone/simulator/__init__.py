"""A Milestone XProtect site: the maker's side, for demos and tests."""

from __future__ import annotations

import argparse
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.milestone.simulator import alarms, config, control, idp
from adapters.milestone.simulator.site import Site, cameras_of, read_cameras

__all__ = ["Simulator"]


class Simulator:
    """What `renfort simulate milestone` serves."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        worn = [text.partition("=")[::2] for text in options.bodyworn]
        listed = (
            cameras_of(int(options.cameras))
            if options.cameras.isdecimal()
            else read_cameras(Path(options.cameras))
        )
        self.site = Site(
            cameras=listed,
            bodyworn=worn,
            username=options.username,
            password=options.password,
            release=options.release,
            token_life_s=options.token_life,
            state=options.state,
        )
        moods = control.Moods()
        routes = [
            *idp.routes(self.site),
            *alarms.routes(self.site),
            *config.routes(self.site),
            *control.routes(self.site, moods),
        ]
        self.app = _AsIis(control.Misbehaviour(Starlette(routes=routes), self.site, moods))

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the account, the cameras, the release."""
        parser.add_argument("--username", default="renfort")
        parser.add_argument("--password", default="p@ss word&+%é=1")
        parser.add_argument(
            "--cameras", default="12", metavar="N|FILE.geojson",
            help="how many, or points with name, kind, heading_deg, fov_deg",
        )  # fmt: skip
        parser.add_argument(
            "--bodyworn", action="append", default=[], metavar="SERIAL=NAME",
            help="a device that stands for a body-worn camera; may be repeated",
        )  # fmt: skip
        parser.add_argument("--release", default="2025R1", choices=["2023R2", "2024R2", "2025R1"])
        parser.add_argument("--token-life", type=int, default=3600, metavar="SECONDS")
        parser.add_argument("--state", type=Path, help="keep the alarms in this file")

    def ready(self, url: str) -> dict[str, object]:
        """Say what a client needs besides the address."""
        return {
            "username": self._options.username,
            "password": self._options.password,
            "release": self._options.release,
            "api": f"{url}/API/",
            "control": f"{url}/simulator",
            "cameras": [camera.id for camera in self.site.cameras.values()][:10],
            "bodyworn": self.site.bodyworn,
        }


class _AsIis:
    """Paths are case-insensitive, as on IIS; identifiers in them are GUIDs, and so are they."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lower the path, and serve."""
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, "path": scope["path"].lower()}
        await self._app(scope, receive, send)
