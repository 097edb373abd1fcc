"""Draw and code the picture a VMS is given between activations: vms_plugin/live/still.h264."""

from __future__ import annotations

import io
from pathlib import Path

import av
from playwright.sync_api import sync_playwright

from vms_plugin.live.rtp import units

PAGE = """<body style="margin:0;width:640px;height:360px;display:grid;place-content:center;
text-align:center;background:#0e1319;color:#a9bac9;font:600 34px 'DejaVu Sans',sans-serif">
Pas d’activation<p style="font-size:17px;margin:.8em 0 0;font-weight:400">
L’image de l’agent paraît ici dès qu’il appelle.</p></body>"""
OUT = Path(__file__).parents[1] / "vms_plugin" / "live" / "still.h264"


def drawn() -> av.VideoFrame:
    """Draw it in Chromium, which has the letters."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 640, "height": 360})
        page.set_content(PAGE)
        png = page.screenshot()
        browser.close()
    with av.open(io.BytesIO(png), format="image2pipe") as picture:
        frame = next(picture.decode(video=0))
    return frame.reformat(format="yuv420p")


def coded(frame: av.VideoFrame) -> bytes:
    """Code it as one key picture of the profile every VMS shows."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuv420p"
    codec.framerate, codec.profile = 25, "Baseline"
    codec.options = {"crf": "20", "tune": "stillimage", "level": "31", "x264-params": "no-info=1"}
    frame.pts = 0
    whole = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
    # The coder signs its work in a unit of its own, which nobody needs.
    kept = (unit for unit in units(whole) if unit[0] & 0x1F in (5, 7, 8))
    return b"".join(b"\0\0\0\1" + unit for unit in kept)


if __name__ == "__main__":
    OUT.write_bytes(coded(drawn()))
