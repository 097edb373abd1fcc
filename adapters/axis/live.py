"""Fetch one camera's picture and sound from an AXIS Body Worn Live server: it offers, we answer.

The camera itself is the peer: one session a camera, whatever the number of viewers. aiortc carries
the transport; its decoders are left idle, for nothing here looks into the picture. What it keeps
private and we need (the buffer that assembles, the request for a key picture) is touched in
`_Tap` alone, against the version pinned in pyproject.toml.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.sdp import candidate_from_sdp
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from adapters.axis.assembler import Pictures, Sounds
from adapters.axis.signaling import Heard, Talk, hear
from adapters.axis.sockets import LARGEST_FRAME, Straight, first, in_time
from adapters.axis.vapix import Asker, Server, cause, late
from hooks import Codec, Message, Refused, Sample, Screen, Unreachable

#: A token lives 300 s (decoded from recordings); a new one is asked for before that.
TOKEN_S = 240.0
#: To open the socket, and from the answer to the first picture.
OPEN_S, FIRST_S = 5.0, 8.0
#: Without a picture for that long the link is said to be lost, then given up and made anew.
SILENT_S, GIVEN_UP_S = 1.0, 10.0
#: Once the offer is here, its first candidate may follow in a frame of its own.
CANDIDATE_S = 1.0


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


class LiveSource:
    """The picture of one camera in one session."""

    def __init__(self, server: Server, serial: str, session: str) -> None:
        self._server = server
        self._ask = Asker(server)
        self._talk = Talk(serial, session)
        self._token, self._token_at = "", -TOKEN_S

    async def run(self, screen: Screen) -> None:
        """Show the camera's picture until the connection is lost.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        async with await self._connected() as socket:
            session = _Session(self, socket, screen)
            try:
                await session.run()
            except ConnectionClosed as error:
                raise late(self._server, error) from error
            finally:
                await session.close()

    async def token(self) -> str:
        """Give a token that is still good for a while."""
        if monotonic() - self._token_at >= TOKEN_S:
            self._token = await in_time(self._ask.signaling_token, self._server)
            self._token_at = monotonic()
        return self._token

    @property
    def talk(self) -> Talk:
        """How this session's frames are written."""
        return self._talk

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return self._server.host

    async def _connected(self) -> ClientConnection:
        server = self._server
        url = f"{server.signaling_url}?authorization={await self.token()}"
        try:
            return await Straight(
                url,
                ssl=server.tls if server.secure else None,
                max_size=LARGEST_FRAME,
                open_timeout=OPEN_S,
                close_timeout=1.0,
                ping_interval=10,
                ping_timeout=10,
                proxy=None,
            )
        except InvalidStatus as error:
            self._token_at = -TOKEN_S  # perhaps it was the token: the next attempt has a new one
            status, path = error.response.status_code, server.signaling_path
            if status in (401, 403, 404):
                raise Refused(
                    "{host} refuses {path} ({status}): check signaling_path, signaling_port, and "
                    "the rights of the account",
                    host=server.host, path=path, status=status,
                ) from error  # fmt: skip
            raise Unreachable(
                "{host} answers {status} to {path}", host=server.host, status=status, path=path
            ) from error
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise late(server, error) from error


