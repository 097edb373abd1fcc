"""The Messages WebSocket: `/api/ws/messages/v1`, topics that anybody with a token may use.

Frames `auth`, `hello`, `pulse`, `sub`, `pub`, `msg` are those of the sample ChatWithWebsockets;
`ack` and `error` are known by name alone.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import uuid4

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.rest import error
from adapters.milestone.simulator.site import Site

_PULSE_S = 30
_BODIES = {"pulse.v1": {"seq"}, "sub.v1": {"topic"}, "pub.v1": {"topic", "data"}}


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoint."""
    room = _Room(site)

    async def messages(socket: WebSocket) -> None:
        if not site.has(Feature.MESSAGES_SOCKET):
            await socket.send_denial_response(error(404, "Unknown resource: messages"))
            return
        await socket.accept()
        await room.hold(socket)

    return [WebSocketRoute("/api/ws/messages/v1", messages)]


class _Room:
    def __init__(self, site: Site) -> None:
        self._site, self._number = site, 0
        self._topics: dict[WebSocket, set[str]] = {}

    async def hold(self, socket: WebSocket) -> None:
        """Answer until the client leaves; what is no frame closes the connection."""
        try:
            if not await self._let_in(socket):
                await socket.close(1008)
                return
            self._topics[socket] = set()
            while True:
                await self._take(socket, _frame(await socket.receive_text()))
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass
        except (ValueError, TypeError):
            with suppress(RuntimeError):
                await socket.close(1008)
        finally:
            self._topics.pop(socket, None)

    async def _let_in(self, socket: WebSocket) -> bool:
        frame = _frame(await socket.receive_text())
        if frame["type"] != "auth.v1" or set(frame["body"]) != {"token"}:
            return False
        access = str(frame["body"]["token"]).removeprefix("Bearer ").strip()
        token = self._site.accounts.tokens.get(access)
        if token is None or token.expires <= self._site.clock():
            return False
        await _say(socket, "hello.v1", {"pulsePeriodSeconds": _PULSE_S})
        return True

    async def _take(self, socket: WebSocket, frame: dict[str, Any]) -> None:
        kind, body = frame["type"], frame["body"]
        if kind not in _BODIES or set(body) != _BODIES[kind]:
            told = {"id": frame["id"], "message": f"Not understood: {kind}"}
            await _say(socket, "error.v1", told)
            return
        if kind == "sub.v1":
            self._topics[socket].add(str(body["topic"]))
        if kind != "pulse.v1":
            await _say(socket, "ack.v1", {"id": frame["id"]})
        if kind == "pub.v1":
            await self._publish(str(body["topic"]), body["data"])

    async def _publish(self, topic: str, data: object) -> None:
        self._number += 1
        body = {"topic": topic, "data": data, "seq": self._number}
        for socket, topics in list(self._topics.items()):
            if topic in topics:
                with suppress(RuntimeError, WebSocketDisconnect):
                    await _say(socket, "msg.v1", body)


def _frame(text: str) -> dict[str, Any]:
    frame = json.loads(text)
    if not isinstance(frame, dict) or set(frame) != {"id", "type", "body"}:
        raise ValueError("no frame")
    if not isinstance(frame["body"], dict):
        raise ValueError("no body")
    return frame


async def _say(socket: WebSocket, kind: str, body: dict[str, Any]) -> None:
    await socket.send_text(json.dumps({"id": str(uuid4()), "type": kind, "body": body}))
