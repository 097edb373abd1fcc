"""Keep adapters' connections open: run, watch for silence, back off, say so once.

Each feed runs on an event loop of its own, in a thread of its own: one that blocks, leaks or dies
hurts nobody else.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic

import structlog

from hooks import Envelope, Fact, Feed, Malformed, Message, Unreachable
from hooks.causes import whole
from vms_plugin.adapters import Adapters, why

FIRST_WAIT_S = 0.5
#: Whoever is away may be back at any moment, and somebody in danger on his line.
AWAY_WAIT_S = 3.0
#: Whoever refuses us goes on to, and locks accounts that insist.
REFUSED_WAIT_S = 20.0
CANCEL_AGAIN_S = 5.0

log = structlog.get_logger(__name__)

#: Hands decoded facts to the engine, from any thread; done once they are durable.
Take = Callable[[Envelope, Sequence[Fact], Malformed | None], Future[tuple[Message, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How a connection is, for people."""

    adapter: str
    name: str
    up: bool = False
    since: datetime  #: up or down since then
    last_sign: datetime | None = None  #: the last proof of life
    silence_s: float = 60.0
    why: Message | None = None  #: why it is down

    def alive(self, now: datetime) -> bool:
        """Whether it is up and has given a sign of life lately."""
        lately = self.last_sign is not None and (
            (now - self.last_sign).total_seconds() <= 1.5 * self.silence_s
        )
        return self.up and lately


def longer(wait_s: float, trouble: Exception | None) -> float:
    """Give the next wait, seconds, after one that ended in this trouble; None: a closed line."""
    away = trouble is None or isinstance(trouble, Unreachable)
    return min(2 * wait_s, AWAY_WAIT_S if away else REFUSED_WAIT_S)


class FeedRunner:
    """One feed and its thread."""

    def __init__(self, adapter: str, feed: Feed, adapters: Adapters, take: Take) -> None:
        self.link = Link(
            adapter=adapter,
            name=feed.name,
            since=datetime.now(UTC),
            silence_s=feed.silence_s,
            why=Message(text="connecting"),
        )
        self._feed = feed
        self._adapters = adapters
        self._take = take
        self._last_sign = monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"{adapter}:{feed.name}", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience_s: float = 2.0) -> None:
        """Cancel the feed; one that blocks is left behind in its daemon thread."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)
        self._thread.join(patience_s)

    # --- listener, called by the feed on its own loop ---

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        """Take a message; return once its facts are durable."""
        self.up()
        facts, fault = self._adapters.decode(envelope)
        # The line may be cut while it is written: what was heard is acted on all the same.
        return await asyncio.shield(asyncio.wrap_future(self._take(envelope, facts, fault)))

    def up(self) -> None:
        """Note a sign of life."""
        self._last_sign = monotonic()
        now = datetime.now(UTC)
        if not self.link.up:
            log.info("feed up", adapter=self.link.adapter, feed=self.link.name)
            self.link = replace(self.link, up=True, since=now, why=None)
        self.link = replace(self.link, last_sign=now)

    # --- thread ---

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._task = self._loop.create_task(self._supervise())
            try:
                self._loop.run_until_complete(self._task)
            except asyncio.CancelledError:
                return

    async def _supervise(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            started, trouble = monotonic(), None
            try:
                await self._watched(self._feed.run(self))
                self._down(Message(text="the connection was closed"))
            except Exception as error:
                trouble = error
                self._down(why(error))
            if self._last_sign > started:
                wait_s = FIRST_WAIT_S  # it had worked: this is a new trouble, not the old one
            await asyncio.sleep(wait_s * (0.5 + random.random() / 2))  # noqa: S311  (no secret)
            wait_s = longer(wait_s, trouble)

    async def _watched(self, running: Awaitable[None]) -> None:
        """Run until it returns, raises, or says nothing for too long (half-open sockets)."""
        self._last_sign = monotonic()
        task = asyncio.ensure_future(running)
        try:
            while not task.done():
                left = self._feed.silence_s - (monotonic() - self._last_sign)
                if left <= 0:
                    raise Unreachable("no sign of life for {s:g} s", s=self._feed.silence_s)
                await asyncio.wait({task}, timeout=left)
            await task
        finally:
            # Again and again: a `wait_for` of Python 3.11 within the feed may lose a cancellation,
            # and a connection half ended would look alive for ever.
            while not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
            if not task.cancelled():
                task.exception()  # told already, or of less weight than why it was ended

    def _down(self, reason: Message) -> None:
        if self.link.up or self.link.why != reason:
            log.warning(
                "feed down", adapter=self.link.adapter, feed=self.link.name, why=str(whole(reason))
            )
            since = datetime.now(UTC) if self.link.up else self.link.since
            self.link = replace(self.link, up=False, since=since, why=reason)
