"""Which cameras show a place: distance, bearing, field of view, pixels on a man, and why.

What nobody measured is assumed and *said*: every assumption is among the reasons. Buildings are not
looked at yet: a camera named here may have a wall before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from dispatch_gis.plane import Floats, Plane, bearing_deg, turned_deg
from hooks import Camera, CameraKind, Message, PixelClass, Position, Sighting

#: Where the town said nothing: a usual lens on a usual sensor.
FOV_DEG = 60.0
WIDTH_PX = 1920
#: No camera is said to show a man farther than that, whatever its pixels.
REACH_M = 250.0
#: Below that (IEC 62676-4:2025, "overview") a man is not seen at all.
LEAST_PX_M = 20.0

#: IEC 62676-4:2025. The class is the last whose threshold is reached.
CLASSES: tuple[tuple[float, PixelClass], ...] = (
    (20, PixelClass.OVERVIEW), (40, PixelClass.OUTLINE), (80, PixelClass.DISCERN),
    (125, PixelClass.PERCEIVE), (250, PixelClass.CHARACTERISE), (500, PixelClass.VALIDATE),
    (1500, PixelClass.SCRUTINISE),
)  # fmt: skip

#: Points that stand for the disc of uncertainty, spread as seeds on a sunflower.
_SEEDS = 48
_RADII = np.sqrt((np.arange(_SEEDS) + 0.5) / _SEEDS)
_ANGLES = np.arange(_SEEDS) * math.pi * (3 - math.sqrt(5))
_DISC = np.column_stack([_RADII * np.cos(_ANGLES), _RADII * np.sin(_ANGLES)])

_LOOKS = {
    PixelClass.NONE: Message(text="too far to see a man"),
    PixelClass.OVERVIEW: Message(text="overview"),
    PixelClass.OUTLINE: Message(text="outline"),
    PixelClass.DISCERN: Message(text="presence discerned"),
    PixelClass.PERCEIVE: Message(text="gestures perceived"),
    PixelClass.CHARACTERISE: Message(text="clothing characterised"),
    PixelClass.VALIDATE: Message(text="person recognised"),
    PixelClass.SCRUTINISE: Message(text="face scrutinised"),
}


def pixel_class(density_px_m: float) -> PixelClass:
    """Name what a picture is good for, by its pixels per metre on a man."""
    reached = [name for least, name in CLASSES if density_px_m >= least]
    return reached[-1] if reached else PixelClass.NONE


@dataclass(frozen=True, slots=True)
class _Found:
    """One camera and what it shows of the place."""

    index: int
    distance_m: float
    bearing: float
    share: float
    must_turn: bool


class CameraIndex:
    """The cameras of a territory, read-only: when one changes, build another and swap it in.

    Disabled and unplaced cameras are left out.
    """

    def __init__(self, cameras: Sequence[Camera], plane: Plane) -> None:
        self._cameras = [each for each in cameras if each.position is not None and each.enabled]
        positions = [each.position for each in self._cameras if each.position is not None]
        east, north = plane.to_metres([p.lon for p in positions], [p.lat for p in positions])
        self._at: Floats = np.column_stack([np.atleast_1d(east), np.atleast_1d(north)])
        self._fov = _column(self._cameras, "fov_deg", FOV_DEG)
        self._width = _column(self._cameras, "width_px", WIDTH_PX)
        self._heading = _column(self._cameras, "heading_deg", math.nan)
        half = np.radians(np.minimum(self._fov, 170.0) / 2)
        self._pixels = self._width / (2 * np.tan(half))  # px per metre, times distance
        reach = np.minimum(self._pixels / LEAST_PX_M, REACH_M)
        self._range = np.where(
            np.isnan(said := _column(self._cameras, "range_m", math.nan)), reach, said
        )
        self._turns = np.array(
            [each.kind in (CameraKind.PTZ, CameraKind.DOME) for each in self._cameras], dtype=bool
        )
        self._tree = KDTree(self._at) if self._cameras else None
        self._plane = plane

    def sightings(self, place: Position, most: int = 12) -> list[Sighting]:
        """List the cameras that can show a place, best first, ties by distance then id.

        Best: the larger share of where he may be, the more pixels on him, without having to turn,
        looking where we know it looks.
        """
        if self._tree is None:
            return []
        east, north = self._plane.to_metres(place.lon, place.lat)
        radius_m = min(place.accuracy_m or 0.0, 2 * REACH_M)
        here = np.array([float(east), float(north)])
        near = np.array(self._tree.query_ball_point(here, float(self._range.max()) + radius_m))
        if not len(near):
            return []
        found = self._covering(near.astype(np.int64), here, radius_m)
        ranked = sorted(found, key=self._rank)
        return [self._sighting(each, place) for each in ranked[:most]]

    def _covering(self, near: NDArray[np.int64], here: Floats, radius_m: float) -> list[_Found]:
        seeds = here + (_DISC * radius_m if radius_m > 0 else np.zeros((1, 2)))
        gaps = seeds[None, :, :] - self._at[near][:, None, :]
        away = np.hypot(gaps[..., 0], gaps[..., 1])
        off = np.abs(
            turned_deg(self._heading[near][:, None], bearing_deg(gaps[..., 0], gaps[..., 1]))
        )
        in_range = away <= self._range[near][:, None]
        # A camera whose heading nobody measured may look anywhere.
        unknown = np.isnan(self._heading[near])[:, None]
        in_sight = unknown | (off <= self._fov[near][:, None] / 2)
        fixed = (in_range & in_sight).mean(axis=1)
        turned = in_range.mean(axis=1)
        turns = self._turns[near]
        # The place itself, not its disc, decides whether it must turn.
        ahead = here - self._at[near]
        angle = np.abs(turned_deg(self._heading[near], bearing_deg(ahead[:, 0], ahead[:, 1])))
        must_turn = turns & ~(angle <= self._fov[near] / 2) & (self._fov[near] < 360)
        share = np.where(must_turn, turned, fixed)
        return [
            _Found(
                int(near[i]),
                float(np.hypot(*ahead[i])),
                float(bearing_deg(*ahead[i])),
                float(share[i]),
                bool(must_turn[i]),
            )
            for i in np.flatnonzero(share > 0)
        ]

    def _density(self, found: _Found) -> float:
        return float(self._pixels[found.index] / max(found.distance_m, 1.0))

    def _rank(self, found: _Found) -> tuple[float, float, str]:
        worth = found.share * math.log2(1 + self._density(found) / LEAST_PX_M)
        worth *= 0.7 if found.must_turn else 1.0
        worth *= 0.4 if self._blind_heading(found) else 1.0
        return -round(worth, 6), round(found.distance_m, 3), self._cameras[found.index].id

    def _blind_heading(self, found: _Found) -> bool:
        return bool(np.isnan(self._heading[found.index]) and not self._turns[found.index])

    def _sighting(self, found: _Found, place: Position) -> Sighting:
        camera = self._cameras[found.index]
        density = self._density(found)
        name = pixel_class(density)
        return Sighting(
            camera=camera,
            distance_m=round(found.distance_m, 1),
            bearing_deg=round(found.bearing, 1) % 360,
            density_px_m=round(density, 1),
            pixel_class=name,
            must_turn=found.must_turn,
            share=round(found.share, 3),
            reasons=tuple(self._reasons(found, camera, density, name, place)),
        )

    def _reasons(
        self, found: _Found, camera: Camera, density: float, name: PixelClass, place: Position
    ) -> list[Message]:
        said = [
            Message(text="{distance_m:.0f} m", params={"distance_m": found.distance_m}),
            Message(
                text="{density:.0f} px/m: {looks}",
                params={"density": density, "looks": _LOOKS[name]},
            ),
        ]
        if found.must_turn:
            said.append(Message(text="must turn"))
        elif self._blind_heading(found):
            said.append(Message(text="direction unknown"))
        if place.accuracy_m and found.share < 0.95:
            share = Message(
                text="covers {share:.0f} % of where he may be", params={"share": 100 * found.share}
            )
            said.append(share)
        if camera.fov_deg is None:
            said.append(Message(text="field of view assumed {fov:.0f}°", params={"fov": FOV_DEG}))
        if camera.width_px is None:
            width = Message(text="picture assumed {width} px wide", params={"width": WIDTH_PX})
            said.append(width)
        return said


def _column(cameras: Sequence[Camera], field: str, unknown: float) -> Floats:
    values = [getattr(camera, field) for camera in cameras]
    return np.array([unknown if each is None else each for each in values], dtype=np.float64)
