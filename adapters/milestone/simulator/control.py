"""Our own controls, under `/simulator`: no XProtect has them. Orders and answers are JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.milestone.simulator import catalogue, people
from adapters.milestone.simulator.gate import Gate
from adapters.milestone.simulator.orders import Nothing, post
from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.trouble import Moods, Trouble
from adapters.milestone.simulator.windows import Handshakes

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]
#: 0 cuts the connection.
Status = Annotated[int, Meta(ge=0, le=599)]


class Fail(msgspec.Struct, forbid_unknown_fields=True):
    """Fail `count` requests (once unless said), or all of them during `seconds`."""

    status: Status = 500
    count: Positive | None = None
    seconds: Seconds | None = None
    method: str = ""
    path: str = ""
    after: bool = False


class Html(msgspec.Struct, forbid_unknown_fields=True):
    """Answer a page where JSON is expected."""

    status: Annotated[int, Meta(ge=200, le=599)] = 200
    count: Positive | None = None
    seconds: Seconds | None = None
    path: str = ""


class Slow(msgspec.Struct, forbid_unknown_fields=True):
    """Answer every request so much later."""

    seconds: Seconds


class Away(msgspec.Struct, forbid_unknown_fields=True):
    """Be out of reach so long: nothing is answered, and what was open is cut."""

    seconds: Seconds


class Expire(msgspec.Struct, forbid_unknown_fields=True):
    """Let the tokens lapse now."""

    refresh: bool = False


class Forbid(msgspec.Struct, forbid_unknown_fields=True):
    """Take the right to the resources whose path starts so: `alarms`, `cameras`."""

    path: Annotated[str, Meta(min_length=1)]


class Camera(msgspec.Struct, forbid_unknown_fields=True):
    """Enable or disable a camera, or let the recording server lose it or find it again."""

    id: str
    enabled: bool | None = None
    online: bool | None = None


class Happen(msgspec.Struct, forbid_unknown_fields=True):
    """Let an event happen: a type by its identifier, a source as `cameras/…`."""

    type: str
    source: str


class Forget(msgspec.Struct, forbid_unknown_fields=True):
    """Delete an alarm."""

    id: str


class Missing(msgspec.Struct, forbid_unknown_fields=True):
    """Answer with 404 or with 400 for a device that is not there: both were seen."""

    status: Literal[400, 404]


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """Say in which order alarms and events are listed: nothing promises one."""

    newest_first: bool


def routes(site: Site, moods: Moods, gate: Gate, windows: Handshakes) -> list[BaseRoute]:
    """List the controls."""

    async def alarms(_request: Request) -> Response:
        listed = [{**alarm.fields, "history": alarm.history} for alarm in site.alarms.values()]
        return JSONResponse({"alarms": listed})

    async def state(_request: Request) -> Response:
        return JSONResponse(_state(site, moods))

    return [
        post("fail", Fail, lambda order: _trouble(moods, order)),
        post("html", Html, lambda order: _trouble(moods, order)),
        post("slow", Slow, lambda order: _slow(moods, order.seconds)),
        post("away", Away, lambda order: _away(site, moods, order.seconds)),
        post("heal", Nothing, lambda _: _heal(site, moods)),
        post("expire", Expire, lambda o: {"tokens": site.accounts.expire(refresh=o.refresh)}),
        post("unlock", Nothing, lambda _: _unlock(site, windows)),
        post("forbid", Forbid, lambda order: site.forbidden.append(order.path.lower())),
        post("camera", Camera, lambda order: _camera(site, order)),
        post("happen", Happen, lambda order: _happen(site, order)),
        post("forget", Forget, lambda order: site.forget(order.id.lower())),
        post("missing", Missing, lambda o: setattr(site, "not_found", o.status)),
        post("order", Order, lambda o: setattr(site, "newest_first", o.newest_first)),
        post("drop", Nothing, lambda _: _drop(site)),
        *people.routes(site, gate),
        Route("/simulator/alarms", alarms),
        Route("/simulator/state", state),
    ]


def _trouble(moods: Moods, order: Fail | Html) -> None:
    once = order.count is None and order.seconds is None
    html = isinstance(order, Html)
    trouble = Trouble(
        status=order.status,
        path=order.path.lower(),
        left=1 if once else order.count,
        until=None if order.seconds is None else moods.clock() + order.seconds,
        html=html,
    )
    if isinstance(order, Fail):
        trouble.method, trouble.after = order.method.upper(), order.after
    moods.troubles.append(trouble)


def _slow(moods: Moods, seconds: float) -> None:
    moods.slow_s = seconds


def _away(site: Site, moods: Moods, seconds: float) -> dict[str, int]:
    moods.away_until = moods.clock() + seconds
    return _drop(site)


def _heal(site: Site, moods: Moods) -> None:
    moods.troubles.clear()
    moods.away_until = 0.0
    moods.slow_s = 0.0
    site.forbidden.clear()


def _camera(site: Site, order: Camera) -> None:
    camera = site.cameras[order.id.lower()]
    if order.enabled is not None:
        camera.enabled = order.enabled
    if order.online is not None and order.online != camera.online:
        camera.online = order.online
        kind = catalogue.COMMUNICATING if order.online else catalogue.COMMUNICATION_ERROR
        catalogue.state_changed(site, camera.id, kind)


def _unlock(site: Site, windows: Handshakes) -> None:
    site.accounts.unlock()
    windows.unlock()


def _happen(site: Site, order: Happen) -> dict[str, Any]:
    return site.happen(order.type.lower(), order.source, **catalogue.group_of(order.type.lower()))


def _drop(site: Site) -> dict[str, int]:
    closers = list(site.hub.closers)
    for close in closers:
        close()
    return {"connections": len(closers)}


def _state(site: Site, moods: Moods) -> dict[str, Any]:
    return {
        "release": site.release.name, "requests": dict(site.requests),
        "tokens": len(site.accounts.tokens), "locked": site.accounts.locked,
        "cameras": len(site.cameras), "alarms": len(site.alarms), "events": len(site.events),
        "connections": len(site.hub.closers), "slow_s": moods.slow_s,
        "forbidden": site.forbidden,
    }  # fmt: skip
