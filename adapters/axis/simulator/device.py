"""The world behind the simulator: cameras, who wears them, what is streaming, who listens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from adapters.axis.simulator.digest import Doorman
from adapters.axis.simulator.scene import Scene

#: Observed spelling of the topic in notifications (its last element carries no prefix).
TOPIC = "tns1:WebRTC/tnsaxis:Signaling/CloudEvent"
#: A `wssession` token lives that long (VAPIX, event streaming over WebSocket).
SESSION_S = 15.0

_HOUSE = UUID("6b1d1a34-8f43-4c6e-9d6b-0d6a4a7d2f10")


@dataclass(slots=True)
class Camera:
    """A body-worn camera as `getTargets` lists it."""

    serial: str
    wearer: str
    session: str = ""
    started: str = ""
    stopped: str = ""
    disconnected: str = ""
    recording: str = ""  #: `<date>_<time>_<id>`: what it calls what it records
    pressed_at: datetime | None = None
    place: tuple[float, float] | None = None  #: longitude, latitude of the last press
    scene: Scene = field(default_factory=Scene)

    @property
    def bearer(self) -> str:
        """The wearer's UUID, always the same for the same wearer."""
        return str(uuid5(_HOUSE, self.wearer))

    def target(self) -> dict[str, str]:
        """Write it as `getTargets` does: a member that has no value is absent."""
        listed = {
            "id": self.serial, "bearerId": self.bearer, "bearerName": self.wearer,
            "sessionId": self.session, "started": self.started, "stopped": self.stopped,
            "disconnected": self.disconnected,
        }  # fmt: skip
        return {name: value for name, value in listed.items() if value}


class Viewer(Protocol):
    """A signalling socket, and the peers it led to."""

    async def end(self, serial: str) -> None:
        """Let the peers of a camera go."""

    async def cut(self) -> None:
        """Close the socket."""


@dataclass(eq=False, slots=True)
class Socket:
    """An open event socket: what it asked for, what waits to be sent. None closes it."""

    filters: list[tuple[str, ...]] = field(default_factory=list)
    outbox: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)
    sent_at: datetime | None = None  #: when the last frame went out


