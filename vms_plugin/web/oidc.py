"""The doors of OpenID Connect: out to the provider, and back with its answer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hooks.causes import whole
from vms_plugin.engine import Engine
from vms_plugin.oidc import Begun, OidcError, Provider
from vms_plugin.web import accounts
from vms_plugin.web.accounts import Doorkeeper
from vms_plugin.web.doors import HOME, keep, page_of

#: Binds the log-in to the browser that began it. Lax: it comes back from another site.
BINDING = "renfort_oidc"
#: A person types a password and a code; who takes longer begins again.
PATIENCE_S = 600.0
MOST = 1000

log = structlog.get_logger(__name__)

LoginPage = Callable[[str, int, str], Response]
#: Our own session cookie is never sent on a navigation that another site began (SameSite=Strict):
#: the page is therefore asked for by ourselves, once more.
_IN = '<!doctype html><meta http-equiv="refresh" content="0;url={page}"><title>Renfort</title>'


class OidcDoor:
    """Lets in whom the provider vouches for."""

    def __init__(self, engine: Engine, keeper: Doorkeeper, page: LoginPage) -> None:
        self._engine, self._keeper, self._page = engine, keeper, page
        settings = engine.settings.oidc
        self._provider = Provider(settings) if settings.issuer else None
        self._begun: OrderedDict[str, tuple[float, Begun, str]] = OrderedDict()

    @property
    def label(self) -> str:
        """What the log-in page calls the provider; empty: there is none."""
        return self._provider.settings.label if self._provider else ""

    def routes(self) -> list[BaseRoute]:
        """List the way out and the way back; none where there is no provider."""
        if self._provider is None:
            return []
        return [Route("/oidc/login", self.out), Route("/oidc/callback", self.back)]

    async def out(self, request: Request) -> Response:
        """Send the browser to the provider."""
        if self._provider is None:
            return Response(status_code=404)
        try:
            begun = await asyncio.to_thread(
                self._provider.begin, self._own(request, "/oidc/callback")
            )
        except OidcError as error:
            back = page_of(request.query_params.get("next", ""))
            return self._refused(error, 503, back)
        self._remember(begun, page_of(request.query_params.get("next", "")))
        answer = RedirectResponse(begun.url, 303)
        answer.set_cookie(
            BINDING, begun.state, max_age=int(PATIENCE_S), path="/oidc", httponly=True,
            samesite="lax", secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    async def back(self, request: Request) -> Response:
        """Hold the provider's answer against what this browser began, and open the session."""
        begun, page = self._take(request.query_params.get("state", ""))
        ours = begun is not None and request.cookies.get(BINDING) == begun.state
        if self._provider is None or begun is None or not ours:
            fault = self._engine.say("Begin again: this log-in was not begun here.")
            return self._page(fault, 400, page)
        try:
            identity = await asyncio.to_thread(
                self._provider.finish, begun, dict(request.query_params)
            )
            await accounts.recognise(self._engine.store, identity)
        except OidcError as error:
            return self._refused(error, 401, page)
        except accounts.NotRecognisedError as error:
            return self._page(self._engine.say.message(error.why), 403, page)
        address = request.client.host if request.client else ""
        token = await self._keeper.admit(identity.name, address, identity.id_token)
        answer = HTMLResponse(_IN.format(page=page))
        keep(answer, request, token)
        answer.delete_cookie(BINDING, path="/oidc")
        return answer

    async def leaving(self, request: Request, id_token: str) -> str:
        """Say where the browser ends its session at the provider's; empty: nowhere."""
        if self._provider is None or not id_token:
            return ""
        back = self._own(request, "/login")
        return await asyncio.to_thread(self._provider.logout_url, id_token, back)

    def _refused(self, error: OidcError, status: int, page: str) -> Response:
        log.warning("nobody let in", why=str(whole(error.why)), cause=repr(error.__cause__)[:300])
        return self._page(self._engine.say.message(error.why), status, page)

    def _own(self, request: Request, path: str) -> str:
        base = self._engine.settings.public_url or str(request.base_url)
        return base.rstrip("/") + path

    def _remember(self, begun: Begun, page: str) -> None:
        self._begun[begun.state] = (monotonic(), begun, page)
        while len(self._begun) > MOST:
            self._begun.popitem(last=False)

    def _take(self, state: str) -> tuple[Begun | None, str]:
        """Give what was begun, once, and the page it was begun for."""
        at, begun, page = self._begun.pop(state, (0.0, None, HOME))
        fresh = begun is not None and monotonic() - at < PATIENCE_S
        return begun if fresh else None, page
