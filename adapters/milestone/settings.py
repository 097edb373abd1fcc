"""The section `[adapters.milestone]`: read key by key, every fault named. Touches no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from adapters.milestone.decode import read_guid
from adapters.milestone.ptz import Range, read_range
from adapters.milestone.site import Site, read_site
from hooks import BadSettings
from hooks.section import Section

#: The Event Server's port for analytics events, unless the site has moved it.
ANALYTICS_PORT = 9090
#: A lock longer than a calendar month would outlive the longest retention (CSI L252-5).
LONGEST_LOCK = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the section says."""

    site: Site
    devices: Mapping[str, str]  #: a device → the camera that stands for it
    slots: Mapping[str, str]  #: an officer, by call sign or name → the camera that follows him
    fallback: str
    close_reason: str
    wall: tuple[str, ...]  #: monitors that may be taken: GUIDs, names, « wall/monitor »
    wall_text: bool
    officer: bool  #: whether his own camera is put on walls and in views that a whole room sees
    preset_open: str
    preset_closed: str
    matrix: tuple[str, ...]
    rule_open: str  #: user-defined events, on which the site has rules
    rule_closed: str
    view: str  #: a shared view that may be changed
    analytics: str  #: the name of our analytics event in Management Client; empty: none is sent
    analytics_url: str
    bookmarks: bool
    lock_days: int
    ranges: Mapping[str, Range]


def read(settings: Mapping[str, Any]) -> Settings:
    """Read the whole section.

    Raises
    ------
    BadSettings
        With the field, its value and the remedy.
    """
    section = Section(settings)
    site = read_site(section)
    fallback = section.text("fallback_camera", "")
    found = Settings(
        site=site,
        devices={
            _device(name, guid): _camera(f"devices.{name}", guid)
            for name, guid in section.table("devices").items()
        },
        slots={
            name: _camera(f"slots.{name}", guid) for name, guid in section.table("slots").items()
        },
        fallback=_camera("fallback_camera", fallback) if fallback else "",
        close_reason=section.text("close_reason", ""),
        wall=section.texts("wall", ()),
        wall_text=_yes(section, "wall_text"),
        officer=_yes(section, "show_officer"),
        preset_open=section.text("wall_preset", ""),
        preset_closed=section.text("wall_preset_after", ""),
        matrix=section.texts("matrix", ()),
        rule_open=section.text("event_open", ""),
        rule_closed=section.text("event_closed", ""),
        view=section.text("view", ""),
        analytics=_switch(section, "analytics_event", "Renfort"),
        analytics_url=section.url("analytics_url", default=_analytics_url(site)),
        bookmarks=_yes(section, "bookmarks"),
        lock_days=int(section.number("evidence_lock_days", 0, low=0, high=LONGEST_LOCK)),
        ranges={
            _camera(f"ptz_ranges.{guid}", guid): read_range(f"ptz_ranges.{guid}", text)
            for guid, text in section.table("ptz_ranges").items()
        },
    )
    section.end()
    return found


def _yes(section: Section, name: str) -> bool:
    """Read "yes", the default, or "no"."""
    value = section.text(name, "yes")
    if value not in ("yes", "no"):
        raise BadSettings(name, value, "write one of: {allowed}", allowed="yes, no")
    return value == "yes"


def _switch(section: Section, name: str, default: str) -> str:
    """Read a name, or "no" for none."""
    value = section.text(name, default)
    return "" if value == "no" else value


def _analytics_url(site: Site) -> str:
    """Guess the Event Server: on the management server, where small sites have it."""
    host = urlsplit(site.url).hostname or ""
    return f"http://[{host}]:{ANALYTICS_PORT}" if ":" in host else f"http://{host}:{ANALYTICS_PORT}"


def _device(name: str, guid: str) -> str:
    adapter, _, serial = name.partition(":")
    if not adapter or not serial:
        raise BadSettings(
            f"devices.{name}", guid, "write the device as <adapter>:<serial>, as axis:B8A44F00A001"
        )
    return name


def _camera(field: str, text: str) -> str:
    guid = read_guid(text)
    if guid is None:
        raise BadSettings(
            field, text, "write a camera's GUID, as 6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
        )
    return guid
