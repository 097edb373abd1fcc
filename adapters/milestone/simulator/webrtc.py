"""WebRTC signalling: by REST since 2023 R1, by WebSocket (JSON-RPC) since 2025 R1."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.milestone.simulator import shapes
from adapters.milestone.simulator.accounts import Token
from adapters.milestone.simulator.marks import moment
from adapters.milestone.simulator.peer import NotUnderstood
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.rest import (
    body_of,
    error,
    query_refused,
    route,
    token_of,
    unknown_request,
)
from adapters.milestone.simulator.shapes import Shape
from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.viewing import Session, Sessions, Unviewable


def _fits(fields: Mapping[str, Shape]) -> Shape:
    return lambda value: (
        isinstance(value, dict)
        and set(value) <= set(fields)
        and shapes.wrong(value, fields) is None
    )


_ICE = shapes.several(
    _fits({"url": shapes.filled, "username": shapes.text, "credential": shapes.text})
)


def _live_or_past(value: object) -> bool:
    # The sample sends an empty time when it wants the live picture.
    return value == "" or moment(value)


_PLAYBACK = _fits(
    {"playbackTime": _live_or_past, "speed": shapes.between(0, 32), "skipGaps": shapes.flag}
)
#: The page has one session for all verbs, whose properties may be null: not said.
_SESSION = (
    "sessionId", "cameraId", "deviceId", "token", "resolution", "offerSDP", "answerSDP",
    "streamId", "includeAudio", "iceServers", "playbackTimeNode",
)  # fmt: skip
_BEGIN: Mapping[str, Shape] = {
    "cameraId": shapes.identifier, "deviceId": shapes.identifier,
    "streamId": shapes.identifier, "resolution": shapes.text,
    "includeAudio": shapes.flag, "iceServers": _ICE, "playbackTimeNode": _PLAYBACK,
}  # fmt: skip
_CHANGE: Mapping[str, Shape] = {"answerSDP": shapes.filled, "token": shapes.filled}
_CONNECT: Mapping[str, Shape] = {
    "authorization": shapes.filled, "peer": shapes.identifier, "streamID": shapes.identifier,
    "includeAudio": shapes.flag, "iceServers": shapes.several(shapes.mapping),
    "PlaybackTime": moment, "PlaybackSpeed": shapes.number, "skipGaps": shapes.flag,
}  # fmt: skip


def routes(site: Site, sessions: Sessions) -> list[BaseRoute]:
    """List the endpoints. They come before the configuration's, whose paths match anything."""

    async def begin(request: Request) -> Response:
        body = query_refused(request, ()) or await _session(request, _BEGIN)
        if isinstance(body, Response):
            return body
        # `cameraId` in the samples up to 2025 R1, and deprecated since.
        camera, token = body.get("deviceId", body.get("cameraId")), token_of(site, request)
        if camera is None or token is None:
            return _invalid("deviceId")
        # Older releases pass over a stream they cannot choose.
        stream = str(body.get("streamId", "")) if site.has(Feature.WEBRTC_STREAM) else ""
        try:
            session = await sessions.begin(
                camera, token, stream=stream,
                sound=body.get("includeAudio", True), asked=body,
            )  # fmt: skip
        except Unviewable as not_so:
            return error(not_so.status, not_so.text)
        return JSONResponse(_write(session))

    async def read(request: Request) -> Response:
        session = sessions.find(request.path_params["id"])
        return JSONResponse(_write(session)) if session else _missing()

    async def alter(request: Request) -> Response:
        session = sessions.find(request.path_params["id"])
        return await _change(site, session, request) if session else _missing()

    async def candidates(request: Request) -> Response:
        session = sessions.find(request.path_params["id"])
        if session is None:
            return _missing()
        texts = [json.dumps(each) for each in session.peer.candidates]
        return JSONResponse({"sessionId": session.id, "candidates": texts})

    async def trickle(request: Request) -> Response:
        session = sessions.find(request.path_params["id"])
        if session is None:
            return _missing()
        body = await body_of(request, ("sessionId", "candidates"))
        if isinstance(body, Response):
            return body
        if str(body.get("sessionId", session.id)).lower() != session.id:
            return _invalid("sessionId")
        texts = body.get("candidates", "")
        try:
            if texts is not None and not shapes.several(shapes.filled)(texts):
                raise NotUnderstood("a list of texts")
            for text in texts or ():
                await session.peer.add(text)
        except NotUnderstood:
            return _invalid("candidates")
        return JSONResponse({"sessionId": session.id, "candidates": texts})

    async def socket(connection: WebSocket) -> None:
        if not site.has(Feature.WEBRTC_SOCKET):
            await connection.send_denial_response(error(404, "Unknown resource: webrtc"))
            return
        await connection.accept()
        await _Conversation(site, sessions, connection).hold()

    async def watched(_request: Request) -> Response:
        return JSONResponse({"sessions": sessions.listed()})

    first = Feature.WEBRTC
    return [
        route(site, "webrtc/session", first, POST=begin),
        route(site, "webrtc/session/{id}", first, GET=read, PATCH=alter),
        route(site, "webrtc/icecandidates/{id}", first, GET=candidates, POST=trickle),
        WebSocketRoute("/api/ws/webrtc/v1", socket),
        Route("/simulator/views", watched),
    ]


