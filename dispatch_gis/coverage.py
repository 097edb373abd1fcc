"""What each camera can show: its visible area, cut by buildings, masks and its own lens.

Computed when a layer changes, not when an officer presses: a question is then a look-up. GIS staff
open the very same areas in QGIS, and what they correct by hand is taken as it is.

Heights: a building taller than the camera, or of unknown height, hides all that is behind it. A
lower one hides what its shadow falls on, for a man looked for at `MAN_M` above a level ground.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dispatch_gis import optics
from dispatch_gis.buildings import Buildings
from dispatch_gis.graph import Ints
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.town import Geometries, Mask, Town
from dispatch_gis.visibility import visible
from hooks import Camera, CameraId, CameraKind

#: A man is shown when his chest is.
MAN_M = 1.5
#: Raised when the way areas are computed changes: those of an older Renfort are made anew.
_METHOD = 1
#: A camera that would see less than that, and less than a tenth of its field, is drawn wrong.
BLIND_M2 = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What one camera can show."""

    camera: CameraId
    area: BaseGeometry  #: degrees WGS 84; may be empty: everything it could show is masked
    eye: tuple[float, float]  #: lon, lat of where it is taken to hang
    reach_m: float
    moved_m: float  #: from where it is drawn to the facade it hangs on
    uncertain: bool  #: drawn inside a building, or blind where it is: it hangs elsewhere
    blind: bool  #: walls left it nothing: its whole field is given, uncut
    corrected: bool  #: drawn by hand
    fingerprint: str  #: of everything that went into it


class Surveyor:
    """Computes visible areas in one town.

    Parameters
    ----------
    town
        Its buildings, masks and corrections; degrees.
    edition
        Of IEC 62676-4: decides how far a man is still seen.
    """

    def __init__(self, town: Town, plane: Plane, *, edition: int = optics.EDITION) -> None:
        self._plane = plane
        self._edition = edition
        self._buildings = Buildings(town.buildings, town.heights, plane)
        self._masks = _by_camera(town.masks)
        self._corrections = town.corrections

    def coverages(
        self,
        cameras: Iterable[Camera],
        known: Mapping[CameraId, Coverage],
        progress: Callable[[Coverage], None] = lambda _: None,
    ) -> dict[CameraId, Coverage]:
        """Compute the area of every placed camera; what has not changed is kept as it is known."""
        found: dict[CameraId, Coverage] = {}
        for camera in cameras:
            if camera.position is None:
                continue
            fingerprint = self._fingerprint(camera)
            before = known.get(camera.id)
            if before is None or before.fingerprint != fingerprint:
                before = self._survey(camera, fingerprint)
            found[camera.id] = before
            progress(before)
        return found

    def _at(self, camera: Camera) -> tuple[float, float]:
        place = camera.position
        if place is None:
            raise ValueError(f"{camera.id} has no position")
        east, north = self._plane.to_metres(place.lon, place.lat)
        return float(east), float(north)

    def _lonlat(self, x: float, y: float) -> tuple[float, float]:
        lon, lat = self._plane.to_degrees(x, y)
        return round(float(lon), 8), round(float(lat), 8)

    def _survey(self, camera: Camera, fingerprint: str) -> Coverage:
        reach_m = optics.reach_m(camera, self._edition)
        x, y = self._at(camera)
        corrected = self._corrections.get(camera.id)
        if corrected is not None:
            return Coverage(
                camera=camera.id, area=corrected, eye=self._lonlat(x, y), reach_m=reach_m,
                moved_m=0.0, uncertain=False, blind=False, corrected=True, fingerprint=fingerprint,
            )  # fmt: skip
        x, y, moved_m, inside = self._buildings.facade(x, y, camera.height_m, _gaze(camera))
        area = self._seen(camera, x, y, reach_m)
        whole = _field(camera, x, y, reach_m)
        blind = area.area < min(BLIND_M2, whole.area / 10)
        if blind:  # nobody hangs a camera to look at a wall: it is not where it is drawn
            area = whole
        for mask in self._forbidden(camera.id):
            hidden = self._plane.metres(shapely.make_valid(mask))
            area = shapely.make_valid(area).difference(hidden)
        return Coverage(
            camera=camera.id, area=_clean(self._plane.degrees(area)), eye=self._lonlat(x, y),
            reach_m=reach_m, moved_m=moved_m, uncertain=inside or blind, blind=blind,
            corrected=False, fingerprint=fingerprint,
        )  # fmt: skip

    def _seen(self, camera: Camera, x: float, y: float, reach_m: float) -> BaseGeometry:
        """Draw what is seen from a point in metres."""
        near = self._buildings.near(x, y, reach_m)
        heights = self._buildings.heights[near]
        # Written so that an unknown height, of either, is a tall building.
        low = heights < camera.height_m if camera.height_m is not None else heights < -math.inf
        eye = np.array([x, y])
        walls, _ = self._buildings.walls(near[~low])
        towards, fov = _sector(camera)
        area: BaseGeometry = visible(walls - np.tile(eye, 2), reach_m, towards=towards, fov=fov)
        if low.any() and camera.height_m is not None:
            hidden = self._shadows(near[low], eye, camera.height_m)
            area = shapely.make_valid(area).difference(hidden)
        return shapely.transform(area, lambda points: points + eye)

    def _shadows(self, low: Ints, eye: Floats, height_m: float) -> BaseGeometry:
        """Draw what buildings lower than the camera hide, themselves included; metres from it."""
        walls, owners = self._buildings.walls(low)
        start, end = walls[:, :2] - eye, walls[:, 2:] - eye
        top = np.maximum(self._buildings.heights[owners], 0.0)
        # The line of sight over the top meets the man's height that many times farther.
        times = np.maximum((height_m - MAN_M) / np.maximum(height_m - top, 0.01), 1.0)[:, None]
        quads = np.asarray(
            shapely.polygons(np.stack([start, end, end * times, start * times], axis=1))
        )
        quads = quads[(shapely.area(quads) > 1e-6) & (top > MAN_M)]
        roofs = shapely.transform(self._buildings.shapes[low], lambda points: points - eye)
        both = np.concatenate([shapely.make_valid(quads), shapely.make_valid(roofs)])
        return shapely.union_all(both)

    def _forbidden(self, camera: CameraId) -> list[BaseGeometry]:
        return [*self._masks.get(None, []), *self._masks.get(camera, [])]

    def _fingerprint(self, camera: Camera) -> str:
        """Sum up everything that goes into an area."""
        summed = hashlib.blake2b(digest_size=12)
        corrected = self._corrections.get(camera.id)
        if corrected is not None:
            summed.update(b"by hand" + corrected.wkb)
            return summed.hexdigest()
        x, y = self._at(camera)
        reach_m = optics.reach_m(camera, self._edition)
        said = (
            _METHOD, self._lonlat(x, y), round(reach_m, 2), camera.kind.value,
            camera.heading_deg, camera.fov_deg, camera.height_m,
        )  # fmt: skip
        summed.update(repr(said).encode())
        # A block of buildings is looked through for a facade well beyond a short reach.
        summed.update(self._buildings.digest(self._buildings.near(x, y, max(reach_m, 100.0))))
        for mask in self._forbidden(camera.id):
            summed.update(mask.wkb)
        return summed.hexdigest()


