"""What of a picture is news to people elsewhere. Pure.

Crews drawing nearer and fixes wandering are the page's business: each message to another system is
a line in its log, and makes somebody look. Neither is the reception that it confirmed itself.
"""

from __future__ import annotations

import json
import math

from hooks import Picture, Position

_EARTH_RADIUS_M = 6_371_000


def matters(picture: Picture) -> str:
    """Sum up what makes somebody act otherwise when it changes."""
    place = "unknown" if picture.position is None else "last" if picture.last_known else "known"
    return json.dumps(
        [picture.phase, picture.owner, *picture.engaged, place, picture.link_up,
         picture.ended_at is not None, picture.closed_by, picture.outcome]
    )  # fmt: skip


def far(before: Position | None, now: Position | None, moved_m: float) -> bool:
    """Whether he has gone too far from the place last told for it still to serve."""
    if before is None or now is None:
        return False
    east_deg = (now.lon - before.lon + 180) % 360 - 180
    east = math.radians(east_deg) * math.cos(math.radians(now.lat))
    north = math.radians(now.lat - before.lat)
    return math.hypot(east, north) * _EARTH_RADIUS_M > moved_m
