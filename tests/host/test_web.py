"""The doors: who may come in, by which one, and what they are answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    DeviceId,
    Envelope,
    Fact,
    FactId,
    IncidentId,
    Malformed,
    Message,
    Phase,
    Situation,
    hookimpl,
)
from vms_plugin.adapters import Adapters
from vms_plugin.engine import Engine
from vms_plugin.live import Relay
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.web import accounts, build
from vms_plugin.web.accounts import Doorkeeper

TOKEN = "a-token-of-the-crews-inlet"
PASSWORD = "a long enough password"
INCIDENT = "src:s1"


class Paper:
    patience_s = 600.0

    def load(self) -> None: ...
    def close(self) -> None: ...
    def ask_vms(self, adapters: Adapters) -> None: ...
    def refresh(self) -> bool:
        return False

    def situate(self, *_: Any, **__: Any) -> Situation:
        return Situation(missing=(Message(text="no camera layer"),))

    def cameras(self) -> tuple[()]:
        return ()

    def bounds(self) -> None:
        return None

    def notes(self) -> list[Message]:
        return []

    def tile(self, z: int, x: int, y: int, theme: str) -> bytes | None:
        if theme != "night":
            raise ValueError("no theme")
        return b"<svg/>" if z else None


class Source:
    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="src", brand="Source", contract=1)

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        for word in envelope.body.decode().split():
            if word != "press":
                raise Malformed("word", word, "write press")
            yield Activation(
                id=FactId("src:e1"), at=envelope.received_at, activation=ActivationId(INCIDENT),
                device=DeviceId("src:d"),
            )  # fmt: skip


@asynccontextmanager
async def room(path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Engine]]:
    store = Store(path / "renfort.db")
    adapters = Adapters()
    adapters.load({"src": Source}, {})
    settings = Settings(intake_tokens={"src": TOKEN})
    engine = Engine(settings, adapters, store, Paper())  # type: ignore[arg-type]
    await engine.start()
    await accounts.add(store, "Léa", PASSWORD)
    transport = httpx.ASGITransport(app=build(engine, Relay(engine)), client=("127.0.0.1", 5000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client, engine
    finally:
        await engine.stop()
        store.close()


async def log_in(client: httpx.AsyncClient, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/login", data={"name": "Léa", "password": password})


async def say(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return await client.post("/intake/src", **{"headers": headers, "content": b"press", **more})


async def decide(client: httpx.AsyncClient, decision: str, **more: Any) -> httpx.Response:
    token = (await client.get("/api/state")).json()["token"]
    return await client.post(
        "/api/decide", json={"decision": decision, "incident": INCIDENT, **more},
        headers={"X-Renfort-Token": token},
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/stream", "/api/state", "/map/night/1/0/0.svg"])
async def test_nobody_reads_without_logging_in(tmp_path: Path, path: str) -> None:
    async with room(tmp_path) as (client, _):
        program = await client.get(path)
        person = await client.get(path, headers={"Accept": "text/html"})

    assert program.status_code == 401
    assert (person.status_code, person.headers["location"]) == (303, "/login")


async def test_a_person_logs_in_and_out(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        answer = await log_in(client)
        cookie = answer.headers["set-cookie"]
        page = await client.get("/")
        token = (await client.get("/api/state")).json()["token"]
        await client.post("/logout", headers={"X-Renfort-Token": token})
        after = await client.get("/api/state")

    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Se déconnecter" in page.text
    assert after.status_code == 401


async def test_a_wrong_password_is_refused_then_waited_for(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        answers = [await log_in(client, "wrong password") for _ in range(6)]
        right = await log_in(client)

    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert right.status_code == 429
    assert "attendez cinq minutes" in right.text


async def test_after_the_pause_the_right_password_opens(tmp_path: Path) -> None:
    now = [0.0]
    store = Store(tmp_path / "renfort.db")
    await accounts.add(store, "Léa", PASSWORD)
    keeper = Doorkeeper(store, clock=lambda: now[0])
    for _ in range(5):
        await keeper.enter("Léa", "wrong", "here")

    assert keeper.waits("Léa", "elsewhere")
    assert keeper.waits("Marc", "here")
    now[0] = 301
    assert not keeper.waits("Léa", "here")
    assert await keeper.enter("Léa", PASSWORD, "here")
    store.close()


async def test_a_session_left_idle_is_over(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await log_in(client)
        await engine.store.query("UPDATE session SET seen_at = '2020-01-01T00:00:00+00:00'")

        assert (await client.get("/api/state")).status_code == 401
        assert await engine.store.query("SELECT * FROM session") == []


async def test_a_changed_password_ends_the_sessions(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await log_in(client)
        await accounts.add(engine.store, "Léa", "another long password")

        assert (await client.get("/api/state")).status_code == 401


async def test_every_answer_forbids_what_is_foreign(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        for path in ("/login", "/health", "/static/app.js", "/nothing"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"


async def test_a_name_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        answer = await client.get("/login", headers={"Host": "evil.example"})

    assert answer.status_code == 421


async def test_a_decision_is_journaled_in_the_name_of_who_took_it(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await log_in(client)
        taken = await decide(client, "take")
        engaged = await decide(client, "engage", crew="crews:1")
        placed = await decide(client, "place", lon=4.08, lat=43.56)
        closed = await decide(client, "close", outcome="Résolu")
        again = await decide(client, "take")
        facts = await engine.store.facts_of(IncidentId(INCIDENT))

    assert [each.status_code for each in (taken, engaged, placed, closed)] == [204] * 4
    assert [type(fact).__name__ for fact in facts] == [
        "Activation", "TakenInCharge", "Engaged", "Placed", "Closed",
    ]  # fmt: skip
    assert {getattr(fact, "by", "Léa") for fact in facts} == {"Léa"}
    assert (again.status_code, again.json()["error"]) == (409, "Cet incident est clos.")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 403), ({"X-Renfort-Token": "0" * 64}, 403), ({"Origin": "http://evil.example"}, 403)],
)
async def test_a_forged_decision_changes_nothing(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await log_in(client)
        if "Origin" in headers:
            headers["X-Renfort-Token"] = (await client.get("/api/state")).json()["token"]
        body = {"decision": "take", "incident": INCIDENT}
        answer = await client.post("/api/decide", json=body, headers=headers)

        assert answer.status_code == status
        assert engine.board.incidents[IncidentId(INCIDENT)].phase is Phase.NEW


@pytest.mark.parametrize(
    "body",
    [{"decision": "explode"}, {"decision": "place", "lon": "x", "lat": 1}, {"decision": "engage"},
     {"decision": "place", "lon": 400, "lat": 1}],
)  # fmt: skip
async def test_an_impossible_decision_is_refused_in_french(
    tmp_path: Path, body: dict[str, Any]
) -> None:
    async with room(tmp_path) as (client, _):
        await say(client)
        await log_in(client)
        answer = await decide(client, **body)

    assert answer.status_code == 400
    assert "rechargez" in answer.json()["error"]


async def test_a_message_is_answered_once_durable(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        first, second = await say(client), await say(client)
        facts = await engine.store.facts_of(IncidentId(INCIDENT))

    assert first.status_code == 202
    assert first.json() == {"facts": ["src:e1"], "new": 1, "faults": []}
    assert second.json()["new"] == 0
    assert len(facts) == 1


async def test_what_is_not_understood_is_answered_with_the_remedy_and_kept(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        answer = await say(client, content=b"nonsense")
        kept = await engine.store.unread_count()

    assert answer.status_code == 422
    assert answer.json()["faults"] == [
        {"field": "word", "value": "'nonsense'", "remedy": "write press"}
    ]
    assert kept == 1


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic abc", f"Bearer {TOKEN}x"])
async def test_an_inlet_opens_to_its_token_alone(tmp_path: Path, authorization: str) -> None:
    async with room(tmp_path) as (client, _):
        answer = await say(client, headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert answer.json()["error"]["field"] == "Authorization"


async def test_an_inlet_without_a_token_is_closed(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        answer = await client.post("/intake/other", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 401


async def test_ten_megabytes_are_refused_without_being_read(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        said = await say(client, content=b"x" * 10_000_000)

        async def unsaid() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 65536

        streamed = await say(client, content=unsaid())

    assert said.status_code == streamed.status_code == 413
    assert said.json()["error"]["remedy"] == "send smaller messages"


async def test_a_broken_adapter_is_named_on_the_page(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        engine.adapters.load({"wreck": object}, {}, load_s=1)
        await log_in(client)
        health = (await client.get("/api/state")).json()["health"]

    [wreck] = [each for each in health["adapters"] if each["name"] == "wreck"]
    assert (wreck["state"], wreck["well"], health["well"]) == ("broken", False, False)
    assert "describe" in wreck["failures"][0]["why"]


async def test_tiles_are_drawn_kept_and_absent_without_a_town(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        await log_in(client)
        drawn = await client.get("/map/night/3/1/1.svg")
        none = await client.get("/map/night/0/0/0.svg")
        wrong = await client.get("/map/neon/3/1/1.svg")

    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert "max-age" in drawn.headers["cache-control"]
    assert (none.status_code, wrong.status_code) == (204, 404)


async def test_stages_tell_when_a_press_reached_each(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await log_in(client)
        answer = (await client.get(f"/api/stages/{INCIDENT}")).json()
        unknown = await client.get("/api/stages/src:none")

    assert datetime.fromisoformat(answer["durable"]) <= datetime.now(UTC)
    assert unknown.status_code == 404
    assert engine.behind("src") == 0


async def test_the_stream_begins_with_everything(tmp_path: Path) -> None:
    from vms_plugin.web import stream

    async with room(tmp_path) as (client, engine):
        await say(client)
        events = stream.events(engine, Relay(engine), {"user": "Léa"})
        hello, state = await anext(events), await anext(events)
        await engine.take_in_charge(IncidentId(INCIDENT), "Léa")
        later = await anext(events)
        while not (later.startswith("event: picture") and '"phase": "taken"' in later):
            later = await anext(events)
        await events.aclose()

    assert hello.startswith("event: hello")
    assert state.startswith("event: state")
    assert json.loads(later.partition("data: ")[2])["missing"] == ["pas de couche de caméras"]
