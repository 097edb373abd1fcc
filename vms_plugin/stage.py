"""A whole site on one machine: both makers' simulators, and a host started as a site starts it.

For the demonstration, the benchmarks and the system tests. Every part is a process of its own,
reached only by its own protocol.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import requests

from vms_plugin.demo_town import camera_layer

NAME = "demo"
START_S = 60.0
STOP_S = 10.0


@dataclass(slots=True)
class Stage:
    """The running site: where everything is, and its host, which may be killed."""

    url: str
    axis: dict[str, Any]
    milestone: dict[str, Any]
    crews_token: str
    password: str
    config: Path
    hypervisor: dict[str, Any] = field(default_factory=dict)  #: empty: there is none
    hypervisor_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    host: asyncio.subprocess.Process | None = field(default=None, repr=False)

    # --- the makers' sides; these block ---

    def press(self, **order: Any) -> dict[str, Any]:
        """Press the button of a camera."""
        return self._control(self.axis, "press", order)

    def release(self, serial: str) -> dict[str, Any]:
        """Let the wearer stop."""
        return self._control(self.axis, "release", {"serial": serial})

    def alarms(self) -> list[dict[str, Any]]:
        """Read the alarms from XProtect itself, with their history."""
        url = f"{self.milestone['control']}/alarms"
        answer = requests.get(url, verify=self.milestone["ca"], timeout=10)
        alarms: list[dict[str, Any]] = answer.json()["alarms"]
        return alarms

    def alarms_of(self, incident: str) -> list[dict[str, Any]]:
        """Read the alarms of one incident, by our own mark."""
        mark = f"[renfort:{incident}]"
        return [alarm for alarm in self.alarms() if mark in alarm["message"]]

    def told(self, channel: str = "cap") -> list[dict[str, Any]]:
        """Read what the hypervisor has received, from itself."""
        url = f"{self.hypervisor['control']}/messages"
        answer = requests.get(url, verify=self.hypervisor["ca"], timeout=10)
        messages: list[dict[str, Any]] = answer.json()["messages"]
        return [each for each in messages if each["channel"] == channel]

    def order_hypervisor(self, what: str, **order: Any) -> dict[str, Any]:
        """Give the hypervisor an order: acknowledge, misbehave, send positions."""
        return self._control(self.hypervisor, what, order)

    def _control(self, simulator: dict[str, Any], what: str, order: object) -> dict[str, Any]:
        url = f"{simulator['control']}/{what}"
        answer = requests.post(url, json=order, verify=simulator["ca"], timeout=10)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    # --- the operators' side; these block ---

    def operator(self) -> requests.Session:
        """Log in, as the page does."""
        session = requests.Session()
        form = {"name": NAME, "password": self.password}
        session.post(f"{self.url}/login", data=form, timeout=10).raise_for_status()
        return session

    def state(self, session: requests.Session) -> dict[str, Any]:
        """Read everything that the page shows."""
        answer = session.get(f"{self.url}/api/state", timeout=10)
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    def until_ready(self, session: requests.Session, patience_s: float = START_S) -> None:
        """Wait until the chain stands: territory read, events heard, XProtect answering."""
        until = monotonic() + patience_s
        while monotonic() < until:
            health = self.state(session)["health"]
            links = [link["up"] for each in health["adapters"] for link in each["links"]]
            if health["well"] and links and all(links) and not health["notes"]:
                return
        raise TimeoutError(f"the chain does not stand: {health}")

    # --- the host's process ---

    async def start(self) -> None:
        """Start the host, and wait until it answers."""
        self.host = await _renfort("serve", "--config", str(self.config))
        until = monotonic() + START_S
        while monotonic() < until and self.host.returncode is None:
            try:
                await asyncio.to_thread(requests.get, f"{self.url}/health", timeout=1)
            except requests.RequestException:
                await asyncio.sleep(0.05)
            else:
                return
        raise TimeoutError("the host did not start")

    async def kill(self) -> None:
        """Kill the host as a power cut does."""
        if self.host is not None and self.host.returncode is None:
            self.host.kill()
            await self.host.wait()

    async def stop(self) -> None:
        """Ask the host to stop."""
        if self.host is not None:
            await _stopped(self.host)


@asynccontextmanager
async def site(
    folder: Path,
    osm: Path,
    *,
    port: int = 0,
    settings: str = "",
    status_every_s: float = 15,
    cameras: int = 3,
    one_lens: bool = False,
    hypervisor: Sequence[str] | None = None,
) -> AsyncIterator[Stage]:
    """Start the simulators and the host, all stopped on leaving.

    `settings` is TOML added to the host's configuration; `status_every_s` is how often it reads the
    Axis server's state again; `cameras` is the number of body-worn cameras, which film the same
    with `one_lens`; `hypervisor` gives the options of a simulated one, which is then told of every
    alert.
    """
    layer = folder / "cameras.geojson"
    layer.write_text(json.dumps(camera_layer(osm)), encoding="utf-8")
    numbers = range(1, cameras + 1)
    officers = [f"B8A44F00A{number:03d}=PM-{200 + number}" for number in numbers]
    async with AsyncExitStack() as stack:
        worn = [part for each in officers for part in ("--officer", each)]
        axis = await _simulator(stack, "axis", *worn, *(["--one-lens"] if one_lens else []))
        worn = [part for each in officers for part in ("--bodyworn", each)]
        milestone = await _simulator(stack, "milestone", "--cameras", str(layer), *worn)
        told = await _simulator(stack, "ineo", *hypervisor) if hypervisor is not None else {}
        # Chosen last: the simulators, which take any port, might have taken it.
        port = free_port(port)
        stage = Stage(
            url=f"http://127.0.0.1:{port}",
            axis=axis,
            milestone=milestone,
            crews_token=secrets.token_urlsafe(24),
            password=secrets.token_urlsafe(12),
            config=folder / "renfort.toml",
            hypervisor=told,
        )
        written = _configuration(folder, osm, port, stage, status_every_s)
        stage.config.write_text(written + settings, encoding="utf-8")
        await _account(stage)
        await stage.start()
        if told:
            inlet = f"{stage.url}/intake/ineo"
            await asyncio.to_thread(
                stage.order_hypervisor, "partner", url=inlet, token=stage.hypervisor_token
            )
        stack.push_async_callback(stage.stop)
        yield stage


def free_port(wanted: int = 0) -> int:
    """Find a port that nobody uses now; `OSError` when the one wanted is taken."""
    with socket.create_server(("127.0.0.1", wanted)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _configuration(folder: Path, osm: Path, port: int, stage: Stage, status_every_s: float) -> str:
    """Write the host's configuration; strings are written as JSON, which TOML reads alike."""
    text = json.dumps
    axis, vms = stage.axis, stage.milestone
    gateway = ""
    if stage.hypervisor:
        profile = folder / "hypervisor.toml"
        profile.write_text(_profile(stage.hypervisor), encoding="utf-8")
        gateway = f"[adapters.ineo]\nprofile = {text(str(profile))}\n"
    return f"""
[server]
port = {port}
public_url = {text(stage.url)}
[storage]
path = {text(str(folder / "renfort.db"))}
[territory]
osm = {text(str(osm))}
cameras = {text(str(folder / "cameras.geojson"))}
[intake.tokens]
crews = {text(stage.crews_token)}
ineo = {text(stage.hypervisor_token)}
[adapters.axis]
transport = "direct"
url = {text(axis["url"])}
username = {text(axis["username"])}
password = {text(axis["password"])}
ca = {text(axis["ca"])}
exercise_url = {text(axis["control"])}
exercise_serial = {text(axis["cameras"][-1])}
status_every_s = {status_every_s}
[adapters.milestone]
url = {text(vms["url"])}
username = {text(vms["username"])}
password = {text(vms["password"])}
ca = {text(vms["ca"])}
{gateway}"""


