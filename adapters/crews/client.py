"""Subscribe to a broker: the only file of this adapter that waits."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hooks import Envelope, Listener, Refused, Unreachable

#: The broker is asked for a sign of life that often, and its silence ends the connection.
KEEPALIVE_S = 15
PORTS = {"mqtt": 1883, "mqtts": 8883}
#: Messages waiting to be written; past that the broker is left to wait with the rest.
WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and what to listen to."""

    url: str
    topic: str
    username: str
    password: str
    ca: Path | None

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return urlsplit(self.url).netloc


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
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[MQTTMessage | Exception] = asyncio.Queue(WAITING)
        client = self._client(lambda what: loop.call_soon_threadsafe(inbox.put_nowait, what))
        parts = urlsplit(self._broker.url)
        try:
            await asyncio.to_thread(
                client.connect, parts.hostname or "", parts.port or PORTS[parts.scheme], KEEPALIVE_S
            )
        except ssl.SSLError as error:
            raise Refused(
                "the certificate of {host} is not trusted: give its authority in ca ({cause})",
                host=self._broker.host, cause=str(error),
            ) from error  # fmt: skip
        except OSError as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=self._broker.host, cause=str(error)
            ) from error
        client.loop_start()
        try:
            await self._follow(client, inbox, listener)
        finally:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    async def _follow(
        self, client: Client, inbox: asyncio.Queue[MQTTMessage | Exception], listener: Listener
    ) -> None:
        while True:
            try:
                got = await asyncio.wait_for(inbox.get(), KEEPALIVE_S)
            except TimeoutError:
                # paho itself ends a connection whose keep-alive is not answered.
                if client.is_connected():
                    listener.up()
                continue
            if isinstance(got, Exception):
                raise got
            if not got.topic:
                listener.up()
                continue
            envelope = Envelope(
                adapter="crews", body=bytes(got.payload), received_at=datetime.now(UTC),
                channel="mqtt", sender=got.topic,
            )  # fmt: skip
            await listener(envelope)
            client.ack(got.mid, got.qos)

    def _client(self, tell: Any) -> Client:
        broker = self._broker
        client = Client(CallbackAPIVersion.VERSION2, manual_ack=True)
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        if broker.url.startswith("mqtts"):
            client.tls_set(ca_certs=str(broker.ca) if broker.ca else None)

        def connected(
            client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode,
            _properties: Properties | None,
        ) -> None:  # fmt: skip
            if code.is_failure:
                tell(Refused("{host} refuses: {why}", host=broker.host, why=str(code)))
                return
            client.subscribe(broker.topic, qos=1)
            tell(MQTTMessage())  # no topic: a sign of life

        def disconnected(
            _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode,
            _properties: Properties | None,
        ) -> None:  # fmt: skip
            tell(Unreachable("{host} closed: {why}", host=broker.host, why=str(code)))

        client.on_connect = connected
        client.on_disconnect = disconnected
        client.on_message = lambda _client, _data, message: tell(message)
        return client
