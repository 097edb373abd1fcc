"""Time a press until XProtect has its alarm and its wall: p50 and p99, from the event on the wire.

    python -m benchmarks.wall [--presses 200]

Both by XProtect's own clock, which is this machine's. The simulator's tasks end at once, for what
is measured is our own time: a real site adds its own, once a task. The wall counts as shown when
the last of its two tasks, the text beside the pictures, has changed the monitor.

`own` is the processor time of the adapter's thread in one `show`: alarm, wall, bookmarks. It does
not depend on what else the machine does, which the other two do.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import Any

import requests

from benchmarks.chain import PAUSE_S, Operator, Places, on_a_site, options, since, table
from hooks import (
    Camera,
    CameraId,
    DeviceId,
    IncidentId,
    Officer,
    Phase,
    Picture,
    PixelClass,
    Sighting,
    Situation,
    SourceKind,
    Trigger,
)
from vms_plugin.demo_once import created_at
from vms_plugin.stage import Stage

PATIENCE_S = 10.0
#: In milliseconds, p99.
BUDGETS = {"alarm": 100.0, "wall": 100.0, "own": 100.0}
MONITOR = "Écran 1"


class Wall:
    """The monitor, as a foreign client sees it."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._session = stage, requests.Session()
        self._session.trust_env = False  # an environment's own authorities would replace ours
        self._session.verify = stage.milestone["ca"]
        self._control("task", {"lasts_s": 0})
        form = {
            "grant_type": "password", "client_id": "GrantValidatorClient",
            "username": stage.milestone["username"], "password": stage.milestone["password"],
        }  # fmt: skip
        answer = self._session.post(f"{stage.milestone['url']}/API/IDP/connect/token", data=form)
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._api = f"{stage.milestone['url']}/api/rest/v1"
        [wall] = self._rows("videoWalls")
        monitors = self._rows(f"videoWalls/{wall['id']}/monitors")
        self._id = next(each["id"] for each in monitors if each["name"] == MONITOR)

    def _control(self, what: str, order: object) -> None:
        url = f"{self._stage.milestone['control']}/{what}"
        self._session.post(url, json=order, timeout=10).raise_for_status()

    def _rows(self, path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._session.get(f"{self._api}/{path}").json()["array"]
        return rows

    def changed_at(self, wanted: str) -> str | None:
        """Wait until the monitor says `wanted`; gives when it last changed."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            read = self._session.get(f"{self._api}/monitors/{self._id}", timeout=10).json()["data"]
            if wanted in read["monitorState"]:
                return str(read["lastModified"])
            time.sleep(0.02)
        return None

    def until_empty(self) -> None:
        """Wait until the monitor is as it was."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            url = f"{self._stage.milestone['control']}/wall"
            cells = self._session.get(url, timeout=10).json()["monitors"][0]["cells"]
            if not any(cells):
                return
            time.sleep(0.02)
        raise SystemExit("the wall was not given back")


def measure(stage: Stage, places: Places) -> dict[str, list[float]]:
    """Press, look, close, release; answer the milliseconds of each."""
    operator = Operator(stage)
    time.sleep(3)  # the inventory comes after the start, and moves the whole territory
    wall = Wall(stage)
    times: dict[str, list[float]] = {"alarm": [], "wall": [], "own": _own(stage, len(places))}
    for turn, place in enumerate(places):
        incident, sent = operator.press(place, turn)
        shown = wall.changed_at("text=")
        times["alarm"].append(since(sent, _moment(created_at(stage, incident))))
        times["wall"].append(since(sent, _moment(shown)))
        operator.close(incident)
        operator.release(turn)
        wall.until_empty()
        time.sleep(PAUSE_S)
    return times


def _own(stage: Stage, shows: int) -> list[float]:
    """Measure the processor time of our thread: the same picture, shown and withdrawn."""
    vms = stage.milestone
    [point] = entry_points(group="vms_plugin.adapters", name="milestone")
    adapter = point.load()()
    adapter.configure(
        {
            "url": vms["url"], "username": vms["username"], "password": vms["password"],
            "ca": vms["ca"], "wall": ["Écran 2"], "analytics_event": "no",
        }
    )  # fmt: skip
    adapter.probe()
    times = []
    for turn in range(shows + 1):
        picture = _picture(turn, vms["cameras"][:4])
        before = time.thread_time()
        receipt = adapter.show(picture, None, False)
        times.append((time.thread_time() - before) * 1000)
        adapter.withdraw(replace(picture, phase=Phase.CLOSED, outcome="essai"), receipt, True)
    adapter.close()
    return times[1:]  # the first one pays for what is learned once


def _picture(turn: int, cameras: list[str]) -> Picture:
    sightings = [
        Sighting(
            camera=Camera(id=CameraId(f"milestone:{each}")), distance_m=30, bearing_deg=10,
            density_px_m=90, pixel_class=PixelClass.DISCERN, must_turn=False, share=1,
        )
        for each in cameras
    ]  # fmt: skip
    return Picture(
        incident=IncidentId(f"axis:own{turn}"), version=1, phase=Phase.NEW,
        opened_at=datetime.now(UTC), device=DeviceId("axis:B8A44F00A001"), officer=Officer(),
        kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON, title="AGENT EN DANGER : PM-201",
        situation=Situation(sightings=tuple(sightings)),
    )  # fmt: skip


def _moment(at: str | None) -> datetime | None:
    # Seven decimals: one more than Python reads.
    return datetime.fromisoformat(at[:26] + "+00:00") if at else None


def main() -> int:
    """Print a table; fail when the budget is not kept."""
    presses = options(__doc__, 200).parse_args().presses
    times = on_a_site(measure, presses, settings=f'wall = ["{MONITOR}"]\n')
    print(f"{presses} presses; milliseconds from the event on the wire")
    return 0 if table(times, BUDGETS) else 1


if __name__ == "__main__":
    sys.exit(main())
