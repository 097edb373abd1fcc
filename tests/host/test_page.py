"""The operator's page in a real browser before a small room: what it says, what keys do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from hooks import Message, Phase
from tests.host.live_room import INCIDENT, PASSWORD, Room, eventually, room
from tests.serving import Server
from vms_plugin.demo_page import FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

#: The smallest that is promised.
PANE = {"width": 800, "height": 600}
#: A machine whose clock is ten minutes ahead; `later` moves it on, as if nothing were heard.
AHEAD = "const right = Date.now; window.later = 0; Date.now = () => right() + 600000 + later;"


async def at_desk(
    path: Path, act: Callable[[Page, Room], None], name: str = "Léa", *,
    presses: int = 1, script: str = "", **how: Any,
) -> None:  # fmt: skip
    """Open a room with alerts, and a page of it in a browser that is as told."""
    async with room(path) as there:
        for number in range(1, presses + 1):
            await there.tell(f"press s{number}")
        await eventually(lambda: len(there.engine.pictures) == presses)
        async with Server(there.app).here() as url:
            await asyncio.to_thread(sit, url, there, act, name, script, how)


def sit(
    url: str, there: Room, act: Callable[[Page, Room], None], name: str, script: str,
    how: dict[str, Any],
) -> None:  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        context = browser.new_context(locale="fr-FR", **how)
        context.add_init_script(script)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_selector("#chain *")
        act(page, there)
        assert faults == []
        browser.close()


# --- hours ---


async def test_hours_are_the_rooms_on_a_machine_of_another_zone_and_a_wrong_clock(
    tmp_path: Path,
) -> None:
    def act(page: Page, there: Room) -> None:
        opened = there.engine.pictures[INCIDENT].opened_at.astimezone(ZoneInfo("Europe/Paris"))
        page.wait_for_selector(f"#banner .facts:has-text('appel à {opened:%H:%M}')")
        page.wait_for_selector("#cards .waiting:has-text('depuis')")
        assert "min" not in page.inner_text("#cards .waiting")
        before = datetime.now(UTC) - timedelta(seconds=30)  # a beat may be as old
        said = ""
        while not said:  # a beat may come before the page has looked
            page.evaluate("() => { window.later += 60000; }")
            page.wait_for_timeout(1500)
            said = page.inner_text("#lost") if page.is_visible("#lost") else ""
        hours = {f"{each.astimezone(ZoneInfo('Europe/Paris')):%H:%M}"
                 for each in (before, datetime.now(UTC))}  # fmt: skip
        assert any(each in said for each in hours)

    await at_desk(tmp_path, act, script=AHEAD, timezone_id="America/Martinique")


async def test_a_clock_set_back_during_a_cut_makes_nothing_look_young(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(_: object) -> None:
        await asyncio.Event().wait()  # after the first state nothing is heard any more

    monkeypatch.setattr("vms_plugin.web.stream._next", cut)

    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.evaluate("() => { window.later = -300000; }")
        page.wait_for_selector("#lost:visible", timeout=60_000)
        assert re.fullmatch(r"depuis \d\d s", page.inner_text("#cards .waiting"))

    await at_desk(tmp_path, act, script=AHEAD)


async def test_a_clock_set_back_makes_no_key_dead(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()

    def act(page: Page, there: Room) -> None:
        asyncio.run_coroutine_threadsafe(there.tell("press s1"), loop).result(10)
        page.wait_for_selector("#banner.new")
        taking = there.engine.take_in_charge(INCIDENT, "Marc")
        asyncio.run_coroutine_threadsafe(taking, loop).result(10)
        page.wait_for_selector("#banner.taken")
        page.evaluate("() => { window.later = -3600000; }")
        page.wait_for_timeout(1000)  # an alert just shown takes no key: none was meant for it
        page.keyboard.press("c")
        page.wait_for_selector("#closing[open]")

    await at_desk(tmp_path, act, presses=0, script=AHEAD)


# --- who is not an operator ---

ASKED_OF_THE_MAP = """() => performance.getEntriesByType("resource")
    .map((each) => each.name).filter((each) => each.includes("/map/"))"""


async def test_an_account_that_is_shown_no_alerts_is_not_told_that_there_are_none(
    tmp_path: Path,
) -> None:
    def act(page: Page, _there: Room) -> None:
        assert page.inner_text("#quiet") == (
            "Ce compte ne voit pas les alertes : ce n’est pas celui d’un opérateur."
        )
        assert page.is_hidden("#map")
        assert page.evaluate(ASKED_OF_THE_MAP) == []

    await at_desk(tmp_path, act, "Zoé")


# --- a hand in a hurry ---


async def test_a_key_that_the_host_is_slow_to_answer_is_told_so(tmp_path: Path) -> None:
    def act(page: Page, _there: Room) -> None:
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/api/decide", hold)
        page.wait_for_selector("#banner.new")
        page.keyboard.press("Enter")
        page.wait_for_selector("#fault:has-text('tarde à répondre')")
        held[0].continue_()
        page.wait_for_selector("#banner.taken")
        page.wait_for_selector("#fault", state="hidden")

    await at_desk(tmp_path, act)


async def test_an_enter_too_many_closes_no_alert(tmp_path: Path) -> None:
    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner.taken")
        page.keyboard.press("c")
        page.keyboard.press("Enter")
        page.wait_for_selector("#closing[open]:has-text('Comment')")
        page.wait_for_timeout(300)
        assert there.engine.pictures[INCIDENT].phase is Phase.TAKEN
        page.keyboard.press("Digit2")
        page.wait_for_selector("#banner.closed:has-text('Fausse alerte')")

    await at_desk(tmp_path, act)


@pytest.mark.parametrize("keys", [["Digit3"], ["o", "Digit3"], ["e", "Digit3"]])
async def test_a_number_that_nothing_bears_is_told_so(tmp_path: Path, keys: list[str]) -> None:
    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.wait_for_timeout(800)  # the alert has just come: the hand waits for the eye
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_selector("#fault:has-text('numéro 3')")

    await at_desk(tmp_path, act)


async def test_enter_takes_the_alert_whose_card_one_came_to_by_tab(tmp_path: Path) -> None:
    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector(".card:nth-child(2)")
        page.locator("#cards .pick").nth(1).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".card:nth-child(2) [aria-current]")
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner.taken")

    await at_desk(tmp_path, act, presses=2)


async def test_whoever_works_in_a_small_pane_sees_his_name_and_may_leave(tmp_path: Path) -> None:
    def act(page: Page, _there: Room) -> None:
        page.keyboard.press("?")
        page.wait_for_selector("#keymap[open] .session:has-text('Léa')")
        page.click("#keymap .session button")
        page.wait_for_url("**/login")

    await at_desk(tmp_path, act, viewport=PANE)


# --- room on the screen ---

#: Names and ages that are not whole, or that a button lies on.
CUT = """() => [...document.querySelectorAll("#cards .called, #cards .small")].filter((each) => {
    const text = document.createRange();
    text.selectNodeContents(each);
    const { right, bottom } = text.getBoundingClientRect();
    const card = each.closest(".card"), take = card.querySelector(".take").getBoundingClientRect();
    const end = bottom > take.top + 4 ? take.left : card.getBoundingClientRect().right;
    return right > end || (each.clientWidth && each.scrollWidth > each.clientWidth);
}).map((each) => each.textContent)"""


async def test_the_smallest_pane_cuts_off_neither_age_nor_name(tmp_path: Path) -> None:
    def act(page: Page, there: Room) -> None:
        page.wait_for_selector(".dense .card:nth-child(5)")
        page.evaluate("""() => document.querySelectorAll(".card").forEach((card) => {
            card.querySelector(".called").textContent = "Brigade 21";
            const age = card.querySelector(".small");
            delete age.dataset.since;
            age.textContent = "depuis 59 min";
        })""")
        assert page.evaluate(CUT) == []

    await at_desk(tmp_path, act, presses=5, viewport=PANE)


async def test_the_picture_stays_in_sight_while_a_note_is_written(tmp_path: Path) -> None:
    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector("#tile:visible")
        for number in range(12):
            page.keyboard.press("j")
            page.keyboard.type(f"note {number}")
            page.keyboard.press("Enter")
            page.wait_for_selector(f"#lines li:has-text('note {number}')")
        page.keyboard.press("Tab")
        page.locator("#lines li button").last.focus()
        box = page.locator("#tile").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert page.evaluate("document.getElementById('below').scrollTop") > 0

    await at_desk(tmp_path, act, viewport=PANE)


async def test_what_fails_stands_first_in_the_line_of_health(tmp_path: Path) -> None:
    def act(page: Page, there: Room) -> None:
        there.engine.notes.append(Message(text="no adapter in use"))
        page.reload()
        page.wait_for_selector("#chain li:first-child.ill:has-text('aucun adaptateur')")

    await at_desk(tmp_path, act)


async def test_a_log_out_that_is_refused_is_not_shown_as_done(tmp_path: Path) -> None:
    def act(page: Page, _there: Room) -> None:
        page.route("**/logout", lambda route: route.fulfill(status=503))
        page.click("#logout")
        page.wait_for_selector("#fault:has-text('Renfort ne répond pas')")
        assert not page.url.endswith("/login")

    await at_desk(tmp_path, act)
