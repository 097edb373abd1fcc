"""How the items of the configuration are written: fields as recorded on 23.2 and 25.1."""

from __future__ import annotations

from typing import Any

from adapters.milestone.simulator.inventory import Camera, Hardware, guid
from adapters.milestone.simulator.releases import Feature, Release
from adapters.milestone.simulator.site import Site

SITE = guid("site")
GROUPS = {False: guid("group of fixed cameras"), True: guid("group of body-worn cameras")}
_NEVER = "0001-01-01T00:00:00.0000000"
MODIFIED = "2026-01-02T03:04:05.1230000Z"


def write_site(site: Site) -> dict[str, Any]:
    """Write the site: its `version` is the product's."""
    return {
        "id": SITE, "name": "SIMULATOR", "displayName": "SIMULATOR", "version": site.version,
        "platform": "Windows Server 2022", "timeZone": "Romance Standard Time",
        "relations": _relations("sites", SITE),
    }  # fmt: skip


def write_recorder(identifier: str, number: int) -> dict[str, Any]:
    """Write a recording server."""
    name = f"RS{number}"
    address = f"https://{name.lower()}:7563/"
    return {
        "id": identifier, "name": name, "displayName": name, "enabled": True, "description": "",
        "hostName": name.lower(), "portNumber": 7563, "webServerUri": address,
        "activeWebServerUri": address, "timeZoneName": "Romance Standard Time",
        "synchronizationTime": -1, "publicAccessEnabled": False, "publicWebserverHostName": "",
        "publicWebserverPort": 0, "multicastServerAddress": "0.0.0.0",  # noqa: S104 (as recorded)
        "shutdownOnStorageFailure": False, "lastModified": MODIFIED,
        "relations": _relations("recordingServers", identifier, ("sites", SITE)),
    }  # fmt: skip


def write_hardware(device: Hardware) -> dict[str, Any]:
    """Write a device: the camera itself has no address."""
    return {
        "id": device.id, "name": device.name, "displayName": device.name,
        "enabled": device.enabled, "address": device.address, "userName": device.user,
        "description": device.said.get("description", ""), "model": device.model,
        "lastModified": device.said.get("lastModified", MODIFIED),
        "passwordLastModified": _NEVER,
        "hardwareDriverPath": {"type": "hardwareDrivers", "id": device.driver},
        "relations": _relations("hardware", device.id, ("recordingServers", device.recorder)),
    }  # fmt: skip


def write_camera(camera: Camera, release: Release, storage: str) -> dict[str, Any]:
    """Write a camera; 23.2 writes numbers as strings, and does not know two of the fields."""
    written: dict[str, Any] = {
        "id": camera.id, "name": camera.name, "displayName": camera.name, "shortName": "",
        "enabled": camera.enabled, "channel": camera.channel, "description": "",
        "createdDate": _NEVER,
        "lastModified": MODIFIED, "gisPoint": _wkt(camera.place), "icon": 0,
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
        "recordingStorage": {"type": "storages", "id": storage},
        "relations": _relations("cameras", camera.id, ("hardware", camera.hardware)),
    }  # fmt: skip
    written |= {name: value for name, value in camera.said.items() if name in written}
    if not release.has(Feature.CAMERA_2024):
        del written["ptzEnabled"], written["failoverSetting"]
    if release.has(Feature.NUMBERS):
        return written
    return {name: _as_text(value) for name, value in written.items()}


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
