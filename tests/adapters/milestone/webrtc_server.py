"""XProtect's end of a WebRTC session, as the maker's sample meets it, with a fault for each test.

It offers sound as well, to see that nobody takes it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.sdp import candidate_from_sdp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.axis.simulator.scene import Coded, Scene
from tests.serving import Server as HttpServer

API = "/API/rest/v1/WebRTC"


class Track(MediaStreamTrack):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.coded: asyncio.Queue[av.Packet[Any]] = asyncio.Queue()

    async def recv(self) -> av.Packet[Any]:
        return await self.coded.get()


class Peer:
    """The server's peer of one session: it offers, without candidates; they are told apart."""

    def __init__(self, scene: Scene) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.offer, self.candidates = "", list[str]()
        self.heard: list[str] = []
        self._scene = scene
        self._leave: Callable[[], None] | None = None

    async def make(self) -> None:
        tracks = {kind: Track(kind) for kind in ("video", "audio")}
        for kind, track in tracks.items():
            sending = self.connection.addTransceiver(track, direction="sendonly")
            able = RTCRtpSender.getCapabilities(kind).codecs
            wanted = ("video/H264", "video/rtx", "audio/PCMU")
            sending.setCodecPreferences([each for each in able if each.mimeType in wanted])
            vars(sending.sender)["_send_keyframe"] = self._scene.want_key
        self.connection.createDataChannel("commands", protocol="videoos-commands")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        lines = self.connection.localDescription.sdp.split("\r\n")
        found = dict.fromkeys(each[2:] for each in lines if each.startswith("a=candidate"))
        self.candidates = [
            json.dumps({"candidate": each, "sdpMid": "0", "sdpMLineIndex": 0}) for each in found
        ]
        bare = "\r\n".join(
            each for each in lines if not each.startswith(("a=candidate", "a=end-of"))
        )
        self.offer = json.dumps({"type": "offer", "sdp": bare})

        def put(coded: Coded) -> None:
            if coded.kind == "video":
                tracks["video"].coded.put_nowait(coded.packet)

        self._leave = self._scene.watch(put)

    async def answered(self, said: str) -> None:
        described = json.loads(said)
        # Its candidates are left out: those told apart must serve. So is the word that there are no
        # more: a peer that has heard it, and knows none, takes nobody for the one who then knocks.
        bare = "\r\n".join(
            each for each in described["sdp"].split("\r\n")
            if not each.startswith(("a=candidate", "a=end-of"))
        )  # fmt: skip
        await self.connection.setRemoteDescription(RTCSessionDescription(bare, "answer"))
        self.heard.append(described["sdp"])

    async def candidate(self, said: str) -> None:
        found = json.loads(said)
        candidate = candidate_from_sdp(found["candidate"].removeprefix("candidate:"))
        candidate.sdpMLineIndex = found["sdpMLineIndex"]
        await self.connection.addIceCandidate(candidate)

    async def close(self) -> None:
        if self._leave is not None:
            self._leave()
        await self.connection.close()


class Server:
    """One gateway."""

    def __init__(self, version: str = "23.3.0.1", *, socket: bool = False) -> None:
        self.version, self.with_socket = version, socket
        self.scene = Scene()
        self.sessions: dict[str, Peer] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.refuses: tuple[int, str] | None = None
        self.tokens = 0
        self.life_s = 3600.0
        self.sockets: list[WebSocket] = []
        self.said: list[dict[str, Any]] = []
        self.url = ""

    def app(self) -> Starlette:
        routes: list[Any] = [
            Route("/API/.well-known/uris", self._uris),
            Route("/API/IDP/connect/token", self._token, methods=["POST"]),
            Route(f"{API}/Session", self._open, methods=["POST"]),
            Route(f"{API}/Session/{{name}}", self._change, methods=["PATCH", "DELETE"]),
            Route(f"{API}/IceCandidates/{{name}}", self._candidates, methods=["GET", "POST"]),
        ]
        if self.with_socket:
            routes.append(WebSocketRoute("/API/ws/webrtc/v1", self._talk))
        return Starlette(routes=routes)

    async def _uris(self, _request: Request) -> Response:
        return JSONResponse({"ProductVersion": self.version, "ApiGateways": [f"{self.url}/API/"]})

    async def _token(self, _request: Request) -> Response:
        self.tokens += 1
        return JSONResponse({"access_token": f"t{self.tokens}", "expires_in": self.life_s})

    async def _open(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(("POST", "Session", body))
        if self.refuses is not None:
            status, text = self.refuses
            if not text:
                return PlainTextResponse("gone", status)
            detail = {"httpCode": status, "details": [{"errorText": text}]}
            return JSONResponse({"error": detail}, status)
        name, peer = await self._made()
        return JSONResponse({"sessionId": name, "offerSDP": peer.offer, "iceServers": []})

    async def _made(self) -> tuple[str, Peer]:
        peer, name = Peer(self.scene), f"s{len(self.sessions)}"
        await peer.make()
        self.sessions[name] = peer
        return name, peer

    async def _change(self, request: Request) -> Response:
        body: dict[str, Any] | None = None
        if request.method == "PATCH":
            body = await request.json()
        self.requests.append((request.method, "Session", body))
        peer = self.sessions[request.path_params["name"]]
        if request.method == "DELETE":
            await peer.close()
            return Response(status_code=204)
        if body and "answerSDP" in body:
            await peer.answered(body["answerSDP"])
        return JSONResponse({"sessionId": request.path_params["name"]})

    async def _candidates(self, request: Request) -> Response:
        peer = self.sessions[request.path_params["name"]]
        if request.method == "POST":
            for each in (await request.json())["candidates"]:
                await peer.candidate(each)
            return JSONResponse({})
        return JSONResponse({"candidates": peer.candidates})

    async def _talk(self, socket: WebSocket) -> None:
        await socket.accept()
        self.sockets.append(socket)
        with suppress(WebSocketDisconnect):
            await self._conversation(socket)
        for peer in self.sessions.values():
            await peer.close()

    async def _conversation(self, socket: WebSocket) -> None:
        peer: Peer | None = None
        async for said in socket.iter_json():
            self.said.append(said)
            if said.get("method") == "register":
                await socket.send_json({"jsonrpc": "2.0", "id": said["id"], "result": {}})
            elif said.get("method") == "connect" and self.refuses is not None:
                error = {"code": -32000, "message": self.refuses[1]}
                await socket.send_json({"jsonrpc": "2.0", "id": said["id"], "error": error})
            elif said.get("method") == "connect":
                name, peer = await self._made()
                result = {"session": name}
                await socket.send_json({"jsonrpc": "2.0", "id": said["id"], "result": result})
                call = {"jsonrpc": "2.0", "method": "invite", "id": 100}
                await socket.send_json(call | {"params": {"session": name, "offer": peer.offer}})
                for each in peer.candidates:
                    params = {"session": name, "candidate": json.loads(each)}
                    notice = {"jsonrpc": "2.0", "method": "trickle", "params": params}
                    await socket.send_json(notice)
            elif said.get("method") == "trickle" and peer is not None:
                await peer.candidate(said["params"]["candidate"])
            elif said.get("id") == 100 and peer is not None:
                await peer.answered(said["result"]["answer"])


Kind = TypeVar("Kind", bound=Server)


@asynccontextmanager
async def serving(server: Kind) -> AsyncIterator[Kind]:
    async with HttpServer(server.app()).here() as server.url:
        try:
            yield server
        finally:
            for peer in server.sessions.values():
                await peer.close()
