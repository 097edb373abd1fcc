"""Cameras of XProtect that stand for body-worn devices: a pool of slots, and what they must not do.

« Les images […] ne peuvent faire l'objet d'un enregistrement distinct » at the command post (CSI
R241-13): recording, its buffer and the retrieval from the device's own storage are off for each of
them. Each slot is bound to an address of ours that never changes (docs/integrators/vms.md); who
wears what is our affair.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from adapters.milestone.api import Api, Items, Value, pick_task
from hooks import AdapterError, Finding, Message, Refused
from hooks.causes import cause

Row = Mapping[str, Any]

#: What must be off, and where it is switched off in Management Client.
RECORDING = {
    "recordingEnabled": "Record tab, Recording",
    "prebufferEnabled": "Record tab, Pre-buffer",
    "edgeStorageEnabled": "Record tab, Remote recordings",
    "recordOnRelatedDevices": "Record tab, Recording on related devices",
}
KEEPS_NOTHING = dict.fromkeys(RECORDING, False)
#: After that long no further camera is looked at.
EXAMINE_S = 12.0
#: Actions of rules that record.
_RECORDS = ("StartRecording", "RetrieveAndStoreRemoteRecordings", "SetBookmark")
#: Drivers that take our addresses, in the order in which they are tried: the ONVIF one makes a
#: camera an officer of one device; the universal one needs the path of each stream typed in.
DRIVERS = {"onvif": ("onvif",), "universal": ("universal 16", "universal16", "universal 1")}


def on(camera: Row, field: str) -> bool:
    """Whether something is switched on: releases write true, or "True"."""
    return str(camera.get(field, "")).lower() == "true"


def kept(camera: Row) -> list[str]:
    """List what would keep something of the stream."""
    found = [field for field in RECORDING if on(camera, field)]
    return [] if found == ["recordOnRelatedDevices"] else found


def recording_rules(rules: Sequence[Row], camera: str) -> list[str]:
    """Name the rules that record this very camera."""
    return [
        str(rule.get("name", "?"))
        for rule in rules
        if any(action in json.dumps(rule) for action in _RECORDS)
        and camera in json.dumps(rule).lower()
    ]


def verdict(name: str, camera: Row, rules: Sequence[Row]) -> Finding:
    """Say whether a body-worn device's picture would be recorded, and how to have it not be."""
    subject = f"body-worn {name}"
    said = str(camera.get("name") or camera.get("id"))
    wrong = kept(camera)
    if wrong:
        where = "; ".join(RECORDING[field] for field in wrong)
        return Finding(
            subject=subject,
            well=False,
            said=Message(
                text="camera {camera} records ({fields}), which CSI R241-13 forbids: switch it off "
                "in Management Client, {where}",
                params={"camera": said, "fields": ", ".join(wrong), "where": where},
            ),
        )
    ruled = recording_rules(rules, str(camera.get("id", "")).lower())
    if ruled:
        return Finding(
            subject=subject,
            well=False,
            said=Message(
                text="rules record camera {camera}, which CSI R241-13 forbids: take it out of "
                "{rules}",
                params={"camera": said, "rules": ", ".join(ruled)},
            ),
        )
    well = Message(text="shown by camera {camera}, recording off", params={"camera": said})
    return Finding(subject=subject, well=True, said=well)


def examine_worn(
    api: Api, worn: Mapping[str, str], clock: Callable[[], float] = time.monotonic
) -> Iterator[Finding]:
    """Look at each camera that stands for a body-worn device, by device or by officer.

    Within the time of a probe: a slow site with a pool of forty slots would take minutes.
    """
    if not worn:
        return
    until = clock() + EXAMINE_S
    try:
        rules = api.rows("rules")
    except AdapterError:  # a role need not read rules: the cameras' own switches count first
        rules = []
    for name, guid in worn.items():
        if clock() > until:
            slow = Message(text="not looked at: XProtect is slow")
            yield Finding(subject=f"body-worn {name}", well=False, said=slow)
            continue
        try:
            yield verdict(name, api.one(f"cameras/{guid}"), rules)
        except AdapterError as error:
            yield Finding(subject=f"body-worn {name}", well=False, said=cause(error))


