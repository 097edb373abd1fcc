"""The officer's picture and the town's cameras in a real browser, under a watch of the files."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from tests.network import NETWORK
from vms_plugin.demo import town
from vms_plugin.demo_page import FLAGS
from vms_plugin.stage import NAME, Stage, site

pytestmark = [
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.skipif(not NETWORK, reason="WebRTC needs a network interface besides loopback"),
]

#: Reads the clock along the lower edge of the decoded picture: its age in ms, now.
AGE = """() => {
  const video = document.querySelector("#tile video");
  if (!video.videoWidth) return null;  // fetched again this very moment
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const paper = canvas.getContext("2d");
  paper.drawImage(video, 0, 0);
  const side = Math.floor(canvas.width / 40);
  const row = paper.getImageData(0, canvas.height - Math.floor(side / 2) - 1, canvas.width, 1).data;
  let taken = 0n;
  for (let bit = 2; bit < 34; bit += 1) {
    taken = taken * 2n + (row[(Math.floor(side / 2) + bit * side) * 4] > 128 ? 1n : 0n);
  }
  return Number((BigInt(Date.now()) & 0xffffffffn) - taken);
}"""
#: What a coded picture of the simulator begins with, what its coder signs, and usual containers.
MEDIA = (b"\x67\x42\xc0\x1f", b"x264 - core", b"OpusHead", b"\x1aE\xdf\xa3", b"\xff\xd8\xff",
         b"\x89PNG", b"ftypisom", b"RIFF")  # fmt: skip


@pytest.mark.timeout(180)
async def test_the_picture_is_seen_followed_through_trouble_and_leaves_no_trace_r241_13(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    osm = town()
    assert osm is not None
    folder = tmp_path / "host"
    for part in ("tmp", "home", "site"):
        (folder / part).mkdir(parents=True)
    outside = dict(os.environ)
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    monkeypatch.setenv("HOME", str(folder / "home"))
    with watched(folder) as written:
        async with site(folder / "site", osm) as stage:
            await asyncio.to_thread(_activation, stage, outside)

    names = {path.relative_to(folder).as_posix(): found for path, found in written.items()}
    browsers = ("tmp/playwright", "tmp/.org.chromium", "tmp/.com.google", "home/")
    makers = "tmp/renfort-simulator-"  # certificates
    ours = {name for name in names if not name.startswith((*browsers, makers))}
    # Python tries where it may write (`tempfile.gettempdir`): five bytes, removed at once.
    ours = {name for name in ours if not re.fullmatch(r"tmp/[a-z0-9_]{8}", name) or names[name]}
    assert "site/renfort.db-wal" in ours  # the watch sees
    assert ours <= {
        "site/cameras.geojson", "site/renfort.toml", "site/renfort.db", "site/renfort.db-wal",
        "site/renfort.db-shm", "site/renfort.db-journal",
    }  # fmt: skip
    assert [name for name in ours if names[name]] == []
    # A browser keeps icons of its own; of this picture it keeps nothing either.
    assert [name for name, found in names.items() if set(found) & set(MEDIA[:2])] == []


def _activation(stage: Stage, environment: dict[str, Any]) -> None:
    session = stage.operator()
    stage.until_ready(session)
    session.close()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=FLAGS, env=environment
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        complaints: list[str] = []
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(stage.url)
        page.fill("[name=name]", NAME)
        page.fill("[name=password]", stage.password)
        page.click("[type=submit]")
        page.wait_for_selector("#chain *")
        _seen(page, stage)
        assert complaints == []
        browser.close()


def _seen(page: Page, stage: Stage) -> None:
    told = stage.press(lon=24.944, lat=60.1705, eph=8)
    serial = told["serial"]
    _shows(page, "en direct")
    read: list[int | None] = []
    while len(ages := sorted(each for each in read if each is not None)) < 20:
        assert len(read) < 400
        read.append(page.evaluate(AGE))
    assert ages[0] >= 0
    assert ages[10] < 1000  # how fast is for the benchmark: here, that it is this picture, now
    assert page.evaluate("document.querySelector('#tile video').muted")
    page.keyboard.press("s")
    page.wait_for_selector("#tile button[aria-pressed=true]")
    _until(page, "document.querySelector('#tile video').currentTime > 0")
    assert not page.evaluate("document.querySelector('#tile video').muted")

    stage._control(stage.axis, "lost", {"serial": serial})
    _shows(page, "Image perdue")
    stage._control(stage.axis, "found", {"serial": serial})
    _shows(page, "en direct")
    stage._control(stage.axis, "film", {"serial": serial, "width": 320, "height": 180})
    _until(page, "document.querySelector('#tile video').videoWidth === 320")
    stage._control(stage.axis, "cut", {})
    page.wait_for_timeout(500)
    _shows(page, "en direct")

    _cameras(page, stage)

    stage.release(serial)
    _shows(page, "aucune n’est gardée ici")
    assert page.evaluate("document.querySelector('#tile video').srcObject") is None
    assert page.locator("#tile video").is_hidden()

    session = stage.operator()
    headers = {"X-Renfort-Token": stage.state(session)["token"]}
    body = {"decision": "close", "incident": f"axis:{told['sessionId']}", "outcome": "essai"}
    session.post(f"{stage.url}/api/decide", json=body, headers=headers, timeout=10)
    page.wait_for_selector("#strip", state="hidden", timeout=20_000)
    limit = monotonic() + 20
    while _watched(stage):
        assert monotonic() < limit
        page.wait_for_timeout(50)


def _cameras(page: Page, stage: Stage) -> None:
    """See the town's cameras from the other maker: moving, mute, refused in words."""
    page.wait_for_selector("#tiles .cctv[data-state=showing]", timeout=20_000)
    moving = "document.querySelector('#tiles .cctv[data-state=showing] video')"
    _until(page, f"{moving}.currentTime > 0.5")
    assert page.evaluate(f"{moving}.muted && !{moving}.srcObject.getAudioTracks().length")
    guid = page.locator("#tiles .cctv[data-state=showing]").first.get_attribute("data-camera") or ""
    guid = guid.removeprefix("milestone:")
    assert guid in _watched(stage)

    stage._control(stage.milestone, "lens", {"id": guid, "masked": True})
    stage._control(stage.milestone, "drop", {})  # its sessions end, and are fetched again
    said = "#tiles .cctv[data-state=refused] .said:has-text('masques de confidentialité')"
    page.wait_for_selector(said, timeout=20_000)
    page.wait_for_selector("#tiles .cctv[data-state=showing]", timeout=20_000)


