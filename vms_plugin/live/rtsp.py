"""RTSP for a VMS: one stable address an officer, which answers whether he streams or not.

What is sent is the channel's own picture, packed anew and not coded anew; the sound is put into the
words VMSs know. Between activations: a still picture that says so, or a clean refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from secrets import token_hex
from time import monotonic, time
from typing import Any, Protocol

import structlog

from hooks import Codec, Sample
from vms_plugin.live import rtsp_words as words
from vms_plugin.live.channel import Backlog, Channel, Ended
from vms_plugin.live.rtp import Stream, aac_payload, payloads
from vms_plugin.live.sound import SILENCE, SILENCE_S, SOUNDS, Translator

#: A session without a sign of its client for longer is over (RFC 2326: 60 s unless told).
SESSION_S = 60.0
#: To prove the password; and to take what is sent to it.
KNOCK_S, STALLED_S = 15.0, 20.0
#: A wrong password costs that much.
WRONG_S = 1.0
HEAD_MOST, BODY_MOST, CONNECTIONS_MOST = 16 * 1024, 64 * 1024, 200
REPORT_S = 5.0
#: Blocks of silence from one still picture to the next: five pictures a second.
STILL_BLOCKS = 10

#: « Pas d'activation », coded beforehand: tools/still.py.
STILL = files("vms_plugin.live").joinpath("still.h264").read_bytes()

log = structlog.get_logger(__name__)


class Switchboard(Protocol):
    """Who streams now."""

    def find(self, name: str) -> Channel | None:
        """Give the running channel of an officer or a device."""

    def knows(self, name: str) -> bool:
        """Whether that name has an address here, streaming or not."""

    async def changed(self) -> None:
        """Wait until a channel opens or closes."""

    def note(self, name: str, peer: str, what: str) -> None:
        """Have the register say that a picture was given, or no longer is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a site wants it."""

    username: str
    password: str
    sound: str = "pcma"  #: a word of `sound.SOUNDS`, or "none"
    still: bool = True  #: between activations, a still picture; else a refusal


class RtspServer:
    """Serves on the media loop."""

    def __init__(self, board: Switchboard, options: Options) -> None:
        self.board, self.options = board, options
        self.doorman = words.Doorman(options.username, options.password, monotonic)
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[Any]] = set()

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open a port, with TLS (RTSPS) or without; answer which."""

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._take(reader, writer, secure=tls is not None)

        server = await asyncio.start_server(take, host, port, ssl=tls, limit=HEAD_MOST)
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Let everybody go."""
        for server in self._servers:
            server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, secure: bool
    ) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= CONNECTIONS_MOST:
            writer.close()
            return
        self._open.add(task)
        connection = _Connection(self, reader, writer, secure=secure)
        try:
            await connection.run()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, OSError):
            pass  # it went
        except Exception:
            log.exception("an RTSP connection failed")
        finally:
            self._open.discard(task)
            await connection.close()
            writer.close()
            with contextlib.suppress(ConnectionError, OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)


class _Connection:
    """One client's connection, and the one session it may have."""

    def __init__(
        self, server: RtspServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
        *, secure: bool,
    ) -> None:  # fmt: skip
        self._server, self._reader, self._writer, self._secure = server, reader, writer, secure
        self._peer = str(writer.get_extra_info("peername")[0])
        self._session: _Session | None = None
        self._known = False

    async def run(self) -> None:
        """Answer requests until it goes, or shows no sign of life."""
        while True:
            patience_s = SESSION_S * 1.2 if self._known else KNOCK_S
            try:
                async with asyncio.timeout(patience_s):
                    request = await self._request()
            except TimeoutError:
                # By UDP the sign of life may come beside this connection.
                if self._session and monotonic() - self._session.seen_at < SESSION_S:
                    continue
                return
            if request is None:
                continue
            if self._session:
                self._session.seen_at = monotonic()
            if not await self._answered(request):
                return

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(self) -> words.Request | None:
        """Read a request, or what a client sends within the connection (None)."""
        first = await self._reader.readexactly(1)
        if first == b"$":
            head = await self._reader.readexactly(3)
            await self._reader.readexactly(int.from_bytes(head[1:], "big"))
            if self._session:
                self._session.seen_at = monotonic()
            return None
        try:
            head = first + await self._reader.readuntil(b"\r\n\r\n")
            request = words.read(head.lstrip(b"\r\n"))
            size = int(request.headers.get("content-length", "0"))
            if not 0 <= size <= BODY_MOST:
                raise words.BadRequestError("body")
        except (words.BadRequestError, ValueError, asyncio.LimitOverrunError):
            self._writer.write(words.write(400, "0", {"Connection": "close"}))
            raise ConnectionError from None
        await self._reader.readexactly(size)
        return request

    async def _answered(self, request: words.Request) -> bool:
        """Answer a request; False when the connection is over with it."""
        if request.method != "OPTIONS":
            let_in = self._server.doorman.lets_in(request)
            if not let_in:
                if let_in is False and "authorization" in request.headers:
                    await asyncio.sleep(WRONG_S)
                challenge = self._server.doorman.challenge(stale=let_in is None)
                return self._say(request, 401, {"WWW-Authenticate": challenge})
            self._known = True
        act = {
            "OPTIONS": self._options, "DESCRIBE": self._describe, "SETUP": self._setup,
            "PLAY": self._play, "PAUSE": self._pause, "TEARDOWN": self._teardown,
            "GET_PARAMETER": self._options, "SET_PARAMETER": self._options,
        }.get(request.method)  # fmt: skip
        if act is None:
            return self._say(request, 405, {"Allow": ", ".join(words.METHODS)})
        return await act(request)

    def _say(
        self, request: words.Request, status: int, headers: dict[str, str] | None = None,
        body: str = "",
    ) -> bool:  # fmt: skip
        told = dict(headers or {})
        if self._session is not None:
            told.setdefault("Session", f"{self._session.name};timeout={SESSION_S:.0f}")
        self._writer.write(words.write(status, request.headers["cseq"], told, body))
        return True

    # --- what may be asked ---

    async def _options(self, request: words.Request) -> bool:
        return self._say(request, 200, {"Public": ", ".join(words.METHODS)})

    async def _describe(self, request: words.Request) -> bool:
        board, options = self._server.board, self._server.options
        channel = board.find(request.name)
        if channel is None and not board.knows(request.name):
            return self._say(request, 404)
        if channel is None and not options.still:
            return self._say(request, 503, {"Retry-After": "5"})
        here = self._writer.get_extra_info("sockname")[0]
        sets = (channel.sets if channel else b"") or STILL
        body = words.describe(request.name, here, sets, SOUNDS.get(options.sound))
        base = request.url.rstrip("/") + "/"
        headers = {"Content-Type": "application/sdp", "Content-Base": base,
                   "Cache-Control": "no-store"}  # fmt: skip
        return self._say(request, 200, headers, body)

    async def _setup(self, request: words.Request) -> bool:
        board, track = self._server.board, request.track or 0
        if not board.knows(request.name) or track not in self._tracks():
            return self._say(request, 404)
        if self._session is not None and self._session.playing:
            return self._say(request, 455)
        chosen = words.transport(
            request.headers.get("transport", ""), track, secure=self._secure
        )  # fmt: skip
        if chosen is None:
            return self._say(request, 461)
        if self._session is None:
            self._session = _Session(self._server, request.name, self._peer, self._writer)
        if self._session.channel_name != request.name:
            return self._say(request, 459)
        told = await self._session.add(track, chosen)
        return self._say(request, 200, {"Transport": told})

    def _tracks(self) -> tuple[int, ...]:
        return (0, 1) if self._server.options.sound in SOUNDS else (0,)

    async def _play(self, request: words.Request) -> bool:
        session = self._session
        if self._missing(request) or session is None:
            return self._say(request, 454)
        told = session.about(request.url)
        self._say(request, 200, {"Range": "npt=now-", "RTP-Info": told})
        session.play(self._writer.close)
        return True

    async def _pause(self, request: words.Request) -> bool:
        if self._missing(request) or self._session is None:
            return self._say(request, 454)
        await self._session.pause()
        return self._say(request, 200)

    async def _teardown(self, request: words.Request) -> bool:
        if self._missing(request):
            return self._say(request, 454)
        self._say(request, 200)
        await self.close()
        return True

    def _missing(self, request: words.Request) -> bool:
        """Whether there is no such session, here: a session belongs to its connection."""
        given = request.headers.get("session", "").partition(";")[0]
        return self._session is None or given != self._session.name


