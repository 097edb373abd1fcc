"""Which cameras show a place: how much of where he may be, how many pixels on him, and why.

The visible areas were computed when the layers changed (`coverage.py`): a question is a look-up.
What nobody measured is assumed and *said*: every assumption is among the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import shapely

from dispatch_gis import optics
from dispatch_gis.coverage import Coverage, areas, turns
from dispatch_gis.graph import Bools, Ints
from dispatch_gis.plane import Floats, Plane, bearing_deg, turned_deg
from hooks import Camera, CameraId, Message, PixelClass, Position, Sighting

#: A place is never looked for farther than that around where it is said to be.
WIDEST_M = 2 * optics.REACH_M
#: What a doubt costs a camera: it must turn; nobody knows where it looks, or where it hangs.
TURN_WORTH = 0.7
HEADING_WORTH = 0.4
PLACE_WORTH = 0.8

#: Points that stand for the disc of uncertainty, spread as seeds on a sunflower.
_SEEDS = 48
_RADII = np.sqrt((np.arange(_SEEDS) + 0.5) / _SEEDS)
_ANGLES = np.arange(_SEEDS) * math.pi * (3 - math.sqrt(5))
_DISC = np.column_stack([_RADII * np.cos(_ANGLES), _RADII * np.sin(_ANGLES)])


#: So many cameras are measured at a time; worths closer than that are the same.
_AT_ONCE = 16
_TIE = 1e-5


@dataclass(frozen=True, slots=True)
class _Found:
    """Cameras that show some of the place: one row each."""

    rows: Ints
    distance_m: Floats
    bearing: Floats
    share: Floats
    must_turn: Bools
    density_px_m: Floats
    worth: Floats


class CameraIndex:
    """The cameras of a territory, read-only: when one changes, build another and swap it in.

    Disabled and unplaced cameras are left out.

    Parameters
    ----------
    coverages
        What each camera can show; a camera that is not there shows nothing.
    walled
        Whether the areas were cut by buildings: without any, no line is said to be clear.
    """

    def __init__(
        self,
        cameras: Sequence[Camera],
        plane: Plane,
        coverages: Mapping[CameraId, Coverage],
        *,
        walled: bool = True,
        edition: int = optics.EDITION,
    ) -> None:
        self._cameras = [each for each in cameras if each.enabled and each.id in coverages]
        self._coverages = [coverages[each.id] for each in self._cameras]
        self._plane, self._walled, self._edition = plane, walled, edition
        eyes = np.array([each.eye for each in self._coverages]).reshape(-1, 2)
        east, north = plane.to_metres(eyes[:, 0], eyes[:, 1])
        self._at: Floats = np.column_stack([east, north])
        self._areas = areas(self._coverages, plane)
        shapely.prepare(self._areas)  # each is asked about many points
        self._tree = shapely.STRtree(self._areas)
        self._pixels = _floats([optics.pixels_at_a_metre(each) for each in self._cameras])
        self._half = _floats([(each.fov_deg or optics.FOV_DEG) / 2 for each in self._cameras])
        self._heading = _floats(
            [math.nan if c.heading_deg is None else c.heading_deg for c in self._cameras]
        )
        self._turns = np.array([turns(each) for each in self._cameras], dtype=bool)
        lost = np.isnan(self._heading) & ~self._turns
        doubtful = np.array([each.uncertain for each in self._coverages], dtype=bool)
        self._trust = np.where(lost, HEADING_WORTH, 1.0) * np.where(doubtful, PLACE_WORTH, 1.0)
        self._communes = np.array([each.commune for each in self._cameras], dtype=object)
        #: Ties are settled by id: its place in the order of ids.
        self._order: Ints = np.argsort(np.argsort([each.id for each in self._cameras]))

    def sightings(
        self,
        place: Position,
        most: int = 12,
        *,
        communes: Set[str] = frozenset(),
        dead: Set[CameraId] = frozenset(),
    ) -> list[Sighting]:
        """List the cameras that can show a place, best first, ties by distance then id.

        Best: the larger share of where he may be, the more pixels on him, without having to turn,
        hanging and looking where we know it does.

        Parameters
        ----------
        communes
            INSEE codes of the operator's competence (CSI R253-3): no other camera is looked at, nor
            one whose commune is not said. Empty: no limit.
        dead
            Cameras that give no picture now: they are left out before the others are ranked, so
            that none of them takes a place.
        """
        here, radius_m = self._disc(place)
        near = self._near(here, radius_m)
        if communes:
            near = near[[each in communes for each in self._communes[near]]]
        if dead and len(near):
            near = near[~self._among(near, dead)]
        if not len(near):
            return []
        found = self._measured(near, here, radius_m, most)
        return [self._sighting(found, row, place) for row in self._best(found, most)]

    def silent(
        self, place: Position, dead: Set[CameraId], *, communes: Set[str] = frozenset()
    ) -> list[Camera]:
        """List the dead cameras that would show a place if they answered, best first."""
        here, radius_m = self._disc(place)
        near = self._near(here, radius_m)
        near = near[self._among(near, dead)] if len(near) else near
        if communes:
            near = near[[each in communes for each in self._communes[near]]]
        if not len(near):
            return []
        found = self._measured(near, here, radius_m, len(near))
        return [self._cameras[int(found.rows[row])] for row in self._best(found, len(near))]

    def _disc(self, place: Position) -> tuple[Floats, float]:
        """Give the middle of where he may be, in metres of the plane, and how far it extends."""
        here = np.array([float(each) for each in self._plane.to_metres(place.lon, place.lat)])
        return here, min(place.accuracy_m or 0.0, WIDEST_M)

    def _among(self, near: Ints, names: Set[CameraId]) -> Bools:
        return np.array([self._cameras[row].id in names for row in near.tolist()], dtype=bool)

    def _best(self, found: _Found, most: int) -> list[int]:
        """Rank what was found: by worth, then distance, then id."""
        ranked = np.lexsort(
            (self._order[found.rows], np.round(found.distance_m, 3), -np.round(found.worth, 6))
        )
        return [int(row) for row in ranked[:most]]

    def _near(self, here: Floats, radius_m: float) -> Ints:
        point = shapely.points(here)
        if radius_m == 0:
            return np.asarray(self._tree.query(point, predicate="intersects"), dtype=np.int64)
        return np.asarray(
            self._tree.query(point, predicate="dwithin", distance=radius_m), dtype=np.int64
        )

    def _measured(self, near: Ints, here: Floats, radius_m: float, most: int) -> _Found:
        """Measure the cameras near the place, until no other can be among the best.

        How much of the disc a camera sees is what costs; it sees all of it at best. So the most
        promising are measured first, and those that could not come up to them not at all.
        """
        gaps = here - self._at[near]
        distance = np.hypot(gaps[:, 0], gaps[:, 1])
        bearing = bearing_deg(gaps[:, 0], gaps[:, 1])
        # The place itself, not its disc, decides whether it must turn. Unknown heading: it must.
        away = np.abs(turned_deg(self._heading[near], bearing))
        half = self._half[near]
        must_turn = self._turns[near] & ~(away <= half) & (half < 180)
        density = self._pixels[near] / np.maximum(distance, 1.0)
        at_best = np.log2(1 + density / optics.least_px_m(self._edition)) * self._trust[near]
        at_best[must_turn] *= TURN_WORTH
        seeds = here + _DISC * radius_m if radius_m > 0 else here[None, :]
        share = np.zeros(len(near))
        promising = np.argsort(-at_best, kind="stable")
        for start in range(0, len(near), _AT_ONCE):
            worth = np.sort(at_best[promising[:start]] * share[promising[:start]])[::-1]
            if start >= most and worth[most - 1] > at_best[promising[start]] + _TIE:
                break
            some = promising[start : start + _AT_ONCE]
            inside = shapely.contains_xy(
                self._areas[near[some]][:, None], seeds[None, :, 0], seeds[None, :, 1]
            )
            share[some] = inside.mean(axis=1)
        kept = share > 0
        worth = at_best[kept] * share[kept]
        return _Found(
            near[kept], distance[kept], bearing[kept], share[kept], must_turn[kept], density[kept],
            worth,
        )  # fmt: skip

    def _sighting(self, found: _Found, row: int, place: Position) -> Sighting:
        index = int(found.rows[row])
        density = float(found.density_px_m[row])
        named = optics.pixel_class(density, self._edition)
        return Sighting(
            camera=self._cameras[index],
            distance_m=round(float(found.distance_m[row]), 1),
            bearing_deg=round(float(found.bearing[row]), 1) % 360,
            density_px_m=round(density, 1),
            pixel_class=named,
            must_turn=bool(found.must_turn[row]),
            share=round(float(found.share[row]), 3),
            reasons=tuple(self._reasons(found, row, index, named, place)),
        )

    def _reasons(
        self, found: _Found, row: int, index: int, named: PixelClass, place: Position
    ) -> list[Message]:
        camera, coverage = self._cameras[index], self._coverages[index]
        density, share = float(found.density_px_m[row]), float(found.share[row])
        looks = optics.LOOKS[named]
        distance = {"distance_m": float(found.distance_m[row])}
        said = [
            Message(text="{distance_m:.0f} m", params=distance),
            Message(
                text="{density:.0f} px/m: {looks}", params={"density": density, "looks": looks}
            ),
        ]
        if found.must_turn[row]:
            said.append(Message(text="must turn"))
        elif camera.heading_deg is None and not self._turns[index]:
            said.append(Message(text="direction unknown"))
        if place.accuracy_m and share < 0.95:
            covers = Message(
                text="covers {share:.0f} % of where he may be", params={"share": 100 * share}
            )
            said.append(covers)
        elif self._walled and not coverage.uncertain and not coverage.corrected:
            said.append(Message(text="clear line of sight"))
        return said + _doubts(camera, coverage)


def _doubts(camera: Camera, coverage: Coverage) -> list[Message]:
    """Say what of a camera was drawn by hand, guessed or assumed."""
    said = []
    if coverage.corrected:
        said.append(Message(text="field of view drawn by hand"))
    if coverage.blind:
        said.append(Message(text="position uncertain: drawn before a wall, which was ignored"))
    elif coverage.uncertain:
        moved = Message(
            text="position uncertain: moved {moved_m:.0f} m to the facade",
            params={"moved_m": coverage.moved_m},
        )
        said.append(moved)
    if camera.fov_deg is None:
        params = {"fov": optics.FOV_DEG}
        said.append(Message(text="field of view assumed {fov:.0f}°", params=params))
    if camera.width_px is None:
        width = {"width": optics.WIDTH_PX}
        said.append(Message(text="picture assumed {width} px wide", params=width))
    return said


def _floats(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64)
