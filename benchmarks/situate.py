"""Time a fix becoming a situation: which cameras see it, which crews come first, by which way.

    python -m benchmarks.situate [--town FILE.osm.pbf]

The peers are in `benchmarks/peers.py`, the growth in `benchmarks/growth.py`.
"""

from __future__ import annotations

import numpy as np

from benchmarks.common import NOW, ROUNDS, arguments, crews, places, timed
from dispatch_gis.osm import read_town
from dispatch_gis.situation import SituateSettings, Territory, situate


def main() -> None:
    """Print the table."""
    path = arguments(__doc__).parse_args().town
    town = read_town(path)
    settings = SituateSettings()
    territory = Territory(town, town.cameras, settings=settings)
    chance = np.random.default_rng(1)
    where = places(town, chance, ROUNDS)
    print(f"{path.name}: {len(town.streets)} streets, {len(town.cameras)} cameras")
    print(f"{'':<34}{'p50 ms':>9}{'p99 ms':>9}")
    for count in (10, 100, 1000):
        free = crews(town, chance, count)
        p50, p99 = timed(
            lambda place, free=free: situate(territory, place, free, NOW, settings=settings),
            where,
        )
        print(f"{f'situate, {count} crews by car':<34}{p50:>9.2f}{p99:>9.2f}")


if __name__ == "__main__":
    main()
