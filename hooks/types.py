"""The plain things that cross between host, geography and adapters.

Frozen dataclasses of the standard library: nothing to install, nothing to learn. Rules that hold
everywhere:

* positions are WGS 84 degrees, longitude before latitude, given by keyword;
* a name carries its unit: `accuracy_m`, `heading_deg`, `time_s`;
* datetimes are aware; durations are seconds;
* unknown is a value: `None`, or the enum's `UNKNOWN`. Never 0, never north, never now;
* identifiers read `<adapter>:<local id>`, so the host knows whom to ask;
* a sentence for people is a `Message`: an English template and its parameters, translated by
  the host. No adapter writes French, no adapter formats a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from hooks._values import OpenEnum, require_aware

ActivationId = NewType("ActivationId", str)
CameraId = NewType("CameraId", str)
CrewId = NewType("CrewId", str)
DeviceId = NewType("DeviceId", str)
FactId = NewType("FactId", str)
IncidentId = NewType("IncidentId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A sentence for people: an English template (the catalogue's id) and its parameters.

    >>> str(Message(text="{distance_m:.0f} m away", params={"distance_m": 34.2}))
    '34 m away'
    """

    text: str
    params: Mapping[str, str | int | float | Message] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.params)


# --- Where ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place on earth, how sure it is, and how old.

    Raises
    ------
    ValueError
        A coordinate is not a number or out of range, the accuracy is negative, or the time has
        no zone.
    """

    lon: float  #: degrees east, WGS 84, -180..180
    lat: float  #: degrees north, WGS 84, -90..90
    accuracy_m: float | None = None  #: radius of the disc he is in (1 sigma); None: not said
    fixed_at: datetime | None = None  #: when the receiver computed it; None: not said
    source: str = ""  #: who says so: "gnss", "operator", "radio"... free text

    def __post_init__(self) -> None:
        for name, value, limit in (("lon", self.lon, 180.0), ("lat", self.lat, 90.0)):
            if not (math.isfinite(value) and -limit <= value <= limit):
                raise ValueError(f"{name} must be a number of degrees in ±{limit:g}, got {value}")
        if self.accuracy_m is not None and not (
            math.isfinite(self.accuracy_m) and self.accuracy_m >= 0
        ):
            raise ValueError(f"accuracy_m must be a number of metres >= 0, got {self.accuracy_m}")
        require_aware("fixed_at", self.fixed_at)


# --- What comes in ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Bytes as they came, before anybody understood them."""

    adapter: str  #: whom they are for: the adapter's name
    body: bytes
    received_at: datetime  #: the host's clock
    channel: str = ""  #: the adapter's own word for where it came in ("events", "status"...)
    sender: str = ""  #: who sent it, for the record: an address, an account


class SourceKind(OpenEnum):
    """What wears the camera. Vehicles and drones: no automatic correlation (L243-3, L242-4)."""

    BODY_WORN = "body_worn"
    VEHICLE = "vehicle"
    DRONE = "drone"
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


class CrewStatus(OpenEnum):
    """Can this crew be sent? Only `FREE` can."""

    FREE = "free"
    ENGAGED = "engaged"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    UNAVAILABLE = "unavailable"
    BREAK = "break"
    OFF_DUTY = "off_duty"
    UNKNOWN = "unknown"


class Means(OpenEnum):
    """How a crew moves; decides which streets it may take."""

    CAR = "car"
    MOTORBIKE = "motorbike"
    BIKE = "bike"
    FOOT = "foot"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewFix(Fact):
    """What is newly known of a crew. None says nothing: the last known value stays."""

    crew: CrewId
    name: str | None = None
    position: Position | None = None
    status: CrewStatus | None = None
    means: Means | None = None
    members: tuple[str, ...] | None = None


# --- What stands and moves in the town ---


class CameraKind(OpenEnum):
    """How a fixed camera looks."""

    FIXED = "fixed"
    PTZ = "ptz"
    DOME = "dome"  # all round, or turnable: a full circle at its reach
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A CCTV camera: where it stands and which way it looks.

    A heading nobody measured is None: do not guess north.
    """

    id: CameraId
    name: str = ""
    position: Position | None = None
    kind: CameraKind = CameraKind.UNKNOWN
    heading_deg: float | None = None  #: true bearing of the optical axis, 0 = north, clockwise
    fov_deg: float | None = None  #: horizontal field of view
    height_m: float | None = None  #: of the lens above ground
    width_px: int | None = None  #: horizontal resolution
    range_m: float | None = None  #: said by the town; None: from pixel density
    enabled: bool = True
    commune: str = ""  #: INSEE code, for the territory of competence (R253-3)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A crew as last known. Its fix says how old it is."""

    id: CrewId
    name: str = ""
    position: Position | None = None
    status: CrewStatus = CrewStatus.UNKNOWN
    means: Means = Means.UNKNOWN
    members: tuple[str, ...] = ()


# --- The picture ---


