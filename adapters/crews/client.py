"""Subscribe to a broker: the only file of this adapter that waits."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from adapters.crews.bufferful import BufferfulClient
from adapters.crews.decode import RETAINED, RS
from hooks import AdapterError, BadSettings, Envelope, Listener, Refused, Unreachable
from hooks.causes import cause

#: The broker is asked for a sign of life that often, and its silence ends the connection.
KEEPALIVE_S = 15
#: Without a message we look that often whether the connection stands.
LOOK_S = 10.0
PORTS = {"mqtt": 1883, "mqtts": 8883}
#: Messages waiting to be taken in. More means that this machine does not follow: start again later.
MOST_WAITING = 50_000
#: Messages handed over together: one at a time, the disk's answer to each would set the pace.
TOGETHER = 500
#: MQTT 3.1.1 §3.2.2.3: bad user name or password, not authorised (as MQTT 5 names them).
_NOT_LET_IN = ("Bad user name or password", "Not authorized")


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, where paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where the broker is, and what to listen to."""

    url: str
    topic: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    client_id: str = ""  #: given: the broker keeps what we miss while we are away

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return urlsplit(self.url).netloc

    @property
    def secure(self) -> bool:
        """Whether it is spoken to under TLS."""
        return self.url.startswith("mqtts:")

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What is trusted: `ca`, or what the system trusts.

        Raises
        ------
        BadSettings
            `ca` is not a file of certificates.
        """
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except OSError as error:
            raise BadSettings(
                "ca", str(self.ca), "write the path of a PEM file of certificates: {cause}",
                cause=cause(error),
            ) from error  # fmt: skip
        context.sslsocket_class = _TidySocket
        return context

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or PORTS[parts.scheme]


class _Alive:
    """Put in the inbox for a sign of life."""


_Word = MQTTMessage | AdapterError | _Alive


class _Inbox:
    """What paho's thread tells, taken on our loop: many messages wake it once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._words: deque[_Word] = deque()
        self._stirred = asyncio.Event()

    def put(self, word: _Word) -> None:
        """Take a word; called in paho's thread."""
        self._words.append(word)
        if len(self._words) == 1:
            with contextlib.suppress(RuntimeError):  # our loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._stirred.set)

    def __len__(self) -> int:
        return len(self._words)

    async def take(self) -> list[_Word]:
        """Wait for words, and give what is there, in order, at most `TOGETHER`."""
        while not self._words:
            self._stirred.clear()
            if not self._words:
                await self._stirred.wait()
        return [self._words.popleft() for _ in range(min(len(self._words), TOGETHER))]


class Subscriber:
    """One subscription, at least once: acknowledged only when the facts are durable."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def listen(self, listener: Listener) -> None:
        """Follow the topic until the connection is lost.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        inbox = _Inbox(asyncio.get_running_loop())
        client = self._client(inbox)
        try:
            await asyncio.to_thread(client.connect, *self._broker.address, KEEPALIVE_S)
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                "{host} is not trusted: {cause}",
                host=self._broker.host, cause=cause(error),
            ) from error  # fmt: skip
        except (OSError, ValueError) as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=self._broker.host, cause=cause(error)
            ) from error
        client.loop_start()
        try:
            await self._follow(client, inbox, listener)
        finally:
            client.disconnect()
            # Joins paho's thread, which ends at once; waited for even when we are cancelled.
            await asyncio.shield(asyncio.to_thread(client.loop_stop))

    async def _follow(self, client: Client, inbox: _Inbox, listener: Listener) -> None:
        while True:
            try:
                # Not wait_for: until Python 3.12 it may swallow that we are cancelled.
                async with asyncio.timeout(LOOK_S):
                    words = await inbox.take()
            except TimeoutError:
                # paho itself ends a connection whose keep-alive is not answered.
                if client.is_connected():
                    listener.up()
                continue
            for alike in _alike(words):
                first = alike[0]
                if isinstance(first, AdapterError):
                    raise first
                if isinstance(first, _Alive):
                    listener.up()
                    continue
                messages = [each for each in alike if isinstance(each, MQTTMessage)]
                await listener(_envelope(messages))
                for each in messages:
                    if each.qos:
                        client.ack(each.mid, each.qos)
            if len(inbox) > MOST_WAITING:
                raise Unreachable(
                    "{waiting} positions wait to be taken in: this machine does not follow",
                    waiting=len(inbox),
                )

    def _client(self, inbox: _Inbox) -> Client:
        """Build a client whose callbacks, in its own thread, only fill the inbox."""
        broker, tell = self._broker, inbox.put

        def connected(client: Client, _data: Any, _flags: Any, code: Any, _rest: Any) -> None:
            if code.is_failure:
                tell(_not_let_in(broker, str(code)))
            else:
                client.subscribe(broker.topic, qos=1)

        def subscribed(_client: Client, _data: Any, _mid: int, codes: Any, _rest: Any) -> None:
            refusals = [str(code) for code in codes if code.is_failure]
            tell(_no_topic(broker, refusals[0]) if refusals else _Alive())

        def disconnected(_client: Client, _data: Any, _flags: Any, code: Any, _rest: Any) -> None:
            said = cause(str(code))
            tell(Unreachable("{host} closed the connection: {cause}", host=broker.host, cause=said))

        client = BufferfulClient(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=not broker.client_id,
            manual_ack=True,
            reconnect_on_failure=False,  # the host runs us again, with its own patience
        )
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        if broker.secure:
            client.tls_set_context(broker.tls)
        client.on_connect = connected
        client.on_subscribe = subscribed
        client.on_disconnect = disconnected
        client.on_message = lambda _client, _data, message: tell(message)
        return client


def _not_let_in(broker: Broker, said: str) -> AdapterError:
    if said in _NOT_LET_IN:
        return Refused(
            "{host} refuses the account {username}: check username and password",
            host=broker.host, username=broker.username or "(none)",
        )  # fmt: skip
    return Unreachable(
        "{host} refuses the connection: {cause}", host=broker.host, cause=cause(said)
    )


def _no_topic(broker: Broker, said: str) -> AdapterError:
    return Refused(
        "{host} refuses the topic {topic} to {username}: check its rights there ({cause})",
        host=broker.host, topic=broker.topic, username=broker.username or "(none)",
        cause=cause(said),
    )  # fmt: skip


def _alike(words: Sequence[_Word]) -> Iterator[list[_Word]]:
    """Group what may be handed over together: messages that follow one another, retained or not."""
    for _, group in groupby(words, lambda word: (type(word), getattr(word, "retain", None))):
        yield list(group)


def _envelope(messages: Sequence[MQTTMessage]) -> Envelope:
    first = messages[0]
    bodies = [bytes(each.payload) for each in messages]
    return Envelope(
        adapter="crews",
        body=bodies[0] if len(bodies) == 1 else b"".join(RS + each + b"\n" for each in bodies),
        received_at=datetime.now(UTC),
        channel=RETAINED if first.retain else "mqtt",
        sender=first.topic if len(bodies) == 1 else "",
    )
