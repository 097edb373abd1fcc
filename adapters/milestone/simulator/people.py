"""What the people of the site do meanwhile: operators at their Smart Client, administrators.

Ours, like the other controls: no XProtect has them.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.milestone.simulator import alarms, ptz, wall
from adapters.milestone.simulator.gate import Gate
from adapters.milestone.simulator.licence import EDITIONS
from adapters.milestone.simulator.orders import post
from adapters.milestone.simulator.site import Site

Seconds = Annotated[float, Meta(ge=0, le=86_400)]
OPERATOR = "operateur"


class Handle(msgspec.Struct, forbid_unknown_fields=True):
    """An operator takes an alarm, or closes it with a reason: what he leaves out stays as it is."""

    id: str
    state: str = ""
    priority: str = ""
    comment: str | None = None
    assigned_to: str | None = None
    reason: str | None = None
    user: str = OPERATOR


class Close(msgspec.Struct, forbid_unknown_fields=True):
    """An operator closes an alarm."""

    id: str
    reason: str = "Resolved"
    comment: str | None = None
    user: str = OPERATOR


class Acknowledge(msgspec.Struct, forbid_unknown_fields=True):
    """An operator takes an alarm in hand: it is in progress, and his."""

    id: str
    user: str = OPERATOR


class Hold(msgspec.Struct, forbid_unknown_fields=True):
    """An operator, or a patrol, holds a PTZ camera; 0 seconds lets it go."""

    id: str
    user: str = OPERATOR
    priority: Annotated[int, Meta(ge=0, le=32_000)] = 1000
    seconds: Seconds = 600.0


class Lens(msgspec.Struct, forbid_unknown_fields=True):
    """An administrator masks a part of the picture, or changes its coding."""

    id: str
    masked: bool | None = None
    codec: str | None = None


class Buy(msgspec.Struct, forbid_unknown_fields=True):
    """The site changes its licence."""

    edition: str = ""
    smart_wall: bool | None = None
    devices: Annotated[int, Meta(ge=1)] | None = None


class Task(msgspec.Struct, forbid_unknown_fields=True):
    """Let tasks last so long (0: done at once, without a task), or fail the next with this text."""

    lasts_s: Seconds | None = None
    error: str | None = None


class Spell(msgspec.Struct, forbid_unknown_fields=True):
    """Call the fields of a task otherwise: our names → those its form then shows."""

    task: str
    names: dict[str, str]


class Show(msgspec.Struct, forbid_unknown_fields=True):
    """An operator drags cameras onto a monitor, from its first place on."""

    monitor: str
    cameras: list[str]


class Analytics(msgspec.Struct, forbid_unknown_fields=True):
    """An administrator opens or shuts the port of analytics events, or says who may come in."""

    open: bool | None = None
    allow: list[str] | None = None
    broken: bool | None = None


def routes(site: Site, gate: Gate) -> list[BaseRoute]:
    """List the orders."""

    async def analytics(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"port": gate.port, "received": gate.received})
        try:
            order = msgspec.json.decode(await request.body() or b"{}", type=Analytics)
            allowed = [ip_network(each) for each in order.allow or ()]
        except (msgspec.MsgspecError, ValueError) as wrong:
            return JSONResponse({"error": f"analytics: {wrong}"}, 400)
        gate.allowed = gate.allowed if order.allow is None else allowed
        gate.broken = gate.broken if order.broken is None else order.broken
        if order.open is not None:
            await gate.switch(opened=order.open)
        return JSONResponse({"port": gate.port})

    async def walls(_request: Request) -> Response:
        return JSONResponse({"monitors": _monitors(site)})

    async def matrix(_request: Request) -> Response:
        listed = [{"id": name, "cameras": shown} for name, shown in site.matrix.items()]
        return JSONResponse({"monitors": listed})

    async def turned(_request: Request) -> Response:
        listed = [each for each in site.cameras.values() if each.ptz]
        return JSONResponse({"cameras": [_aim(site, each.id) for each in listed]})

    return [
        post("handle", Handle, lambda order: _handle(site, order)),
        post("acknowledge", Acknowledge, lambda order: _handle(
            site, Handle(id=order.id, state="In progress", assigned_to=order.user, user=order.user)
        )),
        post("close", Close, lambda order: _handle(
            site, Handle(id=order.id, state="Closed", reason=order.reason, comment=order.comment,
                         user=order.user)
        )),
        post("hold", Hold, lambda order: ptz.hold(
            site, site.cameras[order.id.lower()].id, order.user, order.priority, order.seconds
        )),
        post("lens", Lens, lambda order: _lens(site, order)),
        post("licence", Buy, lambda order: _buy(site, order)),
        post("task", Task, lambda order: _task(site, order)),
        post("spell", Spell, lambda order: site.spelling.update({order.task: order.names})),
        post("show", Show, lambda order: _show(site, order)),
        Route("/simulator/analytics", analytics, methods=["GET", "POST"]),
        Route("/simulator/wall", walls),
        Route("/simulator/matrix", matrix),
        Route("/simulator/ptz", turned),
    ]  # fmt: skip


def _handle(site: Site, order: Handle) -> None:
    alarm = site.alarms[order.id.lower()]
    changes: dict[str, Any] = {}
    for name, asked, rows in (
        ("state", order.state, alarms.STATES), ("priority", order.priority, alarms.PRIORITIES)
    ):  # fmt: skip
        if asked:
            known = [row for row in rows if row["name"] == asked]
            if not known:
                raise ValueError(f"{name} is one of {[row['name'] for row in rows]}")
            changes[name] = known[0]
    if order.comment is not None:
        changes["comment"] = order.comment
    if order.reason is not None:
        changes["reasonForClosing"] = order.reason
    if order.assigned_to is not None:
        changes["assignedTo"] = {"displayName": order.assigned_to}
    alarm.fields.update(changes)
    site.note(alarm, {"userName": order.user, **changes})


def _lens(site: Site, order: Lens) -> None:
    camera = site.cameras[order.id.lower()]
    camera.masked = camera.masked if order.masked is None else order.masked
    camera.codec = camera.codec if order.codec is None else order.codec


def _buy(site: Site, order: Buy) -> None:
    if order.edition and order.edition not in EDITIONS:
        raise ValueError(f"edition is one of {list(EDITIONS)}")
    bought = site.licence
    bought.edition = order.edition or bought.edition
    if order.smart_wall is not None:
        bought.smart_wall_addon = order.smart_wall
    bought.devices = order.devices or bought.devices


def _task(site: Site, order: Task) -> None:
    site.task_lasts_s = site.task_lasts_s if order.lasts_s is None else order.lasts_s
    site.task_error = site.task_error if order.error is None else order.error


def _show(site: Site, order: Show) -> None:
    if site.shelf.find("monitors", order.monitor.lower()) is None:
        raise KeyError(order.monitor)
    screen = wall.screen_of(site, order.monitor.lower())
    cells = [("cameraid", site.cameras[each.lower()].id) for each in order.cameras]
    screen.cells = [*cells, *screen.cells[len(cells) :]][: len(screen.cells)]
    wall.show(site, order.monitor.lower(), screen)


def _monitors(site: Site) -> list[dict[str, Any]]:
    listed = []
    for each in site.shelf.of("monitors"):
        screen = wall.screen_of(site, each.id)
        layout = site.shelf.find("layouts", screen.layout)
        cells = [{kind: what} if what else {} for kind, what in screen.cells]
        shown = {"layout": layout.fields["name"] if layout else "", "cells": cells}
        listed.append({"id": each.id, "name": each.fields["name"], **shown})
    return listed


def _aim(site: Site, camera: str) -> dict[str, Any]:
    held = ptz.holder(site, camera)
    pan, tilt, zoom = site.cameras[camera].aim
    return {"id": camera, "pan": pan, "tilt": tilt, "zoom": zoom,
            "held_by": held.user if held else None}  # fmt: skip
