"""RTSP for a VMS: read by clients that are not ours, and by none that lack the password."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.axis.simulator.scene import Coded, Scene
from hooks import Codec, Sample
from vms_plugin.certificate import issue
from vms_plugin.live import rtsp
from vms_plugin.live import rtsp_words as words
from vms_plugin.live.channel import Channel, State
from vms_plugin.live.rtp import LARGEST_PAYLOAD, Stream, payloads, units
from vms_plugin.live.rtsp import STILL, Options, RtspServer

NAME, PASSWORD = "PM-214", "a password of the VMS"


class Board:
    """A switchboard with one officer, who streams or not."""

    def __init__(self) -> None:
        self.channel: Channel | None = None
        self.notes: list[str] = []
        self._stirred = asyncio.Event()

    def find(self, name: str) -> Channel | None:
        return self.channel if name == NAME else None

    def knows(self, name: str) -> bool:
        return name == NAME

    async def changed(self) -> None:
        await self._stirred.wait()

    def note(self, name: str, peer: str, what: str) -> None:
        self.notes.append(f"{name} {peer} {what}")

    def _stir(self) -> None:
        self._stirred.set()
        self._stirred = asyncio.Event()

    @contextmanager
    def streaming(self) -> Iterator[Channel]:
        """Let him press, and film until the end."""
        scene, channel = Scene(), Channel(lambda _status: None)

        def show(coded: Coded) -> None:
            codec = Codec.H264 if coded.kind == "video" else Codec.OPUS
            at_s = float((coded.packet.pts or 0) * coded.packet.time_base) + 10
            key = codec is Codec.OPUS or coded.packet.is_keyframe
            channel.show(Sample(codec=codec, data=bytes(coded.packet), at_s=at_s, key=key))

        async def keys() -> None:
            while True:
                await channel.key_wanted()
                scene.want_key()

        leave, asking = scene.watch(show), asyncio.ensure_future(keys())
        self.channel = channel
        self._stir()
        try:
            yield channel
        finally:
            self.channel = None
            channel.become(State.ENDED)
            self._stir()
            asking.cancel()
            leave()


@asynccontextmanager
async def served(
    tls: ssl.SSLContext | None = None, **more: object
) -> AsyncIterator[tuple[Board, int]]:
    board = Board()
    options = {"username": "vms", "password": PASSWORD, **more}
    server = RtspServer(board, Options(**options))  # type: ignore[arg-type]
    port = await server.listen("127.0.0.1", 0, tls)
    try:
        yield board, port
    finally:
        await server.close()


def url(port: int, name: str = NAME) -> str:
    return f"rtsp://vms:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/{name}"


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


# --- clients that are not ours ---


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
async def test_gstreamer_sees_the_officer(protocol: str) -> None:
    async with served() as (board, port):
        with board.streaming():
            where = [f"location=rtsp://127.0.0.1:{port}/{NAME}", f"protocols={protocol}"]
            account = ["user-id=vms", f"user-pw={PASSWORD}"]
            code, said = await run(
                "gst-launch-1.0", "-q", "rtspsrc", *where, *account, "name=s", "s.", "!",
                "rtph264depay", "!", "h264parse", "!", "avdec_h264", "!", "fakesink",
                "num-buffers=30",
            )  # fmt: skip

    assert (code, said) == (0, "")


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
        await asyncio.sleep(2)
        with board.streaming():
            await asyncio.sleep(2)
        assert await watching == (0, "")

    assert board.notes == [f"{NAME} 127.0.0.1 opened", f"{NAME} 127.0.0.1 closed"]


@pytest.mark.media
async def test_a_site_may_have_a_refusal_instead_of_a_still_picture() -> None:
    async with served(still=False) as (board, port):
        code, said = await run(*probe(url(port)))
        with board.streaming():
            watching = asyncio.create_task(run(*decode(url(port), "tcp", 30)))
            await asyncio.sleep(2)
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


# --- the words themselves ---


class Client:
    """Writes requests by hand, with the Digest of RFC 2069 that old VMSs know."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._port, self._tls = port, tls
        self._sequence = 0
        self.session = ""
        self.nonce = ""
        self.read = asyncio.StreamReader()

    async def open(self) -> Client:
        self.read, self.write = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._tls
        )
        refused = await self.ask("DESCRIBE")
        found = re.search(r'nonce="([^"]+)"', refused)
        assert refused.startswith("RTSP/1.0 401")
        assert found
        self.nonce = found.group(1)
        return self

    async def ask(self, method: str, path: str = "", name: str = NAME, **headers: str) -> str:
        self._sequence += 1
        where = f"rtsp://127.0.0.1:{self._port}/{name}{path}"
        lines = [f"{method} {where} RTSP/1.0", f"CSeq: {self._sequence}"]
        if self.nonce:
            secret, action = md5(f"vms:Renfort:{PASSWORD}"), md5(f"{method}:{where}")
            proof = md5(f"{secret}:{self.nonce}:{action}")
            lines.append(
                f'Authorization: Digest username="vms", realm="Renfort", nonce="{self.nonce}", '
                f'uri="{where}", response="{proof}"'
            )
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self.write.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.answer()

    async def answer(self) -> str:
        async with asyncio.timeout(10):
            while (first := await self.read.readexactly(1)) == b"$":
                head = await self.read.readexactly(3)
                await self.read.readexactly(int.from_bytes(head[1:], "big"))
            head = first + await self.read.readuntil(b"\r\n\r\n")
        text = head.decode()
        if size := re.search(r"Content-Length: (\d+)", text):
            text += (await self.read.readexactly(int(size.group(1)))).decode()
        if found := re.search(r"Session: (\w+)", text):
            self.session = found.group(1)
        return text

    async def close(self) -> None:
        self.write.close()


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@asynccontextmanager
async def client(**more: object) -> AsyncIterator[tuple[Client, Board]]:
    async with served(**more) as (board, port):  # type: ignore[arg-type]
        caller = await Client(port).open()
        try:
            yield caller, board
        finally:
            await caller.close()


