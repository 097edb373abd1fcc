"""What every order under `/simulator` shares: JSON in, JSON out, refused by the field at fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An order that needs no more than its name."""


Told = TypeVar("Told", bound=msgspec.Struct)


def post(name: str, kind: type[Told], obey: Callable[[Told], object]) -> Route:
    """Serve an order; what does not exist is answered with 404, what is not understood with 400."""

    async def answer(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body() or b"{}", type=kind)
            return JSONResponse(obey(order) or {})
        except msgspec.MsgspecError as wrong:
            return JSONResponse({"error": f"{name}: {wrong}"}, 400)
        except ValueError as wrong:
            return JSONResponse({"error": f"{name}: {wrong}"}, 400)
        except KeyError as unknown:
            return JSONResponse({"error": f"{name}: there is no {unknown}"}, 404)

    obeyed: Callable[[Request], Awaitable[Response]] = answer
    return Route(f"/simulator/{name}", obeyed, methods=["POST"])
