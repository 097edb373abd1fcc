"""A crew's own page in a real browser of a phone's size, against a host that runs as on a site."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from tests.network import NETWORK
from tests.system.test_chain import until
from vms_plugin.demo import town
from vms_plugin.demo_page import FLAGS
from vms_plugin.stage import Stage, site

pytestmark = [pytest.mark.system, pytest.mark.browser]

CREW = "crews:21"
expect.set_options(timeout=30_000)


@pytest.mark.timeout(180)
async def test_a_crew_finds_its_way_says_how_far_it_is_and_looks_while_it_is_engaged(
    tmp_path: Path,
) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm) as stage:
        await asyncio.to_thread(_night, stage)


def _night(stage: Stage) -> None:
    operator = stage.operator()
    stage.until_ready(operator)
    _crew(stage)
    incident = f"axis:{stage.press(lon=24.944, lat=60.1705, eph=8)['sessionId']}"
    until(lambda: any(p["incident"] == incident for p in stage.state(operator)["pictures"]))
    _decide(stage, operator, "engage", incident)
    address = f"{stage.url}/api/incidents/{incident}/crew-link"
    link = operator.get(address, params={"crew": CREW}, timeout=10).json()["link"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        phone = browser.new_page(viewport={"width": 390, "height": 844}, locale="fr-FR")
        asked: list[str] = []
        complaints: list[str] = []
        phone.on("request", lambda request: asked.append(request.url))
        phone.on("pageerror", lambda error: complaints.append(str(error)))
        phone.goto(link)
        _seen(phone)
        found = Axe().run(phone).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        phone.get_by_role("button", name="En route").click()
        expect(phone.get_by_role("button", name="En route")).to_have_attribute(
            "aria-pressed", "true"
        )
        phone.route("**/status", lambda _route: None)  # it hangs: by radio, then
        phone.get_by_role("button", name="Sur place").click()
        expect(phone.locator("#fault")).to_contain_text("radio")
        phone.unroute("**/status")
        crews = {each["id"]: each["status"] for each in stage.state(operator)["crews"]}
        assert crews[CREW] == "en_route"
        if NETWORK:
            _watched(phone)
        _decide(stage, operator, "release", incident)
        expect(phone.get_by_role("heading")).to_have_text("Ce lien n’est plus valable.")
        assert complaints == []
        assert {url for url in asked if not url.startswith((stage.url, "data:", "blob:"))} == set()
        browser.close()
    log = operator.get(f"{stage.url}/api/incidents/{incident}/log", timeout=10).json()
    assert "en route" in " ".join(line["text"] for line in log["lines"])
    operator.close()


def _seen(phone: Page) -> None:
    expect(phone.locator("#title")).to_contain_text("PM-20")
    expect(phone.locator("#way")).to_contain_text("min")
    expect(phone.locator("#map path").first).to_be_attached()  # the way
    expect(phone.locator("#map .man")).to_be_visible()


def _watched(phone: Page) -> None:
    phone.get_by_role("button", name="Voir ce qu’il filme").click()
    expect(phone.locator("#live")).to_have_text("en direct")
    assert phone.evaluate("document.querySelector('video').muted")
    phone.get_by_role("button", name="Ne plus regarder").click()
    expect(phone.locator("video")).to_be_hidden()


def _crew(stage: Stage) -> None:
    feature: dict[str, Any] = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [24.94, 60.169]},
        "properties": {"id": "21", "name": "Brigade 21", "status": "free", "means": "car",
                       "fixed_at": datetime.now(UTC).isoformat()},
    }  # fmt: skip
    requests.post(
        f"{stage.url}/intake/crews", json=feature, timeout=10,
        headers={"Authorization": f"Bearer {stage.crews_token}"},
    ).raise_for_status()  # fmt: skip


def _decide(stage: Stage, operator: requests.Session, decision: str, incident: str) -> None:
    headers = {"X-Renfort-Token": stage.state(operator)["token"]}
    body = {"decision": decision, "incident": incident, "crew": CREW}
    operator.post(
        f"{stage.url}/api/decide", json=body, headers=headers, timeout=10
    ).raise_for_status()
