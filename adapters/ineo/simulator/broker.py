"""The hypervisor's side of a broker: it makes the queues, reads ours, publishes its positions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aio_pika

#: Queues that the hypervisor owns: what Renfort publishes, what Renfort reads.
IN, OUT = "hyperviseur.alertes", "renfort.positions"


class Post:
    """One connection to the broker, while the simulator runs."""

    def __init__(self, url: str, take: Callable[[bytes, str], object]) -> None:
        self._url, self._take = url, take
        self._channel: aio_pika.abc.AbstractChannel | None = None
        self.standing = asyncio.Event()  #: the queues are there

    async def run(self) -> None:
        """Declare the queues, and read ours until cancelled."""
        connection = await self._connected()
        async with connection:
            self._channel = await connection.channel()
            incoming = await self._channel.declare_queue(IN, durable=True)
            await self._channel.declare_queue(OUT, durable=True)
            self.standing.set()
            async with incoming.iterator() as messages:
                async for message in messages:
                    self._take(message.body, message.content_type or "")
                    await message.ack()

    async def _connected(self) -> aio_pika.abc.AbstractConnection:
        """Connect, as soon as the broker has started."""
        while True:
            try:
                return await aio_pika.connect(self._url)
            except (OSError, aio_pika.exceptions.AMQPError):
                await asyncio.sleep(0.2)

    async def publish(self, body: bytes, content_type: str) -> None:
        """Publish for Renfort."""
        async with asyncio.timeout(30):
            while self._channel is None:  # noqa: ASYNC110  (the simulator is starting)
                await asyncio.sleep(0.05)
        message = aio_pika.Message(body, content_type=content_type, app_id="simulateur")
        await self._channel.default_exchange.publish(message, OUT)
