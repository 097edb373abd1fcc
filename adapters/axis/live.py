"""Fetch one camera's picture and sound from an AXIS Body Worn Live server: it offers, we answer.

The camera itself is the peer: one session a camera, whatever the number of viewers.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from time import monotonic
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from adapters._shared.side_by_side import first
from adapters._shared.webrtc import Incoming
from adapters.axis.signaling import Heard, Talk, hear, life_of
from adapters.axis.sockets import LARGEST_FRAME, Straight, in_time
from adapters.axis.vapix import Asker, Server, late
from hooks import Refused, Screen, Unreachable

#: A token lives 300 s (decoded from recordings), or as its own claims say; a new one is asked for
#: when so much of that, or of what it says, is over.
TOKEN_S, TOKEN_SHARE = 240.0, 0.8
#: To open the socket.
OPEN_S = 5.0


class LiveSource:
    """The picture of one camera in one session."""

    def __init__(self, server: Server, serial: str, session: str) -> None:
        self._server = server
        self._ask = Asker(server)
        self._talk = Talk(serial, session)
        self._token, self._token_until = "", -math.inf

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
        if monotonic() >= self._token_until:
            self._token = await in_time(self._ask.signaling_token, self._server)
            life_s = min(TOKEN_S, TOKEN_SHARE * life_of(self._token))
            self._token_until = monotonic() + life_s
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
        url = f"{server.signaling_url}?authorization={quote(await self.token(), safe='')}"
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
            self._token_until = (
                -math.inf
            )  # perhaps it was the token: the next attempt has a new one
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
    """One connection: the socket, and what its words say to the peer."""

    def __init__(self, source: LiveSource, socket: ClientConnection, screen: Screen) -> None:
        self._source, self._socket = source, socket
        self._incoming = Incoming(source.host, screen, sound=True)
        self._servers: tuple[Any, ...] = ()
        self._offer = ""
        self._answering: asyncio.Task[None] | None = None
        self._unanswered = asyncio.Event()

    async def run(self) -> None:
        """Introduce ourselves, ask, and live until something breaks."""
        source = self._source
        await self._socket.send(source.talk.hello(await source.token()))
        await self._socket.send(source.talk.init(await source.token()))
        await first(self._follow(), self._incoming.live(), self._no_answer())

    async def close(self) -> None:
        """Leave the camera alone."""
        await self._answer_no_more()
        await self._incoming.close()

    async def _answer_no_more(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._answering

    async def _no_answer(self) -> None:
        await self._unanswered.wait()
        if self._answering is not None:
            await self._answering  # raises what it failed by

    async def _follow(self) -> None:
        while True:
            heard = hear(await self._socket.recv())
            if heard.fault and heard.data.get("method") != "addIceCandidate":  # others may do
                raise Refused(
                    "{host} refuses the picture: {cause}",
                    host=self._source.host, cause=heard.fault,
                )  # fmt: skip
            self._servers += heard.servers
            if heard.data.get("type") == "request" and heard.kind != "initSession":
                await self._socket.send(self._source.talk.answer(heard.data, await self._token()))
            offer = heard.params.get("sdp") if heard.kind == "setSdpOffer" else None
            if isinstance(offer, str) and offer != self._offer:  # the same again is answered
                self._offer = offer
                await self._answer_no_more()
                await self._incoming.offered(offer, self._servers)
                self._answering = asyncio.create_task(self._answer())
            elif heard.kind == "addIceCandidate":
                await self._candidate(heard)

    async def _answer(self) -> None:
        try:
            params = {"type": "answer", "sdp": await self._incoming.answer()}
            await self._ask_camera("setSdpAnswer", params)
            await self._ask_camera("addIceCandidate", {"candidate": "", "sdpMLineIndex": 0})
        except Exception:
            self._unanswered.set()
            raise

    async def _candidate(self, heard: Heard) -> None:
        try:
            line = int(heard.params.get("sdpMLineIndex") or 0)
        except (ValueError, TypeError):
            return  # one that cannot be read leaves the others
        await self._incoming.candidate(str(heard.params.get("candidate") or ""), line)

    async def _ask_camera(self, method: str, params: dict[str, Any]) -> None:
        await self._socket.send(self._source.talk.ask(method, params, await self._token()))

    async def _token(self) -> str:
        return await self._source.token()
