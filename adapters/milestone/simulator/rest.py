"""What every REST resource shares: the bearer token, rights, verbs, envelopes, errors."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.milestone.simulator.accounts import Token
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.site import Site

Answer = Callable[[Request], Awaitable[Response]]
ROOT = "/api/rest/v1/"
_VERBS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


def route(site: Site, path: str, since: Feature | None = None, **verbs: Answer) -> Route:
    """Serve a resource, one answer a verb (`GET=…`), to those whose token and rights allow it.

    A release older than `since` does not know the resource.
    """

    async def guarded(request: Request) -> Response:
        refused = refuse_token(site, request) or _refuse_right(site, request)
        if refused is not None:
            return refused
        if since is not None and not site.has(since):
            return error(404, f"Unknown resource: {path.partition('/')[0]}")
        if request.method not in verbs:
            return verb_refused(*verbs)
        return await verbs[request.method](request)

    return Route(ROOT + path, guarded, methods=_VERBS)


def token_of(site: Site, connection: HTTPConnection) -> Token | None:
    """Find the token that a request carries."""
    scheme, _, access = connection.headers.get("authorization", "").partition(" ")
    return site.accounts.tokens.get(access.strip()) if scheme.lower() == "bearer" else None


def refuse_token(site: Site, connection: HTTPConnection) -> Response | None:
    """Refuse a request without a good token; the text for an expired one is recorded."""
    token = token_of(site, connection)
    if "authorization" not in connection.headers:
        text = "Token validation failed: the token is missing."
    elif token is None:
        text = "Token validation failed: the token is invalid."
    elif token.expires <= site.clock():
        text = "Token validation failed: the token is expired."
    else:
        return None
    return error(401, text, headers={"WWW-Authenticate": "Bearer"})


def _refuse_right(site: Site, request: Request) -> Response | None:
    asked = request.url.path.removeprefix(ROOT)
    return forbidden() if any(asked.startswith(each) for each in site.forbidden) else None


def forbidden() -> Response:
    """Refuse for want of rights, as recorded."""
    text = "You do not have sufficient permissions to complete the operation."
    return error(403, text, errorTextId="VMO61008")


def verb_refused(*allowed: str) -> Response:
    """Refuse a verb."""
    return error(405, "Method not allowed.", headers={"Allow": ", ".join(allowed)})


def unknown_request() -> Response:
    """Refuse what the resource does not understand, as recorded."""
    return error(400, "Bad request: Unknown request")


def error(code: int, text: str, *, headers: dict[str, str] | None = None, **more: str) -> Response:
    """Write an error as the maker does; `more` may name the property or the text's id."""
    body = {"error": {"httpCode": code, "details": [{"errorText": text, **more}]}}
    return JSONResponse(body, code, headers=headers)


async def body_of(
    request: Request, allowed: Collection[str] | None, *, empty: bool = False
) -> dict[str, Any] | Response:
    """Read a JSON object with no unknown field (None: any), or the refusal to answer.

    `empty`: no body at all stands for an empty object, as the maker's .NET sample starts tasks.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() not in ("application/json", "text/json"):
        return error(415, f"Unsupported media type: {kind}")
    sent = await request.body()
    if empty and not sent:
        return {}
    try:
        # As strict as JSON is: neither NaN nor half a character is kept, which none could read.
        body = msgspec.json.decode(sent.removeprefix(BOM_UTF8))
    except (ValueError, RecursionError):
        return error(400, "Bad request: the body is not valid JSON.")
    if not isinstance(body, dict):
        return unknown_request()
    for name in body:
        if allowed is not None and name not in allowed:
            return error(400, f"Unknown property: {name}", propertyName=name)
    return body


def query_refused(request: Request, allowed: Collection[str]) -> Response | None:
    """Refuse a query switch nobody documented, so that no client counts on its being ignored."""
    unknown = [name for name in request.query_params if name not in allowed]
    return unknown_request() if unknown else None


def page_of(
    request: Request, items: Sequence[Any], write: Callable[[Any], Any] | None = None
) -> Response:
    """Answer one page: `page` from 0, `size` from 1 to 2000; only its items are written."""
    try:
        page = int(request.query_params.get("page", "0"))
        size = int(request.query_params.get("size", "100"))
    except ValueError:
        return error(400, "Bad request: page and size are integers.")
    if page < 0 or not 1 <= size <= 2000:
        return error(400, "Bad request: page starts at 0, size is 1 to 2000.")
    wanted = items[page * size : (page + 1) * size]
    return JSONResponse({"array": [write(each) for each in wanted] if write else wanted})