def _missing() -> Response:
    return error(404, "Session not found.")


def _invalid(name: str) -> Response:
    return error(400, f"Invalid value for property: {name}", propertyName=name)


async def _session(request: Request, taken: Mapping[str, Shape]) -> dict[str, Any] | Response:
    """Read what is said of a session: the properties that are not null, all of them taken."""
    body = await body_of(request, _SESSION)
    if isinstance(body, Response):
        return body
    said = {name: value for name, value in body.items() if value is not None}
    bad = next((each for each in said if each not in taken), None) or shapes.wrong(said, taken)
    return said if bad is None else _invalid(bad)


def _write(session: Session) -> dict[str, Any]:
    asked = session.asked
    return {
        "sessionId": session.id, "cameraId": session.camera, "deviceId": session.camera,
        "resolution": "notInUse",
        "streamId": asked.get("streamId"), "includeAudio": asked.get("includeAudio", True),
        "iceServers": asked.get("iceServers", []), "offerSDP": session.offer,
        "answerSDP": session.answer, "playbackTimeNode": asked.get("playbackTimeNode"),
    }  # fmt: skip


async def _change(site: Site, session: Session, request: Request) -> Response:
    body = await _session(request, _CHANGE)
    if isinstance(body, Response):
        return body
    if not body:
        return _invalid("answerSDP")
    if "token" in body:
        token = _token(site, body["token"])
        if token is None:
            return _invalid("token")
        session.token = token
    if "answerSDP" in body:
        if session.answer:
            return unknown_request()
        try:
            await session.peer.answer(body["answerSDP"])
        except NotUnderstood:
            return _invalid("answerSDP")
        session.answer = body["answerSDP"]
    return JSONResponse(_write(session))


def _token(site: Site, text: str) -> Token | None:
    found = site.accounts.tokens.get(text.removeprefix("Bearer ").strip())
    return found if found is not None and found.expires > site.clock() else None


