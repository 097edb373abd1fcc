"""AMQP 0-9-1: what the hypervisor publishes for us, and what we publish for it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit, urlunsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelNotFoundEntity,
    DeliveryError,
    ProbableAuthenticationError,
    PublishError,
)
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelInvalidStateError,
    InvalidFrameError,
)

from adapters.ineo.client import NotTaken
from adapters.ineo.profile import Broker, Endpoint
from hooks import AdapterError, Envelope, Listener, Message, Refused, Unreachable
from hooks.causes import cause

#: Messages the broker may hand us before we have acknowledged them.
AHEAD = 16
#: Of the protocol's own heartbeats; a half-open connection falls after two.
HEARTBEAT_S = 10
#: How often the broker is asked for our queue.
LOOK_S = 10.0


class Queue:
    """The one connection to a broker: read by a feed, written by whoever sends."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channel: AbstractChannel | None = None

    @property
    def _host(self) -> str:
        return urlsplit(self._broker.access.url).netloc

    async def run(self, listener: Listener) -> None:
        """Keep the connection; give what comes, each acknowledged once it is durable."""
        try:
            await self._connected(listener)
        except (ProbableAuthenticationError, AuthenticationError) as error:
            raise Refused(
                "{host} refuses the account {username}: check username and password",
                host=self._host, username=self._broker.access.username or "(none)",
            ) from error  # fmt: skip
        except (ChannelNotFoundEntity, ChannelAccessRefused) as error:
            raise Refused(
                "{host} does not let the queue {queue} be read: check its name and our rights",
                host=self._host, queue=self._broker.queue,
            ) from error  # fmt: skip
        except (AMQPError, ConnectionError, OSError, TimeoutError) as error:
            if self._channel is not None:
                raise Unreachable(
                    "{host} closed the connection: {cause}", host=self._host, cause=cause(error)
                ) from error
            if isinstance(error, InvalidFrameError):  # it is closed in place of being opened
                raise Refused(
                    "{host} does not open {vhost} to the account {username}: check the path of url,"
                    " which names the virtual host, and our rights there",
                    host=self._host, vhost=urlsplit(self._broker.access.url).path or "/",
                    username=self._broker.access.username or "(none)",
                ) from error  # fmt: skip
            raise Unreachable(
                "{host} does not answer: {cause}", host=self._host, cause=cause(error)
            ) from error
        finally:
            self._loop = self._channel = None

    async def _connected(self, listener: Listener) -> None:
        access = self._broker.access
        secure = access.url.startswith("amqps:")
        context = ssl.create_default_context(cafile=access.ca) if secure else None
        connection = await aio_pika.connect(
            _address(self._broker), ssl_context=context, timeout=access.timeout_s
        )
        async with connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.set_qos(prefetch_count=AHEAD)
            self._loop, self._channel = asyncio.get_running_loop(), channel
            lost: asyncio.Future[None] = self._loop.create_future()

            def closed(*_: object) -> None:
                if not lost.done():
                    lost.set_result(None)

            connection.close_callbacks.add(closed)
            channel.close_callbacks.add(closed)
            listener.up()
            reading = asyncio.create_task(self._read(channel, listener))
            try:
                while not lost.done():
                    await asyncio.wait(
                        {lost, reading}, timeout=LOOK_S,
                        return_when=asyncio.FIRST_COMPLETED,
                    )  # fmt: skip
                    if reading.done():
                        reading.result()
                    if not lost.done():
                        await self._ask(channel)
                        listener.up()
                raise Unreachable("{host} closed the connection", host=self._host)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _ask(self, channel: AbstractChannel) -> None:
        """Ask the broker for our queue: it answers, the queue is there, and we are its reader.

        A queue that somebody deletes, or makes anew, leaves its readers waiting for ever.
        """
        if self._broker.queue:
            asked = channel.declare_queue(self._broker.queue, passive=True)
            found = await asyncio.wait_for(asked, self._broker.access.timeout_s)
            if found.declaration_result.consumer_count == 0:
                raise Unreachable(
                    "{host} has deleted our queue {queue}",
                    host=self._host,
                    queue=self._broker.queue,
                )

    async def _read(self, channel: AbstractChannel, listener: Listener) -> None:
        if not self._broker.queue:
            await asyncio.Event().wait()
        queue = await channel.get_queue(self._broker.queue)  # theirs: we make nothing on it
        async with queue.iterator() as messages:
            async for message in messages:
                await listener(_envelope(message))
                await message.ack()

    def send(self, endpoint: Endpoint, name: str, body: bytes, content_type: str) -> None:
        """Publish a message; return once the broker has it on disk.

        Raises
        ------
        NotTaken, Unreachable, Refused
        """
        loop, channel = self._loop, self._channel
        if loop is None or channel is None:
            raise NotTaken("{name}: {host} does not answer", name=endpoint.name, host=self._host)
        seconds = self._broker.access.timeout_s
        sent = asyncio.run_coroutine_threadsafe(
            self._publish(channel, endpoint, name, body, content_type), loop
        )
        try:
            sent.result(seconds)
        except LateError as error:
            sent.cancel()
            raise Unreachable(
                "{name}: {host} does not answer within {seconds:g} s",
                name=endpoint.name, host=self._host, seconds=seconds,
            ) from error  # fmt: skip
        except PublishError as error:
            raise Refused(
                "{name}: no queue is bound to the routing key {key}",
                name=endpoint.name, key=endpoint.routing_key,
            ) from error  # fmt: skip
        except DeliveryError as error:  # a nack; of several queues, others may have it
            raise Unreachable(
                "{name}: {host} does not take the message: its queue is full, or its disk",
                name=endpoint.name, host=self._host,
            ) from error  # fmt: skip
        except (ChannelNotFoundEntity, ChannelAccessRefused) as error:
            raise Refused(
                "{name}: {host} does not let us publish to the exchange {exchange}",
                name=endpoint.name, host=self._host, exchange=endpoint.exchange,
            ) from error  # fmt: skip
        except (AMQPError, ConnectionError, ChannelInvalidStateError) as error:
            raise Unreachable(
                "{name}: the connection to {host} is cut", name=endpoint.name, host=self._host
            ) from error

    async def _publish(
        self, channel: AbstractChannel, endpoint: Endpoint, name: str, body: bytes, kind: str
    ) -> None:
        message = aio_pika.Message(
            body, content_type=endpoint.content_type or kind, message_id=name,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT, timestamp=datetime.now(UTC),
            app_id="renfort",
        )  # fmt: skip
        exchange = (
            await channel.get_exchange(endpoint.exchange, ensure=False)
            if endpoint.exchange
            else channel.default_exchange
        )
        await exchange.publish(message, endpoint.routing_key, mandatory=True)


