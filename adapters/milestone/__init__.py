"""Milestone XProtect: the cameras it knows, and an alarm for each incident."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.milestone import decode
from hooks import (
    CONTRACT,
    AdapterInfo,
    BadSettings,
    Camera,
    Health,
    Phase,
    Picture,
    Receipt,
    Refused,
    hookimpl,
)
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.milestone.client import Client

#: Alarm states and priorities of a fresh installation: their level, and the name it has in English.
NEW, IN_PROGRESS, CLOSED = (1, "New"), (4, "In progress"), (11, "Closed")
HIGH, LOW = (1, "High"), (3, "Low")


class Milestone:
    """The adapter; see README.md beside."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._devices: dict[str, str] = {}
        self._fallback = ""
        self._names: dict[str, str] = {}

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="milestone", brand="Milestone XProtect", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section: where the site is, who we are, which camera stands for which device."""
        from adapters.milestone.client import Client, Site  # noqa: PLC0415  (brings in requests)

        section = Section(settings)
        site = Site(
            url=section.url("url"),
            username=section.text("username"),
            password=section.text("password"),
            ca=section.file("ca"),
            lockout_pause_s=section.number("lockout_pause_s", 900, low=60, high=86400),
        )
        self._devices = {name: guid.lower() for name, guid in section.table("devices").items()}
        self._fallback = section.text("fallback_camera", "").lower()
        section.end()
        for name in self._devices:
            if ":" not in name:
                raise BadSettings(
                    f"devices.{name}", self._devices[name],
                    "write the device as <adapter>:<serial>, as axis:B8A44F00A001",
                )  # fmt: skip
        self._client = Client(site)

    @property
    def _site(self) -> Client:
        if self._client is None:
            raise Refused("not configured: add the section [adapters.milestone]")
        return self._client

    @hookimpl
    def probe(self) -> Health:
        """Ask the site for what an alarm needs."""
        return self._site.probe()

    @hookimpl
    def list_cameras(self) -> Iterable[Camera]:
        """Give the inventory, and remember which camera stands for which body-worn device."""
        rows, hardware = self._site.cameras()
        cameras = decode.read_cameras(rows, hardware)
        self._names = {camera.name.upper(): str(decode.guid_of(camera.id)) for camera in cameras}
        # Asked now, so that the first press does not wait for them.
        self._site.enum("alarmStates")
        self._site.enum("alarmPriorities")
        return cameras

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        """Make one alarm say what the picture says."""
        known = json.loads(receipt.data) if receipt else {}
        alarm = known.get("alarm") or (self._find(picture) if repeated else None)
        if alarm is None:
            alarm = self._site.create_alarm(self._alarm(picture))
            known = {"said": decode.message(picture)}
        wanted = self._wanted(picture)
        change = {name: value for name, value in wanted.items() if known.get(name) != value}
        said = decode.message(picture)
        if said != known.get("said"):
            change["comment"] = picture.text
        if change and not self._site.change_alarm(alarm, change):
            # Somebody deleted it while a man is in danger: the alert must be seen again.
            alarm = self._site.create_alarm(self._alarm(picture))
            self._site.change_alarm(alarm, wanted)
        return Receipt(data=json.dumps({"alarm": alarm, "said": said, **wanted}))

    @hookimpl
    def withdraw(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt | None:
        """Close the alarm with its reason; the record stays."""
        known = json.loads(receipt.data) if receipt else {}
        alarm = known.get("alarm") or (self._find(picture) if repeated else None)
        if alarm is None:
            return receipt
        closing = {
            "state": self._level("alarmStates", CLOSED),
            "comment": picture.text,
            "reasonForClosing": picture.outcome,
        }
        self._site.change_alarm(alarm, closing)  # gone already: nothing to close
        return Receipt(data=json.dumps({**known, "alarm": alarm, **closing}))

    def _find(self, picture: Picture) -> str | None:
        """Look for our own mark: an earlier call may have gone through without its answer."""
        mark = decode.reference(picture)
        for alarms in self._site.pages_of_alarms():
            found = decode.find(alarms, mark)
            if found:
                return found
        return None

    def _alarm(self, picture: Picture) -> dict[str, str]:
        return {
            "name": picture.title,
            "message": decode.message(picture),
            "source": self._source(picture),
        }

    def _source(self, picture: Picture) -> str:
        """Choose the alarm's source: the officer's own device, else the camera that sees him best.

        XProtect takes a camera and nothing else as the source of an alarm with video.
        """
        if not self._names:
            self.list_cameras()  # a press before the first inventory: it is needed now
        mapped = self._devices.get(picture.device)
        if mapped:
            return mapped
        serial = picture.device.partition(":")[2].upper()
        named = [guid for name, guid in sorted(self._names.items()) if serial and serial in name]
        if named:
            return named[0]
        for sighting in picture.situation.sightings:
            guid = decode.guid_of(sighting.camera.id)
            if guid:
                return guid
        if self._fallback:
            return self._fallback
        if self._names:
            # Better an alarm on the wrong camera than none: the text says where he is.
            return self._names[min(self._names)]
        raise Refused("no camera can be the alarm's source: set fallback_camera or devices")

    def _wanted(self, picture: Picture) -> dict[str, str]:
        state = NEW if picture.phase is Phase.NEW else IN_PROGRESS
        return {
            "state": self._level("alarmStates", state),
            "priority": self._level("alarmPriorities", LOW if picture.exercise else HIGH),
        }

    def _level(self, enum: str, wanted: tuple[int, str]) -> str:
        """Find the id of a state or priority: by level, else by name; sites rename them."""
        level, name = wanted
        listed = self._site.enum(enum)
        for each in listed:
            if str(each.get("level")) == str(level) or str(each.get("id")) == str(level):
                return str(each["id"])
        for each in listed:
            if str(each.get("name", "")).lower() == name.lower() and "id" in each:
                return str(each["id"])
        raise Refused("XProtect has no {enum} named {name}: add it", enum=enum, name=name)
