"""The town's cameras on the page: for those entitled, mute, and no longer than their incident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from adapters._simulated.lens import read_clock
from hooks import Camera, CameraId, IncidentId, Live, PixelClass, Refused, Sighting
from tests.host.live_room import INCIDENT, Browser, Room, eventually, room
from vms_plugin.live import relay, stage
from vms_plugin.live.channel import State
from vms_plugin.web import live as live_door

pytestmark = pytest.mark.usefixtures("on_loopback")

CAMERA = "src:quai"


def sighting(name: str = CAMERA, commune: str = "") -> Sighting:
    return Sighting(
        camera=Camera(id=CameraId(name), name="Quai", commune=commune), distance_m=30.0,
        bearing_deg=90.0, density_px_m=140.0, pixel_class=PixelClass.OBSERVE, must_turn=False,
        share=1.0,
    )  # fmt: skip


@asynccontextmanager
async def street(path: Path, *cameras: Sighting, **more: Any) -> AsyncIterator[Room]:
    """A room where an officer has pressed, and cameras are proposed."""
    async with room(path, **more) as there:
        there.paper.proposes = cameras or (sighting(),)
        await there.tell("press s1")
        await eventually(lambda: INCIDENT in there.engine.pictures)
        yield there


async def ask(
    there: Room, browser: Browser, camera: str = CAMERA, who: str = "Léa", **more: str
) -> httpx.Response:
    token = more.get("token") or await there.log_in(who)
    url = f"/whep/camera/{quote(camera)}?incident={quote(more.get('incident', INCIDENT))}"
    headers = {"Content-Type": "application/sdp", "X-Renfort-Token": token,
               "X-Renfort-Page": more.get("page", "p")}  # fmt: skip
    return await there.client.post(url, content=await browser.offer(), headers=headers)


@asynccontextmanager
async def watching(
    there: Room, camera: str = CAMERA, who: str = "Léa", **more: str
) -> AsyncIterator[Browser]:
    browser = Browser("video")
    await browser.accept(await ask(there, browser, camera, who, **more))
    try:
        yield browser
    finally:
        await browser.peer.close()


def cut(browser: Browser) -> bool:
    return browser.peer.connectionState in ("closed", "failed")


async def test_a_camera_is_fetched_once_and_seen_by_all_who_are_entitled(tmp_path: Path) -> None:
    async with (
        street(tmp_path) as there,
        watching(there) as one,
        watching(there, who="Tom", page="q") as two,  # a civilian may watch the town's cameras
    ):
        frames = [await one.frame() for _ in range(3)]
        await two.frame()
        await there.until(State.SHOWING, CAMERA)
        fetched = there.source.asked
        state = (await there.client.get("/api/state")).json()

    assert None not in [read_clock(frame.to_ndarray(format="gray")) for frame in frames]
    assert fetched == [CAMERA]
    assert state["cctv"][CAMERA]["state"] == "showing"


async def test_a_camera_is_mute_even_for_a_browser_that_asks_for_sound_r253_1(
    tmp_path: Path,
) -> None:
    async with street(tmp_path) as there:
        browser = Browser("video", "audio")
        answer = await ask(there, browser)
        await browser.accept(answer)
        await browser.frame()
        directions = {each.kind: each.currentDirection for each in browser.peer.getTransceivers()}
        [kinds] = [
            set(viewer._tracks) for each in there.live._stages.values()
            for viewer in each.viewers.values()
        ]  # fmt: skip

    assert directions == {"video": "recvonly", "audio": "inactive"}
    assert kinds == {"video"}


async def test_without_the_right_a_camera_stays_shut(tmp_path: Path) -> None:
    async with street(tmp_path) as there:
        await there.engine.store.query("UPDATE account SET role = 'dpo' WHERE name = 'Tom'")
        answer = await ask(there, Browser("video"), who="Tom")
        views = await there.views()

    assert answer.status_code == 403
    assert views == []
    assert there.source.asked == []


@pytest.mark.parametrize(
    ("camera", "incident"),
    [("src:elsewhere", INCIDENT), (CAMERA, "src:s2"), (CAMERA, ""), ("stranger:1", INCIDENT)],
)
async def test_only_what_is_proposed_for_an_open_incident_is_shown(
    tmp_path: Path, camera: str, incident: str
) -> None:
    async with street(tmp_path) as there:
        answer = await ask(there, Browser("video"), camera, incident=incident)
        views = await there.views()

    assert answer.status_code == 404
    assert views == []
    assert there.source.asked == []


async def test_no_camera_outside_the_communes_of_competence_r253_3(tmp_path: Path) -> None:
    near, far = sighting("src:near", "34344"), sighting("src:far", "34240")
    async with street(tmp_path, near, far, communes=frozenset({"34344"})) as there:
        ours = await ask(there, Browser("video"), "src:near")
        theirs = await ask(there, Browser("video"), "src:far")

    assert (ours.status_code, theirs.status_code) == (201, 404)


async def test_a_held_camera_stays_when_the_officer_has_walked_past_it(tmp_path: Path) -> None:
    async with street(tmp_path) as there, watching(there) as browser:
        await browser.frame()
        there.paper.proposes = (sighting("src:next"),)
        await there.engine.take_in_charge(INCIDENT, "Léa")
        again = await ask(there, Browser("video"), page="after a reload")
        await browser.frame()

    assert again.status_code == 201


async def test_each_view_is_in_the_register_with_its_incident_as_the_reason(tmp_path: Path) -> None:
    async with street(tmp_path) as there:
        async with watching(there) as browser:
            await browser.frame()
        await there.views(2)
        rows = await there.engine.store.register()
        title = there.engine.pictures[INCIDENT].title

    assert [(row[2], row[3], row[4], row[5]) for row in rows] == [
        ("consultation", "Léa", CAMERA, title)
    ] * 2
    assert '"opened"' in rows[0][6]
    assert INCIDENT in rows[0][6]


async def test_every_camera_goes_with_the_incident_and_not_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 3600)
    async with street(tmp_path, sighting(), sighting("src:b")) as there:
        async with watching(there) as one, watching(there, "src:b") as two:
            await one.frame()
            await two.frame()
            await there.engine.close(INCIDENT, "Léa", "")
            await eventually(lambda: cut(one) and cut(two))
            late = await ask(there, Browser("video"))
        await eventually(lambda: not there.live.status)

    assert late.status_code == 404
    assert there.source.running == 0


async def test_the_end_of_the_activation_leaves_the_streets_cameras_on(tmp_path: Path) -> None:
    async with street(tmp_path) as there, watching(there) as browser:
        await browser.frame()
        await there.tell("stop s1")
        await eventually(lambda: there.live.officer(INCIDENT) is None)
        await browser.frame()


async def test_a_camera_that_two_incidents_watch_goes_for_the_one_that_ends(tmp_path: Path) -> None:
    async with street(tmp_path) as there:
        second = there.live._running[INCIDENT]
        picture = there.engine.pictures[INCIDENT]
        assert second.name == INCIDENT
        proposed = there.live._proposed._cameras
        proposed[IncidentId("src:s2")] = proposed[INCIDENT]
        async with watching(there) as one, watching(there, incident="src:s2") as two:
            await one.frame()
            await two.frame()
            await there.engine.close(picture.incident, "Léa", "")
            await eventually(lambda: cut(one))
            await two.frame()
            assert not cut(two)
            assert there.source.asked == [CAMERA]


async def test_a_page_shows_four_cameras_and_another_page_its_own(tmp_path: Path) -> None:
    cameras = [sighting(f"src:c{number}") for number in range(5)]
    async with street(tmp_path, *cameras) as there:
        token = await there.log_in()
        names = [each.camera.id for each in cameras]
        answers = [await ask(there, Browser("video"), name, token=token) for name in names]
        other = await ask(there, Browser("video"), names[4], token=token, page="the wall")

    assert [each.status_code for each in answers] == [201, 201, 201, 201, 503]
    assert "4" in answers[4].json()["error"]
    assert other.status_code == 201


async def test_no_more_cameras_than_a_bound_are_fetched_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CAMERAS_MOST", 1)
    async with street(tmp_path, sighting(), sighting("src:b")) as there:
        first = await ask(there, Browser("video"))
        same = await ask(there, Browser("video"), page="q")
        second = await ask(there, Browser("video"), "src:b", page="q")

    assert [each.status_code for each in (first, same, second)] == [201, 201, 503]


async def test_a_camera_that_nobody_watches_any_more_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "UNWATCHED_S", 0.3)
    async with street(tmp_path) as there:
        async with watching(there) as browser:
            await browser.frame()
            session = next(iter(there.live._views))
            await there.live.leave(session)
        await there.until(State.RESTING, CAMERA)
        async with watching(there) as browser:
            await browser.frame()


async def test_what_the_maker_refuses_is_told_in_words_and_not_asked_for_in_a_loop(
    tmp_path: Path,
) -> None:
    async with street(tmp_path) as there:
        there.source.breaks = [Refused("{host} refuses {path}", host="vms", path="x")] * 9
        async with watching(there):
            await there.until(State.REFUSED, CAMERA)
            await asyncio.sleep(0.6)
            status = there.status(CAMERA)
        asked = there.source.asked

    assert status is not None
    assert str(status.why) == "vms refuses x"
    assert asked == [CAMERA]


async def test_an_adapter_without_pictures_says_so(tmp_path: Path) -> None:
    async with street(tmp_path) as there:
        there.source.gives = Live()
        async with watching(there):
            await there.until(State.REFUSED, CAMERA)
            status = there.status(CAMERA)

    assert status is not None
    assert str(status.why) == "this camera gives no live picture"


async def test_a_view_of_a_camera_ends_with_the_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 0.05)
    async with street(tmp_path) as there, watching(there) as browser:
        await browser.frame()
        await there.engine.store.query("UPDATE account SET role = 'none'")
        await eventually(lambda: cut(browser))
