"""One picture on stage: a channel, what keeps its source alive, and who watches.

All of it lives on the media loop. Nothing here knows whose picture it is: `Source` says what the
law asks of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog

from hooks import AdapterError, IncidentId, Live, Message, Refused, Unreachable
from hooks.causes import whole
from vms_plugin.adapters import Adapters, why
from vms_plugin.live.channel import Channel, State, Status
from vms_plugin.live.pull import pull
from vms_plugin.live.source import Source
from vms_plugin.live.viewer import NoViewError, Viewer

#: Without a viewer, the picture is fetched that long: from its opening, and after the last went.
UNWATCHED_S = 30.0
#: Between two attempts.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 5.0
#: One picture is for the room and the crews engaged: more is a fault, or an attack.
VIEWERS_MOST = 20

log = structlog.get_logger(__name__)


class Stage:
    """One picture, fetched once while somebody watches, or may."""

    def __init__(
        self, source: Source, adapters: Adapters, changed: Callable[[Status], None]
    ) -> None:
        self.source = source
        self.names: frozenset[str] = frozenset()  #: by which a VMS knows it
        self.incidents: set[IncidentId] = set()  #: for which it may be watched
        self.viewers: dict[str, Viewer] = {}
        self.channel = Channel(changed, mute=source.mute)
        self._adapters = adapters
        changed(self.channel.status)
        self._serving = asyncio.create_task(self._serve())

    def admit(self, session: str, left: Callable[[], None]) -> Viewer:
        """Let one more watch; `left` is called once, when he watches no longer.

        Raises
        ------
        NoViewError
            Too many do already.
        """
        if len(self.viewers) >= VIEWERS_MOST:
            raise NoViewError(Message(text="Too many people watch this camera already."), 503)

        def gone() -> None:
            self.viewers.pop(session, None)
            left()

        viewer = self.viewers[session] = Viewer(self.channel, gone)
        return viewer

    async def close(self) -> None:
        """Let everybody go, and the source."""
        self.channel.become(State.ENDED)
        self._serving.cancel()
        leaving = [viewer.close() for viewer in list(self.viewers.values())]
        await asyncio.gather(self._serving, *leaving, return_exceptions=True)

    # --- the source ---

    async def _serve(self) -> None:
        channel, wait_s = self.channel, FIRST_WAIT_S
        while True:
            if not channel.viewers and monotonic() - channel.left_at > UNWATCHED_S:
                channel.become(State.RESTING)
                await channel.watched.wait()
                channel.become(State.OPENING)
                wait_s = FIRST_WAIT_S
            fault = await self._once()
            if channel.status.state is State.SHOWING:
                wait_s = FIRST_WAIT_S  # it worked a moment ago
            if fault is not None:
                refused = isinstance(fault, Refused)
                said = why(fault)
                if said != channel.status.why:
                    log.warning("no picture", source=self.source.name, why=str(whole(said)))
                (channel.refused if refused else channel.lost)(said)
                await asyncio.sleep(max(wait_s, self.source.refused_wait_s if refused else 0.0))
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _once(self) -> Exception | None:
        """Run the source until it breaks (say why), or nobody has watched it for long (None)."""
        try:
            live = await asyncio.to_thread(self.source.opened, self._adapters)
            if live is None or not (live.run or live.url):
                raise Refused("this camera gives no live picture")
            broken = await self._while_watched(live)
        except AdapterError as error:
            return error
        except Exception as error:
            log.warning("a live source failed", source=self.source.name, exc_info=True)
            return error
        return Unreachable("the source of the picture stopped") if broken else None

    async def _while_watched(self, live: Live) -> bool:
        """Run it; answer True when it stopped, False when it was stopped for want of viewers."""
        channel, mute = self.channel, self.source.mute
        showing = live.run(channel) if live.run else pull(live.url, channel, mute=mute)
        running = asyncio.ensure_future(showing)
        unwatched = asyncio.ensure_future(self._unwatched())
        try:
            await asyncio.wait({running, unwatched}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
                return True
            return False
        finally:
            for task in (running, unwatched):
                task.cancel()
            await asyncio.gather(running, unwatched, return_exceptions=True)

    async def _unwatched(self) -> None:
        channel = self.channel
        while True:
            left_s = channel.left_at + UNWATCHED_S - monotonic()
            if not channel.viewers and left_s <= 0:
                return
            await asyncio.sleep(max(1.0, left_s))
