"""The one door by which operators decide: `POST /api/decide`, `{decision, incident, at, …}`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import CameraId, CrewId, FactId, IncidentId
from vms_plugin import blotter
from vms_plugin.engine import Engine, SentTooError, UnknownIncidentError
from vms_plugin.incident import Engaged
from vms_plugin.rights import Person, Right, sees
from vms_plugin.web import view
from vms_plugin.web.doors import REFUSAL, Doors

#: What the page sends beside the decision, the reasons and outcomes people write included.
LONGEST = 500
#: The page gives up after that, and says so: what comes later was given by radio meanwhile.
PATIENCE_S = 30.0


class DecisionDoor:
    """Records what operators decide, each in his own name."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._say = engine, engine.say

    def routes(self, doors: Doors) -> list[BaseRoute]:
        """List the door."""
        decide = doors.to_change(self.decide, Right.DECIDE)
        link = "/api/incidents/{incident:path}/crew-link"
        return [
            Route("/api/decide", decide, methods=["POST"]),
            Route(link, doors.to_read(self.link, Right.DECIDE)),
        ]

    async def link(self, request: Request) -> Response:
        """Give the link of a crew's own page, for an operator to send by other means."""
        incident = self._engine.board.incidents.get(IncidentId(request.path_params["incident"]))
        crew = CrewId(request.query_params.get("crew", ""))
        if incident is None or incident.closed or crew not in incident.engaged:
            return self._refused(self._say("This crew is not sent there any more."), 404)
        picture = self._engine.pictures.get(incident.id)
        if picture and not view.concerns(self._engine, picture, request.state.person):
            return self._refused(self._say(REFUSAL), 403)
        order = incident.orders[crew][-1]
        link = self._engine.dispatch.links.link(order) if isinstance(order, Engaged) else ""
        return JSONResponse({"link": link})

    async def decide(self, request: Request) -> Response:
        """Record one decision; 403, 409 and 400 say in words why it is not recorded."""
        person: Person = request.state.person
        try:
            asked = await request.json()
            if _age_s(asked) > PATIENCE_S:
                return self._refused(self._say("Asked too long ago: do it again."), 409)
            await self._decided(asked, person)
        except PermissionError as error:
            return self._refused(str(error) or self._say(REFUSAL), 403)
        except SentTooError as error:
            sentence = self._say("{name} has sent this crew too: it stays sent.", name=str(error))
            return self._refused(sentence, 409)
        except (UnknownIncidentError, blotter.NoSuchIncidentError):
            return self._refused(self._say("This incident is closed."), 409)
        except (ValueError, TypeError, KeyError, AttributeError):
            return self._refused(self._say("The page asked something impossible: reload it."), 400)
        return Response(status_code=204)

    async def _decided(self, asked: Mapping[str, Any], person: Person) -> None:
        """Check that it is his to decide, then have it done."""
        decision, incident = str(asked["decision"]), IncidentId(str(asked["incident"]))
        picture = self._engine.pictures.get(incident)
        if picture is not None and not view.concerns(self._engine, picture, person):
            raise PermissionError
        if decision == "close" and not person.may(Right.CLOSE):
            raise PermissionError
        if decision == "aim" and not self._may_turn(CameraId(str(asked["camera"])), person):
            raise PermissionError(
                self._say("Turning cameras is for those entitled to the town's cameras.")
            )
        await _DECISIONS[decision](self._engine, incident, person.name, asked)

    def _may_turn(self, name: CameraId, person: Person) -> bool:
        """Whether a camera is his to turn: of his communes (R253-3), and entitled to them."""
        known = {each.id: each for each in self._engine.atlas.cameras()}
        camera = known.get(name)
        return person.may(Right.CCTV) if camera is None else sees(person, camera)

    def _refused(self, sentence: str, status: int) -> Response:
        return JSONResponse({"error": sentence}, status)


# --- what each decision takes ---

_Asked = Mapping[str, Any]


def _age_s(asked: _Asked) -> float:
    """How long ago the page asked, by our own clock, which it follows; 0 when it does not say."""
    at = asked.get("at")
    return 0.0 if at is None else time.time() - float(str(at)) / 1000


_Do = Callable[[Engine, IncidentId, str, _Asked], Awaitable[None]]


def _crew(asked: _Asked) -> CrewId:
    return CrewId(str(asked["crew"]))


def _explain(engine: Engine, incident: IncidentId, by: str, asked: _Asked) -> Awaitable[None]:
    return engine.explain(incident, _crew(asked), by, str(asked["reason"])[:LONGEST])


def _place(engine: Engine, incident: IncidentId, by: str, asked: _Asked) -> Awaitable[None]:
    return engine.place(incident, float(str(asked["lon"])), float(str(asked["lat"])), by)


def _close(engine: Engine, incident: IncidentId, by: str, asked: _Asked) -> Awaitable[None]:
    outcome = str(asked["outcome"]).strip()[:LONGEST]
    if not outcome:
        raise ValueError("closing asks for the outcome in one word")
    return engine.close(incident, by, outcome)


def _note(engine: Engine, incident: IncidentId, by: str, asked: _Asked) -> Awaitable[None]:
    corrects = FactId(str(asked["corrects"])) if asked.get("corrects") else None
    return blotter.note(engine, incident, by, str(asked["text"]), corrects)


_DECISIONS: dict[str, _Do] = {
    "take": lambda engine, incident, by, _: engine.take_in_charge(incident, by),
    "engage": lambda engine, incident, by, asked: engine.engage(incident, _crew(asked), by),
    "explain": _explain,
    "release": lambda engine, incident, by, asked: engine.release(
        incident, _crew(asked), by, undo=asked.get("undo") is True
    ),
    "place": _place,
    "unplace": lambda engine, incident, by, _: engine.unplace(incident, by),
    "aim": lambda engine, incident, by, asked: engine.aim(
        incident, CameraId(str(asked["camera"])), by
    ),
    "close": _close,
    "note": _note,
}
