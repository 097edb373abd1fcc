"""Time drawing what ten thousand cameras see, and drawing it again when nothing has changed.

    python -m benchmarks.coverage [--town FILE.osm.pbf] [--cameras N]

The cameras are the town's own, moved a little at random until there are enough.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.common import arguments
from dispatch_gis.coverage import Surveyor
from dispatch_gis.osm import read_town
from dispatch_gis.situation import plane_of
from hooks import Camera, CameraId


def main() -> None:
    """Print the table."""
    parser = arguments(__doc__)
    parser.add_argument("--cameras", type=int, default=10_000)
    options = parser.parse_args()
    town = read_town(options.town)
    cameras = _spread(town.cameras, options.cameras)
    surveyor = Surveyor(town, plane_of(town, cameras))
    print(f"{options.town.name}: {len(town.buildings)} buildings, {len(cameras)} cameras")
    start = time.perf_counter()
    found = surveyor.coverages(cameras, {})
    first = time.perf_counter() - start
    start = time.perf_counter()
    surveyor.coverages(cameras, found)
    again = time.perf_counter() - start
    uncertain = sum(each.uncertain for each in found.values())
    print(f"drawn: {first:.1f} s; nothing changed: {again:.1f} s; {uncertain} uncertain positions")


def _spread(cameras: tuple[Camera, ...], count: int) -> list[Camera]:
    chance = np.random.default_rng(1)
    found = []
    for number in range(count):
        camera = cameras[number % len(cameras)]
        place = camera.position
        if place is None:
            continue
        east, north = chance.normal(0, 2e-4, 2)
        moved = replace(place, lon=place.lon + east, lat=place.lat + north)
        found.append(replace(camera, id=CameraId(f"b:{number}"), position=moved))
    return found


if __name__ == "__main__":
    main()