class _Refused(Exception):
    """A JSON-RPC error: its code and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class _Conversation:
    """One socket; it may watch several cameras."""

    def __init__(self, site: Site, sessions: Sessions, socket: WebSocket) -> None:
        self._site, self._sessions, self._socket = site, sessions, socket
        self._token: Token | None = None
        self._mine: dict[str, Session] = {}
        self._invited: dict[object, Session] = {}
        # The sample takes 1 and 2 for its own requests.
        self._numbers = itertools.count(1001)

    async def hold(self) -> None:
        """Answer until the viewer leaves, or speaks something else."""
        self._site.hub.closers.add(close := self._close)
        try:
            while True:
                await self._take(json.loads(await self._socket.receive_text()))
        except (ValueError, TypeError, AttributeError):
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(1008)
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass
        finally:
            self._site.hub.closers.discard(close)
            for session in self._mine.values():
                await self._sessions.end(session)

    def _close(self) -> None:
        self._closing = asyncio.ensure_future(self._socket.close(1001))

    async def _take(self, message: dict[str, Any]) -> None:
        if message.get("jsonrpc") != "2.0":
            raise ValueError("no JSON-RPC 2.0")
        if "method" not in message:
            await self._answered(message)
            return
        try:
            result = await self._call(message["method"], message.get("params") or {})
        except _Refused as refused:
            await self._refuse(message, refused)
            return
        if "id" in message:
            await self._say(result=result, id=message["id"])
        if message["method"] == "connect":
            await self._invite(self._mine[result["session"]])

    async def _refuse(self, message: dict[str, Any], refused: _Refused) -> None:
        """Refuse a call; a notice has no answer, but the sample logs the `message` of one back."""
        if "id" in message:
            error = {"code": refused.code, "message": refused.text}
            await self._say(error=error, id=message["id"])
        else:
            await self._say(method="error", params={"message": refused.text})

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "register":
            self._token = self._bearer(params)
            for session in self._mine.values():
                session.token = self._token
            return {}
        if self._token is None:
            raise _Refused(-32001, "register comes first")
        if method == "connect":
            return await self._connect(params)
        if method == "trickle":
            return await self._trickle(params)
        raise _Refused(-32601, f"Method not found: {method}")

    def _bearer(self, params: dict[str, Any]) -> Token:
        token = _token(self._site, str(params.get("authorization", "")))
        if token is None:
            raise _Refused(-32001, "Token validation failed.")
        return token

    async def _connect(self, params: dict[str, Any]) -> dict[str, Any]:
        unknown = [name for name in params if name not in _CONNECT]
        bad = unknown[0] if unknown else shapes.wrong(params, _CONNECT)
        if bad is not None or "peer" not in params:
            raise _Refused(-32602, f"Invalid params: {bad or 'peer'}")
        token = self._bearer(params)
        try:
            session = await self._sessions.begin(
                params["peer"], token, stream=params.get("streamID", ""),
                sound=params.get("includeAudio", True), asked={},
            )  # fmt: skip
        except Unviewable as not_so:
            raise _Refused(-32000, not_so.text) from not_so
        self._mine[session.id] = session
        return {"session": session.id}

    async def _invite(self, session: Session) -> None:
        number = next(self._numbers)
        self._invited[number] = session
        params: dict[str, Any] = {"session": session.id, "offer": session.offer}
        await self._say(method="invite", params=params, id=number)
        for candidate in session.peer.candidates:
            params = {"session": session.id, "candidate": candidate}
            await self._say(method="trickle", params=params)

    async def _trickle(self, params: dict[str, Any]) -> dict[str, Any]:
        session = self._mine.get(str(params.get("session")))
        if session is None:
            raise _Refused(-32602, "Invalid params: session")
        try:
            candidate = params.get("candidate")
            # Written as text by the sample; some write it as we do ourselves.
            text = json.dumps(candidate) if isinstance(candidate, dict) else str(candidate)
            await session.peer.add(text)
        except NotUnderstood as wrong:
            raise _Refused(-32602, "Invalid params: candidate") from wrong
        return {}

    async def _answered(self, message: dict[str, Any]) -> None:
        """Take the answer to our invitation."""
        session = self._invited.pop(message.get("id"), None)
        answer = (message.get("result") or {}).get("answer")
        if session is None:
            return
        try:
            await session.peer.answer(str(answer))
            session.answer = str(answer)
        except NotUnderstood:
            params = {"session": session.id, "message": "Invalid answer"}
            await self._say(method="error", params=params)

    async def _say(self, **message: object) -> None:
        await self._socket.send_text(json.dumps({"jsonrpc": "2.0", **message}))
