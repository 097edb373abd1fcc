"""What comes in: things that happened, as an adapter tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hooks._values import OpenEnum, require_aware
from hooks.basics import ActivationId, CameraId, CrewId, DeviceId, FactId, IncidentId, Position
from hooks.town import CrewStatus, Means


class SourceKind(OpenEnum):
    """What wears the camera. Vehicles and drones: no automatic correlation (L243-3, L242-4)."""

    BODY_WORN = "body_worn"
    VEHICLE = "vehicle"
    DRONE = "drone"
    RADIO = "radio"  # a distress call without a camera
    UNKNOWN = "unknown"


class Trigger(OpenEnum):
    """What started the activation."""

    BUTTON = "button"
    FALL = "fall"
    REMOTE = "remote"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Who wears the camera, as the maker says it. Everything may be unknown."""

    id: str = ""  #: the maker's own identifier of the wearer
    call_sign: str = ""  #: shown to everyone; the name is shown to those entitled (R241-12)
    name: str = ""
    crew: CrewId | None = None  #: his own crew, which is not his reinforcement


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened, once. The same id twice is the same fact, heard twice.

    `id` comes from the maker's own identifier wherever there is one. `at` is the time of the
    thing itself, not of its hearing: facts may arrive late, doubled and out of order, and the
    incident is the same.
    """

    id: FactId
    at: datetime

    def __post_init__(self) -> None:
        require_aware("at", self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation(Fact):
    """An officer's device started streaming on his own act: an incident opens."""

    activation: ActivationId  #: the maker's session
    device: DeviceId  #: the camera, usually its serial number
    officer: Officer = field(default_factory=Officer)
    kind: SourceKind = SourceKind.BODY_WORN
    trigger: Trigger = Trigger.UNKNOWN
    position: Position | None = None
    exercise: bool = False  #: a drill, marked as such everywhere
    extra: Mapping[str, str] = field(default_factory=dict)  #: what the maker says besides


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix(Fact):
    """The device is here. Without `activation`, it belongs to whatever its device is living."""

    device: DeviceId
    position: Position
    activation: ActivationId | None = None


class EndReason(OpenEnum):
    """Why an activation is over."""

    STOPPED = "stopped"  # the wearer, or his device, stopped it
    MISSING = "missing"  # the maker no longer lists it: the end itself was not heard
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Fact):
    """The activation is over. The incident is not: people close it."""

    activation: ActivationId
    device: DeviceId
    reason: EndReason = EndReason.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange(Fact):
    """The device lost, or found again, its link. A lost link ends nothing."""

    activation: ActivationId
    device: DeviceId
    up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveList(Fact):
    """All the activations the maker says are running at `at`: what it omits has ended.

    Sent after each reconnection, so that an end during an outage is not missed either.
    """

    active: tuple[ActivationId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewFix(Fact):
    """What is newly known of a crew. None says nothing: the last known value stays."""

    crew: CrewId
    name: str | None = None
    position: Position | None = None
    status: CrewStatus | None = None
    means: Means | None = None
    members: tuple[str, ...] | None = None
    stale_after_s: float | None = None  #: how long a position of this source stands for now


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraState(Fact):
    """A fixed camera answers, or does not: a dead one is no tile. Not journaled: newest counts."""

    camera: CameraId
    alive: bool


# --- What people, or another system, say elsewhere of an incident of ours ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere(Fact):
    """Said in another system (the VMS, a hypervisor) of an incident that it was shown.

    Tell only what was done there by others: a change that `show` made itself, told back, would go
    round for ever. About an incident that the host does not know, it is dropped.
    """

    incident: IncidentId
    by: str  #: who, as that system names him; the system itself when it names nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedElsewhere(Elsewhere):
    """Another system confirms that it has the alert. Nobody has taken it in charge by that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedElsewhere(Elsewhere):
    """Another system answers that it could not use what it was told of the incident."""

    why: str = ""  #: its own words, for a person to read


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenElsewhere(Elsewhere):
    """Somebody took it in charge there: an operator acknowledged the alarm in the VMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedElsewhere(Elsewhere):
    """Somebody closed it there."""

    outcome: str = ""  #: the reason given there
