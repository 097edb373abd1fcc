"""Run Milestone's own sample clients against the simulated XProtect, unchanged but for the account.

    python tools/milestone_samples.py FOLDER

FOLDER holds the clones of `mipsdk-samples-protocol` and `appcenter-samples` (MIT, not ours, not
kept here). Each sample is copied, its address and account filled in, and run to its end; a line
says how it went. Python ones want `keyboard` and `streamlit`, a key press and a web form: small
modules of those names stand in. Pages are opened in a real Chromium, which is told that
`xprotect.test` is the simulator: two of them know an address without a port only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import requests
from playwright.sync_api import Page, sync_playwright

USER, PASSWORD = "renfort", "simple"
STAND_INS = {
    "keyboard.py": "import time\nEND = time.time() + 12\n"
    "def is_pressed(_key):\n    return time.time() > END\n",
    "streamlit.py": "import sys\n"
    "def info(*said):\n    print(*said)\n"
    "title = header = write = json = success = error = info\n",
}


@contextmanager
def simulator(*words: str) -> Iterator[dict[str, Any]]:
    """Start the simulator as a site would, and read what it says it is."""
    command = [
        sys.executable, "-m", "vms_plugin", "simulate", "milestone", "--plain", "--cors",
        "--username", USER, "--password", PASSWORD, *words,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield json.loads(process.stdout.readline() if process.stdout else "{}")
        finally:
            process.terminate()


def rule_of(site: dict[str, Any]) -> str:
    """Find the rule to duplicate."""
    form = {
        "grant_type": "client_credentials", "client_id": site["client_id"],
        "client_secret": site["client_secret"],
    }  # fmt: skip
    token = requests.post(f"{site['url']}/API/IDP/connect/token", data=form, timeout=10).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    rules = requests.get(
        f"{site['url']}/API/rest/v1/rules?disabled", headers=headers, timeout=10
    ).json()
    return str(rules["array"][0]["id"])


def order(site: dict[str, Any], name: str, **told: object) -> None:
    """Give an order to the simulator."""
    requests.post(f"{site['control']}/{name}", json=told, timeout=10).raise_for_status()


def python(
    folder: Path,
    script: str,
    site: dict[str, Any],
    *words: str,
    stdin: str = "",
    windows: bool = False,
    **more: str,
) -> str:
    """Run a copy of a Python sample, its placeholders filled in.

    It must have printed `words`: some samples say what went wrong and leave as if nothing had.
    """
    with tempfile.TemporaryDirectory() as there:
        copy = shutil.copytree(folder, Path(there) / "sample")
        for name, text in STAND_INS.items():
            (copy / name).write_text(text, "utf-8")
        (copy / "settings.json").write_text(
            json.dumps({"apigateway": site["url"], "username": USER}), "utf-8"
        )
        target = copy / script
        filled = target.read_text("utf-8-sig")
        user, password = (USER, PASSWORD)
        if windows:
            user, password = site["windows_username"], site["windows_password"]
            filled = filled.replace("isBasicUser = True", "isBasicUser = False", 1)
        for old, new in (
            ('"username"', repr(user)), ('"password"', repr(password)),
            ("https://managementserver.domain", site["url"]), ("verify = True", "verify = False"),
        ):  # fmt: skip
            filled = filled.replace(old, new, 1)
        filled = filled.replace("a87d2b67-e37f-491e-b5b3-d058e9b48fa2", site["cameras"][1])
        filled = filled.replace("[guid of the rule to duplicate]", site["rule"])
        target.write_text(_uncommented(filled), "utf-8")
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-u", target.name], cwd=target.parent, input=stdin, text=True,
            capture_output=True, timeout=60, check=False,
            env={**os.environ, "TERM": "dumb", "PYTHONPATH": str(copy), **more},
        )  # fmt: skip
    if done.returncode or "Traceback" in done.stderr:
        raise RuntimeError(done.stderr[-600:] or done.stdout[-600:])
    missing = [word for word in words if word not in done.stdout]
    if missing:
        raise RuntimeError(f"did not print {missing}: {done.stdout[-600:]}")
    return f"it printed {', '.join(words)}"


def _uncommented(text: str) -> str:
    """Take the comment marks off the demonstrations of tasks and of rules, as the sample asks."""
    code = r"^    # (response =|if response|    |else:|cameraGuidId|cameras_and|ruleId|duplicate_)"
    return re.sub(code, r"    \1", text, flags=re.MULTILINE)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a sample's page on this machine."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        server.shutdown()


@contextmanager
def page(folder: Path, site: dict[str, Any]) -> Iterator[Page]:
    """Open a sample's page in Chromium; what it loads from elsewhere it does without."""
    address = site["url"].removeprefix("http://")
    words = [
        f"--host-resolver-rules=MAP xprotect.test {address}", "--no-sandbox",
        "--disable-features=WebRtcHideLocalIpsWithMdns,HttpsUpgrades",
        "--autoplay-policy=no-user-gesture-required",
    ]  # fmt: skip
    with sync_playwright() as play, served(folder) as url:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=words)
        opened = browser.new_context().new_page()
        opened.route("**/adapter-latest.js", lambda route: route.fulfill(body=""))
        opened.goto(url)
        yield opened
        browser.close()


