"""The resources of the configuration: what each one is called, holds, and lets be changed.

Names, children and verbs are those of a public client generated from the maker's OpenAPI; of the
properties, those that a body-worn integration meets. What is not here answers "Unknown resource".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.milestone.simulator import shapes
from adapters.milestone.simulator.shapes import (
    Shape,
    among,
    between,
    filled,
    flag,
    gis_point,
    number,
    path,
    several,
    text,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource: its settable properties, what hangs under it, and its verbs.

    `listed`: `GET /kind` exists; a kind that is not is met under its parent only. `needs`: what
    a creation must give. `grows`: where it is created, at its own address ("") or under a parent.
    `open`: takes properties that no table holds, as rules do.
    """

    settable: Mapping[str, Shape] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    listed: bool = True
    needs: tuple[str, ...] = ()
    grows: str | None = None
    dies: bool = False
    open: bool = False


_NAMED: dict[str, Shape] = {"name": filled, "description": text}
_PRESENT = among("Preserve", "Clear")
#: What hardware may have besides cameras. This site has none: every list is empty, and there.
OTHER_DEVICES = ("microphones", "speakers", "metadata", "inputEvents", "outputs")

KINDS: dict[str, Kind] = {
    "sites": Kind(
        {},
        (
            "recordingServers", "licenseInformations", "videoWalls", "viewGroups", "layoutGroups",
            "cameraGroups", "alarmDefinitions", "analyticsEvents", "genericEvents", "rules",
            "roles", "timeProfiles", "toolOptions", "userDefinedEvents",
        ),
    ),
    "recordingServers": Kind(
        {**_NAMED, "enabled": flag}, ("hardware", "hardwareDrivers", "storages")
    ),
    "storages": Kind({**_NAMED, "retainMinutes": number}, listed=False),
    "hardwareDrivers": Kind(listed=False),
    "hardware": Kind(
        {**_NAMED, "enabled": flag, "address": filled, "userName": text},
        ("cameras", *OTHER_DEVICES, "hardwareDriverSettings"),
    ),
    **{name: Kind() for name in OTHER_DEVICES},
    "hardwareDriverSettings": Kind({"hardwareDriverSettings": shapes.mapping}, listed=False),
    "cameras": Kind(
        {
            **_NAMED, "shortName": text, "enabled": flag, "gisPoint": gis_point, "icon": number,
            "coverageDirection": between(0, 1), "coverageFieldOfView": between(0, 1),
            "coverageDepth": between(0, 1e6), "recordingEnabled": flag,
            "recordingFramerate": number,
            "recordKeyframesOnly": flag, "recordOnRelatedDevices": flag, "ptzEnabled": flag,
            "prebufferEnabled": flag, "prebufferInMemory": flag, "prebufferSeconds": number,
            "edgeStorageEnabled": flag, "edgeStoragePlaybackEnabled": flag,
            "manualRecordingTimeoutEnabled": flag, "manualRecordingTimeoutMinutes": number,
            "failoverSetting": among("FullSupport", "LiveOnly", "Disabled"),
        },
        ("streams", "ptzPresets", "patrollingProfiles", "privacyProtections"),
    ),
    "streams": Kind({"stream": several(shapes.mapping)}, listed=False),
    "privacyProtections": Kind({"enabled": flag, "privacyMaskXml": text}, listed=False),
    "ptzPresets": Kind(
        {**_NAMED, "pan": between(-1, 1), "tilt": between(-1, 1), "zoom": between(0, 1)},
        listed=False, needs=("name",), grows="cameras", dies=True,
    ),
    "patrollingProfiles": Kind(_NAMED),
    "cameraGroups": Kind(
        _NAMED, ("cameras", "cameraGroups"), needs=("name",), grows="", dies=True
    ),
    "analyticsEvents": Kind(
        {**_NAMED, "sourceArray": several(filled)}, needs=("name",), grows="", dies=True
    ),
    "alarmDefinitions": Kind(
        {
            **_NAMED, "enabled": flag, "eventTypeGroup": text, "eventType": text,
            "sourceList": several(path("cameras", "cameraGroups", "userDefinedEvents")),
            "enableRule": between(0, 2), "timeProfile": text, "enableEventList": text,
            "disableEventList": text, "managementTimeoutTime": text,
            "managementTimeoutEventList": text, "relatedCameraList": several(path("cameras")),
            "mapType": between(0, 2), "relatedMap": text, "owner": text, "priority": text,
            "category": text, "triggerEventlist": text, "autoClose": flag,
        },
        needs=("name", "eventType"), grows="", dies=True,
    ),
    "rules": Kind(
        {**_NAMED, "enabled": flag}, needs=("name",), grows="", dies=True, open=True
    ),
    "genericEvents": Kind(
        {**_NAMED, "enabled": flag, "expression": text, "expressionType": text, "priority": number}
    ),
    "roles": Kind(_NAMED),
    "timeProfiles": Kind(_NAMED),
    "toolOptions": Kind(
        {
            "ptzManualSessionTimeoutSec": number, "pausePatrollingTimeoutSec": number,
            "ptzReservedSessionTimeoutSec": number,
        }
    ),
    "licenseInformations": Kind(
        {}, ("licenseInstalledProducts", "licenseOverviewAll", "licenseDetails")
    ),
    "licenseInstalledProducts": Kind(),
    "licenseOverviewAll": Kind(),
    "licenseDetails": Kind(),
    "videoWalls": Kind(
        {**_NAMED, "statusText": flag, "height": number}, ("monitors", "videoWallPresets"),
        needs=("name",), grows="", dies=True,
    ),
    "monitors": Kind(
        {
            **_NAMED, "aspectRatio": among("Aspect16x9", "Aspect4x3"), "emptyViewItems": _PRESENT,
            "insertionMethod": among("Linked", "Independent"), "locationX": number,
            "locationY": number, "monitorSize": number, "noLayout": _PRESENT,
        },
        ("monitorPresets",), listed=False, needs=("name",), grows="videoWalls", dies=True,
    ),
    "monitorPresets": Kind({"definition": text}, listed=False),
    "videoWallPresets": Kind(_NAMED, needs=("name",), grows="videoWalls", dies=True),
    "layoutGroups": Kind(_NAMED, ("layouts",)),
    "layouts": Kind(
        {**_NAMED, "definitionXml": filled}, listed=False,
        needs=("name", "definitionXml"), grows="layoutGroups", dies=True,
    ),
    "viewGroups": Kind(
        _NAMED, ("viewGroups", "views"), needs=("name",), grows="", dies=True
    ),
    "views": Kind(
        {
            **_NAMED, "shortcut": text, "viewLayoutType": filled, "layoutCustomId": text,
            "layoutIcon": text, "layoutViewItems": filled, "viewItems": shapes.anything,
        },
        needs=("name", "layoutViewItems"), grows="viewGroups", dies=True,
    ),
    "eventTypes": Kind(),
    "stateGroups": Kind(),
    "userDefinedEvents": Kind({"name": filled}, needs=("name",), grows="", dies=True),
    "tasks": Kind(),
}  # fmt: skip
SPELT = {name.lower(): name for name in KINDS}
