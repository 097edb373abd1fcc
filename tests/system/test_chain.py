"""Whole chains: real processes, real protocols, a real browser, and a power cut."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from vms_plugin.demo import moving, town
from vms_plugin.demo_page import FLAGS
from vms_plugin.stage import NAME, Stage, site

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.system


def until(true: Callable[[], Any], seconds: float = 20) -> Any:
    limit = monotonic() + seconds
    while monotonic() < limit:
        answer = true()
        if answer:
            return answer
        sleep(0.05)
    raise AssertionError("it never came true")


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_the_demonstration_reaches_every_stage() -> None:
    command = [sys.executable, "-m", "vms_plugin", "demo", "--once", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["stages"]) == {"durable", "picture", "alarm", "page"}
    assert all(millis > 0 for millis in result["stages"].values())
    assert result["page_measured_in"] == "chromium"


@pytest.mark.timeout(400)
def test_killed_at_random_during_a_hundred_presses_nothing_is_lost_nor_doubled() -> None:
    command = [sys.executable, "benchmarks/crash.py", "--presses", "100", "--kills", "12"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=350, cwd=ROOT
    )

    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout)
    assert counts == {
        "presses": 100, "incidents": 100, "alarms": 100, "doubled": 0, "kills": 12,
    }  # fmt: skip


@pytest.mark.browser
@pytest.mark.timeout(180)
async def test_an_operator_lives_a_whole_incident(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm) as stage, moving(stage, osm):
        await asyncio.to_thread(_incident, stage)
        await stage.kill()
        await stage.start()
        await asyncio.to_thread(_after_a_power_cut, stage)


def _incident(stage: Stage) -> None:
    session = stage.operator()
    stage.until_ready(session)
    session.close()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        complaints: list[str] = []
        asked: list[str] = []
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        _log_in(page, stage)

        told = stage.press(lon=24.944, lat=60.1705, eph=8)
        incident = f"axis:{told['sessionId']}"
        page.wait_for_selector(".card.new")
        assert page.inner_text("#banner h2").startswith("PM-201")
        page.wait_for_selector("#tiles [data-camera]")
        page.wait_for_selector("#crews [data-crew]")

        page.keyboard.press("Enter")
        page.wait_for_selector(".card.taken")
        page.keyboard.press("1")
        page.wait_for_selector(".card.engaged")
        alarm = until(lambda: stage.alarms_of(incident))[0]
        until(lambda: stage.alarms_of(incident)[0]["state"]["name"] == "In progress")
        assert "AGENT EN DANGER : PM-201" in alarm["name"]

        page.keyboard.press("c")
        page.click("dialog button:has-text('Résolu')")
        page.wait_for_selector("#banner.closed")
        until(lambda: stage.alarms_of(incident)[0]["state"]["name"] == "Closed")
        assert complaints == []
        assert {url.split("/")[2] for url in asked if "://" in url} == {stage.url.split("/")[2]}
        _no_english(page)

        stage.press(serial=stage.axis["cameras"][1])
        page.wait_for_selector(".card.new")
        assert "Position inconnue" in page.inner_text(".card.new")
        page.mouse.click(640, 400)
        page.wait_for_selector("#banner.new .facts:has-text('placé par demo')")
        browser.close()


def _after_a_power_cut(stage: Stage) -> None:
    session = stage.operator()
    pictures = stage.state(session)["pictures"]

    assert [each["phase"] for each in pictures] == ["new"]
    assert pictures[0]["position"]["byOperator"]
    until(lambda: len(stage.alarms()) >= 2)  # the second may have been cut off on its way
    until(lambda: not any(each["behind"] for each in stage.state(session)["health"]["adapters"]))
    assert len(stage.alarms()) == 2
    session.close()


def _log_in(page: Page, stage: Stage) -> None:
    page.goto(stage.url)
    page.fill("[name=name]", NAME)
    page.fill("[name=password]", stage.password)
    page.click("[type=submit]")
    page.wait_for_selector("#chain *")


def _no_english(page: Page) -> None:
    words = set(page.inner_text("body").lower().replace(":", " ").split())

    assert not words & {"the", "of", "camera", "cameras", "closed", "taken", "position:", "must"}


@pytest.mark.timeout(120)
async def test_a_press_while_nobody_listens_is_not_missed(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm, status_every_s=0.5) as stage:
        session = await asyncio.to_thread(stage.operator)
        await asyncio.to_thread(stage.until_ready, session)

        told = await asyncio.to_thread(lambda: stage.press(deliver=False, lon=24.944, lat=60.17))

        incident = f"axis:{told['sessionId']}"
        await asyncio.to_thread(until, lambda: stage.alarms_of(incident))
        await asyncio.to_thread(stage.release, told["serial"])
        state = await asyncio.to_thread(until, lambda: _ended(stage, session))
        session.close()

    assert state["pictures"][0]["phase"] == "new"


def _ended(stage: Stage, session: Any) -> dict[str, Any] | None:
    state = stage.state(session)
    return state if state["pictures"][0]["ended"] else None
