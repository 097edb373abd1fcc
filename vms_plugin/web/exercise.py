"""The doors to the daily proof: from the page, and from the command on this very machine."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vms_plugin.engine import Engine
from vms_plugin.rights import Right
from vms_plugin.web.doors import Doors

#: Under that name the key of the local door is kept in the database: who may read it may exercise.
LOCAL_KEY = "local-door"


class ExerciseDoor:
    """Has an exercise sent, and answers what came of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def routes(self, doors: Doors) -> list[BaseRoute]:
        """List both doors."""
        asked = doors.to_change(self.page, Right.EXERCISE)
        return [
            Route("/api/exercise", asked, methods=["POST"]),
            Route("/local/exercise", self.local, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """Send one in the name of whoever asks on the page."""
        return await self._run(request.state.person.name)

    async def local(self, request: Request) -> Response:
        """Send one for the command `renfort exercice`, which shows the key of the database."""
        key = await self._engine.store.secret(LOCAL_KEY)
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), key.hex().encode()):
            return JSONResponse({"error": "the key of this machine's database is wanted"}, 401)
        return await self._run("renfort exercice")

    async def _run(self, by: str) -> Response:
        drills = self._engine.drills
        if drills is None:
            return JSONResponse({"error": "the host is starting"}, 503)
        proof = await drills.run(by)
        said = self._engine.say.message(proof.said())
        told: dict[str, Any] = msgspec.to_builtins(proof)
        return JSONResponse({**told, "well": proof.well, "total_ms": proof.total_ms, "said": said})
