"""Receive one peer's picture and sound, coded as they come: it offers, we answer.

aiortc carries the transport; its decoders are left idle, for nothing here looks into the picture.
What it keeps private and we need (the buffer that assembles, the request for a key picture, how
long servers are waited for) is touched in `_Tap` and `_hasten` alone, against the version pinned in
pyproject.toml.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.sdp import candidate_from_sdp

from adapters._shared.assembler import Pictures, Sounds
from adapters._shared.side_by_side import first
from hooks import Codec, Message, Sample, Screen, Unreachable
from hooks.causes import cause

#: Once the offer is here, its first candidate may follow by itself.
CANDIDATE_S = 1.0
#: For a STUN or TURN server to answer; without it, the addresses of this host are told alone.
GATHER_S = 1
#: What is taken of each kind, whatever else is offered: it is passed on as it comes.
TAKEN = {"video": ("h264", "rtx"), "audio": ("opus",)}

_SECTION = re.compile(r"^(?=m=)", re.MULTILINE)
_H264 = re.compile(r"^a=rtpmap:(\d+) H264/90000[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_FORMAT = re.compile(r"^a=fmtp:(\d+) (.*?)(\r?)$", re.MULTILINE)
_BUNDLE = re.compile(r"^a=group:BUNDLE.*\r?\n", re.MULTILINE)
#: Names that only their own network resolves, and the word that no more candidates come: the
#: first would be waited for, after the second aiortc gives up at once.
_USELESS = re.compile(
    r"^a=(?:candidate:(?:\S+ ){4}\S+\.local .*|end-of-candidates[ \t]*)\r?\n", re.MULTILINE
)
#: The one way of packing H.264 that aiortc knows.
_PACKED = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a picture is waited for."""

    first_s: float = 8.0  #: the first one, from the beginning
    silent_s: float = 1.0  #: then: without any for that long, it is said
    given_up_s: float = 10.0  #: and the connection is made anew


@dataclass(slots=True)
class _Tap:
    """What flows out of a receiver, before anything decodes it."""

    receiver: RTCRtpReceiver
    into: Pictures | Sounds
    source: int | None = None

    def __post_init__(self) -> None:
        # The receiver hands every packet, in whatever order, retransmissions unwrapped.
        vars(self.receiver)["_RTCRtpReceiver__jitter_buffer"] = self

    def add(self, packet: Any) -> tuple[bool, None]:
        """Answer as aiortc's jitter buffer does: whether to send PLI; never a frame to decode."""
        self.source = packet.ssrc
        return self.into.add(packet), None

    async def ask_key(self) -> None:
        if self.source is not None:
            await self.receiver._send_rtcp_pli(self.source)


