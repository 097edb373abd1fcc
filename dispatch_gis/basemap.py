"""Draw the base map of a town as SVG tiles: no map server, no internet, no WebGL.

Tiles are the usual ones (Web Mercator, 256 px, z/x/y). Names are written along their street at
places chosen on the whole map, so the half of a name in one tile meets its other half in the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring

from dispatch_gis.plane import Floats
from dispatch_gis.town import Town

SIZE_PX = 256
#: Drawn beyond the tile, so that what straddles its edge is whole.
MARGIN_PX = 24

#: (class of street, width in px at zoom 16, first zoom)
_WIDTHS: dict[str, tuple[float, int]] = {
    "motorway": (9, 8), "trunk": (9, 8), "primary": (8, 10), "secondary": (7, 11),
    "tertiary": (6, 12), "motorway_link": (5, 12), "trunk_link": (5, 12), "primary_link": (5, 12),
    "secondary_link": (5, 13), "tertiary_link": (4.5, 13), "unclassified": (5, 13),
    "residential": (5, 13), "road": (5, 13), "living_street": (4.5, 14), "pedestrian": (4, 14),
    "service": (3, 15), "track": (1.5, 15),
}  # fmt: skip
_PATH = (1.2, 16)
_MAJOR = ("motorway", "trunk", "primary", "secondary")

#: Night: the operator's pictures are the bright things in the room.
THEMES = {
    "night": {
        "ground": "#12181f", "water": "#0d2a3f", "green": "#14251f", "building": "#1d2732",
        "edge": "#263342", "casing": "#0c1116", "street": "#34424f", "major": "#4a5a68",
        "path": "#2c3945", "name": "#a9bac9", "halo": "#12181f",
    },
    "day": {
        "ground": "#f2efe9", "water": "#b5d3e7", "green": "#d3e5c6", "building": "#e0d8cc",
        "edge": "#cfc4b4", "casing": "#cdc7bd", "street": "#ffffff", "major": "#fbe3ac",
        "path": "#d8d2c8", "name": "#3b4550", "halo": "#ffffff",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Layer:
    """Geometries in Mercator units (0..1 over the world), and where they are."""

    shapes: Any
    tree: shapely.STRtree

    @classmethod
    def of(cls, lonlat: Any) -> _Layer:
        shapes = shapely.transform(lonlat, _mercator) if len(lonlat) else lonlat
        return cls(shapes, shapely.STRtree(shapes))

    def within(self, box: Any) -> list[int]:
        return sorted(int(i) for i in self.tree.query(box))


class Basemap:
    """A town ready to be drawn. Built once; tiles are drawn from any thread."""

    def __init__(self, town: Town) -> None:
        self._streets = town.streets
        lines = [shapely.LineString(street.lonlat) for street in town.streets]
        self._lines = _Layer.of(np.array(lines, dtype=object))
        self._water = _Layer.of(town.water)
        self._green = _Layer.of(town.green)
        self._buildings = _Layer.of(town.buildings)
        self._names = _Names(town)

    def tile(self, z: int, x: int, y: int, theme: str = "night") -> bytes:
        """Draw one tile as SVG; outside the town it is bare ground.

        Raises
        ------
        ValueError
            There is no such tile, or no such theme.
        """
        if not (0 <= z <= 22 and 0 <= x < 2**z and 0 <= y < 2**z):
            raise ValueError(f"no tile {z}/{x}/{y}")
        if theme not in THEMES:
            raise ValueError(f"no theme {theme}")
        view = _View(z, x, y)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIZE_PX}" height="{SIZE_PX}" '
            f'viewBox="0 0 {SIZE_PX} {SIZE_PX}"><style>{_style(theme)}</style>'
            f'<rect class="g" width="{SIZE_PX}" height="{SIZE_PX}"/>'
        ]
        parts += self._areas(view, self._green, "n", 11)
        parts += self._areas(view, self._water, "w", 8)
        parts += self._areas(view, self._buildings, "b", 15)
        parts += self._roads(view)
        if z >= 15:
            parts += self._names.drawn(view)
        parts.append("</svg>")
        return "".join(parts).encode()

    def _areas(self, view: _View, layer: _Layer, name: str, first: int) -> Iterator[str]:
        if view.z < first:
            return
        path = "".join(
            view.rings(layer.shapes[index]) for index in layer.within(view.box(MARGIN_PX))
        )
        if path:
            yield f'<path class="{name}" fill-rule="evenodd" d="{path}"/>'

    def _roads(self, view: _View) -> Iterator[str]:
        """Draw casings first, then the streets over them, lesser ones first."""
        grouped: dict[str, list[str]] = {}
        for index in self._lines.within(view.box(MARGIN_PX)):
            kind = self._streets[index].kind
            if view.z >= _WIDTHS.get(kind, _PATH)[1]:
                grouped.setdefault(kind, []).append(view.line(self._lines.shapes[index]))
        kinds = sorted(grouped, key=lambda kind: _WIDTHS.get(kind, _PATH)[0])
        scale = 2.0 ** max(min((view.z - 16) * 0.75, 2.2), -2.2)
        for css, extra in (("c", 2.0), ("s", 0.0)):
            for kind in kinds:
                width = _WIDTHS.get(kind, _PATH)[0] * scale
                if css == "c" and (kind not in _WIDTHS or width < 2):
                    continue
                look = css if css == "c" else _look(kind)
                drawn = "".join(grouped[kind])
                yield f'<path class="l {look}" stroke-width="{width + extra:.1f}" d="{drawn}"/>'


def _look(kind: str) -> str:
    if kind not in _WIDTHS:
        return "p"
    return "m" if kind.startswith(_MAJOR) else "s"


def _style(theme: str) -> str:
    tint = THEMES[theme]
    return (
        f".g{{fill:{tint['ground']}}}.n{{fill:{tint['green']}}}.w{{fill:{tint['water']}}}"
        f".b{{fill:{tint['building']};stroke:{tint['edge']};stroke-width:.6}}"
        ".l{fill:none;stroke-linecap:round;stroke-linejoin:round}"
        f".c{{stroke:{tint['casing']}}}.s{{stroke:{tint['street']}}}"
        f".m{{stroke:{tint['major']}}}.p{{stroke:{tint['path']};stroke-dasharray:4 3}}"
        f"text{{font:500 11px system-ui,sans-serif;fill:{tint['name']};stroke:{tint['halo']};"
        "stroke-width:3px;paint-order:stroke;stroke-linejoin:round;text-anchor:middle;"
        "dominant-baseline:central}"
    )


class _View:
    """One tile: from Mercator units to its pixels."""

    def __init__(self, z: int, x: int, y: int) -> None:
        self.z = z
        self.scale = SIZE_PX * 2.0**z
        self.left, self.top = x * SIZE_PX, y * SIZE_PX

    def box(self, margin_px: float) -> Any:
        low_x, low_y = self.left - margin_px, self.top - margin_px
        side = SIZE_PX + 2 * margin_px
        return shapely.box(
            low_x / self.scale, low_y / self.scale,
            (low_x + side) / self.scale, (low_y + side) / self.scale,
        )  # fmt: skip

    def pixels(self, points: Floats) -> Floats:
        return points * self.scale - (self.left, self.top)

    def line(self, shape: Any) -> str:
        return _path(self.pixels(shapely.get_coordinates(shape)))

    def rings(self, shape: Any) -> str:
        polygons = shapely.get_parts(shape)
        rings = [ring for polygon in polygons for ring in shapely.get_rings(polygon)]
        return "".join(_path(self.pixels(shapely.get_coordinates(ring))) + "Z" for ring in rings)


def _path(points: Floats) -> str:
    """Write points as a path, to half a pixel."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist())


