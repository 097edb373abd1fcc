"""The protocol: Digest doors, `wssession.cgi`, event streaming, `auth.cgi`, `status.cgi`."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.axis.simulator import tokens
from adapters.axis.simulator.device import Device, Socket, topic_filter

#: Error codes of the VAPIX JSON APIs. 1100 and 2100-2107 are the documented range; which fault has
#: which code is our reading of it.
INTERNAL, BAD_VERSION, BAD_JSON, BAD_METHOD, BAD_PARAMS = 1100, 2100, 2101, 2102, 2103


def routes(device: Device) -> list[BaseRoute]:
    """List the maker's own endpoints."""

    def guarded(
        answer: Callable[[Request], Awaitable[Response]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guard(request: Request) -> Response:
            device.requests[request.url.path] += 1
            refused = _refuse(device, request, request.method)
            return refused or await answer(request)

        return guard

    async def wssession(_request: Request) -> Response:
        return PlainTextResponse(device.new_token())

    async def auth(request: Request) -> Response:
        return await _json_api(
            request, {"getSignalingClientToken": lambda _: tokens.issue(device.now())}
        )

    async def status(request: Request) -> Response:
        def targets(_: Any) -> dict[str, Any]:
            return {"targets": [camera.target() for camera in device.cameras.values()]}

        return await _json_api(request, {"getTargets": targets})

    async def events(socket: WebSocket) -> None:
        await _event_socket(device, socket)

    served: list[BaseRoute] = [
        Route("/axis-cgi/wssession.cgi", guarded(wssession), methods=["GET", "POST"]),
        WebSocketRoute("/vapix/ws-data-stream", events),
    ]
    for app in device.apps:
        served.append(Route(f"/local/{app}/auth.cgi", guarded(auth), methods=["POST"]))
        served.append(Route(f"/local/{app}/status.cgi", guarded(status), methods=["POST"]))
    return served


def _refuse(device: Device, request: HTTPConnection, method: str) -> Response | None:
    """Refuse who may not pass: 401 with a challenge, or the status we were told to answer."""
    status = device.refusal()
    if status is not None:
        return PlainTextResponse("refused", status)
    query = request.url.query
    target = request.url.path + (f"?{query}" if query else "")
    challenge = device.doorman.check(
        method,
        target,
        request.headers.get("authorization"),
        secure=request.url.scheme in ("https", "wss"),
    )
    if challenge is None:
        return None
    return PlainTextResponse("Unauthorized", 401, headers={"WWW-Authenticate": challenge})


# --- JSON over HTTP ---


async def _json_api(request: Request, methods: dict[str, Callable[[Any], Any]]) -> Response:
    """Answer a VAPIX JSON request; errors are HTTP 200 with an `error` member."""
    try:
        asked = json.loads(await request.body())
        method = asked["method"]
    except (ValueError, TypeError, KeyError):
        return JSONResponse(_error(None, BAD_JSON, "Invalid JSON"))
    if not str(asked.get("apiVersion", "")).startswith("1."):
        return JSONResponse(_error(method, BAD_VERSION, "The requested version is not supported"))
    if method not in methods:
        return JSONResponse(_error(method, BAD_METHOD, "Method not supported"))
    data = methods[method](asked.get("params"))
    answer = {"apiVersion": "1.0", "method": method, "data": data}
    if "context" in asked:
        answer["context"] = asked["context"]
    return JSONResponse(answer)


def _error(method: object, code: int, message: str, context: object = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"apiVersion": "1.0", "error": {"code": code, "message": message}}
    if method is not None:
        answer["method"] = method
    if context is not None:
        answer["context"] = context
    return answer


# --- event streaming over WebSocket ---


async def _event_socket(device: Device, socket: WebSocket) -> None:
    device.requests["ws-data-stream"] += 1
    token = socket.query_params.get("wssession")
    if device.refusal() is not None or token is None or not device.takes_token(token):
        refused = _refuse(device, socket, "GET")
        if refused is not None:
            await socket.send_denial_response(refused)
            return
    if socket.query_params.get("sources") != "events":
        await socket.send_denial_response(PlainTextResponse("Bad Request", 400))
        return
    await socket.accept()
    mine = Socket()
    device.sockets.add(mine)
    sending = asyncio.create_task(_send(socket, mine))
    try:
        while True:
            _configure(mine, await socket.receive_text())
    except (WebSocketDisconnect, KeyError, RuntimeError):
        pass  # gone, or spoke binary
    finally:
        device.sockets.discard(mine)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send(socket: WebSocket, mine: Socket) -> None:
    while (frame := await mine.outbox.get()) is not None:
        mine.sent_at = datetime.now(UTC)
        await socket.send_text(frame)
        mine.outbox.task_done()
    with contextlib.suppress(RuntimeError):
        await socket.close(1001)


def _configure(mine: Socket, text: str) -> None:
    """Take `events:configure`: the last call replaces the filters of the earlier ones."""
    try:
        asked = json.loads(text)
        method, context = asked.get("method"), asked.get("context")
    except (ValueError, AttributeError):
        mine.outbox.put_nowait(json.dumps(_error(None, BAD_JSON, "Invalid JSON")))
        return
    if method != "events:configure":
        answer = _error(method, BAD_METHOD, "Method not supported", context)
    elif (filters := _filters(asked.get("params"))) is None:
        answer = _error(method, BAD_PARAMS, "Invalid parameters", context)
    else:
        mine.filters = filters
        answer = {"apiVersion": "1.0", "method": method, "data": {}}
        if context is not None:
            answer["context"] = context
    mine.outbox.put_nowait(json.dumps(answer))


def _filters(params: object) -> list[tuple[str, ...]] | None:
    """Read the filters; None when they are not what the method takes."""
    listed = params.get("eventFilterList") if isinstance(params, dict) else None
    if not isinstance(listed, list):
        return None
    filters = []
    for each in listed:
        if not isinstance(each, dict) or each.keys() - {"topicFilter", "contentFilter"}:
            return None
        topic = each.get("topicFilter", "")
        if not isinstance(topic, str):
            return None
        filters.append(topic_filter(topic))
    return filters
