"""RTSP for a VMS: one stable address an officer, which answers whether he streams or not.

What is sent is the channel's own picture, packed anew and not coded anew; the sound is put into the
words VMSs know. Between activations: a still picture that says so, or a clean refusal.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from time import monotonic
from typing import Any

import structlog

from vms_plugin.live import rtsp_words as words
from vms_plugin.live.rtsp_session import STILL, Options, Session, Switchboard, abort
from vms_plugin.live.sound import SOUNDS

#: A session without a sign of its client for longer is over (RFC 2326: 60 s unless told).
SESSION_S = 60.0
#: To prove the password.
KNOCK_S = 15.0
#: A wrong password costs that much.
WRONG_S = 1.0
#: What the system may hold of a picture for a slow client: less than a second of it.
WAITING = 128 * 1024
HEAD_MOST, BODY_MOST, CONNECTIONS_MOST = 16 * 1024, 64 * 1024, 200

log = structlog.get_logger(__name__)


class RtspServer:
    """Serves on the media loop."""

    def __init__(self, board: Switchboard, options: Options) -> None:
        self.board, self.options = board, options
        self.doorman = words.Doorman(options.username, options.password, monotonic)
        self._servers: list[asyncio.Server] = []
        self._open: dict[asyncio.Task[Any], _Connection] = {}  # oldest first

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open a port, with TLS (RTSPS) or without; answer which."""

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._take(reader, writer, secure=tls is not None)

        server = await asyncio.start_server(take, host, port, ssl=tls, limit=HEAD_MOST)
        self._servers.append(server)
        for each in server.sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WAITING)
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Let everybody go."""
        for server in self._servers:
            server.close()
        for each in self._open.values():
            each.abort()  # a task that is cancelled, asyncio takes for a fault of ours
        if self._open:
            await asyncio.wait(self._open, timeout=2 * WRONG_S)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, secure: bool
    ) -> None:
        task = asyncio.current_task()
        if task is None or not self._has_room():
            writer.close()
            return
        connection = self._open[task] = _Connection(self, reader, writer, secure=secure)
        try:
            await connection.run()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, OSError):
            pass  # it went
        except Exception:
            log.exception("an RTSP connection failed")
        finally:
            self._open.pop(task, None)
            await connection.close()
            writer.close()
            try:
                await asyncio.wait_for(writer.wait_closed(), 1)
            except (ConnectionError, OSError, TimeoutError):
                abort(writer)

    def _has_room(self) -> bool:
        """Whether one more may come; the oldest that has not proven the password makes room."""
        if len(self._open) < CONNECTIONS_MOST:
            return True
        strangers = (task for task, each in self._open.items() if not each.known)
        stranger = next(strangers, None)
        if stranger is not None:
            self._open.pop(stranger).abort()
        return stranger is not None


class _Connection:
    """One client's connection, and the one session it may have."""

    def __init__(
        self, server: RtspServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
        *, secure: bool,
    ) -> None:  # fmt: skip
        self._server, self._reader, self._writer, self._secure = server, reader, writer, secure
        self._peer = str(writer.get_extra_info("peername")[0])
        self._session: Session | None = None
        self.known = False  #: whether it has proven the password

    async def run(self) -> None:
        """Answer requests until it goes, or shows no sign of life."""
        while True:
            patience_s = SESSION_S * 1.2 if self.known else KNOCK_S
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

    def abort(self) -> None:
        """Let it go at once: who reads finds the end."""
        abort(self._writer)

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
                raise words.BadRequestError(head)
        except (ValueError, asyncio.LimitOverrunError) as error:
            bad = error if isinstance(error, words.BadRequestError) else words.BadRequestError(b"")
            self._writer.write(words.write(bad.status, bad.cseq, {"Connection": "close"}))
            raise ConnectionError from None
        await self._reader.readexactly(size)
        return request

    async def _answered(self, request: words.Request) -> bool:
        """Answer a request; False when the connection is over with it."""
        if wanted := request.headers.get("require") or request.headers.get("proxy-require"):
            # What comes is live and goes one way: nobody is to take it for a replay, or speak.
            return self._say(request, 551, {"Unsupported": wanted})
        if request.method != "OPTIONS":
            let_in = self._server.doorman.lets_in(request)
            if not let_in:
                if let_in is False and "authorization" in request.headers:
                    await asyncio.sleep(WRONG_S)
                challenge = self._server.doorman.challenge(stale=let_in is None)
                return self._say(request, 401, {"WWW-Authenticate": challenge})
            self.known = True
        act = {
            "OPTIONS": self._options, "DESCRIBE": self._describe, "SETUP": self._setup,
            "PLAY": self._play, "PAUSE": self._pause, "TEARDOWN": self._teardown,
            "GET_PARAMETER": self._alive, "SET_PARAMETER": self._alive,
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

    async def _alive(self, request: words.Request) -> bool:
        """Answer a sign of life: for a session that is over too, so that its client knows."""
        if "session" in request.headers and self._missing(request):
            return self._say(request, 454)
        return await self._options(request)

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
        headers = {"Content-Type": "application/sdp", "Content-Base": request.base,
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
            self._session = Session(
                board, self._server.options, request.name, self._peer, self._writer
            )
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
        told = session.about(request.base)
        self._say(request, 200, {"Range": "npt=now-", "RTP-Info": told})
        session.play(self._writer.close)
        return True

    async def _pause(self, request: words.Request) -> bool:
        if self._missing(request) or self._session is None:
            return self._say(request, 454)
        await self._session.pause()
        return self._say(request, 200)

    async def _teardown(self, request: words.Request) -> bool:
        if self._missing(request) or self._session is None:
            return self._say(request, 454)
        self._say(request, 200)
        if not self._session.drop(request.track):
            await self.close()
        return True

    def _missing(self, request: words.Request) -> bool:
        """Whether there is no such session, here: a session belongs to its connection."""
        given = request.headers.get("session", "").partition(";")[0]
        return self._session is None or given != self._session.name
