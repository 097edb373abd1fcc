"""The doors to docked recordings: those of an incident, with their trail; setting aside, releasing.

For those whom R241-12 I designates. Reading is a consultation, in the register before it is
answered (R241-14).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import (
    Activation,
    AdapterError,
    Fact,
    Fix,
    IncidentId,
    Message,
    PieceKind,
    Position,
    RecordingId,
    Trail,
)
from vms_plugin.adapters import Adapters
from vms_plugin.engine import Engine
from vms_plugin.recordings import open_archive
from vms_plugin.recordings.archive import Archive
from vms_plugin.recordings.joining import Match, matches, span_of
from vms_plugin.recordings.ledger import (
    NotSetAsideError,
    Procedure,
    SetAside,
    UnknownRecordingError,
)
from vms_plugin.recordings.reconcile import compare
from vms_plugin.register import Entry, Operation
from vms_plugin.rights import Right
from vms_plugin.web import view
from vms_plugin.web.doors import Doors

LONGEST = 500
#: A trail of a whole day, one place a second, takes 10 MB.
LARGEST_TRAIL = 32 << 20
#: Recordings are looked for so long before and after an incident: clocks, long watches.
AROUND = timedelta(hours=24)


def _(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


NOT_ASIDE = _("It is not set aside for that procedure, or for several: say which.")


class RecordingDoor:
    """Reads recordings of an incident; keeps them for a procedure."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._say = engine, engine.say
        self._archive = open_archive(engine.settings, engine.store)

    def routes(self, doors: Doors) -> list[BaseRoute]:
        """List the doors."""
        right = Right.RECORDINGS
        one = "/api/recordings/{recording:path}"
        return [
            Route("/api/incidents/{incident:path}/recordings", doors.to_read(self.of, right)),
            Route(one + "/set-aside", doors.to_change(self.set_aside, right), methods=["POST"]),
            Route(one + "/release", doors.to_change(self.release, right), methods=["POST"]),
        ]

    async def of(self, request: Request) -> Response:
        """Give the recordings of an incident, their trails, and how these differ from what we knew.

        `?why=` is the reason that the register keeps.
        """
        engine, incident = self._engine, IncidentId(request.path_params["incident"])
        picture = await engine.store.picture(incident)
        if picture is None or not view.concerns(engine, picture, request.state.person):
            return Response(status_code=404)
        facts = await engine.store.facts_of(incident)
        found = await recordings_of(facts, self._archive)
        if found:
            why = request.query_params.get("why", "").strip()[:LONGEST]
            await self._consulted(request, incident, found, why)
        live = _live(facts, picture.trail)
        return JSONResponse(
            {
                "incident": incident,
                "live": [_point(place) for place in live],
                "recordings": [await self._written(each, live) for each in found],
            }
        )

    async def _consulted(
        self, request: Request, incident: IncidentId, found: list[Match], why: str
    ) -> None:
        names = " ".join(each.held.recording.id for each in found)
        address = request.client.host if request.client else ""
        await self._engine.store.note(
            Entry(kind=Operation.CONSULTATION, who=request.state.person.name, what=incident,
                  why=why or self._say("review of a closed incident"),
                  detail={"recordings": names, "address": address})
        )  # fmt: skip

    async def _written(self, match: Match, live: list[Position]) -> dict[str, Any]:
        held, say, zone = match.held, self._say, self._engine.settings.timezone
        recording = held.recording
        trail, said = await trail_of(match, self._engine.adapters, self._archive)
        if trail:
            compared = await asyncio.to_thread(compare, trail, live)
            said = [*said, *compared.said(zone)]
        now = datetime.now(zone)
        return {
            "id": recording.id,
            "device": recording.device,
            "started": view.millis(recording.started_at),
            "ended": view.millis(recording.ended_at),
            "received": view.millis(held.received_at),
            "complete": recording.complete,
            "rejected": recording.rejected,
            "matched": say.message(match.how),
            "lastDay": self._archive.law.last_day(
                held.counted_from(now), now.date(), zone
            ).isoformat(),
            "countedFromReception": not held.dated(now),
            "setAside": [
                {"by": aside.who, "at": view.millis(aside.at), "number": aside.number,
                 "procedure": aside.procedure.value, "why": aside.why}
                for aside in held.set_aside
            ],
            "pieces": [
                {"name": kept.piece.name, "kind": kept.piece.kind.value, "size": kept.size,
                 "started": view.millis(kept.piece.started_at),
                 "ended": view.millis(kept.piece.ended_at)}
                for kept in held.pieces
            ],
            "trail": [_point(place) for place in trail],
            "differences": [say.message(each) for each in [*_begun(match), *said]],
        }  # fmt: skip

    # --- for a procedure ---

    async def set_aside(self, request: Request) -> Response:
        """Keep a recording beyond its month, in one's own name.

        `{incident, procedure, number, why}`.
        """
        try:
            asked = await request.json()
            how = SetAside(
                at=datetime.now(UTC), who=request.state.person.name,
                procedure=Procedure(asked["procedure"]), number=_text(asked, "number"),
                why=_text(asked, "why"),
            )  # fmt: skip
            name = await self._within_reach(request, _text(asked, "incident"))
            await self._archive.ledger.set_aside(name, how)
        except (ValueError, TypeError, KeyError):
            return self._impossible()
        except UnknownRecordingError:
            return Response(status_code=404)
        return Response(status_code=204)

    async def release(self, request: Request) -> Response:
        """Let it go its way again: `{incident, why}`, and which of several procedures."""
        try:
            asked = await request.json()
            why = _text(asked, "why")
            name = await self._within_reach(request, _text(asked, "incident"))
            which = [str(asked.get(each, "")).strip() for each in ("procedure", "number")]
            await self._archive.ledger.release(name, request.state.person.name, why, *which)
        except (ValueError, TypeError, KeyError):
            return self._impossible()
        except UnknownRecordingError:
            return Response(status_code=404)
        except NotSetAsideError:
            return JSONResponse({"error": self._say(NOT_ASIDE)}, 409)
        return Response(status_code=204)

    async def _within_reach(self, request: Request, incident: str) -> RecordingId:
        """Give the recording asked for: who names it must be told of the incident that it is of.

        Names can be guessed, and another commune's recordings are not his (R253-3).
        """
        engine, name = self._engine, RecordingId(request.path_params["recording"])
        picture = await engine.store.picture(IncidentId(incident))
        if picture is None or not view.concerns(engine, picture, request.state.person):
            raise UnknownRecordingError(name)
        found = await recordings_of(
            await engine.store.facts_of(IncidentId(incident)), self._archive
        )
        if name not in [match.held.recording.id for match in found]:
            raise UnknownRecordingError(name)
        return name

    def _impossible(self) -> Response:
        said = self._say("Give the incident, the procedure, its number and the reason.")
        return JSONResponse({"error": said}, 400)