# --- slots ---

#: The recording server talks to the device before it is added: tens of seconds.
ADDED_S = 180.0


def switched_off(name: str) -> dict[str, Any]:
    """Write a slot's camera: on, named, and keeping nothing (R241-13)."""
    return {"enabled": True, "name": name, "shortName": name[:20], **KEEPS_NOTHING}


class Slots:
    """Adds the pool: one device at an address of ours, a camera an officer, recording off."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def add(
        self, address: str, officers: Sequence[str], *, driver: str, username: str, password: str,
        recorder: str = "",
    ) -> dict[str, str]:  # fmt: skip
        """Add the device and make its cameras ready; gives officer → camera.

        Safe to repeat: a device already at that address is taken as it is, and put right.

        Raises
        ------
        Refused
            No such recording server or driver, or XProtect refuses the device: its own words.
        """
        server = self._recorder(recorder)
        device = self._known(address) or self._added(
            server, address, self._driver(server, driver), username, password
        )
        cameras = self._cameras(device)
        if len(cameras) < len(officers):
            raise Refused(
                "the device has {count} cameras for {wanted} officers: give them an address in "
                "[live] officers first", count=len(cameras), wanted=len(officers),
            )  # fmt: skip
        # The device last: a camera of it is new with recording on, and gives a picture once the
        # device is enabled. Cut off in between, nothing may have been recorded (R241-13).
        found = {}
        for officer, camera in zip(officers, cameras, strict=False):
            self._api.change(f"cameras/{camera}", switched_off(officer))
            found[officer] = camera
        for spare in cameras[len(officers) :]:
            self._api.change(f"cameras/{spare}", KEEPS_NOTHING)
        self._api.change(f"hardware/{device}", {"enabled": True, "name": "Renfort"})
        return found

    def _recorder(self, name: str) -> str:
        servers = self._api.rows("recordingServers")
        said = name.casefold()
        for each in servers:
            names = (str(each.get("name", "")).casefold(), str(each.get("hostName", "")).casefold())
            if not name or said in (*names, str(each.get("id"))):
                return str(each["id"])
        known = ", ".join(str(each.get("name")) for each in servers) or "-"
        raise Refused("there is no recording server {name}; there are: {known}",
                      name=name, known=known)  # fmt: skip

    def _driver(self, server: str, wanted: str) -> str:
        drivers = self._api.rows(f"recordingServers/{server}/hardwareDrivers")
        for word in DRIVERS[wanted]:
            for each in drivers:
                if word in str(each.get("name", "")).casefold():
                    return str(each["id"])
        raise Refused("the recording server has no {driver} driver: install the device pack",
                      driver=wanted)  # fmt: skip

    def _known(self, address: str) -> str:
        said = address.rstrip("/").casefold()
        for each in self._api.rows("hardware?disabled"):
            if str(each.get("address", "")).rstrip("/").casefold() == said:
                return str(each["id"])
        return ""

    def _added(self, server: str, address: str, driver: str, username: str, password: str) -> str:
        path = f"recordingServers/{server}"
        task = pick_task(self._api.offered(path), "addhardware")
        if not task:
            raise Refused("XProtect does not offer to add hardware: the role lacks the right")
        values: dict[str, Value] = {
            "address": address, "driver": Items("hardwareDrivers", (driver,)),
            "user": username, "password": password,
        }  # fmt: skip
        told = self._api.run(path, task, values, ADDED_S)
        for found in told.values():  # the item made, wherever the task names it
            if isinstance(found, Mapping) and found.get("type") == "hardware" and found.get("id"):
                return str(found["id"])
        device = self._known(address)
        if not device:
            raise Refused("XProtect added the device and does not list it at {address}",
                          address=address)  # fmt: skip
        return device

    def _cameras(self, device: str) -> list[str]:
        """List a device's cameras by channel: the order of the officers."""
        rows = self._api.rows(f"hardware/{device}/cameras?disabled")
        rows.sort(key=lambda each: int(str(each.get("channel") or 0)))
        return [str(each["id"]).lower() for each in rows]