async def test_a_whole_conversation() -> None:
    async with client() as (caller, board):
        with board.streaming():
            options = await caller.ask("OPTIONS")
            described = await caller.ask("DESCRIBE")
            first = await caller.ask(
                "SETUP", "/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=2-3"
            )
            second = await caller.ask("SETUP", "/trackID=1", Transport="RTP/AVP/TCP")
            played = await caller.ask("PLAY", "/", Range="npt=0.000-")
            twice = await caller.ask("SETUP", "/trackID=1", Transport="RTP/AVP/TCP")
            alive = await caller.ask("GET_PARAMETER")
            paused = await caller.ask("PAUSE")
            ended = await caller.ask("TEARDOWN")
            after = await caller.ask("PLAY")

    assert "DESCRIBE, SETUP, PLAY" in options
    assert f"Content-Base: rtsp://127.0.0.1:{caller._port}/{NAME}/" in described
    assert "sprop-parameter-sets=" in described
    assert "m=audio 0 RTP/AVP 8" in described
    assert "interleaved=2-3" in first
    assert "interleaved=2-3" in second  # its own number times two
    assert re.search(r"RTP-Info: url=.*trackID=0;seq=\d+,url=.*trackID=1;seq=\d+", played)
    codes = [text.split()[1] for text in (twice, alive, paused, ended, after)]
    assert codes == ["455", "200", "200", "200", "454"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("RECORD", "", {}, "405"),
        ("ANNOUNCE", "", {}, "405"),
        ("SETUP", "/trackID=7", {"Transport": "RTP/AVP/TCP"}, "404"),
        ("SETUP", "/trackID=0", {"Transport": "RAW/RAW/UDP"}, "461"),
        ("SETUP", "/trackID=0", {"Transport": "RTP/AVP;multicast;client_port=5000-5001"}, "461"),
        ("SETUP", "/trackID=0", {"Transport": "RTP/AVP;client_port=22-23"}, "461"),
        ("SETUP", "/trackID=0", {"Transport": "RTP/AVP;client_port=99999-1"}, "461"),
        ("SETUP", "/trackID=0", {}, "461"),
        ("PLAY", "", {}, "454"),
        ("TEARDOWN", "", {"Session": "of somebody else"}, "454"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_number(
    method: str, path: str, headers: dict[str, str], status: str
) -> None:
    async with client() as (caller, _):
        assert (await caller.ask(method, path, **headers)).split()[1] == status


async def test_a_session_is_of_one_officer() -> None:
    async with client() as (caller, board):
        board.knows = lambda name: True  # type: ignore[method-assign]
        await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP")
        other = await caller.ask("SETUP", "/trackID=1", name="PM-207", Transport="RTP/AVP/TCP")

    assert other.split()[1] == "459"


async def test_a_password_is_asked_again_when_its_nonce_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with client() as (caller, _):
        monkeypatch.setattr(words, "NONCE_S", -1.0)
        old = await caller.ask("DESCRIBE")

    assert old.split()[1] == "401"
    assert "stale=true" in old


async def test_a_proof_for_one_officer_is_none_for_another() -> None:
    async with client() as (caller, _):
        monkeys = words.Doorman("vms", PASSWORD, lambda: 0.0)
        request = words.Request("DESCRIBE", f"rtsp://h/{NAME}", {"authorization": "Basic eDp5"})
        assert monkeys.lets_in(request) is False
        caller.nonce = "0-forged"
        assert (await caller.ask("DESCRIBE")).split()[1] == "401"


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"DESCRIBE rtsp://h/x RTSP/1.0\r\n\r\n",
        b"DESCRIBE rtsp://h/x RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n",
        b"\xff\xfe\x00\r\n\r\n",
        b"x" * 40_000,
    ],
)
async def test_what_is_no_request_closes_the_connection_and_nothing_else(
    bytes_sent: bytes,
) -> None:
    async with served() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes_sent)
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        caller = await Client(port).open()
        assert (await caller.ask("DESCRIBE")).split()[1] == "200"
        await caller.close()

    assert said.startswith(b"RTSP/1.0 400")


