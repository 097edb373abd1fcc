"""Writing to the configuration: created, changed, deleted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.milestone.simulator.kinds import KINDS, Kind
from adapters.milestone.simulator.rest import (
    body_of,
    error,
    forbidden,
    query_refused,
    unknown_request,
    verb_refused,
)
from adapters.milestone.simulator.shapes import identifier as is_identifier
from adapters.milestone.simulator.shapes import wrong
from adapters.milestone.simulator.shelf import Item
from adapters.milestone.simulator.site import BUILT_IN
from adapters.milestone.simulator.tree import Tree

Fields = dict[str, Any]
#: Properties of a camera or a device that are more than what somebody typed.
_OWN = {"cameras": ("name", "enabled"), "hardware": ("name", "enabled", "address", "userName")}
_READ_ONLY = ("id", "displayName", "createdDate", "lastModified", "relations")


async def create(
    tree: Tree, request: Request, name: str, parent: tuple[str, str] | None
) -> Response:
    """Answer `POST /kind` or `POST /parent/{id}/kind`: 201 and the new item as `result`."""
    if parent is not None and parent[0] == "cameraGroups" and name == "cameras":
        return await _join(tree, request, parent[1])
    refused = query_refused(request, ()) or _may_create(tree, name, parent)
    if refused is not None:
        return refused
    kind = KINDS[name]
    body = await body_of(request, None if kind.open else {*kind.settable, *_READ_ONLY})
    if isinstance(body, Response):
        return body
    for needed in kind.needs:
        if needed not in body:
            return error(400, f"Missing required property: {needed}", propertyName=needed)
    given = {key: value for key, value in body.items() if key not in _READ_ONLY}
    bad = _unfit(kind, given)
    if bad is not None:
        return bad
    asked = str(body.get("id", "")).lower()
    new = asked if is_identifier(asked) and not tree.find(name, asked) else str(uuid4())
    item = Item(name, new, _begun(tree, name, new, given), parent)
    tree.site.shelf.put(item)
    return JSONResponse({"result": tree.find(name, new)}, 201)


def _may_create(tree: Tree, name: str, parent: tuple[str, str] | None) -> Response | None:
    kind = KINDS[name]
    grown = kind.grows == (parent[0] if parent else "") and kind.grows is not None
    nested = parent is not None and parent[0] == name and kind.grows == ""
    if not (grown or nested):
        return verb_refused("GET")
    if name in ("videoWalls", "monitors", "videoWallPresets"):
        return None if tree.site.licence.smart_wall else forbidden()
    if name == "views" and parent is not None:
        group = tree.site.shelf.find(*parent)
        # Views live in groups that are themselves in a group: the maker's PowerShell tools.
        if group is not None and group.parent is None:
            return error(400, "Invalid parent. /ViewFolder")
    return None


def _begun(tree: Tree, name: str, new: str, given: Fields) -> Fields:
    if name == "userDefinedEvents":
        return {"id": new, "lastModified": tree.site.now(), "subtype": "UserDefined", **given}
    fields: Fields = {"id": new, "description": "", "lastModified": tree.site.now(), **given}
    model = next(iter(tree.site.shelf.of(name)), None)
    # What was not given is as the maker's defaults would be: empty, false, nought.
    for key, value in (model.fields if model else {}).items():
        if not isinstance(value, str | int | float | list | bool):
            continue
        fields.setdefault(key, type(value)())
    if name == "cameraGroups":
        fields["members"] = []
    if name == "monitors":
        fields["monitorState"] = model.fields["monitorState"] if model else ""
    return fields


async def _join(tree: Tree, request: Request, group: str) -> Response:
    """Add a camera to a group: the body is a camera, of which the identifier counts [G]."""
    body = await body_of(request, {*KINDS["cameras"].settable, *_READ_ONLY})
    if isinstance(body, Response):
        return body
    camera = str(body.get("id", "")).lower()
    if camera not in tree.site.cameras:
        return error(400, f"Device not found. cameras/{camera}", propertyName="id")
    item = tree.site.shelf.find("cameraGroups", group)
    if item is not None and camera not in item.fields["members"]:
        item.fields["members"] = [*item.fields["members"], camera]
        tree.site.shelf.put(item)
    return JSONResponse({"result": tree.find("cameras", camera)}, 201)


async def change(tree: Tree, request: Request, name: str, now: Fields) -> Response:
    """Answer PATCH (some properties) and PUT (all of them): 200 and the item as `data`."""
    kind = KINDS[name]
    refused = query_refused(request, ())
    if refused is not None or not (kind.settable or kind.open):
        return refused or verb_refused("GET")
    allowed = None if kind.open else {*kind.settable, *now}
    body = await body_of(request, allowed)
    if isinstance(body, Response):
        return body
    settable = {key for key in body if key in kind.settable or kind.open} - set(_READ_ONLY)
    given = {key: body[key] for key in body if key in settable}
    # An item may be sent back as it was read; a read-only property that changes is refused.
    for key, value in body.items():
        if key not in given and value != now.get(key):
            return error(400, f"Property is read-only: {key}", propertyName=key)
    missing = [key for key in kind.settable if key in now and key not in given]
    if request.method == "PUT" and missing:
        return error(400, f"Missing required property: {missing[0]}", propertyName=missing[0])
    bad = unknown_request() if not body else _unfit(kind, given)
    if bad is not None:
        return bad
    _keep(tree, name, request.path_params["id"], given)
    return JSONResponse({"data": tree.find(name, request.path_params["id"])})


def _unfit(kind: Kind, given: Fields) -> Response | None:
    known = {key: value for key, value in given.items() if key in kind.settable}
    bad = wrong(known, kind.settable)
    return error(400, f"Invalid value for property: {bad}", propertyName=bad) if bad else None


def _keep(tree: Tree, name: str, identifier: str, given: Fields) -> None:
    site = tree.site
    stamp = {"lastModified": site.now()}
    if name in ("cameras", "streams", "privacyProtections"):
        camera = site.cameras[identifier]
        own = _OWN.get(name, ())
        typed = {key: value for key, value in given.items() if key not in own}
        if name == "privacyProtections":
            camera.masked = bool(given.get("enabled", camera.masked))
        else:
            camera.said |= typed | stamp
        camera.name = given.get("name", camera.name) if "name" in own else camera.name
        if name == "cameras":
            camera.enabled = given.get("enabled", camera.enabled)
            camera.said |= {"displayName": camera.name}
        site.keep_camera(camera)
    elif name in ("hardware", "hardwareDriverSettings"):
        device = site.hardware[identifier]
        device.name = given.get("name", device.name)
        device.enabled = given.get("enabled", device.enabled)
        device.address = given.get("address", device.address)
        device.user = given.get("userName", device.user)
        extra = ("description", "hardwareDriverSettings")
        device.said |= {key: given[key] for key in extra if key in given} | stamp
        site.keep_hardware(device)
    else:
        item = site.shelf.find(name, identifier)
        if item is not None:
            item.fields |= given | stamp
            site.shelf.put(item)


def delete(tree: Tree, request: Request, name: str) -> Response:
    """Answer DELETE: 200 and a state, as for user-defined events."""
    item = tree.site.shelf.find(name, request.path_params["id"])
    if item is None or not KINDS[name].dies:
        return verb_refused("GET", "PATCH", "PUT")
    refused = query_refused(request, ())
    if refused is not None:
        return refused
    if item.id in BUILT_IN:
        return error(400, "Bad request: a built-in event cannot be deleted.")
    tree.site.shelf.drop(item)
    return JSONResponse({"state": "Success"})


async def remove(tree: Tree, request: Request, where: tuple[str, str], wanted: str) -> Response:
    """Answer DELETE of a child by its parent: out of a group, or deleted."""
    if where != ("cameraGroups", "cameras"):
        return delete(tree, request, where[1])
    for group in tree.site.shelf.of("cameraGroups"):
        if group.id in request.url.path and wanted in group.fields["members"]:
            group.fields["members"] = [each for each in group.fields["members"] if each != wanted]
            tree.site.shelf.put(group)
    return JSONResponse({"state": "Success"})
