"""GStreamer's RTSP server, playing a file as a camera would. Run by Debian's own Python.

Usage: rtsp_camera.py FILE CODEC SOUND; prints its port. CODEC: h264, h265. SOUND: aac, opus, pcmu.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

SOUNDS = {
    "aac": "! aacparse ! rtpmp4gpay name=pay1 pt=97",
    "opus": "! opusparse ! rtpopuspay name=pay1 pt=97",
    "pcmu": "! rtppcmupay name=pay1",
}


def main() -> None:
    film, codec, sound = sys.argv[1:]
    Gst.init(None)
    line = (
        f"( filesrc location={film} ! matroskademux name=d "
        f"d. ! queue ! {codec}parse ! rtp{codec}pay name=pay0 pt=96 config-interval=0 "
        f"d. ! queue {SOUNDS[sound]} "
    )
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(line + ")")
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    server.get_mount_points().add_factory("/camera", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main()