def _profile(hypervisor: dict[str, Any]) -> str:
    """Write the profile of the simulated hypervisor, as its integrator would."""
    text = json.dumps
    return f"""
[identity]
sender = "renfort@demo.example"
organisation = "fr.police.demo"
name = "CSU de démonstration"
[[send]]
name = "cap"
kind = "cap"
url = {text(hypervisor["cap"])}
token = {text(hypervisor["token"])}
ca = {text(hypervisor["ca"])}
"""


async def _renfort(*words: str, piped: bool = False) -> asyncio.subprocess.Process:
    """Run `renfort …` as a user would."""
    nowhere = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vms_plugin", *words,
        stdin=asyncio.subprocess.PIPE if piped else nowhere,
        stdout=asyncio.subprocess.PIPE if piped else nowhere, stderr=nowhere,
    )  # fmt: skip


async def _stopped(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _simulator(stack: AsyncExitStack, name: str, *options: str) -> dict[str, Any]:
    process = await _renfort("simulate", name, *options, piped=True)
    stack.push_async_callback(_stopped, process)
    if process.stdout is None:
        raise RuntimeError("the simulator has no output")
    line = await asyncio.wait_for(process.stdout.readline(), START_S)
    ready: dict[str, Any] = json.loads(line)
    return ready


async def _account(stage: Stage) -> None:
    process = await _renfort(
        "account",
        NAME,
        "--config",
        str(stage.config),
        "--password-stdin",
        "--role",
        "policier",
        piped=True,
    )
    await process.communicate(f"{stage.password}\n".encode())
    if process.returncode:
        raise RuntimeError("the account could not be made")
