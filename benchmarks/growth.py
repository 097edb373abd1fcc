"""Time a situation as cameras, crews and junctions grow, one after the other, then all at once.

    python -m benchmarks.growth [--town FILE.osm.pbf] [--svg FILE.svg]

The town is laid beside itself as often as junctions are wanted; cameras are its own, with what they
see, put down again elsewhere. Takes some minutes and some gigabytes.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely

from benchmarks.common import NOW, ROUNDS, arguments, crews, places, timed
from dispatch_gis.coverage import Coverage
from dispatch_gis.osm import read_town
from dispatch_gis.sight import CameraIndex
from dispatch_gis.situation import SituateSettings, Territory, situate
from dispatch_gis.town import Street, Town, geometries
from hooks import Camera, CameraId, Means

SETTINGS = SituateSettings()
CAMERAS = (1_000, 10_000, 100_000, 1_000_000)
CREWS = (100, 1_000, 10_000)
SIDES = (1, 2, 3, 5)  #: towns side by side, by as many
GATES = 12  #: streets from each town to the next
#: To each town, where they are not what grows.
_FEW_CAMERAS, _FEW_CREWS = 1_000, 100


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table."""

    cameras: int
    crews: int
    junctions: int
    p50: float
    p99: float


def main() -> None:
    """Print the table, and draw it."""
    parser = arguments(__doc__)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    town = read_town(options.town)
    seen = Territory(town, town.cameras, settings=SETTINGS)
    print(f"{options.town.name}")
    print(f"{'cameras':>10}{'crews':>8}{'junctions':>11}{'p50 ms':>9}{'p99 ms':>9}")
    curves: dict[str, list[Measured]] = {"cameras": [], "crews": [], "junctions": []}
    for side in SIDES:
        ground = _ground(town, side)
        _furnish(ground, seen, _FEW_CAMERAS * side * side)
        curves["junctions"].append(_measured(ground, _FEW_CREWS * side * side))
    for count in CREWS:
        curves["crews"].append(_measured(ground, count))
    for count in CAMERAS:
        _furnish(ground, seen, count)
        curves["cameras"].append(_measured(ground, _FEW_CREWS * SIDES[-1] ** 2))
    _measured(ground, CREWS[-1])
    if options.svg is not None:
        options.svg.write_text(plot(curves), encoding="utf-8")


def _measured(ground: Territory, count: int) -> Measured:
    chance = np.random.default_rng(2)
    free = crews(ground._town, chance, count)
    where = places(ground._town, chance, ROUNDS)
    gc.collect()
    gc.freeze()
    p50, p99 = timed(lambda place: situate(ground, place, free, NOW, settings=SETTINGS), where)
    gc.unfreeze()
    junctions = ground.roads.at(NOW)[0][Means.CAR].graph.nodes
    found = Measured(len(ground.cameras), count, junctions, p50, p99)
    print(f"{found.cameras:>10}{count:>8}{junctions:>11}{p50:>9.2f}{p99:>9.2f}", flush=True)
    return found


def _ground(town: Town, side: int) -> Territory:
    """Lay the town's streets side by side, joined along their borders, and nothing else."""
    west, south, east, north = town.bounds or (0.0, 0.0, 0.0, 0.0)
    driven = _returning(town)
    streets: list[Street] = []
    for column in range(side):
        for row in range(side):
            step = column * (east - west), row * (north - south)
            streets += [_moved(street, column * side + row, *step) for street in driven]
    streets += _bridges(driven, side, (east - west, north - south))
    return Territory(Town(streets=tuple(streets)), (), settings=SETTINGS)


def _returning(town: Town) -> list[Street]:
    """List the streets from which one comes back: the others would be left out in each copy."""
    alone = Territory(Town(streets=town.streets), (), settings=SETTINGS)
    network = alone.roads.at(NOW)[0][Means.CAR]
    return [town.streets[place] for place in network.sources[network.usable]]


def _moved(street: Street, copy: int, east: float, north: float) -> Street:
    lonlat = tuple((lon + east, lat + north) for lon, lat in street.lonlat)
    return replace(
        street, start=_named(street.start, copy), end=_named(street.end, copy), lonlat=lonlat
    )


def _named(junction: int, copy: int) -> int:
    return junction + (copy << 48)


