"""The whole chain with a hypervisor: told, acknowledged, seen on the page in a real browser."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import sync_playwright

from tests.system.test_chain import until
from vms_plugin.demo import town
from vms_plugin.demo_page import FLAGS
from vms_plugin.stage import NAME, Stage, site

pytestmark = pytest.mark.system


def kinds(stage: Stage) -> list[str]:
    messages = stage.told()
    assert [each["why"] for each in messages if not each["valid"]] == []
    return [each["kind"] for each in messages]


@pytest.mark.browser
@pytest.mark.timeout(240)
async def test_a_press_reaches_the_hypervisor_and_its_ack_is_on_the_page(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm, hypervisor=("--ack", "none")) as stage:
        await asyncio.to_thread(_lived, stage)


def _lived(stage: Stage) -> None:
    session = stage.operator()
    stage.until_ready(session)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(stage.url)
        page.fill("[name=name]", NAME)
        page.fill("[name=password]", stage.password)
        page.click("[type=submit]")
        stage.press(lon=24.944, lat=60.1705, eph=8)
        page.wait_for_selector(".card.new")
        [alert] = until(stage.told)

        said = stage.order_hypervisor("ack", times=2)
        page.wait_for_selector("text=/[Rr]éception confirmée.*hyperviseur@simulateur/")
        wrong = stage.order_hypervisor("ack", wrong="sent")
        browser.close()

    assert (alert["kind"], alert["valid"]) == ("Alert", True)
    assert alert["fields"]["headline"].startswith("AGENT EN DANGER : PM-201")
    assert [each["status"] for each in said["answers"]] == [202, 202]
    assert wrong["answers"][0]["status"] == 422
    _positions_become_crews(stage, session)
    _what_is_hostile_hurts_nobody(stage, session)
    _the_end_is_told(stage, session)
    session.close()


def _positions_become_crews(stage: Stage, session: requests.Session) -> None:
    answer = stage.order_hypervisor("positions", count=3, lon=24.944, lat=60.1705)
    crews = {
        each["id"]: each for each in stage.state(session)["crews"] if each["id"].startswith("ineo:")
    }

    assert answer["status"] == 202
    assert len(crews) == 3
    assert {each["status"] for each in crews.values()} == {"free"}


def _what_is_hostile_hurts_nobody(stage: Stage, session: requests.Session) -> None:
    for kind in ("bomb", "external", "charset", "charset-json", "deep-json"):
        assert stage.order_hypervisor("send", kind=kind)["status"] == 422, kind
    assert stage.order_hypervisor("send", kind="huge")["status"] == 413
    assert stage.state(session)["pictures"]


def _the_end_is_told(stage: Stage, session: requests.Session) -> None:
    state = stage.state(session)
    body: dict[str, Any] = {
        "decision": "close", "incident": state["pictures"][0]["incident"], "outcome": "Résolu",
    }  # fmt: skip
    headers = {"X-Renfort-Token": state["token"]}
    session.post(f"{stage.url}/api/decide", json=body, headers=headers, timeout=10)
    until(lambda: kinds(stage)[-1] == "Cancel")

    # Reception, told back to us, changed nothing for the hypervisor: it was told of no update.
    assert kinds(stage) == ["Alert", "Cancel"]


@pytest.mark.timeout(180)
async def test_an_ack_in_the_answer_counts_and_the_feed_can_be_pulled(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm, hypervisor=("--ack", "answer")) as stage:
        await asyncio.to_thread(_answered, stage)


def _answered(stage: Stage) -> None:
    session = stage.operator()
    stage.until_ready(session)
    stage.press(lon=24.944, lat=60.1705, eph=8)
    until(lambda: any(p["receivedBy"] for p in stage.state(session)["pictures"]))
    feed = requests.get(
        f"{stage.url}/outlet/ineo/feed.atom", auth=("reader", stage.hypervisor_token), timeout=10
    )
    closed = requests.get(f"{stage.url}/outlet/ineo/feed.atom", timeout=10)

    [alert] = stage.told()
    assert alert["identifier"] in feed.text
    assert feed.headers["content-type"].startswith("application/atom+xml")
    assert closed.status_code == 401
    session.close()
