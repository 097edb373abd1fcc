"""Measure one press through the whole chain, each stage from the event on the wire."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from vms_plugin.demo import Stage

PATIENCE_S = 20.0


async def measure(stage: Stage, order: dict[str, Any]) -> dict[str, Any]:
    """Press, and tell when each stage was reached: milliseconds, None when it was not."""
    from vms_plugin.demo import press  # noqa: PLC0415  (they use one another)

    session = await asyncio.to_thread(_logged_in, stage)
    await asyncio.to_thread(_until_ready, stage, session)
    with _browser(stage) as browser:
        pressed = await asyncio.to_thread(press, stage, **order)
        sent = datetime.fromisoformat(pressed["sentAt"])
        incident = f"axis:{pressed['sessionId']}"
        stages, alarm = await asyncio.to_thread(_stages, stage, session, incident)
        page = await asyncio.to_thread(browser, incident)
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


def _logged_in(stage: Stage) -> requests.Session:
    session = requests.Session()
    form = {"name": "demo", "password": stage.password}
    session.post(f"{stage.host}/login", data=form, timeout=10).raise_for_status()
    return session


def _until_ready(stage: Stage, session: requests.Session) -> None:
    """Wait until the chain stands: territory read, event socket open, XProtect answering."""
    until = monotonic() + PATIENCE_S
    while monotonic() < until:
        state = session.get(f"{stage.host}/api/state", timeout=10).json()
        health = state["health"]
        links = [link["up"] for each in health["adapters"] for link in each["links"]]
        if health["well"] and links and all(links) and not health["notes"] and state["cameras"]:
            return


def _stages(
    stage: Stage, session: requests.Session, incident: str
) -> tuple[dict[str, str], str | None]:
    until = monotonic() + PATIENCE_S
    stages: dict[str, str] = {}
    alarm = None
    while monotonic() < until and not ("picture" in stages and alarm):
        answer = session.get(f"{stage.host}/api/stages/{incident}", timeout=10)
        stages = answer.json()
        alarm = _alarm(stage, incident)
    return stages, alarm


def _alarm(stage: Stage, incident: str) -> str | None:
    """Read from XProtect itself when our alarm was created there."""
    url = f"{stage.milestone['control']}/alarms"
    alarms = requests.get(url, verify=stage.milestone["ca"], timeout=10).json()["alarms"]
    times = [each["time"] for each in alarms if f"[renfort:{incident}]" in each["message"]]
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
        import sys  # noqa: PLC0415

        self._process = subprocess.Popen(
            [sys.executable, "-m", "vms_plugin.demo_page"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._tell({"url": self._stage.host, "password": self._stage.password,
                    "browser": self._browser, "folder": str(self._folder)})  # fmt: skip
        self._hear()
        return self

    def __call__(self, incident: str) -> float | None:
        """Tell when the card of an incident was there, in milliseconds since 1970."""
        self._tell({"incident": incident})
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
