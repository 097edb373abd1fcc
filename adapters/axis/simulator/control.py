"""Our own controls, under `/simulator`: press, release, lose, mute. No Axis device has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.axis.simulator.device import Device
from adapters.axis.simulator.footage import Footage
from adapters.axis.simulator.station import DockingError, Station, Trouble


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

    async def dock(request: Request) -> Response:
        try:
            order = json.loads(await request.body() or b"{}")
            footage = recorded(device, serial_of(order), order)
            told = await asyncio.to_thread(docked, device, footage, order)
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        except DockingError as error:
            return JSONResponse({"error": str(error)}, 502)
        return JSONResponse(told)

    orders = (
        press, release, lost, found, drop, cut, film, mute, refuse, raw, events, clock, password,
    )  # fmt: skip
    served: list[BaseRoute] = [
        Route(f"/simulator/{order.__name__}", _control(order, device), methods=["POST"])
        for order in orders
    ]
    docking = Route("/simulator/dock", dock, methods=["POST"])
    return [*served, docking, Route("/simulator/state", state)]


def recorded(device: Device, serial: str, order: dict[str, Any]) -> Footage:
    """Say what a camera recorded of its last press: 30 s before it, until it was stopped."""
    camera = device.cameras[serial]
    if camera.pressed_at is None:
        raise KeyError(f"{serial} recorded nothing: press first")
    started = camera.pressed_at - timedelta(seconds=float(order.get("before_s", 30)))
    stopped = camera.pressed_at + timedelta(seconds=float(order.get("seconds", 60)))
    walk = order.get("walk")
    if walk is None and camera.place is not None:
        # He walks north, 1.2 m a second.
        lon, lat = camera.place
        length = int((stopped - started).total_seconds())
        before = (camera.pressed_at - started).total_seconds()
        walk = [(at, lon, lat + 1.2 * (at - before) / 111_120) for at in range(0, length, 5)]
    return Footage(
        user=camera.bearer, serial=serial, recording=camera.recording, triggered=camera.pressed_at,
        started=started, stopped=stopped, place=camera.place, clips=int(order.get("clips", 2)),
        walk=[(float(at), float(lon), float(lat)) for at, lon, lat in walk or ()],
        notes=[str(note) for note in order.get("notes", ["rixe, un blessé"])],
    )  # fmt: skip


def docked(device: Device, footage: Footage, order: dict[str, Any]) -> dict[str, Any]:
    """Put the camera into its dock: all that the body-worn system then does."""
    station = Station(order["connection"], Trouble.of(order))
    station.connect()
    cameras = device.cameras.values()
    station.introduce(
        device.system,
        {camera.bearer: camera.wearer for camera in cameras},
        {camera.serial: f"Caméra {camera.serial[-3:]}" for camera in cameras},
    )
    if order.get("reject"):
        box = station.reject(footage, str(order["reject"]))
    else:
        box = station.dock(footage)
    return {"container": box, "requests": [list(each) for each in station.log]}


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
