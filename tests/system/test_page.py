"""Operators at the page: real browsers, whole incidents, two at once, links that are cut."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.system.desk import Desk, account, browser, ready, sit_down
from tests.system.firefox import BINARY, firefox
from vms_plugin.demo import moving, town
from vms_plugin.demo_town import Patrols, place_in
from vms_plugin.stage import NAME, Stage, site

pytestmark = [pytest.mark.system, pytest.mark.browser, pytest.mark.timeout(300)]


async def test_two_operators_live_two_incidents_at_once(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm) as stage, moving(stage, osm) as patrols:
        await account(stage, "Marc", "policier")
        await ready(stage)
        await asyncio.to_thread(_two_at_once, stage, patrols)


def _two_at_once(stage: Stage, patrols: Patrols) -> None:
    with browser() as running:
        lea, marc = sit_down(running, stage), sit_down(running, stage, "Marc")
        first = _press(stage, patrols, 0)
        for desk in (lea, marc):
            desk.waits(f'#cards [data-incident="{first}"].new')
            desk.waits("#banner.new:has-text('PM-201')")
            desk.page.wait_for_function("() => document.title !== 'Renfort'")

        lea.key("Enter")
        lea.waits("#banner.taken:has-text('prise en charge par vous')")
        marc.waits("#cards .card.taken:has-text('prise en charge par demo')")
        marc.waits("#banner .facts:has-text('ne peut être prévenu')")

        # A second alert does not tear Léa away from hers; Marc, who is free, is brought to it.
        second = _press(stage, patrols, 1)
        marc.waits("#banner.new:has-text('PM-202')")
        lea.waits("#banner [data-act=other]")
        assert "PM-201" in lea.page.inner_text("#banner h2")

        _engages(lea)
        marc.key("Enter")
        marc.waits("#banner.taken:has-text('PM-202')")
        lea.waits(f'#cards [data-incident="{second}"].taken')
        _overrides(marc)
        _corrects(marc)

        _notes(marc)

        lea.key("c")
        lea.waits("dialog[open]")
        lea.key("Digit1")
        lea.waits("#banner.closed, #banner.engaged:has-text('PM-202')")
        marc.waits("#closed-count:has-text('1')")
        for desk in (lea, marc):
            assert desk.complaints == []
            assert desk.foreign() == set()


def _engages(desk: Desk) -> None:
    """One key sends; the same hand, five seconds long, takes it back."""
    name = desk.steady("#crews .crew:first-child .name")
    desk.key("Digit1")
    desk.waits(f"#sent .crew:has-text('{name}')")
    desk.waits("#sent .crew:has-text('par radio')")  # nothing here tells it: said, not guessed
    desk.waits("#undo [data-act=undo]")
    desk.key("z")
    desk.waits("#sent .crew", hidden=True)
    desk.steady("#crews .crew:first-child .name")
    desk.key("Digit1")
    desk.waits("#banner.engaged")
    desk.page.click("#sent [data-act=link]")  # for who sends it by other means
    desk.waits("#crewlink[open]:has-text('SMS')")
    assert "/e/" in desk.page.input_value("#crewlink input")
    desk.key("Escape")


def _overrides(desk: Desk) -> None:
    """The second of the list is sent at once; why is asked afterwards, and may stay unsaid."""
    desk.steady("#crews .crew:nth-child(2) .name")
    desk.key("Digit2")
    desk.waits("#sent .crew")
    desk.page.click("#undo .reasons button:has-text('Demandé par radio')")
    desk.waits("#undo", hidden=True)


def _corrects(desk: Desk) -> None:
    """A wrong GPS is corrected in its own mode, said so, held against new fixes, and undone."""
    box = desk.page.locator("#map").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 - 60)
    desk.page.mouse.click(*middle)
    desk.page.wait_for_timeout(300)
    assert "placé par" not in desk.page.inner_text("#banner")  # a stray click moves nobody
    desk.key("l")
    desk.waits("#ask:has-text('vraiment')")
    desk.page.mouse.click(*middle)
    desk.waits("#banner .facts:has-text('placé par Marc')")
    desk.key("z")
    desk.waits("#banner .facts:has-text('placé par')", hidden=True)
    desk.key("l")
    desk.key("ArrowUp")
    desk.key("Enter")  # by the keyboard alone
    desk.waits("#banner .facts:has-text('placé par Marc')")
    desk.page.click("#unplace")
    desk.waits("#banner .facts:has-text('placé par')", hidden=True)


def _notes(desk: Desk) -> None:
    """The log writes itself, and takes a note from the keyboard; digits typed in it send nobody."""
    sent = desk.page.locator("#sent .crew").count()
    desk.waits("#lines :text('Demandé par radio')")
    desk.key("j")
    desk.page.keyboard.type("112 appelé, c2 blessés")
    desk.key("Enter")
    desk.waits("#lines .line:first-child:has-text('112 appelé, c2 blessés')")
    assert desk.page.locator("#sent .crew").count() == sent
    assert desk.page.locator("dialog[open]").count() == 0
    desk.page.click("#lines .line:first-child [data-act=correct]")
    desk.page.keyboard.type("personne n'est blessé")
    desk.key("Enter")
    desk.waits("#lines .line:first-child:has-text('Rectification de Marc')")
    desk.waits("#lines .line.corrected:has-text('112 appelé')")
    assert "personne n'est blessé" in desk.page.inner_text("#lines .line:first-child")
    assert "true" not in desk.page.inner_text("#lines")
    desk.page.click("#note-text")  # the mouse writes too
    assert desk.page.evaluate("document.activeElement.id") == "note-text"
    desk.key("Escape")
    # Escape leaves the note, and what was begun for one alert is not written in another's log.
    desk.key("j")
    desk.page.keyboard.type("pour lui seul")
    desk.key("Escape")
    desk.key("ArrowDown")
    desk.waits("#banner h2:has-text('PM-201')")
    assert desk.page.input_value("#note-text") == ""
    desk.key("ArrowDown")
    desk.waits("#banner h2:has-text('PM-202')")
    assert desk.page.input_value("#note-text") == "pour lui seul"


async def test_no_state_of_the_page_breaks_wcag_in_either_theme(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm, cameras=5) as stage, moving(stage, osm) as patrols:
        await ready(stage)
        await asyncio.to_thread(_accessible, stage, patrols)


def _accessible(stage: Stage, patrols: Patrols) -> None:
    with browser() as running:
        desk = sit_down(running, stage)
        faults = {"calm": desk.faults()}
        _press(stage, patrols, 0)
        desk.waits("#crews .crew")
        faults["new"] = desk.faults()
        desk.key("Enter")
        desk.waits("#banner.taken")
        faults["taken"] = desk.faults()
        desk.key("l")
        faults["correcting"] = desk.faults()
        desk.key("Escape")
        desk.key("e")
        faults["mode"] = desk.faults()
        desk.key("Digit1")
        desk.waits(".cam.pinned")
        desk.key("Digit2")
        desk.waits("#undo .reasons")
        faults["engaged"] = desk.faults()
        desk.page.click("#sent [data-act=link]")
        desk.waits("#crewlink[open]")
        faults["link"] = desk.faults()
        desk.key("Escape")
        desk.key("c")
        desk.waits("dialog[open]")
        faults["closing"] = desk.faults()
        desk.key("Escape")
        desk.key("?")
        desk.waits("#keymap[open]")
        faults["keys"] = desk.faults()
        desk.key("Escape")
        for turn in range(1, 5):
            _press(stage, patrols, turn, placed=turn > 1)
        desk.waits(".dense .card:nth-child(5)")
        faults["many"] = desk.faults()
        desk.page.set_viewport_size({"width": 800, "height": 600})
        faults["pane"] = desk.faults()
        _fits(desk)
        login = running.new_page()
        login.goto(f"{stage.url}/login")
        faults["login"] = Desk(login, stage).faults()

        said = [f"{state}: {each}" for state, found in faults.items() for each in found]
        assert "\n".join(said) == ""


def _fits(desk: Desk) -> None:
    """In the smallest pane nothing runs over, and what must be pressed is on the screen."""
    # The map and the cards take the new size in a frame or two.
    desk.page.wait_for_function(
        """() => {
            const button = document.querySelector("#banner .next button")?.getBoundingClientRect();
            return document.documentElement.scrollWidth <= 800 && button
                && button.x >= 0 && button.right <= 800 && button.y < 600;
        }""",
        timeout=10_000,
    )


async def test_the_page_says_that_its_link_is_cut_and_comes_back_by_itself(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm) as stage, moving(stage, osm) as patrols:
        await ready(stage)
        loop = asyncio.get_running_loop()

        def power_cut() -> None:
            async def cut() -> None:
                await stage.kill()
                await stage.start()
                await ready(stage)

            asyncio.run_coroutine_threadsafe(cut(), loop).result(90)

        await asyncio.to_thread(_cut, stage, patrols, power_cut)


def _cut(stage: Stage, patrols: Patrols, power_cut: Callable[[], None]) -> None:
    with browser() as running:
        desk = sit_down(running, stage)
        _press(stage, patrols, 0)
        desk.waits("#banner.new")
        assert stage.host is not None
        stage.host.send_signal(signal.SIGSTOP)  # it hangs: nothing is refused, nothing comes
        desk.waits("#lost:has-text('périmé')", seconds=40)
        stage.host.send_signal(signal.SIGCONT)
        desk.waits("#lost", hidden=True, seconds=40)
        power_cut()  # the connection is refused for a while
        second = _press(stage, patrols, 1)
        desk.waits(f'#cards [data-incident="{second}"]', seconds=60)
        desk.waits("#cards .card:nth-child(2)")
        desk.waits("#lost", hidden=True)


async def test_the_wall_shows_everything_but_officers_pictures_and_nothing_to_press(
    tmp_path: Path,
) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm) as stage, moving(stage, osm) as patrols:
        await ready(stage)
        await asyncio.to_thread(_wall, stage, patrols)


def _wall(stage: Stage, patrols: Patrols) -> None:
    with browser() as running:
        wall = sit_down(running, stage, path="/mur", size=(1920, 1080))
        _press(stage, patrols, 0)
        wall.waits("#banner.new:has-text('PM-201')")
        wall.waits("#crews .crew")
        wall.waits("#heard:has-text('il y a')")
        assert wall.page.locator("#tile video").count() == 0 or wall.page.is_hidden("#tile")
        assert not [url for url in wall.asked if "/whep/axis" in url]
        assert wall.page.locator("main button:not(.pick):visible").count() == 0
        wall.key("Enter")
        wall.key("Digit1")
        assert wall.faults() == []
        assert wall.page.is_visible("#banner.new")  # no key decides anything here
        for width, height, tile in ((3840, 2160, "512px"), (1920, 1080, "256px")):
            wall.page.set_viewport_size({"width": width, "height": height})
            # The streets' names are read from as far as the rest.
            wall.waits(f"#map .leaflet-tile-loaded[style*='width: {tile}']")
        assert (wall.complaints, wall.foreign()) == ([], set())


@pytest.mark.skipif(not BINARY.exists(), reason="needs Debian's firefox-esr")
async def test_an_operator_works_in_firefox_too_without_webgl(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm) as stage, moving(stage, osm) as patrols:
        await ready(stage)
        await asyncio.to_thread(_in_firefox, stage, patrols, tmp_path / "profile")


def _in_firefox(stage: Stage, patrols: Patrols, profile: Path) -> None:
    with firefox(profile) as window:
        window.open(stage.url)
        for name, value in (("name", NAME), ("password", stage.password)):
            window.evaluate(f"document.querySelector('[name={name}]').focus()")
            window.types(value)
        window.key("\ue007")
        window.waits("#chain li")
        assert window.evaluate("document.createElement('canvas').getContext('webgl')") is None
        _press(stage, patrols, 0)
        window.waits("#banner.new", "PM-201")
        window.waits("#crews .crew")
        window.waits("#map .leaflet-tile-loaded, #map .leaflet-marker-icon")
        window.key("\ue007")
        window.waits("#banner.taken", "prise en charge par vous")
        window.key("1")
        window.waits("#sent .crew")
        window.waits("#undo", "Annuler")
        window.waits("#lines li", "engage")
        window.key("?")
        window.waits("#keymap[open]", "prendre en charge")
        window.key("\ue00c")
        window.key("c")
        window.waits("#closing[open]", "Résolu")
        window.key("1")
        window.waits("#banner.closed")
        assert window.complaints == []
        # Nothing but ours; `about:` and `data:` have no host.
        assert {urlsplit(url).netloc for url in window.asked} - {""} == {urlsplit(stage.url).netloc}


async def test_who_logs_in_late_gets_the_alert_ringing(tmp_path: Path) -> None:
    osm = town()
    assert osm is not None
    async with site(tmp_path, osm) as stage, moving(stage, osm) as patrols:
        await ready(stage)
        await asyncio.to_thread(_late, stage, patrols)


def _late(stage: Stage, patrols: Patrols) -> None:
    stage.press(lon=24.944, lat=60.1705, eph=8)
    with browser() as running:
        desk = sit_down(running, stage)
        desk.waits("#banner.new")
        desk.page.wait_for_function("() => document.title.includes('ALERTE')")
        desk.page.wait_for_function(
            "document.querySelector('link[rel=icon]').href.includes('alert')"
        )
        # Browsers are mute until a first gesture: the page says so in red, and rings after it.
        desk.waits("#sound:has-text('coupé')")
        desk.page.mouse.click(700, 60)
        desk.waits("#sound:has-text('activé')")
        desk.page.wait_for_function("() => document.body.dataset.rang === 'alert'")
        desk.key("Enter")
        desk.page.wait_for_function("() => document.title === 'Renfort'")


def _press(stage: Stage, patrols: Patrols, turn: int, *, placed: bool = True) -> str:
    lon, lat = place_in(patrols, turn)
    cameras = stage.axis["cameras"]
    serial = cameras[turn % len(cameras)]
    where = {"lon": lon, "lat": lat, "eph": 8} if placed else {}
    return f"axis:{stage.press(serial=serial, **where)['sessionId']}"
