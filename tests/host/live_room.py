"""A room with one source that films, an officer to press, and browsers that watch.

The viewer is aiortc's own client, which decodes; the source is the simulator's lens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from starlette.types import ASGIApp

from adapters.axis.simulator.scene import Coded, Scene
from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    CameraId,
    Codec,
    DeviceId,
    End,
    Envelope,
    Fact,
    FactId,
    IncidentId,
    Live,
    Refused,
    Sample,
    Screen,
    Sighting,
    Situation,
    hookimpl,
)
from tests.host.paper import Paper, running
from vms_plugin.engine import Engine
from vms_plugin.live import Relay
from vms_plugin.live.channel import State, Status
from vms_plugin.register import faults
from vms_plugin.settings import Settings
from vms_plugin.web import accounts, build

PASSWORD = "a long enough password"
TOKEN = "a-token-of-the-source"
INCIDENT = IncidentId("src:s1")


class Proposing(Paper):
    """An atlas that proposes the cameras it is told."""

    def __init__(self) -> None:
        self.proposes: tuple[Sighting, ...] = ()

    def situate(self, *_: Any, **__: Any) -> Situation:
        return Situation(sightings=self.proposes)


class Source:
    """An adapter whose camera films, breaks, and counts who fetches its picture."""

    def __init__(self) -> None:
        self.running = self.runs = 0
        self.breaks: list[Exception] = []
        self.gives: object = Live(run=self.run, video=Codec.H264, audio=Codec.OPUS)
        #: Another picture for the town's cameras: the officer's may be asked for at any moment.
        self.gives_camera: object = None
        self.asked: list[str] = []
        self.refuses: dict[str, str] = {}

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="src", brand="Source", contract=1)

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        word, _, name = envelope.body.decode().partition(" ")
        activation, device = ActivationId(f"src:{name}"), DeviceId("src:d")
        at, own = envelope.received_at, FactId(f"src:{word}-{name}")
        if word == "press":
            yield Activation(id=own, at=at, activation=activation, device=device)
        else:
            yield End(id=own, at=at, activation=activation, device=device)

    @hookimpl
    def open_live(self, activation: ActivationId, device: DeviceId) -> object:
        assert activation.startswith("src:s")
        assert device == "src:d"
        return self.gives

    @hookimpl
    def open_camera(self, camera: CameraId) -> object:
        self.asked.append(camera)
        if camera in self.refuses:
            raise Refused(self.refuses[camera])
        return self.gives_camera or self.gives

    async def run(self, screen: Screen) -> None:
        self.running += 1
        self.runs += 1
        if self.breaks:
            self.running -= 1
            raise self.breaks.pop(0)
        scene = Scene()

        def show(coded: Coded) -> None:
            codec = Codec.H264 if coded.kind == "video" else Codec.OPUS
            seconds = float((coded.packet.pts or 0) * coded.packet.time_base) + 10
            key = codec is Codec.OPUS or coded.packet.is_keyframe
            screen.show(Sample(codec=codec, data=bytes(coded.packet), at_s=seconds, key=key))

        leave = scene.watch(show)
        try:
            while True:
                await screen.key_wanted()
                scene.want_key()
        finally:
            self.running -= 1
            leave()


class Room:
    def __init__(
        self, client: httpx.AsyncClient, engine: Engine, live: Relay, src: Source, paper: Proposing,
        app: ASGIApp,
    ) -> None:  # fmt: skip
        self.client, self.engine, self.live, self.source = client, engine, live, src
        self.paper, self.app = paper, app

    async def tell(self, what: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await self.client.post("/intake/src", headers=headers, content=what)
        assert answer.status_code == 202

    async def log_in(self, name: str = "Léa") -> str:
        await self.client.post("/login", data={"name": name, "password": PASSWORD})
        token: str = (await self.client.get("/api/state")).json()["token"]
        return token

    async def offer(
        self, sdp: str, token: str, incident: str = INCIDENT, **more: Any
    ) -> httpx.Response:
        headers = {"Content-Type": "application/sdp", "X-Renfort-Token": token}
        return await self.client.post(
            f"/whep/{incident}", **{"content": sdp, "headers": headers, **more}
        )

    async def until(self, state: State, name: str = INCIDENT) -> None:
        await eventually(lambda: self._state(name) is state)

    def _state(self, name: str) -> State | None:
        status = self.status(name)
        return status.state if status else None

    def status(self, name: str = INCIDENT) -> Status | None:
        return next((each for of, each in self.live.status.items() if of.name == name), None)

    async def views(self, number: int = 0) -> list[str]:
        """Read what the register says of views, once it has that many lines.

        The end of one is written after its peer is gone.
        """
        async with asyncio.timeout(15):
            while len(rows := await self.engine.store.register()) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert faults(rows) == []
        return [f"{row[3]} {row[6]}" for row in rows]


async def eventually(true: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  (what is awaited lives on another loop)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def room(path: Path, **more: Any) -> AsyncIterator[Room]:
    source, atlas = Source(), Proposing()
    settings = Settings(intake_tokens={"src": TOKEN}, language="fr", **more)
    async with running(path, {"src": source}, settings=settings, paper=atlas) as engine:
        live = Relay(engine)
        await live.start()
        await accounts.add(engine.store, "Léa", PASSWORD, "policier")
        await accounts.add(engine.store, "Tom", PASSWORD, "civil")
        await accounts.add(engine.store, "Zoé", PASSWORD, "dpo")
        app = build(engine, live)
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5000))
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                yield Room(client, engine, live, source, atlas, app)
        finally:
            while Browser.opened:
                await Browser.opened.pop().close()
            await live.stop()


class Browser:
    """A viewer that decodes what it is shown."""

    opened: ClassVar[list[RTCPeerConnection]] = []

    def __init__(self, *kinds: str) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # as the page's own
        self.opened.append(self.peer)
        for kind in kinds or ("video", "audio"):
            self.peer.addTransceiver(kind, direction="recvonly")

    async def offer(self) -> str:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def accept(self, answer: httpx.Response) -> None:
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"] == "application/sdp"
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))

    async def frame(self, kind: str = "video") -> Any:
        [track] = [
            each.receiver.track for each in self.peer.getTransceivers() if each.kind == kind
        ]  # fmt: skip
        return await asyncio.wait_for(track.recv(), 10)


@asynccontextmanager
async def watching(there: Room, *kinds: str) -> AsyncIterator[tuple[Browser, httpx.Response]]:
    token = await there.log_in()
    browser = Browser(*kinds)
    answer = await there.offer(await browser.offer(), token)
    await browser.accept(answer)
    try:
        yield browser, answer
    finally:
        await browser.peer.close()
