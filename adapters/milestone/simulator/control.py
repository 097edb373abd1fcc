"""Our own controls, under `/simulator`: fail, be slow, lose replies. No XProtect has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.milestone.simulator.site import Site


@dataclass(slots=True)
class Trouble:
    """What goes wrong, for how many requests, on which path.

    `after`: the work is done, and its answer replaced. Status 0: the connection is cut.
    """

    status: int = 500
    count: int = 1
    path: str = ""
    after: bool = False
    html: bool = False


@dataclass(slots=True)
class Moods:
    """How the site misbehaves now."""

    troubles: list[Trouble] = field(default_factory=list)
    slow_s: float = 0.0

    def next(self, path: str) -> Trouble | None:
        """Take the trouble that strikes this request, if any does."""
        for trouble in self.troubles:
            if trouble.path in path and trouble.count > 0:
                trouble.count -= 1
                return trouble
        return None


class Misbehaviour:
    """Counts requests, and lets them fail as told."""

    def __init__(self, app: ASGIApp, site: Site, moods: Moods) -> None:
        self._app = app
        self._site = site
        self._moods = moods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the trouble that strikes it."""
        if scope["type"] != "http" or scope["path"].startswith("/simulator"):
            await self._app(scope, receive, send)
            return
        self._site.requests[f"{scope['method']} {scope['path']}"] += 1
        if self._moods.slow_s:
            await asyncio.sleep(self._moods.slow_s)
        trouble = self._moods.next(scope["path"])
        if trouble is None:
            await self._app(scope, receive, send)
            return
        if trouble.after:
            await self._app(scope, receive, _nowhere)
        if trouble.status == 0:
            raise ConnectionAbortedError("cut, as told")
        await _answer(trouble)(scope, receive, send)


async def _nowhere(_message: Message) -> None:
    return None


def _answer(trouble: Trouble) -> Response:
    if trouble.html:
        return HTMLResponse("<html><body>IIS is starting</body></html>", trouble.status)
    return PlainTextResponse("Bad gateway configuration", trouble.status)


def routes(site: Site, moods: Moods) -> list[BaseRoute]:
    """List the controls."""

    def fail(order: dict[str, Any]) -> object:
        moods.troubles.append(Trouble(**order))
        return {}

    def heal(_order: dict[str, Any]) -> object:
        moods.troubles.clear()
        moods.slow_s = 0.0
        return {}

    def slow(order: dict[str, Any]) -> object:
        moods.slow_s = float(order["seconds"])
        return {}

    def expire(_order: dict[str, Any]) -> object:
        for token in site.tokens.values():
            token.expires = 0
        return {"tokens": len(site.tokens)}

    def unlock(_order: dict[str, Any]) -> object:
        site.wrong = 0
        return {}

    def camera(order: dict[str, Any]) -> object:
        site.cameras[order["id"]].enabled = bool(order["enabled"])
        return {}

    async def alarms(_request: Request) -> Response:
        listed = [{**alarm.fields, "history": alarm.history} for alarm in site.alarms.values()]
        return JSONResponse({"alarms": listed})

    async def state(_request: Request) -> Response:
        return JSONResponse(
            {
                "requests": dict(site.requests), "tokens": len(site.tokens),
                "locked": site.locked, "release": site.release,
            }
        )  # fmt: skip

    orders = (fail, heal, slow, expire, unlock, camera)
    served: list[BaseRoute] = [
        Route(f"/simulator/{order.__name__}", _control(order), methods=["POST"]) for order in orders
    ]
    return [*served, Route("/simulator/alarms", alarms), Route("/simulator/state", state)]


def _control(
    order: Callable[[dict[str, Any]], object],
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await request.body()
            return JSONResponse(order(json.loads(body) if body else {}))
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return answer
