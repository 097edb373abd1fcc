"""Inlets: messages that others send us, by HTTP or over a WebSocket they keep open.

Each inlet has its token. Nothing is acknowledged before it is durable; what is not understood is
answered with the field, the value and the remedy, and kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from hooks import Envelope, Malformed, Message, Unreachable
from hooks.causes import whole
from vms_plugin.engine import Engine, Reception
from vms_plugin.feeds import Link

LARGEST = 1 << 20
#: What is kept of a body that was refused unread.
KEPT = 1024
#: What is still read of it, so that its sender hears why: bytes, seconds.
FORGOTTEN, FORGOTTEN_S = 64 << 20, 15.0
#: A companion says something at least every ten seconds (docs/integrators/bridge.md).
SILENCE_S = 30.0


def routes(engine: Engine) -> list[BaseRoute]:
    """List the inlets: one address for both ways of sending."""

    async def post(request: Request) -> Response:
        name = request.path_params["adapter"]
        refused = _refused(request, name, engine)
        if refused is not None:
            return refused
        body, whole = await _body(request)
        if not whole:
            fault = Malformed("body", f"more than {LARGEST} bytes", "send smaller messages")
            await engine.take(_envelope(name, body[:KEPT], request), (), fault)
            return _fault(413, fault.field, str(fault.value), fault.text)
        try:
            told = await engine.receive(_envelope(name, body, request))
        except TimeoutError:
            return _fault(503, "adapter", name, "the adapter does not answer: send it again")
        except Unreachable as error:
            return _fault(503, "journal", "", f"{error}, then send it again")
        return JSONResponse(_answer(told), 202 if told.facts or not told.faults else 422)

    async def socket(connection: WebSocket) -> None:
        name = connection.path_params["adapter"]
        refused = _refused(connection, name, engine)
        if refused is not None:
            await connection.send_denial_response(refused)
            return
        await connection.accept()
        await _follow(connection, name, engine)

    return [
        Route("/intake/{adapter}", post, methods=["POST"]),
        WebSocketRoute("/intake/{adapter}", socket),
    ]


def _refused(request: HTTPConnection, name: str, engine: Engine) -> Response | None:
    token = engine.settings.intake_tokens.get(name)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = token is not None and hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not right:
        remedy = f"send Authorization: Bearer <the token of [intake.tokens] {name}>"
        return _fault(401, "Authorization", "…", remedy)
    if "decode" not in {hook for each in engine.adapters if each.name == name
                        for hook in each.calls if each.offers(hook)}:  # fmt: skip
        return _fault(404, "adapter", name, "no adapter of that name takes messages")
    return None


def _fault(status: int, field: str, value: str, remedy: str) -> Response:
    return JSONResponse({"error": {"field": field, "value": value, "remedy": remedy}}, status)


async def _body(request: Request) -> tuple[bytes, bool]:
    """Read a body; when it is too large, or its sender gone, it is not whole."""
    said = request.headers.get("content-length", "0")
    large = said.isdecimal() and int(said) > LARGEST
    if large and "expect" in request.headers:
        return b"", False  # he asks before he sends
    body, stream = bytearray(), request.stream()
    try:
        if not large:
            async for chunk in stream:
                body += chunk
                if len(body) > LARGEST:
                    large = True
                    break
        if large:
            await _forget(stream)
    except ClientDisconnect:
        large = True
    return bytes(body), not large


async def _forget(stream: AsyncIterator[bytes]) -> None:
    """Read on for a while and keep nothing.

    Whoever is still sending when the connection ends sees it cut, and not the answer that says why.
    """
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FORGOTTEN_S):
            async for chunk in stream:
                size += len(chunk)
                if size > FORGOTTEN:
                    return


def _envelope(name: str, body: bytes, connection: HTTPConnection) -> Envelope:
    sender = connection.client.host if connection.client else ""
    return Envelope(
        adapter=name, body=body, received_at=datetime.now(UTC), channel="intake", sender=sender
    )


def _answer(told: Reception) -> dict[str, Any]:
    faults = [_plain(fault) for fault in told.faults]
    return {"facts": list(told.facts), "new": told.new, "faults": faults}


def _plain(fault: Message) -> dict[str, str]:
    """Write a fault for a program: the field, the value, the remedy."""
    fault = whole(fault)
    said = {name: str(value) for name, value in fault.params.items()}
    return {
        "field": said.get("field", ""),
        "value": said.get("value", ""),
        "remedy": said.get("remedy", str(fault)),
    }


async def _follow(connection: WebSocket, name: str, engine: Engine) -> None:
    """Take messages until the sender goes, or says nothing for too long."""
    sender = f"{connection.client.host}:{connection.client.port}" if connection.client else "?"
    now = datetime.now(UTC)
    key = f"{name} {connection.client.host if connection.client else ''}"
    link = Link(
        adapter=name, name=sender, up=True, since=now, last_sign=now, silence_s=SILENCE_S / 1.5
    )
    engine.visitors[key] = link
    why, code = Message(text="the connection was closed"), 0
    try:
        while True:
            text = await asyncio.wait_for(connection.receive_text(), SILENCE_S)
            link = engine.visitors[key] = replace(link, last_sign=datetime.now(UTC))
            told = await engine.receive(_envelope(name, text.encode(), connection))
            await connection.send_text(json.dumps(_reply(text, told)))
    except TimeoutError:
        why, code = Message(text="no sign of life for {s:g} s", params={"s": SILENCE_S}), 1001
    except Unreachable as error:  # shown, and not on record: whoever sends it sends it again
        why, code = Message(text=error.text), 1013
    except (WebSocketDisconnect, KeyError, RuntimeError):
        pass  # gone, or spoke binary
    finally:
        if engine.visitors.get(key) is link:
            engine.visitors[key] = replace(link, up=False, since=datetime.now(UTC), why=why)
    if code:  # said to the room first: one who is silent is waited for before he is let go
        await connection.close(code)


def _reply(text: str, told: Reception) -> dict[str, Any]:
    identifier = _identifier(text)
    if told.faults:
        return {"id": identifier, "facts": len(told.facts), "error": _plain(told.faults[0])}
    return {"ack": identifier, "facts": len(told.facts)}


def _identifier(text: str) -> object:
    """Find the sender's own id of a message, so that he knows which one is answered."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    identifier = message.get("id") if isinstance(message, Mapping) else None
    return identifier if isinstance(identifier, str | int) else None
