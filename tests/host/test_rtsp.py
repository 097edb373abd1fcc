"""The RTSP server, word by word."""

from __future__ import annotations

import asyncio
import itertools
import re

import pytest

from hooks import Codec, Sample
from tests.host.rtsp import NAME, PASSWORD, Client, client, served
from vms_plugin.live import rtsp, rtsp_session
from vms_plugin.live import rtsp_words as words


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


async def test_nobody_takes_what_is_live_for_something_else() -> None:
    async with client() as (caller, _):
        replay = await caller.ask("SETUP", "/trackID=0", Require="onvif-replay")
        speak = await caller.ask("OPTIONS", Require="www.onvif.org/ver20/backchannel")

    assert replay.split()[1] == speak.split()[1] == "551"
    assert "Unsupported: onvif-replay" in replay


async def test_one_track_can_be_given_back_and_the_other_goes_on() -> None:
    async with client() as (caller, board):
        with board.streaming():
            for track in (0, 1):
                await caller.ask("SETUP", f"/trackID={track}", Transport="RTP/AVP/TCP")
            await caller.ask("PLAY")
            sound = await caller.ask("TEARDOWN", "/trackID=1")
            left = {(await caller.packet())[0] for _ in range(40)}
            alive = await caller.ask("GET_PARAMETER")
            picture = await caller.ask("TEARDOWN", "/trackID=0")
            after = await caller.ask("GET_PARAMETER")

    assert 2 not in left
    codes = [text.split()[1] for text in (sound, alive, picture, after)]
    assert codes == ["200", "200", "200", "454"]


@pytest.mark.parametrize("asked", ["/trackID=0", "/trackID=1/", "?profile=1", "/?a=b/c", "/"])
async def test_addresses_are_told_from_the_whole_whatever_was_asked(asked: str) -> None:
    async with client() as (caller, board):
        with board.streaming():
            described = await caller.ask("DESCRIBE", asked)
            await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP")
            played = await caller.ask("PLAY", asked)

    whole = f"rtsp://127.0.0.1:{caller._port}/{NAME}/"
    assert f"Content-Base: {whole}\r\n" in described
    assert f"RTP-Info: url={whole}trackID=0;seq=" in played


@pytest.mark.parametrize("asked", ["/trackID=1", "/trackID=1/?tcp", "/?tcp/trackID=1"])
def test_a_track_is_found_on_either_side_of_a_question(asked: str) -> None:
    assert words.Request("SETUP", f"rtsp://h/{NAME}{asked}").track == 1


def test_an_account_in_an_address_is_not_said_again() -> None:
    assert words.Request("PLAY", "rtsp://vms:secret@h:8554/a").base == "rtsp://h:8554/a/"


def test_headers_may_be_folded_and_parameters_be_in_capitals() -> None:
    read = words.read(b"PLAY rtsp://h/a RTSP/1.0\r\ncseq:7\r\nX: one,\r\n two\r\n\r\n")

    assert read.headers == {"cseq": "7", "x": "one, two"}
    assert words.transport("rtp/avp/tcp;Interleaved=4-5", 0, secure=False) == words.Transport(
        interleaved=(4, 5)
    )


