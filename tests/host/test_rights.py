"""Who may see and do what: each rule bears the number of the article it obeys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from starlette.routing import Mount, Route, WebSocketRoute

from hooks import (
    Activation,
    ActivationId,
    Camera,
    CameraId,
    Crew,
    CrewFix,
    CrewId,
    DeviceId,
    FactId,
    IncidentId,
    Officer,
    PixelClass,
    Position,
    Reinforcement,
    Sighting,
    Situation,
)
from tests.host.paper import Paper, running
from vms_plugin.adapters import Adapters
from vms_plugin.engine import Engine
from vms_plugin.live import Relay
from vms_plugin.rights import (
    ROLES,
    Person,
    Right,
    cameras_for,
    picture_for,
    rights_of,
)
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.web import accounts, build, stream

PASSWORD = "a long enough phrase"
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
OURS, THEIRS = shapely.box(4.0, 43.5, 4.1, 43.6), shapely.box(4.1, 43.5, 4.2, 43.6)


def seen(name: str, commune: str) -> Sighting:
    camera = Camera(
        id=CameraId(f"vms:{name}"), name=name, commune=commune, position=Position(lon=4, lat=43.5)
    )
    return Sighting(
        camera=camera, distance_m=10, bearing_deg=0, density_px_m=100,
        pixel_class=PixelClass.DISCERN, must_turn=False, share=1,
    )  # fmt: skip


SEEN = (seen("Gare", "34344"), seen("Mairie", "34023"), seen("Phare", ""))
CREW = Crew(id=CrewId("crews:21"), name="Brigade 21", members=("Paul Durand",))


class Town(Paper):
    """Two communes, a camera in each, and one that nobody says where."""

    situation = Situation(
        sightings=SEEN,
        reinforcements=(
            Reinforcement(
                crew=CREW, time_s=60, distance_m=500, by_road=True, fix_age_s=1, stale=False
            ),
        ),
        near="rue du Port",
    )

    def cameras(self) -> tuple[Camera, ...]:
        return tuple(each.camera for each in SEEN)

    def commune_at(self, place: Position) -> str:
        point = shapely.Point(place.lon, place.lat)
        areas = {"34344": OURS, "34023": THEIRS}
        return next((code for code, area in areas.items() if area.contains(point)), "")

    def tile(self, *_: Any) -> bytes:
        return b"<svg/>"


def press(name: str, lon: float | None) -> Activation:
    return Activation(
        id=FactId(f"axis:{name}"), at=NOW, activation=ActivationId(f"axis:{name}"),
        device=DeviceId(f"axis:d-{name}"),
        officer=Officer(id="214", call_sign=f"PM-{name}", name="Anne Lefort"),
        position=None if lon is None else Position(lon=lon, lat=43.55, fixed_at=NOW),
    )  # fmt: skip


@asynccontextmanager
async def room(
    path: Path, role: str, communes: str = "", site: Settings | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Engine]]:
    async with running(path, settings=site, paper=Town()) as engine:
        await accounts.add(engine.store, "Léa", PASSWORD, role, communes.split())
        application = build(engine, Relay(engine))
        transport = httpx.ASGITransport(app=application, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            await client.post("/login", data={"name": "Léa", "password": PASSWORD})
            yield client, engine


async def happen(engine: Engine, *facts: Any) -> None:
    await engine.hear(facts, NOW)
    for fact in facts:
        while isinstance(fact, Activation) and IncidentId(fact.activation) not in engine.pictures:
            queue = engine.subscribe()
            await queue.get()


async def state(client: httpx.AsyncClient) -> dict[str, Any]:
    told: dict[str, Any] = (await client.get("/api/state")).json()
    return told


async def decide(client: httpx.AsyncClient, **asked: Any) -> httpx.Response:
    headers = {"X-Renfort-Token": (await state(client))["token"]}
    return await client.post("/api/decide", json=asked, headers=headers)


# --- the body-worn camera ---


def test_r241_12_ii_only_municipal_police_receive_the_live_picture() -> None:
    assert {name for name, role in ROLES.items() if Right.BODY_WORN in role.rights} == {
        "chef", "policier",
    }  # fmt: skip


def test_r241_12_ii_recipients_of_the_picture_do_not_receive_the_name_by_it() -> None:
    assert {name for name, role in ROLES.items() if Right.NAMES in role.rights} == {"chef"}


def test_l132_14_1_civilian_agents_watch_cctv() -> None:
    assert Right.CCTV in rights_of("civil")
    assert Right.BODY_WORN not in rights_of("civil")


def test_the_wall_is_not_dark_after_a_night_and_decides_nothing() -> None:
    wall = ROLES["mur"]

    assert wall.idle > timedelta(days=300)
    assert Right.ALERTS in wall.rights
    assert not wall.rights & {Right.DECIDE, Right.CLOSE, Right.BODY_WORN, Right.NAMES, Right.LOG}
    assert all(role.idle <= timedelta(hours=12) for role in ROLES.values() if role is not wall)


@pytest.mark.parametrize(
    ("role", "name", "members"), [("chef", "Anne Lefort", True), ("policier", "", False),
                                  ("civil", "", False)],
)  # fmt: skip
async def test_r241_12_i_the_name_reaches_only_those_designated(
    tmp_path: Path, role: str, name: str, members: bool
) -> None:
    """In whatever the host writes: the state, and the stream."""
    async with room(tmp_path, role) as (client, engine):
        await happen(engine, press("s1", 4.05))
        fix = CrewFix(id=FactId("crews:f"), at=NOW, crew=CREW.id, members=CREW.members)
        await happen(engine, fix)
        [picture] = (await state(client))["pictures"]
        whole = json.dumps(await state(client), ensure_ascii=False)
        person = Person(name="Léa", role=role, rights=rights_of(role))

        async def again() -> Person:
            return person

        told = stream.Scribe(engine, Relay(engine)).events(person, lambda _: {}, again)
        first = await anext(told) + await anext(told)
        await engine.take_in_charge(IncidentId("axis:s1"), "Léa")
        first += await anext(told)
        await told.aclose()

    assert picture["name"] == name
    assert picture["who"] == "PM-s1"
    assert ("Lefort" in whole) == ("Lefort" in first) == bool(name)
    kept = picture_for(engine.pictures[IncidentId("axis:s1")], person)
    assert bool(kept.situation.reinforcements[0].crew.members) == members


# --- the town's cameras ---


async def test_r253_3_cameras_of_another_commune_are_nowhere(tmp_path: Path) -> None:
    """Nor one whose commune nobody says."""
    async with room(tmp_path, "policier", "34344") as (client, engine):
        await happen(engine, press("s1", 4.05))
        told = await state(client)

    assert [each["name"] for each in told["cameras"]] == ["Gare"]
    assert [each["name"] for each in told["pictures"][0]["cameras"]] == ["Gare"]


async def test_r253_3_without_communes_of_his_own_the_sites_count(tmp_path: Path) -> None:
    ours = frozenset({"34023"})
    async with room(tmp_path, "policier", site=Settings(communes=ours)) as (client, engine):
        await happen(engine, press("s1", 4.05))
        told = await state(client)

    assert [each["name"] for each in told["cameras"]] == ["Mairie"]
    assert len(told["pictures"]) == 1  # the site's communes hide no alert


async def test_r253_3_an_alert_of_another_commune_is_not_told(tmp_path: Path) -> None:
    async with room(tmp_path, "policier", "34344") as (client, engine):
        await happen(engine, press("ours", 4.05), press("theirs", 4.15), press("lost", None))
        told = await state(client)
        refused = await decide(client, decision="take", incident="axis:theirs")

    assert {each["incident"] for each in told["pictures"]} == {"axis:ours", "axis:lost"}
    assert refused.status_code == 403


async def test_an_officer_who_crosses_a_border_is_not_lost(tmp_path: Path) -> None:
    async with room(tmp_path, "policier", "34344") as (client, engine):
        await happen(engine, press("s1", 4.05))
        await engine.place(IncidentId("axis:s1"), 4.15, 43.55, "Léa")
        told = await state(client)

    assert [each["incident"] for each in told["pictures"]] == ["axis:s1"]


def test_gis_staff_know_where_cameras_stand_and_see_through_none() -> None:
    person = Person(name="Zoé", rights=rights_of("sig"), competence=frozenset({"34344"}))
    cameras = [each.camera for each in SEEN]

    assert cameras_for(cameras, person) == cameras
    assert Right.CCTV not in person.rights


# --- doors ---


async def test_every_door_asks_for_a_right(tmp_path: Path) -> None:
    """Those that ask none are named here, with what they ask instead."""
    open_doors = {
        "/login": "a password",
        "/health": "nothing, and says nothing",
        "/static": "our own files",
        "/e/{token}": "the link's own token",
        "/local/exercise": "the key of the database",
        "/intake/{adapter}": "the inlet's token",
        "/outlet/{adapter}/{path:path}": "the inlet's token",
    }
    store = Store(tmp_path / "renfort.db")
    engine = Engine(Settings(), Adapters(), store, Town())  # type: ignore[arg-type]
    application = build(engine, Relay(engine))
    for route in application._app.routes:  # type: ignore[attr-defined]
        assert isinstance(route, Route | Mount | WebSocketRoute)
        right = getattr(getattr(route, "endpoint", None), "right", None)
        opened = route.path in open_doors or route.path.startswith("/e/{token}/")
        assert isinstance(right, Right) or opened, route.path
    store.close()


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [("civil", "/api/stages/x", 404), ("dpo", "/api/stages/x", 403),
     ("dpo", "/map/night/1/0/0.svg", 403), ("sig", "/map/night/1/0/0.svg", 200),
     ("admin", "/map/night/1/0/0.svg", 403), ("dpo", "/", 200)],
)  # fmt: skip
async def test_a_door_opens_to_its_right_alone(
    tmp_path: Path, role: str, path: str, status: int
) -> None:
    async with room(tmp_path, role) as (client, _):
        answer = await client.get(path)

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"] == "Votre rôle ne le permet pas."


@pytest.mark.parametrize("role", ["sig", "integrateur", "dpo", "admin"])
async def test_whoever_is_not_of_the_room_is_told_no_alert(tmp_path: Path, role: str) -> None:
    async with room(tmp_path, role) as (client, engine):
        await happen(engine, press("s1", 4.05))
        told = await state(client)
        refused = await decide(client, decision="take", incident="axis:s1")

    assert (told["pictures"], told["crews"], told["live"]) == ([], [], {})
    assert refused.status_code == 403


def test_an_unknown_role_has_no_right() -> None:
    assert rights_of("grand chef") == frozenset()


# --- what lasts ---


async def test_a_stream_ends_with_the_right_to_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AGAIN_S", 0.0)
    monkeypatch.setattr(stream, "BEAT_S", 0.02)
    async with room(tmp_path, "chef") as (_, engine):
        await happen(engine, press("s1", 4.05))
        chief = Person(name="Léa", rights=rights_of("chef"))
        people = [chief, Person(name="Léa", rights=rights_of("civil")), None]

        async def again() -> Person | None:
            return people.pop(0)

        scribe = stream.Scribe(engine, Relay(engine))
        told = scribe.events(chief, lambda who: {"rights": sorted(who.rights)}, again)
        heard = [each async for each in told]

    kinds = [each.split("\n")[0].removeprefix("event: ") for each in heard]
    assert kinds[-3:] == ["hello", "state", "over"]
    assert "Lefort" in heard[1]
    assert "Lefort" not in heard[-2]


async def test_an_alert_does_not_wait_while_rights_are_looked_at_on_a_slow_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AGAIN_S", 0.0)
    disk = asyncio.Event()
    async with room(tmp_path, "chef") as (_, engine):
        chief = Person(name="Léa", rights=rights_of("chef"))

        async def again() -> Person | None:
            await disk.wait()
            return None

        told = stream.Scribe(engine, Relay(engine)).events(chief, lambda _: {}, again)
        await anext(told), await anext(told)
        await happen(engine, press("s1", 4.05))
        async with asyncio.timeout(5):
            heard = [await anext(told) for _ in range(2)]
            disk.set()
            rest = [each async for each in told]

    assert any(each.startswith("event: picture\n") for each in heard)
    assert rest[-1].startswith("event: over\n")  # and ends once it was looked at
