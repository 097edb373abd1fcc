"""How the site misbehaves when told to: in the words of IIS and XProtect, or away."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters._simulated import trouble as simulated
from adapters._simulated.trouble import cut, serve
from adapters.milestone.simulator.rest import error, forbidden
from adapters.milestone.simulator.site import Site

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HTML = "<!DOCTYPE html><html><head><title>IIS Windows Server</title></head><body></body></html>"


@dataclass(slots=True, kw_only=True)
class Trouble(simulated.Trouble):
    """What strikes the requests of a verb and a path (a part of it is enough)."""

    method: str = ""
    html: bool = False

    def strikes(self, scope: Scope) -> bool:
        """Tell whether it is for this request."""
        return self.method in ("", scope["method"]) and self.path in scope["path"]


@dataclass(slots=True)
class Moods(simulated.Moods[Trouble]):
    """The troubles to come, and whether the site is there at all."""

    away_until: float = 0.0

    @property
    def away(self) -> bool:
        """Whether nothing is answered now."""
        return self.clock() < self.away_until


class Misbehaviour:
    """Counts the requests, and lets them fail as told."""

    def __init__(self, app: ASGIApp, site: Site, moods: Moods) -> None:
        self._app, self._site, self._moods = app, site, moods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the trouble that strikes it."""
        ours = str(scope.get("path", "")).startswith("/simulator")
        if scope["type"] == "websocket" and self._moods.away:
            await receive()
            await send({"type": "websocket.close", "code": 1001})
            return
        if scope["type"] != "http" or ours:
            await self._app(scope, receive, send)
            return
        self._site.requests[f"{scope['method']} {_GUID.sub('{id}', scope['path'])}"] += 1
        if self._moods.away:
            await Request(scope, receive).body()
            await cut(receive, send)
            return
        await serve(self._app, self._moods, _answer, scope, receive, send)


def _answer(trouble: Trouble) -> ASGIApp:
    if trouble.html:
        return HTMLResponse(_HTML, trouble.status)
    if trouble.status == 403:
        return forbidden()
    if 400 <= trouble.status < 500:
        return error(trouble.status, "Bad request: Unknown request")
    # "5xx bodies may be plain text, 502/503 = gateway config error"
    return PlainTextResponse("The service is unavailable.", trouble.status)
