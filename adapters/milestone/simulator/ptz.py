"""PTZ by REST: presets, go-to and absolute position, and who holds the camera.

That the tasks exist since 2024 R2 is the maker's word; what they are called and their fields are
not published, so `?tasks` and the form say them.
"""

from __future__ import annotations

from typing import Any

from adapters.milestone.simulator import shapes
from adapters.milestone.simulator.inventory import Camera, guid
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.site import Hold, Site
from adapters.milestone.simulator.tasks import Form, Forms, Refused

_PRESETS = {"Accueil": (0.0, 0.0, 0.0), "Place": (0.35, -0.2, 0.3), "Parking": (-0.6, -0.1, 0.15)}


def lay(site: Site) -> None:
    """Give the cameras that turn three presets and a patrol."""
    for camera in site.cameras.values():
        if camera.ptz:
            _lay_presets(site, camera)


def _lay_presets(site: Site, camera: Camera) -> None:
    for number, (name, aim) in enumerate(_PRESETS.items()):
        preset = guid(f"preset {name} of {camera.id}")
        pan, tilt, zoom = aim
        fields = {
            "id": preset, "name": name, "description": "", "pan": pan, "tilt": tilt, "zoom": zoom,
            "defaultPreset": number == 0, "devicePreset": False, "devicePresetInternalId": "",
            "locked": False,
        }  # fmt: skip
        site.shelf.lay("ptzPresets", preset, fields, ("cameras", camera.id))
    patrol = guid(f"patrol of {camera.id}")
    fields = {"id": patrol, "name": "Ronde", "description": "", "customizeTransitions": False}
    site.shelf.lay("patrollingProfiles", patrol, fields, ("cameras", camera.id))


def hold(site: Site, camera: str, user: str, priority: int, seconds: float) -> None:
    """Let somebody, or a patrol, take a PTZ camera for a while; 0 seconds lets it go."""
    if seconds > 0:
        site.holds[camera] = Hold(user, priority, site.clock() + seconds)
    else:
        site.holds.pop(camera, None)


def holder(site: Site, camera: str) -> Hold | None:
    """Say who holds a camera now."""
    found = site.holds.get(camera)
    return found if found is not None and found.until > site.clock() else None


def _take(site: Site, identifier: str) -> Camera:
    """Take the camera for ourselves, unless somebody of the same or a higher priority has it."""
    camera = site.cameras[identifier]
    if not camera.enabled:
        raise Refused("The device is disabled.")
    if not camera.online:
        raise Refused("The device is not responding.")
    held = holder(site, identifier)
    us = site.accounts.username
    if held is not None and held.user != us and held.priority >= site.ptz_priority:
        raise Refused(f"The PTZ session is held by {held.user} with priority {held.priority}.")
    # "Timeout for manual PTZ sessions": 15 s unless the site says otherwise.
    [options] = site.shelf.of("toolOptions")
    lasts = float(options.fields["ptzManualSessionTimeoutSec"])
    hold(site, identifier, us, site.ptz_priority, lasts)
    return camera


def _go(site: Site, identifier: str, body: dict[str, Any]) -> None:
    named = str(body["ptzPresetPath"]["id"]).lower()
    preset = site.shelf.find("ptzPresets", named)
    if preset is None or preset.parent != ("cameras", identifier):
        raise Refused(f"Preset not found. ptzPresets/{named}")
    aim = preset.fields
    _take(site, identifier).aim = (
        float(aim.get("pan", 0)), float(aim.get("tilt", 0)), float(aim.get("zoom", 0)),
    )  # fmt: skip


def _set_position(site: Site, identifier: str, body: dict[str, Any]) -> None:
    pan, tilt, zoom = site.cameras[identifier].aim
    _take(site, identifier).aim = (
        float(body.get("pan", pan)), float(body.get("tilt", tilt)), float(body.get("zoom", zoom)),
    )  # fmt: skip


def _get_position(site: Site, identifier: str, _body: dict[str, Any]) -> dict[str, Any]:
    pan, tilt, zoom = site.cameras[identifier].aim
    return {"pan": pan, "tilt": tilt, "zoom": zoom}


def _presets_of_device(_site: Site, _identifier: str, _body: dict[str, Any]) -> None:
    return None


def _default(site: Site, identifier: str, body: dict[str, Any]) -> None:
    named = str(body["ptzPresetPath"]["id"]).lower()
    for each in site.shelf.of("ptzPresets", ("cameras", identifier)):
        each.fields["defaultPreset"] = each.id == named
        site.shelf.put(each)


def _turns(site: Site, identifier: str) -> bool:
    return site.cameras[identifier].ptz


def _turns_by_rest(site: Site, identifier: str) -> bool:
    return _turns(site, identifier) and site.has(Feature.PTZ_MOVE)


_PRESET = {"ptzPresetPath": shapes.path("ptzPresets")}
_BLANK = {"ptzPresetPath": {"type": "ptzPresets", "id": ""}}
_UNIT = shapes.between(-1, 1)
FORMS: Forms = {
    ("cameras", "ptzPresets"): {
        "GetDevicePresets": Form(
            "Get presets from device", _presets_of_device, offered=_turns
        ),
        "DefaultPtzPreset": Form(
            "Set default preset", _default, _PRESET, _BLANK, ("ptzPresetPath",), _turns
        ),
        "ActivatePtzPreset": Form(
            "Go to preset", _go, _PRESET, _BLANK, ("ptzPresetPath",), _turns_by_rest
        ),
    },
    ("cameras", ""): {
        "GetPtzAbsolutePosition": Form(
            "Get absolute position", _get_position, offered=_turns_by_rest, at_once=True
        ),
        "SetPtzAbsolutePosition": Form(
            "Set absolute position", _set_position,
            {"pan": _UNIT, "tilt": _UNIT, "zoom": shapes.between(0, 1)},
            {"pan": 0.0, "tilt": 0.0, "zoom": 0.0}, ("pan", "tilt", "zoom"), _turns_by_rest,
        ),
    },
}  # fmt: skip
