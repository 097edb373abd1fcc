"""A crew's own page: the link that opens it, what it shows, what it says, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import (
    Activation,
    ActivationId,
    CrewId,
    CrewStatus,
    DeviceId,
    FactId,
    IncidentId,
)
from tests.host.live_room import INCIDENT, Browser, Room, eventually, room
from tests.host.test_full_disk import fill
from vms_plugin import upkeep
from vms_plugin.crew_links import CrewLinks
from vms_plugin.delivery import Shown
from vms_plugin.errand import call_for
from vms_plugin.i18n import Language
from vms_plugin.incident import Closed, Engaged, Incident, Progressed, Released
from vms_plugin.web import crew as crew_door

pytestmark = pytest.mark.usefixtures("on_loopback")

CREW = CrewId("crews:21")
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
LINKS = CrewLinks(b"k" * 32, "https://renfort.example.org")


# --- the link ---


def engaged(second: float = 0, crew: CrewId = CREW, incident: str = "axis:s1") -> Engaged:
    return Engaged(
        id=FactId(f"renfort:{incident}:{crew}:{second}"), at=NOW + timedelta(seconds=second),
        incident=IncidentId(incident), by="Léa", crew=crew,
    )  # fmt: skip


def alert(*facts: Any, name: str = "axis:s1") -> Incident:
    press = Activation(
        id=FactId(f"{name}:e"), at=NOW, activation=ActivationId(name), device=DeviceId("axis:d")
    )
    incident = Incident(id=IncidentId(name)).add(press)
    for fact in facts:
        incident = incident.add(fact)
    return incident


def test_it_fits_in_a_text_message() -> None:
    link = LINKS.link(engaged())

    assert link.startswith("https://renfort.example.org/e/")
    assert len(link) == len("https://renfort.example.org/e/") + 20
    assert CrewLinks(b"k" * 32).link(engaged()) == ""


def test_it_opens_its_own_incident_and_crew_and_no_other() -> None:
    mine, theirs = engaged(), engaged(crew=CrewId("crews:7"), incident="axis:s2")
    incidents = [alert(mine), alert(theirs, name="axis:s2")]

    assert LINKS.find(LINKS.token(mine), incidents, NOW) == (incidents[0], mine)
    assert LINKS.find(LINKS.token(theirs), incidents, NOW) == (incidents[1], theirs)
    assert CrewLinks(b"other").find(LINKS.token(mine), incidents, NOW) is None


@pytest.mark.parametrize("kind", ["called back", "closed", "sent again", "too old"])
def test_it_dies_with_the_order_the_incident_and_the_hour(kind: str) -> None:
    order, later = engaged(), NOW + timedelta(seconds=10)
    said: dict[str, Any] = {
        "id": FactId("renfort:x"), "at": later, "incident": IncidentId("axis:s1"), "by": "Léa",
    }  # fmt: skip
    after: dict[str, list[Any]] = {
        "called back": [Released(**said, crew=CREW)],
        "closed": [Closed(**said, outcome="Résolu")],
        "sent again": [Released(**said, crew=CREW), engaged(20)],
        "too old": [],
    }
    moment = NOW + (timedelta(hours=3) if kind == "too old" else timedelta(seconds=30))

    assert LINKS.find(LINKS.token(order), [alert(order)], later) is not None
    assert LINKS.find(LINKS.token(order), [alert(order, *after[kind])], moment) is None


@given(st.text(max_size=40))
def test_nothing_else_opens_it(token: str) -> None:
    if token != LINKS.token(engaged()):
        assert LINKS.find(token, [alert(engaged())], NOW) is None


# --- the page ---


@asynccontextmanager
async def sent(path: Path, **settings: Any) -> AsyncIterator[tuple[Room, str]]:
    """Give a room in which an officer pressed and a crew was sent, and the page's address."""
    async with room(path, public_url="http://127.0.0.1", **settings) as there:
        await there.tell("press s1")
        await eventually(lambda: INCIDENT in there.engine.pictures)
        await there.engine.engage(INCIDENT, CREW, "Léa")
        await there.log_in()
        link = (await there.client.get(f"/api/incidents/{INCIDENT}/crew-link?crew={CREW}")).json()
        there.client.cookies.clear()  # the phone has no session
        yield there, link["link"].removeprefix("http://127.0.0.1")


async def first_state(there: Room, page: str) -> dict[str, Any]:
    door = page.rpartition("/")[2]
    told = there_door(there)._told(door)
    async for event in told:
        if event.startswith("event: state"):
            await told.aclose()
            state: dict[str, Any] = json.loads(event.split("data: ")[1])
            return state
    raise AssertionError("the stream ended")


def there_door(there: Room) -> crew_door.CrewDoor:
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("vms_plugin"), autoescape=True)
    return crew_door.CrewDoor(there.engine, there.live, environment, lambda *_: b"")


