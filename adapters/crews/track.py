"""Play a recorded track again, as if it were driven now: for exercises and demonstrations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import gpxpy
import gpxpy.gpx

from adapters.crews.values import LONGEST_NAME
from hooks import Envelope, Listener, Malformed, Unreachable
from hooks.causes import cause

#: Between two rounds of a track that is over.
PAUSE_S = 5.0
#: Where nothing is told for long (he stood still), we still say that we play.
BEAT_S = 10.0


def points(text: str) -> Iterator[tuple[float, str, float, float]]:
    """Read a GPX text: seconds since its first point, the track's name, longitude, latitude.

    Raises
    ------
    Malformed
        It is no GPX, or no point of it has a time.
    """
    try:
        read = gpxpy.parse(text)
    except gpxpy.gpx.GPXException as error:
        raise Malformed("replay", text[:40], "write a GPX file: {cause}",
                        cause=cause(error)) from error  # fmt: skip
    timed = [
        (_aware(point.time), track.name or f"{number}", point.longitude, point.latitude)
        for number, track in enumerate(read.tracks, start=1)
        for segment in track.segments
        for point in segment.points
        if point.time is not None
    ]
    if not timed:
        raise Malformed("replay", text[:40], "record the points with their times")
    timed.sort(key=lambda each: each[0])
    start = timed[0][0]
    for moment, name, lon, lat in timed:
        yield (moment - start).total_seconds(), name, lon, lat


def _aware(moment: datetime) -> datetime:
    """GPX 1.1: times are in UTC; some write no zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def play(path: Path, inlet: str, speed: float, listener: Listener) -> None:
    """Tell each point when its time comes, `speed` times as fast; then begin again.

    Raises
    ------
    Unreachable
        The file cannot be read.
    """
    try:
        text = await asyncio.to_thread(path.read_text, encoding="utf-8")
        way = list(points(text))
    except (OSError, UnicodeDecodeError, Malformed) as error:
        raise Unreachable(
            "{path} cannot be played: {cause}", path=str(path), cause=cause(error)
        ) from error
    while True:
        since_s = 0.0
        for at_s, name, lon, lat in way:
            await _wait((at_s - since_s) / speed, listener)
            since_s = at_s
            now = datetime.now(UTC)
            # Nobody drives there now: whoever reads the name must see it. Most recorders call every
            # track the same: it is the inlet that tells two of them apart.
            said = {"id": f"gpx {inlet} {name}"[:LONGEST_NAME], "name": f"{name[:60]} (GPX)",
                    "lon": lon, "lat": lat, "fixed_at": now.isoformat(),
                    "status": "free"}  # fmt: skip
            body = json.dumps(said).encode()
            envelope = Envelope(adapter="crews", body=body, received_at=now, channel=inlet)
            await listener(envelope)
        listener.up()
        await asyncio.sleep(PAUSE_S)


async def _wait(seconds: float, listener: Listener) -> None:
    """Wait, saying now and then that we are there."""
    while seconds > 0:
        listener.up()
        await asyncio.sleep(min(seconds, BEAT_S))
        seconds -= BEAT_S
