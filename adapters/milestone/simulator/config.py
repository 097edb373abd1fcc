"""Configuration REST: sites, recording servers, hardware, cameras."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator.rest import error, route
from adapters.milestone.simulator.site import PRODUCT, Camera, Site, guid

SITE, RECORDER, GROUP = guid("site"), guid("recorder 1"), guid("group")
_FILTER = re.compile(r"(contains|equals|startsWith|notEquals):'(.*)'")
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, sought: sought in value,
    "equals": lambda value, sought: value == sought,
    "startsWith": lambda value, sought: value.startswith(sought),
    "notEquals": lambda value, sought: value != sought,
}


def routes(site: Site) -> list[BaseRoute]:
    """List the resources of the first part; the others answer as unknown."""
    tables: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "sites": lambda: [_site(site)],
        "recordingservers": lambda: [_recorder()],
        "cameragroups": lambda: [_group()],
        "hardware": lambda: [_hardware(each, n) for n, each in enumerate(site.cameras.values())],
        "cameras": lambda: [camera(each, site.release) for each in site.cameras.values()],
    }

    async def several(request: Request) -> Response:
        name = request.path_params["resource"]
        if name not in tables:
            return error(404, f"Unknown resource: {name}")
        items = [each for each in tables[name]() if "disabled" in request.query_params
                 or each.get("enabled", True)]  # fmt: skip
        for key, condition in request.query_params.multi_items():
            match = _FILTER.fullmatch(condition)
            if match and items and key in items[0]:
                test = _TESTS[match[1]]
                items = [each for each in items if test(str(each[key]), match[2])]
        return JSONResponse({"array": items})

    async def one(request: Request) -> Response:
        name, wanted = request.path_params["resource"], request.path_params["id"]
        if name not in tables:
            return error(404, f"Unknown resource: {name}")
        found = [each for each in tables[name]() if each["id"] == wanted]
        if not found:
            return error(404, f"Device not found. {name}/{wanted}")
        if "tasks" in request.query_params:
            return JSONResponse({"tasks": []})
        return JSONResponse({"data": found[0]})

    return [
        route(site, "{resource}", several, "GET"),
        route(site, "{resource}/{id}", one, "GET"),
    ]


def _site(site: Site) -> dict[str, Any]:
    return {"id": SITE, "name": "Simulator", "displayName": "Simulator",
            "version": PRODUCT[site.release]}  # fmt: skip


def _recorder() -> dict[str, Any]:
    return {
        "id": RECORDER, "name": "RS1", "displayName": "RS1", "enabled": True,
        "hostName": "recorder1", "portNumber": 7563, "timeZoneName": "Romance Standard Time",
        "relations": {"self": {"type": "recordingServers", "id": RECORDER}},
    }  # fmt: skip


def _group() -> dict[str, Any]:
    return {"id": GROUP, "name": "Toutes", "displayName": "Toutes", "builtIn": False,
            "relations": {"self": {"type": "cameraGroups", "id": GROUP}}}  # fmt: skip


def _hardware(camera: Camera, number: int) -> dict[str, Any]:
    return {
        "id": camera.hardware, "name": camera.name, "displayName": camera.name, "enabled": True,
        "address": f"http://10.20.{number // 250}.{number % 250 + 1}/", "userName": "root",
        "model": "AXIS", "lastModified": "2026-01-02T03:04:05.0000000Z",
        "relations": {"parent": {"type": "recordingServers", "id": RECORDER},
                      "self": {"type": "hardware", "id": camera.hardware}},
    }  # fmt: skip


def camera(each: Camera, release: str) -> dict[str, Any]:
    """Write a camera; old releases write numbers as strings and know less (recorded on 23.2)."""

    def number(value: float) -> object:
        return str(value) if release == "2023R2" else value

    place = f"POINT ({each.lonlat[0]} {each.lonlat[1]})" if each.lonlat else "POINT EMPTY"
    written: dict[str, Any] = {
        "id": each.id, "name": each.name, "displayName": each.name, "shortName": "",
        "enabled": each.enabled, "channel": 0, "description": "",
        "createdDate": "0001-01-01T00:00:00.0000000",
        "lastModified": "2026-01-02T03:04:05.0000000Z", "gisPoint": place, "icon": 0,
        "coverageDirection": number((each.heading_deg or 0.0) / 360),
        "coverageDepth": number(each.depth_m or 0.0),
        "coverageFieldOfView": number((each.fov_deg or 0.0) / 360),
        "recordingEnabled": True,
        "relations": {"parent": {"type": "hardware", "id": each.hardware},
                      "self": {"type": "cameras", "id": each.id}},
    }  # fmt: skip
    if release != "2023R2":
        written["ptzEnabled"] = each.ptz
    return written
