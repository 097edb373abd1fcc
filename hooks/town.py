"""What stands and moves in the town: fixed cameras and crews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hooks._values import OpenEnum
from hooks.basics import CameraId, CrewId, Position


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
    stale_after_s: float | None = None  #: an older position is not "now"; None: the town's rule
