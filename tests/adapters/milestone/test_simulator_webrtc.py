"""The simulated WebRTC API, seen by a foreign client: aiortc, which decodes what it is sent."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import websockets
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from adapters._simulated.lens import read_clock, write_clock

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

pytestmark = pytest.mark.usefixtures("on_loopback")

MISSING = "00000000-0000-4000-8000-000000000000"


class Viewer:
    """The viewer's end: it answers, and keeps what it is sent."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.tracks: dict[str, Any] = {}
        self.connection.on("track", lambda track: self.tracks.update({track.kind: track}))

    async def answer(self, offer: str) -> str:
        said = json.loads(offer)
        await self.connection.setRemoteDescription(RTCSessionDescription(said["sdp"], said["type"]))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        made = self.connection.localDescription
        return json.dumps({"type": made.type, "sdp": made.sdp})

    async def add(self, said: dict[str, Any]) -> None:
        candidate = candidate_from_sdp(said["candidate"].removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = said["sdpMid"], said["sdpMLineIndex"]
        await self.connection.addIceCandidate(candidate)

    async def luma(self) -> np.ndarray:
        """Decode a picture, and give its brightness."""
        frame = await asyncio.wait_for(self.tracks["video"].recv(), 10)
        picture: np.ndarray = frame.to_ndarray(format="gray")
        return picture


@asynccontextmanager
async def viewer() -> AsyncIterator[Viewer]:
    made = Viewer()
    try:
        yield made
    finally:
        await made.connection.close()


def begin(site: Running, **changes: object) -> dict[str, Any]:
    body = {"deviceId": site.ready["cameras"][0], "resolution": "notInUse", **changes}
    answer = site.rest("POST", "WebRTC/Session", json=body)
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


def watching(site: Running) -> int:
    return len(site.http.get("/simulator/views").json()["sessions"])


async def until(site: Running, number: int) -> None:
    for _ in range(100):
        if await asyncio.to_thread(watching, site) == number:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{watching(site)} views, not {number}")


def test_the_clock_in_a_picture_is_read_back() -> None:
    luma = np.full((360, 640), 99, np.uint8)

    write_clock(luma, 1_795_000_000_125)

    assert read_clock(luma) == 1_795_000_000_125 & 0xFFFFFFFF
    assert read_clock(np.full((360, 640), 99, np.uint8)) is None


async def test_the_gateway_offers_and_a_viewer_sees_the_moment(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    session = await asyncio.to_thread(begin, site)
    path = session["sessionId"]

    async with viewer() as made:
        answer = await made.answer(session["offerSDP"])
        patched = await asyncio.to_thread(
            lambda: site.rest("PATCH", f"WebRTC/Session/{path}", json={"answerSDP": answer})
        )
        listed = await asyncio.to_thread(lambda: site.rest("GET", f"WebRTC/IceCandidates/{path}"))
        for text in listed.json()["candidates"]:
            await made.add(json.loads(text))
        lines = re.findall(r"^a=(candidate:.*?)\r?$", json.loads(answer)["sdp"], re.MULTILINE)
        init = json.dumps({"candidate": lines[0], "sdpMid": "0", "sdpMLineIndex": 0})
        sent = await asyncio.to_thread(
            lambda: site.rest("POST", f"WebRTC/IceCandidates/{path}", json={"candidates": [init]})
        )
        moment = read_clock(await made.luma())

    assert (patched.status_code, sent.status_code) == (200, 200)
    assert moment is not None
    assert (int(time.time() * 1000) - moment) & 0xFFFFFFFF < 60_000
    assert "a=candidate" not in session["offerSDP"]


async def test_a_view_ends_when_its_token_lapses(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    await asyncio.to_thread(begin, site)
    assert watching(site) == 1

    site.order("expire")

    await until(site, 0)


@pytest.mark.parametrize(
    ("order", "told"),
    [("drop", {}), ("away", {"seconds": 5}), ("camera", {"online": False}),
     ("camera", {"enabled": False}), ("lens", {"masked": True})],
)  # fmt: skip
async def test_a_view_ends_with_the_gateway_or_with_its_camera(
    xprotect: Start, order: str, told: dict[str, Any]
) -> None:
    site = await asyncio.to_thread(xprotect)
    await asyncio.to_thread(begin, site)
    named = {"id": site.ready["cameras"][0]} if order in ("camera", "lens") else {}

    site.order(order, **named, **told)

    await until(site, 0)


async def test_a_view_goes_on_with_a_token_renewed_in_time(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    session = await asyncio.to_thread(begin, site)
    fresh = await asyncio.to_thread(site.log_in)

    answer = site.rest("PATCH", f"WebRTC/Session/{session['sessionId']}", json={"token": fresh})
    first, *_ = site.simulator.site.accounts.tokens.values()
    first.expires = 0.0
    await asyncio.sleep(0.6)

    assert answer.status_code == 200
    assert watching(site) == 1
    wrong = site.rest("PATCH", f"WebRTC/Session/{session['sessionId']}", json={"token": "x"})
    assert site.detail(wrong)["propertyName"] == "token"


@pytest.mark.parametrize(
    ("order", "status", "text"),
    [
        ({"masked": True}, 403, "Privacy masking"),
        ({"codec": "H265"}, 400, "codec"),
        ({"codec": "MJPEG"}, 400, "codec"),
    ],
)
def test_a_camera_that_cannot_be_watched_says_why(
    xprotect: Start, order: dict[str, Any], status: int, text: str
) -> None:
    site = xprotect()
    site.order("lens", id=site.ready["cameras"][0], **order)

    answer = site.rest("POST", "WebRTC/Session", json={"deviceId": site.ready["cameras"][0]})

    assert answer.status_code == status
    assert text in site.detail(answer)["errorText"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "deviceId"),
        ({"deviceId": "gare"}, "deviceId"),
        ({"deviceId": MISSING, "offer": {}}, "offer"),
        ({"deviceId": MISSING, "iceServers": [{"urls": "stun:x"}]}, "iceServers"),
        ({"deviceId": MISSING, "playbackTimeNode": {"speed": 64}}, "playbackTimeNode"),
        ({"cameraId": None, "deviceId": None}, "deviceId"),
        ({"deviceId": MISSING, "answerSDP": "v=0"}, "answerSDP"),
    ],
)
def test_a_session_that_is_asked_otherwise_is_refused_by_its_property(
    xprotect: Start, body: dict[str, Any], name: str
) -> None:
    site = xprotect()

    answer = site.rest("POST", "WebRTC/Session", json=body)

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)


@pytest.mark.parametrize(
    "body",
    [
        {"cameraId": "…"},  # the samples up to 2025 R1
        # A client generated from the page writes all properties of a session; null is not said.
        {"sessionId": None, "cameraId": None, "deviceId": "…", "token": None, "resolution": None,
         "offerSDP": None, "answerSDP": None, "streamId": None, "includeAudio": None,
         "iceServers": None, "playbackTimeNode": None},
    ],
)  # fmt: skip
def test_a_session_is_asked_for_as_each_edition_of_the_page_has_it(
    xprotect: Start, body: dict[str, Any]
) -> None:
    site = xprotect()
    [camera, *_] = site.ready["cameras"]
    named = {name: camera if value == "…" else value for name, value in body.items()}

    session = site.rest("POST", "WebRTC/Session", json=named).json()
    path = f"WebRTC/IceCandidates/{session['sessionId']}"
    ours = {"sessionId": session["sessionId"], "candidates": None}

    assert (session["cameraId"], session["deviceId"]) == (camera, camera)
    assert site.rest("POST", path, json=ours).status_code == 200
    other = site.rest("POST", path, json=ours | {"sessionId": MISSING})
    assert site.detail(other)["propertyName"] == "sessionId"


@pytest.mark.parametrize(
    ("release", "status", "sound"),
    [("2022R1", 404, None), ("2023R1", 200, False), ("2025R1", 200, False), ("2025R2", 200, True)],
)
async def test_watching_came_with_2023_r1_and_sound_with_2025_r2(
    xprotect: Start, release: str, status: int, sound: bool | None
) -> None:
    site = await asyncio.to_thread(xprotect, "--release", release)

    answer = await asyncio.to_thread(
        lambda: site.rest("POST", "WebRTC/Session", json={"deviceId": site.ready["cameras"][0]})
    )

    assert answer.status_code == status
    if sound is not None:
        assert ("PCMU" in answer.json()["offerSDP"]) is sound
        assert "H264" in answer.json()["offerSDP"]


@asynccontextmanager
async def signalling(site: Running) -> AsyncIterator[Any]:
    url = site.url.replace("http", "ws", 1) + "/API/ws/webrtc/v1"
    async with websockets.connect(url) as socket:

        async def ask(method: str, number: int, **params: object) -> dict[str, Any]:
            said = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
            await socket.send(json.dumps(said))
            heard: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert heard["id"] == number
            return heard

        yield socket, ask


async def test_json_rpc_invites_and_trickles_and_a_viewer_sees(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    token = site.http.headers["Authorization"].removeprefix("Bearer ")

    async with signalling(site) as (socket, ask), viewer() as made:
        assert "result" in await ask("register", 1, authorization=token)
        connected = await ask(
            "connect", 2, authorization=token, peer=site.ready["cameras"][0], includeAudio=False
        )
        session = connected["result"]["session"]
        invited = json.loads(await asyncio.wait_for(socket.recv(), 10))
        assert (invited["method"], invited["params"]["session"]) == ("invite", session)
        answer = await made.answer(invited["params"]["offer"])
        await socket.send(
            json.dumps({"jsonrpc": "2.0", "result": {"answer": answer}, "id": invited["id"]})
        )
        while not made.tracks or made.connection.iceConnectionState != "completed":
            heard = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert heard["method"] == "trickle"
            await made.add(heard["params"]["candidate"])
            break
        assert read_clock(await made.luma()) is not None
        assert await asyncio.to_thread(watching, site) == 1

    await until(site, 0)


async def test_json_rpc_refuses_strangers_and_what_nobody_documented(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    token = site.http.headers["Authorization"].removeprefix("Bearer ")

    async with signalling(site) as (_, ask):
        assert "error" in await ask("connect", 1, authorization=token, peer=MISSING)
        assert "error" in await ask("register", 2, authorization="x")
        assert "result" in await ask("register", 3, authorization=token)
        said = await ask("connect", 4, authorization=token, peer=MISSING, streamId=MISSING)
        assert said["error"]["message"] == "Invalid params: streamId"
        said = await ask("connect", 5, authorization=token, peer=MISSING)
        assert "Device not found" in said["error"]["message"]


async def test_a_notice_that_is_refused_is_told_and_not_answered(xprotect: Start) -> None:
    """JSON-RPC 2.0: "The Server MUST NOT reply to a Notification"; the sample chokes on one."""
    site = await asyncio.to_thread(xprotect)
    token = site.http.headers["Authorization"].removeprefix("Bearer ")

    async with signalling(site) as (socket, ask):
        await ask("register", 1, authorization=token)
        params = {"session": MISSING, "candidate": "{}"}
        await socket.send(json.dumps({"jsonrpc": "2.0", "method": "trickle", "params": params}))
        heard = json.loads(await asyncio.wait_for(socket.recv(), 10))

    assert "id" not in heard
    assert heard["params"]["message"] == "Invalid params: session"


async def test_a_candidate_may_be_written_as_the_server_writes_its_own(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    token = site.http.headers["Authorization"].removeprefix("Bearer ")

    async with signalling(site) as (socket, ask):
        await ask("register", 1, authorization=token)
        said = await ask("connect", 2, authorization=token, peer=site.ready["cameras"][0])
        heard: dict[str, Any] = {}
        while heard.get("method") != "trickle":
            heard = json.loads(await asyncio.wait_for(socket.recv(), 10))
        params = {"session": said["result"]["session"], "candidate": heard["params"]["candidate"]}
        call = {"jsonrpc": "2.0", "method": "trickle", "params": params, "id": 3}
        await socket.send(json.dumps(call))
        while heard.get("id") != 3:
            heard = json.loads(await asyncio.wait_for(socket.recv(), 10))

    assert "result" in heard


async def test_an_empty_playback_time_is_the_live_picture(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)

    past = {"playbackTime": "", "skipGaps": False}
    session = await asyncio.to_thread(lambda: begin(site, playbackTimeNode=past))

    assert "H264" in session["offerSDP"]


async def test_a_candidate_may_overtake_the_answer_it_belongs_to(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    session = await asyncio.to_thread(begin, site)
    path = session["sessionId"]

    async with viewer() as made:
        said = json.loads(await made.answer(session["offerSDP"]))
        line = re.findall(r"^a=(candidate:.*?)\r?$", said["sdp"], re.MULTILINE)[0]
        init = json.dumps({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0})
        said["sdp"] = re.sub(r"a=(candidate|end-of).*\r\n", "", said["sdp"])
        for verb, where, body in (
            ("POST", "IceCandidates", {"candidates": [init]}),
            ("PATCH", "Session", {"answerSDP": json.dumps(said)}),
        ):
            answer = await asyncio.to_thread(site.rest, verb, f"WebRTC/{where}/{path}", json=body)
            assert answer.status_code == 200
        listed = await asyncio.to_thread(site.rest, "GET", f"WebRTC/IceCandidates/{path}")
        for text in listed.json()["candidates"]:
            await made.add(json.loads(text))

        assert read_clock(await made.luma()) is not None


async def test_json_rpc_came_with_2025_r1(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect, "--release", "2024R2")

    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        async with signalling(site):
            pass

    assert refused.value.response.status_code == 404


async def test_a_viewer_turns_a_ptz_camera_by_the_data_channel(xprotect: Start) -> None:
    site = await asyncio.to_thread(xprotect)
    camera = site.listed("cameras?ptzEnabled=equals:'true'")[0]["id"]
    session = await asyncio.to_thread(lambda: begin(site, deviceId=camera))
    path, heard = session["sessionId"], asyncio.get_running_loop().create_future()

    async with viewer() as made:
        answer = await made.answer(session["offerSDP"])
        await asyncio.to_thread(
            lambda: site.rest("PATCH", f"WebRTC/Session/{path}", json={"answerSDP": answer})
        )
        listed = await asyncio.to_thread(lambda: site.rest("GET", f"WebRTC/IceCandidates/{path}"))
        for text in listed.json()["candidates"]:
            await made.add(json.loads(text))
        channel = made.connection.createDataChannel("commands", protocol="videoos-commands")
        move = {"ApiVersion": "1.0", "type": "request", "method": "ptzMove",
                "params": {"direction": "upLeft"}}  # fmt: skip
        channel.on("open", lambda: channel.send(json.dumps(move)))
        channel.on("message", heard.set_result)
        said = json.loads(await asyncio.wait_for(heard, 10))

    assert said["type"] == "response"
    aims = (await asyncio.to_thread(site.http.get, "/simulator/ptz")).json()["cameras"]
    [aim] = [each for each in aims if each["id"] == camera]
    assert (aim["pan"], aim["tilt"]) == (-0.05, 0.05)
