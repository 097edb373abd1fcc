"""The ways of crews, and who wore what: what is kept of people, and how it is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from hooks import CrewId, IncidentId, Picture
from vms_plugin.roster import Line

if TYPE_CHECKING:
    from vms_plugin.store import Store

#: A row of the table `assignment`, but for its device.
Assignment = tuple[str, str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """Where a crew was at a moment."""

    crew: CrewId
    at: datetime
    incident: IncidentId | None  #: engaged in it then
    lon: float  #: degrees, WGS 84
    lat: float


async def ways(store: Store, incident: IncidentId) -> list[Waypoint]:
    """Read the ways of the crews engaged in an incident, crew by crew, oldest first."""
    query = "SELECT crew, at, lon, lat FROM waypoint WHERE incident = ? ORDER BY crew, at"
    return [
        Waypoint(crew=CrewId(crew), at=datetime.fromisoformat(at), incident=incident, lon=lon,
                 lat=lat)
        for crew, at, lon, lat in await store.query(query, incident)
    ]  # fmt: skip


async def forget_ways(store: Store, *, stray: datetime, kept: datetime) -> None:
    """Forget ways outside incidents older than `stray`, and those in one older than `kept`."""
    await store.query("DELETE FROM waypoint WHERE incident IS NULL AND at < ?", _iso(stray))
    await store.query("DELETE FROM waypoint WHERE at < ?", _iso(kept))


async def forget_trails(store: Store, closed_before: datetime) -> list[IncidentId]:
    """Forget the officer's way in incidents closed before that, and where crews were around him.

    Name them. Where he called from stays, as the log says it: the place of the press or, if it had
    none, the first one known after it. So does the place at the end.
    """
    over = [name for (name,) in await store.query(_OVER, _iso(closed_before))]
    erased: list[IncidentId] = []
    # A few at a time: their pictures are read for it, and a press waits for no more than these.
    for start in range(0, len(over), _AT_ONCE):
        erased += await store.together(partial(_erase_trails, over[start : start + _AT_ONCE]))
    return erased


def _erase_trails(over: list[str], database: sqlite3.Connection) -> list[IncidentId]:
    rows = []
    for incident in over:
        rows += database.execute(_STILL_TRAILED, (incident,)).fetchall()
    for incident, body in rows:
        picture = msgspec.json.decode(body, type=Picture)
        around = replace(picture.situation, reinforcements=())
        written = msgspec.json.encode(replace(picture, trail=(), situation=around))
        database.execute("UPDATE picture SET body = ? WHERE incident = ?", (written, incident))
        database.execute(_TRAIL, (incident, incident))
    return [IncidentId(incident) for incident, _ in rows]


async def keep_assignments(store: Store, lines: Iterable[Line], at: datetime) -> None:
    """Note what the roster says now: rows new to it, and rows it says no more."""
    now = _iso(at)
    rows = {
        (each.device, each.wearer.call_sign, each.wearer.name, each.wearer.id, each.wearer.crew,
         *each.period())
        for each in lines if each.device
    }  # fmt: skip

    def write(database: sqlite3.Connection) -> None:
        standing = database.execute(_STANDING).fetchall()
        database.executemany(_GONE, [(now, *row) for row in standing if row not in rows])
        database.executemany(_TOLD, [(*row, now) for row in rows])

    await store.together(write)


async def assignments(store: Store, device: str) -> list[Assignment]:
    """Read what the roster ever said of a device, in the order in which it was true."""
    rows = await store.query(_EVER_SAID, device.rpartition(":")[2])
    return [tuple(map(str, row)) for row in rows]  # type: ignore[misc]


async def forget_assignments(store: Store, before: datetime) -> None:
    """Forget what the roster no longer says since that moment."""
    await store.query("DELETE FROM assignment WHERE gone_at < ?", _iso(before))


_AT_ONCE = 20
_OVER = """
    SELECT DISTINCT incident FROM fact INDEXED BY fact_by_closing
    WHERE kind IN ('Closed', 'ClosedElsewhere') AND at < ?"""
_STILL_TRAILED = """
    SELECT incident, body FROM picture WHERE incident = ? AND closed = 1
    AND (json_array_length(CAST(body AS TEXT), '$.trail') > 0
         OR json_array_length(CAST(body AS TEXT), '$.situation.reinforcements') > 0
         OR EXISTS (SELECT 1 FROM fact WHERE fact.incident = picture.incident
                    AND fact.kind = 'Fix' LIMIT 1 OFFSET 1))"""
_TRAIL = """
    DELETE FROM fact WHERE incident = ? AND kind = 'Fix' AND seq NOT IN
        (SELECT seq FROM fact WHERE incident = ? AND kind = 'Fix' ORDER BY at, seq LIMIT 1)"""
_STANDING = """
    SELECT device, call_sign, name, wearer, crew, start, end FROM assignment
    WHERE gone_at IS NULL"""
_GONE = """
    UPDATE assignment SET gone_at = ? WHERE device = ? AND call_sign = ? AND name = ?
    AND wearer = ? AND crew = ? AND start = ? AND end = ?"""
_TOLD = """
    INSERT INTO assignment (device, call_sign, name, wearer, crew, start, end, told_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET gone_at = NULL"""
_EVER_SAID = """
    SELECT call_sign, name, wearer, crew, start, end, told_at, coalesce(gone_at, '')
    FROM assignment
    WHERE substr(device, instr(device, ':') + 1) = ? COLLATE NOCASE ORDER BY start, told_at"""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
