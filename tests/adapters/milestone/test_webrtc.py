"""A camera's picture from XProtect by WebRTC: real peers, real H.264, both ways of arranging it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters._simulated.lens import read_clock
from adapters.milestone import Milestone
from adapters.milestone import signalling as words
from adapters.milestone.gateway import Gateway, Site
from adapters.milestone.webrtc import CameraSource
from hooks import AdapterError, CameraId, Codec, Message, Refused, Sample, Unreachable
from tests.adapters.milestone.webrtc_server import Server, serving

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

pytestmark = pytest.mark.usefixtures("on_loopback")

GUID = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
BOTH = pytest.mark.parametrize("server", [("23.3.0.1", False), ("25.1.0.1", True)])
#: The newest release with its WebSocket shut by a proxy: REST serves.
ALL = pytest.mark.parametrize(
    "server", [("23.3.0.1", False), ("25.1.0.1", True), ("25.1.0.1", False)]
)


class Screen:
    def __init__(self) -> None:
        self.shown: list[Sample] = []
        self.losses: list[Message] = []
        self.wanted = asyncio.Event()

    def show(self, sample: Sample) -> None:
        self.shown.append(sample)

    def lost(self, why: Message) -> None:
        self.losses.append(why)

    async def key_wanted(self) -> None:
        await self.wanted.wait()
        self.wanted.clear()

    async def until(self, true: Callable[[], object], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def source(server: Server, **more: Any) -> Callable[[Screen], Awaitable[None]]:
    gateway = Gateway(Site(url=server.url, username="renfort", password="p"))
    return CameraSource(gateway, GUID, **more).run


@asynccontextmanager
async def showing(
    server: Server, **more: Any
) -> AsyncIterator[tuple[Screen, asyncio.Future[None]]]:
    screen = Screen()
    running = asyncio.ensure_future(source(server, **more)(screen))
    try:
        await screen.until(lambda: screen.shown or running.done())
        if running.done():
            running.result()
        yield screen, running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def failure(server: Server) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        await asyncio.wait_for(source(server)(Screen()), 15)
    return caught.value


@ALL
async def test_the_camera_is_seen_as_it_is_coded_and_never_heard_r253_1(
    server: tuple[str, bool],
) -> None:
    async with serving(Server(server[0], socket=server[1])) as there:
        async with showing(there) as (screen, _):
            await screen.until(lambda: len(screen.shown) > 10)
        asked = [*there.said, *(body for _, _, body in there.requests)]
        [peer] = there.sessions.values()

    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for each in screen.shown for frame in decoder.decode(av.Packet(each.data))]
    assert None not in [read_clock(frame.to_ndarray(format="gray")) for frame in frames]
    assert {sample.codec for sample in screen.shown} == {Codec.H264}
    assert '"includeAudio": false' in json.dumps(asked)
    assert '"includeAudio": true' not in json.dumps(asked)
    audio = peer.heard[0].split("m=audio")[1].split("m=")[0]
    assert "a=inactive" in audio


@BOTH
async def test_who_comes_is_given_a_key_picture(server: tuple[str, bool]) -> None:
    async with (
        serving(Server(server[0], socket=server[1])) as there,
        showing(there) as (screen, _),
    ):
        before = len(screen.shown)
        screen.wanted.set()
        await screen.until(lambda: any(each.key for each in screen.shown[before:]), 5)


async def test_the_session_is_told_of_each_new_token_and_goes_on() -> None:
    server = Server()
    server.life_s = 1.0  # renewed at half its life
    async with serving(server) as there, showing(there, renew_s=0.1) as (screen, running):
        await screen.until(lambda: any("token" in (body or {}) for _, _, body in there.requests))
        count = len(screen.shown)
        await screen.until(lambda: len(screen.shown) > count + 5)
        assert not running.done()
        assert len(there.sessions) == 1


@BOTH
async def test_what_is_no_longer_watched_is_torn_down_at_once(server: tuple[str, bool]) -> None:
    async with serving(Server(server[0], socket=server[1])) as there:
        async with showing(there):
            pass
        [peer] = there.sessions.values()
        async with asyncio.timeout(10):  # a peer that is merely gone is found out after 30 s
            while peer.connection.connectionState != "closed":  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@BOTH
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Device has privacy masking enabled", "XProtect keeps a camera with privacy masks in its"),
        ("Codec MJPEG is not supported", "give this camera an H.264 stream"),
        ("You do not have sufficient permissions", "sufficient permissions"),
    ],
)
async def test_why_a_camera_is_refused_is_said_in_words(
    server: tuple[str, bool], text: str, said: str
) -> None:
    fake = Server(server[0], socket=server[1])
    fake.refuses = (400, text)
    async with serving(fake) as there:
        error = await failure(there)

    assert isinstance(error, Refused)
    assert said in str(error)


async def test_a_release_without_webrtc_is_named() -> None:
    async with serving(Server("22.3.0.1")) as there:
        error = await failure(there)

    assert "2023 R1" in str(error)
    assert there.requests == []


async def test_a_gateway_without_that_interface_is_said() -> None:
    fake = Server()
    fake.refuses = (404, "Unknown resource: WebRTC")
    async with serving(fake) as there:
        error = await failure(there)

    assert str(error) == "this XProtect has no WebRTC interface"


async def test_a_gateway_that_restarts_ends_the_connection() -> None:
    async with serving(Server("25.1.0.1", socket=True)) as there, showing(there) as (_, running):
        await there.sockets[0].close()
        with pytest.raises(Unreachable):
            await asyncio.wait_for(running, 5)


async def test_a_server_that_is_away_is_said() -> None:
    async with serving(Server()) as there:
        pass

    assert isinstance(await failure(there), Unreachable)


def test_the_adapter_gives_a_picture_of_its_own_cameras_alone() -> None:
    adapter = Milestone()
    adapter.configure({"url": "https://192.0.2.10", "username": "a", "password": "b"})

    live = adapter.open_camera(CameraId(f"milestone:{GUID}"))

    assert live is not None
    assert live.run is not None
    assert live.audio is None
    assert adapter.open_camera(CameraId("milestone:the gate")) is None


# --- against the simulator, which was written by other hands from the same public sample ---


def of_site(site: Running, camera: int = 0, **more: Any) -> CameraSource:
    ready = site.ready
    account = Site(url=site.url, username=ready["username"], password=ready["password"])
    return CameraSource(Gateway(account), ready["cameras"][camera], **more)


def viewed(site: Running) -> list[str]:
    told: list[dict[str, str]] = site.http.get("/simulator/views").json()["sessions"]
    return [each["camera"] for each in told]


@pytest.mark.parametrize("release", ["2023R1", "2024R2", "2025R1", "2025R2"])
async def test_a_simulated_site_of_each_release_is_seen_and_let_go(
    xprotect: Start, release: str
) -> None:
    site, screen = xprotect("--cameras", "3", "--release", release), Screen()
    running = asyncio.ensure_future(of_site(site).run(screen))
    try:
        await screen.until(lambda: len(screen.shown) > 10 or running.done())
        assert viewed(site) == [site.ready["cameras"][0]]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await screen.until(lambda: not viewed(site))

    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for each in screen.shown for frame in decoder.decode(av.Packet(each.data))]
    assert None not in [read_clock(frame.to_ndarray(format="gray")) for frame in frames]


@pytest.mark.parametrize("release", ["2024R2", "2025R2"])
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"masked": True}, "privacy masks"),
        ({"codec": "H265"}, "H.264 stream"),
    ],
)
async def test_why_a_simulated_camera_is_not_given_is_said(
    xprotect: Start, release: str, state: dict[str, Any], said: str
) -> None:
    site = xprotect("--cameras", "3", "--release", release)
    site.order("lens", id=site.ready["cameras"][1], **state)
    with pytest.raises(AdapterError, match=said):
        await asyncio.wait_for(of_site(site, 1).run(Screen()), 15)


@pytest.mark.parametrize("release", ["2024R2", "2025R2"])
async def test_a_simulated_session_outlives_its_first_token(xprotect: Start, release: str) -> None:
    site, screen = xprotect("--cameras", "3", "--release", release, "--token-life", "100"), Screen()
    source = of_site(site, renew_s=0.05)
    running = asyncio.ensure_future(source.run(screen))
    try:
        await screen.until(lambda: len(screen.shown) > 5 or running.done())
        site.clock.now += 60
        source._gateway._tokens._held = None  # our clock went on as theirs did: it is renewed
        [session] = site.simulator._views._open.values()
        first = session.token
        await screen.until(lambda: session.token is not first)
        site.clock.now += 60  # the first one has lapsed
        await asyncio.sleep(1)  # the site looks at it four times a second
        seen = len(screen.shown)
        await screen.until(lambda: len(screen.shown) > seen + 15 or running.done())
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# --- words ---

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner,
                                                                max_size=4),
)  # fmt: skip


def test_a_camera_is_asked_for_by_the_names_of_all_releases() -> None:
    """The samples up to 2025 R1 say `cameraId`, and `deviceId` since."""
    asked = words.wanted(GUID)

    assert {name for name, value in asked.items() if value == GUID} == {"cameraId", "deviceId"}


@given(_JSON)
def test_whatever_a_server_says_is_read_or_left(said: object) -> None:
    words.description(said)
    words.candidate(said)
    list(words.candidates(said))
    words.servers(said)
    words.fault({"error": said})


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_frame_is_heard_or_means_nothing(frame: bytes | str) -> None:
    assert isinstance(words.hear(frame), dict)


def test_servers_are_named_as_browsers_name_them() -> None:
    listed = [{"url": "turn:t.example:3478", "username": "u", "credential": "c"}, {"urls": 7}, 3]

    assert words.servers(listed) == [
        {"urls": "turn:t.example:3478", "username": "u", "credential": "c"}
    ]
