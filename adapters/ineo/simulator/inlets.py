"""Where the hypervisor takes our messages: CAP, EMSI, and a vendor's own JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.ineo.simulator import judge
from adapters.ineo.simulator.desk import Desk, Received, now
from adapters.ineo.simulator.outgoing import acknowledgement


@dataclass(slots=True)
class Habits:
    """How it acknowledges: `answer` (in the answer), `push` (to the partner's inlet), `none`."""

    ack: str = "none"
    serial: int = 0

    def number(self) -> int:
        """Give the next number of a message of its own."""
        self.serial += 1
        return self.serial


def read(body: bytes, content_type: str, carrier: str = "https") -> Received:
    """Read whatever came, judged by the schemas."""
    if "cap+xml" in content_type or b"emergency:cap:" in body[:400]:
        return _cap(body, carrier)
    return _emsi(body, carrier, xml=body.lstrip()[:1] == b"<")


def _cap(body: bytes, carrier: str) -> Received:
    try:
        root = judge.cap(body)
    except judge.NotValidError as error:
        return _wrong("cap", body, error, carrier)
    said = {etree.QName(each).localname: each.text or "" for each in root}
    said.pop("info", None)
    info = root.find(f"{{{judge.CAP}}}info")
    for each in info.iter() if info is not None else ():
        if each.text and each.text.strip():
            said.setdefault(etree.QName(each).localname, each.text)
    return Received(
        channel="cap", identifier=said["identifier"], kind=said["msgType"], at=now(),
        carrier=carrier, fields=said, body=body.decode("utf-8", "replace"),
    )  # fmt: skip


def _emsi(body: bytes, carrier: str, *, xml: bool) -> Received:
    try:
        if xml:
            found = judge.emsi_xml(body)
            said = {etree.QName(each).localname: each.text for each in found.iter() if each.text}
            identifier, kind = found.findtext(".//{*}CONTEXT/{*}ID"), said["MSGTYPE"]
        else:
            emsi = judge.emsi_json(body)
            said, identifier = emsi, emsi["CONTEXT"]["ID"]
            kind = emsi["CONTEXT"]["MSGTYPE"]
    except judge.NotValidError as error:
        return _wrong("emsi", body, error, carrier)
    return Received(
        channel="emsi", identifier=str(identifier), kind=str(kind), at=now(),
        carrier=carrier, fields=dict(said), body=body.decode("utf-8", "replace"),
    )  # fmt: skip


def _wrong(channel: str, body: bytes, error: Exception, carrier: str) -> Received:
    return Received(
        channel=channel, identifier="", kind="", at=now(), valid=False,
        why=str(error), carrier=carrier, body=body[:5000].decode("utf-8", "replace"),
    )  # fmt: skip


def routes(
    desk: Desk, habits: Habits, token: str, push: Callable[[Received], None]
) -> list[BaseRoute]:
    """List the inlets."""

    def let_in(request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {token}"

    async def standard(request: Request) -> Response:
        if not let_in(request):
            return JSONResponse({"error": "token"}, 401)
        message = read(await request.body(), request.headers.get("content-type", ""))
        new = desk.take(message)
        if not message.valid:
            return JSONResponse({"error": message.why}, 422)
        if habits.ack == "answer" and message.channel == "cap":
            body = acknowledgement(message, "Ack", serial=habits.number())
            return Response(body, media_type="application/cap+xml")
        if habits.ack == "push" and message.channel == "cap" and new:
            push(message)
        return JSONResponse({"received": message.identifier, "new": new}, 202)

    async def vendor(request: Request) -> Response:
        if not let_in(request):
            return JSONResponse({"error": "token"}, 401)
        body = await request.body()
        said, why = _vendor(body)
        identifier = str(said.get("externalId", ""))
        desk.take(
            Received(channel="vendor", identifier=f"{said.get('action')} {identifier}",
                     kind=str(said.get("action")), at=now(), valid=not why, why=why, fields=said,
                     body=body.decode("utf-8", "replace"))
        )  # fmt: skip
        return JSONResponse({"error": why} if why else {"ok": True}, 400 if why else 201)

    return [
        Route("/cap", standard, methods=["POST"]),
        Route("/emsi", standard, methods=["POST"]),
        Route("/vendor/alarms", vendor, methods=["POST"]),
    ]


def _vendor(body: bytes) -> tuple[dict[str, Any], str]:
    """Judge a made-up vendor's JSON: externalId, action, priority 1 to 4, label."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        return {}, str(error)
    if not isinstance(said, dict) or not isinstance(said.get("externalId"), str):
        return {}, "externalId is missing"
    if said.get("action") not in ("create", "update", "close"):
        return said, "action: create, update or close"
    if said.get("priority") not in (1, 2, 3, 4):
        return said, "priority: 1 to 4"
    return said, ""
