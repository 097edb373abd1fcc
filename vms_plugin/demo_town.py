"""A town to show: its cameras, and patrols that follow its real streets."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import numpy as np

from dispatch_gis.osm import read_town
from dispatch_gis.plane import Plane
from dispatch_gis.town import Street

_HOUSE = UUID("0f1d3b9e-51de-4a43-9c58-57d8f9a3a1f0")
#: How fast patrols go in the demonstration, in metres per second.
_SPEED = {"car": 8.0, "bike": 4.5, "foot": 1.4}
_PATROLS = (
    ("21", "Brigade 21", "car"), ("22", "Brigade 22", "car"), ("23", "Brigade 23", "car"),
    ("31", "VTT 31", "bike"), ("32", "VTT 32", "bike"), ("41", "Îlotage 41", "foot"),
    ("42", "Îlotage 42", "foot"),
)  # fmt: skip


def camera_layer(osm: Path) -> dict[str, Any]:
    """Write the town's cameras as the layer GIS staff would keep.

    OpenStreetMap knows where they are; most of the headings, lenses and kinds are invented here,
    the same at each run, so that there is something to show.
    """
    features = []
    for number, camera in enumerate(read_town(osm).cameras):
        place = camera.position
        if place is None:
            continue
        guid = str(uuid5(_HOUSE, camera.id))
        kind = ("fixed", "ptz", "fixed", "dome")[number % 4]
        properties = {
            "id": guid, "vms_id": f"milestone:{guid}", "name": f"Caméra {number + 1:03d}",
            "kind": kind, "heading_deg": camera.heading_deg or (number * 67) % 360,
            "fov_deg": 75 if kind == "fixed" else 60, "height_m": 6, "width_px": 1920,
        }  # fmt: skip
        geometry = {"type": "Point", "coordinates": [place.lon, place.lat]}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


@dataclass(slots=True)
class _Patrol:
    id: str
    name: str
    means: str
    street: Street
    forwards: bool
    done_m: float = 0.0


class Patrols:
    """Patrols wandering over the streets that their means may take."""

    def __init__(self, osm: Path, chance: random.Random) -> None:
        town = read_town(osm)
        west, south, east, north = town.bounds or (0.0, 0.0, 0.0, 0.0)
        self._plane = Plane((west + east) / 2, (south + north) / 2)
        self._chance = chance
        self._from: dict[str, dict[int, list[tuple[Street, bool]]]] = {}
        for means in _SPEED:
            leaving: dict[int, list[tuple[Street, bool]]] = defaultdict(list)
            for street in town.streets:
                ahead, back = _rights(street, means)
                if ahead:
                    leaving[street.start].append((street, True))
                if back:
                    leaving[street.end].append((street, False))
            self._from[means] = leaving
        self.patrols = [self._start(*each) for each in _PATROLS]
        self.streets = [s for s in town.streets if s.name and s.car_kmh and len(s.lonlat) > 2]

    def _start(self, identifier: str, name: str, means: str) -> _Patrol:
        node = self._chance.choice(sorted(self._from[means]))
        street, forwards = self._chance.choice(self._from[means][node])
        return _Patrol(identifier, name, means, street, forwards)

    def move(self, seconds: float) -> None:
        """Let every patrol go on; at a junction it takes any street but the one it came by."""
        for patrol in self.patrols:
            patrol.done_m += _SPEED[patrol.means] * seconds
            while patrol.done_m > (length := self._length(patrol.street)):
                patrol.done_m -= length
                node = patrol.street.end if patrol.forwards else patrol.street.start
                choices = self._from[patrol.means].get(node) or [
                    (patrol.street, not patrol.forwards)
                ]
                other = [each for each in choices if each[0] is not patrol.street]
                patrol.street, patrol.forwards = self._chance.choice(other or choices)

    def positions(self, at: datetime) -> dict[str, Any]:
        """Write where they all are, as GeoJSON."""
        features = []
        for patrol in self.patrols:
            lon, lat = self._place(patrol)
            properties = {
                "id": patrol.id, "name": patrol.name, "means": patrol.means,
                "status": "disponible", "fixed_at": at.isoformat(), "accuracy_m": 5,
            }  # fmt: skip
            geometry = {"type": "Point", "coordinates": [lon, lat]}
            features.append({"type": "Feature", "geometry": geometry, "properties": properties})
        return {"type": "FeatureCollection", "features": features}

    def _length(self, street: Street) -> float:
        east, north = self._plane.to_metres(*np.array(street.lonlat).T)
        return max(1.0, float(np.hypot(np.diff(east), np.diff(north)).sum()))

    def _place(self, patrol: _Patrol) -> tuple[float, float]:
        lonlat = np.array(patrol.street.lonlat)
        if not patrol.forwards:
            lonlat = lonlat[::-1]
        east, north = self._plane.to_metres(*lonlat.T)
        steps = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(east), np.diff(north)))])
        return (
            round(float(np.interp(patrol.done_m, steps, lonlat[:, 0])), 6),
            round(float(np.interp(patrol.done_m, steps, lonlat[:, 1])), 6),
        )


def _rights(street: Street, means: str) -> tuple[bool, bool]:
    if means == "foot":
        return street.foot, street.foot
    return street.bike if means == "bike" else street.car


def place_in(patrols: Patrols, turn: int) -> tuple[float, float]:
    """Choose where the officer presses: in a named street, another one each time."""
    street = patrols.streets[(turn * 37 + 11) % len(patrols.streets)]
    return street.lonlat[len(street.lonlat) // 2]
