"""Debian's Firefox, driven by WebDriver BiDi over its own debugging socket: no driver needed.

https://w3c.github.io/webdriver-bidi/
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from websockets.sync.client import ClientConnection, connect

BINARY = Path("/usr/bin/firefox-esr")
#: No question, no update, no word to anybody: a first start of Firefox asks its maker a lot.
PREFERENCES = {
    "app.update.enabled": False, "browser.shell.checkDefaultBrowser": False,
    "browser.safebrowsing.malware.enabled": False, "browser.safebrowsing.phishing.enabled": False,
    "browser.startup.homepage_override.mstone": "ignore", "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "extensions.systemAddon.update.enabled": False,
    "services.settings.server": "", "toolkit.telemetry.enabled": False,
    "media.gmp-manager.updateEnabled": False, "browser.region.update.enabled": False,
    "intl.accept_languages": "fr", "webgl.disabled": True,
}  # fmt: skip


@dataclass
class Firefox:
    """One window."""

    socket: ClientConnection
    context: str = ""
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    last: int = 0

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command; events that come meanwhile are noted."""
        self.last += 1
        self.socket.send(json.dumps({"id": self.last, "method": method, "params": params}))
        while True:
            said = json.loads(self.socket.recv(timeout=60))
            if said.get("id") != self.last:
                self._note(said)
            elif said["type"] == "error":
                raise AssertionError(f"{method}: {said['error']}: {said['message']}")
            else:
                result: dict[str, Any] = said["result"]
                return result

    def _note(self, said: dict[str, Any]) -> None:
        params = said.get("params", {})
        if said.get("method") == "log.entryAdded" and params["level"] == "error":
            self.complaints.append(params["text"])
        if said.get("method") == "network.beforeRequestSent":
            self.asked.append(params["request"]["url"])

    def open(self, url: str) -> None:
        self.command("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression that gives a string, a number, a boolean or null."""
        answer = self.command(
            "script.evaluate", expression=expression, awaitPromise=True,
            target={"context": self.context},
        )  # fmt: skip
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def waits(self, selector: str, containing: str = "", seconds: float = 30) -> None:
        """Wait until an element is shown, and says something."""
        found = (
            f"[...document.querySelectorAll({json.dumps(selector)})].some((each) => "
            f"each.checkVisibility() && each.textContent.includes({json.dumps(containing)}))"
        )
        until = monotonic() + seconds
        while not self.evaluate(found):
            assert monotonic() < until, f"{selector} with {containing!r} never came"
            sleep(0.1)

    def key(self, value: str) -> None:
        actions = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self.command(
            "input.performActions", context=self.context,
            actions=[{"type": "key", "id": "keyboard", "actions": actions}],
        )  # fmt: skip

    def types(self, text: str) -> None:
        for each in text:
            self.key(each)


@contextmanager
def firefox(profile: Path, size: tuple[int, int] = (1440, 900)) -> Iterator[Firefox]:
    """Start it, headless, with a profile of its own, and stop it."""
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    process = subprocess.Popen(
        [str(BINARY), "--headless", "--no-remote", "--profile", str(profile),
         "--remote-debugging-port", "0", f"--width={size[0]}", f"--height={size[1]}"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        with connect(f"{_address(process)}/session", max_size=None, ping_interval=None) as socket:
            window = Firefox(socket)
            window.command("session.new", capabilities={})
            tree = window.command("browsingContext.getTree")
            window.context = tree["contexts"][0]["context"]
            events = ["log.entryAdded", "network.beforeRequestSent"]
            window.command("session.subscribe", events=events)
            window.command(
                "browsingContext.setViewport", context=window.context,
                viewport={"width": size[0], "height": size[1]},
            )  # fmt: skip
            yield window
    finally:
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        process.stderr.close()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"listening on (ws://\S+)", line)
        if found:
            return found.group(1)
    raise AssertionError("Firefox did not start")
