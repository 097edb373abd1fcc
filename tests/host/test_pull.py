"""A picture pulled by RTSP from a server that is not ours, as a bridge's companion gives one."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest

from hooks import AdapterError, Codec, Live, Message, Refused, Sample, Unreachable
from hooks.live import units
from tests.host import rtsp
from tests.host.live_room import room, watching
from vms_plugin.live import pull as pulling
from vms_plugin.live.channel import State
from vms_plugin.live.pull import pull
from vms_plugin.live.rtp import Stream, payloads
from vms_plugin.live.rtsp_session import STILL

pytestmark = pytest.mark.usefixtures("on_loopback")

CAMERA = Path(__file__).with_name("rtsp_camera.py")
CODERS = {"aac": "aac", "opus": "libopus", "pcmu": "pcm_mulaw"}


class Screen:
    def __init__(self) -> None:
        self.shown: list[Sample] = []
        self.wanted = 0

    def show(self, sample: Sample) -> None:
        self.shown.append(sample)

    def lost(self, why: Message) -> None:
        raise AssertionError(why)

    async def key_wanted(self) -> None:
        self.wanted += 1
        await asyncio.Event().wait()

    def of(self, codec: Codec) -> list[Sample]:
        return [sample for sample in self.shown if sample.codec is codec]


@asynccontextmanager
async def camera(folder: Path, sound: str = "aac", codec: str = "h264") -> AsyncIterator[str]:
    film = folder / "film.mkv"
    rate = ["-ar", "8000", "-ac", "1"] if sound == "pcmu" else []
    make = [
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x180:r=25",
        "-f", "lavfi", "-i", "sine=440:r=48000", "-c:a", CODERS[sound], *rate,
        "-c:v", {"h264": "libx264", "h265": "libx265"}[codec], "-g", "25", "-bf", "0",
        "-pix_fmt", "yuv420p", "-t", "20", str(film),
    ]  # fmt: skip
    await asyncio.to_thread(subprocess.run, make, check=True)
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", str(CAMERA), str(film), codec, sound, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    try:
        yield f"rtsp://127.0.0.1:{port}/camera"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def pulled(url: str, screen: Screen, enough: int, *, mute: bool = False) -> None:
    running = asyncio.ensure_future(pull(url, screen, mute=mute))
    try:
        async with asyncio.timeout(20):
            while len(screen.of(Codec.H264)) < enough and not running.done():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.media
@pytest.mark.parametrize("sound", ["aac", "opus", "pcmu"])
async def test_what_a_camera_streams_is_passed_on_and_its_sound_becomes_opus(
    tmp_path: Path, sound: str
) -> None:
    screen = Screen()
    async with camera(tmp_path, sound) as url:
        await pulled(url, screen, 50)

    eye, ear = av.CodecContext.create("h264", "r"), av.CodecContext.create("libopus", "r")
    pictures, sounds = screen.of(Codec.H264), screen.of(Codec.OPUS)
    assert pictures[0].key
    frames = [frame for each in pictures for frame in eye.decode(av.Packet(each.data))]
    assert len(frames) >= 45
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}
    blocks = [block for each in sounds for block in ear.decode(av.Packet(each.data))]
    assert any(np.any(cast("Any", block).to_ndarray()) for block in blocks)
    assert len(screen.shown) == len(pictures) + len(sounds)
    heard = [each.at_s for each in sounds]
    assert heard == sorted(heard)
    assert abs(pictures[-1].at_s - heard[-1]) < 1  # one clock


@pytest.mark.media
async def test_a_towns_camera_is_pulled_without_its_sound_r253_1(tmp_path: Path) -> None:
    screen = Screen()
    async with camera(tmp_path) as url:
        await pulled(url, screen, 10, mute=True)

    assert screen.of(Codec.OPUS) == []


@pytest.mark.media
async def test_a_server_that_dies_in_mid_stream_ends_it_and_one_that_is_away_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "READ_S", 1.0)
    screen = Screen()
    async with camera(tmp_path) as url:
        running = asyncio.ensure_future(pull(url, screen, mute=False))
        async with asyncio.timeout(20):
            while not screen.shown:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    for ended in (running, pull(url, screen, mute=False)):
        with pytest.raises(Unreachable):
            await asyncio.wait_for(ended, 15)


@pytest.mark.media
async def test_an_address_that_gives_nothing_and_a_wrong_password_are_told_apart() -> None:
    async with rtsp.served() as (board, port):  # no such officer: an answer, and no picture
        with pytest.raises(AdapterError, match=r"127.0.0.1 gives no picture"):
            await pull(rtsp.url(port, "nobody"), Screen(), mute=False)
        with pytest.raises(Refused, match="user or password"):
            await pull(f"rtsp://vms:wrong@127.0.0.1:{port}/PM-214", Screen(), mute=False)
    assert board.notes == []


@pytest.mark.media
async def test_a_camera_that_codes_otherwise_is_refused_by_the_name_of_its_codec(
    tmp_path: Path,
) -> None:
    async with camera(tmp_path, codec="h265") as url:
        with pytest.raises(Refused, match="hevc"):
            await pull(url, Screen(), mute=False)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://192.0.2.1/x", "concat:a|b", "rtsp:///x", "rtsps://h/x"]
)
async def test_nothing_but_rtsp_is_opened(url: str) -> None:
    with pytest.raises(Refused, match="no RTSP address"):
        await pull(url, Screen(), mute=False)


@pytest.mark.media
async def test_what_is_let_go_is_closed_within_moments(tmp_path: Path) -> None:
    screen = Screen()
    async with camera(tmp_path) as url:
        await pulled(url, screen, 5)
        shown = len(screen.shown)
        await asyncio.sleep(0.5)
        assert len(screen.shown) == shown


VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:t0\r\n"


@asynccontextmanager
async def odd_camera(
    media: str, pictures: int = 10_000, *, sets: bool = True, every_s: float = 0.1
) -> AsyncIterator[str]:
    """A camera written by hand: what it says of itself, and so many pictures."""
    still = STILL if sets else b"".join(
        b"\0\0\0\1" + unit for unit in units(STILL) if unit[0] & 0x1F not in (7, 8)
    )  # fmt: skip

    async def film(writer: asyncio.StreamWriter) -> None:
        stream = Stream(96, 90_000)
        for number in range(pictures):
            for packet in stream.packets(payloads(still), number / 10):
                writer.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            await asyncio.sleep(every_s)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        filming = None
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                found = re.search(r"CSeq: *(\d+)", head)
                assert found
                told = [f"CSeq: {found[1]}", "Session: 1"]
                body = f"v=0\r\ns=x\r\nt=0 0\r\n{media}" if "DESCRIBE" in head else ""
                track = re.search(r"interleaved=\d+-\d+", head)
                told += [f"Transport: RTP/AVP/TCP;unicast;{track[0]}"] if track else []
                told += ["Content-Type: application/sdp"] if body else []
                told += [f"Content-Length: {len(body)}"]
                writer.write(("\r\n".join(["RTSP/1.0 200 OK", *told, "", ""]) + body).encode())
                if "PLAY" in head.split(" ")[0]:
                    filming = asyncio.ensure_future(film(writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if filming is not None:
                filming.cancel()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/camera"
    finally:
        server.close()


async def test_sound_of_a_name_nobody_knows_costs_no_picture() -> None:
    sound = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 X-FOO/8000\r\na=control:t1\r\n"
    screen = Screen()
    async with odd_camera(VIDEO + sound) as url:
        await pulled(url, screen, 5)

    assert len(screen.of(Codec.H264)) >= 5


async def test_a_picture_of_a_name_nobody_knows_is_refused() -> None:
    async with odd_camera(VIDEO.replace("H264", "X-FOO")) as url:
        with pytest.raises(Refused, match="no live picture"):
            await asyncio.wait_for(pull(url, Screen(), mute=False), 10)


async def test_a_reader_that_fails_in_any_way_ends_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("never seen before")

    monkeypatch.setattr(pulling, "_read", fail)
    with pytest.raises(Unreachable, match="gives no picture"):
        await asyncio.wait_for(pull("rtsp://127.0.0.1:1/x", Screen(), mute=False), 5)


async def test_a_picture_that_stands_still_is_said_and_then_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling, "SILENT_S", 0.4)
    monkeypatch.setattr(pulling, "GIVEN_UP_S", 1.2)
    said: list[str] = []
    screen = Screen()
    monkeypatch.setattr(screen, "lost", lambda why: said.append(str(why)))
    async with odd_camera(VIDEO, 5, every_s=0) as url:
        with pytest.raises(Unreachable, match=r"no picture from the camera for 1 s"):
            await asyncio.wait_for(pull(url, screen, mute=False), 10)

    assert screen.shown
    assert said == ["no picture comes from the camera"]


async def test_a_camera_that_never_says_how_to_read_it_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling, "SILENT_S", 0.4)
    monkeypatch.setattr(pulling, "FIRST_S", 1.0)
    async with odd_camera(VIDEO, sets=False) as url:
        with pytest.raises(Unreachable, match="no picture from the camera"):
            await asyncio.wait_for(pull(url, Screen(), mute=False), 10)


@pytest.mark.media
async def test_an_officer_whose_picture_is_pulled_is_seen_and_heard_by_whep(tmp_path: Path) -> None:
    async with camera(tmp_path) as url, room(tmp_path) as there:
        there.source.gives = Live(url=url, video=Codec.H264, audio=Codec.AAC)
        await there.tell("press s1")
        await there.until(State.SHOWING)
        async with watching(there) as (browser, _):
            frame, sound = await browser.frame(), await browser.frame("audio")

    assert (frame.width, frame.height) == (320, 180)
    assert sound.sample_rate == 48_000
