"""Our own controls, under `/simulator`: press, release, lose, mute. No Axis device has them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.axis.simulator.device import Device


def routes(device: Device) -> list[BaseRoute]:
    """List the controls."""

    def serial_of(order: dict[str, Any]) -> str:
        return str(order.get("serial") or next(iter(device.cameras)))

    def press(order: dict[str, Any]) -> object:
        return device.press(serial_of(order), order)

    def release(order: dict[str, Any]) -> object:
        return device.release(serial_of(order), order)

    def lost(order: dict[str, Any]) -> object:
        device.lose(serial_of(order))
        return None

    def found(order: dict[str, Any]) -> object:
        device.find(serial_of(order))
        return None

    def drop(_order: dict[str, Any]) -> object:
        return {"sockets": device.drop()}

    def cut(_order: dict[str, Any]) -> object:
        return {"sockets": device.cut()}

    def film(order: dict[str, Any]) -> object:
        scene = device.cameras[serial_of(order)].scene
        scene.size = (int(order.get("width", 640)), int(order.get("height", 360)))
        scene.loss = float(order.get("loss", 0))
        return None

    def mute(order: dict[str, Any]) -> object:
        device.muted = bool(order.get("muted", True))
        return {"muted": device.muted}

    def refuse(order: dict[str, Any]) -> object:
        until = device.clock() + float(order.get("seconds", 10))
        device.refusing = (until, int(order.get("status", 503)))
        return {"status": device.refusing[1]}

    def raw(order: dict[str, Any]) -> object:
        if "event" in order:
            device.notify(order["event"])
        else:
            device.send_raw(str(order.get("text", "")) * int(order.get("times", 1)))
        return {"sockets": len(device.sockets)}

    def events(order: dict[str, Any]) -> object:
        for event in order.get("events", []):
            device.notify(event)
        return {"sockets": len(device.sockets)}

    def clock(order: dict[str, Any]) -> object:
        device.skew = timedelta(seconds=float(order.get("skew_s", 0)))
        return {"now": device.now().isoformat()}

    def password(order: dict[str, Any]) -> object:
        device.doorman.password = str(order["password"])
        return None

    async def state(_request: Request) -> Response:
        return JSONResponse(
            {
                "targets": [camera.target() for camera in device.cameras.values()],
                "sockets": len(device.sockets),
                "viewers": len(device.viewers),
                "configured": sum(bool(socket.filters) for socket in device.sockets),
                "requests": dict(device.requests),
                "now": device.now().isoformat(),
            }
        )

    orders = (
        press, release, lost, found, drop, cut, film, mute, refuse, raw, events, clock, password,
    )  # fmt: skip
    served: list[BaseRoute] = [
        Route(f"/simulator/{order.__name__}", _control(order, device), methods=["POST"])
        for order in orders
    ]
    return [*served, Route("/simulator/state", state)]


def _control(
    order: Callable[[dict[str, Any]], object], device: Device
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await request.body()
            told = order(json.loads(body) if body else {})
            if isinstance(told, dict) and "eventId" in told:
                told["sentAt"] = (await device.sent()).isoformat()
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        return JSONResponse(told if told is not None else {})

    return answer
