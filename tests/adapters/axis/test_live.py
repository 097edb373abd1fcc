"""The live picture, fetched from the simulator: real sockets, real WebRTC, real H.264 and Opus."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from time import time
from typing import Any

import av
import pytest

from adapters._shared import webrtc
from adapters._simulated.lens import read_clock
from adapters.axis import Axis
from adapters.axis.simulator import Simulator
from adapters.axis.simulator.scene import Coded
from hooks import (
    Activation,
    ActivationId,
    AdapterError,
    Codec,
    DeviceId,
    Envelope,
    Live,
    Message,
    Refused,
    Sample,
    Unreachable,
)
from hooks.errors import BadSettings
from tests.adapters.feeds import beside
from tests.serving import Server

pytestmark = pytest.mark.usefixtures("on_loopback")

SERIAL = "S1"


class Screen:
    def __init__(self) -> None:
        self.shown: list[tuple[float, Sample]] = []
        self.losses: list[Message] = []
        self.wanted = asyncio.Event()
        self._stirred = asyncio.Event()

    def show(self, sample: Sample) -> None:
        self.shown.append((time(), sample))
        self._stirred.set()

    def lost(self, why: Message) -> None:
        self.losses.append(why)
        self._stirred.set()

    async def key_wanted(self) -> None:
        await self.wanted.wait()
        self.wanted.clear()

    def of(self, codec: Codec) -> list[Sample]:
        return [sample for _, sample in self.shown if sample.codec is codec]

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not true():
                self._stirred.clear()
                await self._stirred.wait()


class Widths:
    """Decodes what is shown, and says how wide the newest picture is."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._read, self._width = screen, 0, 0
        self._decoder = av.CodecContext.create("h264", "r")

    def now(self) -> int:
        shown = self._screen.of(Codec.H264)
        for sample in shown[self._read :]:
            for frame in self._decoder.decode(av.Packet(sample.data)):
                self._width = frame.width
        self._read = len(shown)
        return self._width


class Served:
    def __init__(self, simulator: Simulator, url: str) -> None:
        self.device, self.url = simulator.device, url

    def adapter(self, **more: Any) -> Axis:
        adapter = Axis()
        adapter.configure(
            {"transport": "direct", "url": self.url, "username": "renfort",
             "password": "pass-of-the-simulator", **more}
        )  # fmt: skip
        return adapter

    def source(self, session: Any = None, **more: Any) -> Callable[[Screen], Awaitable[None]]:
        name = ActivationId(f"axis:{session or self.device.cameras[SERIAL].session}")
        live = self.adapter(**more).open_live(name, DeviceId(f"axis:{SERIAL}"), {})
        assert live is not None
        assert live.run is not None
        return live.run


@contextlib.asynccontextmanager
async def served(*options: str) -> AsyncIterator[Served]:
    parser = argparse.ArgumentParser()
    Simulator.add_arguments(parser)
    simulator = Simulator(parser.parse_args(["--officer", f"{SERIAL}=PM-1", *options]))
    async with Server(simulator.app).here() as url:
        yield Served(simulator, url)


@contextlib.asynccontextmanager
async def showing(
    there: Served, **more: object
) -> AsyncIterator[tuple[Screen, asyncio.Future[None]]]:
    """Press, fetch, and wait for the first picture."""
    there.device.press(SERIAL, {})
    screen = Screen()
    running = start(there.source(**more), screen)
    async with beside(running, screen.until(lambda: screen.of(Codec.H264))):
        yield screen, running


def start(run: Callable[[Screen], Awaitable[None]], screen: Screen) -> asyncio.Future[None]:
    return asyncio.ensure_future(run(screen))


async def failure(running: asyncio.Future[None]) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        await asyncio.wait_for(running, 20)
    return caught.value


async def test_the_picture_and_the_sound_come_as_the_camera_codes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A machine that stands still for a second loses no picture.
    monkeypatch.setattr(webrtc, "Patience", partial(webrtc.Patience, silent_s=8))
    async with served() as there, showing(there) as (screen, _):
        await screen.until(lambda: len(screen.of(Codec.H264)) > 25 and screen.of(Codec.OPUS))
        decoder = av.CodecContext.create("h264", "r")
        ages = []
        for at, sample in list(screen.shown):
            if sample.codec is Codec.H264:
                for frame in decoder.decode(av.Packet(sample.data)):
                    taken = read_clock(frame.to_ndarray(format="gray"))
                    assert taken is not None
                    ages.append((int(at * 1000) - taken) % 2**32)

    assert screen.of(Codec.H264)[0].key
    assert len(ages) > 25
    assert max(ages) < 2**31  # none from the future
    assert screen.losses == []
    pictures = [sample.at_s for sample in screen.of(Codec.H264)]
    sounds = [sample.at_s for sample in screen.of(Codec.OPUS)]
    assert pictures == sorted(pictures)
    assert sounds == sorted(sounds)
    assert abs(pictures[-1] - sounds[-1]) < 1  # one clock


