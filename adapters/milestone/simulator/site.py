"""The world behind the simulator: accounts, cameras, event types, alarms, events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from adapters.milestone.simulator.accounts import Accounts
from adapters.milestone.simulator.hub import Hub
from adapters.milestone.simulator.inventory import Camera, guid
from adapters.milestone.simulator.store import Store

#: Releases played, and the version each one says it is.
VERSIONS = {"2023R2": "23.2.0.1", "2024R2": "24.2.0.1", "2025R1": "25.1.1804.0"}
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
    ) -> None:
        self.accounts, self.release, self.clock = accounts, release, clock
        self.cameras = {camera.id: camera for camera in cameras}
        self.requests: Counter[str] = Counter()
        self.forbidden: list[str] = []
        self.newest_first = True
        self.tasks: dict[str, float] = {}
        self.hub = Hub(clock)
        self._store = store
        self.alarms = {name: Alarm(name, **kept) for name, kept in store.load("alarm").items()}
        self.events = store.load("event")
        self.defined: dict[str, str] = store.load("userDefinedEvent") or {
            **BUILT_IN, guid("user-defined event"): "Renfort"
        }  # fmt: skip

    @property
    def version(self) -> str:
        """The product version this release says it is."""
        return VERSIONS[self.release]

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
        """Let an event happen now: it is stored, and pushed to those who subscribed to it."""
        event = {
            "id": str(uuid4()),
            "type": event_type,
            "source": source,
            "time": self.now(),
            **more,
        }
        self.events[event["id"]] = event
        self._store.put("event", event["id"], event)
        self.hub.publish(event)
        return event

    def define(self, identifier: str, name: str | None) -> None:
        """Create, rename or (None) delete a user-defined event."""
        if name is None:
            del self.defined[identifier]
            self._store.drop("userDefinedEvent", identifier)
        else:
            self.defined[identifier] = name
        for each in self.defined.items():
            self._store.put("userDefinedEvent", *each)

    def close(self) -> None:
        """Close what the site keeps open."""
        self._store.close()
