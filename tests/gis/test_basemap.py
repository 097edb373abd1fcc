"""The base map: well-formed tiles whose seams meet."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from dispatch_gis.basemap import THEMES, Basemap
from dispatch_gis.town import Town

NAME = re.compile(r'<path id="(n\d+)" fill="none" d="M(-?[\d.]+) (-?[\d.]+)')


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int]:
    y = 0.5 - math.log(math.tan(math.radians(lat)) + 1 / math.cos(math.radians(lat))) / 2 / math.pi
    return int((lon / 360 + 0.5) * 2**z), int(y * 2**z)


@pytest.mark.parametrize("theme", sorted(THEMES))
@pytest.mark.parametrize("z", [10, 14, 16, 18])
def test_a_tile_is_an_svg_of_its_size(helsinki: Town, z: int, theme: str) -> None:
    x, y = tile_of(24.944, 60.17, z)

    root = ElementTree.fromstring(Basemap(helsinki).tile(z, x, y, theme))

    assert root.tag.endswith("svg")
    assert root.get("width") == "256"


def test_names_are_written_and_escaped(made: Town) -> None:
    x, y = tile_of(0.0006, 45.0009, 18)
    near = [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]

    drawn = b"".join(Basemap(made).tile(18, *each) for each in near).decode()

    assert "Rue du Nord &amp; fils" in drawn


def test_a_name_across_a_seam_is_written_alike_on_both_sides(helsinki: Town) -> None:
    basemap = Basemap(helsinki)
    x, y = tile_of(24.944, 60.17, 16)
    places: dict[str, list[tuple[int, int]]] = {}
    for dx in range(3):
        for name, px, py in NAME.findall(basemap.tile(16, x + dx, y).decode()):
            places.setdefault(name, []).append((round(float(px) + 256 * dx), round(float(py))))

    shared = [each for each in places.values() if len(each) > 1]
    assert shared
    assert all(len(set(each)) == 1 for each in shared)


def test_outside_the_town_there_is_bare_ground(made: Town) -> None:
    assert Basemap(made).tile(16, 0, 0).decode().count("<path") == 0


@pytest.mark.parametrize(
    ("z", "x", "y", "theme"),
    [(3, 8, 0, "night"), (-1, 0, 0, "night"), (23, 0, 0, "night"), (3, 0, 0, "neon")],
)
def test_there_is_no_such_tile(made: Town, z: int, x: int, y: int, theme: str) -> None:
    with pytest.raises(ValueError, match="no t"):
        Basemap(made).tile(z, x, y, theme)
