"""What is shown: the one picture of an incident, and what goes out because of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hooks._values import OpenEnum
from hooks.basics import CameraId, CrewId, DeviceId, FactId, IncidentId, Message, Position
from hooks.facts import Officer, SourceKind, Trigger
from hooks.town import Camera, Crew


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


class Escalation(StrEnum):
    """How loud an alert has become for want of anybody to confirm it."""

    NONE = ""
    ROOM = "room"  # the second group of operators is called on too
    OUTSIDE = "outside"  # and somebody outside the room: `notify`


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
    placed_by: str = ""  #: the operator who says that it is there; empty: the device says so
    trail: tuple[Position, ...] = ()  #: oldest first
    situation: Situation = field(default_factory=Situation)
    received_by: tuple[str, ...] = ()  #: the other systems that confirmed reception
    refused_by: tuple[str, ...] = ()  #: those that answered that they could not use it
    escalated: Escalation = Escalation.NONE  #: while nobody has taken it in charge
    owner: str = ""  #: who took it in charge
    engaged: tuple[CrewId, ...] = ()
    closed_by: str = ""
    outcome: str = ""  #: why it was closed
    title: str = ""  #: one line for people, in the operators' language
    text: str = ""  #: a few lines for people, in the operators' language


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The adapter's own memory of what it made the VMS show. Stored, never read, by the host."""

    data: str
    #: What could not be shown yet, though the alert is: said to people, and `show` is called again
    #: with this receipt until nothing is missing. Of `withdraw`, raise instead.
    missing: Message | None = None


#: Makes a receipt durable at once; raises `Unreachable` when the host cannot.
Keep = Callable[[Receipt], None]


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
    link: str = ""  #: opens the crew's own page on a phone, while it is engaged; a secret, short


class NoticeKind(OpenEnum):
    """Why somebody outside the room is called."""

    UNCONFIRMED = "unconfirmed"  # nobody in the room confirmed an alert in time
    CHAIN = "chain"  # the chain failed its exercise, or lost a link it needs
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that somebody outside the room must know."""

    id: FactId  #: the same notice told again bears the same id
    kind: NoticeKind
    at: datetime
    title: str  #: one line for people, in the operators' language
    text: str = ""  #: a few lines
    incident: IncidentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a camera was told to do, as the VMS answered."""

    camera: CameraId
    done: bool
    how: Message
