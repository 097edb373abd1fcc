"""What a site holds when it begins, besides its cameras."""

from __future__ import annotations

from typing import Any

from adapters.milestone.simulator import hardware, ptz, wall
from adapters.milestone.simulator.catalogue import ANALYTICS
from adapters.milestone.simulator.inventory import guid
from adapters.milestone.simulator.licence import EDITIONS
from adapters.milestone.simulator.resources import GROUPS, MODIFIED, SITE
from adapters.milestone.simulator.site import BUILT_IN, Site

#: The name by which TCP 9090 knows the analytics event.
ANALYTICS_NAME = "BWC_ALERT"
MEDIUM = "9ad9338b-22ba-4f2e-bf62-e6948ae99bbf"
_EMPTY_VIEW = "VideoOS.RemoteClient.Application.Data.Configuration.EmptyViewItem"
LAYOUT_TYPE = (
    "VideoOS.RemoteClient.Application.Data.ViewLayouts.ViewLayoutCustom, "
    "VideoOS.RemoteClient.Application"
)


def lay(site: Site) -> None:
    """Lay out everything, then recall what was changed in the run before."""
    _groups(site)
    _events(site)
    _views(site)
    _rest(site)
    hardware.lay(site)
    ptz.lay(site)
    wall.lay(site)
    site.shelf.recall()


def _groups(site: Site) -> None:
    for worn, name in ((False, "Voie publique"), (True, "Caméras-piétons")):
        identifier = GROUPS[worn]
        members = [each.id for each in site.cameras.values() if each.worn == worn]
        fields = {
            "id": identifier, "name": name, "description": "", "builtIn": False, "members": members
        }  # fmt: skip
        site.shelf.lay("cameraGroups", identifier, fields)


def _events(site: Site) -> None:
    for identifier, name in {**BUILT_IN, guid("user-defined event"): "Renfort"}.items():
        subtype = "System" if identifier in BUILT_IN else "UserDefined"
        known = {"id": identifier, "name": name, "lastModified": MODIFIED, "subtype": subtype}
        site.shelf.lay("userDefinedEvents", identifier, known)
    fields: dict[str, Any] = {
        "id": ANALYTICS, "name": ANALYTICS_NAME, "description": "Caméra-piéton",
        "lastModified": site.now(), "sourceArray": ["Camera", "CameraGroup"],
    }  # fmt: skip
    site.shelf.lay("analyticsEvents", ANALYTICS, fields)
    definition = guid("alarm definition")
    fields = {
        "id": definition, "name": "Alerte caméra-piéton", "description": "", "enabled": True,
        "eventTypeGroup": "Analytics Events", "eventType": ANALYTICS, "sourceList": [],
        "enableRule": 0, "timeProfile": "", "enableEventList": "", "disableEventList": "",
        "managementTimeoutTime": "00:01:00", "managementTimeoutEventList": "",
        "relatedCameraList": [], "mapType": 2, "relatedMap": "", "owner": "", "priority": MEDIUM,
        "category": "", "triggerEventlist": "", "autoClose": False,
    }  # fmt: skip
    site.shelf.lay("alarmDefinitions", definition, fields)
    rule = guid("rule")
    fields = {
        "id": rule, "name": "Enregistrer sur alerte", "description": "", "enabled": False,
        "startRuleType": "Event", "startActions": ["StartRecording"],
 "startEvent": {"type": "userDefinedEvents", "id": guid("user-defined event")},
 "startDevices": [{"type": "cameraGroups", "id": GROUPS[False]}],
        "stopRuleType": "TimeInterval",
    }  # fmt: skip
    site.shelf.lay("rules", rule, fields)
    generic = guid("generic event")
    fields = {
        "id": generic, "name": "Generic", "description": "", "enabled": True,
        "expression": "RENFORT", "expressionType": "0", "priority": 1,
    }  # fmt: skip
    site.shelf.lay("genericEvents", generic, fields)


def _views(site: Site) -> None:
    top, inside, view = guid("view group"), guid("view group inside"), guid("view")
    site.shelf.lay("viewGroups", top, {"id": top, "name": "CSU", "description": ""})
    fields: dict[str, Any] = {"id": inside, "name": "Crise", "description": ""}
    site.shelf.lay("viewGroups", inside, fields, ("viewGroups", top))
    fields = {
        "id": view, "name": "CRISE 1", "description": "", "shortcut": "",
        "viewLayoutType": LAYOUT_TYPE, "layoutCustomId": "", "layoutIcon": "",
        "layoutViewItems": wall.grid(2, 2),
        "viewItems": [{"viewItemPosition": at, "viewItemDefinitionXml": _empty(at)}
                      for at in range(4)],
    }  # fmt: skip
    site.shelf.lay("views", view, fields, ("viewGroups", inside))


def _empty(place: int) -> str:
    one = guid(f"empty view item {place}")
    return f'<viewitem id="{one}" type="{_EMPTY_VIEW}, VideoOS.RemoteClient.Application"/>'


def _rest(site: Site) -> None:
    role = "02e81222-56b6-4a5c-9b5f-1e3a1a2d6f0a"
    named = {"id": role, "name": "Administrators", "description": ""}
    site.shelf.lay("roles", role, named)
    profile = "11111111-1111-1111-1111-111111111111"
    site.shelf.lay("timeProfiles", profile, {"id": profile, "name": "Always", "description": ""})
    fields = {
        "id": SITE, "displayName": "Options", "ptzManualSessionTimeoutSec": 15,
        "pausePatrollingTimeoutSec": 600, "ptzReservedSessionTimeoutSec": 3600,
    }  # fmt: skip
    site.shelf.lay("toolOptions", SITE, fields)


def licences(site: Site, kind: str) -> list[dict[str, Any]]:
    """Write what the site bought, and how much of it is in use: the fields recorded on 23.2."""
    bought = site.licence
    year, half = site.release.name[:4], site.release.name[4:]
    product = f"XProtect {bought.edition} {year} {half}"
    slc, none = "M01-C07-000-01-RENFORT", "00000000-0000-0000-0000-000000000000"
    if kind == "licenseInformations":
        return [
            {
                "id": SITE, "displayName": product, "slc": slc, "sku": EDITIONS[bought.edition],
                "careLevel": "Basic", "careId": "", "activationAutomatic": True,
                "relations": {"self": {"type": kind, "id": SITE}},
            }
        ]  # fmt: skip
    if kind == "licenseInstalledProducts":
        bonus = ["Milestone XProtect Smart Wall"] if bought.smart_wall_addon else []
        return [
            {
                "displayName": name, "productDisplayName": name, "pluginId": none, "slc": slc,
                "expirationDate": "Unrestricted", "carePlus": "N/A", "carePremium": "N/A",
            }
            for name in (product, *bonus)
        ]  # fmt: skip
    used = sum(site.hardware[each.hardware].enabled and each.enabled
               for each in site.cameras.values())  # fmt: skip
    over = max(0, used - bought.devices)
    if kind == "licenseOverviewAll":
        activated = f"{used - over} out of {bought.devices}"
        return [{"displayName": "Device License", "licenseType": "Device License",
                 "activated": activated, "pluginId": none}]  # fmt: skip
    return [
        {
            "displayName": "Device License", "pluginId": none, "licenseType": "Device License",
            "activated": str(used - over), "changesWithoutActivation": "0 out of 100",
            "inGrace": over, "graceExpired": "0", "notLicensed": "0", "note": "",
        }
    ]  # fmt: skip
