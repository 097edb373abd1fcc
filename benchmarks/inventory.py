"""Time a large XProtect site: its inventory, its cameras' state; what of it is ours, what memory.

    python -m benchmarks.inventory [--cameras 2500] [--recorders 22]

The site is the simulator, in a process of its own. Our own time is this process's processor time;
the rest is the site's, which a real one may take minutes for. `renfort doctor` waits 30 s, the host
180 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from typing import Any

from adapters.milestone.client import Client
from adapters.milestone.frames import facts
from adapters.milestone.site import Site
from hooks import CameraState, Envelope, Message

BUDGET_S = 10.0


def main() -> int:
    """Print the figures; 1 when they are over the budget."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cameras", type=int, default=2500)
    parser.add_argument("--recorders", type=int, default=22)
    options = parser.parse_args()
    command = [
        sys.executable, "-m", "vms_plugin", "simulate", "milestone", "--plain",
        "--cameras", str(options.cameras), "--recorders", str(options.recorders),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as site:
        try:
            assert site.stdout is not None
            return _measured(json.loads(site.stdout.readline()), options)
        finally:
            site.terminate()


def _measured(ready: dict[str, Any], options: argparse.Namespace) -> int:
    client = Client(Site(url=ready["url"], username=ready["username"], password=ready["password"]))
    client.warm()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, own = time.perf_counter(), time.process_time()
    cameras = client.cameras()
    wall_s, own_s = time.perf_counter() - wall, time.process_time() - own
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    wall, own = time.perf_counter(), time.process_time()
    heard = asyncio.run(_state(client, sum(each.enabled for each in cameras)))
    state_s, state_own_s = time.perf_counter() - wall, time.process_time() - own
    client.close()
    recorders = len({each.extra.get("recorder") for each in cameras})
    print(f"{len(cameras)} cameras on {recorders} recorders: {own_s:.2f} s of our own time,")
    print(f"{wall_s:.2f} s in all, {grown_mb:.0f} MB of memory at the most")
    print(f"state of {heard} cameras: {state_own_s:.2f} s of our own time, {state_s:.2f} s in all")
    whole = len(cameras) == options.cameras and recorders == options.recorders
    return 0 if whole and own_s <= BUDGET_S else 1


class _Ear:
    """A host that counts the cameras it has heard of."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        """Take a message."""
        self.known |= {each.camera for each in facts(envelope) if isinstance(each, CameraState)}
        return ()

    def up(self) -> None:
        """Note a sign of life."""


async def _state(client: Client, enabled: int) -> int:
    """Follow the state until it is whole; give how many cameras were heard of."""
    ear = _Ear()
    following = asyncio.ensure_future(client.state.run(ear))
    async with asyncio.timeout(300):
        while len(ear.known) < enabled and not following.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    return len(ear.known)


if __name__ == "__main__":
    sys.exit(main())
