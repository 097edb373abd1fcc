"""A companion on a WebSocket kept open: acknowledged once durable, corrected, cut when silent."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hooks import IncidentId
from tests.host.paper import until
from tests.host.test_full_disk import fill
from tests.serving import Server
from vms_plugin.adapters import Adapters
from vms_plugin.atlas import Atlas
from vms_plugin.engine import Engine
from vms_plugin.live import Relay
from vms_plugin.punctual import Punctual
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.web import build

TOKEN = "a-token-of-the-companion"


@asynccontextmanager
async def host(path: Path) -> AsyncIterator[tuple[Engine, str]]:
    """A host that takes the Axis adapter by its entry point, as a site would."""
    settings = Settings(intake_tokens={"axis": TOKEN}, adapters={"axis": {"transport": "bridge"}})
    adapters = await asyncio.to_thread(Adapters.installed, settings.adapters)
    store = Store(path / "renfort.db")
    engine = Engine(settings, adapters, store, Atlas(settings))
    await engine.start()
    server = Server(build(engine, Relay(engine)), http=Punctual)
    try:
        async with server.here():
            yield engine, f"ws://127.0.0.1:{server.port}/intake/axis"
    finally:
        await engine.stop()
        store.close()


def companion(url: str, token: str = TOKEN) -> connect:
    return connect(url, additional_headers={"Authorization": f"Bearer {token}"})


async def say(socket: ClientConnection, **message: Any) -> dict[str, Any]:
    await socket.send(json.dumps({"renfort_bridge": 1, **message}))
    answer: dict[str, Any] = json.loads(await socket.recv())
    return answer


PRESS = {
    "id": "m1", "type": "stream.active", "camera_serial": "B8A4", "session_id": "s1",
    "bearer_name": "PM-214", "trigger": "button",
}  # fmt: skip


async def test_a_press_told_by_a_companion_is_acknowledged_once_durable(tmp_path: Path) -> None:
    async with host(tmp_path) as (engine, url), companion(url) as socket:
        answer = await say(socket, **PRESS)
        facts = await engine.store.facts_of(IncidentId("axis:s1"))
        again = await say(socket, **PRESS)
        [link] = engine.links()

    assert answer == {"ack": "m1", "facts": 1}
    assert [type(fact).__name__ for fact in facts] == ["Activation"]
    assert again["ack"] == "m1"
    assert (link.adapter, link.up) == ("axis", True)


async def test_a_press_that_is_shown_and_not_on_record_is_not_acknowledged_but_asked_again(
    tmp_path: Path,
) -> None:
    async with host(tmp_path) as (engine, url):
        await fill(engine.store)
        async with companion(url) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await say(socket, **PRESS)
        await until(lambda: IncidentId("axis:s1") in engine.pictures)
        [link] = engine.links()
        await fill(engine.store, full=False)
        async with companion(url) as socket:
            answer = await say(socket, **PRESS)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013  # "try again later"
    assert "the journal cannot be written" in str(link.why)
    assert answer == {"ack": "m1", "facts": 1}


async def test_what_a_companion_says_wrong_is_answered_with_the_remedy(tmp_path: Path) -> None:
    async with host(tmp_path) as (engine, url), companion(url) as socket:
        wrong = await say(socket, id="m2", type="stream.active", session_id="s1")
        await socket.send("not JSON")
        nonsense = json.loads(await socket.recv())
        right = await say(socket, **PRESS)
        kept = await engine.store.unread_count()

    assert wrong["id"] == "m2"
    assert wrong["error"]["field"] == "camera_serial"
    assert nonsense["id"] is None
    assert right["ack"] == "m1"
    assert kept == 2


async def test_a_snapshot_ends_what_it_omits(tmp_path: Path) -> None:
    async with host(tmp_path) as (engine, url), companion(url) as socket:
        await say(socket, **PRESS)
        await say(socket, id="m3", type="snapshot_of_state", streams=[])
        incident = engine.board.incidents[IncidentId("axis:s1")]

    assert incident.ended_at is not None


async def test_a_companion_that_leaves_is_said_down(tmp_path: Path) -> None:
    async with host(tmp_path) as (engine, url):
        async with companion(url) as socket:
            await say(socket, id="m4", type="heartbeat")
        async with asyncio.timeout(5):
            while engine.links()[0].up:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        [link] = engine.links()

    assert str(link.why) == "the connection was closed"


async def test_a_companion_that_falls_silent_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms_plugin.web.intake.SILENCE_S", 0.05)
    async with host(tmp_path) as (engine, url), companion(url) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        [link] = engine.links()

    assert "no sign of life" in str(link.why)


async def test_a_wrong_token_opens_nothing(tmp_path: Path) -> None:
    async with host(tmp_path) as (engine, url):
        with pytest.raises(InvalidStatus) as refused:
            async with companion(url, "wrong"):
                pass
        assert engine.links() == []

    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("said", [True, False], ids=["length", "chunked"])
async def test_whoever_sends_fifty_megabytes_hears_why_they_are_refused(
    tmp_path: Path, said: bool
) -> None:
    body = b"x" * 50_000_000

    async with host(tmp_path) as (engine, url):
        there = HTTPConnection(urlsplit(url).netloc, timeout=60)
        with contextlib.closing(there):
            await asyncio.to_thread(
                there.request, "POST", "/intake/axis",
                body if said else iter([body[:1_000_000]] * 50),
                {"Authorization": f"Bearer {TOKEN}", "Connection": "close",
                 **({} if said else {"Transfer-Encoding": "chunked"})},
                encode_chunked=not said,
            )  # fmt: skip
            answer = await asyncio.to_thread(there.getresponse)
            told = json.loads(answer.read())
        kept = await engine.store.unread_count()

    assert (answer.status, told["error"]["remedy"]) == (413, "send smaller messages")
    assert kept == 1