class Device:
    """One simulated device. All its state; the protocol is in `vapix`."""

    def __init__(
        self,
        *,
        officers: Mapping[str, str],
        username: str,
        password: str,
        apps: tuple[str, ...],
        clock: Callable[[], float] = time.monotonic,
        one_lens: bool = False,
    ) -> None:
        lens = Scene()
        self.cameras = {
            serial: Camera(serial, name, scene=lens if one_lens else Scene(number))
            for number, (serial, name) in enumerate(officers.items())
        }
        self.apps = apps
        self.clock = clock
        self.doorman = Doorman(username, password, clock)
        self.system = str(uuid5(_HOUSE, "body worn system"))
        self.skew = timedelta(0)
        self.muted = False
        self.refusing: tuple[float, int] = (0.0, 503)  # until when, with which status
        self.sockets: set[Socket] = set()
        self.viewers: set[Viewer] = set()
        self.turn: list[dict[str, Any]] = []  # what initSession answers as turnServers
        self.requests: Counter[str] = Counter()
        self._tokens: dict[str, float] = {}
        self._later: set[asyncio.Task[None]] = set()

    # --- time and doors ---

    def now(self) -> datetime:
        """Read the device's clock, wrong by `skew`."""
        return datetime.now(UTC) + self.skew

    def refusal(self) -> int | None:
        """Give the status with which everything is refused now, if anything is."""
        until, status = self.refusing
        return status if self.clock() < until else None

    def new_token(self) -> str:
        """Issue a `wssession` token."""
        token = uuid4().hex
        self._tokens[token] = self.clock()
        return token

    def takes_token(self, token: str) -> bool:
        """Whether a `wssession` token is one of ours and young enough."""
        issued = self._tokens.get(token)
        return issued is not None and self.clock() - issued <= SESSION_S

    # --- what happens ---

    def press(self, serial: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Let a wearer press: the camera streams, and an event says so."""
        camera = self.cameras[serial]
        if order.get("bearerName"):
            camera.wearer = str(order["bearerName"])
        camera.session, camera.started = str(uuid4()), _stamp(self.now())
        camera.stopped = camera.disconnected = ""
        camera.pressed_at, camera.recording = self.now(), _stem(camera.session)
        camera.place = (order["lon"], order["lat"]) if "lat" in order and "lon" in order else None
        camera.scene.held = False
        data = {**self._stream(camera), "triggerType": order.get("triggerType", "button"),
                **_place(order, self.now())}  # fmt: skip
        return self._announce("com.axis.bodyworn.stream.started", camera, data, order)

    def release(self, serial: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Let a wearer stop streaming."""
        camera = self.cameras[serial]
        camera.stopped = _stamp(self.now())
        for viewer in list(self.viewers):
            self._soon(viewer.end(serial))
        data = {**self._stream(camera), **_place(order, self.now())}
        return self._announce("com.axis.bodyworn.stream.stopped", camera, data, order)

    def lose(self, serial: str) -> None:
        """Let a camera leave coverage: no event, `disconnected` in its target."""
        camera = self.cameras[serial]
        camera.disconnected, camera.scene.held = _stamp(self.now()), True

    def find(self, serial: str) -> None:
        """Let it come back, in the same session."""
        camera = self.cameras[serial]
        camera.disconnected, camera.scene.held = "", False

    def scene(self, serial: str, session: str) -> Scene:
        """Give what a camera films in the session that runs; `KeyError` when it does not."""
        camera = self.cameras[serial]
        if not camera.session or camera.session != session or camera.stopped:
            raise KeyError(f"{serial} does not stream in session {session}")
        return camera.scene

    def cut(self) -> int:
        """Cut every signalling socket, and the pictures with them: the server restarts."""
        viewers = list(self.viewers)
        for viewer in viewers:
            self._soon(viewer.cut())
        return len(viewers)

    def _stream(self, camera: Camera) -> dict[str, Any]:
        return {
            "bearerId": camera.bearer, "bearerName": camera.wearer, "systemId": self.system,
            "sessionId": camera.session,
            "recordingId": f"{camera.recording or _stem(camera.session)}_{camera.serial}",
        }  # fmt: skip

    def _announce(
        self, kind: str, camera: Camera, data: Mapping[str, Any], order: Mapping[str, Any]
    ) -> dict[str, Any]:
        event = {
            "id": str(uuid4()), "source": "target", "specversion": "1.0", "type": kind,
            "datacontenttype": "application/json", "dataschema": "com/axis/bodyworn/stream@v1.0.0",
            "subject": camera.serial, "time": str(order.get("time") or _stamp(self.now())),
            "data": dict(data),
        }  # fmt: skip
        times = 2 if order.get("duplicate") else 1
        if order.get("deliver", True):
            delay_s = float(order.get("delay_s", 0))
            if delay_s:
                self._in(delay_s, event, times)
            else:
                for _ in range(times):
                    self.notify(event)
        return {
            "serial": camera.serial, "sessionId": camera.session, "eventId": event["id"],
        }  # fmt: skip

    def _in(self, delay_s: float, event: Mapping[str, Any], times: int) -> None:
        async def later() -> None:
            await asyncio.sleep(delay_s)
            for _ in range(times):
                self.notify(event)

        self._soon(later())

    def _soon(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # --- telling ---

    def notify(self, event: Mapping[str, Any]) -> None:
        """Send a CloudEvent to every socket whose filters let it pass, once per filter."""
        frame = json.dumps(
            {
                "apiVersion": "1.0",
                "method": "events:notify",
                "params": {
                    "notification": {
                        "topic": TOPIC,
                        "timestamp": int(self.now().timestamp() * 1000),
                        "message": {
                            "data": {"event": json.dumps(event), "eventType": event.get("type")}
                        },
                    }
                },
            }
        )
        if not self.muted:
            for socket in self.sockets:
                for wanted in socket.filters:
                    if passes(wanted):
                        socket.outbox.put_nowait(frame)

    def send_raw(self, text: str) -> None:
        """Send anything at all to every socket."""
        for socket in self.sockets:
            socket.outbox.put_nowait(text)

    async def sent(self) -> datetime:
        """Wait until what was told has left, and say when; now, if there is nobody to tell."""
        sockets = [socket for socket in self.sockets if socket.outbox.qsize()]
        for socket in sockets:
            with contextlib.suppress(TimeoutError):  # a client that reads nothing
                await asyncio.wait_for(socket.outbox.join(), 0.5)
        moments = [socket.sent_at for socket in sockets if socket.sent_at]
        return min(moments, default=datetime.now(UTC))

    def drop(self) -> int:
        """Cut every event socket."""
        sockets = list(self.sockets)
        for socket in sockets:
            socket.outbox.put_nowait(None)
        return len(sockets)


def topic_filter(text: str) -> tuple[str, ...]:
    """Read a topic filter; namespaces of elements do not count, `//.` matches what follows."""
    return tuple(part.rpartition(":")[2] for part in text.split("/"))


def passes(wanted: tuple[str, ...]) -> bool:
    """Whether our one topic passes a filter; an empty filter lets everything pass."""
    topic = topic_filter(TOPIC)
    if not any(wanted):
        return True
    if wanted[-2:] == ("", "."):
        return topic[: len(wanted) - 2] == wanted[:-2]
    return topic == wanted


def _place(order: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Write the position; without one, zeros all over (both recorded samples)."""
    if "lat" not in order or "lon" not in order:
        return {"lat": 0.0, "lon": 0.0, "eph": 0.0, "gpsTimestamp": 0}
    return {
        "lat": order["lat"], "lon": order["lon"], "eph": order.get("eph", 6.5),
        "gpsTimestamp": order.get("gpsTimestamp", int(now.timestamp())),
    }  # fmt: skip


def _stem(session: str) -> str:
    """Name a recording, in the camera's local time, which may be earlier than the stream's."""
    local = datetime.now(ZoneInfo("Europe/Paris"))
    return f"{local:%Y%m%d_%H%M%S}_{session[:4].upper()}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
