"""Configuration REST: resources and their children, filters, tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator import change, tasks
from adapters.milestone.simulator.filters import BadFilter, keep
from adapters.milestone.simulator.kinds import KINDS, SPELT
from adapters.milestone.simulator.rest import (
    error,
    query_refused,
    route,
    unknown_request,
    verb_refused,
)
from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.tree import Items, Tree, id_of

#: What may follow `?` besides filters. `page` and `size` are tolerated there, and mean nothing.
_SWITCHES = (
    "disabled", "tasks", "noData", "nodata", "resources", "definitions", "includeChildren",
    "page", "size",
)  # fmt: skip


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints. They come last: their paths match anything."""
    tree = Tree(site)

    async def several(request: Request) -> Response:
        kind = SPELT.get(request.path_params["kind"])
        if kind is None:
            return _unknown(request.path_params["kind"])
        # The collection of what is met by its parent alone: 400, seen on hardwareDriverSettings.
        if not KINDS[kind].listed:
            return unknown_request()
        return _list(request, tree, kind, tree.items(kind), {})

    async def create(request: Request) -> Response:
        kind = SPELT.get(request.path_params["kind"])
        if kind is None:
            return _unknown(request.path_params["kind"])
        if KINDS[kind].grows != "":
            return verb_refused("GET")
        return await change.create(tree, request, kind, None)

    async def one(request: Request) -> Response:
        found = _find(request, tree)
        if isinstance(found, Response):
            return found
        kind, item = found
        refused = query_refused(request, _SWITCHES)
        if refused is not None or _children_wanted(request, kind) is None:
            return refused or unknown_request()
        offered = tree.tasks(kind, "", request.path_params["id"])
        return _with_more(request, kind, {"data": _whole(request, tree, kind, item)}, offered)

    async def alter(request: Request) -> Response:
        found = _find(request, tree)
        if isinstance(found, Response):
            return found
        return await change.change(tree, request, *found)

    async def delete(request: Request) -> Response:
        found = _find(request, tree)
        return found if isinstance(found, Response) else change.delete(tree, request, found[0])

    async def child(request: Request) -> Response:
        met = _child(request, tree)
        if isinstance(met, Response):
            return met
        kind, under = met
        identifier = request.path_params["id"]
        offered = tree.tasks(kind, under, identifier)
        items = tree.children(kind, identifier, under)
        return _list(request, tree, under, items, offered)

    async def post(request: Request) -> Response:
        """Run a task on an item."""
        found = _find(request, tree)
        if isinstance(found, Response):
            return found
        identifier = request.path_params["id"]
        return await tasks.run(site, request, tree.tasks(found[0], "", identifier), identifier)

    async def post_child(request: Request) -> Response:
        """Run a task on a child folder, or add to it."""
        met = _child(request, tree)
        if isinstance(met, Response):
            return met
        (kind, under), identifier = met, request.path_params["id"]
        if "task" in request.query_params:
            return await tasks.run(site, request, tree.tasks(kind, under, identifier), identifier)
        return await change.create(tree, request, under, (kind, identifier))

    async def deeper(request: Request) -> Response:
        """Meet a child by its parent and its own identifier."""
        met = _child(request, tree)
        if isinstance(met, Response):
            return met
        (kind, under), wanted = met, request.path_params["rest"]
        listed = tree.children(kind, request.path_params["id"], under)
        if wanted not in [id_of(each) for each in listed]:
            return error(404, f"Device not found. {under}/{wanted}")
        request.scope["path_params"] = {"kind": under.lower(), "id": wanted}
        if request.method == "DELETE":
            return await change.remove(tree, request, (kind, met[1]), wanted)
        return await {"GET": one, "POST": post}.get(request.method, alter)(request)

    return [
        route(site, "{kind}", GET=several, POST=create),
        route(site, "{kind}/{id}", GET=one, POST=post, PUT=alter, PATCH=alter, DELETE=delete),
        route(site, "{kind}/{id}/{child}", GET=child, POST=post_child),
        route(
            site, "{kind}/{id}/{child}/{rest:path}",
            GET=deeper, POST=deeper, PUT=deeper, PATCH=deeper, DELETE=deeper,
        ),
    ]  # fmt: skip


def _unknown(name: str) -> Response:
    return error(404, f"Unknown resource: {name}")


def _find(request: Request, tree: Tree) -> tuple[str, dict[str, Any]] | Response:
    kind, identifier = SPELT.get(request.path_params["kind"]), request.path_params["id"]
    if kind is None:
        return _unknown(request.path_params["kind"])
    try:
        UUID(identifier)
    except ValueError:
        return unknown_request()
    item = tree.find(kind, identifier)
    text = f"Device not found. {kind}/{identifier}"
    return (kind, item) if item else error(tree.site.not_found, text)


def _child(request: Request, tree: Tree) -> tuple[str, str] | Response:
    """Find the kind of an item that is there, and of the child asked for."""
    found = _find(request, tree)
    if isinstance(found, Response):
        return found
    under = SPELT.get(request.path_params["child"], "")
    if under not in KINDS[found[0]].children:
        return _unknown(request.path_params["child"])
    return found[0], under


def _list(
    request: Request, tree: Tree, kind: str, items: Items, offered: dict[str, tasks.Form]
) -> Response:
    """Answer a list: filtered, without what is disabled unless asked for, with children."""
    if "disabled" not in request.query_params:
        items = [each for each in items if each.get("enabled", True)]
    filters = [pair for pair in request.query_params.multi_items() if pair[0] not in _SWITCHES]
    try:
        items = keep(items, filters)
    except BadFilter as bad:
        return error(400, f"Bad request: {bad}", propertyName=bad.name)
    wanted = _children_wanted(request, kind)
    if wanted is None:
        return unknown_request()
    whole = [_whole(request, tree, kind, each) for each in items]
    return _with_more(request, kind, {"array": whole}, offered)


def _children_wanted(request: Request, kind: str) -> list[str] | None:
    """List the children to include; None when one is not a child of this resource.

    `hardwareDriverSettings` beside `cameras` was refused on one site, so it is refused here.
    """
    asked = [each for each in request.query_params.get("includeChildren", "").split(",") if each]
    allowed = [each for each in KINDS[kind].children if each != "hardwareDriverSettings"]
    return asked if all(each in allowed for each in asked) else None


def _whole(request: Request, tree: Tree, kind: str, item: dict[str, Any]) -> dict[str, Any]:
    for name in _children_wanted(request, kind) or ():
        children = tree.children(kind, id_of(item), name)
        if "disabled" not in request.query_params:
            children = [each for each in children if each.get("enabled", True)]
        item[name] = children
    return item


def _with_more(
    request: Request, kind: str, answer: dict[str, Any], offered: dict[str, tasks.Form]
) -> Response:
    """Add tasks, children and properties where asked, and leave the data out where asked.

    That these switches exist is documented; how children and properties are written is assumed.
    """
    if {"noData", "nodata"} & set(request.query_params):
        answer = {}
    if "tasks" in request.query_params:
        answer["tasks"] = tasks.listed(offered)
    if "resources" in request.query_params:
        answer["resources"] = [{"type": child} for child in KINDS[kind].children]
    if "definitions" in request.query_params:
        answer["definitions"] = [{"name": name} for name in KINDS[kind].settable]
    return JSONResponse(answer)
