"""Foreign ONVIF clients, each with its own dependencies, walk the whole device.

The three of Python all install a module named `onvif`: this one has an environment of its own. What
is installed is kept beside the project's own environment, by the lock it was installed from.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.host.test_onvif import OFFICERS, device, served
from vms_plugin.live.onvif.device import Device

CLIENTS = Path(__file__).with_name("onvif_clients")
KEPT = Path(__file__).parents[2] / ".venv" / "foreign"
ADDRESSES = ["rtsp://127.0.0.1:8554/PM-214", "rtsp://127.0.0.1:8554/PM-207%20%C3%A9"]

pytestmark = pytest.mark.foreign


def installed(name: str, *locks: str) -> Path:
    """Give the folder of a set of packages; installed once for each state of its locks."""
    mark = hashlib.sha256(b"".join((CLIENTS / lock).read_bytes() for lock in locks)).hexdigest()
    folder = KEPT / f"{name}-{mark[:12]}"
    if folder.exists():
        return folder
    making = KEPT / f"{name}-making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for lock in locks:
        shutil.copy(CLIENTS / lock, making)
    if name == "npm":
        commands = [["npm", "ci", "--no-audit", "--no-fund", "--silent"]]
    else:
        pip = [str(making / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", locks[0]]
        commands = [[sys.executable, "-m", "venv", str(making)], pip]
    for command in commands:
        subprocess.run(command, cwd=making, check=True, capture_output=True, timeout=100)
    making.rename(folder)
    return folder


async def walk(made: Device, *command: str, cwd: Path) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *command, str(made.port), made.password, cwd=cwd,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complaint = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, complaint.decode()
    found: dict[str, Any] = json.loads(said.decode().splitlines()[-1])
    return found


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Debian's npm")
@pytest.mark.parametrize("client", ["onvif", "node-onvif"])
async def test_the_clients_of_node_find_each_officer(
    client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await asyncio.to_thread(installed, "npm", "package-lock.json", "package.json")
    script = folder / f"{client}.cjs"
    shutil.copy(CLIENTS / script.name, script)
    async with served(device(), monkeypatch) as made:
        found = await walk(made, "node", str(script), cwd=folder)

    assert found["profiles"] == [list(each) for each in zip(OFFICERS, ADDRESSES, strict=True)]
    assert found["model"]


async def test_onvif_python_finds_each_officer_by_both_media_services(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = await asyncio.to_thread(installed, "python", "requirements.txt")
    async with served(device(), monkeypatch) as made:
        python = str(folder / "bin" / "python")
        found = await walk(made, python, str(CLIENTS / "onvif_python.py"), cwd=folder)

    expected = [list(each) for each in zip(OFFICERS, ADDRESSES, strict=True)]
    assert found["profiles"] == found["again"] == expected
