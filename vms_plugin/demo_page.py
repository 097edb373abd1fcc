"""Watch the page in a real browser, for `demo_once`, and tell when the alert's card appeared.

Reads orders from standard input, one JSON object a line, and answers likewise.
"""

from __future__ import annotations

import json
import sys

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip

#: Notes the moment at which each card entered the page, before it is asked for.
WATCH = """() => {
  window.seen = {};
  const look = () => document.querySelectorAll(".card").forEach((card) => {
    window.seen[card.dataset.incident] ??= performance.timeOrigin + performance.now();
  });
  const alerts = document.getElementById("alerts");
  new MutationObserver(look).observe(alerts, {childList: true, subtree: true});
  look();
}"""


def main() -> int:
    """Open the page, say so, then answer for one incident."""
    order = json.loads(sys.stdin.readline())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=order["browser"], args=FLAGS)
        page = browser.new_page()
        page.goto(order["url"])
        page.fill("[name=name]", "demo")
        page.fill("[name=password]", order["password"])
        page.click("[type=submit]")
        page.wait_for_selector("#chain *")
        page.evaluate(WATCH)
        _answer({"ready": True})
        asked = json.loads(sys.stdin.readline() or "{}")
        incident = asked.get("incident")
        try:
            page.wait_for_function("(name) => window.seen[name]", arg=incident, timeout=20_000)
            seen = page.evaluate("(name) => window.seen[name]", incident)
        except Exception:  # noqa: BLE001  (whatever the browser says, the card was not seen)
            seen = None
        _answer({"seen": seen})
        browser.close()
    return 0


def _answer(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
