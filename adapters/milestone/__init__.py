"""Milestone XProtect: the cameras it knows, and one alarm for each incident."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters.milestone import alarm
from adapters.milestone.alarm import Shown
from adapters.milestone.decode import read_guid
from hooks import (
    CONTRACT,
    AdapterInfo,
    BadSettings,
    Camera,
    Feed,
    Health,
    IncidentId,
    Picture,
    Position,
    Receipt,
    Refused,
    Unreachable,
    hookimpl,
)
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.milestone.client import Client

log = logging.getLogger(__name__)

#: Cameras named in the settings that a probe looks up; it must end within seconds.
PROBED = 20


class Milestone:
    """The adapter; see README.md beside."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._devices: dict[str, str] = {}
        self._fallback = ""
        self._close_reason = ""
        self._inventory: tuple[Camera, ...] = ()
        #: Alarms made by this process, and not yet in a receipt: never made twice.
        self._made: dict[IncidentId, Shown] = {}
        #: The place last told in each alarm; kept in memory alone, for whereabouts are not ours.
        self._told_at: dict[IncidentId, Position | None] = {}

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="milestone", brand="Milestone XProtect", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section: where the site is, who we are, which camera stands for which device."""
        from adapters.milestone.client import Client  # noqa: PLC0415  (brings in requests)
        from adapters.milestone.gateway import Site  # noqa: PLC0415

        section = Section(settings)
        site = Site(
            url=_address(section),
            username=section.text("username"),
            password=section.text("password"),
            ca=section.file("ca"),
            lockout_pause_s=section.number("lockout_pause_s", 900, low=60, high=86400),
        )
        if site.ca:
            _check_authority(str(site.ca))
        self._devices = {
            _device(name, guid): _camera(f"devices.{name}", guid)
            for name, guid in section.table("devices").items()
        }
        fallback = section.text("fallback_camera", "")
        self._fallback = _camera("fallback_camera", fallback) if fallback else ""
        self._close_reason = section.text("close_reason", "")
        section.end()
        self.close()
        self._client = Client(site)

    def close(self) -> None:
        """Close the connections that are kept."""
        if self._client is not None:
            self._client.close()

    def _site(self) -> Client:
        if self._client is None:
            raise Refused("not configured: add the section [adapters.milestone]")
        return self._client

    @hookimpl
    def probe(self) -> Health:
        """Ask the site for what an alarm needs."""
        cameras = dict.fromkeys([self._fallback, *self._devices.values()])
        return self._site().probe([guid for guid in cameras if guid][:PROBED], bool(self._fallback))

    @hookimpl
    def list_feeds(self) -> Iterable[Feed]:
        """Give the watch that keeps the site warm, and tells when it is lost."""
        return [Feed(name="gateway", run=self._site().watch, silence_s=90)]

    @hookimpl
    def list_cameras(self) -> Iterable[Camera]:
        """Give the inventory, and remember it: a camera's name may bear a device's serial."""
        self._inventory = tuple(self._site().cameras())
        return self._inventory

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        """Make one alarm say what the picture says."""
        shown = self._known(picture, receipt, repeated) or self._create(picture)
        if not self._tell(picture, shown):
            shown = self._replace(picture, shown)
            if not self._tell(picture, shown):
                raise _not_yet(shown)
        self._made.pop(picture.incident, None)
        return alarm.wanted(picture, shown).receipt()

    @hookimpl
    def withdraw(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt | None:
        """Close the alarm with its reason; the record stays."""
        shown = self._known(picture, receipt, repeated)
        after = None if shown is None else Shown(alarm=shown.alarm, state="closed")
        if shown and after and shown.state != "closed":
            closing = {"state": self._state("closed"), "comment": alarm.comment(picture)}
            reason = self._site().close_reason(picture.outcome, self._close_reason)
            self._site().close_alarm(shown.alarm, closing, reason)
        self._made.pop(picture.incident, None)
        self._told_at.pop(picture.incident, None)
        return after.receipt() if after else receipt

    # --- one alarm and no other ---

    def _known(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Shown | None:
        """Find the incident's alarm: in memory, in the receipt, or in XProtect by our mark."""
        shown = self._made.get(picture.incident) or alarm.read_receipt(receipt)
        if shown is None and (repeated or receipt):
            shown = self._find(picture)
        return shown

    def _find(self, picture: Picture) -> Shown | None:
        found = self._site().find_alarm(alarm.reference(picture), picture.opened_at)
        return Shown(alarm=found) if found else None

    def _create(self, picture: Picture) -> Shown:
        """Create the alarm on the first camera that XProtect takes as its source."""
        body = {"name": alarm.name(picture), "message": alarm.message(picture)}
        guids = alarm.sources(picture, self._devices, self._candidates(picture), self._fallback)
        shown = Shown(alarm=self._site().create_alarm(body, guids), told=alarm.matters(picture))
        self._made[picture.incident] = shown
        return shown

    def _candidates(self, picture: Picture) -> Sequence[Camera]:
        """Give the cameras among which his own may be, even before a large inventory was read."""
        serial = alarm.serial(picture)
        if self._inventory or not serial or picture.device in self._devices:
            return self._inventory
        return self._site().cameras_named(serial)

    def _replace(self, picture: Picture, lost: Shown) -> Shown:
        """Answer for an alarm that XProtect says it has not.

        Deleted by somebody while a man is in danger: the alert must be seen again. Not so when it
        was created a moment ago (XProtect answers 202: accepted) or is there after all: a second
        alarm would be a second officer in danger.
        """
        if picture.incident in self._made:
            raise _not_yet(lost)
        found = self._find(picture)
        if found and found.alarm == lost.alarm:
            raise Refused(
                "XProtect lists the alarm {alarm} and does not let it be changed", alarm=lost.alarm
            )
        return found or self._create(picture)

    # --- what is to be changed ---

    def _tell(self, picture: Picture, shown: Shown) -> bool:
        """Change what an operator would see changed, and nothing else; False: no such alarm."""
        change = self._change(picture, shown)
        if change and not self._site().change_alarm(shown.alarm, change):
            return False
        if "comment" in change:
            self._told_at[picture.incident] = picture.position
        return True

    def _change(self, picture: Picture, shown: Shown) -> dict[str, Any]:
        """Say what differs, in the maker's words."""
        after, change = alarm.wanted(picture, shown), dict[str, Any]()
        if shown.state != after.state:
            change["state"] = self._state(after.state)
        if shown.priority != after.priority:
            priority = self._site().level("alarmPriorities", after.priority)
            if priority is None:
                log.warning("XProtect has no alarm priority %s", alarm.LEVELS[after.priority])
            else:
                change["priority"] = priority
        told_at = self._told_at.setdefault(picture.incident, picture.position)
        if shown.told != after.told or alarm.far(told_at, picture.position):
            change["comment"] = alarm.comment(picture)
        return change

    def _state(self, name: str) -> str | int:
        found = self._site().level("alarmStates", name)
        if found is None:
            level, usual = alarm.LEVELS[name]
            raise Refused(
                "XProtect has no alarm state of level {level} ({name}): add it in Alarm Data "
                "Settings", level=level, name=usual,
            )  # fmt: skip
        return found


def _not_yet(shown: Shown) -> Unreachable:
    return Unreachable(
        "XProtect does not find the alarm {alarm} that it accepted", alarm=shown.alarm
    )


# --- settings ---


def _address(section: Section) -> str:
    """Read the site's address: the password goes there, so TLS is not optional."""
    url = section.url("url")
    parts = urlsplit(url)
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        plain = f"{parts.scheme}://{parts.hostname}…"  # never a password in an error
        raise BadSettings("url", plain, "write scheme, host and port alone, as https://192.0.2.10")
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise BadSettings("url", url, "write https://; plain http is for this very machine alone")
    return url


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_authority(path: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise BadSettings(
            "ca", path, "write the path of a PEM file of certificates: {cause}", cause=str(error)
        ) from error


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
