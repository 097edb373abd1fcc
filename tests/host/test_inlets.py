"""Inlets of adapters: each at its port, behind the certificate, and one that fails hurts nobody."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from hooks import AdapterInfo, Inlet, Recording, RecordingId, Vault, hookimpl
from vms_plugin.adapters import Adapters
from vms_plugin.certificate import issue
from vms_plugin.cli import main
from vms_plugin.recordings import open_archive
from vms_plugin.recordings.inlets import Inlets
from vms_plugin.settings import Settings, parse, read
from vms_plugin.store import Store


async def hello(scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


class Docks:
    """An adapter with the inlets it is told to have."""

    inlets: list[Any]

    def __init__(self) -> None:
        self.vault: Vault | None = None

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="dock", brand="Dock", contract=1)

    @hookimpl
    def list_inlets(self, vault: Vault) -> Iterable[Inlet]:
        self.vault = vault
        return self.inlets


class Site:
    def __init__(self, folder: Path, *inlets: Any, **more: Any) -> None:
        self.settings: Settings = replace(parse({}, folder), **more)
        Docks.inlets = list(inlets)
        self.adapters = Adapters()
        self.adapters.load({"dock": Docks}, {})
        self.store = Store(self.settings.database)
        archive = open_archive(self.settings, self.store)
        self.inlets = Inlets(self.settings, self.adapters, archive)

    async def __aenter__(self) -> Site:
        await self.inlets.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.inlets.stop()
        self.store.close()

    def why(self) -> str:
        return str(self.adapters["dock"].failures["list_inlets"].why)


async def test_an_inlet_is_served_with_the_sites_certificate(tmp_path: Path) -> None:
    files = issue(tmp_path, "127.0.0.1")
    given = {"certificate": files.certificate, "certificate_key": files.key}
    async with Site(tmp_path, Inlet(name="door", app=hello, port=0), **given) as site:
        port = site.inlets.servers["dock:door"].port
        trusted = ssl.create_default_context(cafile=str(files.ca))
        async with httpx.AsyncClient(verify=trusted) as client:
            answer = await client.get(f"https://127.0.0.1:{port}/here")

    assert answer.text == "/here"


async def test_beyond_this_machine_an_inlet_needs_a_certificate(tmp_path: Path) -> None:
    async with Site(tmp_path, Inlet(name="door", app=hello, port=0, host="0.0.0.0")) as site:
        assert site.inlets.servers == {}
        assert "server.certificate" in site.why()


async def test_a_port_that_is_taken_is_noted_and_the_others_open(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        inlets = [Inlet(name="a", app=hello, port=port), Inlet(name="b", app=hello, port=0)]
        async with Site(tmp_path, *inlets) as site:
            assert list(site.inlets.servers) == ["dock:b"]
            assert "cannot open" in site.why()


async def test_what_is_no_inlet_is_named(tmp_path: Path) -> None:
    async with Site(tmp_path, "a door", Inlet(name="b", app=hello, port=0)) as site:
        assert list(site.inlets.servers) == ["dock:b"]


async def test_an_application_that_fails_answers_500_and_lives_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/break":
            raise RuntimeError("broken")
        await hello(scope, receive, send)

    async with Site(tmp_path, Inlet(name="door", app=breaks, port=0)) as site:
        base = f"http://127.0.0.1:{site.inlets.servers['dock:door'].port}"
        async with httpx.AsyncClient(base_url=base) as client:
            assert (await client.get("/break")).status_code == 500
            assert (await client.get("/well")).text == "/well"
    assert "broken" in caplog.text


async def test_stopping_cuts_what_is_under_way(tmp_path: Path) -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.01)

    site = Site(tmp_path, Inlet(name="door", app=endless, port=0))
    async with site:
        port = site.inlets.servers["dock:door"].port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"x")
    writer.close()

    assert not site.inlets.servers["dock:door"]._thread.is_alive()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("", 0, "peut être écrit et vidé"),
        ("[recordings]\nfree_floor_gb = 90000\n", 1, "rien n'est reçu"),
        ('[recordings]\nstore = "renfort.toml"\n', 1, "ne peut pas être écrit"),
    ],
)
def test_the_doctor_tries_the_store_and_says_what_is_wrong(
    more: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docking.mdp").write_text("a secret of the station")
    config = tmp_path / "renfort.toml"
    config.write_text(
        f"""
        {more}
        [adapters.axis]
        transport = "none"
        docking_port = 8791
        docking_password_file = "docking.mdp"
        """,
        encoding="utf-8",
    )
    assert main(["doctor", "--config", str(config)]) in (code, 1)
    out = capsys.readouterr().out

    assert "s'ouvre au port 8791" in out
    line = next(line for line in out.splitlines() if "recordings.store" in line)
    assert said in line
    assert line.startswith("✓" if code == 0 else "✗")


def test_the_doctor_says_what_is_kept_past_its_month(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "renfort.toml"
    config.write_text('[storage]\npath = "renfort.db"\n', encoding="utf-8")
    store = Store(tmp_path / "renfort.db")

    async def fill() -> None:
        archive = open_archive(read(config), store)
        for name in ("src:one", "src:two"):
            await archive.vault("src").tell(
                Recording(id=RecordingId(name), started_at=datetime(2024, 5, 6, tzinfo=UTC))
            )
        # Of one, nothing is left but its files, which could not be destroyed.
        assert await archive.ledger.doom((await archive.ledger.held())[0], "CSI R241-13", {})

    asyncio.run(fill())
    store.close()
    assert main(["doctor", "--config", str(config)]) == 1

    assert "✗ recordings" in (out := capsys.readouterr().out)
    assert "2 enregistrements" in out
