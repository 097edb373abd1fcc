"""Where to point a turning camera, and how to learn how it is mounted.

Bearings are true ones, from the plane tangent at the town (`plane.py`): never a grid azimuth. A
camera is *calibrated* once at least two known points have been centred in its picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dispatch_gis.plane import Plane, bearing_deg, turned_deg
from hooks import Camera, Message, Pointing, Position

#: Points of calibration must be that far apart, as the camera turns: closer, they prove nothing.
APART_DEG = 10.0
#: A fit worse than that is no fit: a point, a reading or the camera's place is wrong.
WORST_DEG = 3.0
#: A man is aimed at by his chest.
MAN_M = 1.5
#: The field of a camera whose own is not known.
WIDEST_DEG = 60.0
#: What is shown around a man whose place is sure: metres to either side.
AROUND_M = 5.0


class UncalibratedError(ValueError):
    """The sightings do not say how the camera is mounted; `remedy` says what to do."""

    def __init__(self, remedy: Message) -> None:
        super().__init__(str(remedy))
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A known point, centred in the picture, and what the camera read then."""

    place: Position
    height_m: float = 0.0  #: of the point above the ground the camera stands on
    pan_deg: float
    tilt_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How a camera is mounted."""

    pan_zero_deg: float  #: the true bearing it looks to at pan 0
    pan_sense: int  #: 1: pan grows clockwise; -1: the other way
    tilt_zero_deg: float  #: degrees above the horizon at tilt 0
    tilt_sense: int  #: 1: tilt grows upwards
    error_deg: float  #: worst distance of a sighting from the fit


@dataclass(frozen=True, slots=True)
class _Ray:
    bearing: float
    elevation: float
    distance_m: float


def _ray(eye: Position, eye_m: float, place: Position, place_m: float) -> _Ray:
    plane = Plane(eye.lon, eye.lat)
    east, north = (float(each) for each in plane.to_metres(place.lon, place.lat))
    distance_m = math.hypot(east, north)
    elevation = math.degrees(math.atan2(place_m - eye_m, distance_m))
    return _Ray(float(bearing_deg(east, north)), elevation, distance_m)


def calibrate(eye: Position, height_m: float, sights: Sequence[Sight]) -> Calibration:
    """Learn how a camera is mounted from points centred in its picture.

    Parameters
    ----------
    eye, height_m
        Where its lens is, and how high above the ground.
    sights
        Two at least, well apart; a third one proves the others.

    Raises
    ------
    UncalibratedError
        Too few, too close together, or they contradict one another.
    """
    if len(sights) < 2:
        raise UncalibratedError(Message(text="centre at least two known points"))
    pans = [sight.pan_deg for sight in sights]
    if max(abs(float(turned_deg(pans[0], pan))) for pan in pans[1:]) < APART_DEG:
        apart = Message(
            text="choose points at least {degrees:.0f}° apart", params={"degrees": APART_DEG}
        )
        raise UncalibratedError(apart)
    rays = [_ray(eye, height_m, sight.place, sight.height_m) for sight in sights]
    pan_zero, pan_sense, pan_error = _fit([ray.bearing for ray in rays], pans)
    tilts = [sight.tilt_deg for sight in sights]
    tilt_zero, tilt_sense, tilt_error = _fit([ray.elevation for ray in rays], tilts)
    error = max(pan_error, tilt_error)
    if error > WORST_DEG:
        contradict = Message(
            text="the points disagree by {degrees:.1f}°: check them and the camera's place",
            params={"degrees": error},
        )
        raise UncalibratedError(contradict)
    return Calibration(
        pan_zero_deg=round(pan_zero % 360, 3),
        pan_sense=pan_sense,
        tilt_zero_deg=round(float(turned_deg(0.0, tilt_zero)), 3),
        tilt_sense=tilt_sense,
        error_deg=round(error, 3),
    )


def _fit(true: Sequence[float], read: Sequence[float]) -> tuple[float, int, float]:
    """Find zero and sense such that true = zero + sense × read; and the worst difference."""
    fits = []
    for sense in (1, -1):
        zeros = [angle - sense * value for angle, value in zip(true, read, strict=True)]
        # A mean of angles goes by their directions: 359° and 1° make 0°, not 180°.
        zero = math.degrees(
            math.atan2(
                sum(math.sin(math.radians(each)) for each in zeros),
                sum(math.cos(math.radians(each)) for each in zeros),
            )
        )
        worst = max(abs(float(turned_deg(zero, each))) for each in zeros)
        fits.append((worst, -sense, zero))
    worst, minus_sense, zero = min(fits)
    return zero, -minus_sense, worst


def point(
    eye: Position,
    height_m: float,
    calibration: Calibration,
    target: Position,
    *,
    narrowest_deg: float = 2.0,
    widest_deg: float = WIDEST_DEG,
) -> Pointing:
    """Say how to look at a man: at his chest, as wide as where he may be."""
    ray = _ray(eye, height_m, target, MAN_M)
    around_m = max(target.accuracy_m or 0.0, AROUND_M)
    fov = 2 * math.degrees(math.atan2(around_m, max(ray.distance_m, 0.1)))
    pan = calibration.pan_sense * (ray.bearing - calibration.pan_zero_deg)
    tilt = calibration.tilt_sense * (ray.elevation - calibration.tilt_zero_deg)
    return Pointing(
        pan_deg=round(float(turned_deg(0.0, pan)), 2),
        tilt_deg=round(float(turned_deg(0.0, tilt)), 2),
        fov_deg=round(min(max(fov, narrowest_deg), widest_deg), 2),
    )


def nearest_preset(
    presets: Mapping[str, float], bearing: float, fov_deg: float
) -> tuple[str, float] | None:
    """Choose the preset that looks closest to a true bearing, and how far beside it looks.

    None: none of them would show it in a field that wide. Ties go to the first name.

    Parameters
    ----------
    presets
        Name → true bearing of the preset's axis.
    """
    beside = [(abs(float(turned_deg(bearing, axis))), name) for name, axis in presets.items()]
    if not beside or min(beside)[0] > fov_deg / 2:
        return None
    angle, name = min(beside)
    return name, round(angle, 2)


def pointing(
    camera: Camera,
    target: Position,
    calibration: Calibration | None,
    presets: Mapping[str, float],
) -> Pointing | None:
    """Say how to point a camera at a man, by what is known of how it is mounted; None: nothing is.

    Calibrated, exactly; and by the preset that looks closest, for want of better or beside it.
    """
    if camera.position is None:
        return None
    widest_deg = camera.fov_deg or WIDEST_DEG
    ray = _ray(camera.position, camera.height_m or 0.0, target, MAN_M)
    preset = nearest_preset(presets, ray.bearing, widest_deg)
    name = preset[0] if preset is not None else ""
    if calibration is None or camera.height_m is None:
        return Pointing(preset=name) if name else None
    exact = point(camera.position, camera.height_m, calibration, target, widest_deg=widest_deg)
    return replace(exact, preset=name)
