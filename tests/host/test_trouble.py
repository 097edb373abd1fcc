"""A bad network, and a VMS that restarts: each ends in a picture again, and the gap is told.

XProtect's end (see webrtc_server) and the adapter on one side of a lossy wire, the whole live room
behind, and a viewer that never touches anything. Patience is a site's, but where it must run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters._shared.webrtc import Patience
from adapters._simulated.lens import read_clock
from adapters.milestone.gateway import Gateway, Site
from adapters.milestone.webrtc import CameraSource
from hooks import Codec, Live
from tests.adapters.milestone.webrtc_server import Peer, Server, serving
from tests.host.live_room import Browser, Room, eventually
from tests.host.lossy import Lossy, led_by, port_of, without_candidates
from tests.host.test_cctv import CAMERA, ask, street
from vms_plugin.live.channel import State

pytestmark = pytest.mark.usefixtures("on_loopback")

GUID = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"
#: Ten seconds on a site. A loaded machine may outlast it: only for who wants another session.
SHORT = Patience(given_up_s=1.0)


class Wired(Server):
    """A gateway whose sessions all pass over bad wires."""

    def __init__(self) -> None:
        super().__init__()
        self.wires: list[Lossy] = []

    async def _made(self) -> tuple[str, Peer]:
        name, peer = await super()._made()
        wire, port = await Lossy.before(port_of(peer.candidates[0]))
        self.wires.append(wire)
        peer.candidates = [led_by(peer.candidates[0], port)]
        # What it is told of the other side leads past the wire: it is met by the way it comes.
        vars(peer)["candidate"] = _nowhere
        return name, peer


async def _nowhere(_said: str) -> None: ...


class Scene:
    """One camera, on the way to one viewer."""

    def __init__(self, there: Room, server: Wired, browser: Browser) -> None:
        self.there, self.server, self.browser = there, server, browser
        self.told: list[State] = []

    async def sees(self, number: int = 5) -> list[Any]:
        frames = [await self.browser.frame() for _ in range(number)]
        assert None not in [read_clock(frame.to_ndarray(format="gray")) for frame in frames]
        return frames


@asynccontextmanager
async def scene(path: Path, patience: Patience | None = None) -> AsyncIterator[Scene]:
    async with serving(Wired()) as server, street(path) as there:
        gateway = Gateway(Site(url=server.url, username="renfort", password="p"))
        source = CameraSource(gateway, GUID, patience=patience)
        there.source.gives_camera = Live(run=source.run, video=Codec.H264)
        browser = Browser("video")
        await browser.accept(await ask(there, browser))
        made = Scene(there, server, browser)
        note = there.live._changed

        def changed(of: Any, status: Any) -> None:
            made.told.append(status.state)
            note(of, status)

        vars(there.live)["_changed"] = changed
        await made.sees()
        try:
            yield made
        finally:
            await there.live.stop()
            for wire in server.wires:
                wire.close()


async def test_with_one_packet_in_twenty_lost_whole_pictures_go_on_coming(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        [wire] = it.server.wires
        wire.loss = 0.05
        await it.sees(75)

    assert wire.lost > 10
    assert len(it.server.sessions) == 1


async def test_a_hole_is_told_and_ends_by_itself_in_the_same_session(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.server.wires[0].hole = True
        await it.there.until(State.LOST, CAMERA)
        it.server.wires[0].hole = False
        status = it.there.status(CAMERA)
        await it.there.until(State.SHOWING, CAMERA)
        await it.sees()

    assert status is not None
    assert str(status.why) == "no picture comes from the camera"
    assert len(it.server.sessions) == 1


async def test_a_hole_longer_than_patience_ends_in_a_session_made_anew(tmp_path: Path) -> None:
    async with scene(tmp_path, SHORT) as it:
        before = len(it.server.sessions)
        it.server.wires[-1].hole = True  # the one in use
        await eventually(lambda: len(it.server.sessions) > before)
        await it.there.until(State.SHOWING, CAMERA)
        await it.sees()

    assert State.LOST in it.told


async def test_another_size_in_mid_stream_is_seen_without_a_hand(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.server.scene.size = (320, 180)
        async with asyncio.timeout(15):
            while (await it.browser.frame()).width != 320:
                pass
        await it.sees()


async def test_a_vms_that_restarts_in_mid_stream_is_fetched_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        for peer in it.server.sessions.values():
            await peer.close()
        it.server.refuses = (503, "")
        await it.there.until(State.LOST, CAMERA)
        it.server.refuses = None
        await it.there.until(State.SHOWING, CAMERA)
        await it.sees()

    assert len(it.server.sessions) > 1


async def test_a_viewer_on_a_bad_wire_loses_no_picture_for_long(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        browser = Browser("video")
        offer = without_candidates(await browser.offer())
        token = await it.there.log_in()
        answer = await it.there.client.post(
            f"/whep/camera/{CAMERA}", content=offer, params={"incident": "src:s1"},
            headers={"Content-Type": "application/sdp", "X-Renfort-Token": token},
        )  # fmt: skip
        wire, port = await Lossy.before(port_of(answer.text))
        led = httpx.Response(answer.status_code, headers=answer.headers,
                             text=led_by(answer.text, port))  # fmt: skip
        await browser.accept(led)
        await browser.frame()
        wire.loss = 0.05
        for _ in range(50):
            await browser.frame()
        wire.hole = True
        await asyncio.sleep(1)
        wire.hole, wire.loss = False, 0.0
        async with asyncio.timeout(15):  # this client shows torn pictures until a key picture
            while read_clock((await browser.frame()).to_ndarray(format="gray")) is None:
                pass
        wire.close()

    assert wire.lost > 5
