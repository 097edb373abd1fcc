"""The live room: what may be watched now, by whom it is, and what goes to the VMS.

Media has a thread and a loop of its own: a picture never delays an alert. What is asked from the
host's loop goes over; what changes comes back.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from hooks import CameraId, IncidentId, Message, Phase, Picture
from vms_plugin.engine import Engine
from vms_plugin.events import Event, Follower
from vms_plugin.live.channel import Channel, State, Status
from vms_plugin.live.rtsp import RtspServer
from vms_plugin.live.rtsp_session import Options
from vms_plugin.live.source import Kind, Proposed, Source, fixed, officer
from vms_plugin.live.stage import Stage
from vms_plugin.live.viewer import NoViewError, Viewer
from vms_plugin.register import Entry, Operation
from vms_plugin.viewings import new_name

_T = TypeVar("_T")

#: Operators detect less with more pictures before them (74 % with four, 53 % with nine).
CAMERAS_A_PAGE = 4
#: Fixed cameras fetched at once, for all pages together: each costs a recorder a stream.
CAMERAS_MOST = 16


def _(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


NO_PICTURE = Message(text="This camera gives no live picture.")
OVER = Message(text="Incident closed: no live picture.")
UNWRITTEN = Message(text="The register cannot be written: nobody sees the picture without it.")
_NO_RTSP = _("the VMS gets no officer's picture from Renfort: port {port} cannot be opened")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _View:
    """Somebody who watches: what, for which incident, on which page."""

    stage: Stage
    incident: IncidentId
    page: str
    viewer: Viewer


class Relay:
    """Every live picture. Made and asked on the host's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.status: dict[Source, Status] = {}
        self._stages: dict[Source, Stage] = {}  # these two are the media loop's
        self._views: dict[str, _View] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._host: asyncio.AbstractEventLoop | None = None
        self._following: asyncio.Task[None] | None = None
        self._running: dict[IncidentId, Source] = {}
        self._proposed = Proposed(engine.settings.communes)
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
        follower = self._engine.subscribe()
        for picture in list(self._engine.pictures.values()):
            self._match(picture)
        self._following = asyncio.create_task(self._follow(follower))

    async def stop(self) -> None:
        """End every picture."""
        if self._following is None or self._loop is None:
            return
        self._following.cancel()
        self._following = None
        await self._over(self._end())
        if self._rtsp is not None:
            await self._over(self._rtsp.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    def officer(self, incident: IncidentId) -> Source | None:
        """Give the officer's picture, while his activation runs."""
        return self._running.get(incident)

    def camera(self, incident: IncidentId, camera: CameraId) -> Source | None:
        """Give a fixed camera's picture, while an incident is open for which it is proposed."""
        found = self._proposed.find(incident, camera)
        return None if found is None else fixed(found)

    async def view(
        self, source: Source, incident: IncidentId, offer: str, gone: Callable[[], None],
        page: str = "",
    ) -> tuple[str, str]:  # fmt: skip
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

        return await self._over(self._view(source, incident, page, offer, tell))

    def want_key(self, name: str) -> None:
        """Ask for a key picture of an officer or a device, if he streams."""

        def ask() -> None:
            channel = self.find(name)
            if channel is not None:
                channel.want_key()

        if self._loop is not None:
            self._loop.call_soon_threadsafe(ask)

    def watches(self, session: str) -> bool:
        """Whether a viewer is still there."""
        return session in self._views

    async def leave(self, session: str) -> bool:
        """Let a viewer go; answer whether there was one."""
        return await self._over(self._leave(session))

    async def _follow(self, follower: Follower) -> None:
        try:
            while True:
                event = await follower.get()
                if event.kind == "picture" and event.picture is not None:
                    self._match(event.picture)
        except Exception:
            # Unwatched, an end that nobody follows leaves an officer's picture on.
            log.exception("the live room lost the thread; the host stops with it")
            self._engine.broken.set()
        finally:
            self._engine.unsubscribe(follower)

    def _match(self, picture: Picture) -> None:
        """Open the picture of an activation that runs; close what an incident allowed no longer."""
        incident = picture.incident
        over = self._proposed.learn(picture)
        runs = picture.ended_at is None and picture.phase is not Phase.CLOSED
        running = self._running.get(incident)
        if runs and running is None:
            source = officer(picture, self._said(incident))
            if source.adapter in self._engine.adapters.offering(source.hook):
                self._running[incident] = source
                names = {picture.device, picture.officer.call_sign, picture.officer.name} - {""}
                self._send(self._open(source, incident, frozenset(names)))
        elif not runs and running is not None:
            del self._running[incident]
            self._send(self._close(running, incident))
        if over:
            self._send(self._close_all(incident))

    def _said(self, incident: IncidentId) -> Mapping[str, str]:
        """Give what the maker said of the activation, that the adapter may need again."""
        known = self._engine.board.incidents.get(incident)
        tellings = known.activations if known else ()
        return {name: text for each in reversed(tellings) for name, text in each.extra.items()}

    def _changed(self, source: Source, status: Status) -> None:
        self.status[source] = status
        if status.state is State.ENDED and self._running.get(IncidentId(source.name)) != source:
            self.status.pop(source)
        if source.kind is Kind.CAMERA:
            self._engine.publish(Event("cctv", source=source))
        else:
            self._engine.publish(Event("live", incident=IncidentId(source.name), source=source))

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
        self, source: Source, incident: IncidentId, names: frozenset[str] = frozenset()
    ) -> Stage:
        """Put a picture on stage, or find it there."""
        stage = self._stages.get(source)
        if stage is None:

            def changed(status: Status) -> None:
                if self._host is not None:
                    self._host.call_soon_threadsafe(self._changed, source, status)

            stage = self._stages[source] = Stage(source, self._engine.adapters, changed)
            stage.names = names
            self._stir()
        stage.incidents.add(incident)
        return stage

    async def _close(self, source: Source, incident: IncidentId) -> None:
        """End what an incident allowed; another one may still allow the same picture."""
        stage = self._stages.get(source)
        if stage is None:
            return
        stage.incidents.discard(incident)
        if stage.incidents:
            theirs = [each for each in self._views.values()
                      if each.stage is stage and each.incident == incident]  # fmt: skip
            await asyncio.gather(*(each.viewer.close() for each in theirs))
            return
        del self._stages[source]
        self._stir()
        await stage.close()

    async def _end(self) -> None:
        stages, self._stages = list(self._stages.values()), {}
        await asyncio.gather(*(stage.close() for stage in stages))

    async def _close_all(self, incident: IncidentId) -> None:
        allowed = [source for source, stage in self._stages.items() if incident in stage.incidents]
        await asyncio.gather(*(self._close(source, incident) for source in allowed))

    async def _view(
        self, source: Source, incident: IncidentId, page: str, offer: str, gone: Callable[[], None]
    ) -> tuple[str, str]:
        session = uuid4().hex

        def left() -> None:
            self._views.pop(session, None)
            gone()

        try:
            stage = await self._admitting(source, incident, page)
            viewer = stage.admit(session, left)
        except NoViewError:
            gone()
            raise
        self._views[session] = _View(stage, incident, page, viewer)
        try:
            return session, await viewer.answer(offer)
        except BaseException:
            await viewer.close()  # also when whoever asked waits no longer
            raise

    async def _admitting(self, source: Source, incident: IncidentId, page: str) -> Stage:
        """Find the stage where one more may watch; a camera's is opened by whoever comes first."""
        if source.kind is Kind.OFFICER:
            found = self._stages.get(source)
            if found is None:
                raise NoViewError(NO_PICTURE, 404)
            return found
        if self._proposed.find(incident, CameraId(source.name)) is None:
            raise NoViewError(OVER, 404)  # while this came across
        cameras = [each for each in self._views.values() if each.stage.source.kind is source.kind]
        if sum(each.page == page for each in cameras) >= CAMERAS_A_PAGE:
            why = Message(text="A page shows {most} cameras at most.",
                          params={"most": CAMERAS_A_PAGE})  # fmt: skip
            raise NoViewError(why, 503)
        watched = {each.stage.source for each in cameras}
        if source not in watched and len(watched) >= CAMERAS_MOST:
            raise NoViewError(Message(text="Too many cameras are watched already."), 503)
        return await self._open(source, incident)

    async def _leave(self, session: str) -> bool:
        view = self._views.get(session)
        if view is None:
            return False
        await view.viewer.close()
        return True

    # --- the VMS's side: rtsp_session.Switchboard ---

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

    @asynccontextmanager
    async def on_record(self, name: str, peer: str) -> AsyncIterator[None]:
        """Write in the register that a picture goes to the VMS, and then that it does no longer."""
        host, viewings, viewing = self._host, self._engine.viewings, new_name()
        if host is None:
            raise RuntimeError("the live room has not started")
        entry = Entry(kind=Operation.COMMUNICATION, who=self._engine.settings.live.username,
                      what=name, why=self._engine.say("live picture of an activation"),
                      detail={"address": peer})  # fmt: skip
        opened = asyncio.run_coroutine_threadsafe(viewings.open(viewing, entry), host)
        try:
            await asyncio.wrap_future(opened)
            yield
        finally:
            host.call_soon_threadsafe(viewings.close, viewing)

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
                await self._listen_at(self._rtsp, live.rtsp_port)
            if live.rtsps_port and settings.certificate:
                await self._listen_at(self._rtsp, live.rtsps_port, secure=True)

    async def _listen_at(self, rtsp: RtspServer, port: int, *, secure: bool = False) -> None:
        """Open a port; one that cannot be is said to the room, which goes on without it."""
        settings, tls = self._engine.settings, None
        try:
            if secure:
                tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                tls.load_cert_chain(settings.certificate or "", settings.certificate_key)
            await rtsp.listen(settings.host, port, tls)
        except OSError as error:
            log.warning("the RTSP port cannot be opened", port=port, why=str(error))
            self._engine.notes.append(Message(text=_NO_RTSP, params={"port": port}))
