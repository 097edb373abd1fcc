"""Alarms REST: triggered, listed, changed, with their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator.inventory import Camera, guid
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.rest import (
    body_of,
    error,
    page_of,
    query_refused,
    route,
    unknown_request,
)
from adapters.milestone.simulator.site import Alarm, Site


def _levels(kind: str, names: Mapping[int, str]) -> list[dict[str, Any]]:
    return [
        {"id": guid(f"{kind} {level}"), "level": level, "name": name}
        for level, name in names.items()
    ]


#: "Each state is associated to a state level": the four of a fresh installation.
STATES = _levels("state", {1: "New", 4: "In progress", 9: "On hold", 11: "Closed"})
#: The GUIDs that alarm definitions carry for these three.
PRIORITIES = [
    {"id": "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75", "level": 1, "name": "High"},
    {"id": "9ad9338b-22ba-4f2e-bf62-e6948ae99bbf", "level": 2, "name": "Medium"},
    {"id": "34f1f987-6854-44fb-88a5-daa0add1e38a", "level": 3, "name": "Low"},
]
REASONS = _levels("reason", {1: "False alarm", 2: "Test", 3: "Resolved"})
_CREATE = ("name", "message", "source")
_TEXTS = ("comment", "assignedTo.displayName", "reasonForClosing")


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints. They come before the configuration's, whose paths match anything."""

    async def several(request: Request) -> Response:
        refused = query_refused(request, ("page", "size", "include"))
        listed = list(site.alarms.values())
        if site.newest_first:
            listed.reverse()
        whole = request.query_params.get("include") == "data"
        return refused or page_of(request, listed, lambda each: _line(each, whole=whole))

    async def create(request: Request) -> Response:
        return await _create(site, request)

    async def one(request: Request) -> Response:
        found = site.alarms.get(request.path_params["id"])
        if found is None:
            return _missing(request)
        whole = request.query_params.get("include") == "data"
        refused = query_refused(request, ("include",))
        return refused or JSONResponse({"data": _line(found, whole=whole)})

    async def change(request: Request) -> Response:
        found = site.alarms.get(request.path_params["id"])
        return _missing(request) if found is None else await _change(site, found, request)

    async def history(request: Request) -> Response:
        found = site.alarms.get(request.path_params["id"])
        if found is None:
            return _missing(request)
        return query_refused(request, ("page", "size")) or page_of(request, found.history)

    async def messages(request: Request) -> Response:
        said = sorted({alarm.fields["message"] for alarm in site.alarms.values()})
        return page_of(request, [{"message": text} for text in said])

    return [
        route(site, "alarms", Feature.EVENTS, GET=several, POST=create),
        route(site, "alarms/{id}", Feature.EVENTS, GET=one, PATCH=change),
        route(site, "alarms/{id}/history", Feature.EVENTS, GET=history),
        route(site, "alarmstates", Feature.EVENTS, GET=_table(STATES)),
        route(site, "alarmpriorities", Feature.EVENTS, GET=_table(PRIORITIES)),
        route(site, "alarmcategories", Feature.EVENTS, GET=_table([])),
        route(site, "closereasons", Feature.EVENTS, GET=_table(REASONS)),
        route(site, "alarmmessages", Feature.EVENTS, GET=messages),
    ]


def _table(rows: list[dict[str, Any]]) -> Any:
    async def listed(request: Request) -> Response:
        return query_refused(request, ("page", "size")) or page_of(request, rows)

    return listed


def _missing(request: Request) -> Response:
    return error(404, f"Alarm not found. alarms/{request.path_params['id']}")


async def _create(site: Site, request: Request) -> Response:
    body = await body_of(request, _CREATE)
    if isinstance(body, Response):
        return body
    for name in _CREATE:
        if not isinstance(body.get(name), str) or not body[name].strip():
            return error(400, f"Missing required property: {name}", propertyName=name)
    # The maker's sample gives the bare identifier of a camera.
    source = body["source"].lower().removeprefix("cameras/")
    if source not in site.cameras:
        return error(400, f"Device not found. cameras/{source}", propertyName="source")
    fields = write_new(site, body["name"], body["message"], site.cameras[source])
    alarm = Alarm(str(fields["id"]), fields)
    site.note(alarm, {"created": True, "message": fields["message"]})
    return JSONResponse({"data": _line(alarm, whole=False)}, 202)


def write_new(site: Site, name: str, message: str, source: Camera) -> dict[str, Any]:
    """Write a new alarm."""
    return {
        "id": str(uuid4()), "localId": _next_number(site), "name": name, "message": message,
        "source": f"cameras/{source.id}", "sourceName": source.name, "time": site.now(),
        "state": STATES[0], "priority": PRIORITIES[1], "assignedTo": {"displayName": ""},
        "comment": "", "reasonForClosing": "",
    }  # fmt: skip


def _next_number(site: Site) -> int:
    last = next(reversed(site.alarms.values()), None)
    return 1 + int(last.fields["localId"]) if last else 1


async def _change(site: Site, alarm: Alarm, request: Request) -> Response:
    body = await body_of(request, ("state", "priority", *_TEXTS))
    if isinstance(body, Response):
        return body
    # The maker's sample sends null for what it leaves as it is.
    body = {name: value for name, value in body.items() if value is not None}
    if not body:
        return unknown_request()
    changes: dict[str, Any] = {}
    for name, rows in (("state", STATES), ("priority", PRIORITIES)):
        if name in body:
            known = [row for row in rows if row["id"] == str(body[name]).lower()]
            if not known:
                return error(400, f"Invalid value for property: {name}", propertyName=name)
            changes[name] = known[0]
    for name in _TEXTS:
        if not isinstance(body.get(name, ""), str):
            return error(400, f"Invalid value for property: {name}", propertyName=name)
    changes |= {name: body[name] for name in ("comment", "reasonForClosing") if name in body}
    if "assignedTo.displayName" in body:
        changes["assignedTo"] = {"displayName": body["assignedTo.displayName"]}
    alarm.fields.update(changes)
    site.note(alarm, changes)
    return JSONResponse({"data": _line(alarm, whole=False)}, 202)


def _line(alarm: Alarm, *, whole: bool) -> dict[str, Any]:
    """Write an alarm; what was typed into it comes with `include=data` alone."""
    typed = ("comment", "reasonForClosing", "references", "eventId")
    return {name: value for name, value in alarm.fields.items() if whole or name not in typed}
