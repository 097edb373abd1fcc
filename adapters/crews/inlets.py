"""Inlets beside HTTP and MQTT: datagrams, streams, a track played again. They wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlsplit

from adapters.crews import track
from adapters.crews.cot import MAGIC
from adapters.crews.decode import RS
from adapters.crews.framing import LONGEST, messages
from hooks import Envelope, Listener, Malformed, Unreachable
from hooks.causes import cause

#: While nothing is said, we still say that the socket stands.
BEAT_S = 10.0
#: Datagrams that may wait: of positions, the newest are the ones that count.
MOST_WAITING = 2000
#: Datagrams handed over together.
TOGETHER = 200
#: Senders that may be connected at once.
MOST_SENDERS = 200

Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlet:
    """One inlet of the settings."""

    name: str
    listen: str = ""  #: udp://address:port or tcp://address:port
    connect: str = ""  #: tcp://host:port
    replay: Path | None = None  #: a GPX file
    speed: float = 1.0
    allow: Networks = ()  #: who may speak to us; empty: this machine alone

    async def run(self, listener: Listener) -> None:
        """Take what comes until the connection is lost.

        Raises
        ------
        Unreachable
            The address cannot be listened to, or the other side is gone.
        """
        if self.replay is not None:
            await track.play(self.replay, self.name, self.speed, listener)
        elif self.connect:
            await self._connected(listener)
        elif self.listen.startswith("udp:"):
            await self._datagrams(listener)
        else:
            await self._served(listener)

    def lets(self, sender: str) -> bool:
        """Whether that address may speak to us."""
        address = ip_address(sender.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        return mapped.is_loopback or any(mapped in each for each in self.allow)

    # --- ways in ---

    async def _datagrams(self, listener: Listener) -> None:
        parts = urlsplit(self.listen)
        inbox = _Datagrams(self)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: inbox, local_addr=(parts.hostname or "", parts.port or 0)
            )
        except OSError as error:
            raise _shut(self.listen, error) from error
        try:
            while True:
                listener.up()
                # Not wait_for: until Python 3.12 it may swallow that we are cancelled.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):
                        await inbox.stirred.wait()
                inbox.stirred.clear()
                while inbox.waiting:
                    for body, sender in inbox.take():
                        await listener(self._envelope(body, sender))
        finally:
            transport.close()

    async def _served(self, listener: Listener) -> None:
        parts = urlsplit(self.listen)
        senders: dict[asyncio.Task[None], None] = {}  # silent for longest first

        def spoke() -> None:
            task = asyncio.current_task()
            if task is not None and task in senders:
                senders[task] = senders.pop(task)

        def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("peername") or ("?",)
            if peer[0] == "?" or not self.lets(peer[0]):
                writer.close()
                return
            if len(senders) >= MOST_SENDERS:
                # A tracker that lost its network never ends its connection, and makes another.
                silent = next(iter(senders))
                del senders[silent]
                silent.cancel()
            task = asyncio.ensure_future(self._heard(reader, writer, str(peer[0]), listener, spoke))
            senders[task] = None
            task.add_done_callback(lambda gone: senders.pop(gone, None))

        try:
            server = await asyncio.start_server(
                met, parts.hostname, parts.port, limit=LONGEST, reuse_address=True
            )
        except OSError as error:
            raise _shut(self.listen, error) from error
        try:
            while True:
                listener.up()
                await asyncio.sleep(BEAT_S)
        finally:
            server.close()
            for task in senders:
                task.cancel()
            await asyncio.gather(*senders, return_exceptions=True)

    async def _connected(self, listener: Listener) -> None:
        parts = urlsplit(self.connect)
        host, port = parts.hostname or "", parts.port or 0
        try:
            reader, writer = await asyncio.open_connection(host, port, limit=LONGEST)
        except OSError as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=f"{host}:{port}", cause=cause(error)
            ) from error
        listener.up()
        await self._heard(reader, writer, host, listener)
        raise Unreachable("{host} closed the connection", host=f"{host}:{port}")

    async def _heard(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        sender: str,
        listener: Listener,
        spoke: Callable[[], None] = lambda: None,
    ) -> None:
        """Take one stream to its end; one that is not understood is told once, and closed."""
        rest = b""
        try:
            while data := await reader.read(LONGEST):
                listener.up()
                spoke()
                try:
                    found, rest = messages(rest + data)
                except Malformed:
                    await listener(self._envelope((rest + data)[:200], sender))
                    return
                for body in _together(found):
                    await listener(self._envelope(body, sender))
            if rest:  # the last line of a stream may have no end
                await listener(self._envelope(rest, sender))
        except OSError:
            return  # gone
        finally:
            writer.close()

    def _envelope(self, body: bytes, sender: str) -> Envelope:
        return Envelope(
            adapter="crews", body=body, received_at=datetime.now(UTC), channel=self.name,
            sender=sender,
        )  # fmt: skip


class _Datagrams(asyncio.DatagramProtocol):
    """What came by UDP and waits; when too much waits, the oldest goes."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self.waiting: deque[tuple[bytes, str]] = deque(maxlen=MOST_WAITING)
        self.stirred = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._inlet.lets(addr[0]):
            self.waiting.append((data, addr[0]))
            self.stirred.set()

    def take(self) -> list[tuple[bytes, str]]:
        """Give what waits, at most `TOGETHER`: texts in a row from one sender are one message.

        A gateway speaks for hundreds of radios: one at a time, the disk's answer to each would set
        the pace, and those that wait too long are lost.
        """
        some = [self.waiting.popleft() for _ in range(min(len(self.waiting), TOGETHER))]
        return [
            (body, sender)
            for sender, said in groupby(some, itemgetter(1))
            for body in _together([body for body, _ in said])
        ]

    def error_received(self, exc: Exception) -> None:
        """Pass over: an ICMP answer to nothing of ours."""


def _together(found: Iterable[bytes]) -> list[bytes]:
    """Hand over together what was read together; binary messages go alone."""
    texts = [each for each in found if each[:1] != MAGIC]
    binary = [each for each in found if each[:1] == MAGIC]
    joined = texts if len(texts) < 2 else [b"".join(RS + each for each in texts)]
    return joined + binary


def _shut(address: str, error: OSError) -> Unreachable:
    return Unreachable(
        "{address} cannot be listened to: {cause}", address=address, cause=cause(error)
    )
