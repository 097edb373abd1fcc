"""The operator's page when things go wrong: links cut, sessions over, hands that act at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from hooks import CrewId, Escalation, FactId, Phase
from tests.host.live_room import INCIDENT, PASSWORD, Room, eventually, room
from tests.host.test_cctv import sighting
from tests.host.test_crew_page import sent
from tests.host.test_page import at_desk as any_desk
from tests.host.test_page import sit
from tests.serving import Server
from vms_plugin import blotter
from vms_plugin.demo_page import FLAGS
from vms_plugin.incident import Escalated

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

#: An operator who is shown no officer's picture: what is tried here needs none.
at_desk = partial(any_desk, name="Tom")

#: What the page asks by itself is held, as on a link that takes all and answers nothing.
HOLE = """() => {
    window.held = 0;
    const real = window.fetch;
    window.fetch = (url, asked) => {
        if (!String(url).startsWith("/api/state")) return real(url, asked);
        window.held += 1;
        return new Promise(() => {});
    };
}"""

DECIDE = """async ([body, token]) => (await fetch("/api/decide", {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-Renfort-Token": token},
    body: JSON.stringify(body),
})).status"""

# --- links ---


async def test_a_page_that_nothing_reaches_does_not_say_that_there_is_no_alert(
    tmp_path: Path,
) -> None:
    def act(page: Page, _there: Room) -> None:
        page.route("**/stream", lambda _route: None)  # a proxy that keeps it to itself
        page.reload()
        page.wait_for_selector("#quiet:has-text('Liaison avec Renfort')")
        page.evaluate("() => { window.later += 60000; }")
        page.wait_for_selector("#lost:has-text('aucune alerte ne peut')")
        assert "surveillée" not in page.inner_text("#quiet")

    await at_desk(
        tmp_path, act, presses=0,
        script="const right = Date.now; window.later = 0; Date.now = () => right() + later;",
    )  # fmt: skip


async def test_a_calm_page_that_lost_its_link_does_not_say_that_the_chain_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("vms_plugin.web.stream._next", cut)

    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector("#quiet:has-text('surveillée')")
        page.evaluate("() => { window.later += 20000; }")
        page.wait_for_selector("#quiet:has-text('plus rien')")

    await at_desk(
        tmp_path, act, presses=0,
        script="const right = Date.now; window.later = 0; Date.now = () => right() + later;",
    )  # fmt: skip


async def test_a_link_that_answers_nothing_is_asked_one_question_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("vms_plugin.web.stream._next", cut)

    def act(page: Page, _there: Room) -> None:
        page.evaluate(HOLE)
        page.evaluate("() => { window.later += 60000; }")
        page.wait_for_function("() => window.held > 0")
        page.wait_for_timeout(4500)
        assert page.evaluate("window.held") == 1

    await at_desk(
        tmp_path, act,
        script="const right = Date.now; window.later = 0; Date.now = () => right() + later;",
    )  # fmt: skip


async def test_an_alert_that_came_during_a_cut_is_shown_to_who_is_free(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()

    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#banner.new")
        closing = there.engine.close(INCIDENT, "Marc", "Résolu")
        asyncio.run_coroutine_threadsafe(closing, loop).result(10)
        page.wait_for_selector("#banner.closed")
        page.context.set_offline(True)
        asyncio.run_coroutine_threadsafe(there.tell("press s2"), loop).result(10)
        page.wait_for_timeout(1500)
        page.context.set_offline(False)
        page.wait_for_selector("#banner.new", timeout=60_000)

    await at_desk(tmp_path, act)


# --- decisions ---


async def test_an_order_that_arrives_long_after_it_was_given_is_not_carried_out(
    tmp_path: Path,
) -> None:
    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#banner.new")
        with page.expect_request("**/api/decide") as sent:
            page.keyboard.press("Enter")
        page.wait_for_selector("#banner.taken")
        asked = sent.value.post_data_json
        assert asked is not None
        now = asked["at"]
        assert abs(time.time() * 1000 - now) < 60_000
        body = {**asked, "decision": "engage", "crew": "crews:1"}
        token = sent.value.headers["x-renfort-token"]
        late = page.evaluate(DECIDE, [{**body, "at": now - 120_000}, token])
        assert (late, page.evaluate(DECIDE, [{**body, "at": now}, token])) == (409, 204)
        page.wait_for_selector("#banner.engaged")
        assert there.engine.pictures[INCIDENT].engaged == (CrewId("crews:1"),)

    await at_desk(tmp_path, act)


async def test_a_decision_without_an_answer_is_not_said_to_be_undone(tmp_path: Path) -> None:
    def act(page: Page, there: Room) -> None:
        def lose(route: Route) -> None:
            route.fetch()  # it arrives; the answer is lost
            route.abort()

        page.route("**/api/decide", lose)
        page.wait_for_selector("#banner.new")
        page.keyboard.press("Enter")
        page.wait_for_selector("#fault:has-text('voyez si')")
        page.wait_for_selector("#banner.taken")
        assert there.engine.pictures[INCIDENT].phase is Phase.TAKEN

    await at_desk(tmp_path, act)


# --- notes ---


async def test_a_note_of_another_operator_is_read_at_once(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()

    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#banner.new")
        closing = there.engine.close(INCIDENT, "Marc", "Résolu")
        asyncio.run_coroutine_threadsafe(closing, loop).result(10)
        page.wait_for_selector("#lines:has-text('Résolu')")
        page.wait_for_timeout(1500)  # nothing of the closing is read any more
        note = blotter.note(there.engine, INCIDENT, "Marc", "pompiers prévenus")
        asyncio.run_coroutine_threadsafe(note, loop).result(10)
        page.wait_for_selector("#lines:has-text('pompiers prévenus')", timeout=5_000)

    await at_desk(tmp_path, act)


async def test_a_session_that_ends_loses_no_half_written_note(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()

    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.keyboard.press("j")
        page.keyboard.type("deux blessés, dont")
        over = there.engine.store.query("DELETE FROM session")
        asyncio.run_coroutine_threadsafe(over, loop).result(10)
        page.wait_for_url("**/login?over=1&next=%2F", timeout=30_000)
        page.wait_for_selector(".fault:has-text('ne sont plus affichées')")
        assert page.title().startswith("▲")
        # Somebody else at the same desk does not read it; nor does its writer lose it.
        _log_in(page, "Tom")
        page.wait_for_function(
            "document.getElementById('note-text').value === 'deux blessés, dont'"
        )
        page.click("#logout")
        page.wait_for_url("**/login")
        _log_in(page, "Léa")
        page.wait_for_selector("#banner.new")
        page.wait_for_selector("#note-text")
        assert page.input_value("#note-text") == ""

    await at_desk(tmp_path, act)


def _log_in(page: Page, name: str) -> None:
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_selector("#chain *")


@pytest.mark.parametrize(
    ("asked", "then"), [("/mur", "/mur"), ("https://elsewhere.example/", "/"), ("//x", "/")]
)
async def test_who_logs_in_comes_back_to_the_page_he_asked_for(
    tmp_path: Path, asked: str, then: str
) -> None:
    def act(page: Page, _there: Room) -> None:
        page.context.clear_cookies()
        page.goto(page.url.rstrip("/") + (asked if asked == "/mur" else f"/login?next={asked}"))
        page.fill("[name=name]", "Tom")
        page.fill("[name=password]", "a wrong one, first")
        page.click("[type=submit]")
        page.wait_for_selector(".fault")
        _log_in(page, "Tom")
        assert urlsplit(page.url).path == then

    await at_desk(tmp_path, act)


# --- the enlarged picture ---

#: Whether what is pressed at the middle of an element is that element.
ON_TOP = """(selector) => {
    const box = document.querySelector(selector).getBoundingClientRect();
    const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return Boolean(found?.closest(selector));
}"""


@pytest.mark.parametrize("size", [(800, 600), (1366, 768)])
async def test_the_enlarged_picture_hides_neither_the_alert_nor_the_way_back(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner.taken")
        page.keyboard.press("l")
        page.keyboard.press("Enter")
        page.wait_for_selector("#undo [data-act=undo]")
        page.keyboard.press("p")
        page.wait_for_selector("#tile.large")
        for selector in ("#banner h2", "[data-act=close]", "#undo [data-act=undo]", "#cards .pick"):
            assert page.evaluate(ON_TOP, selector), selector
        box = page.locator("#tile").bounding_box()
        assert box is not None
        assert box["height"] > size[1] / 2
        page.keyboard.press("j")  # the note is under it: it makes room
        page.keyboard.type("vu")
        assert page.input_value("#note-text") == "vu"

    width, height = size
    await at_desk(tmp_path, act, viewport={"width": width, "height": height})


# --- who does not see, who does not use the mouse ---


async def test_a_picture_that_stands_still_is_read_aloud_once_not_each_second(
    tmp_path: Path,
) -> None:
    def act(page: Page, _there: Room) -> None:
        said = page.evaluate("""async () => {
            const { CameraTile } = await import("/static/cctv.js");
            const box = document.body.appendChild(document.createElement("div"));
            const tile = new CameraTile(box, () => "");
            const aloud = new Set();
            let age = 2;
            const words = () => [`figée ${age} s`, "lost"];
            Object.defineProperty(tile.player, "words", { value: words });
            tile.player.want = () => {};
            for (; age < 9; age += 1) {
                tile.show("i", { id: "c", name: "Gare" }, null);
                aloud.add(box.querySelector("[role=status]").textContent);
            }
            return [...aloud].concat(box.querySelector(".said").textContent);
        }""")
        assert said == ["Gare : figée 2 s", "figée 8 s"]

    await at_desk(tmp_path, act)


async def test_whoever_takes_an_alert_by_tab_keeps_his_place_on_its_card(tmp_path: Path) -> None:
    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector(".card:nth-child(2)")
        page.locator("#cards [data-act=take]").nth(1).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#cards .taken")
        page.wait_for_function("document.activeElement.closest('.card.taken')")

    await at_desk(tmp_path, act, presses=2)


async def test_no_key_of_the_map_is_on_a_french_keyboard_the_number_of_a_crew(
    tmp_path: Path,
) -> None:
    def act(page: Page, _there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.wait_for_selector("#map .leaflet-control-zoom-out")
        page.keyboard.press("?")
        said = page.inner_text("#keymap")
        page.keyboard.press("Escape")
        assert "Page ↑ ↓" in said
        assert "−" not in said
        zoomed = "document.querySelector('#map .leaflet-proxy').style.transform"
        before = page.evaluate(zoomed)
        page.keyboard.press("PageDown")
        page.wait_for_function(f"(before) => {zoomed} !== before", arg=before)

    await at_desk(tmp_path, act)


# --- the crew's phone ---


async def test_a_phone_that_was_refused_for_a_while_comes_back_by_itself(tmp_path: Path) -> None:
    async with sent(tmp_path) as (there, link), Server(there.app).here() as url:
        await asyncio.to_thread(_refused_for_a_while, url + link, there)


def _refused_for_a_while(address: str, there: Room) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        phone = browser.new_page(viewport={"width": 390, "height": 844}, locale="fr-FR")
        faults: list[str] = []
        phone.on("pageerror", lambda error: faults.append(str(error)))
        # A proxy whose host restarts: a browser never asks again by itself.
        phone.route("**/stream", lambda route: route.fulfill(status=502), times=1)
        phone.goto(address)
        phone.wait_for_selector("#title:has-text('caméra')")
        # A place of yesterday, as when the page is opened again.
        said = phone.evaluate("""async () => {
            const { age } = await import("/static/text.js");
            return age(2 * 86400e3);
        }""")
        assert said == "2 j"
        assert faults == []
        browser.close()


# --- two at once ---


async def test_what_another_operator_undoes_is_not_shown_as_standing(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()

    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner.taken")
        page.keyboard.press("l")
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner .facts:has-text('placé par Tom')")
        page.wait_for_selector("#undo [data-act=undo]")
        placing = there.engine.place(INCIDENT, 4.08, 43.56, "Marc")
        asyncio.run_coroutine_threadsafe(placing, loop).result(10)
        page.wait_for_selector("#fault:has-text('ne vaut plus')")
        assert page.is_hidden("#undo")
        page.keyboard.press("z")  # it takes nothing of Marc's back
        page.wait_for_timeout(500)
        assert there.engine.pictures[INCIDENT].placed_by == "Marc"

    await at_desk(tmp_path, act)


async def test_whoever_is_called_on_when_nobody_confirms_is_brought_to_it(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()

    def act(page: Page, there: Room) -> None:
        there.engine.settings = replace(there.engine.settings, second_group=("civil",))
        page.reload()
        page.wait_for_selector(".card:nth-child(2)")
        shown = page.get_attribute("#cards .card:has([aria-current])", "data-incident")
        [other] = there.engine.pictures.keys() - {shown}
        step = Escalated(
            id=FactId("renfort:e"), at=datetime.now(UTC), incident=other, by="Renfort",
            step=Escalation.ROOM,
        )  # fmt: skip
        asyncio.run_coroutine_threadsafe(there.engine.escalate([step]), loop).result(10)
        page.wait_for_selector(f'[data-incident="{other}"] [aria-current]')
        page.wait_for_selector("#banner:has-text('c’est à vous de la prendre')")
        page.wait_for_function(
            "document.getElementById('live').textContent.startsWith('Personne n’a confirmé')"
        )

    await at_desk(tmp_path, act, presses=2)


async def test_a_camera_whose_order_is_lost_is_not_said_to_turn_for_ever(tmp_path: Path) -> None:
    def act(page: Page, _there: Room) -> None:
        said = page.evaluate("""async () => {
            const strip = await import("/static/strip.js");
            const { words } = await import("/static/text.js");
            const { room } = await import("/static/room.js");
            const [picture] = room.pictures.values();
            picture.cameras = [{ id: "c", name: "Gare", turns: true, reasons: [] }];
            room.chosen = picture.incident;
            const seen = [];
            const redraw = () => {
                strip.renderStrip(redraw);
                seen.push(document.getElementById("tiles").textContent.includes(words.aiming));
            };
            window.fetch = () => Promise.reject(new Error("cut"));
            strip.aimNumber(1, redraw);
            while (seen.length < 2) await new Promise((then) => setTimeout(then, 20));
            return seen;
        }""")
        assert said == [True, False]

    await at_desk(tmp_path, act)


async def test_pictures_that_are_slow_to_open_hold_up_no_decision(tmp_path: Path) -> None:
    opening, over = asyncio.Semaphore(0), asyncio.Event()

    async with room(tmp_path) as there:
        there.paper.proposes = tuple(sighting(f"src:{each}") for each in "abcd")
        await there.tell("press s1")
        await eventually(lambda: there.engine.pictures)

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"].startswith("/whep/"):
                opening.release()
                await over.wait()
            await there.app(scope, receive, send)

        def act(page: Page, _there: Room) -> None:
            page.wait_for_selector("#banner.new")
            page.wait_for_selector("#tiles .cam:nth-child(4)")
            page.wait_for_timeout(1000)  # whatever is to be asked for has been
            page.keyboard.press("Enter")
            page.wait_for_selector("#banner.taken", timeout=10_000)

        async with Server(slow).here() as url:
            try:
                await asyncio.to_thread(sit, url, there, act, "Léa", "", {})
            finally:
                over.set()
        assert not opening.locked()  # they were asked for


async def test_a_browser_that_decodes_no_h264_says_so_and_asks_for_no_picture(
    tmp_path: Path,
) -> None:
    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#tile:has-text('ne décode pas le H.264')")
        page.wait_for_timeout(2500)  # it would be asked for each second
        asked = "performance.getEntriesByType('resource').map((each) => each.name).join(' ')"
        assert "/whep/" not in page.evaluate(asked)

    # Firefox where there is no internet: it has VP8, VP9 and AV1.
    script = """RTCRtpReceiver.getCapabilities = () => ({ codecs: [{ mimeType: "video/VP8" }] })"""
    await any_desk(tmp_path, act, script=script)


async def test_after_a_sleep_nothing_is_taken_back_of_what_was_ordered_before(
    tmp_path: Path,
) -> None:
    def act(page: Page, there: Room) -> None:
        page.wait_for_selector("#banner.new")
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner.taken")
        page.keyboard.press("l")
        page.keyboard.press("Enter")
        page.wait_for_selector("#undo [data-act=undo]")
        # The machine sleeps for an hour; its ticks stop meanwhile, and the key is the first thing.
        page.evaluate("""() => {
            window.later += 3600000;
            document.dispatchEvent(new KeyboardEvent("keydown", { key: "z" }));
        }""")
        page.wait_for_selector("#undo", state="hidden")
        page.wait_for_timeout(500)
        assert there.engine.pictures[INCIDENT].placed_by == "Tom"

    await at_desk(
        tmp_path, act,
        script="const right = Date.now; window.later = 0; Date.now = () => right() + later;",
    )  # fmt: skip


async def test_a_page_open_for_weeks_forgets_what_the_host_has_put_away(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()

    def act(page: Page, there: Room) -> None:
        page.wait_for_selector(".card:nth-child(2)")
        shown = page.get_attribute("#cards .card:has([aria-current])", "data-incident")
        [other] = there.engine.pictures.keys() - {shown}
        closing = there.engine.close(other, "Marc", "Résolu")
        asyncio.run_coroutine_threadsafe(closing, loop).result(10)
        page.wait_for_selector("#closed-count:has-text('1')")

        async def put_away() -> None:
            while other in there.engine.pictures:
                there.engine.clear_away(datetime.now(UTC))
                await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(put_away(), loop).result(20)
        page.wait_for_selector("#closed", state="hidden")
        assert page.locator("#cards .card").count() == 1

    await at_desk(tmp_path, act, presses=2)
