"""Events REST and Alarms REST: created, listed, changed, with their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator.rest import body_of, error, page_of, route
from adapters.milestone.simulator.site import (
    CLOSE_REASONS,
    PRIORITIES,
    STATES,
    Alarm,
    Site,
    guid,
    new_guid,
    stamp,
)

_CREATE = {"name", "message", "source", "priority", "state", "category", "assignedTo"}
_CHANGE = {"state", "priority", "category", "comment", "assignedTo", "reasonForClosing"}


def enum(kind: str, table: Mapping[int, str]) -> list[dict[str, Any]]:
    """List an enumeration: GUID, level, name."""
    return [
        {"id": guid(f"{kind} {level}"), "level": level, "name": name}
        for level, name in table.items()
    ]


ENUMS = {
    "alarmstates": enum("state", STATES),
    "alarmpriorities": enum("priority", PRIORITIES),
    "alarmcategories": [],
    "closereasons": enum("reason", CLOSE_REASONS),
    "alarmmessages": [],
}


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints. They come before the configuration's, whose paths match anything."""

    async def alarms(request: Request) -> Response:
        if request.method == "POST":
            return await _create(site, request)
        newest_first = sorted(site.alarms.values(), key=lambda a: a.fields["time"], reverse=True)
        return page_of(request, [_line(alarm) for alarm in newest_first])

    async def alarm(request: Request) -> Response:
        found = site.alarms.get(request.path_params["id"])
        if found is None:
            return error(404, f"Alarm not found. alarms/{request.path_params['id']}")
        if request.method == "PATCH":
            return await _change(site, found, request)
        whole = request.query_params.get("include") == "data"
        return JSONResponse({"data": dict(found.fields) if whole else _line(found)})

    async def history(request: Request) -> Response:
        found = site.alarms.get(request.path_params["id"])
        if found is None:
            return error(404, f"Alarm not found. alarms/{request.path_params['id']}")
        return page_of(request, found.history)

    async def listed(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return page_of(request, ENUMS[name])

    async def events(request: Request) -> Response:
        if request.method == "POST":
            return await _event(site, request)
        return page_of(request, list(site.events.values()))

    async def event(request: Request) -> Response:
        found = site.events.get(request.path_params["id"])
        if found is None:
            return error(404, f"Event not found. events/{request.path_params['id']}")
        return JSONResponse({"data": found})

    return [
        route(site, "alarms", alarms, "GET", "POST"),
        route(site, "alarms/{id}", alarm, "GET", "PATCH"),
        route(site, "alarms/{id}/history", history, "GET"),
        *(route(site, name, listed, "GET") for name in ENUMS),
        route(site, "events", events, "GET", "POST"),
        route(site, "events/{id}", event, "GET"),
    ]


async def _create(site: Site, request: Request) -> Response:
    body = await body_of(request, _CREATE)
    if isinstance(body, Response):
        return body
    for name in ("name", "message", "source"):
        if not isinstance(body.get(name), str) or not body[name]:
            return error(400, f"Missing required property: {name}", propertyName=name)
    source = body["source"].lower().removeprefix("cameras/")
    if source not in site.cameras:
        return error(400, f"Device not found. cameras/{source}", propertyName="source")
    fields = {
        "id": new_guid(), "localId": len(site.alarms) + 1, "name": body["name"],
        "message": body["message"], "source": f"cameras/{source}",
        "sourceName": site.cameras[source].name, "time": stamp(site.clock()),
        "state": ENUMS["alarmstates"][0], "priority": ENUMS["alarmpriorities"][1],
        "assignedTo": {"displayName": ""}, "comment": "", "reasonForClosing": "",
    }  # fmt: skip
    chosen = _chosen(body)
    if isinstance(chosen, Response):
        return chosen
    alarm = Alarm(fields["id"], {**fields, **chosen})
    site.alarms[alarm.id] = alarm
    site.changed(alarm, {"created": True, "message": fields["message"]})
    return JSONResponse({"data": _line(alarm)}, 202)


async def _change(site: Site, alarm: Alarm, request: Request) -> Response:
    body = await body_of(request, _CHANGE)
    if isinstance(body, Response):
        return body
    chosen = _chosen(body)
    if isinstance(chosen, Response):
        return chosen
    alarm.fields.update(chosen)
    site.changed(alarm, body)
    return JSONResponse({"data": _line(alarm)}, 202)


def _chosen(body: dict[str, Any]) -> dict[str, Any] | Response:
    """Read what may be chosen: enumerations by GUID, texts as they are."""
    chosen: dict[str, Any] = {}
    for name, table in (("state", "alarmstates"), ("priority", "alarmpriorities")):
        if name in body:
            found = [each for each in ENUMS[table] if each["id"] == body[name]]
            if not found:
                return error(400, f"Invalid value for {name}", propertyName=name)
            chosen[name] = found[0]
    for name in ("comment", "reasonForClosing"):
        if name in body:
            if not isinstance(body[name], str):
                return error(400, f"Invalid value for {name}", propertyName=name)
            chosen[name] = body[name]
    if "assignedTo" in body:
        if not isinstance(body["assignedTo"], dict):
            return error(400, "Invalid value for assignedTo", propertyName="assignedTo")
        chosen["assignedTo"] = body["assignedTo"]
    return chosen


def _line(alarm: Alarm) -> dict[str, Any]:
    """Write an alarm as lists do: without what only `include=data` gives."""
    return {name: value for name, value in alarm.fields.items() if name != "comment"}


async def _event(site: Site, request: Request) -> Response:
    body = await body_of(request, {"type", "source", "data", "time"})
    if isinstance(body, Response):
        return body
    if not isinstance(body.get("type"), str):
        return error(400, "Missing required property: type", propertyName="type")
    event = {"id": new_guid(), "time": stamp(site.clock()), **body}
    site.events[event["id"]] = event
    return JSONResponse({"data": event}, 202)
