"""What a server may say besides what the simulator says: repeated, odd, refused in passing."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from websockets.asyncio.client import ClientConnection

from adapters.axis import live
from adapters.axis.live import LiveSource, _Session
from adapters.axis.signaling import Talk
from adapters.axis.vapix import Server
from hooks import AdapterError, Message, Sample, Screen

pytestmark = pytest.mark.usefixtures("on_loopback")


class Watched:
    def show(self, sample: Sample) -> None: ...

    def lost(self, why: Message) -> None: ...

    async def key_wanted(self) -> None:
        await asyncio.Event().wait()


class Source:
    host = "h"
    talk = Talk("S1", "session-1")

    async def token(self) -> str:
        return "token"


class Socket:
    """The camera's side of the socket: what is put is heard, and what is said is kept."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.said: list[dict[str, Any]] = []
        self._stirred = asyncio.Event()

    async def send(self, text: str) -> None:
        self.said.append(json.loads(text))
        self._stirred.set()

    async def recv(self) -> str:
        return await self.heard.get()

    def tell(self, method: str, params: dict[str, Any], **more: Any) -> None:
        data = {"type": "request", "method": method, "params": params, **more}
        self.heard.put_nowait(json.dumps({"type": "signaling", "data": data}))

    def answers(self) -> list[str]:
        return [frame["data"]["params"]["sdp"] for frame in self.said
                if frame.get("data", {}).get("method") == "setSdpAnswer"]  # fmt: skip

    async def until(self, answers: int) -> None:
        async with asyncio.timeout(10):
            while len(self.answers()) < answers:
                self._stirred.clear()
                await self._stirred.wait()


@asynccontextmanager
async def session() -> AsyncIterator[tuple[Socket, asyncio.Future[None]]]:
    socket = Socket()
    there = _Session(
        cast(LiveSource, Source()), cast(ClientConnection, socket), cast(Screen, Watched())
    )
    running = asyncio.ensure_future(there.run())
    try:
        yield socket, running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await there.close()


async def offer() -> str:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("video", direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    told = str(peer.localDescription.sdp)
    await peer.close()
    return told


async def test_an_offer_told_twice_is_answered_once() -> None:
    told = await offer()
    async with session() as (socket, _):
        for _ in range(2):
            socket.tell("setSdpOffer", {"type": "offer", "sdp": told})
        await socket.until(1)
        socket.tell("setSdpOffer", {"type": "offer", "sdp": told})
        await asyncio.sleep(0.3)

    assert len(socket.answers()) == 1


async def test_another_offer_takes_the_place_of_the_first() -> None:
    first, second = await offer(), await offer()
    async with session() as (socket, _):
        socket.tell("setSdpOffer", {"type": "offer", "sdp": first})
        await socket.until(1)
        socket.tell("setSdpOffer", {"type": "offer", "sdp": second})
        await socket.until(2)

    one, two = (re.findall("a=ice-pwd:.*", answer) for answer in socket.answers())
    assert one != two


async def test_an_offer_without_a_description_harms_nothing() -> None:
    async with session() as (socket, running):
        for odd in (None, 5, ["v=0"]):
            socket.tell("setSdpOffer", {"sdp": odd})
        socket.tell("setSdpOffer", {"sdp": await offer()})
        await socket.until(1)

    assert not running.done() or running.cancelled()


async def test_a_candidate_that_is_refused_costs_no_picture() -> None:
    async with session() as (socket, running):
        socket.tell("setSdpOffer", {"sdp": await offer()})
        await socket.until(1)
        socket.tell("addIceCandidate", {}, type="response", error={"code": 7, "message": "no"})
        await asyncio.sleep(0.2)

        assert not running.done()


async def test_an_answer_that_cannot_be_given_ends_the_session_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(_self: RTCPeerConnection) -> None:
        raise RuntimeError("no answer")

    monkeypatch.setattr(RTCPeerConnection, "createAnswer", fail)
    async with session() as (socket, running):
        socket.tell("setSdpOffer", {"sdp": await offer()})
        await asyncio.wait({running}, timeout=5)

        assert isinstance(running.exception(), AdapterError)


async def test_a_token_is_asked_for_anew_before_it_ends_by_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claims = base64.urlsafe_b64encode(b'{"exp": 130, "iat": 100}').decode().rstrip("=")
    asked, now = itertools.count(1), [1000.0]
    monkeypatch.setattr(live, "monotonic", lambda: now[0])
    asker = SimpleNamespace(signaling_token=lambda: f"{next(asked)}.{claims}.sign")
    monkeypatch.setattr(live, "Asker", lambda _server: asker)
    source = LiveSource(cast(Server, SimpleNamespace(host="h")), "S1", "session-1")
    given = []
    for later_s in (0, 23, 2, 10):
        now[0] += later_s
        given.append((await source.token()).partition(".")[0])

    assert given == ["1", "1", "2", "2"]