async def recordings_of(facts: list[Fact], archive: Archive) -> list[Match]:
    """Find the recordings of an incident, given its facts."""
    lived = span_of(facts)
    if lived is None:
        return []
    return matches(facts, await archive.ledger.held(lived.start - AROUND, lived.end + AROUND))


async def trail_of(
    match: Match, adapters: Adapters, archive: Archive
) -> tuple[tuple[Position, ...], list[Message]]:
    """Read the trail of a recording by its adapter; empty, and why, when there is none to read."""
    pieces = [kept.piece for kept in match.held.pieces if kept.piece.kind is PieceKind.TRAIL]
    if not pieces:
        return (), [Message(text="the recording has no trail")]
    adapter = match.held.recording.id.partition(":")[0]
    places: list[Position] = []
    said: list[Message] = []
    for piece in pieces:
        try:
            content = await archive.content(piece.recording, piece.name, LARGEST_TRAIL)
            asked = adapters.start(adapter, "read_trail", piece=piece, content=content)
            read = await asyncio.wait_for(asyncio.wrap_future(asked), 10)
        except (AdapterError, KeyError, OSError, ValueError, LookupError, TimeoutError):
            said.append(Message(text="the trail cannot be read"))
            continue
        if isinstance(read, Trail):
            places += read.places
        else:
            said.append(Message(text="the trail is encrypted for its owner"))
    return tuple(sorted(places, key=lambda place: str(place.fixed_at))), said


def _begun(match: Match) -> list[Message]:
    """Say how long before or after the press the recording begins."""
    started = match.held.recording.started_at
    if started is None or not match.held.dated(datetime.now(UTC)):
        return [Message(text="the day of the recording is not known: its month is counted from "
                             "the day it was received")]  # fmt: skip
    seconds = round((match.press.at - started).total_seconds())
    if seconds >= 0:
        return [Message(text="it begins {seconds} s before the press", params={"seconds": seconds})]
    return [Message(text="it begins {seconds} s after the press", params={"seconds": -seconds})]


def _live(facts: Iterable[Fact], trail: Iterable[Position]) -> list[Position]:
    """Gather what was heard live: told with the press, told after, and what the page last drew."""
    told = [fact.position for fact in facts if isinstance(fact, Activation | Fix)]
    known = {
        (place.fixed_at, place.lon, place.lat): place
        for place in (*told, *trail)
        if place is not None and place.fixed_at is not None and place.source != "operator"
    }
    return [known[key] for key in sorted(known)]


def _point(place: Position) -> dict[str, float | int | None]:
    return {"lat": place.lat, "lon": place.lon, "at": view.millis(place.fixed_at)}


def _text(asked: dict[str, Any], name: str) -> str:
    said = asked[name]
    if not isinstance(said, str) or not said.strip():
        raise ValueError(name)
    return said.strip()[:LONGEST]
