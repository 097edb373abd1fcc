"""The camera's end of a WebRTC session: it offers, with the shape of SDP that was recorded."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.sdp import candidate_from_sdp

from adapters._simulated.connection import Connection
from adapters.axis.simulator.scene import Coded, Scene

#: As recorded: media ids, and payload types of H.264, its retransmissions and Opus.
MIDS = ("video0", "audio1", "application2")
H264, RTX, OPUS = 96, 98, 97
_PROFILE = "42e01f"


class Refusal(Exception):
    """The camera, or its server, does not do that."""


class _Track(MediaStreamTrack):
    """Gives what the scene codes, as it comes; nothing is coded twice."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self._queue: asyncio.Queue[av.Packet[Any]] = asyncio.Queue(maxsize=100)

    def put(self, coded: Coded) -> None:
        if coded.kind == self.kind and not self._queue.full():
            self._queue.put_nowait(coded.packet)

    async def recv(self) -> av.Packet[Any]:
        if self.readyState != "live":
            raise MediaStreamError
        return await self._queue.get()


class Peer:
    """One viewer of one camera."""

    def __init__(
        self, serial: str, scene: Scene, ask: Callable[[str, dict[str, Any]], Awaitable[None]]
    ) -> None:
        self.serial = serial
        self._scene, self._ask = scene, ask
        self._connection = Connection(
            # Unless told that there is none, aiortc asks a STUN server on the internet.
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._stop: Callable[[], None] | None = None
        self._lossy: set[Any] = set()  # transports: sound and picture share one

    async def offer(self, *, sound: bool) -> None:
        """Send the offer, then the candidates one by one, then the empty one that ends them."""
        connection = self._connection
        tracks = [_Track("video")] + ([_Track("audio")] if sound else [])
        for track in tracks:
            sending = connection.addTransceiver(track, direction="sendonly")
            capable = RTCRtpSender.getCapabilities(track.kind).codecs
            sending.setCodecPreferences([each for each in capable if _as_seen(each)])
            # What is coded already cannot be coded again: the wish goes to the lens.
            vars(sending.sender)["_send_keyframe"] = self._scene.want_key
            self._lose_some(sending.sender)
        connection.createDataChannel("data")
        made = await connection.createOffer()
        shaped = RTCSessionDescription(_as_recorded(made.sdp), "offer")
        await connection.setLocalDescription(shaped)
        whole = connection.localDescription.sdp

        def put(coded: Coded) -> None:
            for track in tracks:
                track.put(coded)

        self._stop = self._scene.watch(put)
        candidates = re.findall(r"^a=(candidate:.*?)\r?$", whole, re.MULTILINE)
        bare = re.sub(r"^a=(candidate:.*|end-of-candidates)\r?\n", "", whole, flags=re.MULTILINE)
        await self._ask("setSdpOffer", {"type": "offer", "sdp": bare})
        for candidate in dict.fromkeys(candidates):
            await self._ask("addIceCandidate", {"candidate": candidate, "sdpMLineIndex": 0})
        await self._ask("addIceCandidate", {"candidate": "", "sdpMLineIndex": 0})

    def _lose_some(self, sender: RTCRtpSender) -> None:
        """Lose, on the way, the share of packets that the radio loses; repeats are lost too."""
        transport = sender.transport
        send = transport._send_rtp

        async def over_the_air(data: bytes) -> None:
            if random.random() >= self._scene.loss:  # noqa: S311  (no secret)
                await send(data)

        if transport not in self._lossy:
            self._lossy.add(transport)
            vars(transport)["_send_rtp"] = over_the_air

    async def take(self, method: str, params: dict[str, Any]) -> None:
        """Take the viewer's answer, or one of its candidates."""
        try:
            if method == "setSdpAnswer":
                answer = RTCSessionDescription(params["sdp"], params["type"])
                await self._connection.setRemoteDescription(answer)
            elif method == "addIceCandidate":
                await self._candidate(params)
            else:
                raise Refusal("Method not supported")
        except Refusal:
            raise
        except Exception as error:  # of aiortc's too: an answer told twice, one of another offer
            raise Refusal("Invalid parameters") from error

    async def _candidate(self, params: dict[str, Any]) -> None:
        text = str(params["candidate"])
        if not text:
            return
        candidate = candidate_from_sdp(text.removeprefix("candidate:"))
        candidate.sdpMLineIndex = int(params["sdpMLineIndex"])
        await self._connection.addIceCandidate(candidate)

    async def close(self) -> None:
        """Leave."""
        if self._stop is not None:
            self._stop()
        await self._connection.close()


def _as_seen(codec: Any) -> bool:
    """Whether a codec was in the recorded offers."""
    if codec.mimeType == "video/H264":
        return bool(codec.parameters.get("profile-level-id") == _PROFILE)
    return codec.mimeType in ("video/rtx", "audio/opus")


def _as_recorded(sdp: str) -> str:
    """Give an offer of ours the media ids and payload types of the recorded ones."""
    for number, mid in enumerate(MIDS):
        sdp = sdp.replace(f"a=mid:{number}\r\n", f"a=mid:{mid}\r\n")
    used = [mid for mid in MIDS if f"a=mid:{mid}\r\n" in sdp]
    if len(used) == 2:  # no sound: what follows moves up
        sdp = sdp.replace("a=mid:audio1\r\n", "a=mid:application1\r\n")
        used = ["video0", "application1"]
    sdp = re.sub(r"a=group:BUNDLE [^\r]*", "a=group:BUNDLE " + " ".join(used), sdp)
    sections = re.split(r"(?=^m=)", sdp, flags=re.MULTILINE)
    return "".join(_renumbered(section) for section in sections)


def _renumbered(section: str) -> str:
    kind = section[2:7]
    wanted = {"video": [H264, RTX], "audio": [OPUS]}.get(kind)
    if wanted is None or not section.startswith("m="):
        return section
    listed = re.match(r"m=\w+ \d+ \S+ ([\d ]+)", section)
    old = listed.group(1).split() if listed else []
    # By way of a mark: a number may be old here and new there.
    for number, was in enumerate(old):
        section = re.sub(rf"(?<=[:= ]){was}(?=[ \r])", f"PT{number}", section)
    for number, becomes in enumerate(wanted):
        section = section.replace(f"PT{number}", str(becomes))
    return section
