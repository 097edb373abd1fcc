"""User-defined events: the one resource of the configuration that is written here."""

from __future__ import annotations

from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator.filters import BadFilter, keep
from adapters.milestone.simulator.resources import write_defined
from adapters.milestone.simulator.rest import body_of, error, route
from adapters.milestone.simulator.site import BUILT_IN, Site


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints: create, read, rename, delete."""

    async def several(request: Request) -> Response:
        items = [write_defined(*each) for each in site.defined.items()]
        asked = request.query_params.multi_items()
        filters = [pair for pair in asked if pair[0] not in ("disabled", "page", "size")]
        try:
            return JSONResponse({"array": keep(items, filters)})
        except BadFilter as bad:
            return error(400, f"Bad request: {bad}", propertyName=bad.name)

    async def create(request: Request) -> Response:
        name = await _name(request)
        if isinstance(name, Response):
            return name
        identifier = str(uuid4())
        site.define(identifier, name)
        return JSONResponse({"result": write_defined(identifier, name)}, 201)

    async def one(request: Request) -> Response:
        identifier = request.path_params["id"]
        if identifier not in site.defined:
            return _missing(identifier)
        return JSONResponse({"data": write_defined(identifier, site.defined[identifier])})

    async def rename(request: Request) -> Response:
        identifier = request.path_params["id"]
        if identifier not in site.defined:
            return _missing(identifier)
        name = await _name(request)
        if isinstance(name, Response):
            return name
        site.define(identifier, name)
        return JSONResponse({"data": write_defined(identifier, name)})

    async def delete(request: Request) -> Response:
        identifier = request.path_params["id"]
        if identifier not in site.defined:
            return _missing(identifier)
        if identifier in BUILT_IN:
            return error(400, "Bad request: a built-in event cannot be deleted.")
        site.define(identifier, None)
        return JSONResponse({"state": "Success"})

    return [
        route(site, "userdefinedevents", GET=several, POST=create),
        route(site, "userdefinedevents/{id}", GET=one, PUT=rename, PATCH=rename, DELETE=delete),
    ]


def _missing(identifier: str) -> Response:
    return error(404, f"Device not found. userDefinedEvents/{identifier}")


async def _name(request: Request) -> str | Response:
    body = await body_of(request, ("name",))
    if isinstance(body, Response):
        return body
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        return error(400, "Missing required property: name", propertyName="name")
    return name
