"""A camera's tile in a real browser: seen, swapped, refused in words, gone with its incident."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.host.live_room import INCIDENT, PASSWORD, Room, eventually, room
from tests.host.test_cctv import sighting
from tests.network import NETWORK
from tests.serving import Server
from vms_plugin.demo_page import FLAGS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not NETWORK, reason="WebRTC needs a network interface besides loopback"),
]

#: Each tile of the strip: its camera, its state, what is read, how far its picture has come.
TILES = """() => [
  ...document.querySelectorAll("#tiles .cctv")].filter((box) => !box.hidden).map((box) => [
  box.dataset.camera, box.dataset.state, box.textContent, box.querySelector("video").currentTime,
])"""


@asynccontextmanager
async def served(path: Path, *cameras: str) -> AsyncIterator[tuple[Room, str]]:
    async with room(path) as there:
        there.paper.proposes = tuple(sighting(each) for each in cameras)
        await there.tell("press s1")
        await eventually(lambda: INCIDENT in there.engine.pictures)
        async with Server(there.app).here() as url:
            yield there, url


class Desk:
    """An operator's browser; what it is told to do is done in a thread."""

    def __init__(self, page: Page, there: Room, loop: asyncio.AbstractEventLoop) -> None:
        self.page, self.there, self._loop = page, there, loop

    def host(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def until(self, true: Callable[[list[Any]], object], seconds: float = 60) -> list[Any]:
        limit = monotonic() + seconds
        told: list[Any] = []
        while monotonic() < limit:
            told = self.page.evaluate(TILES)
            if true(told):
                return told
            self.page.wait_for_timeout(50)
        raise AssertionError(told)


async def at_desk(there: Room, url: str, act: Callable[[Desk], None]) -> None:
    loop = asyncio.get_running_loop()

    def sit() -> None:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            page = browser.new_page()
            faults: list[str] = []
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(url)
            page.fill("[name=name]", "Tom")  # a civilian: the town's cameras are his
            page.fill("[name=password]", PASSWORD)
            page.click("[type=submit]")
            page.wait_for_selector("#chain")
            act(Desk(page, there, loop))
            assert faults == []
            browser.close()

    await asyncio.to_thread(sit)


def showing(*names: str) -> Callable[[list[Any]], bool]:
    return lambda told: [each[:2] for each in told] == [[name, "showing"] for name in names]


@pytest.mark.timeout(240)
async def test_tiles_move_give_their_places_and_go_with_their_incident(tmp_path: Path) -> None:
    def act(desk: Desk) -> None:
        there, names = desk.there, ["src:a", "src:b", "src:c", "src:d", "src:e"]
        told = desk.until(showing(*names[:4]))
        desk.until(lambda now: all(each[3] > was[3] for each, was in zip(now, told, strict=True)))
        desk.until(lambda now: re.search(r"en direct\d,\d s de retard$", now[0][2]))
        assert desk.page.evaluate("() => document.querySelector('#tiles video').muted")
        assert len(there.live._views) == 4

        there.paper.proposes = tuple(sighting(each) for each in names[1:])
        desk.host(there.engine.take_in_charge(INCIDENT, "Léa"))
        desk.until(lambda told: showing(*sorted(each[0] for each in told))(sorted(told))
                   and {each[0] for each in told} == set(names[1:]))  # fmt: skip
        assert len(there.live._views) == 4

        desk.host(there.engine.close(INCIDENT, "Léa", ""))
        desk.until(lambda told: told == [])
        desk.host(eventually(lambda: not there.live._views and not there.source.running))

    async with served(tmp_path, "src:a", "src:b", "src:c", "src:d", "src:e") as (there, url):
        await at_desk(there, url, act)


@pytest.mark.timeout(240)
async def test_a_camera_that_is_refused_says_why_and_a_page_that_leaves_lets_go(
    tmp_path: Path,
) -> None:
    def act(desk: Desk) -> None:
        told = desk.until(lambda told: [each[1] for each in told] == ["refused", "showing"])
        assert "masques de confidentialité" in told[0][2]
        assert desk.page.evaluate("() => document.querySelector('#tiles video').hidden")
        desk.page.goto("about:blank")
        desk.host(eventually(lambda: not desk.there.live._views))

    async with served(tmp_path, "src:a", "src:b") as (there, url):
        masked = "XProtect keeps a camera with privacy masks in its own Smart Client"
        there.source.refuses = {"src:a": masked}
        await at_desk(there, url, act)
