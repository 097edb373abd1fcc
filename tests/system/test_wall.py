"""The wall through the whole chain: a press shows on it, a power cut leaves it to be given back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import requests

from vms_plugin.demo import town
from vms_plugin.stage import Stage, site

pytestmark = pytest.mark.system
SETTINGS = 'wall = ["Écran 1"]\n'


def until(true: Callable[[], Any], seconds: float = 30) -> Any:
    limit = monotonic() + seconds
    while monotonic() < limit:
        answer = true()
        if answer:
            return answer
        sleep(0.1)
    raise AssertionError("it never came true")


def cells(stage: Stage) -> list[str]:
    url = f"{stage.milestone['control']}/wall"
    answer = requests.get(url, verify=stage.milestone["ca"], timeout=10)
    first = answer.json()["monitors"][0]
    return ["".join(each.values()) for each in first["cells"]]


@pytest.mark.timeout(180)
async def test_a_press_is_on_the_wall_and_a_power_cut_leaves_the_wall_to_be_given_back(
    tmp_path: Path,
) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm, settings=SETTINGS) as stage:
        incident = await asyncio.to_thread(_press, stage)
        await stage.kill()
        await stage.start()
        await asyncio.to_thread(_close, stage, incident)
        await asyncio.to_thread(_doctor, stage)


def _press(stage: Stage) -> str:
    stage.until_ready(stage.operator())
    told = stage.press(lon=24.944, lat=60.1705, eph=8)
    own = stage.milestone["bodyworn"][stage.axis["cameras"][0]]

    def shown() -> bool:
        """He first, cameras beside him, and a text: place by place, as they are known."""
        there = cells(stage)
        text = any("PM-201" in each for each in there)
        return text and there[0] == own and len([each for each in there if each]) >= 3

    until(shown)
    return f"axis:{told['sessionId']}"


def _close(stage: Stage, incident: str) -> None:
    session = stage.operator()
    stage.until_ready(session)
    assert any(cells(stage))
    order = {"decision": "close", "incident": incident, "outcome": "Résolu"}
    headers = {"X-Renfort-Token": stage.state(session)["token"]}
    answer = session.post(f"{stage.url}/api/decide", json=order, headers=headers, timeout=10)
    assert answer.status_code == 204
    until(lambda: not any(cells(stage)))
    [alarm] = until(lambda: stage.alarms_of(incident))
    until(lambda: stage.alarms_of(incident)[0]["state"]["name"] == "Closed")
    assert "PM-201" in alarm["name"]


def _doctor(stage: Stage) -> None:
    command = [sys.executable, "-m", "vms_plugin", "doctor", "--config", str(stage.config)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90).stdout
    assert "✓ adapters.milestone: wall: Smart Wall, écrans Écran 1" in said
    assert "✓ adapters.milestone: matrix: pas utilisé" in said
