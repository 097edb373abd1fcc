"""The Events and State WebSocket: `/api/ws/events/v1`."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any
from uuid import uuid4

import msgspec
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.milestone.simulator.catalogue import states_of
from adapters.milestone.simulator.hub import Filter, Session
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.rest import error, refuse_token
from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.trouble import Moods


class Malformed(ValueError):
    """A frame that is no command: "in case of malformed commands the connection will be closed"."""


def routes(site: Site, moods: Moods) -> list[BaseRoute]:
    """List the endpoint; 2023 R2 does not have it yet."""

    async def live(socket: WebSocket) -> None:
        if not site.has(Feature.EVENTS_SOCKET):
            await socket.send_denial_response(error(404, "Unknown resource: events"))
            return
        # A browser cannot send the header: it is let in, and must authenticate first.
        late = site.has(Feature.EVENTS_AUTHENTICATE) and "authorization" not in socket.headers
        refused = None if late else refuse_token(site, socket)
        if refused is not None:
            await socket.send_denial_response(refused)
            return
        await socket.accept()
        await _Conversation(site, moods, socket, known=not late).hold()

    return [WebSocketRoute("/api/ws/events/v1", live)]


class _Conversation:
    """One connection: commands answered in turn, events pushed between."""

    def __init__(self, site: Site, moods: Moods, socket: WebSocket, *, known: bool) -> None:
        self._site, self._moods, self._socket, self._known = site, moods, socket, known
        self._session: Session | None = None
        self._pushing: asyncio.Task[None] | None = None

    async def hold(self) -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def close() -> None:
            if not ended.done():
                ended.set_result(None)

        talking = asyncio.ensure_future(self._talk())
        self._site.hub.closers.add(close)
        try:
            await asyncio.wait((talking, ended), return_when=asyncio.FIRST_COMPLETED)
            # 1001, going away: the application pool of the gateway is recycled every 27 hours.
            code = talking.result() if talking.done() else 1001
        except WebSocketDisconnect:
            code = None
        finally:
            await _stop(talking)
            await _stop(self._pushing)
            if self._session is not None:
                self._site.hub.leave(self._session)
            # Last: who counts the connections sees this one gone once its session is left.
            self._site.hub.closers.discard(close)
        if code is not None:
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close(code)

    async def _talk(self) -> int | None:
        """Answer commands until the client leaves (None) or sends what is no command (a code)."""
        while True:
            frame = await self._socket.receive()
            if frame["type"] == "websocket.disconnect":
                return None
            try:
                command = _command(frame.get("text"))
                answer = self._answer(command)
            except Malformed:
                return 1008
            # Events go on coming while an answer is awaited.
            await asyncio.sleep(self._moods.slow_s)
            await self._socket.send_text(json.dumps({"commandId": command["commandId"], **answer}))
            if self._session is not None and self._pushing is None:
                self._pushing = asyncio.ensure_future(self._push(self._session))

    async def _push(self, session: Session) -> None:
        while session.waiting is not None:
            event = await session.waiting.get()
            await self._socket.send_text(json.dumps({"events": [event]}))

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name = command["command"]
        if name == "authenticate":
            return self._authenticate(command)
        if not self._known:
            raise Malformed("authenticate comes first")
        if name == "startSession":
            return self._start(command)
        if name not in ("addSubscription", "removeSubscription", "getState"):
            raise Malformed(name)
        if self._session is None:
            return _wrong(400, "No session: startSession comes first.")
        if name == "addSubscription":
            return _subscribe(self._session, command)
        if name == "removeSubscription":
            known = self._session.subscriptions.pop(str(command.get("subscriptionId")), None)
            return _wrong(404, "Unknown subscription.") if known is None else {"status": 200}
        states = [state for state in states_of(self._site) if self._session.hears(state)]
        return {"status": 200, "states": states}

    def _authenticate(self, command: dict[str, Any]) -> dict[str, Any]:
        """Take the token of a browser: looked at here, and never again while the socket lasts."""
        if not self._site.has(Feature.EVENTS_AUTHENTICATE):
            raise Malformed("authenticate")
        access = str(command.get("token")).removeprefix("Bearer ").strip()
        token = self._site.accounts.tokens.get(access)
        if token is None or token.expires <= self._site.clock():
            return _wrong(401, "Token validation failed.")
        self._known = True
        return {"status": 200}

    def _start(self, command: dict[str, Any]) -> dict[str, Any]:
        if self._session is not None:
            return _wrong(400, "The session has started.")
        wanted = str(command.get("sessionId") or "")
        self._session, resumed = self._site.hub.enter(wanted, str(command.get("eventId") or ""))
        return {"status": 200 if resumed else 201, "sessionId": self._session.id}


def _command(text: str | None) -> dict[str, Any]:
    """Read a command: a JSON object with its name and its number."""
    try:
        command = json.loads(text or "")
    except (ValueError, RecursionError) as cause:
        raise Malformed("not JSON") from cause
    if not isinstance(command, dict) or not isinstance(command.get("command"), str):
        raise Malformed("no command")
    number = command.get("commandId")
    if isinstance(number, bool) or not isinstance(number, int):
        raise Malformed("no commandId")
    return command


def _subscribe(session: Session, command: dict[str, Any]) -> dict[str, Any]:
    try:
        filters = msgspec.convert(command.get("filters"), list[Filter])
    except msgspec.ValidationError as cause:
        return _wrong(400, f"Invalid filters: {cause}")
    identifier = str(uuid4())
    session.subscriptions[identifier] = filters
    return {"status": 200, "subscriptionId": identifier}


def _wrong(status: int, text: str) -> dict[str, Any]:
    return {"status": status, "error": {"errorText": text}}


async def _stop(task: asyncio.Future[Any] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await task
