"""Which four cameras to put before the operator, without taking one away for nothing.

Four at most: with more pictures before him an operator sees less. As the officer walks, the ranking
wavers with each fix; a picture that is being watched stays until it has clearly fallen behind. The
very best camera is always there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from hooks import CameraId, Sighting, Situation

TILES = 4
#: A newcomer takes a place only from one that has fallen that many ranks behind the last tile.
PATIENCE = 2


def chosen(
    ranked: Sequence[Sighting], shown: Sequence[CameraId] = (), *, most: int = TILES
) -> tuple[Sighting, ...]:
    """Choose the cameras to show, best first; those already shown keep their places.

    Parameters
    ----------
    ranked
        All that can show the place, best first.
    shown
        The tiles as they are now, in their order.
    """
    rank = {sighting.camera.id: number for number, sighting in enumerate(ranked)}
    kept = [camera for camera in shown if rank.get(camera, math.inf) < most + PATIENCE][:most]
    if len(kept) == most and ranked[0].camera.id not in kept:
        kept.remove(max(kept, key=lambda camera: rank[camera]))
    places: list[CameraId | None] = [camera if camera in kept else None for camera in shown[:most]]
    places += [None] * (most - len(places))
    fresh = iter([each.camera.id for each in ranked if each.camera.id not in kept])
    filled = [place if place is not None else next(fresh, None) for place in places]
    return tuple(ranked[rank[camera]] for camera in filled if camera is not None)


def tiled(situation: Situation, shown: Sequence[CameraId]) -> Situation:
    """Put the chosen cameras first in a situation, in the order of their tiles."""
    if not situation.sightings:
        return situation
    tiles = chosen(situation.sightings, shown)
    rest = tuple(each for each in situation.sightings if each not in tiles)
    return replace(situation, sightings=(*tiles, *rest))