async def test_who_knocks_and_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp, "KNOCK_S", 0.1)
    async with served() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_packets_go_to_who_asked_and_reports_keep_him_alive() -> None:
    heard: list[bytes] = []

    class Ear(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            heard.append(data)

    loop = asyncio.get_running_loop()
    ears = [
        (await loop.create_datagram_endpoint(Ear, local_addr=("127.0.0.1", 0)))[0] for _ in range(2)
    ]
    ports = [ear.get_extra_info("sockname")[1] for ear in ears]
    async with client() as (caller, board):
        with board.streaming():
            wish = f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]}"
            answer = await caller.ask("SETUP", "/trackID=0", Transport=wish)
            await caller.ask("PLAY")
            async with asyncio.timeout(5):
                while len(heard) < 20:  # noqa: ASYNC110  (datagrams tell nobody)
                    await asyncio.sleep(0.05)
    for ear in ears:
        ear.close()
    source = bytes.fromhex(re.search(r"ssrc=([0-9A-F]{8})", answer).group(1))  # type: ignore[union-attr]

    pictures = [packet for packet in heard if packet[1] & 0x7F == words.VIDEO_TYPE]
    numbers = [int.from_bytes(packet[2:4], "big") for packet in pictures]
    assert {packet[8:12] for packet in pictures} == {source}
    assert all((b - a) % 65536 == 1 for a, b in itertools.pairwise(numbers))
    assert any(packet[1] == 200 for packet in heard)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_none(head: bytes) -> None:
    try:
        request = words.read(head)
    except words.BadRequestError:
        return
    assert request.headers["cseq"].isdecimal()


@given(st.text(max_size=80), st.integers(0, 1), st.booleans())
def test_any_transport_is_one_of_ours_or_none(header: str, track: int, secure: bool) -> None:
    chosen = words.transport(header, track, secure=secure)
    if chosen and chosen.udp:
        assert not secure
        assert 1023 < chosen.udp[0] <= 65535


@given(st.lists(st.binary(min_size=1, max_size=3 * LARGEST_PAYLOAD), min_size=1, max_size=4))
def test_pictures_are_cut_and_can_be_put_together_again(bodies: list[bytes]) -> None:
    """By RFC 6184, read here a second time."""
    sent = [b"\x41" + body.replace(b"\0", b"\1") for body in bodies]
    picture = b"".join(b"\0\0\0\1" + unit for unit in sent)
    back: list[bytes] = []
    for payload in payloads(picture):
        assert len(payload) <= LARGEST_PAYLOAD
        if payload[0] & 0x1F != 28:
            back.append(payload)
        elif payload[1] & 0x80:
            back.append(bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)) + payload[2:])
        else:
            back[-1] += payload[2:]

    assert back == sent
    assert list(units(picture)) == sent


def test_a_report_ties_the_media_clock_to_the_wall_clock() -> None:
    stream = Stream(96, 90_000)
    packets = list(stream.packets([b"a", b"bc"], 10.0))
    report = stream.report(11.0, 1_795_457_040.5)

    assert [packet[1] for packet in packets] == [96, 224]
    assert report[1] == 200
    assert int.from_bytes(report[8:12], "big") == 1_795_457_040 + 2_208_988_800
    assert int.from_bytes(report[12:16], "big") == 2**31
    began = int.from_bytes(packets[0][4:8], "big")
    assert (int.from_bytes(report[16:20], "big") - began) % 2**32 == 90_000
    assert int.from_bytes(report[20:24], "big") == 2
    assert int.from_bytes(report[24:28], "big") == 3
    assert len(report) % 4 == 0


def test_the_still_picture_is_a_key_picture_of_a_profile_every_vms_shows() -> None:
    kinds = [unit[0] & 0x1F for unit in units(STILL)]

    assert kinds[:2] == [7, 8]
    assert set(kinds[2:]) == {5}
    assert next(units(STILL))[1] == 66  # baseline
