"""Outlets: documents that others come and read, such as the feed of our alerts.

Each is read with the token of the adapter's inlet, as a Bearer token, or as the password of HTTP
Basic, which is all that many feed readers know.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import AdapterError, Document
from vms_plugin.adapters import CALL_S
from vms_plugin.engine import Engine


def routes(engine: Engine) -> list[BaseRoute]:
    """List the outlets: one address, whatever the adapter."""

    async def get(request: Request) -> Response:
        name = request.path_params["adapter"]
        token = engine.settings.intake_tokens.get(name)
        if token is None or not hmac.compare_digest(_given(request), token.encode()):
            remedy = f"send Authorization: Bearer <the token of [intake.tokens] {name}>"
            error = {"field": "Authorization", "value": "…", "remedy": remedy}
            challenge = {"WWW-Authenticate": 'Basic realm="renfort"'}
            return JSONResponse({"error": error}, 401, challenge)
        try:
            document = await _document(engine, name, request.path_params["path"])
        except (TimeoutError, AdapterError):
            return Response(status_code=503)
        return Response(status_code=404) if document is None else _answer(request, document)

    return [Route("/outlet/{adapter}/{path:path}", get)]


def _given(request: Request) -> bytes:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip().encode()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


async def _document(engine: Engine, name: str, path: str) -> Document | None:
    if name not in engine.adapters.offering("publish"):
        return None
    asked = engine.adapters.start(
        name, "publish", path=path,
        pictures=tuple(sorted(engine.pictures.values(), key=lambda each: each.opened_at)),
        receipts=engine.receipts(name),
    )  # fmt: skip
    found = await asyncio.wait_for(asyncio.wrap_future(asked), CALL_S)
    return found if isinstance(found, Document) else None


def _answer(request: Request, document: Document) -> Response:
    tag = f'"{hashlib.sha256(document.body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    # RFC 9110 §13.1.2: a list, compared weakly; a proxy that compresses makes every tag weak.
    known = request.headers.get("if-none-match", "").split(",")
    if {tag, "*"} & {each.strip().removeprefix("W/") for each in known}:
        return Response(status_code=304, headers=headers)
    return Response(document.body, media_type=document.media_type, headers=headers)
