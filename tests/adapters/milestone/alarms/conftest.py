"""A small XProtect that knows alarms alone and loses replies, on a real socket."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.milestone import Milestone
from hooks import (
    DeviceId,
    IncidentId,
    Officer,
    Phase,
    Picture,
    Position,
    SourceKind,
    Trigger,
)

CAMERA = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
OTHER = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c22"
PRESSED = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PICTURE = Picture(
    incident=IncidentId("axis:s1"), version=1, phase=Phase.NEW, opened_at=PRESSED,
    device=DeviceId("axis:B8A44F00A001"), officer=Officer(call_sign="PM-214"),
    kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON, position=Position(lon=4.08, lat=43.56),
    title="AGENT EN DANGER : PM-214", text="Position : 43.56, 4.08.",
)  # fmt: skip
TAKEN = replace(
    PICTURE, version=2, phase=Phase.TAKEN, owner="Durand", text="Pris en charge par Durand."
)
CLOSED = replace(
    TAKEN, version=3, phase=Phase.CLOSED, closed_by="Durand", outcome="Fausse alerte",
    text="Clos par Durand : fausse alerte.",
)  # fmt: skip
STATES = [
    {"id": "s1", "name": "Nouvelle", "level": 1}, {"id": "s4", "name": "En cours", "level": 4},
    {"id": "s11", "name": "Close", "level": 11},
]  # fmt: skip
PRIORITIES = [
    {"id": "p1", "name": "Haute", "level": 1}, {"id": "p3", "name": "Basse", "level": 3}
]  # fmt: skip


@dataclass
class Vms:
    """XProtect as far as alarms go: keeps them, and fails where it is told to."""

    url: str = ""
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    cameras: set[str] = field(default_factory=lambda: {CAMERA, OTHER})
    reasons: list[dict[str, str]] = field(default_factory=list)
    enums: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"alarmStates": STATES, "alarmPriorities": PRIORITIES}
    )
    #: `POST alarms` → what happens to the next such requests: a status, "lost" or "late".
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    needs_source: bool = False
    stored: bool = True  #: False: accepted, and known to nobody yet
    release: threading.Event = field(default_factory=threading.Event)
    newest_first: bool = True

    def answer(self, verb: str, path: str, query: str, body: dict[str, Any]) -> tuple[int, Any]:
        resource, _, identifier = path.rpartition("/rest/v1/")[2].partition("/")
        if path.endswith("/uris"):
            return 200, {"ProductVersion": "25.1"}
        if path.endswith("/connect/token"):
            return 200, {"access_token": "t1", "expires_in": 3600}
        if verb == "POST":
            return self.create(body)
        if verb == "PATCH":
            return self.change(identifier, body)
        if resource == "cameras":
            self.queries.append(query)
        if resource == "alarms":
            return self.one(identifier) if identifier else (200, {"array": self.page(query)})
        rows = self.reasons if resource == "closeReasons" else self.enums.get(resource)
        return (404, refusal("Unknown resource")) if rows is None else (200, {"array": rows})

    def create(self, body: dict[str, Any]) -> tuple[int, Any]:
        source = body.get("source")
        if (source and source not in self.cameras) or (self.needs_source and not source):
            return 400, refusal(f"Device not found. cameras/{source}")
        identifier = f"a{len(self.alarms) + 1}"
        time = (PRESSED + timedelta(seconds=len(self.alarms))).isoformat()
        self.alarms[identifier] = {"id": identifier, "time": time, **body}
        return 202, {"data": {"id": identifier}}

    def change(self, identifier: str, body: dict[str, Any]) -> tuple[int, Any]:
        if identifier not in self.alarms or not self.stored:
            return 404, refusal("Alarm not found")
        self.changes.append((identifier, body))
        return 202, {"data": {"id": identifier}}

    def one(self, identifier: str) -> tuple[int, Any]:
        if identifier not in self.alarms or not self.stored:
            return 404, refusal("Alarm not found")
        return 200, {"data": self.alarms[identifier]}

    def page(self, query: str) -> list[dict[str, Any]]:
        asked = parse_qs(query)
        number, size = int(asked["page"][0]), int(asked["size"][0])
        rows = list(self.alarms.values())[:: -1 if self.newest_first else 1]
        return rows[number * size : (number + 1) * size]

    def past(self, count: int) -> None:
        """Fill in alarms of other days."""
        for number in range(count):
            time = PRESSED - timedelta(days=3) + timedelta(seconds=number)
            self.alarms[f"old{number}"] = {
                "id": f"old{number}", "message": "porte", "time": time.isoformat()
            }  # fmt: skip

    def count(self, wanted: str) -> int:
        return sum(1 for each in self.asked if re.fullmatch(wanted, each))


def refusal(text: str) -> dict[str, Any]:
    return {"error": {"httpCode": 400, "details": [{"errorText": text}]}}


def handler(vms: Vms) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def serve(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            named = f"{self.command} {parts.path.rpartition('/rest/v1/')[2]}"
            vms.asked.append(named)
            faults = vms.faults.get(named.partition("/")[0], [])
            fault = faults.pop(0) if faults else None
            if isinstance(fault, int):
                return self.write(fault, refusal("simulated"))
            body = json.loads(raw) if raw.startswith(b"{") else {}
            status, said = vms.answer(self.command, parts.path, parts.query, body)
            if fault == "lost":  # the work is done, and nobody is told
                self.close_connection = True
                return None
            if fault == "late":
                vms.release.wait(5)
            return self.write(status, said)

        def write(self, status: int, said: object) -> None:
            text = json.dumps(said).encode()
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        do_GET = do_POST = do_PATCH = serve

    return Handler


@pytest.fixture
def vms() -> Iterator[Vms]:
    vms = Vms()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(vms))
    vms.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield vms
    vms.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def settings(vms: Vms, **more: object) -> dict[str, object]:
    devices = {"axis:B8A44F00A001": CAMERA}
    return {
        "url": vms.url, "username": "renfort", "password": "secret", "devices": devices,
        "analytics_event": "no", **more,
    }  # fmt: skip


@pytest.fixture
def adapter(vms: Vms) -> Iterator[Milestone]:
    adapter = Milestone()
    adapter.configure(settings(vms))
    yield adapter
    adapter.close()


def again(vms: Vms) -> Milestone:
    """Restart: what was in memory is gone."""
    adapter = Milestone()
    adapter.configure(settings(vms))
    return adapter
