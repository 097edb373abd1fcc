"""Which cameras answer: a conversation on the Events and State WebSocket, kept for ever.

One session, one subscription, the state read once; then what changes. A connection that breaks is
taken up again within thirty seconds as if nothing had happened; later the maker gives a new session
without a word (201 instead of 200), and everything is asked anew.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from time import monotonic
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from adapters.milestone import tls
from adapters.milestone.frames import (
    CHANNEL,
    FILTERS,
    Frame,
    last_event,
    read_event,
    read_frame,
)
from adapters.milestone.gateway import Gateway
from hooks import Envelope, Listener, Malformed, Message, Refused, Unreachable
from hooks.causes import cause

log = logging.getLogger(__name__)

#: "at ~2 560 cameras getState needs 1-2 min and ~128 MB max frame, default 20 s ping kills it".
LARGEST_FRAME = 128 << 20
STATE_S = 300.0
#: For the upgrade, and for the answer to any other command.
ANSWER_S = 10.0
#: A socket may be dead without a word; an answered ping proves that it is not.
PING_S = 20.0
#: A connection that ends sooner is no recycling of the gateway (every 27 hours): say it, back off.
SHORTEST_S = 5.0
#: How long a release without this interface is left alone before it is asked again.
ABSENT_S, SIGN_S = 3600.0, 30.0


class StateFeed:
    """The conversation; `run` is a feed's. Remembers its session from one run to the next."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        ping_s: float = PING_S,
        state_s: float = STATE_S,
        shortest_s: float = SHORTEST_S,
    ) -> None:
        self._gateway = gateway
        self._ping_s, self._state_s, self._shortest_s = ping_s, state_s, shortest_s
        self._session = ""
        self._heard = ""  #: the last event whose facts are durable
        self._whole = False  #: the state was read in this session
        #: Whether the site offers this at all; None: not known yet.
        self.offered: bool | None = None

    async def run(self, listener: Listener) -> None:
        """Follow the state until the connection is lost for good.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        while True:
            socket = await self._connected()
            if socket is None:
                await self._wait(listener)
                continue
            began = monotonic()
            async with socket:
                await self._follow(socket, listener)
            if monotonic() - began < self._shortest_s:
                raise Unreachable("{host} closes the connection", host=self._gateway.site.host)
            log.info("the gateway closed the event connection; it is taken up again")

    def offered_now(self) -> bool:
        """Try whether the site offers this; blocks, for `doctor`.

        Raises
        ------
        Unreachable, Refused
            It cannot be said.
        """

        async def attempt() -> bool:
            socket = await self._connected()
            if socket is None:
                return False
            await socket.close()
            return True

        return asyncio.run(attempt())

    async def _wait(self, listener: Listener) -> None:
        """Leave a release alone that does not offer this: no fault of anybody's."""
        until = monotonic() + ABSENT_S
        while monotonic() < until:
            listener.up()
            await asyncio.sleep(SIGN_S)

    # --- connecting ---

    async def _connected(self) -> ClientConnection | None:
        """Connect, with a fresh token if need be; None where there is no such interface."""
        token = await asyncio.to_thread(self._gateway.token)
        try:
            return await self._upgrade(token)
        except InvalidStatus as error:
            if error.response.status_code != 401:
                self._refused(error)
                return None
        token = await asyncio.to_thread(self._gateway.token, token)
        try:
            return await self._upgrade(token)
        except InvalidStatus as error:
            self._refused(error)
            return None

    async def _upgrade(self, token: str) -> ClientConnection:
        site = self._gateway.site
        try:
            socket = await open_socket(self._gateway, token)
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                "{host} is not trusted: {cause}",
                host=site.host, cause=cause(error),
            ) from error  # fmt: skip
        except InvalidStatus:
            raise
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=site.host, cause=cause(error)
            ) from error
        self.offered = True
        return socket

    def _refused(self, error: InvalidStatus) -> None:
        """Tell a release without this interface (404) from a fault."""
        site, status = self._gateway.site, error.response.status_code
        if status == 404:
            if self.offered is not False:
                log.warning("this release of XProtect does not tell which cameras answer")
            self.offered = False
            return
        if status in (401, 403):
            raise Refused(
                "{host} does not let {username} hear events ({status}): give its role the rights",
                host=site.host, username=site.username, status=status,
            ) from error  # fmt: skip
        raise Unreachable(
            "{host} answers {status} to {path}", host=site.host, status=status,
            path="/ws/events/v1",
        ) from error  # fmt: skip

    # --- talking ---

    async def _follow(self, socket: ClientConnection, listener: Listener) -> None:
        """Talk until the other side leaves; raise when it is silent or not understood."""
        talk = _Talk(socket, self._gateway.site.host, lambda text: self._tell(text, listener))
        reading = asyncio.ensure_future(talk.read())
        speaking = asyncio.ensure_future(self._speak(talk, listener))
        try:
            await asyncio.wait({reading, speaking}, return_when=asyncio.FIRST_COMPLETED)
            for task in (reading, speaking):
                if task.done():
                    task.result()
        except ConnectionClosed:
            return
        finally:
            for task in (reading, speaking):
                task.cancel()
            await asyncio.gather(reading, speaking, return_exceptions=True)

    async def _speak(self, talk: _Talk, listener: Listener) -> None:
        await self._begin(talk, listener)
        while True:
            await talk.beat(self._ping_s)
            listener.up()
            await asyncio.sleep(self._ping_s)

    async def _begin(self, talk: _Talk, listener: Listener) -> None:
        """Take the session up, or begin another: then everything is to be asked again."""
        answer = await talk.command(
            "startSession", ANSWER_S, sessionId=self._session, eventId=self._heard
        )
        session = answer.session_id or ""
        if answer.status != 200 or session not in ("", self._session):
            # Ours once it is subscribed: taken up without, it would be deaf, and nobody would know.
            self._session, self._heard, self._whole = "", "", False
            await talk.command("addSubscription", ANSWER_S, filters=FILTERS)
            self._session = session
        listener.up()
        # What was missed is sent again from the last event heard; without one nobody knows.
        if not (self._whole and self._heard):
            await self._tell(await talk.state(self._state_s), listener)
            # What was pushed meanwhile is newer than the state, and was overruled by it.
            await self._tell(talk.meanwhile(), listener)
            self._whole = True
        listener.up()

    async def _tell(self, text: bytes, listener: Listener) -> None:
        """Hand a frame in; only then is its last event behind us."""
        await listener(
            Envelope(
                adapter="milestone", body=text, received_at=datetime.now(UTC), channel=CHANNEL,
                sender=self._gateway.site.host,
            )
        )  # fmt: skip
        self._heard = last_event(text) or self._heard


