"""A territory as one page that any browser opens, without a server nor the internet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape

import numpy as np
import shapely

from dispatch_gis.coverage import Coverage, turns
from dispatch_gis.plane import Floats, Plane
from dispatch_gis.town import Geometries, Town
from hooks import Camera, CameraId

_PAGE = """<!doctype html><html lang="fr"><meta charset="utf-8"><title>{title}</title>
<style>html,body{{margin:0;height:100%;background:#f2efe9;font:14px sans-serif}}
svg{{width:100%;height:100%;touch-action:none}}
path{{vector-effect:non-scaling-stroke}}.b{{fill:#d9d0c3}}.s{{fill:none;stroke:#fff;stroke-width:3}}
.v{{fill:#1766c2;fill-opacity:.13;stroke:#1766c2;stroke-opacity:.5}}
.d{{fill:#b45309;fill-opacity:.13;stroke:#b45309;stroke-dasharray:5 4}}
.k{{fill:#111;fill-opacity:.45}}.c{{fill:#0b3d77}}.u{{fill:#b45309}}
h1{{position:fixed;margin:.6rem 1rem;font-size:1.1rem;background:#fffc;padding:.2rem .6rem}}</style>
<h1>{title}</h1>
<svg viewBox="{view}" role="img" aria-label="{title}">{drawn}</svg>
<script>
const svg=document.querySelector("svg"),b=svg.viewBox.baseVal;
svg.onwheel=e=>{{e.preventDefault();const f=e.deltaY>0?1.25:.8,r=svg.getBoundingClientRect(),
x=b.x+b.width*(e.clientX-r.left)/r.width,y=b.y+b.height*(e.clientY-r.top)/r.height;
b.x=x-(x-b.x)*f;b.y=y-(y-b.y)*f;b.width*=f;b.height*=f}};
svg.onpointermove=e=>{{if(e.buttons){{const r=svg.getBoundingClientRect();
b.x-=e.movementX*b.width/r.width;b.y-=e.movementY*b.height/r.height}}}};
</script></html>
"""


def preview(town: Town, coverages: Mapping[CameraId, Coverage], title: str) -> str:
    """Draw streets, buildings, what each camera sees, and why one of them is doubtful."""
    places = [camera.position for camera in town.cameras if camera.position is not None]
    points = [(place.lon, place.lat) for place in places]
    points += [point for street in town.streets for point in street.lonlat]
    lonlat = np.array(points or [(0.0, 0.0)])
    plane = Plane(*lonlat.mean(axis=0).tolist())
    corners = np.column_stack(plane.to_metres(lonlat[:, 0], lonlat[:, 1]))
    (west, south), (east, north) = corners.min(axis=0) - 50, corners.max(axis=0) + 50
    drawn = [
        _path("b", _rings(plane.metres(town.buildings))),
        _path("s", [_line(plane, street.lonlat) for street in town.streets]),
        _path(
            "k", _rings(plane.metres(np.array([mask.area for mask in town.masks], dtype=object)))
        ),
        *(_camera(camera, coverages.get(camera.id), plane) for camera in town.cameras),
    ]
    view = f"{west:.0f} {-north:.0f} {east - west:.0f} {north - south:.0f}"
    return _PAGE.format(title=escape(title), view=view, drawn="".join(drawn))


def _camera(camera: Camera, coverage: Coverage | None, plane: Plane) -> str:
    if coverage is None:
        return ""
    x, y = (float(each) for each in plane.to_metres(*coverage.eye))
    area = _path(
        "d" if coverage.uncertain else "v", _rings(np.array([plane.metres(coverage.area)]))
    )
    name = f"<title>{escape(camera.name)}</title>"
    style = "u" if coverage.uncertain or (camera.heading_deg is None and not turns(camera)) else "c"
    if camera.heading_deg is None:
        return f'<g>{name}{area}<circle class="{style}" cx="{x:.1f}" cy="{-y:.1f}" r="3"/></g>'
    arrow = []
    for length, turned in ((9.0, 0.0), (4.0, 140.0), (4.0, -140.0)):
        angle = math.radians(camera.heading_deg + turned)
        arrow.append(f"{x + length * math.sin(angle):.1f},{-y - length * math.cos(angle):.1f}")
    return f'<g>{name}{area}<polygon class="{style}" points="{" ".join(arrow)}"/></g>'


def _line(plane: Plane, lonlat: Iterable[tuple[float, float]]) -> str:
    points = np.array(list(lonlat))
    return _points(np.column_stack(plane.to_metres(points[:, 0], points[:, 1])))


def _rings(shapes: Geometries) -> list[str]:
    if not len(shapes):
        return []
    rings = np.asarray(shapely.get_rings(shapely.get_parts(shapes)), dtype=object)
    return [_points(shapely.get_coordinates(ring)) + "Z" for ring in rings]


def _points(metres: Floats) -> str:
    return "M" + "L".join(f"{x:.1f},{-y:.1f}" for x, y in metres.tolist())


def _path(name: str, pieces: Iterable[str]) -> str:
    drawn = "".join(pieces)
    return f'<path class="{name}" fill-rule="evenodd" d="{drawn}"/>' if drawn else ""
