"""The live room: who may look, what the register says of it, and that nothing outlives its end."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aioice.ice
import pytest

from adapters._simulated.lens import read_clock
from hooks import Live, Unreachable
from tests.host.live_room import INCIDENT, Browser, eventually, room, watching
from tests.network import free_port
from vms_plugin.live import stage
from vms_plugin.live.channel import State
from vms_plugin.settings import LiveSettings
from vms_plugin.web import live as live_door

pytestmark = pytest.mark.usefixtures("on_loopback")


async def test_those_entitled_see_and_hear_what_the_camera_codes(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            frames = [await browser.frame() for _ in range(5)]
            sound = await browser.frame("audio")

    clocks = [read_clock(frame.to_ndarray(format="gray")) for frame in frames]
    assert None not in clocks
    assert clocks == sorted(clocks)  # type: ignore[type-var]
    assert sound.sample_rate == 48_000


async def test_nobody_outside_is_asked_nor_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def ask(_protocol: object, server: object) -> None:
        asked.append(server)
        await asyncio.sleep(30)  # a firewall that drops, a name that nobody resolves

    monkeypatch.setattr(aioice.ice, "server_reflexive_candidate", ask)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()

    assert asked == []


async def test_a_camera_gives_one_session_whatever_the_number_of_viewers(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (one, _), watching(there) as (two, _):
            await one.frame()
            await two.frame()
            assert there.source.runs == 1


async def test_a_civilian_has_the_alert_and_not_the_picture_r241_12(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in("Tom")
        state = (await there.client.get("/api/state")).json()
        answer = await there.offer(await Browser().offer(), token)

        assert [each["incident"] for each in state["pictures"]] == [INCIDENT]
        assert answer.status_code == 403
        assert "police municipale" in answer.json()["error"]
        assert await there.views() == []


async def test_nobody_looks_without_logging_in_nor_from_another_page(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        stranger = await there.offer("v=0", "")
        await there.log_in()
        forged = await there.offer("v=0", "no token of ours")

    assert (stranger.status_code, forged.status_code) == (401, 403)


async def test_each_view_is_a_consultation_opened_and_closed_r241_14(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, answer):
            await browser.frame()
            token = await there.log_in()
            place = answer.headers["location"]
            gone = await there.client.delete(place, headers={"X-Renfort-Token": token})
            again = await there.client.delete(place, headers={"X-Renfort-Token": token})
        views = await there.views(2)

    assert (gone.status_code, again.status_code) == (200, 200)
    assert views == [
        'Léa {"address": "127.0.0.1", "view": "opened"}',
        'Léa {"address": "127.0.0.1", "view": "closed"}',
    ]


async def test_nothing_outlives_the_end_of_the_activation_r241_11(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 3600)  # told at once, not found out at the next look
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            await there.tell("stop s1")
            await eventually(lambda: there.source.running == 0)
            await eventually(lambda: browser.peer.connectionState in ("closed", "failed"))
        token = await there.log_in()
        late = await there.offer(await Browser().offer(), token)
        views = await there.views(2)

    assert late.status_code == 404
    assert [view.split('"view": ')[1] for view in views] == ['"opened"}', '"closed"}']
    assert there.live.status == {}


async def test_a_live_room_that_lost_the_thread_stops_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as there:

        def broken(_picture: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(there.live, "_match", broken)
        await there.tell("press s1")
        await asyncio.wait_for(there.engine.broken.wait(), 10)
        there.engine.broken.clear()  # the host would end here


async def test_a_view_ends_with_the_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 0.05)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            token = (await there.client.get("/api/state")).json()["token"]
            await there.client.post("/logout", headers={"X-Renfort-Token": token})
            await eventually(lambda: browser.peer.connectionState in ("closed", "failed"))


async def test_a_view_ends_with_the_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_door, "AGAIN_S", 0.05)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            await there.engine.store.query("UPDATE account SET role = 'civil'")
            await eventually(lambda: browser.peer.connectionState in ("closed", "failed"))


async def test_a_source_that_breaks_is_fetched_again_and_the_gap_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "FIRST_WAIT_S", 0.5)
    async with room(tmp_path) as there:
        await there.log_in()
        there.source.breaks = [Unreachable("no picture from the camera for {s:.0f} s", s=8)]
        await there.tell("press s1")
        await there.until(State.LOST)
        told = (await there.client.get("/api/state")).json()["live"][INCIDENT]
        await there.until(State.SHOWING)

    assert told["why"] == "aucune image de la caméra depuis 8 s"
    assert datetime.fromtimestamp(told["since"] / 1000, UTC) <= datetime.now(UTC)
    assert there.source.runs == 2


@pytest.mark.parametrize(
    ("gives", "state", "why"),
    [
        (None, State.REFUSED, "this camera gives no live picture"),
        (Live(url=""), State.REFUSED, "this camera gives no live picture"),
        ("a picture", State.LOST, "open_live answered str instead of Live"),
    ],
)
async def test_an_adapter_that_gives_no_picture_or_nonsense_is_said(
    tmp_path: Path, gives: object, state: State, why: str
) -> None:
    async with room(tmp_path) as there:
        there.source.gives = gives
        await there.tell("press s1")
        await there.until(state)
        status = there.status()

    assert status is not None
    assert str(status.why) == why


async def test_a_stranger_that_raises_anything_ends_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        there.source.breaks = [RuntimeError("bug")]
        await there.tell("press s1")
        await there.until(State.SHOWING)


async def test_the_wearers_uplink_is_left_alone_when_nobody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "UNWATCHED_S", 0.3)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        await there.until(State.RESTING)
        assert there.source.running == 0
        async with watching(there) as (browser, _):
            await browser.frame()
            assert there.source.running == 1


async def test_a_restarted_host_shows_what_still_runs(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        await there.until(State.SHOWING)
    async with room(tmp_path) as there:
        await there.until(State.SHOWING)


async def test_too_many_viewers_are_told_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "VIEWERS_MOST", 1)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        async with watching(there) as (browser, _):
            await browser.frame()
            second = await there.offer(await Browser().offer(), await there.log_in())

    assert second.status_code == 503
    assert second.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"content": "not a description"}, 400),
        ({"content": "v=0\r\nm=video x y z\r\n"}, 400),
        ({"content": "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 3}, 400),
        ({"content": "x" * 70_000}, 415),
        ({"content": b"\xff\xfe"}, 400),
    ],
)
async def test_an_offer_that_is_none_is_refused_and_harms_nothing(
    tmp_path: Path, more: dict[str, Any], status: int
) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in()
        answer = await there.offer("", token, **more)
        async with watching(there) as (browser, _):
            await browser.frame()

    assert answer.status_code == status


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda offer: re.sub(r"(a=candidate:\S+ 1 udp \d+) \S+", r"\1 1f-2e.local", offer),
        lambda offer: re.sub(r"a=candidate:.*\r\n", "", offer),
    ],
    ids=["hidden behind a name", "told nowhere"],
)
async def test_a_browser_that_hides_its_address_is_shown_the_picture(
    spoilt: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def look_for(name: object) -> None:
        asked.append(name)

    monkeypatch.setattr(aioice.ice, "get_or_create_mdns_protocol", look_for)
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token, browser = await there.log_in(), Browser()
        offer = await browser.offer()
        assert "a=end-of-candidates" in offer
        headers = {"Content-Type": "Application/SDP ; charset=utf-8", "X-Renfort-Token": token}
        answer = await there.offer(spoilt(offer), token, headers=headers)
        await browser.accept(answer)
        await browser.frame()

    assert asked == []  # it takes a second


async def test_a_client_that_bundles_nothing_sees_and_hears(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token, browser = await there.log_in(), Browser()
        offer = re.sub(r"a=group:BUNDLE.*\r\n", "", await browser.offer())
        answer = await there.offer(offer, token)
        await browser.accept(answer)
        await browser.frame()
        await browser.frame("audio")

    assert "BUNDLE" not in answer.text


async def test_an_offer_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in()
        offer = re.sub(r"a=fingerprint:.*\r\n", "", await Browser().offer())
        answer = await there.offer(offer, token)

    assert answer.status_code == 400


async def test_an_offer_of_sound_alone_is_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.tell("press s1")
        token = await there.log_in()
        answer = await there.offer(await Browser("audio").offer(), token)
        headers = {"X-Renfort-Token": token, "Content-Type": "application/json"}
        json = await there.offer("{}", token, headers=headers)

    assert (answer.status_code, json.status_code) == (400, 415)


async def test_a_port_that_is_taken_costs_the_vms_its_picture_and_the_room_nothing(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        live = LiveSettings(rtsp_port=port, username="vms", password="secret")
        async with room(tmp_path, live=live) as there:
            await there.tell("press s1")
            async with watching(there) as (browser, _):
                await browser.frame()
            health = (await there.client.get("/api/state")).json()["health"]

    [note] = health["notes"]
    assert f"le port {port} ne peut pas être ouvert" in note


@pytest.mark.media
async def test_a_vms_is_given_the_picture_by_rtsp_and_the_register_says_so(tmp_path: Path) -> None:
    port = free_port()
    live = LiveSettings(rtsp_port=port, username="vms", password="secret")
    async with room(tmp_path, live=live) as there:
        await there.tell("press s1")
        await there.until(State.SHOWING)
        process = await asyncio.create_subprocess_exec(
            "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries",
            "stream=codec_name", "-of", "compact", f"rtsp://vms:secret@127.0.0.1:{port}/src:d",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        found, _ = await asyncio.wait_for(process.communicate(), 30)
        await there.views(2)
        rows = await there.engine.store.register()
        assert there.live.knows("src:d")
        await there.tell("stop s1")
        await eventually(lambda: not there.live.knows("src:d"))

    assert b"codec_name=h264" in found
    assert [(row[2], row[3], row[4]) for row in rows] == [("communication", "vms", "src:d")] * 2
