"""Time what an operator sees: from the event on the wire to the page changed, in a real browser.

    python -m benchmarks.page [--presses 100] [--operators 20] [--open 50]

The host is a site's own process with its simulators. The room is full first: as many alerts are
open as asked, patrols drive, and all operators but one follow the stream as their pages do, reading
all of it. The last one is a real Chromium; a MutationObserver notes the moment at which each card
entered the page, by this machine's clock, which the Axis simulator also stamps its events with. No
live picture is shown meanwhile, and the activations of those waiting are over: the simulators would
code fifty pictures on the same processors, and what one takes is told by `benchmarks/live.py`.
"""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.chain import Operator, Places, on_a_site, options, since, table, until
from vms_plugin.demo_page import FLAGS, WATCH
from vms_plugin.stage import NAME, Stage

#: In milliseconds, p99.
BUDGETS = {"in the page": 50.0}
PAUSE_S = 0.4


class Followers(threading.Thread):
    """The other operators' pages as the host sees them: all that is sent to them is read."""

    def __init__(self, stage: Stage, number: int) -> None:
        super().__init__(daemon=True)
        self.read = 0
        self._selector = selectors.DefaultSelector()
        for _ in range(number):
            self._selector.register(_streaming(stage), selectors.EVENT_READ)

    def run(self) -> None:
        """Read whatever comes, all in one thread: twenty would take the processor from the page."""
        while self._selector.get_map():
            for key, _ in self._selector.select():
                page = key.fileobj
                assert isinstance(page, socket.socket)
                data = page.recv(1 << 18)
                self.read += len(data)
                if not data:
                    self._selector.unregister(page)


def _streaming(stage: Stage) -> socket.socket:
    cookies = stage.operator().cookies
    cookie = "; ".join(f"{each.name}={each.value}" for each in cookies)
    where = urlsplit(stage.url)
    page = socket.create_connection((where.hostname or "", where.port or 80))
    asked = f"GET /stream HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {cookie}\r\n\r\n"
    page.sendall(asked.encode())
    return page


def measure(stage: Stage, places: Places, operators: int, waiting: int) -> dict[str, list[float]]:
    """Fill the room, press; answer the milliseconds until drawn by the host, until in the page."""
    operator = Operator(stage)
    for turn in range(waiting):
        operator.press(places[turn], turn)
        operator.release(turn)  # open still: nobody has taken it in charge
    others = Followers(stage, operators - 1)
    others.start()
    times: dict[str, list[float]] = {"drawn by the host": [], "in the page": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = _page(browser, stage)
        for turn in range(waiting, len(places)):
            incident, sent = operator.press(places[turn], turn)
            seen = _seen(page, incident)
            times["drawn by the host"].append(since(sent, operator.stages(incident)["picture"]))
            times["in the page"].append(since(sent, seen))
            operator.close(incident)
            operator.release(turn)
            time.sleep(PAUSE_S)
        browser.close()
    print(f"streams read: {others.read / 1e6:.0f} MB")
    return times


def _page(browser: Browser, stage: Stage) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.route("**/whep/**", lambda route: route.abort())
    page.goto(stage.url)
    page.fill("[name=name]", NAME)
    page.fill("[name=password]", stage.password)
    page.click("[type=submit]")
    page.wait_for_selector("#chain *")
    page.evaluate(WATCH)
    page.wait_for_timeout(5000)
    return page


def _seen(page: Page, incident: str) -> datetime | None:
    """Wait for a card; give when it entered the page."""
    seen = None

    def looked() -> bool:
        nonlocal seen
        seen = page.evaluate("(name) => window.seen[name] ?? null", incident)
        return seen is not None

    until(looked, every_s=0.2)  # seldom: each look takes the page's own time
    return None if seen is None else datetime.fromtimestamp(seen / 1000, UTC)


def main() -> int:
    """Print a table; fail when the budget is not kept."""
    parser = options(__doc__, 100)
    parser.add_argument("--operators", type=int, default=20)
    parser.add_argument("--open", type=int, default=50)
    told = parser.parse_args()
    count = told.presses + told.open
    fill = partial(measure, operators=told.operators, waiting=told.open)
    times = on_a_site(fill, count, cameras=count)
    print(f"{told.presses} presses, {told.operators} operators, {told.open} alerts open")
    print("milliseconds from the event on the wire")
    return 0 if table(times, BUDGETS) else 1


if __name__ == "__main__":
    sys.exit(main())
