"""How the hypervisor misbehaves when told to."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters._simulated.trouble import Moods, Trouble, serve


class Misbehaviour:
    """Lets requests fail as told."""

    def __init__(self, app: ASGIApp, moods: Moods[Trouble]) -> None:
        self._app, self._moods = app, moods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the trouble that strikes it."""
        if scope["type"] != "http" or scope["path"].startswith("/simulator"):
            await self._app(scope, receive, send)
        else:
            await serve(self._app, self._moods, _answer, scope, receive, send)


def _answer(trouble: Trouble) -> ASGIApp:
    return PlainTextResponse("as told", trouble.status)