class Incoming:
    """What one camera sends: a peer for each of its offers, and the watch over what arrives.

    Parameters
    ----------
    host
        The name to put in an error.
    screen
        Who is given the pictures.
    sound
        Whether sound is wanted. If not, none is taken even when it is offered (CSI R253-1).
    """

    def __init__(
        self, host: str, screen: Screen, *, sound: bool, patience: Patience | None = None
    ) -> None:
        self._host, self._screen, self._sound = host, screen, sound
        self._patience = patience or Patience()
        self._peer: RTCPeerConnection | None = None
        #: Once it gathers its addresses it is let: sockets that it opens after its end stay open.
        self._gathering: asyncio.Task[None] | None = None
        self._wanted: list[RTCRtpTransceiver] = []
        self._offered = ""
        self._formats: dict[str, str] = {}
        self._taps: list[_Tap] = []
        self._candidate = asyncio.Event()
        self._failed = asyncio.Event()
        self._since = monotonic()
        self._shown_at: float | None = None

    # --- signalling: the words are the maker's, this is what they say ---

    async def offered(self, sdp: str, servers: Iterable[Mapping[str, Any]] = ()) -> None:
        """Take an offer; one that came before is over.

        Raises
        ------
        Unreachable
            It cannot be read.
        """
        await self.close()
        ice = [RTCIceServer(**server) for server in servers]
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=ice))
        self._candidate.clear()
        peer.on("connectionstatechange", lambda: self._state_changed(peer))
        peer.on("track", self._tapped)
        self._offered = sdp
        plain, self._formats = _plain(sdp)
        try:
            self._choose(peer, plain)
            await peer.setRemoteDescription(RTCSessionDescription(plain, "offer"))
        except Exception as error:
            raise self._illegible(error) from error
        if "a=candidate:" in plain:
            self._candidate.set()

    def _illegible(self, error: Exception) -> Unreachable:
        return Unreachable(
            "{host} offers a session that cannot be read: {cause}",
            host=self._host, cause=cause(error),
        )  # fmt: skip

    def _choose(self, peer: RTCPeerConnection, sdp: str) -> None:
        """Take the first picture in H.264 and the first sound in Opus; the others are left."""
        free = {"video", "audio"} if self._sound else {"video"}
        for section in _SECTION.split(sdp)[1:]:
            kind = section[2:].partition(" ")[0]
            if kind not in TAKEN:
                continue
            fits = re.search(rf"^a=rtpmap:\d+ {TAKEN[kind][0]}/", section, re.I | re.M)
            if not fits or kind not in free:
                peer.addTransceiver(kind, direction="inactive")
                continue
            free.remove(kind)
            taken = peer.addTransceiver(kind, direction="recvonly")
            able = RTCRtpReceiver.getCapabilities(kind)
            taken.setCodecPreferences(
                [each for each in able.codecs if each.name.lower() in TAKEN[kind]] if able else []
            )
            self._wanted.append(taken)

    async def answer(self) -> str:
        """Give the answer (SDP), our candidates in it; once there is one of theirs to try.

        Raises
        ------
        Unreachable
            There is no offer, or one that nothing answers.
        """
        peer = self._peer
        if peer is None:
            raise Unreachable("{host} has offered nothing", host=self._host)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._candidate.wait(), CANDIDATE_S)
        _hasten(peer)
        try:
            answer = await peer.createAnswer()
            self._gathering = asyncio.ensure_future(peer.setLocalDescription(answer))
            await asyncio.shield(self._gathering)
        except Exception as error:
            raise self._illegible(error) from error
        told = _FORMAT.sub(self._as_offered, str(peer.localDescription.sdp))
        # aiortc bundles in words what it did not: who has not offered to (RFC 8843) waits in vain.
        return told if "a=group:BUNDLE" in self._offered else _BUNDLE.sub("", told)

    def _as_offered(self, line: re.Match[str]) -> str:
        return f"a=fmtp:{line[1]} {self._formats.get(line[1]) or line[2]}{line[3]}"

    async def candidate(self, text: str, line: int) -> None:
        """Take a candidate of theirs ("" is the last); what cannot be read leaves the others."""
        if self._peer is None:
            return
        text = text.removeprefix("a=").removeprefix("candidate:")
        if text:
            try:
                candidate = candidate_from_sdp(text)
                candidate.sdpMLineIndex = line
                await self._peer.addIceCandidate(candidate)
            except (ValueError, AssertionError, IndexError, TypeError):
                return
        self._candidate.set()

    @property
    def connected(self) -> bool:
        """Whether the two have found one another."""
        return self._peer is not None and self._peer.connectionState == "connected"

    async def close(self) -> None:
        """Leave the camera alone."""
        peer, self._peer = self._peer, None  # its end is ours, and breaks nothing
        self._wanted.clear()
        self._taps.clear()
        if peer is not None:
            if self._gathering is not None:
                await asyncio.wait({self._gathering})
            await peer.close()

    def _tapped(self, track: Any) -> None:
        for transceiver in self._wanted:
            if transceiver.receiver.track is not track:
                continue
            if track.kind == "video":
                pictures = Pictures(self._show, monotonic)
                self._taps.append(_Tap(transceiver.receiver, pictures))
            else:
                sounds = Sounds(Codec.OPUS, 48_000, self._screen.show, monotonic)
                self._taps.append(_Tap(transceiver.receiver, sounds))

    # --- living ---

    async def live(self) -> None:
        """Watch over what arrives, and lead wishes for a key picture there, until it breaks.

        Raises
        ------
        Unreachable
            The connection is broken, or no picture came for long.
        """
        await first(self._watch(), self._keys(), self._broken())

    def _show(self, sample: Sample) -> None:
        self._shown_at = monotonic()
        self._screen.show(sample)

    def _state_changed(self, peer: RTCPeerConnection) -> None:
        if peer is self._peer and peer.connectionState in ("failed", "closed"):
            self._failed.set()

    async def _broken(self) -> None:
        await self._failed.wait()
        raise Unreachable("the connection to the camera is broken")

    async def _watch(self) -> None:
        """Say that the picture stands still, then give the connection up."""
        patience, said = self._patience, False
        while True:
            await asyncio.sleep(patience.silent_s / 4)
            longest_s = patience.first_s if self._shown_at is None else patience.given_up_s
            silent_s = monotonic() - (self._shown_at or self._since)
            if silent_s > longest_s:
                raise Unreachable("no picture from the camera for {s:.0f} s", s=silent_s)
            if self._shown_at and silent_s > patience.silent_s and not said:
                self._screen.lost(Message(text="no picture comes from the camera"))
            said = silent_s > patience.silent_s

    async def _keys(self) -> None:
        while True:
            await self._screen.key_wanted()
            for tap in self._taps:
                if isinstance(tap.into, Pictures):
                    await tap.ask_key()


def _hasten(peer: RTCPeerConnection) -> None:
    """Wait for STUN and TURN servers `GATHER_S` at most: aioice would wait 5 s for each answer."""
    for transceiver in peer.getTransceivers():
        connection = transceiver.receiver.transport.transport.iceGatherer._connection
        gather = type(connection).get_component_candidates
        vars(connection)["get_component_candidates"] = partial(gather, connection, timeout=GATHER_S)


def _plain(offer: str) -> tuple[str, dict[str, str]]:
    """Write an offer so that aiortc takes H.264 of any profile: nothing here decodes it.

    Returns it with what was said of each H.264 format, which the answer says again.
    """
    said = {kind: words for kind, words, _ in _FORMAT.findall(offer)}
    formats = {}
    for kind in _H264.findall(offer):
        given = [each.strip() for each in said.get(kind, "").split(";")]
        if "packetization-mode=2" in given:
            continue  # interleaved: put together otherwise
        formats[kind] = ";".join(each for each in given if not each.startswith("sprop"))
        if kind in said:
            offer = re.sub(rf"(?m)^(a=fmtp:{kind} ).*?(\r?)$", rf"\g<1>{_PACKED}\g<2>", offer)
        else:
            offer = re.sub(
                rf"(?im)^(a=rtpmap:{kind} H264/90000[ \t]*)(\r?)$",
                rf"\g<1>\g<2>\na=fmtp:{kind} {_PACKED}\g<2>",
                offer,
            )
    return _USELESS.sub("", offer), formats