def watch(folder: Path, site: dict[str, Any], *, socket: bool) -> str:
    """Run WebRTC_JavaScript until pictures move; how large they are."""
    with page(folder, site) as opened:
        opened.fill("#apiGatewayUrl", f"{site['url']}/api")
        opened.fill("#deviceId", site["cameras"][0])
        opened.fill("#username", USER)
        opened.fill("#password", PASSWORD)
        if socket:
            opened.click("text=WebSocket >> nth=0")
        opened.click(f"#{'websocket' if socket else 'rest'} button:has-text('Start')")
        opened.wait_for_function(
            "document.querySelector('#videoCtl').videoWidth > 0"
            " && document.querySelector('#videoCtl').currentTime > 1",
            timeout=30_000,
        )
        size = opened.evaluate("document.querySelector('#videoCtl').videoWidth")
        said = opened.inner_text("#diagnostics").replace("\n", "; ")
        opened.click(f"#{'websocket' if socket else 'rest'} button:has-text('Close')")
    return f"{size} pixels wide, moving; it said: {said}"


def _log_in(opened: Page) -> None:
    opened.fill("#apigw", "http://xprotect.test")
    opened.fill("#username", USER)
    opened.fill("#password", PASSWORD)
    opened.click("#connect")


def hear(folder: Path, site: dict[str, Any]) -> str:
    """Run EventsAndStateWebSocketJavaScript until it shows an event, and after a recycling."""
    with page(folder, site) as opened:
        _log_in(opened)
        opened.wait_for_selector("#eventsPage", state="visible", timeout=10_000)
        order(site, "camera", id=site["cameras"][0], online=False)
        shown = "document.querySelector('#events').value.includes('%s')"
        opened.wait_for_function(shown % site["cameras"][0], timeout=10_000)
        order(site, "drop")
        order(site, "camera", id=site["cameras"][2], online=False)
        opened.wait_for_function(shown % site["cameras"][2], timeout=15_000)
        order(site, "camera", id=site["cameras"][0], online=True)
    return "an event shown, and one more that happened while the gateway was recycled"


def chat(folder: Path, site: dict[str, Any]) -> str:
    """Run ChatWithWebsockets on two pages."""
    with page(folder, site) as one:
        two = one.context.new_page()
        two.goto(one.url)
        for opened in (one, two):
            _log_in(opened)
            opened.wait_for_selector("#messageInput", state="visible", timeout=10_000)
        time.sleep(0.5)
        one.fill("#messageInput", "PM-214 ?")
        one.press("#messageInput", "Enter")
        two.wait_for_selector(".received:has-text('PM-214 ?')", timeout=10_000)
    return "what one page says, the other shows"


def move(site: dict[str, Any]) -> None:
    """Let something move before a camera."""
    source = f"cameras/{site['cameras'][0]}"
    order(site, "happen", type="6eb95dd6-7ccc-4bce-99f8-af0d0b582d77", source=source)


def samples(folder: Path, site: dict[str, Any]) -> dict[str, Callable[[], str]]:
    """List the samples."""
    theirs = folder / "mipsdk-samples-protocol"
    center = folder / "appcenter-samples" / "src"
    bare = site["url"].removeprefix("http://")
    ess = theirs / "EventsAndStateWebSocketApiPython"

    def state(choice: str, *words: str) -> str:
        # Again and again: on a machine that is busy the sample takes seconds to subscribe.
        moves = [Timer(after, move, [site]) for after in range(2, 12)]
        for each in moves:
            each.start()
        stdin = f"{choice}\n{PASSWORD}\n4\n"
        return python(ess, "main.py", site, *words, stdin=stdin)

    return {
        "RestfulCommunicationPython": lambda: python(
            theirs / "RestfulCommunicationPython", "restful_communication.py", site,
            "Delete item state", "TaskCleanup task result", "Duplicate rule created result",
        ),
        "EventsRestApiPython": lambda: python(
            theirs / "EventsRestApiPython", "events_rest_api.py", site, "Retrieved an event"
        ),
        "EventsRestApiPython, Windows user": lambda: python(
            theirs / "EventsRestApiPython", "events_rest_api.py", site, "Retrieved an event",
            windows=True,
        ),
        "AlarmsRestApiPython": lambda: python(
            theirs / "AlarmsRestApiPython", "alarms_rest_api.py", site, "Updated alarm",
            "Retrieved all alarms",
        ),
        "EventsAndStateWebSocketApiPython, states": lambda: state("1", "Recording", "Motion"),
        "EventsAndStateWebSocketApiPython, events": lambda: state("2", "Motion Started"),
        "appcenter restful-events-api": lambda: python(
            center / "restful-events-api/containers/restful-events-api/src",
            "events_rest_api.py", site, "Retrieved an event", CCF_CLIENT_ID=site["client_id"],
            CCF_CLIENT_SECRET=site["client_secret"], LEGACY_USE_TLS="false",
            LEGACY_MANAGEMENT_SERVER=bare,
        ),
        "WebRTC_JavaScript, REST": lambda: watch(theirs / "WebRTC_JavaScript", site, socket=False),
        "WebRTC_JavaScript, WebSocket": lambda: watch(
            theirs / "WebRTC_JavaScript", site, socket=True
        ),
        "EventsAndStateWebSocketJavaScript": lambda: hear(
            theirs / "EventsAndStateWebSocketJavaScript", site
        ),
        "ChatWithWebsockets": lambda: chat(theirs / "ChatWithWebsockets", site),
    }  # fmt: skip


def main() -> int:
    """Run them all; how many failed."""
    failed = 0
    with simulator("--release", "2025R2") as site:
        site["rule"] = rule_of(site)
        for name, run in samples(Path(sys.argv[1]), site).items():
            try:
                print(f"{name}: done. {run().strip()[-240:]!r}")
            except Exception as fault:  # noqa: BLE001 (a sample fails as it likes)
                failed += 1
                print(f"{name}: FAILED. {str(fault)[:800]}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
