"""Our own controls, under `/simulator`. Orders and answers are JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters._simulated.trouble import Trouble
from adapters.ineo.simulator import outgoing

if TYPE_CHECKING:
    from adapters.ineo.simulator import Simulator

Seconds = Annotated[float, Meta(ge=0, le=3600)]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An order that needs no more than its name."""


class Fail(msgspec.Struct, forbid_unknown_fields=True):
    """Fail `count` requests (once unless said), or all during `seconds`. Status 0 cuts."""

    status: Annotated[int, Meta(ge=0, le=599)] = 500
    count: Annotated[int, Meta(ge=1)] | None = None
    seconds: Seconds | None = None
    path: str = ""
    after: bool = False


class Slow(msgspec.Struct, forbid_unknown_fields=True):
    """Answer every request so much later."""

    seconds: Seconds


class PartnerOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Say where Renfort's inlet is."""

    url: str
    token: str
    ca: str = ""


class Ack(msgspec.Struct, forbid_unknown_fields=True):
    """Acknowledge a CAP message (the last one unless named), so many times, or wrongly."""

    identifier: str = ""
    kind: Literal["Ack", "Error"] = "Ack"
    wrong: Literal["", "sender", "identifier", "sent", "missing"] = ""
    times: Annotated[int, Meta(ge=1, le=10)] = 1


class AckHabit(msgspec.Struct, forbid_unknown_fields=True):
    """Say how alerts are acknowledged from now on."""

    ack: Literal["none", "answer", "push"]


class Positions(msgspec.Struct, forbid_unknown_fields=True):
    """Send positions of crews around a place."""

    count: Annotated[int, Meta(ge=1, le=2000)] = 3
    lon: float = 4.0853
    lat: float = 43.5606
    by: Literal["https", "amqp"] = "https"
    enveloped: bool = True
    status: str = "DISPONIBLE"


class Send(msgspec.Struct, forbid_unknown_fields=True):
    """Send something hostile: see `outgoing.HOSTILE`."""

    kind: str
    by: Literal["https", "amqp"] = "https"


Told = TypeVar("Told", bound=msgspec.Struct)


def routes(simulator: Simulator) -> list[BaseRoute]:
    """List the controls."""

    async def messages(_request: Request) -> Response:
        return JSONResponse({"messages": [each.row() for each in simulator.desk.messages]})

    async def state(_request: Request) -> Response:
        desk = simulator.desk
        return JSONResponse({
            "messages": len(desk.messages), "repeats": dict(desk.repeats),
            "invalid": sum(not each.valid for each in desk.messages),
            "partner": simulator.partner.url, "ack": simulator.habits.ack,
        })  # fmt: skip

    return [
        _post("fail", Fail, lambda order: _fail(simulator, order)),
        _post("slow", Slow, lambda order: _slow(simulator, order.seconds)),
        _post("heal", Nothing, lambda _: _heal(simulator)),
        _post("partner", PartnerOrder, lambda order: _partner(simulator, order)),
        _post("habit", AckHabit, lambda order: _habit(simulator, order.ack)),
        _post("ack", Ack, lambda order: _ack(simulator, order)),
        _post("positions", Positions, lambda order: _positions(simulator, order)),
        _post("send", Send, lambda order: _send(simulator, order)),
        Route("/simulator/messages", messages),
        Route("/simulator/state", state),
    ]


def _post(name: str, kind: type[Told], obey: Callable[[Told], Awaitable[object]]) -> Route:
    async def answer(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body() or b"{}", type=kind)
            return JSONResponse(await obey(order) or {})
        except msgspec.MsgspecError as wrong:
            return JSONResponse({"error": f"{name}: {wrong}"}, 400)
        except KeyError as unknown:
            return JSONResponse({"error": f"{name}: there is no {unknown}"}, 404)

    return Route(f"/simulator/{name}", answer, methods=["POST"])


async def _fail(simulator: Simulator, order: Fail) -> None:
    moods = simulator.moods
    once = order.count is None and order.seconds is None
    moods.troubles.append(
        Trouble(
            status=order.status, path=order.path, after=order.after,
            left=1 if once else order.count,
            until=None if order.seconds is None else moods.clock() + order.seconds,
        )
    )  # fmt: skip


async def _slow(simulator: Simulator, seconds: float) -> None:
    simulator.moods.slow_s = seconds


async def _heal(simulator: Simulator) -> None:
    simulator.moods.troubles.clear()
    simulator.moods.slow_s = 0.0


async def _partner(simulator: Simulator, order: PartnerOrder) -> None:
    partner = simulator.partner
    partner.url, partner.token, partner.ca = order.url, order.token, order.ca or True


async def _habit(simulator: Simulator, ack: str) -> None:
    simulator.habits.ack = ack


async def _ack(simulator: Simulator, order: Ack) -> dict[str, Any]:
    message = simulator.desk.last("cap", order.identifier)
    body = outgoing.acknowledgement(
        message, order.kind, wrong=order.wrong, serial=simulator.habits.number()
    )
    answers = [await simulator.say(body, "application/cap+xml") for _ in range(order.times)]
    return {"answers": answers}


async def _positions(simulator: Simulator, order: Positions) -> dict[str, Any]:
    positions = [
        outgoing.position(number, order.lon + number * 1e-4, order.lat, status=order.status)
        for number in range(1, order.count + 1)
    ]
    body = outgoing.geo_pos(positions, enveloped=order.enveloped)
    return await simulator.say(body, "application/json", order.by)


async def _send(simulator: Simulator, order: Send) -> dict[str, Any]:
    body, content_type = outgoing.hostile(order.kind)
    return await simulator.say(body, content_type, order.by)
