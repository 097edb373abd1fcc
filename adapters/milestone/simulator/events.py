"""Events REST: triggered, stored, listed."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator import raising, rules
from adapters.milestone.simulator.analytics import Event
from adapters.milestone.simulator.catalogue import event_types
from adapters.milestone.simulator.kinds import SPELT
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.rest import (
    body_of,
    error,
    forbidden,
    page_of,
    query_refused,
    route,
    token_of,
)
from adapters.milestone.simulator.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints."""

    async def trigger(request: Request) -> Response:
        body = await body_of(request, ("type", "source", "datatype", "data"))
        if isinstance(body, Response):
            return body
        refused = _refuse(site, request, body)
        if refused is not None:
            return refused
        kind = body["type"].lower()
        more = {name: body[name] for name in ("datatype", "data") if body.get(name) is not None}
        source = _source(body.get("source") or f"userDefinedEvents/{kind}")
        event = site.happen(kind, source, **more)
        rules.fire(site, event)
        camera = site.cameras.get(source.removeprefix("cameras/"))
        if camera is not None:
            said = Event(id=event["id"], moment=event["time"], message=_name(site, kind))
            raising.follow(site, camera, said, event)
        return JSONResponse({"data": _line(event, whole=False)}, 202)

    async def several(request: Request) -> Response:
        refused = query_refused(request, ("page", "size", "include"))
        if refused is not None:
            return refused
        whole = request.query_params.get("include") == "data"
        stored = list(site.events.values())
        if site.newest_first:
            stored.reverse()
        return page_of(request, stored, lambda each: _line(each, whole=whole))

    async def one(request: Request) -> Response:
        identifier = request.path_params["id"]
        found = site.events.get(identifier)
        if found is None:
            return error(404, f"Event not found. events/{identifier}")
        whole = request.query_params.get("include") == "data"
        refused = query_refused(request, ("include",))
        return refused or JSONResponse({"data": _line(found, whole=whole)})

    return [
        route(site, "events", Feature.EVENTS, GET=several, POST=trigger),
        route(site, "events/{id}", Feature.EVENTS, GET=one),
    ]


def _name(site: Site, kind: str) -> str:
    return next(str(each["displayName"]) for each in event_types(site) if each["id"] == kind)


def _refuse(site: Site, request: Request, body: dict[str, Any]) -> Response | None:
    """Refuse an unknown type or source, and a type that only services may trigger."""
    named = body.get("type")
    if not isinstance(named, str):
        return error(400, "Missing required property: type", propertyName="type")
    known = [each for each in event_types(site) if each["id"] == named.lower()]
    if not known:
        return error(400, f"Event type not found. eventTypes/{named}", propertyName="type")
    token = token_of(site, request)
    if not (_free(known[0]) or (token and token.service)):
        return forbidden()
    return _refuse_source(site, named.lower(), body.get("source"))


def _free(event_type: dict[str, Any]) -> bool:
    """Tell whether a user may trigger it.

    "a request with a user token can only trigger events with generatorType=External (User Defined
    Events) and generatorType=MIPDevice (…), excluding those with generatorSubtype=Generic"
    """
    ours = event_type["generatorType"] in ("External", "MIPDevice")
    return ours and event_type["generatorSubtype"] != "Generic"


def _refuse_source(site: Site, event_type: str, source: object) -> Response | None:
    if source is None and event_type in site.defined:
        # "the user defined event is used as both the type and the source"
        return None
    if not isinstance(source, str):
        return error(400, "Missing required property: source", propertyName="source")
    kind, _, identifier = _source(source).partition("/")
    known = {"cameras": list(site.cameras), "userDefinedEvents": list(site.defined)}
    if identifier not in known.get(kind, ()):
        return error(400, f"Device not found. {source}", propertyName="source")
    return None


def _source(written: str) -> str:
    """Write a source as the site does, whatever its capitals."""
    kind, _, identifier = written.lower().partition("/")
    return f"{SPELT.get(kind, kind)}/{identifier}"


def _line(event: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    return {name: value for name, value in event.items() if whole or name != "data"}