def _mercator(lonlat: Floats) -> Floats:
    """Project to the unit square of Web Mercator, y downwards."""
    lat = np.radians(np.clip(lonlat[:, 1], -85.05, 85.05))
    x = lonlat[:, 0] / 360 + 0.5
    y = 0.5 - np.log(np.tan(lat) + 1 / np.cos(lat)) / (2 * math.pi)
    return np.column_stack([x, y])


# --- names ---


class _Names:
    """Where street names are written: in the middle of each street, where it is straight."""

    def __init__(self, town: Town) -> None:
        by_name: dict[str, list[Any]] = {}
        for street in town.streets:
            if street.name:
                line = shapely.transform(shapely.LineString(street.lonlat), _mercator)
                by_name.setdefault(street.name, []).append(line)
        self._texts: list[str] = []
        lines: list[Any] = []
        for name in sorted(by_name):
            merged = shapely.line_merge(shapely.MultiLineString(by_name[name]))
            for part in shapely.get_parts(merged):
                lines.append(_leftwards(part))
                self._texts.append(name)
        self._lines = np.array(lines, dtype=object)
        self._tree = shapely.STRtree(self._lines)

    def drawn(self, view: _View) -> Iterator[str]:
        """Write the names that touch a tile, longest street first, none over another."""
        candidates = []
        for index in self._tree.query(view.box(SIZE_PX)):
            text = self._texts[index]
            length_px = self._lines[index].length * view.scale
            wide_px = 6.6 * len(text)
            if length_px > wide_px + 12:
                candidates.append((-length_px, text, int(index), wide_px))
        taken: list[Any] = []
        for _, text, index, wide_px in sorted(candidates):
            piece = _middle(self._lines[index], wide_px / view.scale)
            if _bent(piece):
                continue
            room = shapely.buffer(piece, 9 / view.scale)
            if any(room.intersects(other) for other in taken):
                continue
            taken.append(room)
            name = f"n{index}"
            yield (
                f'<path id="{name}" fill="none" d="{view.line(piece)}"/>'
                f'<text><textPath href="#{name}" startOffset="50%">{escape(text)}</textPath></text>'
            )


def _leftwards(line: Any) -> Any:
    """Turn a line so that a text along it reads from left to right."""
    points = shapely.get_coordinates(line)
    return shapely.reverse(line) if points[0, 0] > points[-1, 0] else line


def _bent(line: Any) -> bool:
    """Whether letters along a line would fall over one another."""
    points = shapely.get_coordinates(line)
    return bool(np.hypot(*(points[-1] - points[0])) < 0.92 * line.length)


def _middle(line: Any, length: float) -> Any:
    """Cut the middle of a line, with a little to spare for the last letter."""
    total = line.length
    half = min(total, 1.3 * length) / 2
    return substring(line, total / 2 - half, total / 2 + half)
