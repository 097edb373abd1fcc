"""Offers of peers that are not our simulators: what is taken of them, and how it is answered."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from adapters._shared import webrtc
from adapters._shared.webrtc import Incoming
from hooks import Message, Sample
from tests.sockets import slow_datagrams

pytestmark = pytest.mark.usefixtures("on_loopback")


class Screen:
    def show(self, sample: Sample) -> None:
        raise AssertionError("nothing is filmed here")

    def lost(self, why: Message) -> None: ...

    async def key_wanted(self) -> None:
        await asyncio.Event().wait()


@asynccontextmanager
async def camera(*kinds: str) -> AsyncIterator[tuple[RTCPeerConnection, str]]:
    """A peer of everything aiortc knows, and its offer."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in kinds or ("video", "audio"):
        peer.addTransceiver(kind, direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    try:
        yield peer, peer.localDescription.sdp
    finally:
        await peer.close()


async def answered(offer: str, *, sound: bool = True) -> str:
    incoming = Incoming("h", Screen(), sound=sound)
    try:
        await incoming.offered(offer)
        return await incoming.answer()
    finally:
        await incoming.close()


def names(answer: str) -> list[str]:
    return re.findall(r"^a=rtpmap:\d+ (\w+)/", answer, re.MULTILINE)


async def test_what_is_passed_on_as_it_comes_is_all_that_is_taken() -> None:
    async with camera() as (_, offer):
        assert "VP8" in offer
        assert "PCMU" in offer
        answer = await answered(offer)

    assert set(names(answer)) == {"H264", "rtx", "opus"}


async def test_sound_that_is_no_opus_is_left_and_costs_no_picture() -> None:
    async with camera() as (_, offer):
        plain = offer.replace("SAVPF 96 9", "SAVPF 9")
        answer = await answered(re.sub(r"a=rtpmap:\d+ opus.*\r\n", "", plain))

    video, audio = answer.split("m=")[1:]
    assert "a=recvonly" in video
    assert "a=inactive" in audio


async def test_nothing_is_bundled_that_was_not_offered_so() -> None:
    async with camera() as (_, offer):
        together = await answered(offer)
        apart = await answered(re.sub(r"a=group:BUNDLE.*\r\n", "", offer))

    assert "a=group:BUNDLE 0 1" in together
    assert "BUNDLE" not in apart
    assert len(set(re.findall(r"^m=\w+ (\d+)", apart, re.MULTILINE))) == 2


async def test_of_several_pictures_the_first_is_taken() -> None:
    async with camera("video", "audio", "video") as (_, offer):
        answer = await answered(offer)

    directions = re.findall("a=(recvonly|inactive)", answer)
    assert directions == ["recvonly", "recvonly", "inactive"]


async def test_a_picture_without_h264_leaves_the_place_to_one_that_has_it() -> None:
    async with camera("video", "video") as (_, offer):
        head, first, second = offer.split("m=")
        answer = await answered("m=".join([head, first.replace("H264", "H265"), second]))

    assert re.findall("a=(recvonly|inactive)", answer) == ["inactive", "recvonly"]


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("packetization-mode=1;profile-level-id=640028", None),
        ("profile-level-id=4D401F; packetization-mode=1", None),
        ("packetization-mode=0;profile-level-id=42e01f", None),
        ("packetization-mode=1;profile-level-id=640028;sprop-parameter-sets=Z0,aM",
         "packetization-mode=1;profile-level-id=640028"),
    ],
)  # fmt: skip
async def test_any_profile_is_taken_and_answered_as_it_was_offered(
    said: str, again: str | None
) -> None:
    async with camera("video") as (_, offer):
        answer = await answered(re.sub(r"(a=fmtp:\d+ )level.*", rf"\g<1>{said}\r", offer))

    given = re.findall(r"a=fmtp:\d+ (?!apt)(.*)\r", answer)
    assert {line.replace("; ", ";") for line in given} == {(again or said).replace("; ", ";")}


async def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        servers = [{"urls": f"stun:{where}"},
                   {"urls": f"turn:{where}", "username": "u", "credential": "c"}]  # fmt: skip
        incoming = Incoming("h", Screen(), sound=True)
        async with camera() as (_, offer):
            await incoming.offered(offer, servers)
            async with asyncio.timeout(3):
                answer = await incoming.answer()
        await incoming.close()

    assert "typ host" in answer


async def test_a_format_of_which_nothing_is_said_is_taken() -> None:
    async with camera("video") as (_, offer):
        answer = await answered(re.sub(r"a=fmtp:\d+ level.*\r\n", "", offer))

    assert "H264" in names(answer)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda offer: re.sub(r"(a=candidate:\S+ 1 udp \d+) \S+", r"\1 1f-2e.local", offer),
        lambda offer: re.sub(r"a=candidate:.*\r\n", "", offer),
    ],
    ids=["names of its own network", "none"],
)
async def test_a_peer_whose_candidates_cannot_be_reached_reaches_us(
    spoilt: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc, "CANDIDATE_S", 0.01)
    async with camera("video") as (peer, offer):
        assert "a=end-of-candidates" in offer
        incoming = Incoming("h", Screen(), sound=True)
        await incoming.offered(spoilt(offer))
        answer = await incoming.answer()
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(10):
            while not incoming.connected:  # noqa: ASYNC110  (aiortc tells it to one listener)
                await asyncio.sleep(0.02)
        await incoming.close()


@pytest.mark.parametrize("given_up", [True, False])
async def test_the_sockets_opened_after_its_end_are_closed_too(given_up: bool) -> None:
    async with camera() as (_, offer):
        incoming = Incoming("h", Screen(), sound=True)
        await incoming.offered(offer)
        with slow_datagrams() as sockets:
            answering = asyncio.create_task(incoming.answer())
            await sockets.begun()
            if given_up:
                answering.cancel()
            ending = asyncio.create_task(incoming.close())
            await asyncio.sleep(0)
            sockets.go_on.set()
            await asyncio.wait({answering, ending})

    assert sockets.all_closed()
    assert answering.cancelled() is given_up
