"""Configuration REST: resources and their children, filters, tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator import resources, tasks
from adapters.milestone.simulator.catalogue import event_types, state_groups
from adapters.milestone.simulator.filters import BadFilter, keep
from adapters.milestone.simulator.inventory import Camera
from adapters.milestone.simulator.rest import error, query_refused, route, unknown_request
from adapters.milestone.simulator.site import Site

Items = list[dict[str, Any]]
#: What may follow `?` besides filters. `page` and `size` are tolerated there, and mean nothing.
_SWITCHES = ("disabled", "tasks", "noData", "includeChildren", "page", "size")
#: Resources and what hangs under each one.
_CHILDREN = {
    "sites": {"recordingServers": "recordingServers"},
    "recordingServers": {"hardware": "hardware"},
    "hardware": {"cameras": "cameras"},
    "cameraGroups": {"cameras": "cameras"},
}
_SPELT = {
    name.lower(): name
    for name in ("cameras", "eventTypes", "stateGroups", "tasks", *_CHILDREN)
}  # fmt: skip


class Configuration:
    """The tree of the site, read."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tables: dict[str, Callable[[], Items]] = {
            "sites": lambda: [resources.write_site(site)],
            "recordingServers": lambda: [resources.write_recorder()],
            "cameraGroups": lambda: [resources.write_group(worn=worn) for worn in (False, True)],
            "hardware": self._hardware,
            "cameras": lambda: self._cameras(site.cameras.values()),
            "eventTypes": lambda: event_types(site),
            "stateGroups": state_groups,
            "tasks": lambda: tasks.write_all(site),
        }

    def items(self, kind: str) -> Items:
        """List a resource, disabled items included."""
        return self._tables[kind]()

    def find(self, kind: str, identifier: str) -> dict[str, Any] | None:
        """Find one item."""
        if kind == "cameras":
            camera = self._site.cameras.get(identifier)
            return self._cameras([camera])[0] if camera else None
        return next((each for each in self.items(kind) if each["id"] == identifier), None)

    def children(self, kind: str, identifier: str, child: str) -> Items:
        """List what hangs under an item."""
        if kind == "cameraGroups":
            worn = identifier == resources.GROUPS[True]
            return self._cameras([c for c in self._site.cameras.values() if c.worn == worn])
        if kind == "hardware":
            owned = [c for c in self._site.cameras.values() if c.hardware == identifier]
            return self._cameras(owned)
        return self.items(child)

    def _cameras(self, cameras: Any) -> Items:
        return [resources.write_camera(each, self._site.release) for each in cameras]

    def _hardware(self) -> Items:
        cameras: list[Camera] = list(self._site.cameras.values())
        return [resources.write_hardware(each, number) for number, each in enumerate(cameras)]


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints. They come last: their paths match anything."""
    tree = Configuration(site)

    async def several(request: Request) -> Response:
        kind = _SPELT.get(request.path_params["kind"])
        if kind is None or kind == "tasks":
            return _unknown(request.path_params["kind"])
        return _list(request, tree, kind, tree.items(kind))

    async def one(request: Request) -> Response:
        found = _find(request, tree)
        if isinstance(found, Response):
            return found
        kind, item = found
        refused = query_refused(request, _SWITCHES)
        if refused is not None or _children_wanted(request, kind) is None:
            return refused or unknown_request()
        return _with_tasks(request, kind, {"data": _whole(request, tree, kind, item)})

    async def child(request: Request) -> Response:
        found = _find(request, tree)
        if isinstance(found, Response):
            return found
        (kind, item), under = found, request.path_params["child"]
        if (kind, under) == ("cameras", "ptzpresets"):
            return tasks.presets(site, request, item["id"])
        for name, resource in _CHILDREN.get(kind, {}).items():
            if name.lower() == under:
                return _list(request, tree, resource, tree.children(kind, item["id"], resource))
        return _unknown(under)

    async def run(request: Request) -> Response:
        found = _find(request, tree)
        if isinstance(found, Response):
            return found
        (kind, item), under = found, request.path_params.get("child", "")
        return await tasks.run(site, request, kind, item["id"], under)

    async def deeper(request: Request) -> Response:
        return _unknown(request.path_params["child"])

    return [
        route(site, "{kind}", GET=several),
        route(site, "{kind}/{id}", GET=one, POST=run),
        route(site, "{kind}/{id}/{child}", GET=child, POST=run),
        route(site, "{kind}/{id}/{child}/{rest:path}", GET=deeper, POST=deeper),
    ]


def _unknown(name: str) -> Response:
    return error(404, f"Unknown resource: {name}")


def _find(request: Request, tree: Configuration) -> tuple[str, dict[str, Any]] | Response:
    kind, identifier = _SPELT.get(request.path_params["kind"]), request.path_params["id"]
    if kind is None:
        return _unknown(request.path_params["kind"])
    try:
        UUID(identifier)
    except ValueError:
        return unknown_request()
    item = tree.find(kind, identifier)
    return (kind, item) if item else error(404, f"Device not found. {kind}/{identifier}")


def _list(request: Request, tree: Configuration, kind: str, items: Items) -> Response:
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
    return _with_tasks(request, kind, {"array": whole})


def _children_wanted(request: Request, kind: str) -> list[str] | None:
    """List the children to include; None when one is not a child of this resource."""
    asked = [each for each in request.query_params.get("includeChildren", "").split(",") if each]
    return asked if all(each in _CHILDREN.get(kind, {}) for each in asked) else None


def _whole(
    request: Request, tree: Configuration, kind: str, item: dict[str, Any]
) -> dict[str, Any]:
    for name in _children_wanted(request, kind) or ():
        children = tree.children(kind, item["id"], _CHILDREN[kind][name])
        if "disabled" not in request.query_params:
            children = [each for each in children if each.get("enabled", True)]
        item[name] = children
    return item


def _with_tasks(request: Request, kind: str, answer: dict[str, Any]) -> Response:
    """Add the tasks of a resource where asked, and leave its data out where asked."""
    if "noData" in request.query_params:
        answer = {}
    if "tasks" in request.query_params:
        answer["tasks"] = tasks.of(kind)
    return JSONResponse(answer)
