"""The world behind the simulator: account, tokens, cameras, alarms."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from cryptography.hazmat.primitives.asymmetric import rsa

_HOUSE = UUID("5c1b2f0e-3c55-4f4e-9b3d-8f4f6f0a1c11")
#: Wrong passwords in a row before the account is locked.
LOCK_AFTER = 5

PRODUCT = {"2023R2": "23.2.0.1", "2024R2": "24.2.0.1", "2025R1": "25.1.1804.1"}
#: Alarm states and priorities of a fresh installation, by level.
STATES = {1: "New", 4: "In progress", 9: "On hold", 11: "Closed"}
PRIORITIES = {1: "High", 2: "Medium", 3: "Low"}
CLOSE_REASONS = {1: "False alarm", 2: "Resolved"}


def guid(text: str) -> str:
    """Give the GUID of a thing, the same for the same name."""
    return str(uuid5(_HOUSE, text))


@dataclass(slots=True)
class Camera:
    """A camera and its hardware, as Management Client knows them."""

    id: str
    name: str
    lonlat: tuple[float, float] | None = None
    heading_deg: float | None = None
    fov_deg: float | None = None
    depth_m: float | None = None
    ptz: bool = False
    enabled: bool = True

    @property
    def hardware(self) -> str:
        """The GUID of the device this camera is a channel of."""
        return guid(f"hardware of {self.id}")


@dataclass(slots=True)
class Token:
    """An access token, until when it is good."""

    expires: float
    refresh: str = ""


@dataclass(slots=True)
class Alarm:
    """An alarm, and everything that was done to it."""

    id: str
    fields: dict[str, Any]
    history: list[dict[str, Any]] = field(default_factory=list)


class Site:
    """One simulated site. All its state; the protocol is in `idp`, `config` and `alarms`."""

    def __init__(
        self,
        *,
        cameras: Sequence[Camera],
        username: str,
        password: str,
        release: str = "2025R1",
        bodyworn: Sequence[tuple[str, ...]] = (),
        token_life_s: int = 3600,
        state: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        worn = [Camera(guid(f"body-worn {s}"), f"{name} ({s})") for s, name in bodyworn]
        self.cameras = {camera.id: camera for camera in [*cameras, *worn]}
        self.bodyworn = {s: guid(f"body-worn {s}") for s, _ in bodyworn}
        self.username, self.password = username, password
        self.release = release
        self.token_life_s = token_life_s
        self.clock = clock
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.tokens: dict[str, Token] = {}
        self.wrong = 0
        self.requests: Counter[str] = Counter()
        self.alarms: dict[str, Alarm] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self._state = state
        if state is not None and state.exists():
            kept = json.loads(state.read_text(encoding="utf-8"))
            self.alarms = {name: Alarm(name, **alarm) for name, alarm in kept.items()}

    @property
    def locked(self) -> bool:
        """Whether too many wrong passwords locked the account."""
        return self.wrong >= LOCK_AFTER

    def changed(self, alarm: Alarm, what: Mapping[str, Any]) -> None:
        """Note a change of an alarm in its history, and on disk where the state is kept."""
        alarm.history.append({"time": stamp(self.clock()), **what})
        if self._state is not None:
            kept = {
                each.id: {"fields": each.fields, "history": each.history}
                for each in self.alarms.values()
            }
            aside = self._state.with_suffix(".new")
            aside.write_text(json.dumps(kept), encoding="utf-8")
            os.replace(aside, self._state)


def new_guid() -> str:
    """Give a fresh GUID."""
    return str(uuid4())


def stamp(seconds: float) -> str:
    """Write a time as the maker does: seven decimals, Z."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def cameras_of(count: int) -> list[Camera]:
    """Make up a site around La Grande-Motte: every kind of half-filled form is there."""
    made = []
    for number in range(count):
        placed = number % 7 != 6
        made.append(
            Camera(
                guid(f"camera {number}"),
                f"Caméra {number + 1:03d}",
                lonlat=(4.075 + 0.0007 * (number % 40), 43.555 + 0.0006 * (number // 40))
                if placed
                else None,
                heading_deg=(37.0 * number) % 360 if number % 3 else None,
                fov_deg=62.0 if number % 3 else None,
                depth_m=60.0 if number % 3 else None,
                ptz=number % 4 == 1,
                enabled=number % 11 != 10,
            )
        )
    return made


def read_cameras(path: Path) -> list[Camera]:
    """Read the cameras of a town from a GeoJSON file; an `id` that is a GUID is kept."""
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    read = []
    for number, feature in enumerate(features):
        said, place = feature["properties"], feature.get("geometry")
        name = str(said.get("name") or f"Camera {number + 1}")
        read.append(
            Camera(
                _as_guid(said.get("vms_id") or said.get("id"), name),
                name,
                lonlat=tuple(place["coordinates"][:2]) if place else None,
                heading_deg=said.get("heading_deg"),
                fov_deg=said.get("fov_deg"),
                ptz=said.get("kind") == "ptz",
            )
        )
    return read


def _as_guid(text: object, name: str) -> str:
    try:
        return str(UUID(str(text).rpartition(":")[2]))
    except ValueError:
        return guid(f"camera {text or name}")
