"""Where a live picture comes from, and what the law says of it: an officer's, or a fixed camera's.

Everything else that is live does not know which of the two it carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hooks import (
    ActivationId,
    AdapterError,
    Camera,
    CameraId,
    IncidentId,
    Live,
    Phase,
    Picture,
)
from vms_plugin.adapters import Adapters, odd
from vms_plugin.rights import Person, Right, sees


class Kind(StrEnum):
    """Whose picture it is."""

    OFFICER = "officer"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class Source:
    """One picture that can be fetched, once, whatever the number of viewers."""

    kind: Kind
    name: str  #: of the activation, or of the camera; the adapter's name before the colon
    hook: str = field(compare=False)
    facts: Mapping[str, Any] = field(compare=False, repr=False)  #: what the hook is asked about
    mute: bool = field(compare=False)
    #: What a maker refuses may become possible a moment after the press, or hardly ever.
    refused_wait_s: float = field(compare=False)
    camera: Camera | None = field(default=None, compare=False, repr=False)

    def open_to(self, person: Person) -> bool:
        """Whether the law lets somebody watch it (R241-12 II; R253-3 for the town's)."""
        if self.camera is not None:
            return sees(person, self.camera)
        return person.may(Right.BODY_WORN)

    @property
    def adapter(self) -> str:
        """Who is asked."""
        return self.name.partition(":")[0]

    def opened(self, adapters: Adapters) -> Live | None:
        """Ask the adapter where it comes from; blocks.

        Raises
        ------
        AdapterError
            It said why not, did not answer in time, or answered nonsense.
        """
        if self.adapter not in adapters.offering(self.hook):
            return None
        live = adapters.ask(self.adapter, self.hook, **self.facts)
        if live is not None and not isinstance(live, Live):
            message = odd(self.hook, live, "Live")
            raise AdapterError(message.text, **message.params)
        return live


def officer(picture: Picture, said: Mapping[str, str] | None = None) -> Source:
    """Give the picture of an officer's own camera."""
    facts = {"activation": ActivationId(picture.incident), "device": picture.device}
    return Source(
        kind=Kind.OFFICER, name=picture.incident, hook="open_live",
        facts={**facts, "said": dict(said or {})}, mute=False, refused_wait_s=0.25,
    )  # fmt: skip


def fixed(camera: Camera) -> Source:
    """Give the picture of one of the town's cameras, without its sound (CSI R253-1)."""
    return Source(
        kind=Kind.CAMERA, name=camera.id, hook="open_camera", facts={"camera": camera.id},
        mute=True, refused_wait_s=30.0, camera=camera,
    )  # fmt: skip


class Proposed:
    """The cameras that may be watched now, by the incident they are proposed for."""

    def __init__(self, communes: frozenset[str]) -> None:
        self._communes = communes
        self._cameras: dict[IncidentId, dict[CameraId, Camera]] = {}

    def learn(self, picture: Picture) -> bool:
        """Take a new picture; answer whether its incident is over, with all that was proposed.

        What was proposed stays so: an operator may hold a camera that the officer has walked past.
        Never one outside the communes of competence (CSI R253-3).
        """
        if picture.phase is Phase.CLOSED:
            return self._cameras.pop(picture.incident, None) is not None
        self._cameras.setdefault(picture.incident, {}).update(
            (each.camera.id, each.camera) for each in picture.situation.sightings
            if not self._communes or each.camera.commune in self._communes
        )  # fmt: skip
        return False

    def find(self, incident: IncidentId, camera: CameraId) -> Camera | None:
        """Give a camera, if it is proposed for an incident that is open."""
        return self._cameras.get(incident, {}).get(camera)
