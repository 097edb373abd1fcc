"""What tests of showing share: a picture of an officer in danger, cameras that see him."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from adapters.milestone import Milestone
from hooks import (
    Camera,
    CameraId,
    DeviceId,
    IncidentId,
    Officer,
    Phase,
    Picture,
    PixelClass,
    Position,
    Sighting,
    Situation,
    SourceKind,
    Trigger,
)
from tests.adapters.milestone.conftest import Running

PRESSED = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
SERIAL = "B8A44F00A001"
PICTURE = Picture(
    incident=IncidentId("axis:s1"), version=1, phase=Phase.NEW, opened_at=PRESSED,
    device=DeviceId(f"axis:{SERIAL}"), officer=Officer(call_sign="PM-214"),
    kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON,
    position=Position(lon=4.08, lat=43.56, accuracy_m=6),
    title="AGENT EN DANGER : PM-214, quai d'Honneur", text="Position : 43.56, 4.08, à 6 m près.",
)  # fmt: skip


def sighting(camera: str, **more: Any) -> Sighting:
    return Sighting(
        camera=Camera(id=CameraId(camera)), distance_m=30, bearing_deg=10, density_px_m=90,
        pixel_class=PixelClass.DISCERN, must_turn=False, share=1, **more,
    )  # fmt: skip


def seen_by(cameras: Sequence[str], **changes: Any) -> Picture:
    """Draw the picture as these cameras of XProtect see him, best first."""
    sightings = tuple(sighting(f"milestone:{each}") for each in cameras)
    near = Situation(sightings=sightings, near="quai d'Honneur")
    return replace(PICTURE, situation=near, **changes)


def closed(picture: Picture) -> Picture:
    return replace(
        picture, version=picture.version + 1, phase=Phase.CLOSED, closed_by="Durand",
        outcome="Résolu", text="Clos par Durand : résolu.",
    )  # fmt: skip


def settings_of(running: Running, **more: object) -> dict[str, object]:
    """Write the section for a simulated site."""
    worn = running.ready["bodyworn"].get(SERIAL)
    return {
        "url": running.url, "username": running.ready["username"],
        "password": running.ready["password"], "analytics_event": "no",
        "devices": {f"axis:{SERIAL}": worn} if worn else {},
        "fallback_camera": running.ready["cameras"][0], **more,
    }  # fmt: skip


def adapter_on(running: Running, **more: object) -> Milestone:
    """Configure the adapter on a simulated site."""
    adapter = Milestone()
    adapter.configure(settings_of(running, **more))
    return adapter
