"""The doors to the main courante: read it, take it out of the room. Each leaves a trace."""

from __future__ import annotations

import asyncio
from io import StringIO
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import IncidentId, Phase
from vms_plugin import blotter
from vms_plugin.blotter import Log
from vms_plugin.engine import Engine
from vms_plugin.i18n import Language
from vms_plugin.register import Entry, Operation, kind_of, written_detail
from vms_plugin.rights import Person, Right
from vms_plugin.web import view
from vms_plugin.web.doors import Doors

#: Past incidents listed at once.
LISTED = 200


class LogDoor:
    """Reads, exports and lists."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def routes(self, doors: Doors) -> list[BaseRoute]:
        """List the doors; the page's own reading is JSON."""
        one = "/api/incidents/{incident:path}/log"
        return [
            Route("/api/incidents", doors.to_read(self.past, Right.LOG)),
            Route(one + ".csv", doors.to_read(self.csv, Right.EXPORT)),
            Route(one + ".pdf", doors.to_read(self.pdf, Right.EXPORT)),
            Route(one, doors.to_read(self.log, Right.LOG)),
        ]

    async def past(self, request: Request) -> Response:
        """List the incidents that are over, the last first."""
        engine, person = self._engine, request.state.person
        pictures = await engine.store.pictures(closed=True, most=LISTED)
        return JSONResponse([
            {"incident": each.incident, "title": each.title, "opened": view.millis(each.opened_at),
             "outcome": each.outcome, "closedBy": each.closed_by, "exercise": each.exercise}
            for each in pictures
            if view.concerns(engine, each, person)
        ])  # fmt: skip

    async def log(self, request: Request) -> Response:
        """Tell the log in sentences. Of what is over, reading it is a consultation (R241-14)."""
        log = await self._read(request)
        if log is None:
            return Response(status_code=404)
        if log.picture.phase is Phase.CLOSED:
            await self._note(request, log, Operation.CONSULTATION, {})
        return JSONResponse(_written(log, self._engine.say))

    async def csv(self, request: Request) -> Response:
        """Give the log as a spreadsheet."""
        log = await self._read(request)
        if log is None:
            return Response(status_code=404)
        sheet = StringIO(newline="")
        blotter.as_csv([log], sheet, self._engine.say, self._engine.settings.timezone)
        await self._note(request, log, Operation.COMMUNICATION, {"export": "csv"})
        # With a byte order mark, without which French spreadsheets read accents wrongly.
        body = sheet.getvalue().encode("utf-8-sig")
        return self._file(body, "text/csv; charset=utf-8", log, "csv")

    async def pdf(self, request: Request) -> Response:
        """Give the log on paper."""
        log = await self._read(request)
        if log is None:
            return Response(status_code=404)
        engine, by = self._engine, request.state.person.name
        zone = engine.settings.timezone
        paper = await asyncio.to_thread(blotter.as_pdf, log, engine.say, zone, by=by)
        await self._note(request, log, Operation.COMMUNICATION, {"export": "pdf"})
        return self._file(paper, "application/pdf", log, "pdf")

    def _file(self, body: bytes, kind: str, log: Log, ending: str) -> Response:
        opened = log.picture.opened_at.astimezone(self._engine.settings.timezone)
        name = f"main-courante-{opened:%Y%m%d-%H%M}.{ending}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, media_type=kind, headers=headers)

    async def _read(self, request: Request) -> Log | None:
        """Read the log for this person; None: there is none, or it is not his to read."""
        person: Person = request.state.person
        incident = IncidentId(request.path_params["incident"])
        try:
            log = await blotter.read(
                self._engine.store, incident, self._engine.say, named=person.may(Right.NAMES)
            )
        except blotter.NoSuchIncidentError:
            return None
        return log if self._his(log, person) else None

    def _his(self, log: Log, person: Person) -> bool:
        # Whoever may export without being of the room, as the DPO, does so for any of them.
        of_the_room = person.may(Right.ALERTS)
        return not of_the_room or view.concerns(self._engine, log.picture, person)

    async def _note(
        self, request: Request, log: Log, kind: Operation, detail: dict[str, str]
    ) -> None:
        address = request.client.host if request.client else ""
        why = self._engine.say("incident log")
        await self._engine.store.note(
            Entry(kind=kind, who=request.state.person.name, what=log.picture.incident, why=why,
                  detail={**detail, "address": address})
        )  # fmt: skip


def _written(log: Log, say: Language) -> dict[str, Any]:
    return {
        "incident": log.picture.incident,
        "title": log.title,
        "closed": log.picture.phase is Phase.CLOSED,
        "lines": [
            {
                "id": line.id,
                "at": view.millis(line.at),
                "text": say.message(line.said),
                "kind": line.kind,
                "note": line.note,
                "corrects": line.corrects,
                "corrected": line.corrected,
            }
            for line in log.lines
        ],
        "views": [
            {"at": at, "who": name, "what": f"{kind_of(kind, say)} · {written_detail(detail, say)}"}
            for at, kind, name, detail in log.views
        ],
    }
