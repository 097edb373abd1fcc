"""A real inlet on a real port, over a real archive: what the tests of docking stand on."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from adapters.axis.destination import Account, connection_file
from adapters.axis.destination_door import Door
from hooks import Inlet
from vms_plugin.certificate import issue
from vms_plugin.recordings import Archive, open_archive
from vms_plugin.recordings.inlets import InletServer
from vms_plugin.settings import Settings, parse
from vms_plugin.store import Store

SENDER = Account(username="axis-docking", password="a secret of the station")
USER = "7d0e8a52-3f0c-4a55-9d5e-0a6a1a0b7c11"
SERIAL = "B8A44F00A001"
CONTAINER = f"{USER}_{SERIAL}_20261123T180405Z"
NAME = f"axis:{CONTAINER}"
CLIP = "20261123_190312_7F3A.mp4"


@dataclass(slots=True)
class Station:
    """A docking station, logged in, and the house it docks at."""

    client: httpx.AsyncClient
    archive: Archive
    store: Store
    folder: Path
    door: Door
    url: str

    def files(self) -> list[str]:
        there = self.folder / "recordings"
        return sorted(each.name for each in there.iterdir()) if there.is_dir() else []

    async def log_in(self) -> None:
        headers = {"X-Auth-User": SENDER.username, "X-Auth-Key": SENDER.password}
        answer = await self.client.get("/auth/v1.0", headers=headers)
        assert answer.status_code == 200
        self.client.headers["X-Auth-Token"] = answer.headers["X-Auth-Token"]

    def connection(self, **more: Any) -> dict[str, Any]:
        """Give the connection file, as the body-worn system imports it."""
        certificates = (self.folder / "ca.pem").read_text() if self.url[:5] == "https" else ""
        account = replace(SENDER, **more)
        told: dict[str, Any] = json.loads(connection_file(account, self.url, certificates, "1"))
        return told

    async def put(self, name: str, content: bytes = b"", /, **headers: str) -> int:
        path = f"/v1/AUTH_renfort/{name}"
        answer = await self.client.put(path, content=content, headers=headers)
        return answer.status_code

    async def post(self, name: str, **headers: str) -> int:
        answer = await self.client.post(f"/v1/AUTH_renfort/{name}", headers=headers)
        return answer.status_code


def configured(folder: Path, **recordings: Any) -> Settings:
    """Give settings whose archive is in a folder."""
    settings = parse({"storage": {"path": "renfort.db"}}, folder)
    own = {"free_floor_gb": 0.0, **recordings}
    return replace(settings, recordings=replace(settings.recordings, **own))


@asynccontextmanager
async def docked(folder: Path, *, tls: bool = False, **recordings: Any) -> AsyncIterator[Station]:
    """Open the door, and log a station in."""
    settings = configured(folder, **recordings)
    store = Store(settings.database)
    archive = open_archive(settings, store)
    door = Door(SENDER, archive.vault("axis"))
    files = issue(folder, "127.0.0.1") if tls else None
    inlet = Inlet(name="docking", app=door, port=0)
    server = InletServer(inlet, *((files.certificate, files.key) if files else (None, None)))
    port = await server.start()
    url = f"{'https' if files else 'http'}://127.0.0.1:{port}"
    trusted = ssl.create_default_context(cafile=str(files.ca)) if files else True
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30, verify=trusted) as client:
            station = Station(client, archive, store, folder, door, url)
            await station.log_in()
            yield station
    finally:
        await server.stop()
        store.close()