def _bridges(driven: Sequence[Street], side: int, step: tuple[float, float]) -> list[Street]:
    """Join neighbouring copies by streets from one border to the next."""
    at = {street.start: street.lonlat[0] for street in driven}
    names = np.array(list(at))
    points = np.array(list(at.values()))
    found = []
    for axis in (0, 1):
        for low, high in _gates(names, points, axis):
            for column in range(side - (axis == 0)):
                for row in range(side - (axis == 1)):
                    here = column * side + row
                    there = (column + (axis == 0)) * side + row + (axis == 1)
                    corner = np.array([column * step[0], row * step[1]])
                    beyond = corner + np.array([step[0], 0.0] if axis == 0 else [0.0, step[1]])
                    line = (tuple(at[high] + corner), tuple(at[low] + beyond))
                    found.append(
                        Street(
                            start=_named(high, here),
                            end=_named(low, there),
                            lonlat=line,
                            kind="primary",
                            name="",
                            car_kmh=50,
                            car=(True, True),
                            bike=(True, True),
                            foot=True,
                        )
                    )
    return found


def _gates(names: np.ndarray, points: np.ndarray, axis: int) -> list[tuple[int, int]]:
    """Choose the junctions nearest to two opposite borders, in bands across the town."""
    across = points[:, 1 - axis]
    edges = np.quantile(across, np.linspace(0, 1, GATES + 1))
    found = []
    for low, high in itertools.pairwise(edges):
        band = np.flatnonzero((across >= low) & (across <= high))
        along = points[band, axis]
        found.append((int(names[band[along.argmin()]]), int(names[band[along.argmax()]])))
    return found


def _furnish(ground: Territory, seen: Territory, count: int) -> None:
    """Put cameras down at junctions at random, with what they see where they come from."""
    chance = np.random.default_rng(3)
    models = chance.integers(len(seen.cameras), size=count)
    goals = np.array([(p.lon, p.lat) for p in places(ground._town, chance, count)])
    known = [seen.coverages[camera.id] for camera in seen.cameras]
    eyes = np.array([coverage.eye for coverage in known])[models]
    shapes = _shifted(geometries([known[model].area for model in models]), goals - eyes)
    cameras: list[Camera] = []
    coverages: dict[CameraId, Coverage] = {}
    for number, model in enumerate(models.tolist()):
        name = CameraId(f"b:{number}")
        lon, lat = goals[number].tolist()
        camera = seen.cameras[model]
        place = replace(camera.position, lon=lon, lat=lat) if camera.position else None
        cameras.append(replace(camera, id=name, position=place))
        coverages[name] = replace(known[model], camera=name, area=shapes[number], eye=(lon, lat))
    ground.cameras = tuple(cameras)
    ground.index = CameraIndex(cameras, ground.plane, coverages)


def _shifted(shapes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    points = shapely.get_coordinates(shapes)
    owners = np.repeat(np.arange(len(shapes)), shapely.get_num_coordinates(shapes))
    return shapely.set_coordinates(shapes, points + steps[owners])


# --- the drawing ---

_WIDE, _HIGH, _LEFT, _LOW = 680, 300, 60, 250
_COLOURS = {"cameras": "#0072b2", "crews": "#d55e00", "junctions": "#009e73"}


def plot(curves: dict[str, Sequence[Measured]]) -> str:
    """Draw the 99th percentile against each quantity, both on scales of ten."""
    drawn = [_axes()]
    for place, (name, rows) in enumerate(curves.items()):
        points = [(_x(getattr(row, name)), _y(row.p99)) for row in rows]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)
        drawn.append(
            f'<g fill="{_COLOURS[name]}"><polyline points="{line}" fill="none" stroke-width="2" '
            f'stroke="{_COLOURS[name]}"/>{dots}<text x="{_LEFT + 10}" y="{190 + 16 * place}">'
            f"{name}</text></g>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" '
        f'font-family="sans-serif" font-size="12">{"".join(drawn)}</svg>\n'
    )


def _x(count: float) -> float:
    return float(_LEFT + (np.log10(count) - 2) * (_WIDE - _LEFT - 60) / 4)


def _y(milliseconds: float) -> float:
    return float(_LOW - (np.log10(milliseconds) + 1) * (_LOW - 10) / 2)


def _axes() -> str:
    across = "".join(
        f'<path d="M{_x(n)} 10V{_LOW}"/><text x="{_x(n)}" y="{_LOW + 18}" stroke="none" '
        f'text-anchor="middle">{n:,}</text>'.replace(",", " ")
        for n in (100, 1_000, 10_000, 100_000, 1_000_000)
    )
    up = "".join(
        f'<path d="M{_LEFT} {_y(ms)}H{_WIDE - 60}"/><text x="{_LEFT - 8}" y="{_y(ms) + 4}" '
        f'stroke="none" text-anchor="end">{ms:g} ms</text>'
        for ms in (0.1, 1, 10)
    )
    title = f'<text x="{_WIDE / 2}" y="{_HIGH - 8}" text-anchor="middle" stroke="none">'
    return f'<g stroke="#ccc" fill="#444">{across}{up}{title}p99 of a situation</text></g>'


if __name__ == "__main__":
    main()