def _by_camera(masks: Sequence[Mask]) -> dict[CameraId | None, list[BaseGeometry]]:
    found: dict[CameraId | None, list[BaseGeometry]] = {}
    for mask in masks:
        found.setdefault(mask.camera, []).append(mask.area)
    return found


def turns(camera: Camera) -> bool:
    """Say whether a camera can look all round."""
    return camera.kind in (CameraKind.PTZ, CameraKind.DOME)


def _gaze(camera: Camera) -> tuple[float, float] | None:
    """Give the direction a camera looks to, east and north; None: not known, or all round."""
    if camera.heading_deg is None or turns(camera):
        return None
    heading = math.radians(camera.heading_deg)
    return math.sin(heading), math.cos(heading)


def _sector(camera: Camera) -> tuple[float, float]:
    """Give the middle and width of what a camera looks at, radians, mathematical sense."""
    if turns(camera) or camera.heading_deg is None:
        return 0.0, 2 * math.pi
    fov = math.radians(camera.fov_deg or optics.FOV_DEG)
    return math.radians(90.0 - camera.heading_deg), fov


def _field(camera: Camera, x: float, y: float, reach_m: float) -> BaseGeometry:
    """Draw what a camera would show if there were no walls, metres."""
    towards, fov = _sector(camera)
    field = visible(np.empty((0, 4)), reach_m, towards=towards, fov=fov)
    return shapely.transform(field, lambda points: points + np.array([x, y]))


def _clean(area: BaseGeometry) -> BaseGeometry:
    """Round to a millimetre, so that what is written is valid wherever it is opened."""
    rounded = shapely.set_precision(shapely.make_valid(area), 1e-8)
    parts = shapely.get_parts(rounded)
    return shapely.union_all(parts[np.isin(shapely.get_type_id(parts), (3, 6))])


def outline(area: BaseGeometry) -> list[list[list[tuple[float, float]]]]:
    """Draw an area as a map wants it: polygons of rings of (lat, lon) degrees, some 10 cm sure."""
    drawn = shapely.simplify(area, 1e-6)
    polygons = [each for each in shapely.get_parts(drawn) if isinstance(each, shapely.Polygon)]
    return [
        [[(round(lat, 6), round(lon, 6)) for lon, lat in ring.coords]
         for ring in (each.exterior, *each.interiors)]
        for each in polygons
    ]  # fmt: skip


def areas(coverages: Sequence[Coverage], plane: Plane) -> Geometries:
    """Give areas in metres, ready to be asked many times."""
    shapes = np.empty(len(coverages), dtype=object)
    shapes[:] = [plane.metres(each.area) for each in coverages]
    shapely.prepare(shapes)
    return shapes
