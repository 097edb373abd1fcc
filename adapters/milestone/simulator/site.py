"""The world behind the simulator: accounts, cameras, event types, alarms, events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from adapters.milestone.simulator.accounts import Accounts
from adapters.milestone.simulator.hub import Hub
from adapters.milestone.simulator.inventory import (
    Camera,
    Hardware,
    guid,
    make_hardware,
    recorder_ids,
)
from adapters.milestone.simulator.licence import Licence
from adapters.milestone.simulator.releases import RELEASES, Feature
from adapters.milestone.simulator.shelf import Shelf
from adapters.milestone.simulator.store import Store

#: Comes with the server; the maker's sample passes over these three.
BUILT_IN = {
    "85867627-b287-4439-9e55-a63701e1715b": "Built-in event 1",
    "77b1e70d-ba8d-4bb8-9ee8-43b09746d82a": "Built-in event 2",
    "7605f8b0-7f5f-4432-b223-0bb2dc3f1f5c": "Built-in event 3",
}


@dataclass(slots=True)
class Alarm:
    """An alarm, and everything that was done to it."""

    id: str
    fields: dict[str, Any]
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Task:
    """A task started: until when it runs, what it gives, or why it failed."""

    started: float
    ends: float
    gives: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(slots=True)
class Hold:
    """Who holds a PTZ camera, with which priority, until when; a patrol is one who holds."""

    user: str
    priority: int
    until: float


class Site:
    """One simulated site: all its state. The protocol is in the modules beside."""

    def __init__(
        self,
        *,
        cameras: Sequence[Camera],
        accounts: Accounts,
        release: str,
        store: Store,
        clock: Callable[[], float],
        licence: Licence | None = None,
        recorders: int = 1,
    ) -> None:
        self.accounts, self.clock = accounts, clock
        self.release = RELEASES[release]
        self.licence = licence or Licence()
        self.recorders = recorder_ids(recorders)
        self.cameras = {camera.id: camera for camera in cameras}
        self.hardware: dict[str, Hardware] = make_hardware(list(cameras), self.recorders)
        for name, kept in store.load("hardware").items():
            self.hardware[name] = Hardware(**kept)
        for name, kept in store.load("camera").items():
            kept["place"] = tuple(kept["place"]) if kept["place"] else None
            self.cameras[name] = Camera(**kept)
        self._inside: dict[str, list[Camera]] = {}
        for camera in self.cameras.values():
            self._inside.setdefault(camera.hardware, []).append(camera)
        self.shelf = Shelf(store)
        #: Who holds which PTZ camera; and the priority of our own account (a role's setting).
        self.holds: dict[str, Hold] = {}
        self.ptz_priority = 100
        self.spelling: dict[str, dict[str, str]] = {}
        #: With which status an unknown device is answered: both were seen.
        self.not_found = 404
        #: Whether event types are kept any days at all: a site may have 0, and then lists nothing.
        self.retains = True
        self.task_lasts_s, self.task_error = 0.2, ""
        self.form_numbers: set[int] = {0}
        self.requests: Counter[str] = Counter()
        self.forbidden: list[str] = []
        self.newest_first = True
        self.tasks: dict[str, Task] = {}
        #: VMS tokens of the SOAP world, and until when; what each Matrix shows, newest first.
        self.vms_tokens: dict[str, float] = {}
        self.matrix: dict[str, list[str]] = {guid(f"matrix {each}"): [] for each in (1, 2)}
        self.hub = Hub(clock)
        self._store = store
        self.alarms = {name: Alarm(name, **kept) for name, kept in store.load("alarm").items()}
        self.events = store.load("event")

    @property
    def version(self) -> str:
        """The product version this release says it is."""
        return self.release.version

    def has(self, feature: Feature) -> bool:
        """Tell whether this release offers it."""
        return self.release.has(feature)

    def now(self) -> str:
        """Write the time as the maker does: seven decimals, Z."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")

    def note(self, alarm: Alarm, what: Mapping[str, Any]) -> None:
        """Keep an alarm that was created or changed, with what was done in its history."""
        self.alarms[alarm.id] = alarm
        alarm.history.append({"time": self.now(), "userName": self.accounts.username, **what})
        self._store.put("alarm", alarm.id, {"fields": alarm.fields, "history": alarm.history})

    def forget(self, alarm: str) -> None:
        """Delete an alarm, as the retention of alarms or an administrator does."""
        del self.alarms[alarm]
        self._store.drop("alarm", alarm)

    def happen(self, event_type: str, source: str, **more: Any) -> dict[str, Any]:
        """Let an event happen now: it is stored, where types are, and pushed."""
        event = {
            "id": str(uuid4()),
            "type": event_type,
            "source": source,
            "time": self.now(),
            **more,
        }
        if self.retains:
            self.events[event["id"]] = event
            self._store.put("event", event["id"], event)
        self.hub.publish(event)
        return event

    @property
    def defined(self) -> dict[str, str]:
        """The user-defined events, by identifier; what each is called."""
        return {each.id: each.fields["name"] for each in self.shelf.of("userDefinedEvents")}

    def cameras_of(self, hardware: str) -> list[Camera]:
        """List the cameras a device carries."""
        return self._inside.get(hardware, [])

    def add_hardware(self, device: Hardware, cameras: Sequence[Camera]) -> None:
        """Add a device with its cameras, as a recording server that found it does."""
        self.hardware[device.id] = device
        self.cameras |= {camera.id: camera for camera in cameras}
        self._inside[device.id] = list(cameras)
        self._store.put("hardware", device.id, asdict(device))
        for camera in cameras:
            self.keep_camera(camera)

    def keep_hardware(self, device: Hardware) -> None:
        """Keep a device that was changed."""
        self._store.put("hardware", device.id, asdict(device))

    def keep_camera(self, camera: Camera) -> None:
        """Keep a camera that was changed, or came with new hardware."""
        self._store.put("camera", camera.id, asdict(camera))

    def close(self) -> None:
        """Close what the site keeps open."""
        self._store.close()
