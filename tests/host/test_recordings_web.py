"""Docked recordings on the page: for those designated, each reading in the register."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.axis import Axis
from hooks import (
    Activation,
    ActivationId,
    DeviceId,
    End,
    FactId,
    Fix,
    Officer,
    Piece,
    PieceKind,
    Position,
    Recording,
    RecordingId,
)
from tests.host.test_rights import happen, room
from vms_plugin.engine import Engine
from vms_plugin.recordings import Archive, open_archive
from vms_plugin.register import faults
from vms_plugin.settings import parse
from vms_plugin.store import Store

NOW = datetime.now(UTC).replace(microsecond=0)
PRESS = NOW - timedelta(minutes=20)
SESSION = "axis:s1"
RECORDING = RecordingId("axis:u1_c1_20261123T180405Z")
PATH = f"/api/incidents/{SESSION}/recordings"


def place(seconds: float, east_m: float = 0.0) -> Position:
    at = PRESS + timedelta(seconds=seconds)
    return Position(lon=4.08 + east_m / 80_700, lat=43.56 + seconds / 111_120, fixed_at=at)


def trail() -> bytes:
    entries = [
        {"LocationWKT": f"POINT({at.lon} {at.lat})", "SecondsFromStart": seconds,
         "Timestamp": at.fixed_at.isoformat()}
        for seconds in range(0, 120, 10)
        if (at := place(seconds)) and at.fixed_at
    ]  # fmt: skip
    return json.dumps({"CoordinateEntries": entries}).encode()


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


@asynccontextmanager
async def docked(
    path: Path, role: str, trail_of: bytes | None = None, communes: str = ""
) -> AsyncIterator[tuple[httpx.AsyncClient, Engine, Archive]]:
    read = parse({"storage": {"path": "renfort.db"}}, path)
    site = replace(
        read, recordings=replace(read.recordings, free_floor_gb=0.0),
        escalate_after_s=86_400.0,  # what nobody confirms becomes every commune's
    )  # fmt: skip
    async with room(path, role, communes, site=site) as (client, engine):
        engine.adapters.load({"axis": Axis}, {"axis": {"transport": "none"}})
        press = Activation(
            id=FactId("axis:e1"), at=PRESS, activation=ActivationId(SESSION),
            device=DeviceId("axis:c1"), officer=Officer(id="u1"), position=place(0),
        )  # fmt: skip
        await happen(engine, press)
        fixes = [
            Fix(id=FactId(f"axis:f{n}"), at=PRESS + timedelta(seconds=n * 10), device=press.device,
                position=place(n * 10, 4), activation=press.activation)
            for n in range(1, 8)
        ]  # fmt: skip
        over = End(id=FactId("axis:e2"), at=PRESS + timedelta(seconds=90),
                   activation=press.activation, device=press.device)  # fmt: skip
        await engine.hear([*fixes, over], NOW)
        archive = open_archive(site, engine.store)
        vault = archive.vault("axis")
        told = Recording(
            id=RECORDING, device=press.device, officer=Officer(id="u1"), complete=True,
            started_at=PRESS - timedelta(seconds=30), ended_at=PRESS + timedelta(seconds=110),
        )  # fmt: skip
        await vault.tell(told)
        clip = Piece(recording=RECORDING, name="clip.mp4", kind=PieceKind.VIDEO)
        await vault.keep(clip, once(b"film"))
        walked = Piece(recording=RECORDING, name="t_gpstrail.json", kind=PieceKind.TRAIL)
        await vault.keep(walked, once(trail() if trail_of is None else trail_of))
        yield client, engine, archive


async def kinds(engine: Engine) -> list[str]:
    rows = await engine.store.register()
    assert faults(rows) == []
    return [row[2] for row in rows if row[2] != "collection"]


async def test_an_incident_has_its_recordings_their_trail_and_how_it_differs(
    tmp_path: Path,
) -> None:
    async with docked(tmp_path, "chef") as (client, engine, _):
        answer = await client.get(PATH, params={"why": "enquête 2026/12"})
        told = answer.json()
        [found] = told["recordings"]
        rows = await engine.store.register()

    assert answer.status_code == 200
    assert found["id"] == RECORDING
    assert found["matched"] == "même caméra, même moment"
    assert len(found["trail"]) == 12
    assert found["trail"][1] == {
        "lat": pytest.approx(place(10).lat), "lon": pytest.approx(place(10).lon),
        "at": int((PRESS + timedelta(seconds=10)).timestamp() * 1000),
    }  # fmt: skip
    assert len(told["live"]) == 8
    assert found["differences"][0] == "il commence 30 s avant l'appel"
    assert "la trace de la caméra : 8 ; elles concordent" in found["differences"][1]
    assert [piece["kind"] for piece in found["pieces"]] == ["video", "trail"]
    assert datetime.fromisoformat(found["lastDay"]).date() > NOW.date()
    assert found["setAside"] == []
    kind, who, what, why, detail = rows[-1][2:7]
    assert (kind, who, what, why) == ("consultation", "Léa", SESSION, "enquête 2026/12")
    assert json.loads(detail)["recordings"] == RECORDING


async def test_r241_13_a_room_that_was_shut_for_months_destroys_at_its_start(
    tmp_path: Path,
) -> None:
    read = parse({"storage": {"path": "renfort.db"}}, tmp_path)
    site = replace(read, recordings=replace(read.recordings, free_floor_gb=0.0))
    store = Store(site.database)
    archive = open_archive(site, store)
    vault = archive.vault("axis")
    await vault.tell(Recording(id=RECORDING, started_at=datetime(2025, 1, 31, tzinfo=UTC)))
    await vault.keep(Piece(recording=RECORDING, name="clip"), once(b"film"))
    store.close()

    async with room(tmp_path, "chef", site=site) as (_, engine):
        while await kinds(engine) != ["erasure"]:  # noqa: ASYNC110  (a clockwork tells nobody)
            await asyncio.sleep(0.02)
        assert list(open_archive(site, engine.store).files.names()) == []


@pytest.mark.parametrize("role", ["policier", "civil", "sig", "dpo", "admin", "integrateur"])
async def test_r241_12_i_recordings_are_for_those_designated_alone(
    role: str, tmp_path: Path
) -> None:
    async with docked(tmp_path, role) as (client, engine, archive):
        token = (await client.get("/api/state")).json()["token"]
        asked = {"incident": SESSION, "procedure": "judiciaire", "number": "1", "why": "x"}
        headers = {"X-Renfort-Token": token}
        aside = f"/api/recordings/{RECORDING}/set-aside"

        assert (await client.get(PATH)).status_code == 403
        assert (await client.post(aside, json=asked, headers=headers)).status_code == 403
        assert await kinds(engine) == []
        [held] = await archive.ledger.held()
        assert held.set_aside == ()


async def test_an_incident_nobody_knows_and_one_without_recordings(tmp_path: Path) -> None:
    async with docked(tmp_path, "chef") as (client, engine, archive):
        assert (await client.get("/api/incidents/axis:none/recordings")).status_code == 404
        await archive.destroy_due(NOW + timedelta(days=40))
        assert (await client.get(PATH)).json()["recordings"] == []
        assert await kinds(engine) == ["erasure"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x9f\x00encrypted", "la trace est chiffrée pour son propriétaire"),
        (b'{"CoordinateEntries": 7}', "la trace ne peut pas être lue"),
    ],
)
async def test_a_trail_that_cannot_be_read_is_said_and_hides_nothing(
    content: bytes, said: str, tmp_path: Path
) -> None:
    async with docked(tmp_path, "chef", content) as (client, _, _archive):
        [found] = (await client.get(PATH)).json()["recordings"]

    assert said in found["differences"]
    assert found["trail"] == []
    assert len(found["pieces"]) == 2


async def test_it_is_set_aside_and_released_by_name_with_number_and_reason(
    tmp_path: Path,
) -> None:
    async with docked(tmp_path, "chef") as (client, engine, archive):
        token = (await client.get("/api/state")).json()["token"]

        async def ask(what: str, **asked: Any) -> int:
            path = f"/api/recordings/{RECORDING}/{what}"
            asked = {"incident": SESSION, **asked}
            answer = await client.post(path, json=asked, headers={"X-Renfort-Token": token})
            return answer.status_code

        good = {"procedure": "judiciaire", "number": "2026/0412", "why": "violences"}
        assert await ask("set-aside", **{**good, "procedure": "privée"}) == 400
        assert await ask("set-aside", **{**good, "number": " "}) == 400
        assert await ask("set-aside", procedure="judiciaire") == 400
        assert await ask("set-aside", **{**good, "incident": ""}) == 400
        assert await ask("set-aside", **{**good, "incident": "axis:none"}) == 404
        assert await ask("set-aside", **good) == 204
        assert await archive.destroy_due(NOW + timedelta(days=400)) == 0
        [found] = (await client.get(PATH)).json()["recordings"]
        [aside] = found["setAside"]
        assert (aside["number"], aside["by"]) == ("2026/0412", "Léa")
        assert await ask("release") == 400
        assert await ask("release", why="x", procedure="judiciaire", number="other") == 409
        assert await ask("release", why="classement") == 204
        assert await archive.destroy_due(NOW + timedelta(days=400)) == 1
        assert await ask("release", why="encore") == 404
        assert await ask("set-aside", **good) == 404
        assert await kinds(engine) == ["modification", "consultation", "modification", "erasure"]


@pytest.mark.parametrize(("communes", "status"), [("33063", 404), ("34344", 204)])
async def test_r253_3_another_communes_recording_is_kept_for_no_procedure(
    communes: str, status: int, tmp_path: Path
) -> None:
    async with docked(tmp_path, "chef", communes=communes) as (client, _, archive):
        token = (await client.get("/api/state")).json()["token"]
        asked = {"incident": SESSION, "procedure": "judiciaire", "number": "1", "why": "x"}
        path = f"/api/recordings/{RECORDING}/set-aside"
        answer = await client.post(path, json=asked, headers={"X-Renfort-Token": token})
        [held] = await archive.ledger.held()

    assert answer.status_code == status
    assert (held.set_aside == ()) == (status == 404)
