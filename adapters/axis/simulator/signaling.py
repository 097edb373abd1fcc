"""The signalling socket `client`: hello, initSession, and a camera that offers its picture.

Observed in two public clients, not specified by Axis. The server only relays: the peer is the
camera, which is why every viewer costs it an uplink of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any
from uuid import uuid4

from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.axis.simulator import tokens
from adapters.axis.simulator.device import Device
from adapters.axis.simulator.peer import Peer, Refusal

#: Members of `initSession`'s params: what a public client sends, and nothing else.
_PARAMS = {"type", "videoReceive", "audioReceive"}
_VIDEO = {"adaptive", "max-bitrate", "gop", "compression"}
_AUDIO = {"codec"}


def routes(device: Device) -> list[BaseRoute]:
    """List the two addresses seen: under the app's own path, and (on a port of its own) bare."""

    async def client(socket: WebSocket) -> None:
        device.requests["client"] += 1
        if device.refusal() is not None:
            await socket.send_denial_response(PlainTextResponse("refused", device.refusal() or 503))
        elif not tokens.valid(socket.query_params.get("authorization"), device.now()):
            await socket.send_denial_response(PlainTextResponse("Unauthorized", 401))
        else:
            await socket.accept()
            await _Viewer(device, socket).serve()

    paths = [f"/local/{app}/client" for app in device.apps]
    return [WebSocketRoute(path, client) for path in (*paths, "/client")]


class _Viewer:
    """One socket; it may look at several cameras."""

    def __init__(self, device: Device, socket: WebSocket) -> None:
        self._device, self._socket = device, socket
        self._peers: dict[str, Peer] = {}  # by the session they belong to
        self._id = ""
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        self._device.viewers.add(self)
        try:
            while True:
                frame = await self._socket.receive_text()
                # What is not understood means nothing, and costs nobody his picture.
                with contextlib.suppress(KeyError, ValueError, TypeError, AttributeError):
                    await self._take(json.loads(frame))
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass  # gone, or sent bytes
        finally:
            self._device.viewers.discard(self)
            await asyncio.gather(*(peer.close() for peer in self._peers.values()))
            await self.cut()

    async def cut(self) -> None:
        """Close the socket, as a server does that restarts."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # closed already
            await self._socket.close(1001)

    async def end(self, serial: str) -> None:
        """Let the peers of a camera that stops go; no message says so."""
        for session, peer in list(self._peers.items()):
            if peer.serial == serial:
                del self._peers[session]
                await peer.close()

    async def _take(self, asked: dict[str, Any]) -> None:
        if not tokens.valid(asked.get("accessToken"), self._device.now()):
            await self._socket.close(1008)
            return
        if asked["type"] == "hello":
            self._id = str(uuid4()) if asked.get("id") in (None, "noid") else str(asked["id"])
            await self._send(
                {"type": "hello", "id": self._id, "correlationId": asked["correlationId"]}
            )
        elif asked["type"] == "initSession":
            await self._init(asked)
        elif asked["type"] == "signaling":
            await self._signal(asked)

    async def _init(self, asked: dict[str, Any]) -> None:
        told = {name: value for name, value in asked.items() if name != "accessToken"}
        await self._send(told | {"turnServers": self._device.turn, "stunServers": []})
        data = asked["data"]
        try:
            wishes = _wishes(data)
            scene = self._device.scene(asked["targetId"], data["sessionId"])
        except (Refusal, KeyError, TypeError) as refusal:
            said = str(refusal.args[0]) if refusal.args else ""
            await self._answer(asked, error={"code": 1000, "message": said})
            return
        await self._answer(asked)
        peer = Peer(
            asked["targetId"], scene, lambda method, params: self._ask(asked, method, params)
        )
        self._peers[data["sessionId"]] = peer
        await peer.offer(sound=wishes["audioReceive"] is not None)

    async def _signal(self, asked: dict[str, Any]) -> None:
        data = asked["data"]
        peer = self._peers.get(data["sessionId"])
        if data["type"] == "response" or peer is None:
            return
        try:
            await peer.take(data["method"], data["params"])
        except Refusal as refusal:
            await self._answer(asked, error={"code": 1001, "message": str(refusal)})
        else:
            await self._answer(asked)

    async def _answer(self, asked: dict[str, Any], error: object = None) -> None:
        data = asked["data"]
        said = {"apiVersion": "1.0", "type": "response", "method": data.get("method"),
                "sessionId": data.get("sessionId"), "context": data.get("context")}  # fmt: skip
        said |= {"data": {}} if error is None else {"error": error}
        await self._frame(asked, said)

    async def _ask(self, about: dict[str, Any], method: str, params: dict[str, Any]) -> None:
        data = {"apiVersion": "1.0", "type": "request", "method": method,
                "sessionId": about["data"]["sessionId"], "context": str(uuid4()),
                "params": params}  # fmt: skip
        await self._frame(about, data)

    async def _frame(self, about: dict[str, Any], data: dict[str, Any]) -> None:
        await self._send({"type": "signaling", "targetId": about["targetId"], "orgId": None,
                          "correlationId": about["correlationId"], "data": data})  # fmt: skip

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the socket went
                await self._socket.send_text(json.dumps(message))


def _wishes(data: dict[str, Any]) -> dict[str, Any]:
    """Read what the viewer wants; refuse what no public client was seen to ask."""
    params = data["params"]
    video, audio = params.get("videoReceive"), params.get("audioReceive")
    if (data["apiVersion"], data["type"], data["method"]) != ("1.0", "request", "initSession"):
        raise Refusal("initSession expected")
    if params.get("type") != "live" or set(params) - _PARAMS or not isinstance(video, dict):
        raise Refusal("Invalid parameters")
    if set(video) - _VIDEO or (audio is not None and set(audio) - _AUDIO):
        raise Refusal("Invalid parameters")
    if audio is not None and audio.get("codec", "opus") != "opus":
        raise Refusal("codec not simulated")
    return {"videoReceive": video, "audioReceive": audio}
