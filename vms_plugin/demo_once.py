"""Measure one press through the whole chain, each stage from the event on the wire."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from vms_plugin.stage import Stage

PATIENCE_S = 20.0


def measure(stage: Stage, order: dict[str, Any]) -> dict[str, Any]:
    """Press, and tell when each stage was reached: milliseconds, None when it was not."""
    session = stage.operator()
    stage.until_ready(session)
    with _browser(stage) as browser:
        pressed = stage.press(**order)
        sent = datetime.fromisoformat(pressed["sentAt"])
        incident = f"axis:{pressed['sessionId']}"
        stages, alarm = _stages(stage, session, incident)
        page = browser(incident)
    session.close()
    reached = {name: _millis(sent, stages.get(name)) for name in ("durable", "picture")}
    reached["alarm"] = _millis(sent, alarm)
    if page is not NO_BROWSER:
        reached["page"] = None if page is None else round(page - sent.timestamp() * 1000, 1)
    return {
        "stages": reached,
        "incident": incident,
        "serial": pressed["serial"],
        "page_measured_in": None if page is NO_BROWSER else "chromium",
    }


NO_BROWSER = object()


def _millis(start: datetime, end: str | None) -> float | None:
    if end is None:
        return None
    return round((datetime.fromisoformat(end) - start).total_seconds() * 1000, 1)


def _stages(
    stage: Stage, session: requests.Session, incident: str
) -> tuple[dict[str, str], str | None]:
    until = monotonic() + PATIENCE_S
    stages: dict[str, str] = {}
    alarm = None
    while monotonic() < until and not ("picture" in stages and alarm):
        stages = session.get(f"{stage.url}/api/stages/{incident}", timeout=10).json()
        alarm = created_at(stage, incident)
    return stages, alarm


def created_at(stage: Stage, incident: str) -> str | None:
    """Say when XProtect itself says that it created our alarm."""
    times = [alarm["time"] for alarm in stage.alarms_of(incident)]
    # Seven decimals: one more than Python reads.
    return times[0][:26] + "+00:00" if times else None


# --- the page, in a real browser where there is one ---


def _browser(stage: Stage) -> AbstractContextManager[Any]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
    try:
        import playwright  # noqa: F401, PLC0415  (a development tool: not on every machine)
    except ImportError:
        found = None
    return nullcontext(lambda _incident: NO_BROWSER) if found is None else _Watcher(stage, found)


class _Watcher(AbstractContextManager["_Watcher"]):
    """A process of its own that opens the page and tells when the alert's card appeared."""

    def __init__(self, stage: Stage, browser: str) -> None:
        self._stage, self._browser = stage, browser
        self._folder = Path(tempfile.mkdtemp(prefix="renfort-page-"))
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> _Watcher:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vms_plugin.demo_page"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._tell({"url": self._stage.url, "password": self._stage.password,
                    "browser": self._browser, "folder": str(self._folder)})  # fmt: skip
        self._hear()
        return self

    def __call__(self, incident: str) -> float | None:
        """Tell when the card of an incident was there, in milliseconds since 1970."""
        try:
            self._tell({"incident": incident})
        except BrokenPipeError:
            return None  # the browser did not come up: the page was not reached
        seen = self._hear().get("seen")
        return None if seen is None else float(seen)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tell(self, what: dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process and self._process.stdout else ""
        heard: dict[str, Any] = json.loads(line) if line else {}
        return heard
