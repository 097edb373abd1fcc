"""Adding hardware: drivers, scans, `AddHardware`, and what a new device brings with it."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from adapters.milestone.simulator import shapes
from adapters.milestone.simulator.inventory import Camera, Hardware, drivers, guid
from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.tasks import Form, Forms, Refused

#: Models by driver number; the first is in the maker's PowerShell documentation.
_MODELS = {421: "Universal1ChAdv", 422: "Universal16ChAdv"}


def lay(site: Site) -> None:
    """Give each recording server its drivers and a storage, each device and camera its settings."""
    for recorder in site.recorders:
        parent = ("recordingServers", recorder)
        storage = storage_of(recorder)
        fields = {"id": storage, "name": "Local default", "description": "", "retainMinutes": 43200}
        site.shelf.lay("storages", storage, fields, parent)
    for driver, (number, name, group, _) in drivers().items():
        fields = {
            "id": driver, "name": name, "groupName": group, "number": number, "useCount": 0,
            "driverVersion": "13.1a", "driverRevision": "1", "driverType": "DevicePack",
        }  # fmt: skip
        site.shelf.lay("hardwareDrivers", driver, fields)


@cache
def storage_of(recorder: str) -> str:
    """Give the GUID of the one storage of a recording server."""
    return guid(f"storage of {recorder}")


def settings_of(site: Site, device: Hardware) -> dict[str, Any]:
    """Write the driver settings of a device: known by the identifier of the hardware alone."""
    serial = guid(device.id).replace("-", "").upper()[:12]
    settings = {
        "displayName": "General", "detectedModelName": device.model, "firmwareVersion": "11.11.73",
        "macAddress": f"B8A44F{serial[:6]}", "productID": device.model, "serialNumber": serial,
        "httpSEnabled": "No", "httpSPort": "443", "httpSValidateCertificate": "No",
        **device.said.get("hardwareDriverSettings", {}),
    }  # fmt: skip
    return {
        "displayName": "Settings", "hardwareDriverSettings": settings,
        "relations": {
            "self": {"type": "hardwareDriverSettings", "id": device.id},
            "parent": {"type": "hardware", "id": device.id},
        },
    }  # fmt: skip


def streams_of(camera: Camera) -> dict[str, Any]:
    """Write the streams of a camera."""
    one = {
        "displayName": "Video stream 1", "name": "Video stream 1",
        "streamReferenceId": stream_id(camera.id), "liveDefault": True, "liveMode": "WhenNeeded",
        "recordTo": "16ce3aa1-5f93-458a-abe5-5c95d9ed1372", "defaultPlayback": True,
        "useEdge": False,
    }  # fmt: skip
    return {
        "displayName": "Streams", "stream": camera.said.get("stream", [one]),
        "relations": {
            "self": {"type": "streams", "id": camera.id},
            "parent": {"type": "cameras", "id": camera.id},
        },
    }  # fmt: skip


def stream_id(camera: str) -> str:
    """Give the reference of a camera's one stream; the maker writes it in capitals."""
    return guid(f"stream of {camera}").upper()


def masks_of(camera: Camera) -> dict[str, Any]:
    """Write the privacy protection of a camera; the whole picture's mask is not looked at."""
    return {
        "displayName": "Privacy protection", "enabled": camera.masked,
        "privacyMaskXml": "<masks/>" if camera.masked else "",
        "relations": {
            "self": {"type": "privacyProtections", "id": camera.id},
            "parent": {"type": "cameras", "id": camera.id},
        },
    }  # fmt: skip


def _add(site: Site, recorder: str, body: dict[str, Any]) -> dict[str, Any]:
    address, driver = str(body["hardwareAddress"]), str(body["hardwareDriverPath"]["id"]).lower()
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"The hardware address is not valid: {address}")
    if driver not in drivers():
        raise Refused("The hardware driver was not found.")
    if any(each.address.rstrip("/") == address.rstrip("/") for each in site.hardware.values()):
        raise Refused("The hardware is already added.")
    number, name, _, channels = drivers()[driver]
    added = Hardware(
        id=str(uuid4()), name=f"{name} ({parts.hostname})", address=address,
        model=_MODELS.get(number, name), recorder=recorder, driver=driver,
        user=str(body["userName"]), enabled=False,
    )  # fmt: skip
    site.add_hardware(added, [_camera(added, channel) for channel in range(channels)])
    return {"path": {"type": "hardware", "id": added.id}}


def _camera(device: Hardware, channel: int) -> Camera:
    # Recording is on for a new camera, as in Management Client: who wants none must turn it off.
    return Camera(
        id=str(uuid4()), name=f"{device.name} - Camera {channel + 1}", enabled=False,
        device=device.id, channel=channel,
    )  # fmt: skip


def _scan(_site: Site, _recorder: str, body: dict[str, Any]) -> dict[str, Any]:
    found = {
        "hardwareAddress": body.get("hardwareAddress", "http://10.20.200.1/"),
        "hardwareDriverPath": {"type": "hardwareDrivers", "id": guid("driver 9")},
        "userName": body.get("userName", ""), "macAddress": "B8A44FC0FFEE",
        "hardwareScanValidated": True,
    }  # fmt: skip
    return {"hardwareScanResults": [found]}


_DRIVER = shapes.path("hardwareDrivers")
_EMPTY = {"type": "hardwareDrivers", "id": ""}
_ACCOUNT = {"userName": shapes.text, "password": shapes.text}
FORMS: Forms = {
    ("recordingServers", ""): {
        "AddHardware": Form(
            "Add hardware", _add,
            {"hardwareAddress": shapes.filled, "hardwareDriverPath": _DRIVER, **_ACCOUNT},
            {"hardwareDriverPath": _EMPTY},
            ("hardwareAddress", "hardwareDriverPath", "userName", "password"),
        ),
        "HardwareScanExpress": Form(
            "Express scan", _scan, {**_ACCOUNT, "useDefaultCredentials": shapes.flag},
            {"useDefaultCredentials": True}, ("useDefaultCredentials",),
        ),
        "HardwareScan": Form(
            "Scan hardware", _scan,
            {"hardwareAddress": shapes.filled, "hardwareDriverPath": _DRIVER, **_ACCOUNT},
            {"hardwareDriverPath": _EMPTY}, ("hardwareAddress", "userName", "password"),
        ),
    }
}  # fmt: skip
