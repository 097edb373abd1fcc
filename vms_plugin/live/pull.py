"""Pull a picture by RTSP as it stands: taken apart by FFmpeg, never decoded.

Sound that is not Opus becomes Opus here, once, so that browsers hear it. A key picture cannot be
asked for by RTSP: who joins waits for the next one, and none is kept for him (CSI R241-13).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import av
import av.error
import structlog

from hooks import AdapterError, Codec, Message, Refused, Sample, Screen, Unreachable
from hooks.causes import cause
from vms_plugin.live.rtp import parameter_sets
from vms_plugin.live.sound import Opus

#: To be answered at all; and without a packet for that long, the connection is made anew.
OPEN_S, READ_S = 5.0, 5.0
#: The first picture is waited for that long; one that stands still is said after that, then made
#: anew, even while sound goes on. A camera may give one picture a second.
FIRST_S, SILENT_S, GIVEN_UP_S = 10.0, 2.0, 10.0

#: TCP first: no packet is lost. No other protocol than these, whatever a server answers.
_OPTIONS = {
    "rtsp_flags": "prefer_tcp",
    "protocol_whitelist": "rtsp,tcp,udp,rtp",
    "fflags": "nobuffer",
    # What is needed is in the description of the session: nothing is to be guessed from pictures.
    "analyzeduration": "0",
    "probesize": "32",
}

log = structlog.get_logger(__name__)


async def pull(url: str, screen: Screen, *, mute: bool) -> None:
    """Show what an address gives until it stops.

    Raises
    ------
    Unreachable, Refused
        With the reason; never with the address, which may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme != "rtsp" or not parts.hostname:
        raise Refused("{url} is no RTSP address", url=f"{parts.scheme}://{parts.hostname}")
    loop, over = asyncio.get_running_loop(), threading.Event()
    ended: asyncio.Future[None] = loop.create_future()
    watch = _Watch(screen)

    def show(sample: Sample) -> None:
        if not over.is_set():
            watch.show(sample)

    def give(sample: Sample) -> None:
        loop.call_soon_threadsafe(show, sample)

    def end(error: AdapterError | None) -> None:
        if not ended.done():
            ended.set_exception(error or Unreachable("the source of the picture stopped"))

    def read() -> None:
        error: AdapterError | None = None
        try:
            _read(url, give, over, mute=mute)
        except av.error.HTTPUnauthorizedError:
            error = Refused("{host} refuses user or password", host=parts.hostname)
        except (av.FFmpegError, OSError, ValueError) as failed:
            error = Unreachable(
                "{host} gives no picture: {cause}", host=parts.hostname, cause=cause(failed)
            )
        except AdapterError as refused:
            error = refused
        except Exception as failed:  # or nobody would ever know that the thread is gone
            log.exception("a picture could not be pulled", host=parts.hostname)
            error = Unreachable(
                "{host} gives no picture: {cause}", host=parts.hostname, cause=cause(failed)
            )
        if not loop.is_closed():
            loop.call_soon_threadsafe(end, error)

    # A thread of its own: FFmpeg waits, and cannot be told to stop but between two packets.
    threading.Thread(target=read, name="pull", daemon=True).start()
    beside = [asyncio.create_task(_no_keys(screen)), asyncio.create_task(watch.run(end))]
    try:
        await ended
    finally:
        over.set()
        for task in beside:
            task.cancel()


class _Watch:
    """Says that the picture stands still, then gives the connection up."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._since = screen, monotonic()
        self._shown_at: float | None = None

    def show(self, sample: Sample) -> None:
        if sample.codec is Codec.H264:
            self._shown_at = monotonic()
        self._screen.show(sample)

    async def run(self, end: Callable[[AdapterError], None]) -> None:
        said = False
        while True:
            await asyncio.sleep(SILENT_S / 4)
            silent_s = monotonic() - (self._shown_at or self._since)
            if silent_s > (FIRST_S if self._shown_at is None else GIVEN_UP_S):
                end(Unreachable("no picture from the camera for {s:.0f} s", s=silent_s))
                return
            if self._shown_at and silent_s > SILENT_S and not said:
                self._screen.lost(Message(text="no picture comes from the camera"))
            said = silent_s > SILENT_S


async def _no_keys(screen: Screen) -> None:
    while True:
        await screen.key_wanted()


def _read(url: str, give: Callable[[Sample], None], over: threading.Event, *, mute: bool) -> None:
    with av.open(url, options=_OPTIONS, timeout=(OPEN_S, READ_S)) as container:
        streams = container.streams
        if not streams.video:
            raise Refused("this camera gives no live picture")
        picture = streams.video[0]
        if picture.codec_context is None:  # of a name that FFmpeg does not know
            raise Refused("this camera gives no live picture")
        if picture.codec_context.name != "h264":
            raise Refused(
                "this camera gives {codec}, which browsers do not show: set it to H.264",
                codec=picture.codec_context.name,
            )
        sounds = [] if mute else [each for each in streams.audio if each.codec_context]
        sound = sounds[0] if sounds else None
        takers: dict[int, _Pictures | Opus] = {
            picture.index: _Pictures(picture.codec_context.extradata or b"")
        }
        if sound is not None:
            takers[sound.index] = Opus(sound.codec_context)
        for packet in container.demux(*(each for each in (picture, sound) if each is not None)):
            if over.is_set():
                return
            for sample in takers[packet.stream_index].take(packet):
                give(sample)


class _Pictures:
    """Access units as they come; a key picture is given its parameter sets, should it lack them."""

    def __init__(self, described: bytes) -> None:
        self._sets = parameter_sets(described)
        self._waiting = True

    def take(self, packet: Any) -> Iterator[Sample]:
        data, key = bytes(packet), bool(packet.is_keyframe)
        if not data or packet.pts is None:
            return
        if key:
            sets = parameter_sets(data)
            self._sets = sets or self._sets
            data = data if sets else self._sets + data
            self._waiting = not self._sets
        if not self._waiting:
            at_s = float(packet.pts * packet.time_base)
            yield Sample(codec=Codec.H264, data=data, at_s=at_s, key=key)