async def test_a_viewer_who_comes_is_given_a_key_picture() -> None:
    async with served() as there, showing(there) as (screen, _):
        before = len(screen.of(Codec.H264))
        screen.wanted.set()
        await screen.until(lambda: any(each.key for each in screen.of(Codec.H264)[before:]))
        after = screen.of(Codec.H264)[before:]

    # By itself the camera sends one every ten seconds.
    assert len(after) < 100


async def test_a_camera_out_of_coverage_is_said_lost_and_comes_back_in_the_same_session() -> None:
    async with served() as there, showing(there) as (screen, running):
        there.device.lose(SERIAL)
        await screen.until(lambda: screen.losses)
        await asyncio.sleep(0.6)  # said once, not at each look
        said = [str(loss) for loss in screen.losses]
        there.device.find(SERIAL)
        count = len(screen.of(Codec.H264))
        await screen.until(lambda: len(screen.of(Codec.H264)) > count)
        assert not running.done()

    assert said == ["no picture comes from the camera"]


async def test_a_changed_size_passes_through() -> None:
    async with served() as there, showing(there) as (screen, _):
        widths = Widths(screen)
        assert widths.now() == 640
        there.device.cameras[SERIAL].scene.size = (320, 180)
        await screen.until(lambda: widths.now() == 320)


async def test_a_radio_that_loses_a_packet_in_twenty_still_shows_whole_pictures() -> None:
    async with served() as there, showing(there) as (screen, running):
        scene, sent = there.device.cameras[SERIAL].scene, list[Coded]()
        leave = scene.watch(sent.append)
        scene.loss = 0.05
        await screen.until(lambda: sum(each.kind == "video" for each in sent) >= 100)
        pictures = screen.of(Codec.H264)
        leave()
        assert not running.done()
    decoder = av.CodecContext.create("h264", "r")
    decoder.options = {"err_detect": "explode"}
    frames = [frame for each in pictures for frame in decoder.decode(av.Packet(each.data))]

    assert len(frames) == len(pictures)
    assert len(pictures) > 60  # of a hundred sent
    assert None not in [read_clock(frame.to_ndarray(format="gray")) for frame in frames]


async def test_a_server_that_restarts_ends_the_connection() -> None:
    async with served() as there, showing(there) as (_, running):
        there.device.cut()
        assert isinstance(await failure(running), Unreachable)


async def test_the_end_of_the_activation_ends_the_connection() -> None:
    async with served() as there, showing(there) as (_, running):
        there.device.release(SERIAL, {})
        assert isinstance(await failure(running), Unreachable)


async def test_a_session_that_does_not_run_is_refused_in_the_servers_words() -> None:
    async with served() as there:
        there.device.press(SERIAL, {})
        run = there.source(session="of-yesterday")
        error = await failure(start(run, Screen()))

    assert isinstance(error, Refused)
    assert "does not stream in session of-yesterday" in str(error)


async def test_a_server_whose_clock_is_off_serves_by_its_own_clock() -> None:
    async with served() as there:
        there.device.skew = timedelta(minutes=5)
        async with showing(there) as (screen, _):
            assert screen.of(Codec.H264)


async def test_a_wrong_password_says_which_account() -> None:
    async with served() as there:
        there.device.press(SERIAL, {})
        run = there.source(password="no")
        error = await failure(start(run, Screen()))

    assert isinstance(error, Refused)
    assert "renfort" in str(error)


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [("signaling_path", "/nowhere", "signaling_path"), ("auth_path", "/nowhere", "app")],
)
async def test_a_wrong_path_says_which_setting_to_mend(
    setting: str, value: str, named: str
) -> None:
    async with served() as there:
        there.device.press(SERIAL, {})
        run = there.source(**{setting: value})
        error = await failure(start(run, Screen()))

    assert named in str(error)


async def test_the_bare_address_of_newer_servers_serves_too() -> None:
    async with served() as there:
        port = int(there.url.rpartition(":")[2])
        async with showing(there, signaling_path="/client", signaling_port=port) as (screen, _):
            assert screen.of(Codec.H264)


def test_a_companion_says_where_the_picture_is_pulled_or_gives_none() -> None:
    adapter = Axis()
    adapter.configure({"transport": "bridge"})
    body = b"""{"renfort_bridge": 1, "type": "stream.active", "camera_serial": "S1",
        "session_id": "s", "media": {"url": "rtsp://192.0.2.7/s1", "video": "h264"}}"""
    [press] = adapter.decode(Envelope(adapter="axis", body=body, received_at=datetime.now(UTC)))
    assert isinstance(press, Activation)

    live = adapter.open_live(press.activation, press.device, press.extra)

    assert live == Live(url="rtsp://192.0.2.7/s1", video=Codec.H264)
    assert adapter.open_live(press.activation, press.device, {}) is None


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(BadSettings, match="signaling_port"):
        Axis().configure(
            {"transport": "direct", "url": "http://127.0.0.1", "username": "a", "password": "b",
             "signaling_port": 70000}
        )  # fmt: skip
