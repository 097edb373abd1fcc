"""The live room: who may look, what the register says of it, and that nothing outlives its end.

The viewer is aiortc's own client, which decodes; the source is the simulator's lens.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import aioice.ice
import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from adapters.axis.simulator.scene import Coded, Scene, read_clock
from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    Codec,
    DeviceId,
    End,
    Envelope,
    Fact,
    FactId,
    IncidentId,
    Live,
    Message,
    Sample,
    Screen,
    Situation,
    Unreachable,
    hookimpl,
)
from vms_plugin.adapters import Adapters
from vms_plugin.engine import Engine
from vms_plugin.live import Relay, relay
from vms_plugin.live.channel import State
from vms_plugin.register import faults
from vms_plugin.settings import LiveSettings, Settings
from vms_plugin.store import Store
from vms_plugin.web import accounts, build
from vms_plugin.web import live as live_door

PASSWORD = "a long enough password"
TOKEN = "a-token-of-the-source"
INCIDENT = IncidentId("src:s1")


class Paper:
    patience_s = 600.0

    def load(self) -> None: ...
    def close(self) -> None: ...
    def ask_vms(self, adapters: Adapters) -> None: ...
    def refresh(self) -> bool:
        return False

    def situate(self, *_: Any, **__: Any) -> Situation:
        return Situation()

    def cameras(self) -> tuple[()]:
        return ()

    def bounds(self) -> None:
        return None

    def notes(self) -> list[Message]:
        return []


class Source:
    """An adapter whose camera films, breaks, and counts who fetches its picture."""

    def __init__(self) -> None:
        self.running = self.runs = 0
        self.breaks: list[Exception] = []
        self.gives: object = Live(run=self.run, video=Codec.H264, audio=Codec.OPUS)

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
        assert (str(activation), str(device)) == (INCIDENT, "src:d")
        return self.gives

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
    def __init__(self, client: httpx.AsyncClient, engine: Engine, live: Relay, src: Source) -> None:
        self.client, self.engine, self.live, self.source = client, engine, live, src

    async def tell(self, what: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await self.client.post("/intake/src", headers=headers, content=what)
        assert answer.status_code == 202

    async def log_in(self, name: str = "Léa") -> str:
        await self.client.post("/login", data={"name": name, "password": PASSWORD})
        token: str = (await self.client.get("/api/state")).json()["token"]
        return token

    async def offer(self, sdp: str, token: str, **more: Any) -> httpx.Response:
        headers = {"Content-Type": "application/sdp", "X-Renfort-Token": token}
        return await self.client.post(
            f"/whep/{INCIDENT}", **{"content": sdp, "headers": headers, **more}
        )

    async def until(self, state: State) -> None:
        await eventually(lambda: self._state() is state)

    def _state(self) -> State | None:
        status = self.live.status.get(INCIDENT)
        return status.state if status else None

    async def views(self) -> list[str]:
        rows = await self.engine.store.register()
        assert faults(rows) == []
        return [f"{row[3]} {row[6]}" for row in rows]


async def eventually(true: Callable[[], object], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  (what is awaited lives on another loop)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def room(path: Path, **more: Any) -> AsyncIterator[Room]:
    store, source = Store(path / "renfort.db"), Source()
    adapters = Adapters()
    adapters.load({"src": source}, {})
    settings = Settings(intake_tokens={"src": TOKEN}, language="fr", **more)
    engine = Engine(settings, adapters, store, Paper())  # type: ignore[arg-type]
    live = Relay(engine)
    await engine.start()
    await live.start()
    await accounts.add(store, "Léa", PASSWORD, "policier")
    await accounts.add(store, "Tom", PASSWORD, "civil")
    transport = httpx.ASGITransport(app=build(engine, live), client=("127.0.0.1", 5000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Room(client, engine, live, source)
    finally:
        while Browser.opened:
            await Browser.opened.pop().close()
        await live.stop()
        await engine.stop()
        store.close()


class Browser:
    """A viewer that decodes what it is shown."""

    opened: ClassVar[list[RTCPeerConnection]] = []

    def __init__(self, *kinds: str) -> None:
        self.peer = RTCPeerConnection()
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


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep to this machine: aioice leaves loopback out."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])


async def test_those_entitled_see_and_hear_what_the_camera_codes(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            frames = [await browser.frame() for _ in range(5)]
            sound = await browser.frame("audio")

    clocks = [read_clock(frame.to_ndarray(format="gray")) for frame in frames]
    assert None not in clocks
    assert clocks == sorted(clocks)  # type: ignore[type-var]
    assert sound.sample_rate == 48_000


async def test_a_camera_gives_one_session_whatever_the_number_of_viewers(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (one, _), watching(there) as (two, _):
            await one.frame()
            await two.frame()
            assert there.source.runs == 1


async def test_a_civilian_has_the_alert_and_not_the_picture_r241_12(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in("Tom")
        state = (await there.client.get("/api/state")).json()
        answer = await there.offer(await Browser().offer(), token)

        assert [each["incident"] for each in state["pictures"]] == [INCIDENT]
        assert answer.status_code == 403
        assert "police municipale" in answer.json()["error"]
        assert await there.views() == []


async def test_nobody_looks_without_logging_in_nor_from_another_page(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        stranger = await there.offer("v=0", "")
        await there.log_in()
        forged = await there.offer("v=0", "no token of ours")

    assert (stranger.status_code, forged.status_code) == (401, 403)


async def test_each_view_is_a_consultation_opened_and_closed_r241_14(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, answer):
            await browser.frame()
            token = await there.log_in()
            place = answer.headers["location"]
            gone = await there.client.delete(place, headers={"X-Renfort-Token": token})
            again = await there.client.delete(place, headers={"X-Renfort-Token": token})
        await asyncio.sleep(0.2)
        views = await there.views()

    assert (gone.status_code, again.status_code) == (200, 200)
    assert views == [
        'Léa {"address": "127.0.0.1", "view": "opened"}',
        'Léa {"address": "127.0.0.1", "view": "closed"}',
    ]


async def test_nothing_outlives_the_end_of_the_activation_r241_11(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            await there.tell("stop s1")
            await eventually(lambda: there.source.running == 0, 1)
            await eventually(lambda: browser.peer.connectionState in ("closed", "failed"), 1)
        token = await there.log_in()
        late = await there.offer(await Browser().offer(), token)
        await asyncio.sleep(0.2)
        views = await there.views()

    assert late.status_code == 404
    assert [view.split('"view": ')[1] for view in views] == [
        '"opened"}', '"closed"}', '"opened"}', '"closed"}',
    ]  # fmt: skip
    assert there.live.status == {}


async def test_a_view_ends_with_the_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 0.05)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            token = (await there.client.get("/api/state")).json()["token"]
            await there.client.post("/logout", headers={"X-Renfort-Token": token})
            await eventually(lambda: browser.peer.connectionState in ("closed", "failed"), 3)


async def test_a_view_ends_with_the_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 0.05)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            await there.engine.store.query("UPDATE account SET role = 'civil'")
            await eventually(lambda: browser.peer.connectionState in ("closed", "failed"), 3)


async def test_a_source_that_breaks_is_fetched_again_and_the_gap_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "FIRST_WAIT_S", 0.5)
    async with room(tmp_path) as there:
        there.source.breaks = [Unreachable("no picture from the camera for {s:.0f} s", s=8)]
        await there.tell("press s1")
        await there.until(State.LOST)
        await there.log_in()
        told = (await there.client.get("/api/state")).json()["live"][INCIDENT]
        await there.until(State.SHOWING)

    assert told["why"] == "aucune image de la caméra depuis 8 s"
    assert datetime.fromtimestamp(told["since"] / 1000, UTC) <= datetime.now(UTC)
    assert there.source.runs == 2


@pytest.mark.parametrize(
    ("gives", "why"),
    [
        (None, "this camera gives no live picture"),
        (Live(url=""), "this camera gives no live picture"),
        ("a picture", "open_live answered str instead of Live"),
    ],
)
async def test_an_adapter_that_gives_no_picture_or_nonsense_is_said(
    tmp_path: Path, gives: object, why: str
) -> None:
    async with room(tmp_path) as there:
        there.source.gives = gives
        await there.tell("press s1")
        await there.until(State.LOST)
        said = there.live.status[INCIDENT].why

    assert str(said) == why


async def test_a_stranger_that_raises_anything_ends_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        there.source.breaks = [RuntimeError("bug")]
        await there.tell("press s1")
        await there.until(State.SHOWING)


async def test_the_wearers_uplink_is_left_alone_when_nobody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "UNWATCHED_S", 0.3)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        await there.until(State.RESTING)
        assert there.source.running == 0
        async with watching(there) as (browser, _):
            await browser.frame()
            assert there.source.running == 1


async def test_a_restarted_host_shows_what_still_runs(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        await there.until(State.SHOWING)
    async with room(tmp_path) as there:
        await there.until(State.SHOWING)


async def test_too_many_viewers_are_told_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "VIEWERS_MOST", 1)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            second = await there.offer(await Browser().offer(), await there.log_in())

    assert second.status_code == 503
    assert second.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"content": "not a description"}, 400),
        ({"content": "v=0\r\nm=video x y z\r\n"}, 400),
        ({"content": "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 3}, 400),
        ({"content": "x" * 70_000}, 415),
        ({"content": b"\xff\xfe"}, 400),
    ],
)
async def test_an_offer_that_is_none_is_refused_and_harms_nothing(
    tmp_path: Path, more: dict[str, Any], status: int
) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in()
        answer = await there.offer("", token, **more)
        async with watching(there) as (browser, _):
            await browser.frame()

    assert answer.status_code == status


async def test_an_offer_of_sound_alone_is_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in()
        answer = await there.offer(await Browser("audio").offer(), token)
        headers = {"X-Renfort-Token": token, "Content-Type": "application/json"}
        json = await there.offer("{}", token, headers=headers)

    assert (answer.status_code, json.status_code) == (400, 415)


@pytest.mark.media
async def test_a_vms_is_given_the_picture_by_rtsp_and_the_register_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    live = LiveSettings(rtsp_port=port, username="vms", password="secret")
    async with room(tmp_path, live=live) as there:
        await there.tell("press s1")
        await there.until(State.SHOWING)
        process = await asyncio.create_subprocess_exec(
            "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries",
            "stream=codec_name", "-of", "compact", f"rtsp://vms:secret@127.0.0.1:{port}/src:d",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        found, _ = await asyncio.wait_for(process.communicate(), 30)
        await asyncio.sleep(0.2)
        rows = await there.engine.store.register()
        assert there.live.knows("src:d")
        await there.tell("stop s1")
        await eventually(lambda: not there.live.knows("src:d"))

    assert b"codec_name=h264" in found
    assert [(row[2], row[3], row[4]) for row in rows] == [("communication", "vms", "src:d")] * 2
