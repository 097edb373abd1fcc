"""What a camera's picture is worth at a distance: pixels per metre, classes, reach.

IEC 62676-4 names what a picture of a man is good for by its pixels per metre on him. Its editions
differ, and contracts still quote the older one: the edition is a setting.
"""

from __future__ import annotations

import math

from hooks import Camera, Message, PixelClass

#: Where the town said nothing: a usual lens on a usual sensor.
FOV_DEG = 60.0
WIDTH_PX = 1920
#: No camera is said to show a man farther than that, whatever its pixels, unless the town says so.
REACH_M = 250.0
#: Wider than that a lens is a fisheye, or several sensors: each degree has as many pixels.
WIDEST_DEG = 120.0

#: Edition of IEC 62676-4 → its classes, worst first; a class begins at its threshold in px/m.
EDITIONS: dict[int, tuple[tuple[float, PixelClass], ...]] = {
    2025: (
        (20, PixelClass.OVERVIEW), (40, PixelClass.OUTLINE), (80, PixelClass.DISCERN),
        (125, PixelClass.PERCEIVE), (250, PixelClass.CHARACTERISE), (500, PixelClass.VALIDATE),
        (1500, PixelClass.SCRUTINISE),
    ),
    2014: (
        (12.5, PixelClass.MONITOR), (25, PixelClass.DETECT), (62.5, PixelClass.OBSERVE),
        (125, PixelClass.RECOGNISE), (250, PixelClass.IDENTIFY), (1000, PixelClass.INSPECT),
    ),
}  # fmt: skip
EDITION = 2025

#: What each class lets one do, in words.
LOOKS = {
    PixelClass.NONE: Message(text="too far to see a man"),
    PixelClass.OVERVIEW: Message(text="overview"),
    PixelClass.OUTLINE: Message(text="outline"),
    PixelClass.DISCERN: Message(text="presence discerned"),
    PixelClass.PERCEIVE: Message(text="gestures perceived"),
    PixelClass.CHARACTERISE: Message(text="clothing characterised"),
    PixelClass.VALIDATE: Message(text="person recognised"),
    PixelClass.SCRUTINISE: Message(text="face scrutinised"),
    PixelClass.MONITOR: Message(text="crowd monitored"),
    PixelClass.DETECT: Message(text="presence detected"),
    PixelClass.OBSERVE: Message(text="clothing observed"),
    PixelClass.RECOGNISE: Message(text="known person recognised"),
    PixelClass.IDENTIFY: Message(text="person identified"),
    PixelClass.INSPECT: Message(text="face inspected"),
}


def pixel_class(density_px_m: float, edition: int = EDITION) -> PixelClass:
    """Name what a picture is good for, by its pixels per metre on a man."""
    reached = [name for least, name in EDITIONS[edition] if density_px_m >= least]
    return reached[-1] if reached else PixelClass.NONE


def least_px_m(edition: int = EDITION) -> float:
    """Give the density below which a man is not seen at all."""
    return EDITIONS[edition][0][0]


def pixels_at_a_metre(camera: Camera) -> float:
    """Give the pixels per metre at one metre; at d metres there are d times fewer."""
    fov, width_px = math.radians(camera.fov_deg or FOV_DEG), camera.width_px or WIDTH_PX
    if fov > math.radians(WIDEST_DEG):
        return width_px / fov
    return width_px / (2 * math.tan(fov / 2))


def reach_m(camera: Camera, edition: int = EDITION) -> float:
    """Say how far a camera shows a man: what the town says, else by its pixels."""
    if camera.range_m is not None:
        return camera.range_m
    return min(pixels_at_a_metre(camera) / least_px_m(edition), REACH_M)
