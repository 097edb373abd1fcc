"""Ask a site everything a simulator must answer alike, and give it scrubbed. Changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from websockets.exceptions import WebSocketException

from adapters.milestone.frames import FILTERS
from adapters.milestone.gateways import OPENID, URIS
from adapters.milestone.scrub import Scrubber
from adapters.milestone.state import open_socket
from hooks import AdapterError

if TYPE_CHECKING:
    from adapters.milestone.gateway import Gateway
from adapters.milestone.gateways import read_json

#: What is asked of every site. `{camera}` and `{alarm}` stand for the first there are; the last
#: three must be refused: how is what matters.
ASKED = (
    "sites", "recordingServers", "hardware?disabled", "cameras?disabled", "cameras/{camera}?tasks",
    "cameras/{camera}/ptzPresets?tasks", "cameras/{camera}/streams", "cameraGroups",
    "hardware?includeChildren=cameras", "eventTypes", "stateGroups", "userDefinedEvents",
    "analyticsEvents", "alarmDefinitions", "alarmStates", "alarmPriorities", "alarmCategories",
    "closeReasons", "alarms?page=0&size=3", "alarms/{alarm}?include=data", "alarms/{alarm}/history",
    "events?page=0&size=3", "videoWalls", "monitors?tasks", "videoWallPresets?tasks",
    "layoutGroups", "viewGroups", "rules", "licenseInformations", "licenseInstalledProducts",
    "bookmarks", "evidenceLocks", "nonsense",
)  # fmt: skip
READ_S, STATE_S = 60.0, 300.0


def discover(gateway: Gateway) -> dict[str, str]:
    """Give what the site answers, by file name; a part that fails says how it failed."""
    scrubber = Scrubber(os.urandom(16))
    found = {}
    for name, answer in (*_pages(gateway), *_rest(gateway), ("events-socket", _socket(gateway))):
        written = json.dumps(scrubber.scrub(answer), indent=1, ensure_ascii=False)
        found[f"{name}.json"] = written + "\n"
    return found


def _pages(gateway: Gateway) -> Iterator[tuple[str, Any]]:
    """Read what is said before anybody logs in."""
    found = gateway.found()
    for name, url in (("uris", found.base + URIS), ("openid", found.idp + OPENID)):
        yield name, _told(partial(gateway.unsigned, url))


def _rest(gateway: Gateway) -> Iterator[tuple[str, Any]]:
    known = {"camera": "", "alarm": ""}
    for path in ASKED:
        kind = next((each for each in known if f"{{{each}}}" in path), "")
        if kind and not known[kind]:
            continue
        asked = path.format(**known)
        said = _told(partial(gateway.raw, "GET", asked, READ_S))
        for each, guid in known.items():
            if path.startswith(f"{each}s?") and not guid:
                known[each] = _first(said)
        name = path.replace("{camera}", "one").replace("{alarm}", "one")
        yield "".join(each if each.isalnum() else "-" for each in name).strip("-"), said


def _told(ask: Callable[[], requests.Response]) -> dict[str, Any]:
    """Say how it answered: status, kind, how long it took, how many rows, the first of them."""
    began = time.monotonic()
    try:
        answer = ask()
    except AdapterError as error:
        return {"failed": type(error).__name__, "seconds": round(time.monotonic() - began, 1)}
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    said: dict[str, Any] = {
        "status": answer.status_code, "json": "json" in kind.lower(),
        "seconds": round(answer.elapsed.total_seconds(), 1), "count": len(answer.content),
    }  # fmt: skip
    try:
        body = read_json(answer.content)
    except (ValueError, RecursionError):
        return said
    rows = body.get("array") if isinstance(body, dict) else None
    return {**said, "rows": {"count": len(rows)} if isinstance(rows, list) else None, "body": body}


def _first(said: dict[str, Any]) -> str:
    body = said.get("body")
    rows = body.get("array") if isinstance(body, dict) else None
    first = rows[0] if isinstance(rows, list) and rows else {}
    return str(first.get("id") or "") if isinstance(first, dict) else ""


# --- the WebSocket ---


def _socket(gateway: Gateway) -> dict[str, Any]:
    try:
        return asyncio.run(_conversation(gateway))
    except (AdapterError, WebSocketException, OSError, ValueError, TimeoutError) as error:
        return {"failed": type(error).__name__}


_COMMANDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("startSession", {"sessionId": "", "eventId": ""}),
    ("addSubscription", {"filters": FILTERS}),
    ("getState", {}),
)


async def _conversation(gateway: Gateway) -> dict[str, Any]:
    """Hold the maker's own conversation once, and keep the answers as they come."""
    said = {}
    async with asyncio.timeout(STATE_S):
        async with await open_socket(gateway, await asyncio.to_thread(gateway.token)) as socket:
            for number, (command, more) in enumerate(_COMMANDS, start=1):
                await socket.send(json.dumps({"command": command, "commandId": number, **more}))
                frame: Any = {}
                while not (isinstance(frame, dict) and frame.get("commandId") == number):
                    frame = json.loads(await socket.recv())
                said[command] = frame
    return said
