"""What every REST resource shares: the bearer token, the envelopes, the errors."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.milestone.simulator.site import Site

Answer = Callable[[Request], Awaitable[Response]]


def route(site: Site, path: str, answer: Answer, *methods: str) -> Route:
    """Serve a resource to those who carry a good token; other verbs are refused as unknown."""

    async def guarded(request: Request) -> Response:
        refused = _refuse(site, request)
        if refused is not None:
            return refused
        if request.method not in methods:
            return error(405, "Method not allowed.")
        return await answer(request)

    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Route(f"/api/rest/v1/{path}", guarded, methods=every)


def _refuse(site: Site, request: Request) -> Response | None:
    scheme, _, access = request.headers.get("authorization", "").partition(" ")
    token = site.tokens.get(access.strip())
    if scheme.lower() != "bearer" or not access:
        return error(401, "Authorization token is missing.")
    if token is None:
        return error(401, "Token validation failed: the token is invalid.")
    if token.expires <= site.clock():
        return error(401, "Token validation failed: the token is expired.")
    return None


def error(code: int, text: str, **more: str) -> Response:
    """Write an error as the maker does."""
    detail = {"errorText": text, **more}
    return JSONResponse({"error": {"httpCode": code, "details": [detail]}}, code)


async def body_of(request: Request, allowed: set[str]) -> dict[str, Any] | Response:
    """Read a JSON object with no unknown field, or the refusal to answer."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return error(400, "Bad request: the body is not valid JSON.")
    if not isinstance(body, dict):
        return error(400, "Bad request: Unknown request")
    for name in body:
        if name not in allowed:
            return error(400, f"Unknown property: {name}", propertyName=name)
    return body


def page_of(request: Request, items: list[Any]) -> Response:
    """Answer one page: `page` from 0, `size` from 1 to 2000."""
    try:
        page = int(request.query_params.get("page", 0))
        size = int(request.query_params.get("size", 100))
    except ValueError:
        return error(400, "Bad request: page and size are integers.")
    if page < 0 or not 1 <= size <= 2000:
        return error(400, "Bad request: page and size are out of range.")
    return JSONResponse({"array": items[page * size : (page + 1) * size]})