class _Track:
    """One stream on its way to a client."""

    def __init__(self, stream: Stream, send: Callable[[bytes], None],
                 report: Callable[[bytes], None]) -> None:  # fmt: skip
        self.stream, self.send, self.report = stream, send, report


class _Session:
    """What one client is sent: the tracks it set up, from whatever channel its name has now."""

    def __init__(
        self, server: RtspServer, channel_name: str, peer: str, writer: asyncio.StreamWriter
    ) -> None:
        self.name = token_hex(8)
        self.channel_name = channel_name
        self.seen_at = monotonic()
        self._server, self._peer, self._writer = server, peer, writer
        self._tracks: dict[int, _Track] = {}
        self._ports: list[asyncio.DatagramTransport] = []
        self._playing: asyncio.Task[None] | None = None
        self._sound = SOUNDS.get(server.options.sound)
        self._reported_at = self._latest_s = 0.0

    @property
    def playing(self) -> bool:
        """Whether anything is being sent."""
        return self._playing is not None and not self._playing.done()

    async def add(self, track: int, chosen: words.Transport) -> str:
        """Prepare a track; answer its `Transport` header."""
        if track == 1 and self._sound is not None:
            stream = Stream(self._sound.payload_type, self._sound.rate)
        else:
            stream = Stream(words.VIDEO_TYPE, 90_000)
        named = f'ssrc={stream.source:08X};mode="PLAY"'
        if chosen.udp is None:
            here, there = chosen.interleaved
            self._tracks[track] = _Track(stream, self._within(here), self._within(there))
            return f"RTP/AVP/TCP;unicast;interleaved={here}-{there};{named}"
        local, sends = await self._open_ports(chosen.udp)
        self._tracks[track] = _Track(stream, *sends)
        theirs = f"client_port={chosen.udp[0]}-{chosen.udp[1]}"
        return f"RTP/AVP;unicast;{theirs};server_port={local[0]}-{local[1]};{named}"

    def about(self, url: str) -> str:
        """Write `RTP-Info`: where the numbers begin."""
        base = url.rstrip("/")
        return ",".join(
            f"url={base}/trackID={number};seq={track.stream.number}"
            for number, track in sorted(self._tracks.items())
        )

    def play(self, over: Callable[[], None]) -> None:
        """Send from now on; `over` is called once there is nothing more to send, or no way."""
        if not self.playing:
            self._playing = asyncio.create_task(self._send_all(over))

    async def pause(self) -> None:
        """Send no more for the moment."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
            self._playing = None

    async def close(self) -> None:
        """Say goodbye on each track, and leave."""
        await self.pause()
        for track in self._tracks.values():
            with contextlib.suppress(Exception):
                track.report(track.stream.farewell())
        for port in self._ports:
            port.close()

    # --- ways out ---

    def _within(self, number: int) -> Callable[[bytes], None]:
        def send(packet: bytes) -> None:
            if not self._writer.is_closing():
                head = b"$" + bytes((number,)) + len(packet).to_bytes(2, "big")
                self._writer.write(head + packet)

        return send

    async def _open_ports(
        self, theirs: tuple[int, int]
    ) -> tuple[tuple[int, int], list[Callable[[bytes], None]]]:
        """Open two neighbouring ports, the first even, towards the client's own address."""
        loop = asyncio.get_running_loop()
        here = self._writer.get_extra_info("sockname")[0]
        for _ in range(50):
            first, _ = await loop.create_datagram_endpoint(lambda: _Ear(self), local_addr=(here, 0))
            port = first.get_extra_info("sockname")[1]
            try:
                if port % 2:
                    raise OSError("odd")
                second, _ = await loop.create_datagram_endpoint(
                    lambda: _Ear(self), local_addr=(here, port + 1)
                )
            except OSError:
                first.close()
                continue
            self._ports += [first, second]
            return (port, port + 1), [self._to(first, theirs[0]), self._to(second, theirs[1])]
        raise OSError("no two neighbouring ports are free")

    def _to(self, port: asyncio.DatagramTransport, number: int) -> Callable[[bytes], None]:
        def send(packet: bytes) -> None:
            if not port.is_closing():
                port.sendto(packet, (self._peer, number))

        return send

    # --- sending ---

    async def _send_all(self, over: Callable[[], None]) -> None:
        board = self._server.board
        try:
            while (channel := board.find(self.channel_name)) or self._server.options.still:
                await (self._send_channel(channel) if channel else self._send_still(board))
        except (TimeoutError, OSError):
            log.info("a VMS takes no more", name=self.channel_name, peer=self._peer)
        over()

    async def _send_still(self, board: Switchboard) -> None:
        """Send the still picture and silence until somebody streams.

        Both at a steady rate: a VMS that hears nothing on a track it was promised gives up.
        """
        translator = self._translator()
        changed = asyncio.ensure_future(board.changed())
        start, blocks = self._from_now(), 0
        try:
            while not changed.done():
                at_s = start + blocks * SILENCE_S
                if blocks % STILL_BLOCKS == 0:
                    still = Sample(codec=Codec.H264, data=STILL, at_s=at_s, key=True)
                    await self._send(still, at_s, None)
                silence = Sample(codec=Codec.OPUS, data=SILENCE, at_s=at_s, key=True)
                await self._send(silence, at_s, translator)
                blocks += 1
                await asyncio.wait({changed}, timeout=max(0.0, at_s + SILENCE_S - monotonic()))
        finally:
            changed.cancel()

    def _from_now(self) -> float:
        """Give the moment at which what follows begins: now, and after what was sent before."""
        return max(monotonic(), self._latest_s + 2 * SILENCE_S)

    def _translator(self) -> Translator | None:
        return Translator(self._sound) if self._sound and self._sound.coder else None

    async def _send_channel(self, channel: Channel) -> None:
        board = self._server.board
        backlog = Backlog(channel.want_key)
        translator = self._translator()
        board.note(self.channel_name, self._peer, "opened")
        channel.watch(backlog.put, backlog.end)
        ahead_s: float | None = None  # of our clock over the source's
        try:
            while True:
                sample = await backlog.get()
                if ahead_s is None:
                    ahead_s = self._from_now() - sample.at_s
                await self._send(sample, sample.at_s + ahead_s, translator, ahead_s)
        except Ended:
            pass
        finally:
            channel.leave(backlog.put)
            board.note(self.channel_name, self._peer, "closed")

    async def _send(
        self, sample: Sample, at_s: float, translator: Translator | None, ahead_s: float = 0.0
    ) -> None:
        self._report()
        self._latest_s = max(self._latest_s, at_s)
        picture, sound = self._tracks.get(0), self._tracks.get(1)
        if sample.codec is Codec.H264 and picture:
            for packet in picture.stream.packets(payloads(sample.data), at_s):
                picture.send(packet)
        elif sample.codec is Codec.OPUS and sound and translator:
            for heard_s, block in translator.translate(sample):
                cut = [aac_payload(block) if self._server.options.sound == "aac" else block]
                for packet in sound.stream.packets(cut, heard_s + ahead_s):
                    sound.send(packet)
        elif sample.codec is Codec.OPUS and sound:
            for packet in sound.stream.packets([sample.data], at_s):
                sound.send(packet)
        async with asyncio.timeout(STALLED_S):
            await self._writer.drain()

    def _report(self) -> None:
        now = monotonic()
        if now - self._reported_at >= REPORT_S:
            self._reported_at = now
            for track in self._tracks.values():
                track.report(track.stream.report(now, time()))


class _Ear(asyncio.DatagramProtocol):
    """Hears a client's reports: a sign of life."""

    def __init__(self, session: _Session) -> None:
        self._session = session

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if addr[0] == self._session._peer:
            self._session.seen_at = monotonic()
