"""Two ways of bringing a coded picture to a browser, at once, from one source: WHEP and WebCodecs.

    python benchmarks/live_ways.py [--seconds 15]

WHEP is what the page uses. The other: the same coded pictures by WebSocket, decoded by the page
itself (WebCodecs, VideoDecoder) and painted on a canvas; there is no sound in it. Both read the
barcode clock of every picture they paint. Prints the first picture, the age, and the pictures a
second of each, and how idle the machine was.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import Any

import numpy as np
import uvicorn
from playwright.sync_api import sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.axis.simulator.scene import Coded, Scene
from benchmarks.live import idle_s
from hooks import Codec, Sample
from vms_plugin.demo_page import FLAGS
from vms_plugin.live.channel import Backlog, Channel, Ended
from vms_plugin.live.viewer import Viewer

PAGE = """<!doctype html><video muted autoplay playsinline></video><canvas></canvas><script type="module">
const reader = (name) => {
  const strip = document.createElement("canvas");
  const paper = strip.getContext("2d", { willReadFrequently: true });
  window[name] = { first: 0, ages: [] };
  return (source, width, height) => {
    const now = Date.now();
    const told = window[name];
    told.first ||= now;
    [strip.width, strip.height] = [width, 1];
    const side = Math.floor(width / 40);
    paper.drawImage(source, 0, height - Math.floor(side / 2) - 1, width, 1, 0, 0, width, 1);
    const row = paper.getImageData(0, 0, width, 1).data;
    let taken = 0n;
    for (let bit = 2; bit < 34; bit += 1) taken = taken * 2n + (row[(Math.floor(side / 2) + bit * side) * 4] > 128 ? 1n : 0n);
    told.ages.push(Number((BigInt(now) & 0xffffffffn) - taken));
  };
};

window.whep = async () => {
  const read = reader("byWhep");
  const video = document.querySelector("video");
  const seen = () => { read(video, video.videoWidth, video.videoHeight); video.requestVideoFrameCallback(seen); };
  video.requestVideoFrameCallback(seen);
  const peer = new RTCPeerConnection();
  const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
  receiver.jitterBufferTarget = 0;
  peer.addEventListener("track", ({ track }) => { video.srcObject = new MediaStream([track]); });
  await peer.setLocalDescription();
  const answer = await fetch("/whep", { method: "POST", body: peer.localDescription.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
};

window.codecs = () => {
  const read = reader("byCodecs");
  const canvas = document.querySelector("canvas");
  const paper = canvas.getContext("2d");
  const decoder = new VideoDecoder({
    output: (frame) => {
      [canvas.width, canvas.height] = [frame.displayWidth, frame.displayHeight];
      paper.drawImage(frame, 0, 0);
      read(frame, frame.displayWidth, frame.displayHeight);
      frame.close();
    },
    error: (fault) => { window.fault = String(fault); },
  });
  decoder.configure({ codec: "avc1.42e01f", optimizeForLatency: true });
  const socket = new WebSocket(`ws://${location.host}/coded`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    const view = new DataView(data);
    decoder.decode(new EncodedVideoChunk({
      type: view.getUint8(0) ? "key" : "delta", timestamp: view.getFloat64(1) * 1e6, data: new Uint8Array(data, 9),
    }));
  };
};
</script>"""  # noqa: E501


class Room:
    """One camera, shown both ways."""

    def __init__(self) -> None:
        self.channel = Channel(lambda _status: None, mute=True)
        self._viewers: list[Viewer] = []

    def film(self) -> None:
        """Film, and take wishes for a key picture."""
        scene = Scene()

        def show(coded: Coded) -> None:
            if coded.kind == "video":
                at_s = float((coded.packet.pts or 0) * coded.packet.time_base)
                self.channel.show(Sample(codec=Codec.H264, data=bytes(coded.packet), at_s=at_s,
                                         key=coded.packet.is_keyframe))  # fmt: skip

        async def keys() -> None:
            while True:
                await self.channel.key_wanted()
                scene.want_key()

        self._leave, self._keys = scene.watch(show), asyncio.ensure_future(keys())

    async def page(self, _request: Request) -> Response:
        """Give the page."""
        return HTMLResponse(PAGE)

    async def whep(self, request: Request) -> Response:
        """Show by WebRTC."""
        viewer = Viewer(self.channel, lambda: None)
        self._viewers.append(viewer)
        return Response(await viewer.answer((await request.body()).decode()), 201)

    async def coded(self, socket: WebSocket) -> None:
        """Show by WebSocket: key or not, when, the picture."""
        await socket.accept()
        backlog = Backlog(self.channel.want_key)
        self.channel.watch(backlog.put, backlog.end)
        try:
            while True:
                sample = await backlog.get()
                head = bytes((sample.key,)) + np.array(sample.at_s, ">f8").tobytes()
                await socket.send_bytes(head + sample.data)
        except (Ended, WebSocketDisconnect, RuntimeError):
            self.channel.leave(backlog.put)

    async def close(self) -> None:
        """End everything."""
        self._keys.cancel()
        self._leave()
        for viewer in self._viewers:
            await viewer.close()


async def measured(seconds: float) -> dict[str, Any]:
    """Serve both ways, and let a browser watch."""
    room = Room()
    app = Starlette(
        routes=[
            Route("/", room.page),
            Route("/whep", room.whep, methods=["POST"]),
            WebSocketRoute("/coded", room.coded),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    room.film()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        return await asyncio.to_thread(_seen, f"http://127.0.0.1:{port}/", seconds)
    finally:
        await room.close()
        server.should_exit = True
        await serving


def _seen(url: str, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page()
        page.goto(url)
        asked = {}
        for way in ("whep", "codecs"):
            asked[way] = page.evaluate(f"() => {{ window.{way}(); return Date.now(); }}")
            page.wait_for_timeout(2000)
        page.evaluate("() => { window.byWhep.ages.length = 0; window.byCodecs.ages.length = 0; }")
        idle, start = idle_s(), time.monotonic()
        page.wait_for_timeout(seconds * 1000)
        took = time.monotonic() - start
        for way, name in (("whep", "byWhep"), ("codecs", "byCodecs")):
            told = page.evaluate(f"window.{name}")
            found[way] = {"first": told["first"] - asked[way], "ages": told["ages"],
                          "fps": len(told["ages"]) / took}  # fmt: skip
        found["idle"] = 100 * (idle_s() - idle) / took / 2
        browser.close()
    return found


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15)
    found = asyncio.run(measured(parser.parse_args().seconds))
    print(f"{'':<12}{'first, ms':>10}{'age p50':>10}{'p95':>8}{'p99':>8}{'fps':>8}")
    for way, name in (("whep", "WHEP"), ("codecs", "WebCodecs")):
        ages = np.percentile(found[way]["ages"], [50, 95, 99])
        print(f"{name:<12}{found[way]['first']:>10.0f}{ages[0]:>10.0f}{ages[1]:>8.0f}{ages[2]:>8.0f}"
              f"{found[way]['fps']:>8.1f}")  # fmt: skip
    print(f"machine idle: {found['idle']:.0f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
