"""How the items of the configuration are written: fields as recorded on 23.2 and 25.1."""

from __future__ import annotations

from typing import Any

from adapters.milestone.simulator.inventory import Camera, guid
from adapters.milestone.simulator.site import BUILT_IN, Site

SITE, RECORDER, STORAGE = guid("site"), guid("recorder 1"), guid("storage 1")
GROUPS = {False: guid("group of fixed cameras"), True: guid("group of body-worn cameras")}
_NEVER = "0001-01-01T00:00:00.0000000"
_MODIFIED = "2026-01-02T03:04:05.1230000Z"


def write_site(site: Site) -> dict[str, Any]:
    """Write the site: its `version` is the product's."""
    return {
        "id": SITE, "name": "SIMULATOR", "displayName": "SIMULATOR", "version": site.version,
        "platform": "Windows Server 2022", "timeZone": "Romance Standard Time",
        "relations": _relations("sites", SITE),
    }  # fmt: skip


def write_recorder() -> dict[str, Any]:
    """Write the one recording server."""
    return {
        "id": RECORDER, "name": "RS1", "displayName": "RS1", "enabled": True, "description": "",
        "hostName": "rs1", "portNumber": 7563, "webServerUri": "https://rs1:7563/",
        "activeWebServerUri": "https://rs1:7563/", "timeZoneName": "Romance Standard Time",
        "lastModified": _MODIFIED, "relations": _relations("recordingServers", RECORDER),
    }  # fmt: skip


def write_group(*, worn: bool) -> dict[str, Any]:
    """Write a group of cameras."""
    name = "Caméras-piétons" if worn else "Voie publique"
    return {
        "id": GROUPS[worn], "name": name, "displayName": name, "description": "",
        "builtIn": False, "relations": _relations("cameraGroups", GROUPS[worn]),
    }  # fmt: skip


def write_hardware(camera: Camera, number: int) -> dict[str, Any]:
    """Write the device behind a camera: the camera itself has no address."""
    return {
        "id": camera.hardware, "name": camera.name, "displayName": camera.name, "enabled": True,
        "address": f"http://10.20.{number // 250}.{number % 250 + 1}/", "userName": "root",
        "description": "", "model": "AXIS Q6135-LE" if camera.ptz else "AXIS P3265-LV",
        "lastModified": _MODIFIED, "passwordLastModified": _NEVER,
        "hardwareDriverPath": {"type": "hardwareDrivers", "id": guid("driver")},
        "relations": _relations("hardware", camera.hardware, ("recordingServers", RECORDER)),
    }  # fmt: skip


def write_camera(camera: Camera, release: str) -> dict[str, Any]:
    """Write a camera; 23.2 writes numbers as strings, and does not know two of the fields."""
    written: dict[str, Any] = {
        "id": camera.id, "name": camera.name, "displayName": camera.name, "shortName": "",
        "enabled": camera.enabled, "channel": 0, "description": "", "createdDate": _NEVER,
        "lastModified": _MODIFIED, "gisPoint": _wkt(camera.place), "icon": 0,
        # "compass / 360" and "angle / 360": 0 stands for north, and for never filled in.
        "coverageDirection": ((camera.heading_deg or 0.0) % 360) / 360,
        "coverageDepth": camera.depth_m or 0.0,
        "coverageFieldOfView": (camera.fov_deg or 0.0) / 360,
        "recordingFramerate": 5, "recordKeyframesOnly": False, "recordOnRelatedDevices": True,
        "ptzEnabled": camera.ptz,
        # A body-worn camera's live picture is not recorded at the command post (CSI R241-13).
        "recordingEnabled": not camera.worn, "prebufferEnabled": not camera.worn,
        "prebufferInMemory": True, "prebufferSeconds": 3, "edgeStorageEnabled": False,
        "edgeStoragePlaybackEnabled": False, "manualRecordingTimeoutEnabled": True,
        "manualRecordingTimeoutMinutes": 5, "failoverSetting": "FullSupport",
        "recordingStorage": {"type": "storages", "id": STORAGE},
        "relations": _relations("cameras", camera.id, ("hardware", camera.hardware)),
    }  # fmt: skip
    if release != "2023R2":
        return written
    del written["ptzEnabled"], written["failoverSetting"]
    return {name: _as_text(value) for name, value in written.items()}


def write_defined(identifier: str, name: str) -> dict[str, Any]:
    """Write a user-defined event."""
    return {
        "id": identifier, "name": name, "displayName": name, "lastModified": _MODIFIED,
        "subtype": "System" if identifier in BUILT_IN else "UserDefined",
        "relations": _relations("userDefinedEvents", identifier),
    }  # fmt: skip


def _wkt(place: tuple[float, ...] | None) -> str:
    """Write well-known text, longitude first."""
    return f"POINT ({' '.join(f'{each:.15g}' for each in place)})" if place else "POINT EMPTY"


def _as_text(value: object) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.15g}" if number else value


def _relations(kind: str, item: str, parent: tuple[str, str] | None = None) -> dict[str, Any]:
    written: dict[str, Any] = {"self": {"type": kind, "id": item}}
    if parent is not None:
        written["parent"] = {"type": parent[0], "id": parent[1]}
    return written
