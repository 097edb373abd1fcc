"""The RTSP server looked at by clients that are not ours: FFmpeg and GStreamer."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.host.rtsp import NAME, PASSWORD, Client, served, url
from vms_plugin.certificate import issue


async def run(*command: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 40)
    except TimeoutError:
        process.kill()
        said, _ = await process.communicate()
        raise AssertionError(f"it never ended: {said.decode()}") from None
    return process.returncode, said.decode()


def probe(where: str, protocol: str = "tcp") -> tuple[str, ...]:
    return ("ffprobe", "-v", "error", "-rtsp_transport", protocol, "-of", "compact",
            "-show_entries", "stream=codec_name,width,height,sample_rate", where)  # fmt: skip


def decode(where: str, protocol: str, seconds: int) -> tuple[str, ...]:
    return ("ffmpeg", "-v", "warning", "-xerror", "-rtsp_transport", protocol, "-i", where,
            "-t", str(seconds), "-f", "null", "-")  # fmt: skip


@pytest.mark.media
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("sound", "heard"),
    [
        ("pcma", "codec_name=pcm_alaw|sample_rate=8000"),
        ("aac", "codec_name=aac|sample_rate=48000"),
        ("opus", "codec_name=opus|sample_rate=48000"),
    ],
)
async def test_ffmpeg_sees_and_hears_the_officer(protocol: str, sound: str, heard: str) -> None:
    async with served(sound=sound) as (board, port):
        with board.streaming():
            code, found = await run(*probe(url(port), protocol))
            clean = await run(*decode(url(port), protocol, 2))

    assert code == 0
    assert "codec_name=h264|width=640|height=360" in found
    assert heard in found
    assert clean == (0, "")


@pytest.mark.media
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_gstreamer_sees_and_hears_the_officer(protocol: str) -> None:
    async with served() as (board, port):
        with board.streaming():
            where = [f"location=rtsp://127.0.0.1:{port}/{NAME}", f"protocols={protocol}"]
            account = ["user-id=vms", f"user-pw={PASSWORD}"]
            _, said = await run(
                "gst-launch-1.0", "rtspsrc", *where, *account, "name=s", "s.", "!",
                "application/x-rtp,media=video", "!", "rtph264depay", "!", "h264parse", "!",
                "avdec_h264", "!", "fakesink", "num-buffers=30", "s.", "!",
                "application/x-rtp,media=audio", "!", "rtppcmadepay", "!", "alawdec", "!",
                "fakesink", "num-buffers=50",
            )  # fmt: skip

    seen, ended, _ = said.partition("Got EOS from element")
    assert ended, said  # both sinks had their share
    assert not re.search("ERROR|WARNING", seen), said
    # What it says after that is not looked at: it interrupts itself to stop, and on a busy machine
    # takes its own interrupted PAUSE for the end of a connection on which it then sends TEARDOWN.
    assert board.notes == [f"{NAME} 127.0.0.1 opened", f"{NAME} 127.0.0.1 closed"]


@pytest.mark.media
async def test_between_activations_a_still_picture_and_silence_are_given() -> None:
    async with served() as (board, port):
        code, found = await run(*probe(url(port)))
        clean = await run(*decode(url(port), "tcp", 2))

    assert code == 0
    assert "codec_name=h264|width=640|height=360" in found
    assert "codec_name=pcm_alaw" in found
    assert clean == (0, "")
    assert board.notes == []


@pytest.mark.media
async def test_a_vms_that_stays_connected_sees_the_press_and_its_end() -> None:
    async with served() as (board, port):
        watching = asyncio.create_task(run(*decode(url(port), "tcp", 6)))
        await board.until(lambda: board.waiting)
        await asyncio.sleep(1)  # it sees the still picture
        with board.streaming():
            await board.until(lambda: board.notes)
            await asyncio.sleep(1)
        assert await watching == (0, "")

    assert board.notes == [f"{NAME} 127.0.0.1 opened", f"{NAME} 127.0.0.1 closed"]


@pytest.mark.media
async def test_a_site_may_have_a_refusal_instead_of_a_still_picture() -> None:
    async with served(still=False) as (board, port):
        code, said = await run(*probe(url(port)))
        with board.streaming():
            watching = asyncio.create_task(run(*decode(url(port), "tcp", 30)))
            await board.until(lambda: board.notes)
        ended = await watching

    assert code != 0
    assert "503" in said
    assert ended[0] is not None  # the connection was closed: it did not wait thirty seconds


@pytest.mark.media
@pytest.mark.parametrize(
    ("password", "name", "said"), [("wrong", NAME, "401"), (PASSWORD, "PM-999", "404")]
)
async def test_strangers_and_unknown_names_are_refused(password: str, name: str, said: str) -> None:
    async with served() as (board, port):
        with board.streaming():
            where = f"rtsp://vms:{password.replace(' ', '%20')}@127.0.0.1:{port}/{name}"
            code, found = await run(*probe(where))

    assert code != 0
    assert said in found


@pytest.mark.media
async def test_under_tls_the_picture_stays_within_the_connection(tmp_path: Path) -> None:
    files = issue(tmp_path, "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    async with served(context) as (board, port):
        with board.streaming():
            where = url(port).replace("rtsp:", "rtsps:")
            code, found = await run(*probe(where))
            trusted = ssl.create_default_context(cafile=str(files.ca))
            client = Client(port, trusted)
            await client.open()
            udp = await client.ask("SETUP", "/trackID=0", Transport="RTP/AVP;client_port=5000-5001")
            await client.close()

    assert code == 0
    assert "h264" in found
    assert udp.startswith("RTSP/1.0 461")