def _watched(stage: Stage) -> list[str]:
    url = f"{stage.milestone['control']}/views"
    told = requests.get(url, verify=stage.milestone["ca"], timeout=10).json()["sessions"]
    return [each["camera"] for each in told]


def _until(page: Page, true: str) -> None:
    limit = monotonic() + 20
    while not page.evaluate(true):  # the page's policy forbids Playwright's own way of waiting
        assert monotonic() < limit, true
        page.wait_for_timeout(50)


def _shows(page: Page, words: str) -> None:
    page.wait_for_selector(f"#tile .said:has-text('{words}')", timeout=20_000)


# --- the watch: Linux tells every file that is written, and what it then holds is read ---

_CREATE, _MODIFY, _MOVED, _CLOSED = 0x100, 0x2, 0x80, 0x8


@contextmanager
def watched(folder: Path) -> Iterator[dict[Path, list[bytes]]]:
    """Collect each file written below a folder, and the media bytes found in it, at any moment."""
    libc = ctypes.CDLL(None, use_errno=True)
    notices = libc.inotify_init1(os.O_NONBLOCK)
    folders: dict[int, Path] = {}
    written: dict[Path, list[bytes]] = {}
    over = threading.Event()

    def add(path: Path) -> None:
        mask = _CREATE | _MODIFY | _MOVED | _CLOSED
        folders[libc.inotify_add_watch(notices, os.fsencode(path), mask)] = path
        for child in path.iterdir():
            add(child) if child.is_dir() else look(child)

    def look(path: Path) -> None:
        try:
            held = path.read_bytes()
        except OSError:
            held = b""  # gone already: its name is kept
        found = written.setdefault(path, [])
        found += [mark for mark in MEDIA if mark in held and mark not in found]

    def follow() -> None:
        while not over.is_set():
            if select.select([notices], [], [], 0.1)[0]:
                read(os.read(notices, 65536))

    def read(data: bytes) -> None:
        changed: dict[Path, None] = {}
        while data:
            number, _, _, length = struct.unpack_from("iIII", data)
            name = data[16 : 16 + length].rstrip(b"\0")
            data = data[16 + length :]
            if number in folders:
                changed[folders[number] / os.fsdecode(name)] = None
        for path in changed:
            add(path) if path.is_dir() else look(path)

    add(folder)
    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()
        os.close(notices)


def test_the_watch_finds_a_picture_that_is_written_and_removed(tmp_path: Path) -> None:
    """The proof that the check above can fail."""
    with watched(tmp_path) as written:
        (tmp_path / "cache").mkdir()
        film = tmp_path / "cache" / "film.h264"
        film.write_bytes(b"\0\0\0\1\x67\x42\xc0\x1f and so on")
        limit = monotonic() + 20
        while not written.get(film):
            assert monotonic() < limit
            sleep(0.02)
        film.unlink()

    assert written[film] == [b"\x67\x42\xc0\x1f"]