class PixelClass(StrEnum):
    """What a man's picture is good for, by pixels per metre on him: IEC 62676-4.

    The best class whose threshold is reached. Of 2025: 20, 40, 80, 125, 250, 500, 1500 px/m from
    `OVERVIEW` on; of 2014: 12.5, 25, 62.5, 125, 250, 1000 from `MONITOR` on.
    """

    NONE = "none"
    OVERVIEW = "overview"
    OUTLINE = "outline"
    DISCERN = "discern"
    PERCEIVE = "perceive"
    CHARACTERISE = "characterise"
    VALIDATE = "validate"
    SCRUTINISE = "scrutinise"
    MONITOR = "monitor"
    DETECT = "detect"
    OBSERVE = "observe"
    RECOGNISE = "recognise"
    IDENTIFY = "identify"
    INSPECT = "inspect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointing:
    """How a turning camera is to be pointed: as it counts itself, where it is calibrated."""

    pan_deg: float | None = None  #: -180 ≤ pan < 180
    tilt_deg: float | None = None
    fov_deg: float | None = None  #: horizontal field that holds where he may be
    preset: str = ""  #: the one that looks closest; empty: none would show it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A camera that can show the place, how well, and why it is said to."""

    camera: Camera
    distance_m: float
    bearing_deg: float  #: true bearing from the camera to the place
    density_px_m: float | None  #: pixels per metre on a man there; None: resolution unknown
    pixel_class: PixelClass
    must_turn: bool  #: the place is outside its present field of view
    share: float  #: share of the uncertainty disc it covers, 0..1
    reasons: tuple[Message, ...] = ()
    pointing: Pointing | None = None  #: how to point it there; None: fixed, or nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinforcement:
    """A crew that can come, how soon, and why it is ranked there."""

    crew: Crew
    time_s: float
    distance_m: float
    by_road: bool  #: False: straight line, because no road was found; say so
    fix_age_s: float | None = field(compare=False)  # grows by itself: no new picture for it
    stale: bool  #: the fix is too old to be trusted as "now"
    route: tuple[tuple[float, float], ...] = ()  #: (lon, lat) from the crew to the officer
    reasons: tuple[Message, ...] = ()
    #: How far off `time_s` may be, for the crew has moved since its fix; None: age not known.
    spread_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What geography says of one place: who sees it, who can come, and what is missing."""

    sightings: tuple[Sighting, ...] = ()  #: best first, the tiles first of all
    reinforcements: tuple[Reinforcement, ...] = ()  #: soonest first
    near: str = ""  #: the nearest street's name
    missing: tuple[Message, ...] = ()  #: what could not be answered, in words


class Phase(StrEnum):
    """Where an incident stands."""

    NEW = "new"
    TAKEN = "taken"
    ENGAGED = "engaged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The one truth shown everywhere: each consumer shows the same version."""

    incident: IncidentId
    version: int  #: grows by one with each change; 1 is the first
    phase: Phase
    opened_at: datetime
    device: DeviceId
    officer: Officer
    kind: SourceKind
    trigger: Trigger
    exercise: bool = False
    ended_at: datetime | None = None  #: the activation is over since then
    link_up: bool = True  #: False: the device lost its link; what is shown is the last known
    position: Position | None = None
    last_known: bool = False  #: the position is older than the press
    trail: tuple[Position, ...] = ()  #: oldest first
    situation: Situation = field(default_factory=Situation)
    owner: str = ""  #: who took it in charge
    engaged: tuple[CrewId, ...] = ()
    closed_by: str = ""
    outcome: str = ""  #: why it was closed
    title: str = ""  #: one line for people, in the operators' language
    text: str = ""  #: a few lines for people, in the operators' language


# --- What goes out ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The adapter's own memory of what it made the VMS show. Stored, never read, by the host."""

    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An operator sends a crew to an incident, or calls it back."""

    id: FactId
    incident: IncidentId
    crew: CrewId
    given_by: str
    given_at: datetime
    position: Position | None = None
    text: str = ""  #: one line for people, in the operators' language


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a camera was told to do, as the VMS answered."""

    camera: CameraId
    done: bool
    how: Message


# --- The adapter itself ---


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """Who the adapter is; constant."""

    name: str  #: also the prefix of its identifiers and its section in the configuration
    brand: str
    contract: int  #: the CONTRACT it was written for
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the other side is, as the adapter found it just now."""

    alive: bool
    since: datetime | None = None
    clock_skew_s: float | None = None  #: their clock minus ours
    detail: Message | None = None  #: what it is, and what to do about it


class Listener(Protocol):
    """What the host hands to a running feed."""

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        """Take a message; return once its facts are durable, with what was wrong in it.

        Nothing is to be acknowledged to the other side before this returns.
        """
        ...

    def up(self) -> None:
        """Say that the connection stands and is proven alive (a heartbeat answered counts)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A connection the host keeps open: run, watched for silence, run again with back-off.

    `run` connects, calls `listener.up()` at each sign of life, awaits `listener(envelope)` for
    each message, and raises when the connection is lost. It runs on an event loop of its own:
    a feed that blocks hurts nobody else. It ends by being cancelled.
    """

    name: str
    run: Callable[[Listener], Awaitable[None]]
    silence_s: float = 60.0  #: without `up()` or a message for that long, it is taken for dead
