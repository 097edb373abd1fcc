"""A desk for the tests: a real browser before the real page, and what it complained of."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from vms_plugin.demo_page import FLAGS
from vms_plugin.stage import NAME, Stage

#: WCAG 2.2 AA, and what axe holds for good practice beside.
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


@dataclass
class Desk:
    """One operator's page."""

    page: Page
    stage: Stage
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def waits(self, selector: str, *, hidden: bool = False, seconds: float = 30) -> None:
        """Wait until something is seen on the page, or no longer."""
        state = "hidden" if hidden else "visible"
        self.page.wait_for_selector(selector, state=state, timeout=seconds * 1000)  # type: ignore[arg-type]

    def steady(self, selector: str) -> str:
        """Read a text that has stood there for longer than a hand needs: what a key then means."""
        self.waits(selector)
        read, stood = self.page.inner_text(selector), ""
        while read != stood:
            stood = read
            self.page.wait_for_timeout(1000)
            read = self.page.inner_text(selector)
        return read

    def key(self, name: str) -> None:
        self.page.keyboard.press(name)

    def hears(self, status: int, url: str) -> None:
        """Note what was refused: the browser's own complaint does not say what."""
        if status >= 400:
            self.complaints.append(f"{status} {url}")

    def faults(self) -> list[str]:
        """Say what axe-core holds against the page as it is now, in either theme."""
        found = []
        for theme in ("night", "day"):
            self.page.evaluate(
                "(name) => { document.documentElement.dataset.theme = name; }", theme
            )
            # A card that pulses changes colour: its rest is what is measured.
            self.page.emulate_media(reduced_motion="reduce")
            results = Axe().run(self.page, options=RULES)
            found += [
                f"{theme}: {each['id']}: {node['target']}: {node.get('failureSummary', '')}"
                for each in results.response["violations"]
                for node in each["nodes"]
            ]
        self.page.evaluate("document.documentElement.dataset.theme = 'night'")
        return found

    def foreign(self) -> set[str]:
        """List the hosts that were asked for anything, ours left out."""
        ours = urlsplit(self.stage.url).netloc
        return {urlsplit(url).netloc for url in self.asked if urlsplit(url).netloc} - {ours}


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield running
        running.close()


def sit_down(
    running: Browser, stage: Stage, name: str = NAME, password: str = "", path: str = "/",
    size: tuple[int, int] = (1440, 900),
) -> Desk:  # fmt: skip
    """Open the page and log in."""
    context = running.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="fr-FR", bypass_csp=False
    )
    page = context.new_page()
    desk = Desk(page, stage)
    page.on("console", lambda said: _note(desk, said.type, said.text))
    page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    page.on("request", lambda request: desk.asked.append(request.url))
    page.on("response", lambda answer: desk.hears(answer.status, answer.url))
    page.goto(stage.url + path)
    page.fill("[name=name]", name)
    page.fill("[name=password]", password or stage.password)
    page.click("[type=submit]")
    if path != "/":
        page.goto(stage.url + path)
    desk.waits("#chain *")
    return desk


def _note(desk: Desk, kind: str, text: str) -> None:
    if kind == "error":
        desk.complaints.append(text)


async def ready(stage: Stage) -> None:
    """Wait until the chain stands."""
    session = await asyncio.to_thread(stage.operator)
    await asyncio.to_thread(stage.until_ready, session)
    session.close()


async def account(stage: Stage, name: str, role: str) -> None:
    """Make another account, with the first one's password, as an administrator does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vms_plugin", "account", name, "--config", str(stage.config),
        "--password-stdin", "--role", role,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await process.communicate(f"{stage.password}\n".encode())
    assert process.returncode == 0