async def open_socket(gateway: Gateway, token: str) -> ClientConnection:
    """Connect; what goes wrong is as the library says it."""
    base = (await asyncio.to_thread(gateway.found)).base
    return await _Straight(
        f"ws{base.removeprefix('http')}/ws/events/v1",
        additional_headers={"Authorization": f"Bearer {token}"},
        ssl=tls.context(gateway.site) if base.startswith("https") else None,
        max_size=LARGEST_FRAME,
        open_timeout=ANSWER_S,
        close_timeout=1.0,
        ping_interval=None,  # ours, in _Talk.beat: the library's kills a slow getState
        proxy=None,
    )


class _Straight(connect):
    """Connects where it was told to: our token is for nobody else."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Give the refusal as it is."""
        return exc


class _Talk:
    """Commands and their answers, events between; none is dropped while an answer is awaited."""

    def __init__(self, socket: ClientConnection, host: str, hear: Callable[[bytes], Any]) -> None:
        self._socket, self._host, self._hear = socket, host, hear
        self._numbers = count(1)
        self._awaited: dict[int, asyncio.Future[tuple[Frame, bytes]]] = {}
        self._pushed: dict[str, bytes] = {}
        self._keeping = False

    async def read(self) -> None:
        """Sort frames: answers to those who wait, events to the host."""
        async for text in self._socket:
            body = text if isinstance(text, bytes) else text.encode()
            try:
                frame = read_frame(body)
            except Malformed:
                await self._hear(body)  # the host keeps it, and says so
                continue
            awaited = self._awaited.get(frame.command_id or 0)
            if awaited is not None and not awaited.done():
                awaited.set_result((frame, body))
            elif frame.events:
                if self._keeping:
                    self._keep(frame.events)
                await self._hear(body)

    def _keep(self, events: list[msgspec.Raw]) -> None:
        """Remember the newest event of each camera."""
        for raw in events:
            event = read_event(raw)
            if event is not None:
                self._pushed.pop(event.source, None)
                self._pushed[event.source] = bytes(raw)

    def meanwhile(self) -> bytes:
        """Give a frame of the events pushed since a command that was to keep them."""
        self._keeping = False
        pushed = b",".join(self._pushed.values())
        self._pushed = {}
        return b'{"events":[' + pushed + b"]}"

    async def command(self, name: str, patience_s: float, **more: object) -> Frame:
        """Say a command, and give its answer.

        Raises
        ------
        Unreachable
            No answer in time.
        Refused
            The maker refuses, in its own words.
        """
        return (await self._answered(name, patience_s, more))[0]

    async def state(self, patience_s: float) -> bytes:
        """Ask for the state of all that is subscribed to, and give the frame as it came."""
        self._keeping = True
        return (await self._answered("getState", patience_s, {}))[1]

    async def beat(self, patience_s: float) -> None:
        """Prove that the other side lives.

        Raises
        ------
        Unreachable
            It does not answer in time: the socket is dead without having said so.
        """
        pong = await self._socket.ping()
        try:
            # Not wait_for: until Python 3.12 it may swallow the cancellation of whoever waits.
            async with asyncio.timeout(patience_s):
                await pong
        except TimeoutError as error:
            raise self._silent() from error

    async def _answered(
        self, name: str, patience_s: float, more: dict[str, object]
    ) -> tuple[Frame, bytes]:
        number = next(self._numbers)
        self._awaited[number] = asyncio.get_running_loop().create_future()
        said = {"command": name, "commandId": number, **more}
        try:
            async with asyncio.timeout(patience_s):
                await self._socket.send(msgspec.json.encode(said).decode())
                frame, body = await self._awaited[number]
        except TimeoutError as error:
            raise self._silent() from error
        finally:
            del self._awaited[number]
        if not 200 <= (frame.status or 0) < 300:
            raise Refused(
                "{host} refuses {path} ({status}): {why}",
                host=self._host, path=name, status=frame.status or 0, why=frame.why,
            )  # fmt: skip
        return frame, body

    def _silent(self) -> Unreachable:
        return Unreachable(
            "{host} does not answer: {cause}",
            host=self._host,
            cause=Message(text="no answer in time"),
        )
