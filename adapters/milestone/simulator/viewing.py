"""WebRTC sessions: who watches which camera, until his token lapses."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from adapters.milestone.simulator import ptz
from adapters.milestone.simulator.accounts import Token
from adapters.milestone.simulator.film import Film
from adapters.milestone.simulator.hardware import stream_id
from adapters.milestone.simulator.inventory import Camera
from adapters.milestone.simulator.peer import Peer
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.site import Site

#: How often a session's token is looked at; how long it waits for an answer (both assumed).
LOOK_S, PATIENCE_S = 0.25, 30.0
_STEPS = {"up": (0, 1), "down": (0, -1), "left": (-1, 0), "right": (1, 0)}


class Unviewable(Exception):
    """The camera cannot be watched: the status and the text of the refusal."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass
class Session:
    """One viewer of one camera."""

    id: str
    camera: str
    token: Token
    peer: Peer
    offer: str
    asked: Mapping[str, Any]
    answer: str = ""
    closer: Callable[[], None] | None = None
    watching: asyncio.Task[None] | None = None


class Sessions:
    """All of them; each ends by itself."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._open: dict[str, Session] = {}
        self._films: dict[str, Film] = {}
        self._cutting: set[asyncio.Future[None]] = set()

    def find(self, identifier: str) -> Session | None:
        """Find a session that goes on."""
        return self._open.get(identifier)

    def listed(self) -> list[dict[str, str]]:
        """Say who watches what, for our own controls."""
        return [{"id": each.id, "camera": each.camera} for each in self._open.values()]

    async def begin(
        self, device: str, token: Token, *, stream: str = "", sound: bool, asked: Mapping[str, Any]
    ) -> Session:
        """Begin: the gateway makes the offer. `Unviewable`: the camera cannot be watched."""
        site, camera = self._site, self._viewable(device, stream)
        film = self._films.setdefault(camera.id, Film(zlib.crc32(camera.id.encode())))
        peer = Peer(film, lambda command: _command(site, camera, command))
        offer = await peer.offer(
            sound=sound and site.has(Feature.WEBRTC_AUDIO),
            commands=site.has(Feature.WEBRTC_SOCKET),
        )
        session = Session(str(uuid4()), camera.id, token, peer, offer, asked)
        session.closer = lambda: self._cut(session)
        site.hub.closers.add(session.closer)
        self._open[session.id] = session
        session.watching = asyncio.create_task(self._until_over(session))
        return session

    def _viewable(self, device: str, stream: str) -> Camera:
        camera = self._site.cameras.get(device.lower())
        if camera is None or not camera.enabled:
            raise Unviewable(404, f"Device not found. cameras/{device}")
        if stream and stream.upper() != stream_id(camera.id):
            raise Unviewable(400, f"Stream not found. {stream}")
        if camera.masked:
            raise Unviewable(403, "Privacy masking is enabled on the device.")
        if camera.codec != "H264":
            raise Unviewable(400, f"The codec is not supported: {camera.codec}")
        if not camera.online:
            raise Unviewable(500, "The device is not responding.")
        return camera

    async def end(self, session: Session) -> None:
        """End a session."""
        if self._open.pop(session.id, None) is None:
            return
        if session.closer is not None:
            self._site.hub.closers.discard(session.closer)
        await session.peer.close()

    def _cut(self, session: Session) -> None:
        """End a session soon: the gateway that held it is recycled."""
        task = asyncio.ensure_future(self.end(session))
        self._cutting.add(task)
        task.add_done_callback(self._cutting.discard)

    async def end_all(self) -> None:
        """End every session, as a gateway that is recycled does."""
        for session in list(self._open.values()):
            await self.end(session)
            if session.watching is not None:
                session.watching.cancel()
                with suppress(asyncio.CancelledError):
                    await session.watching

    async def _until_over(self, session: Session) -> None:
        began = asyncio.get_running_loop().time()
        while session.id in self._open:
            await asyncio.sleep(LOOK_S)
            late = asyncio.get_running_loop().time() - began > PATIENCE_S
            lapsed = session.token.expires <= self._site.clock()
            camera = self._site.cameras[session.camera]
            gone = camera.masked or not (camera.enabled and camera.online)
            if lapsed or gone or session.peer.over or (late and not session.answer):
                await self.end(session)


def _command(site: Site, camera: Camera, command: dict[str, Any]) -> dict[str, Any]:
    """Obey a command of the data channel: `ptzMove` by steps, `setAux`."""
    method, params = command["method"], command["params"]
    answer = {"ApiVersion": "1.0", "type": "response", "method": method}
    if method == "setAux":
        return answer
    if method != "ptzMove" or not camera.ptz:
        return {**answer, "type": "error"}
    held = ptz.holder(site, camera.id)
    if held is not None and held.user != site.accounts.username:
        return {**answer, "type": "error"}
    words = str(params["direction"])
    if words == "home":
        camera.aim = (0.0, 0.0, 0.0)
        return answer
    steps = [step for name, step in _STEPS.items() if name in words.lower()]
    pan, tilt, zoom = camera.aim
    camera.aim = (
        max(-1.0, min(1.0, pan + 0.05 * sum(x for x, _ in steps))),
        max(-1.0, min(1.0, tilt + 0.05 * sum(y for _, y in steps))),
        zoom,
    )
    return answer
