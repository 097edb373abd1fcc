"""Where on the streets no camera would show a man well enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dispatch_gis import optics
from dispatch_gis.coverage import Coverage, turns
from dispatch_gis.plane import Plane
from dispatch_gis.town import Geometries, Street, geometries
from hooks import Camera, CameraId

#: Shorter than that, a gap is a matter of drawing.
LEAST_M = 2.0


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is seen of the streets, and what is not."""

    streets: Sequence[Street]  #: the street of each gap
    lines: Geometries  #: degrees
    lengths_m: Sequence[float]
    whole_m: float  #: all the streets there are to see
    seen_m: float


def gaps(
    streets: Sequence[Street],
    cameras: Sequence[Camera],
    coverages: Mapping[CameraId, Coverage],
    plane: Plane,
    *,
    least_px_m: float,
) -> Gaps:
    """Find the parts of streets where no camera would have so many pixels per metre on a man.

    Only cameras that are in service and look where we know they do are counted on; a camera that
    turns is counted all round, as if somebody turned it.
    """
    seen = _well_seen(cameras, coverages, plane, least_px_m)
    tree = shapely.STRtree(seen)
    kept: list[Street] = []
    lines: list[BaseGeometry] = []
    whole_m = seen_m = 0.0
    for street in streets:
        line = plane.metres(shapely.LineString(street.lonlat))
        whole_m += line.length
        near = tree.query(line, predicate="intersects")
        left = line.difference(shapely.union_all(seen[near])) if len(near) else line
        seen_m += line.length - left.length
        parts = [each for each in shapely.get_parts(left) if each.length >= LEAST_M]
        if parts:
            kept.append(street)
            lines.append(shapely.MultiLineString(parts))
    drawn = geometries(lines)
    lengths = [float(line.length) for line in lines]
    degrees = plane.degrees(drawn) if len(drawn) else drawn
    return Gaps(kept, degrees, lengths, whole_m, seen_m)


def _well_seen(
    cameras: Sequence[Camera],
    coverages: Mapping[CameraId, Coverage],
    plane: Plane,
    least_px_m: float,
) -> Geometries:
    found = []
    for camera in cameras:
        coverage = coverages.get(camera.id)
        if coverage is None or not camera.enabled:
            continue
        if camera.heading_deg is None and not turns(camera) and not coverage.corrected:
            continue
        eye = shapely.Point(*plane.to_metres(*coverage.eye))
        near = eye.buffer(optics.pixels_at_a_metre(camera) / least_px_m, quad_segs=32)
        found.append(plane.metres(coverage.area).intersection(near))
    return geometries(found)


def as_frame(found: Gaps, name: str) -> geopandas.GeoDataFrame:
    """Write gaps as the layer `lacunes`; `name` is that of the class that is missing."""
    return geopandas.GeoDataFrame(
        {
            "rue": [street.name for street in found.streets],
            "classe": [name] * len(found.streets),
            "longueur_m": np.round(np.array(found.lengths_m, dtype=np.float64), 1),
        },
        geometry=geopandas.GeoSeries(found.lines),
        crs=4326,
    )
