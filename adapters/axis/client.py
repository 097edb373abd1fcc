"""Listen to an AXIS Body Worn Live server: the event feed. With vapix.py, all that waits."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from adapters._shared.side_by_side import first
from adapters.axis import auth
from adapters.axis.decode import session_of
from adapters.axis.sockets import LARGEST_FRAME, Straight, in_time
from adapters.axis.status import running
from adapters.axis.vapix import (
    Asker,
    Server,
    late,
    refused,
    untrusted,
)
from adapters.axis.watch import Watch
from hooks import AdapterError, Envelope, Health, Listener, Malformed, Message, Refused, Unreachable
from hooks.causes import cause

#: Events that are written at the same time: a burst of presses.
AT_ONCE = 16
#: For the upgrade, and for the answer to the subscription.
ANSWER_S = 10.0
#: The server's signalling tokens are valid from 5 s before they are made (decoded from recordings).
MOST_SKEW_S = 5.0
#: VAPIX: "internal error"; the other codes say that the request itself is wrong.
INTERNAL_ERROR = 1100


class Client:
    """One server, asked from one event loop; blocking requests go to its threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ask = Asker(server)

    def probe(self) -> Health:
        """Ask whether it answers, and what time it has; blocks.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        skew_s = self._ask.targets().skew_s
        if skew_s is None or abs(skew_s) <= MOST_SKEW_S:
            return Health(alive=True, clock_skew_s=skew_s)
        detail = Message(
            text="its clock is {skew_s:.0f} s off ours: the picture will fail; set both by NTP",
            params={"skew_s": skew_s},
        )
        return Health(alive=True, clock_skew_s=skew_s, detail=detail)

    async def listen(self, listener: Listener) -> None:
        """Follow the events until the connection is lost.

        The state is read once subscribed, so that nothing falls between, and again at each
        interval: it finds what the events did not tell, and proves that they tell.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        async with await self._connected() as socket:
            await self._subscribe(socket, listener)
            watch = Watch()
            await first(
                self._follow(socket, listener, watch),
                self._resync(listener, watch),
                self._ping(socket, listener),
            )

    # --- connecting ---

    async def _connected(self) -> ClientConnection:
        """Open the event socket: by a session token, else by answering the upgrade's challenge."""
        server = self._server
        # VAPIX: the token is valid 15 s, enough for one upgrade.
        token = await in_time(self._ask.session_token, server)
        separator = "&" if "?" in server.events_path else "?"
        path = server.events_path + (f"{separator}wssession={token}" if token else "")
        try:
            return await self._upgrade(path, None)
        except InvalidStatus as error:
            if error.response.status_code != 401:
                raise self._unexpected(error) from error
            challenges = error.response.headers.get_all("WWW-Authenticate")
        header = auth.answer(
            challenges, server.account, "GET", server.events_path, secure=server.secure
        )
        if header is None:
            raise refused(server)
        try:
            return await self._upgrade(server.events_path, header)
        except InvalidStatus as error:
            raise self._unexpected(error) from error

    async def _upgrade(self, path: str, authorization: str | None) -> ClientConnection:
        server = self._server
        try:
            return await Straight(
                "ws" + server.url.removeprefix("http") + path,
                additional_headers={"Authorization": authorization} if authorization else None,
                ssl=server.tls if server.secure else None,
                max_size=LARGEST_FRAME,
                open_timeout=ANSWER_S,
                close_timeout=1.0,
                ping_interval=None,  # ours, in _ping: an answered one is a sign of life
                proxy=None,
            )
        except ssl.SSLCertVerificationError as error:
            raise untrusted(server, error) from error
        except InvalidStatus:
            raise
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise late(server, error) from error

    def _unexpected(self, error: InvalidStatus) -> AdapterError:
        status, path = error.response.status_code, self._server.events_path
        if status in (401, 403):
            return refused(self._server)
        if status == 404:
            return Refused(
                "{host} has no {path}: it serves no events, or events_path is wrong",
                host=self._server.host,
                path=path,
            )
        return Unreachable(
            "{host} answers {status} to {path}", host=self._server.host, status=status, path=path
        )

    async def _subscribe(self, socket: ClientConnection, listener: Listener) -> None:
        """Ask for the topics, and wait until they are granted: only then is nothing missed."""
        filters = [{"topicFilter": topic} for topic in self._server.topics]
        question = {
            "apiVersion": "1.0",
            "context": "renfort",
            "method": "events:configure",
            "params": {"eventFilterList": filters},
        }
        await self._guarded(socket.send(json.dumps(question)))
        try:
            async with asyncio.timeout(ANSWER_S):
                while not self._granted(frame := await self._receive(socket)):
                    await self._tell(listener, frame, "events", datetime.now(UTC))
        except TimeoutError as error:
            raise Unreachable(
                "{host} does not answer the subscription within {s:g} s",
                host=self._server.host,
                s=ANSWER_S,
            ) from error
        listener.up()

    def _granted(self, frame: bytes) -> bool:
        try:
            answer = json.loads(frame)
        except (ValueError, RecursionError):
            return False
        if not isinstance(answer, dict):
            return False
        fault = answer.get("error")
        if fault is None:
            return answer.get("method") == "events:configure"
        said = repr(fault)[:200]
        if isinstance(fault, dict) and fault.get("code") == INTERNAL_ERROR:
            raise Unreachable(
                "{host} cannot subscribe us now: {cause}", host=self._server.host, cause=said
            )
        raise Refused(
            "{host} refuses the subscription ({cause}): check topics",
            host=self._server.host,
            cause=said,
        )

    # --- living ---

    async def _follow(self, socket: ClientConnection, listener: Listener, watch: Watch) -> None:
        """Tell each event as it comes; the second of a burst does not wait for the first's disk.

        Each is told in turn and several are being written at once, for one commit: ten presses in
        one second would else take ten commits, one after the other.
        """
        frames: asyncio.Queue[tuple[bytes, datetime]] = asyncio.Queue(AT_ONCE)

        async def read() -> None:
            try:
                while True:
                    frame = await self._receive(socket)
                    await frames.put((frame, datetime.now(UTC)))
                    watch.hear(session_of(frame))
            except Unreachable:
                await frames.join()  # what came before the line was cut is told all the same
                raise

        async def tell() -> None:
            while True:
                frame, heard_at = await frames.get()
                await self._tell(listener, frame, "events", heard_at)
                frames.task_done()

        await first(read(), *(tell() for _ in range(AT_ONCE)))

    async def _resync(self, listener: Listener, watch: Watch) -> None:
        lost: frozenset[str] | None = None
        while True:
            asked_at = datetime.now(UTC)
            body = (await in_time(self._ask.targets, self._server)).body
            listener.up()
            try:
                live, now_lost = running(body, asked_at)
            except Malformed:
                # Not understood: the listener keeps it, and says so.
                await self._tell(listener, body, "status", asked_at)
            else:
                # At first, and when a link went or came, the links are told as they stand.
                await self._tell(listener, body, _STATUS[now_lost != lost], asked_at)
                lost = now_lost
                self._expect_events(watch.unheard(live))
            await asyncio.sleep(self._server.status_every_s)

    def _expect_events(self, unheard: AbstractSet[str]) -> None:
        if unheard:
            raise Unreachable(
                "{host} lists a stream whose start its events never told ({session}): "
                "subscribing again",
                host=self._server.host, session=min(unheard),
            )  # fmt: skip

    async def _ping(self, socket: ClientConnection, listener: Listener) -> None:
        every_s = self._server.ping_every_s
        while True:
            pong = await self._guarded(socket.ping())
            try:
                async with asyncio.timeout(every_s):
                    await self._guarded(pong)
            except TimeoutError as error:
                raise Unreachable(
                    "{host} does not answer a ping within {s:g} s",
                    host=self._server.host,
                    s=every_s,
                ) from error
            listener.up()
            await asyncio.sleep(every_s)

    # --- frames ---

    async def _receive(self, socket: ClientConnection) -> bytes:
        frame = await self._guarded(socket.recv())
        return frame.encode() if isinstance(frame, str) else frame

    async def _guarded(self, doing: Any) -> Any:
        """Await something of the socket; its end is ours."""
        try:
            return await doing
        except ConnectionClosed as error:
            raise Unreachable(
                "{host} closed the event connection: {cause}",
                host=self._server.host,
                cause=cause(error),
            ) from error

    async def _tell(self, listener: Listener, body: bytes, channel: str, at: datetime) -> None:
        sender = self._server.host
        await listener(
            Envelope(adapter="axis", body=body, received_at=at, channel=channel, sender=sender)
        )


_STATUS = {False: "status", True: "links"}
