"""One viewer by WebRTC: the coded picture is passed on as it is, packed for the wire by aiortc.

aiortc sends what is coded already when a track gives `av.Packet`. A viewer's request for a key
picture reaches its sender's private `_send_keyframe`, which would have asked an encoder of ours:
it is led to the camera instead, against the version pinned in pyproject.toml.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import structlog
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpsender import RTCRtpSender

from hooks import Codec, Message, Sample
from vms_plugin.live.channel import PICTURES, Backlog, Channel, Ended

#: A browser that was answered and does not come within that time will not.
COME_S = 15.0

_RATES = {"video": 90_000, "audio": 48_000}
#: What a browser takes: the profile every browser offers, and Opus.
_MIMES = ("video/H264", "video/rtx", "audio/opus")
_BUNDLE = re.compile(r"^a=group:BUNDLE.*\r?\n", re.MULTILINE)
#: A browser may hide its address behind a name that its own network alone resolves, and say that
#: nothing else comes: the one would be waited for, at the other aiortc gives up. It reaches us.
_USELESS = re.compile(
    r"^a=(?:candidate:(?:\S+ ){4}\S+\.local .*|end-of-candidates[ \t]*)\r?\n", re.MULTILINE
)

log = structlog.get_logger(__name__)


class NoViewError(Exception):
    """A view cannot be opened: why, for people, and as HTTP says it."""

    def __init__(self, why: Message, status: int) -> None:
        super().__init__(str(why))
        self.why, self.status = why, status


class _Track(MediaStreamTrack):
    """Gives the samples of one kind, as they come."""

    def __init__(self, kind: str, channel: Channel) -> None:
        super().__init__()
        self.kind = kind
        self.backlog = Backlog(channel.want_key)

    async def recv(self) -> av.Packet[Any]:
        try:
            sample = await self.backlog.get()
        except Ended:
            raise MediaStreamError from None
        packet = av.Packet(sample.data)
        packet.time_base = Fraction(1, _RATES[self.kind])
        packet.pts = int(sample.at_s * _RATES[self.kind])
        return packet


class Viewer:
    """A browser that watches one channel, until it leaves or the channel ends."""

    def __init__(self, channel: Channel, gone: Callable[[], None]) -> None:
        self._channel, self._gone = channel, gone
        # Unless told that there is none, aiortc asks a STUN server on the internet, and waits 5 s.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._tracks: dict[str, _Track] = {}
        #: Once it gathers its addresses it is let: sockets that it opens after its end stay open.
        self._describing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._late: asyncio.TimerHandle | None = None

    async def answer(self, offer: str) -> str:
        """Answer a browser's offer (SDP) with ours; the picture follows.

        Raises
        ------
        NoViewError
            It is not SDP, or wants nothing that can be given.
        """
        peer = self._peer
        for kind in ("video",) if self._channel.mute else ("video", "audio"):
            if re.search(rf"^m={kind} ", offer, re.MULTILINE):
                track = self._tracks[kind] = _Track(kind, self._channel)
                sending = peer.addTransceiver(track, direction="sendonly")
                able = RTCRtpSender.getCapabilities(kind).codecs
                sending.setCodecPreferences([each for each in able if each.mimeType in _MIMES])
                vars(sending.sender)["_send_keyframe"] = self._channel.want_key
        try:
            if "video" not in self._tracks:
                raise ValueError("no video is asked for")
            if "a=fingerprint:" not in offer:
                raise ValueError("nothing to know the browser by")
            self._describing = asyncio.create_task(self._describe(_USELESS.sub("", offer)))
            await asyncio.shield(self._describing)
        except Exception as error:
            await self.close()
            log.info("unreadable offer", why=f"{type(error).__name__}: {error}"[:200])
            why = Message(text="This browser cannot show the picture.")
            raise NoViewError(why, 400) from error
        if self._gone is not _nothing:  # or his view was over before it began
            peer.on("connectionstatechange", self._changed)
            self._late = asyncio.get_running_loop().call_later(COME_S, self._came)
            self._channel.watch(self._take, self._end)
        told = str(peer.localDescription.sdp)
        # aiortc bundles in words what it did not: who has not offered to (RFC 8843) waits in vain.
        return told if "a=group:BUNDLE" in offer else _BUNDLE.sub("", told)

    async def _describe(self, offer: str) -> None:
        await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self._peer.setLocalDescription(await self._peer.createAnswer())

    def _take(self, sample: Sample) -> None:
        kind = "video" if sample.codec in PICTURES else "audio"
        track = self._tracks.get(kind)
        if track is not None and sample.codec in (Codec.H264, Codec.OPUS):
            track.backlog.put(sample)

    def _changed(self) -> None:
        state = self._peer.connectionState
        if state == "connected":
            self._channel.want_key()  # what was sent before it could arrive is lost
        elif state in ("failed", "closed"):
            self._end()

    def _came(self) -> None:
        if self._peer.connectionState != "connected":
            self._end()

    def _end(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self.close())

    async def close(self) -> None:
        """Show nothing more, and leave."""
        self._channel.leave(self._take)
        if self._late is not None:
            self._late.cancel()
        for track in self._tracks.values():
            track.backlog.end()
        gone, self._gone = self._gone, _nothing
        gone()
        if self._describing is not None:
            await asyncio.wait({self._describing})
        await self._peer.close()


def _nothing() -> None: ...
