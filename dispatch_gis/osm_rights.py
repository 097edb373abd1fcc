"""OpenStreetMap's tags read as rights: who may take a street, which way, how fast; what bars it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Speeds in km/h where none is posted, by class; a class that is not here is not for vehicles.
CAR_KMH = {
    "motorway": 110, "motorway_link": 50, "trunk": 90, "trunk_link": 45, "primary": 50,
    "primary_link": 40, "secondary": 50, "secondary_link": 40, "tertiary": 45, "tertiary_link": 35,
    "unclassified": 40, "residential": 30, "living_street": 15, "service": 15, "road": 30,
}  # fmt: skip
#: Ways that feet and bicycles take besides.
PATHS = ("footway", "path", "pedestrian", "steps", "cycleway", "track", "corridor", "bridleway")
STREETS = (*CAR_KMH, *PATHS)

_NO = ("no", "private", "agricultural", "forestry", "delivery", "customers")
#: What a vehicle passes, unless its tags say otherwise (wiki.openstreetmap.org, Key:barrier).
_OPEN_TO_CARS = (
    "border_control", "cattle_grid", "entrance", "gate", "height_restrictor", "kerb", "lift_gate",
    "no", "sally_port", "sliding_gate", "speed_bump", "swing_gate", "toll_booth",
)  # fmt: skip
_SHUT_TO_ALL = ("wall", "fence", "city_wall", "hedge", "retaining_wall", "ditch", "guard_rail")


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may take a street."""

    car_kmh: float
    car: tuple[bool, bool]
    bike: tuple[bool, bool]
    foot: bool


def rights(tags: Mapping[str, str]) -> Rights | None:
    """Say who may take a street, and which way; None: nobody."""
    kind = tags["highway"]
    general = tags.get("access", "yes")
    vehicle = tags.get("vehicle", general)
    motor = tags.get("motor_vehicle", tags.get("motorcar", vehicle))
    drivable = kind in CAR_KMH and motor not in _NO
    motorway = kind.startswith(("motorway", "trunk")) or tags.get("motorroad") == "yes"
    by_foot = "yes" if kind in ("footway", "pedestrian", "steps", "path") else general
    walkable = not motorway and tags.get("foot", by_foot) not in _NO
    no_bike = motorway or kind in ("steps", "footway", "corridor")
    cyclable = tags.get("bicycle", "no" if no_bike else vehicle) not in (*_NO, "dismount")
    forward, backward = _directions(tags)
    contraflow = tags.get("oneway:bicycle") == "no" or any(
        str(tags.get(key, "")).startswith("opposite")
        for key in ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
    )
    if not (drivable or walkable or cyclable):
        return None
    return Rights(
        car_kmh=_speed_kmh(tags) if drivable else 0,
        car=(drivable and forward, drivable and backward),
        bike=(cyclable and (forward or contraflow), cyclable and (backward or contraflow)),
        foot=walkable,
    )


def barred(tags: Mapping[str, str]) -> tuple[bool, bool]:
    """Say whether a barrier's node is shut to cars, and to bicycles."""
    kind = tags["barrier"]
    general = tags.get("access", "")
    motor = tags.get("motor_vehicle", tags.get("motorcar", tags.get("vehicle", general)))
    bicycle = tags.get("bicycle", tags.get("vehicle", general))
    shut = kind in _SHUT_TO_ALL
    by_car = motor in _NO if motor else shut or kind not in _OPEN_TO_CARS
    return by_car, bicycle in _NO if bicycle else shut


def _directions(tags: Mapping[str, str]) -> tuple[bool, bool]:
    oneway = tags.get("oneway", "")
    if oneway in ("-1", "reverse"):
        return False, True
    implied = tags.get("junction") in ("roundabout", "circular") or tags["highway"] == "motorway"
    if oneway in ("yes", "true", "1") or (implied and oneway not in ("no", "false", "0")):
        return True, False
    return True, True


def _speed_kmh(tags: Mapping[str, str]) -> float:
    """Read the posted speed ("50", "30 mph", "FR:urban"), else the class's own."""
    posted = tags.get("maxspeed", "").lower()
    usual = float(CAR_KMH[tags["highway"]])
    if match := re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*(mph|km/h|kmh)?", posted):
        kmh = float(match[1]) * (1.609344 if match[2] == "mph" else 1)
        return kmh if 5 <= kmh <= 150 else usual
    zones = {"urban": 50.0, "rural": 80.0, "walk": 6.0, "living_street": 15.0, "zone30": 30.0}
    zone = posted.partition(":")[2] or posted
    return zones.get(zone.replace(":", ""), usual)
