"""How the site misbehaves when told to: late, failing, losing its replies, cutting connections."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.milestone.simulator.rest import error, forbidden
from adapters.milestone.simulator.site import Site

CUT = 0
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HTML = "<!DOCTYPE html><html><head><title>IIS Windows Server</title></head><body></body></html>"


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What strikes the requests of a verb and a path, so many times or until a moment.

    Status 0 cuts the connection. `after`: the work is done first, and its answer is lost.
    """

    status: int = 500
    method: str = ""
    path: str = ""
    after: bool = False
    html: bool = False
    left: int | None = 1
    until: float | None = None

    def strikes(self, scope: Scope) -> bool:
        """Tell whether it is for this request."""
        return self.method in ("", scope["method"]) and self.path in scope["path"]


@dataclass(slots=True)
class Moods:
    """The troubles to come, and how late every answer is."""

    clock: Callable[[], float]
    slow_s: float = 0.0
    troubles: list[Trouble] = field(default_factory=list)

    def next(self, scope: Scope) -> Trouble | None:
        """Take the trouble that strikes this request, the oldest first."""
        self.troubles = [each for each in self.troubles if not self._over(each)]
        for trouble in self.troubles:
            if trouble.strikes(scope):
                if trouble.left is not None:
                    trouble.left -= 1
                return trouble
        return None

    def _over(self, trouble: Trouble) -> bool:
        late = trouble.until is not None and self.clock() >= trouble.until
        return late or trouble.left == 0


class Misbehaviour:
    """Counts the requests, and lets them fail as told."""

    def __init__(self, app: ASGIApp, site: Site, moods: Moods) -> None:
        self._app, self._site, self._moods = app, site, moods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the trouble that strikes it."""
        if scope["type"] != "http" or scope["path"].startswith("/simulator"):
            await self._app(scope, receive, send)
            return
        self._site.requests[f"{scope['method']} {_GUID.sub('{id}', scope['path'])}"] += 1
        if self._moods.slow_s:
            await asyncio.sleep(self._moods.slow_s)
        trouble = self._moods.next(scope)
        if trouble is None:
            await self._app(scope, receive, send)
            return
        if trouble.after:
            await self._app(scope, receive, _nowhere)
        else:
            # A real server that fails has received the request all the same.
            await Request(scope, receive).body()
        if trouble.status == CUT:
            await _cut(receive, send)
            return
        await _answer(trouble)(scope, receive, send)


async def _nowhere(_message: Message) -> None:
    return None


async def _cut(receive: Receive, send: Send) -> None:
    """Break the connection without a byte of answer; ASGI has no word for it, uvicorn a way."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionAbortedError("cut, as told")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _answer(trouble: Trouble) -> Response:
    if trouble.html:
        return HTMLResponse(_HTML, trouble.status)
    if trouble.status == 403:
        return forbidden()
    if 400 <= trouble.status < 500:
        return error(trouble.status, "Bad request: Unknown request")
    # "5xx bodies may be plain text, 502/503 = gateway config error"
    return PlainTextResponse("The service is unavailable.", trouble.status)