async def test_what_cannot_be_read_is_answered_by_its_number() -> None:
    async with served() as (_, port):
        said = []
        for line in ("OPTIONS * RTSP/2.0", "OPTIONS *"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{line}\r\nCSeq: 31\r\n\r\n".encode())
            said.append((await reader.read()).decode())
            writer.close()

    assert said[0].startswith("RTSP/1.0 505 ")
    assert said[1].startswith("RTSP/1.0 400 ")
    assert all("CSeq: 31\r\n" in answer for answer in said)


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


async def test_a_proof_about_no_address_is_none() -> None:
    said = 'Digest username="vms", uri="rtsp://[", nonce="0-x", response="y"'
    async with client() as (caller, _):
        caller.nonce = ""
        assert (await caller.ask("DESCRIBE", Authorization=said)).split()[1] == "401"


async def test_a_track_set_up_again_keeps_no_port_of_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[asyncio.DatagramTransport] = []

    def hear(_self: object, transport: asyncio.DatagramTransport) -> None:
        opened.append(transport)

    monkeypatch.setattr(rtsp_session._Ear, "connection_made", hear)
    async with client() as (caller, _):
        for _ in range(3):
            await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP;client_port=5000-5001")
        within = await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP")

        assert "interleaved=0-1" in within
        assert [each for each in opened if not each.is_closing()] == []


async def test_a_second_press_whose_first_has_no_end_is_what_the_vms_sees() -> None:
    async with client() as (caller, board):
        with board.streaming() as first:
            await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
            await caller.ask("PLAY")
            await caller.packet()
            with board.streaming() as second:
                async with asyncio.timeout(5):
                    while (first.viewers, second.viewers) != (0, 1):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                await caller.packet()

    assert board.notes[:2] == [f"{NAME} 127.0.0.1 opened", f"{NAME} 127.0.0.1 closed"]


async def test_sound_that_cannot_be_read_costs_no_picture() -> None:
    async with client() as (caller, board):
        with board.streaming() as channel:
            await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
            await caller.ask("SETUP", "/trackID=1", Transport="RTP/AVP/TCP;interleaved=2-3")
            await caller.ask("PLAY")
            for data in (b"", b"\xff", b"\x03" * 7, bytes(2000)):
                channel.show(Sample(codec=Codec.OPUS, data=data, at_s=20.0, key=True))
            after = [await caller.packet() for _ in range(200)]

    assert {0, 2} <= {number for number, _ in after[100:]}


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


async def test_the_end_of_the_host_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as (board, port):
        with board.streaming():
            caller = await Client(port).open()
            await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
            await caller.ask("PLAY")
            await caller.packet()
            silent, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await silent.read() == b""
    writer.close()
    await caller.close()

    assert board.notes == [f"{NAME} 127.0.0.1 opened", f"{NAME} 127.0.0.1 closed"]
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == []


async def test_nothing_is_sent_that_the_register_does_not_know() -> None:
    async with client() as (caller, board):
        board.full_disk = True
        with board.streaming():
            await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
            await caller.ask("PLAY")
            sent = await asyncio.wait_for(caller.read.read(), 10)

    assert payload_types(sent) == []
    assert board.notes == [f"{NAME} 127.0.0.1 opened"]


async def test_a_vms_that_stopped_reading_is_cut_with_the_activation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What waits for it is not for later: nothing outlives the end (R241-11)."""
    monkeypatch.setattr(rtsp_session, "STALLED_S", 1e6)
    picture = b"\x00\x00\x00\x01\x65" + b"U" * 1_000_000
    async with client() as (caller, board):
        with board.streaming() as channel:
            await caller.ask("SETUP", "/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
            await caller.ask("PLAY")
            caller.write.transport.pause_reading()  # type: ignore[attr-defined]
            async with asyncio.timeout(10):
                while not channel.viewers:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            for number in range(40):  # more than both ends of a connection hold
                channel.show(Sample(codec=Codec.H264, data=picture, at_s=number / 25, key=True))
            await asyncio.sleep(0.1)
        async with asyncio.timeout(10):
            while len(board.notes) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        caller.write.transport.resume_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionResetError):  # what the system still held is gone too
            await caller.read.read()


def payload_types(sent: bytes) -> list[int]:
    """List the payload types of the RTP packets within a connection."""
    return [
        sent[place + 5] & 127 for place in range(len(sent) - 5) if sent[place : place + 2] == b"$\0"
    ]


async def test_those_who_say_nothing_take_no_place_from_a_vms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rtsp, "CONNECTIONS_MOST", 3)
    async with served() as (_, port):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        callers = []
        for reader, _ in silent:
            callers.append(await Client(port).open())
            assert (await callers[-1].ask("DESCRIBE")).split()[1] == "200"
            assert await asyncio.wait_for(reader.read(), 5) == b""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 5) == b""  # all three places are a VMS's
        assert (await callers[0].ask("DESCRIBE")).split()[1] == "200"
        for caller in callers:
            await caller.close()
        for _, one in [*silent, (reader, writer)]:
            one.close()


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
