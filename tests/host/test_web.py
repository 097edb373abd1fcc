"""The doors: who may come in, by which one, and what they are answered."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    Aim,
    CameraId,
    CrewId,
    DeviceId,
    Document,
    Envelope,
    Fact,
    FactId,
    IncidentId,
    Malformed,
    Message,
    Phase,
    Picture,
    ReceivedElsewhere,
    RefusedElsewhere,
    Situation,
    hookimpl,
)
from tests.host.paper import Paper, running
from vms_plugin import upkeep
from vms_plugin.engine import Engine
from vms_plugin.events import Event
from vms_plugin.live import Relay
from vms_plugin.rights import Person, Right, rights_of
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.web import accounts, build, stream
from vms_plugin.web.accounts import Doorkeeper

TOKEN = "a-token-of-the-crews-inlet"
PASSWORD = "a long enough password"
INCIDENT = "src:s1"


class Town(Paper):
    situation = Situation(missing=(Message(text="no camera layer"),))

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

    @hookimpl
    def publish(self, path: str, pictures: tuple[Picture, ...]) -> Document | None:
        if path != "feed":
            return None
        return Document(
            body="".join(p.incident for p in pictures).encode(), media_type="text/plain"
        )


@asynccontextmanager
async def room(path: Path, *, add: bool = True) -> AsyncIterator[tuple[httpx.AsyncClient, Engine]]:
    settings = Settings(intake_tokens={"src": TOKEN})
    async with running(path, {"src": Source}, settings=settings, paper=Town()) as engine:
        if add:
            await accounts.add(engine.store, "Léa", PASSWORD)
        app = build(engine, Relay(engine))
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client, engine


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


async def test_a_name_that_is_no_text_is_a_wrong_name_and_harms_nobody(tmp_path: Path) -> None:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n+2AA-\r\n'
        for field in ("name", "password")
    ]
    kind = {"Content-Type": "multipart/form-data; boundary=x; charset=utf-7"}  # half a character
    async with room(tmp_path) as (client, _):
        asked = client.post("/login", content="".join(parts) + "--x--\r\n", headers=kind)
        odd = await asyncio.wait_for(asked, 10)
        after = await log_in(client)

    assert (odd.status_code, after.status_code) == (401, 303)


async def test_after_the_pause_the_right_password_opens(tmp_path: Path) -> None:
    now = [0.0]
    store = Store(tmp_path / "renfort.db")
    await accounts.add(store, "Léa", PASSWORD)
    keeper = Doorkeeper(store, clock=lambda: now[0])
    for _ in range(5):
        await keeper.enter("Léa", "wrong", "here")

    assert await keeper.waits("Léa", "elsewhere")
    assert await keeper.waits("Marc", "here")
    now[0] = 301
    assert not await keeper.waits("Léa", "here")
    assert await keeper.enter("Léa", PASSWORD, "here")
    store.close()


async def test_a_session_left_idle_is_over(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await log_in(client)
        await engine.store.query("UPDATE session SET seen_at = '2020-01-01T00:00:00+00:00'")

        assert (await client.get("/api/state")).status_code == 401
        assert await engine.store.query("SELECT * FROM session") == []


async def test_who_works_keeps_the_cookie_and_what_looks_by_itself_does_not_renew_it(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as (client, _):
        await say(client)
        await log_in(client)
        page = await client.get("/", headers={"Accept": "text/html"})
        decided = await decide(client, "take")
        looked = await client.get("/api/state")

    for each in (page, decided):
        assert "renfort_session=" in each.headers["set-cookie"]
        assert "HttpOnly" in each.headers["set-cookie"]
    assert "set-cookie" not in looked.headers


async def test_a_changed_password_ends_the_sessions(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await log_in(client)
        await accounts.add(engine.store, "Léa", "another long password")

        assert (await client.get("/api/state")).status_code == 401


async def test_a_wall_keeps_its_cookie_for_as_long_as_its_session(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await accounts.add(engine.store, "Mur", PASSWORD, "mur")
        await client.post("/login", data={"name": "Mur", "password": PASSWORD})
        week_ago = (datetime.now(UTC) - timedelta(days=7)).isoformat()
        await engine.store.query("UPDATE session SET seen_at = ?", week_ago)
        wall = await client.get("/mur", headers={"Accept": "text/html"})

    assert wall.status_code == 200
    assert f"Max-Age={366 * 86400}" in wall.headers["set-cookie"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/murs"), ("GET", "/logout")])
async def test_an_address_of_nothing_is_said_so_in_french(
    tmp_path: Path, method: str, path: str
) -> None:
    async with room(tmp_path) as (client, _):
        answer = await client.request(method, path)

    assert answer.status_code in (404, 405)
    assert answer.text == "Il n’y a rien à cette adresse."


async def test_every_answer_forbids_what_is_foreign(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        for path in ("/login", "/health", "/static/app.js", "/nothing"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "[", "a]b"])
async def test_a_name_that_is_not_ours_is_refused(tmp_path: Path, host: str) -> None:
    async with room(tmp_path) as (client, _):
        answer = await client.get("/login", headers={"Host": host})

    assert answer.status_code == 421
    assert "ne porte pas ce nom" in answer.text


async def test_a_page_of_no_address_is_another_page(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        form = {"name": "Léa", "password": PASSWORD}
        answer = await client.post("/login", data=form, headers={"Origin": "http://["})

    assert answer.status_code == 403


async def test_a_decision_is_journaled_in_the_name_of_who_took_it(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await log_in(client)
        taken = await decide(client, "take")
        engaged = await decide(client, "engage", crew="crews:1")
        placed = await decide(client, "place", lon=4.08, lat=43.56)
        aimed = await decide(client, "aim", camera="src:dome")
        closed = await decide(client, "close", outcome="Résolu")
        again = await decide(client, "take")
        facts = await engine.store.facts_of(IncidentId(INCIDENT))

    assert [each.status_code for each in (taken, engaged, placed, aimed, closed)] == [204] * 5
    assert [type(fact).__name__ for fact in facts] == [
        "Activation", "TakenInCharge", "Engaged", "Placed", "Aimed", "Aimed", "Closed",
    ]  # fmt: skip
    assert {getattr(fact, "by", "Léa") for fact in facts} == {"Léa"}
    assert (again.status_code, again.json()["error"]) == (409, "Cet incident est clos.")


async def test_an_undo_does_not_take_back_the_order_of_another(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await log_in(client)
        await decide(client, "engage", crew="crews:1")
        await engine.engage(IncidentId(INCIDENT), CrewId("crews:1"), "Marc")
        undone = await decide(client, "release", crew="crews:1", undo=True)
        still = engine.board.incidents[IncidentId(INCIDENT)].engaged
        called_back = await decide(client, "release", crew="crews:1")
        after = engine.board.incidents[IncidentId(INCIDENT)].engaged
        await decide(client, "engage", crew="crews:1")
        alone = await decide(client, "release", crew="crews:1", undo=True)

    assert undone.status_code == 409
    assert "Marc a aussi envoyé" in undone.json()["error"]
    assert (still, after) == ((CrewId("crews:1"),), ())
    assert (called_back.status_code, alone.status_code) == (204, 204)


async def test_r253_3_turning_a_camera_is_for_those_entitled_to_them(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await log_in(client)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(accounts, "rights_of", lambda role: rights_of(role) - {Right.CCTV})
            answer = await decide(client, "aim", camera="src:dome")
        facts = await engine.store.facts_of(IncidentId(INCIDENT))

    assert answer.status_code == 403
    assert "Aimed" not in {type(fact).__name__ for fact in facts}


async def test_the_page_is_told_what_a_camera_answered(tmp_path: Path) -> None:
    async with room(tmp_path) as (_, engine):
        how = Message(text="nothing installed can turn this camera")
        aim = Aim(camera=CameraId("src:dome"), done=False, how=how)
        event = Event("aimed", incident=IncidentId(INCIDENT), aim=aim)
        written = stream.Scribe(engine, Relay(engine)).written(event, Person(name="Léa"))

    name, data = written.splitlines()[:2]
    assert name == "event: aimed"
    assert json.loads(data.removeprefix("data: ")) == {
        "incident": INCIDENT, "camera": "src:dome", "done": False,
        "how": "rien de ce qui est installé ne peut orienter cette caméra",
    }  # fmt: skip


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
        assert answer.json()["error"] in (
            "Cette page n’est plus à jour : rechargez-la.",
            "Cette demande vient d’une autre page.",
        )
        assert engine.board.incidents[IncidentId(INCIDENT)].phase is Phase.NEW


async def test_a_page_that_is_open_goes_on_deciding_after_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, _):
        await say(client)
        await log_in(client)
        token = (await client.get("/api/state")).json()["token"]
        cookies = dict(client.cookies)

    async with room(tmp_path, add=False) as (client, _):
        client.cookies.update(cookies)
        body = {"decision": "take", "incident": INCIDENT}
        answer = await client.post("/api/decide", json=body, headers={"X-Renfort-Token": token})

    assert answer.status_code == 204


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
    async with room(tmp_path) as (client, engine):
        said = await say(client, content=b"x" * 10_000_000)

        async def unsaid() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 65536

        streamed = await say(client, content=unsaid())

        kept = await engine.store.unread_count()

    assert said.status_code == streamed.status_code == 413
    assert said.json()["error"]["remedy"] == "send smaller messages"
    assert kept == 2


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", "Basic " + base64.b64encode(f"reader:{TOKEN}".encode()).decode()],
)
async def test_an_outlet_is_read_with_the_token_of_the_inlet(
    tmp_path: Path, authorization: str
) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await until_picture(engine, bool)
        closed = await client.get("/outlet/src/feed")
        headers = {"Authorization": authorization}
        found = await client.get("/outlet/src/feed", headers=headers)
        again = await client.get(
            "/outlet/src/feed", headers={**headers, "If-None-Match": found.headers["etag"]}
        )
        missing = await client.get("/outlet/src/other", headers=headers)
        nobody = await client.get("/outlet/nobody/feed", headers=headers)

    assert closed.status_code == nobody.status_code == 401
    assert (found.text, found.headers["content-type"]) == (INCIDENT, "text/plain; charset=utf-8")
    assert (again.status_code, again.content) == (304, b"")
    assert missing.status_code == 404


@pytest.mark.parametrize("said", ["{}", "W/{}", '"older", W/{}', "*"])
async def test_a_document_known_already_is_not_sent_again(tmp_path: Path, said: str) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        await until_picture(engine, bool)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        tag = (await client.get("/outlet/src/feed", headers=headers)).headers["etag"]
        known = await client.get(
            "/outlet/src/feed", headers={**headers, "If-None-Match": said.format(tag)}
        )
        other = await client.get(
            "/outlet/src/feed", headers={**headers, "If-None-Match": 'W/"older", "another"'}
        )

    assert (known.status_code, other.status_code) == (304, 200)


async def test_a_refusal_told_elsewhere_is_said_until_a_reception_is(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        await say(client)
        now, incident = datetime.now(UTC), IncidentId(INCIDENT)
        refusal = RefusedElsewhere(
            id=FactId("src:r"), at=now, incident=incident, by="Hyperviseur", why="no area"
        )
        await engine.hear([refusal], now)
        refused = await until_picture(engine, lambda picture: picture.refused_by)
        later = now + timedelta(seconds=1)
        await engine.hear(
            [ReceivedElsewhere(id=FactId("src:a"), at=later, incident=incident, by="Hyperviseur")],
            later,
        )
        received = await until_picture(engine, lambda picture: picture.received_by)

    assert refused.refused_by == ("Hyperviseur",)
    assert received.refused_by == ()


async def until_picture(engine: Engine, true: Callable[[Picture], object]) -> Picture:
    async with asyncio.timeout(5):
        while not ((picture := engine.pictures.get(IncidentId(INCIDENT))) and true(picture)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return picture


async def test_a_broken_adapter_is_named_on_the_page(tmp_path: Path) -> None:
    async with room(tmp_path) as (client, engine):
        engine.adapters.load({"wreck": object}, {}, load_s=1)
        await log_in(client)
        health = (await client.get("/api/state")).json()["health"]

    [wreck] = [each for each in health["adapters"] if each["name"] == "wreck"]
    assert (wreck["state"], wreck["well"], health["well"]) == ("broken", False, False)
    assert "describe" in wreck["failures"][0]["why"]


async def test_what_is_kept_against_the_law_is_told_to_everybody_r241_13(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_archive: object, tell: Callable[[Message | None], None]) -> None:
        tell(Message(text="recordings past their month that cannot be destroyed: {count}",
                     params={"count": 2}))  # fmt: skip
        await asyncio.Event().wait()

    monkeypatch.setattr(upkeep, "keep_the_month", fails)
    async with room(tmp_path) as (client, engine):
        await accounts.add(engine.store, "Ana", PASSWORD, "dpo")
        await client.post("/login", data={"name": "Ana", "password": PASSWORD})
        health = (await client.get("/api/state")).json()["health"]

    assert "qui ne peuvent pas être détruits" in health["unlawful"]
    assert (health["adapters"], health["notes"]) == ([], [])  # the rest is for who mends it


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
    async def still() -> Person:
        return person

    async with room(tmp_path) as (client, engine):
        await say(client)
        person = Person(name="Léa", rights=rights_of("civil"))
        scribe = stream.Scribe(engine, Relay(engine))
        events = scribe.events(person, lambda _: {"user": "Léa"}, still)
        hello, state = await anext(events), await anext(events)
        await engine.take_in_charge(IncidentId(INCIDENT), "Léa")
        later = await anext(events)
        while not (later.startswith("event: picture") and '"phase": "taken"' in later):
            later = await anext(events)
        await events.aclose()

    assert hello.startswith("event: hello")
    assert state.startswith("event: state")
    assert json.loads(later.partition("data: ")[2])["missing"] == ["pas de couche de caméras"]
