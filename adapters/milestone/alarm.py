"""Our alarms in XProtect: what they say, how they are found again, what must be changed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters._shared.news import matters
from adapters.milestone.decode import guid_of
from adapters.milestone.record import Shown
from hooks import Camera, Phase, Picture

#: Levels that every installation has, and the name each has in an English one. Sites add levels
#: and rename them; these numbers stay.
LEVELS = {
    "new": (1, "New"), "in_progress": (4, "In progress"), "closed": (11, "Closed"),
    "high": (1, "High"), "low": (3, "Low"),
}  # fmt: skip
#: Longest texts that alarm lists show whole.
LONGEST_NAME, LONGEST_TEXT = 200, 1000
#: How far the officer goes before the alarm tells his new place: further than fixes wander, and
#: seldom enough that a pursuit does not fill the VMS's audit log.
MOVED_M = 200.0
#: Their clock may be late on ours by that much before our alarm is taken for older than the press.
CLOCKS_APART = timedelta(hours=1)
#: Where releases put an alarm's time.
_TIMES = ("time", "timestamp", "createdTime", "created")
#: A serial number shorter than that is found in too many names.
_SHORTEST_SERIAL = 6


# --- what it says ---


def reference(picture: Picture) -> str:
    """Write the mark by which we find our own alarm again."""
    return f"[renfort:{picture.incident}]"


def name(picture: Picture) -> str:
    """Write an alarm's name: the one line that the operator reads first."""
    return _bounded(_plain(picture.title), LONGEST_NAME) or reference(picture)


def message(picture: Picture) -> str:
    """Write an alarm's message: a few facts on one line, then our mark, never cut."""
    mark = reference(picture)
    text = _bounded(" ".join(_plain(picture.text).split()), LONGEST_TEXT - len(mark) - 1)
    return f"{text} {mark}".strip()


def comment(picture: Picture) -> str:
    """Write what is added to the alarm when something changed."""
    return _bounded(_plain(picture.text), LONGEST_TEXT) or reference(picture)


def wanted(picture: Picture, shown: Shown) -> Shown:
    """Say what the alarm is to be. A closed incident is closed by `withdraw`, not here."""
    states = {Phase.NEW: "new", Phase.CLOSED: shown.state}
    return Shown(
        alarm=shown.alarm,
        state=states.get(picture.phase, "in_progress"),
        priority="low" if picture.exercise else "high",
        assigned=picture.owner or shown.assigned,
        told=matters(picture),
    )


def _plain(text: str) -> str:
    """Drop what no list can show: control characters, but for the line's end."""
    return "".join(each for each in text if each == "\n" or each.isprintable()).strip()


def _bounded(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: max(longest - 1, 0)].rstrip() + "…"


# --- where it is ---


def serial(picture: Picture) -> str:
    """Give what names of cameras may bear of the officer's device; empty when too short for it."""
    found = picture.device.partition(":")[2].upper()
    return found if len(found) >= _SHORTEST_SERIAL and found.isalnum() else ""


def named_after(picture: Picture, inventory: Sequence[Camera]) -> str:
    """Find the camera whose name bears the device's serial number; empty: there is none."""
    own = serial(picture)
    if not own:
        return ""
    named = [each for each in inventory if each.enabled and own in each.name.upper()]
    found = min(named, key=lambda each: each.name, default=None)
    return guid_of(found.id) or "" if found else ""


def sources(picture: Picture, own: str, fallback: str) -> list[str]:
    """List the cameras that can stand for the incident, best first, by GUID.

    An alarm has video, and a place on the Smart Map, by its source, which must be a camera: the
    officer's own device, else the camera that sees him best, else the one set for that.
    """
    return list(dict.fromkeys(each for each in (own, *seeing(picture)[:1], fallback) if each))


def seeing(picture: Picture) -> list[str]:
    """List our cameras that can show the place, best first, by GUID."""
    seen = (guid_of(sighting.camera.id) for sighting in picture.situation.sightings)
    return [guid for guid in seen if guid]


# --- finding ours again ---


def find(alarms: Iterable[Mapping[str, Any]], mark: str) -> str | None:
    """Find our alarm by its mark in a page of alarms; the oldest one if there were ever two."""
    ours = [
        alarm
        for alarm in alarms
        if alarm.get("id") and any(mark in str(said) for said in alarm.values())
    ]
    ours.sort(key=lambda alarm: time_of(alarm) or datetime.max.replace(tzinfo=UTC))
    return str(ours[0]["id"]) if ours else None


def past(alarms: Sequence[Mapping[str, Any]], opened_at: datetime) -> bool:
    """Whether this page and all that follow are older than the press.

    The order of the maker's list is not documented: only a page seen to go from new to old says
    anything of the next one.
    """
    times = [time_of(alarm) for alarm in alarms]
    if len(times) < 2 or None in times:
        return False
    known = [each for each in times if each is not None]
    falling = known == sorted(known, reverse=True) and known[0] > known[-1]
    return falling and known[-1] < opened_at - CLOCKS_APART


def time_of(alarm: Mapping[str, Any]) -> datetime | None:
    """Read an alarm's time: seven decimals, one more than Python reads, and sometimes no zone."""
    for field in _TIMES:
        value = alarm.get(field)
        if isinstance(value, str):
            try:
                time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
                return time if time.tzinfo else time.replace(tzinfo=UTC)
            except ValueError:
                continue
    return None


def pick(listed: Sequence[Mapping[str, Any]], level: int, name: str) -> str | int | None:
    """Find the id of a state or a priority: by level, else by name; None when there is neither."""
    for each in listed:
        said = each.get("level", each.get("id"))
        if str(said) == str(level) and isinstance(each.get("id"), str | int):
            return each["id"]  # type: ignore[no-any-return]
    return named(listed, name)


def named(listed: Iterable[Mapping[str, Any]], name: str) -> str | int | None:
    """Find the id of what bears this name, in capitals or not; as it came, text or number."""
    for each in listed:
        said, identifier = each.get("name") or each.get("displayName"), each.get("id")
        if isinstance(identifier, str | int) and str(said or "").casefold() == name.casefold():
            return identifier
    return None