@contextlib.contextmanager
def line(broker: Broker) -> Iterator[Queue]:
    """Keep a connection for whoever has no feed: it is written to, and our queue is not read.

    Raises
    ------
    Unreachable, Refused
    """
    kept = _Line()
    queue = Queue(replace(broker, queue=""))
    thread = threading.Thread(target=asyncio.run, args=(kept.keep(queue),), name="ineo-line")
    thread.start()
    try:
        kept.standing.result()
        yield queue
    finally:
        kept.drop()
        thread.join()


class _Line:
    """A listener that hears nothing: it only tells when the line stands."""

    def __init__(self) -> None:
        self.standing: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    async def keep(self, queue: Queue) -> None:
        """Keep the line until `drop`."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.create_task(queue.run(self))
        try:
            await self._task
        except AdapterError as error:
            self._ended(error)
        except asyncio.CancelledError:
            pass  # dropped
        finally:  # whatever happened, nobody waits for ever
            self._ended(Unreachable("the connection was closed"))

    def _ended(self, error: AdapterError) -> None:
        if not self.standing.done():
            self.standing.set_exception(error)

    def drop(self) -> None:
        """Leave; called from another thread."""
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # it is over already
                self._loop.call_soon_threadsafe(self._task.cancel)

    def up(self) -> None:
        """Note that the line stands."""
        if not self.standing.done():
            self.standing.set_result(None)

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        """Hear nothing: no queue is read."""
        return ()


def _address(broker: Broker) -> str:
    access = broker.access
    parts = urlsplit(access.url)
    account = ""
    if access.username:
        account = f"{quote(access.username, safe='')}:{quote(access.password, safe='')}@"
    query = f"heartbeat={HEARTBEAT_S}"
    return urlunsplit((parts.scheme, account + parts.netloc, parts.path, query, ""))


def _envelope(message: AbstractIncomingMessage) -> Envelope:
    return Envelope(
        adapter="ineo",
        body=bytes(message.body),
        received_at=datetime.now(UTC),
        channel="amqp",
        sender=str(message.app_id or message.user_id or message.routing_key or "")[:200],
    )
