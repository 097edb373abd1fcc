"""Who may pass: host names, sessions, forged requests, and what the browser may load."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vms_plugin.web.accounts import Doorkeeper

COOKIE = "renfort_session"

#: Nothing but ourselves: no script, style, picture or request from anywhere else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

Answer = Callable[[Request], Awaitable[Response]]


class Doors:
    """Checks sessions, and that a change was asked by our own page."""

    def __init__(self, keeper: Doorkeeper) -> None:
        self._keeper = keeper
        self._secret = secrets.token_bytes(32)

    async def user(self, request: Request) -> str | None:
        """Say who asks."""
        return await self._keeper.who(request.cookies.get(COOKIE))

    def forgery_token(self, request: Request) -> str:
        """Give the token that a change must carry; it is worth nothing in another session."""
        session = request.cookies.get(COOKIE, "")
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def to_read(self, answer: Answer) -> Answer:
        """Let a person who is logged in read; others are sent to log in, programs told 401."""

        async def checked(request: Request) -> Response:
            user = await self.user(request)
            if user is None:
                if "text/html" in request.headers.get("accept", ""):
                    return RedirectResponse("/login", 303)
                return JSONResponse({"error": "log in first"}, 401)
            request.state.user = user
            return await answer(request)

        return checked

    def to_change(self, answer: Answer) -> Answer:
        """Let our own page change something, in the name of who is logged in."""

        async def checked(request: Request) -> Response:
            user = await self.user(request)
            if user is None:
                return JSONResponse({"error": "log in first"}, 401)
            given = request.headers.get("x-renfort-token", "")
            if not hmac.compare_digest(given.encode(), self.forgery_token(request).encode()):
                return JSONResponse({"error": "reload the page"}, 403)
            if not same_origin(request):
                return JSONResponse({"error": "this request comes from another page"}, 403)
            request.state.user = user
            return await answer(request)

        return checked


def same_origin(request: Request) -> bool:
    """Whether the browser says that the request comes from our own page."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


class Envelop:
    """Puts the headers on every answer, and refuses names that are not ours (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: set[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, behind the checks."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
        if self._hosts and host not in self._hosts:
            await PlainTextResponse("unknown host name", 421)(scope, receive, send)
            return

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, wrapped)
