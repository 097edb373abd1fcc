"""The live room: a channel for each running activation, its source kept alive, its viewers known.

Media has a thread and a loop of its own: a picture never delays an alert. What is asked from the
host's loop goes over; what changes comes back.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from hooks import (
    ActivationId,
    AdapterError,
    DeviceId,
    IncidentId,
    Live,
    Message,
    Phase,
    Picture,
    Refused,
    Screen,
)
from vms_plugin.adapters import odd, why
from vms_plugin.engine import Engine, Event
from vms_plugin.live.channel import Channel, State, Status
from vms_plugin.live.rtsp import Options, RtspServer
from vms_plugin.live.viewer import NoViewError, Viewer
from vms_plugin.register import Entry, Operation

_T = TypeVar("_T")

#: Without a viewer, the picture is fetched that long: from the press, and after the last one went.
UNWATCHED_S = 30.0
#: Between two attempts, while the activation runs.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 5.0
#: One wearer's picture is for the room and the crews engaged: more is a fault, or an attack.
VIEWERS_MOST = 20

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Stage:
    """A channel, what keeps its source alive, and who watches."""

    channel: Channel
    names: frozenset[str]  #: by which a VMS knows it: the device, the call sign, the officer
    serving: asyncio.Task[None]
    viewers: dict[str, Viewer]


class Relay:
    """Every live picture. Made and asked on the host's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.status: dict[IncidentId, Status] = {}
        self._stages: dict[IncidentId, _Stage] = {}  # the media loop's
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._host: asyncio.AbstractEventLoop | None = None
        self._following: asyncio.Task[None] | None = None
        self._running: set[IncidentId] = set()
        self._stirred = asyncio.Event()
        self._rtsp: RtspServer | None = None
        wearers = engine.settings.wearers
        signs = (wearer.call_sign for wearer in wearers.values())
        self._known = frozenset({*engine.settings.live.officers, *wearers, *signs} - {""})

    # --- the host's side ---

    async def start(self) -> None:
        """Open what runs already, and follow what begins and ends."""
        self._host = asyncio.get_running_loop()
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        await self._over(self._listen())
        queue = self._engine.subscribe()
        for picture in list(self._engine.pictures.values()):
            self._match(picture)
        self._following = asyncio.create_task(self._follow(queue))

    async def stop(self) -> None:
        """End every picture."""
        if self._following is None or self._loop is None:
            return
        self._following.cancel()
        for incident in list(self._running):
            await self._over(self._close(incident))
        if self._rtsp is not None:
            await self._over(self._rtsp.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    async def view(
        self, incident: IncidentId, offer: str, gone: Callable[[], None]
    ) -> tuple[str, str]:
        """Let a browser watch: give the session's name and the answer to its offer.

        `gone` is called once, on the host's loop, when it watches no longer.

        Raises
        ------
        NoViewError
            There is no picture, too many watch, or the offer cannot be read.
        """
        host = asyncio.get_running_loop()

        def tell() -> None:
            host.call_soon_threadsafe(gone)

        return await self._over(self._view(incident, offer, tell))

    def want_key(self, name: str) -> None:
        """Ask for a key picture of an officer or a device, if he streams."""

        def ask() -> None:
            channel = self.find(name)
            if channel is not None:
                channel.want_key()

        if self._loop is not None:
            self._loop.call_soon_threadsafe(ask)

    def watches(self, incident: IncidentId, session: str) -> bool:
        """Whether a viewer is still there."""
        stage = self._stages.get(incident)
        return stage is not None and session in stage.viewers

    async def leave(self, incident: IncidentId, session: str) -> bool:
        """Let a viewer go; answer whether there was one."""
        return await self._over(self._leave(incident, session))

    async def _follow(self, queue: asyncio.Queue[Event]) -> None:
        try:
            while True:
                event = await queue.get()
                if event.kind == "picture" and event.picture is not None:
                    self._match(event.picture)
        finally:
            self._engine.unsubscribe(queue)

    def _match(self, picture: Picture) -> None:
        """Open the picture of an activation that runs, close that of one that is over."""
        incident = picture.incident
        runs = picture.ended_at is None and picture.phase is not Phase.CLOSED
        if runs and incident not in self._running:
            name = incident.partition(":")[0]
            if name not in self._engine.adapters.offering("open_live"):
                return
            self._running.add(incident)
            names = {picture.device, picture.officer.call_sign, picture.officer.name} - {""}
            self._send(self._open(name, incident, picture.device, frozenset(names)))
        elif not runs and incident in self._running:
            self._running.discard(incident)
            self._send(self._close(incident))

    def _changed(self, incident: IncidentId, status: Status) -> None:
        self.status[incident] = status
        if status.state is State.ENDED and incident not in self._running:
            self.status.pop(incident)
        self._engine.publish(Event("live", incident=incident))

    # --- between the loops ---

    def _run(self) -> None:
        loop = self._loop
        if loop is not None:
            asyncio.set_event_loop(loop)
            loop.run_forever()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _send(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        if self._loop is None:
            raise RuntimeError("the live room has not started")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _over(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(self._send(work))

    # --- the media loop's side ---

    async def _open(
        self, adapter: str, incident: IncidentId, device: DeviceId, names: frozenset[str]
    ) -> None:
        def changed(status: Status) -> None:
            if self._host is not None:
                self._host.call_soon_threadsafe(self._changed, incident, status)

        channel = Channel(changed)
        changed(channel.status)
        serving = asyncio.create_task(self._serve(adapter, incident, device, channel))
        self._stages[incident] = _Stage(channel, names, serving, {})
        self._stir()

    async def _close(self, incident: IncidentId) -> None:
        stage = self._stages.pop(incident, None)
        if stage is None:
            return
        stage.channel.become(State.ENDED)
        self._stir()
        stage.serving.cancel()
        leaving = [viewer.close() for viewer in list(stage.viewers.values())]
        await asyncio.gather(stage.serving, *leaving, return_exceptions=True)

    async def _view(
        self, incident: IncidentId, offer: str, gone: Callable[[], None]
    ) -> tuple[str, str]:
        stage = self._stages.get(incident)
        if stage is None:
            gone()
            raise NoViewError(Message(text="This camera gives no live picture."), 404)
        if len(stage.viewers) >= VIEWERS_MOST:
            gone()
            raise NoViewError(Message(text="Too many people watch this camera already."), 503)
        session = uuid4().hex

        def left() -> None:
            stage.viewers.pop(session, None)
            gone()

        viewer = stage.viewers[session] = Viewer(stage.channel, left)
        return session, await viewer.answer(offer)

    async def _leave(self, incident: IncidentId, session: str) -> bool:
        stage = self._stages.get(incident)
        viewer = stage.viewers.get(session) if stage else None
        if viewer is None:
            return False
        await viewer.close()
        return True

    # --- the VMS's side: rtsp.Switchboard ---

    def find(self, name: str) -> Channel | None:
        """Give the running channel of an officer or a device, the newest if he has two."""
        found = [each.channel for each in self._stages.values() if name in each.names]
        return found[-1] if found else None

    def knows(self, name: str) -> bool:
        """Whether that name has an address, streaming or not."""
        return name in self._known or self.find(name) is not None

    async def changed(self) -> None:
        """Wait until a channel opens or closes."""
        await self._stirred.wait()

    def note(self, name: str, peer: str, what: str) -> None:
        """Write in the register that a picture goes to the VMS, or goes there no longer."""
        detail = {"view": what, "address": peer}
        entry = Entry(kind=Operation.COMMUNICATION, who=self._engine.settings.live.username,
                      what=name, why=self._engine.say("live picture of an activation"),
                      detail=detail)  # fmt: skip
        if self._host is not None:
            asyncio.run_coroutine_threadsafe(self._engine.store.note(entry), self._host)

    def _stir(self) -> None:
        self._stirred.set()
        self._stirred = asyncio.Event()

    async def _listen(self) -> None:
        """Open the ports that the settings ask for."""
        live, settings = self._engine.settings.live, self._engine.settings
        options = Options(username=live.username, password=live.password, sound=live.sound,
                          still=live.still)  # fmt: skip
        if live.rtsp_port or live.rtsps_port:
            self._rtsp = RtspServer(self, options)
            if live.rtsp_port:
                await self._rtsp.listen(settings.host, live.rtsp_port)
            if live.rtsps_port and settings.certificate:
                tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                tls.load_cert_chain(settings.certificate, settings.certificate_key)
                await self._rtsp.listen(settings.host, live.rtsps_port, tls)

    async def _serve(
        self, adapter: str, incident: IncidentId, device: DeviceId, channel: Channel
    ) -> None:
        """Keep the source running while somebody watches, or may."""
        wait_s = FIRST_WAIT_S
        while True:
            if not channel.viewers and monotonic() - channel.left_at > UNWATCHED_S:
                channel.become(State.RESTING)
                await channel.watched.wait()
                channel.become(State.OPENING)
                wait_s = FIRST_WAIT_S
            fault = await self._once(adapter, incident, device, channel)
            if channel.status.state is State.SHOWING:
                wait_s = FIRST_WAIT_S  # it worked a moment ago
            if fault is not None:
                channel.lost(fault)
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _once(
        self, adapter: str, incident: IncidentId, device: DeviceId, channel: Channel
    ) -> Message | None:
        """Run the source until it breaks (say why), or nobody has watched it for long (None)."""
        try:
            source = await self._source(adapter, incident, device)
            broken = await _while_watched(source, channel)
        except AdapterError as error:
            return why(error)
        except Exception as error:
            log.warning("a live source failed", adapter=adapter, exc_info=True)
            return why(error)
        return Message(text="the source of the picture stopped") if broken else None

    async def _source(
        self, adapter: str, incident: IncidentId, device: DeviceId
    ) -> Callable[[Screen], Awaitable[None]]:
        ask = partial(
            self._engine.adapters.ask, adapter, "open_live",
            activation=ActivationId(incident), device=device,
        )  # fmt: skip
        live = await asyncio.to_thread(ask)
        if live is not None and not isinstance(live, Live):
            message = odd("open_live", live, "Live")
            raise AdapterError(message.text, **message.params)
        if live is None or live.run is None:
            raise Refused("this camera gives no live picture")
        return live.run


async def _while_watched(run: Callable[[Screen], Awaitable[None]], channel: Channel) -> bool:
    """Run a source; answer True when it stopped, False when it was stopped for want of viewers."""
    running = asyncio.ensure_future(run(channel))
    unwatched = asyncio.ensure_future(_unwatched(channel))
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


async def _unwatched(channel: Channel) -> None:
    while True:
        left_s = channel.left_at + UNWATCHED_S - monotonic()
        if not channel.viewers and left_s <= 0:
            return
        await asyncio.sleep(max(1.0, left_s))