async def test_the_order_carries_the_link_and_the_call_back_does_not(tmp_path: Path) -> None:
    async with sent(tmp_path) as (there, _):
        pass
    incident = there.engine.board.incidents[INCIDENT]
    picture = there.engine.pictures[INCIDENT]
    say, subject = Language("fr"), f"order:{INCIDENT} {CREW}"
    links = there.engine.dispatch.links
    call = call_for(subject, Shown(), picture, incident, lambda _: True, say, link=links.link)
    back = Released(id=FactId("renfort:r"), at=datetime.now(UTC), incident=INCIDENT, by="Léa",
                    crew=CREW)  # fmt: skip
    called = call_for(
        subject, Shown(), picture, incident.add(back), lambda _: True, say, link=links.link
    )

    assert call is not None
    assert called is not None
    assert call.facts["order"].link.startswith("http://127.0.0.1/e/")
    assert called.facts["order"].link == ""


async def test_it_shows_the_place_and_takes_what_the_crew_says(tmp_path: Path) -> None:
    async with sent(tmp_path) as (there, page):
        html = await there.client.get(page)
        told = await first_state(there, page)
        for status in ("en_route", "en_route", "on_scene"):
            answer = await there.client.post(f"{page}/status", json={"status": status})
            assert answer.status_code == 204
        later = await first_state(there, page)
        wrong = await there.client.post(f"{page}/status", json={"status": "free"})
        foreign = await there.client.post(
            f"{page}/status", json={"status": "free"}, headers={"Origin": "https://evil.example"}
        )
        facts = await there.engine.store.facts_of(INCIDENT)
        crew = there.engine.board.crews[CREW].crew

    assert html.status_code == 200
    assert html.headers["referrer-policy"] == "no-referrer"
    assert "unsafe" not in html.headers["content-security-policy"]
    assert "Sur place" in html.text
    assert (told["status"], later["status"]) == ("told", "on_scene")
    assert set(told) & {"name", "cameras", "crews", "owner"} == set()
    assert [fact.status for fact in facts if isinstance(fact, Progressed)] == [
        CrewStatus.EN_ROUTE, CrewStatus.ON_SCENE,
    ]  # fmt: skip
    assert crew.status is CrewStatus.ON_SCENE
    assert (wrong.status_code, foreign.status_code) == (400, 403)


@pytest.mark.parametrize("method", ["stream", "status", "whep", "map/night/1/0/0.svg", ""])
async def test_a_link_that_holds_no_longer_opens_nothing_and_says_so(
    tmp_path: Path, method: str
) -> None:
    async with sent(tmp_path) as (there, page):
        await there.engine.release(INCIDENT, CREW, "Léa")
        place = f"{page}/{method}".rstrip("/")
        posted = method in ("status", "whep")
        answer = await (there.client.post(place) if posted else there.client.get(place))

    assert answer.status_code == 410
    assert "plus valable" in answer.text


async def test_r241_12_ii_3_the_picture_is_theirs_only_while_they_are_engaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_door, "AGAIN_S", 0.05)
    async with sent(tmp_path) as (there, page):
        browser = Browser()
        headers = {"Content-Type": "application/sdp"}
        offer = await browser.offer()
        answer = await there.client.post(f"{page}/whep", content=offer, headers=headers)
        await browser.accept(answer)
        await browser.frame()
        await there.engine.release(INCIDENT, CREW, "Léa")
        await eventually(lambda: browser.peer.connectionState in ("closed", "failed"))
        again = await there.client.post(f"{page}/whep", content=offer, headers=headers)
        views = await there.views(2)

    assert again.status_code == 410
    assert views == [
        'crews:21 {"address": "127.0.0.1", "view": "opened"}',
        'crews:21 {"address": "127.0.0.1", "view": "closed"}',
    ]


async def test_a_town_may_keep_the_picture_from_crews(tmp_path: Path) -> None:
    async with sent(tmp_path, crew_live=False) as (there, page):
        told = await first_state(there, page)
        answer = await there.client.post(
            f"{page}/whep", content=await Browser().offer(),
            headers={"Content-Type": "application/sdp"},
        )  # fmt: skip

    assert told["live"] is None
    assert answer.status_code == 404


async def test_its_stream_ends_with_the_order(tmp_path: Path) -> None:
    async with sent(tmp_path) as (there, page):
        told = there_door(there)._told(page.rpartition("/")[2])
        heard = [await anext(told), await anext(told)]
        await there.engine.close(INCIDENT, "Léa", "Résolu")
        heard += [each async for each in told]

    assert heard[1].startswith("event: state")
    assert heard[-1].startswith("event: over")


async def test_a_crew_on_its_way_is_told_where_to_on_a_full_disk_and_that_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "TICK_S", 0.02)
    async with sent(tmp_path) as (there, page):
        await fill(there.engine.store)
        reading = asyncio.ensure_future(there.client.get(f"{page}/stream"))
        await eventually(lambda: there.engine.store.arrears.fault)
        await there.engine.close(INCIDENT, "Léa", "Résolu")
        told = await asyncio.wait_for(reading, 10)
        await fill(there.engine.store, full=False)
        await eventually(lambda: not there.engine.store.arrears.fault)
        views = await there.views()

    assert told.status_code == 200
    assert "event: state" in told.text
    assert views == ['crews:21 {"address": "127.0.0.1", "page": "opened"}']
