"""Who may pass: host names, sessions, forged requests, and what the browser may load."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vms_plugin.i18n import Language
from vms_plugin.rights import Person, Right, role_of
from vms_plugin.web.accounts import IDLE, Doorkeeper

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

HOME = "/"
#: The pages that people open by their address; nobody is sent elsewhere once he has logged in.
PAGES = (HOME, "/mur")


def page_of(path: str) -> str:
    """Give the page to come back to after the log-in: one of ours, whatever was asked."""
    return path if path in PAGES else HOME


Answer = Callable[[Request], Awaitable[Response]]


def _(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


#: What somebody is told whose role lacks a right; the others hear the last sentence.
REFUSALS = {
    Right.BODY_WORN: _("The picture of a body-worn camera is for municipal police."),
}
REFUSAL = _("Your role does not allow that.")
LOG_IN = _("Log in first.")
OLD_PAGE = _("This page is no longer up to date: reload it.")
OTHER_PAGE = _("This request comes from another page.")
OTHER_NAME = _("This server does not go by that name: use its usual address.")


class Doors:
    """Checks sessions and rights, and that a change was asked by our own page.

    Every door names the right it asks for: there is no door for whoever is merely logged in.
    """

    def __init__(self, keeper: Doorkeeper, say: Language) -> None:
        self._keeper = keeper
        self._say = say

    async def person(self, request: Request, *, touch: bool = True) -> Person | None:
        """Say who asks, and what he may now."""
        return await self._keeper.person(request.cookies.get(COOKIE), touch=touch)

    def forgery_token(self, request: Request) -> str:
        """Give the token that a change must carry; it is worth nothing in another session.

        The session's own secret makes it, so that an open page goes on deciding when the host has
        been restarted.
        """
        session = request.cookies.get(COOKIE, "")
        return hmac.new(session.encode(), b"renfort: asked by our page", hashlib.sha256).hexdigest()

    def to_read(self, answer: Answer, right: Right) -> Answer:
        """Let whoever has the right read; others are sent to log in, programs told 401."""

        async def checked(request: Request) -> Response:
            person = await self.person(request)
            if person is None:
                if "text/html" in request.headers.get("accept", ""):
                    back = page_of(request.url.path)
                    where = "/login" if back == HOME else f"/login?next={back}"
                    return RedirectResponse(where, 303)
                return JSONResponse({"error": self._say(LOG_IN)}, 401)
            return await self._entitled(request, person, right, answer)

        return _asking(right, checked)

    def to_change(self, answer: Answer, right: Right) -> Answer:
        """Let our own page change something, in the name of who is logged in and has the right."""

        async def checked(request: Request) -> Response:
            person = await self.person(request)
            if person is None:
                return JSONResponse({"error": self._say(LOG_IN)}, 401)
            given = request.headers.get("x-renfort-token", "")
            if not hmac.compare_digest(given.encode(), self.forgery_token(request).encode()):
                return JSONResponse({"error": self._say(OLD_PAGE)}, 403)
            if not same_origin(request):
                return JSONResponse({"error": self._say(OTHER_PAGE)}, 403)
            return await self._entitled(request, person, right, answer)

        return _asking(right, checked)

    async def _entitled(
        self, request: Request, person: Person, right: Right, answer: Answer
    ) -> Response:
        if not person.may(right):
            return JSONResponse({"error": self._say(REFUSALS.get(right, REFUSAL))}, 403)
        request.state.person, request.state.user = person, person.name
        answered = await answer(request)
        acts = request.method != "GET" or "text/html" in request.headers.get("accept", "")
        if acts and "set-cookie" not in answered.headers:
            keep(answered, request, request.cookies[COOKIE], role_of(person.role).idle)
        return answered


def keep(answer: Response, request: Request, token: str, idle: timedelta = IDLE) -> None:
    """Let the browser keep its session, from now on: who works is not shown out twelve hours on."""
    answer.set_cookie(
        COOKIE, token, max_age=int(idle.total_seconds()), httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def _asking(right: Right, checked: Answer) -> Answer:
    """Write on a door the right it asks for: a test reads them all."""
    checked.right = right  # type: ignore[attr-defined]
    return checked


def same_origin(request: Request) -> bool:
    """Whether the browser says that the request comes from our own page."""
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:  # it is no address
        return False


class Envelop:
    """Puts the headers on every answer, and refuses names that are not ours (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: set[str], say: Language) -> None:
        self._app = app
        self._hosts = hosts
        self._refusal = say(OTHER_NAME)

    def _ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # nobody's name
            return False
        return not self._hosts or name in self._hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, behind the checks."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if not self._ours(Headers(scope=scope).get("host", "")):
            await PlainTextResponse(self._refusal, 421)(scope, receive, send)
            return

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, wrapped)