class _Session:
    """One connection: the socket, the peer, and what keeps watch over both."""

    def __init__(self, source: LiveSource, socket: ClientConnection, screen: Screen) -> None:
        self._source, self._socket, self._screen = source, socket, screen
        self._peer: RTCPeerConnection | None = None
        self._taps: list[_Tap] = []
        self._servers: tuple[Any, ...] = ()
        self._candidate = asyncio.Event()
        self._failed = asyncio.Event()
        self._since = monotonic()
        self._shown_at: float | None = None
        self._answering: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Introduce ourselves, ask, and live until something breaks."""
        source = self._source
        await self._socket.send(source.talk.hello(await source.token()))
        await self._socket.send(source.talk.init(await source.token()))
        await first(self._follow(), self._watch(), self._keys(), self._broken())

    async def close(self) -> None:
        """Leave the camera alone."""
        if self._answering is not None:
            self._answering.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._answering
        if self._peer is not None:
            await self._peer.close()

    # --- signalling ---

    async def _follow(self) -> None:
        while True:
            heard = hear(await self._socket.recv())
            if heard.fault:
                raise Refused(
                    "{host} refuses the picture: {cause}",
                    host=self._source.host, cause=heard.fault,
                )  # fmt: skip
            self._servers += heard.servers
            if heard.data.get("type") == "request" and heard.kind != "initSession":
                await self._socket.send(self._source.talk.answer(heard.data, await self._token()))
            if heard.kind == "setSdpOffer":
                await self._offered(heard)
            elif heard.kind == "addIceCandidate":
                await self._candidate_of(heard)

    async def _offered(self, heard: Heard) -> None:
        """Take the offer; the answer follows once there is a candidate to try."""
        if self._peer is not None:
            await self._peer.close()
        servers = [RTCIceServer(**server) for server in self._servers]
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        peer.on("connectionstatechange", self._state_changed)
        peer.on("track", self._tapped)
        try:
            offer = RTCSessionDescription(str(heard.params.get("sdp")), "offer")
            await peer.setRemoteDescription(offer)
        except Exception as error:
            raise Unreachable(
                "{host} offers a session that cannot be read: {cause}",
                host=self._source.host, cause=cause(error),
            ) from error  # fmt: skip
        if "a=candidate:" in offer.sdp:
            self._candidate.set()
        self._answering = asyncio.create_task(self._answer(peer))

    def _tapped(self, track: Any) -> None:
        transceivers = self._peer.getTransceivers() if self._peer else ()
        for transceiver in transceivers:
            if transceiver.receiver.track is track:
                sink: Pictures | Sounds
                if track.kind == "video":
                    sink = Pictures(self._show, monotonic)
                else:
                    sink = Sounds(Codec.OPUS, 48_000, self._screen.show, monotonic)
                self._taps.append(_Tap(transceiver.receiver, sink))

    async def _answer(self, peer: RTCPeerConnection) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._candidate.wait(), CANDIDATE_S)
        await peer.setLocalDescription(await peer.createAnswer())
        params = {"type": "answer", "sdp": peer.localDescription.sdp}
        await self._ask_camera("setSdpAnswer", params)
        await self._ask_camera("addIceCandidate", {"candidate": "", "sdpMLineIndex": 0})

    async def _candidate_of(self, heard: Heard) -> None:
        text = str(heard.params.get("candidate") or "").removeprefix("candidate:")
        if self._peer is None:
            return
        if text:
            try:
                candidate = candidate_from_sdp(text)
                candidate.sdpMLineIndex = int(heard.params.get("sdpMLineIndex") or 0)
                await self._peer.addIceCandidate(candidate)
            except (ValueError, AssertionError, IndexError, TypeError):
                return  # one that cannot be read leaves the others
        self._candidate.set()

    async def _ask_camera(self, method: str, params: dict[str, Any]) -> None:
        await self._socket.send(self._source.talk.ask(method, params, await self._token()))

    async def _token(self) -> str:
        return await self._source.token()

    # --- living ---

    def _show(self, sample: Sample) -> None:
        self._shown_at = monotonic()
        self._screen.show(sample)

    def _state_changed(self) -> None:
        if self._peer is not None and self._peer.connectionState in ("failed", "closed"):
            self._failed.set()

    async def _broken(self) -> None:
        await self._failed.wait()
        raise Unreachable("the connection to the camera is broken")

    async def _watch(self) -> None:
        """Say that the picture stands still, then give the connection up."""
        said = False
        while True:
            await asyncio.sleep(SILENT_S / 4)
            patience_s = FIRST_S if self._shown_at is None else GIVEN_UP_S
            silent_s = monotonic() - (self._shown_at or self._since)
            if silent_s > patience_s:
                raise Unreachable("no picture from the camera for {s:.0f} s", s=silent_s)
            if self._shown_at and silent_s > SILENT_S and not said:
                self._screen.lost(Message(text="no picture comes from the camera"))
            said = silent_s > SILENT_S

    async def _keys(self) -> None:
        while True:
            await self._screen.key_wanted()
            for tap in self._taps:
                if isinstance(tap.into, Pictures):
                    await tap.ask_key()
