"""The gateway's end of a WebRTC session: it offers, and sends what the camera films."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.sdp import candidate_from_sdp

from adapters._simulated.connection import Connection
from adapters._simulated.lens import Packet
from adapters.milestone.simulator.film import Film

#: Sound is G.711 µ-law at 8 kHz: the sample reckons its clock so.
_RATE, _BLOCK = 8000, 160


class NotUnderstood(ValueError):
    """An answer or a candidate that is none."""


class _Picture(MediaStreamTrack):
    """Gives the coded pictures as they come; nothing is coded twice."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._pictures: asyncio.Queue[Packet] = asyncio.Queue(maxsize=50)

    def put(self, packet: Packet) -> None:
        if not self._pictures.full():
            self._pictures.put_nowait(packet)

    async def recv(self) -> Packet:
        if self.readyState != "live":
            raise MediaStreamError
        return await self._pictures.get()


class _Sound(MediaStreamTrack):
    """Footsteps, twice a second."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._start, self._given = time.monotonic(), 0

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        at = (np.arange(_BLOCK) + self._given * _BLOCK) / _RATE
        due = self._start + self._given * _BLOCK / _RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        wave = np.where(at % 0.5 < 0.08, np.sin(2 * np.pi * 180 * at) * 9000, 0)
        frame = av.AudioFrame.from_ndarray(
            wave.astype(np.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate, frame.time_base = _RATE, Fraction(1, _RATE)
        frame.pts = self._given * _BLOCK
        self._given += 1
        return frame


class Peer:
    """One viewer of one camera."""

    def __init__(self, film: Film, command: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._film, self._command = film, command
        self._connection = Connection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._stop: Callable[[], None] | None = None
        self._early: list[str] = []
        #: What the viewer polls: our candidates, as `RTCIceCandidateInit`.
        self.candidates: list[dict[str, Any]] = []

    @property
    def over(self) -> bool:
        """Whether the viewer has gone."""
        return self._connection.connectionState in ("closed", "failed")

    async def offer(self, *, sound: bool, commands: bool) -> str:
        """Make the offer, as the text of a session description; candidates are kept apart."""
        connection, picture = self._connection, _Picture()
        tracks: list[MediaStreamTrack] = [picture, *([_Sound()] if sound else [])]
        for track in tracks:
            sending = connection.addTransceiver(track, direction="sendonly")
            capable = RTCRtpSender.getCapabilities(track.kind).codecs
            sending.setCodecPreferences([each for each in capable if _known(each)])
            # What is coded already cannot be coded again: the wish goes to the lens.
            vars(sending.sender)["_send_keyframe"] = self._film.want_key
        if commands:
            connection.createDataChannel("videoos")
            connection.on("datachannel", self._listen)
        await connection.setLocalDescription(await connection.createOffer())
        self._stop = self._film.watch(picture.put)
        whole = connection.localDescription.sdp
        for text in dict.fromkeys(re.findall(r"^a=(candidate:.*?)\r?$", whole, re.MULTILINE)):
            self.candidates.append({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0})
        bare = re.sub(r"^a=(candidate:.*|end-of-candidates)\r?\n", "", whole, flags=re.MULTILINE)
        return json.dumps({"type": "offer", "sdp": bare})

    def _listen(self, channel: RTCDataChannel) -> None:
        @channel.on("message")
        def answer(message: object) -> None:
            try:
                asked = json.loads(str(message))
                channel.send(json.dumps(self._command(asked)))
            except (ValueError, KeyError, TypeError, AttributeError):
                channel.send(json.dumps({"ApiVersion": "1.0", "type": "error"}))

    async def answer(self, text: str) -> None:
        """Take the viewer's answer, a session description written as text."""
        try:
            said = json.loads(text)
            await self._connection.setRemoteDescription(
                RTCSessionDescription(said["sdp"], said["type"])
            )
        # aiortc raises what it likes on a bad answer.
        except Exception as wrong:
            raise NotUnderstood(str(wrong)) from wrong
        early, self._early = self._early, []
        for candidate in early:
            await self.add(candidate)

    async def add(self, text: str) -> None:
        """Take one of the viewer's candidates, written as text."""
        try:
            said = json.loads(text)
            line = str(said["candidate"])
            if not line:
                return
            # A candidate may overtake the answer it belongs to: the sample sends both at once.
            if self._connection.remoteDescription is None:
                self._early.append(text)
                return
            candidate = candidate_from_sdp(line.removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = said.get("sdpMid"), said["sdpMLineIndex"]
            await self._connection.addIceCandidate(candidate)
        except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as wrong:
            raise NotUnderstood(str(wrong)) from wrong

    async def close(self) -> None:
        """Leave."""
        if self._stop is not None:
            self._stop()
        await self._connection.close()


def _known(codec: Any) -> bool:
    """Whether the gateway offers a codec: H.264 alone, and µ-law."""
    if codec.mimeType == "video/H264":
        return bool(codec.parameters.get("profile-level-id") == "42e01f")
    return codec.mimeType in ("video/rtx", "audio/PCMU")
