"""`renfort exercice` against a site that runs: pressed on the maker's side, shown, taken away."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from vms_plugin.demo import town
from vms_plugin.stage import Stage, site

pytestmark = pytest.mark.system


async def exercise(stage: Stage) -> tuple[int | None, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vms_plugin", "exercice", "--json", "--config", str(stage.config),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    told: dict[str, Any] = json.loads(out) if out else {}
    return process.returncode, told


@pytest.mark.timeout(180)
async def test_an_exercise_goes_the_way_of_a_real_press_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    osm = town()
    assert osm is not None
    # What is slow on a busy machine is for the benchmark.
    async with site(tmp_path, osm, settings="[exercise]\nslow_ms = 60000\n") as stage:
        operator = await asyncio.to_thread(stage.operator)
        await asyncio.to_thread(stage.until_ready, operator)
        code, told = await exercise(stage)
        health = (await asyncio.to_thread(stage.state, operator))["health"]["exercise"]
        alarms = await asyncio.to_thread(stage.alarms)
        operator.close()
        await stage.kill()
        dead, _ = await exercise(stage)

    assert code == 0, told
    assert told["by_maker"]
    assert set(told["stages"]) >= {
        "durable", "picture", "page", "live", "shown:milestone", "withdrawn",
    }  # fmt: skip
    assert told["missing"] == []
    assert told["cameras"] > 0
    assert health["well"]
    assert health["said"].startswith("dernière vérification de bout en bout")
    [alarm] = alarms
    assert "EXERCICE" in json.dumps(alarm, ensure_ascii=False)
    assert alarm["state"]["name"] == "Closed"
    assert dead == 2
