"""Subscribe to a broker: the only file of this adapter that waits."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from adapters.crews.decode import RETAINED
from hooks import AdapterError, BadSettings, Envelope, Listener, Refused, Unreachable

#: The broker is asked for a sign of life that often, and its silence ends the connection.
KEEPALIVE_S = 15
#: Without a message we look that often whether the connection stands.
LOOK_S = 10.0
PORTS = {"mqtt": 1883, "mqtts": 8883}
#: Messages waiting to be written. More means that the disk does not follow: start again later.
MOST_WAITING = 10_000
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
                cause=str(error)[:200],
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


_Inbox = asyncio.Queue[MQTTMessage | AdapterError | _Alive]


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
        inbox: _Inbox = asyncio.Queue()
        client = self._client(inbox, asyncio.get_running_loop())
        try:
            await asyncio.to_thread(client.connect, *self._broker.address, KEEPALIVE_S)
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                "the certificate of {host} is not trusted: give its authority in ca ({cause})",
                host=self._broker.host, cause=str(error)[:200],
            ) from error  # fmt: skip
        except (OSError, ValueError) as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=self._broker.host, cause=str(error)[:200]
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
                got = await asyncio.wait_for(inbox.get(), LOOK_S)
            except TimeoutError:
                # paho itself ends a connection whose keep-alive is not answered.
                if client.is_connected():
                    listener.up()
                continue
            if isinstance(got, AdapterError):
                raise got
            if isinstance(got, _Alive):
                listener.up()
                continue
            if inbox.qsize() > MOST_WAITING:
                raise Unreachable(
                    "{waiting} positions wait to be written: the disk does not follow",
                    waiting=inbox.qsize(),
                )
            await listener(_envelope(got))
            client.ack(got.mid, got.qos)

    def _client(self, inbox: _Inbox, loop: asyncio.AbstractEventLoop) -> Client:
        """Build a client whose callbacks, in its own thread, only fill the inbox."""
        broker = self._broker

        def tell(what: MQTTMessage | AdapterError | _Alive) -> None:
            with contextlib.suppress(RuntimeError):  # our loop is closed: nobody listens any more
                loop.call_soon_threadsafe(inbox.put_nowait, what)

        def connected(client: Client, _data: Any, _flags: Any, code: Any, _rest: Any) -> None:
            if code.is_failure:
                tell(_not_let_in(broker, str(code)))
            else:
                client.subscribe(broker.topic, qos=1)

        def subscribed(_client: Client, _data: Any, _mid: int, codes: Any, _rest: Any) -> None:
            refusals = [str(code) for code in codes if code.is_failure]
            tell(_no_topic(broker, refusals[0]) if refusals else _Alive())

        def disconnected(_client: Client, _data: Any, _flags: Any, code: Any, _rest: Any) -> None:
            tell(
                Unreachable(
                    "{host} closed the connection: {cause}", host=broker.host, cause=str(code)
                )
            )

        client = Client(
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


def _not_let_in(broker: Broker, cause: str) -> AdapterError:
    if cause in _NOT_LET_IN:
        return Refused(
            "{host} refuses the account {username}: check username and password",
            host=broker.host, username=broker.username or "(none)",
        )  # fmt: skip
    return Unreachable("{host} refuses the connection: {cause}", host=broker.host, cause=cause)


def _no_topic(broker: Broker, cause: str) -> AdapterError:
    return Refused(
        "{host} refuses the topic {topic} to {username}: check its rights there ({cause})",
        host=broker.host, topic=broker.topic, username=broker.username or "(none)", cause=cause,
    )  # fmt: skip


def _envelope(message: MQTTMessage) -> Envelope:
    return Envelope(
        adapter="crews",
        body=bytes(message.payload),
        received_at=datetime.now(UTC),
        channel=RETAINED if message.retain else "mqtt",
        sender=message.topic,
    )
