"""What one RTSP client is sent: packets of a channel, the still picture between, reports of clocks.

Sent within the client's connection, or to two of its UDP ports for each track.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sqlite3
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.resources import files
from secrets import token_hex
from time import monotonic, time
from typing import Any, Protocol

import structlog

from hooks import Codec, Sample
from vms_plugin.live import rtsp_words as words
from vms_plugin.live.channel import Backlog, Channel, Ended
from vms_plugin.live.rtp import Stream, aac_payload, payloads
from vms_plugin.live.sound import SILENCE, SILENCE_S, SOUNDS, Translator

#: To take what is sent to it.
STALLED_S = 20.0
#: At the end of an activation, to have taken what was sent; the rest is not for later.
CUT_S = 0.5
REPORT_S = 5.0
#: Blocks of silence from one still picture to the next: five pictures a second.
STILL_BLOCKS = 10

#: « Pas d'activation », coded beforehand: tools/still.py.
STILL = files("vms_plugin.live").joinpath("still.h264").read_bytes()

log = structlog.get_logger(__name__)


class Switchboard(Protocol):
    """Who streams now."""

    def find(self, name: str) -> Channel | None:
        """Give the running channel of an officer or a device."""

    def knows(self, name: str) -> bool:
        """Whether that name has an address here, streaming or not."""

    async def changed(self) -> None:
        """Wait until a channel opens or closes."""

    def on_record(self, name: str, peer: str) -> AbstractAsyncContextManager[None]:
        """Have the register say that a picture is given, then that it no longer is.

        Raises
        ------
        sqlite3.Error
            It cannot be written: nothing may be given.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a site wants it."""

    username: str
    password: str
    sound: str = "pcma"  #: a word of `sound.SOUNDS`, or "none"
    still: bool = True  #: between activations, a still picture; else a refusal


class _Track:
    """One stream on its way to a client."""

    def __init__(self, stream: Stream, send: Callable[[bytes], None],
                 report: Callable[[bytes], None]) -> None:  # fmt: skip
        self.stream, self.send, self.report = stream, send, report


class Session:
    """What one client is sent: the tracks it set up, from whatever channel its name has now."""

    def __init__(
        self, board: Switchboard, options: Options, channel_name: str, peer: str,
        writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        self.name = token_hex(8)
        self.channel_name = channel_name
        self.seen_at = monotonic()
        self._board, self._options = board, options
        self._peer, self._writer = peer, writer
        self._tracks: dict[int, _Track] = {}
        self._ports: dict[int, list[asyncio.DatagramTransport]] = {}  # by track
        self._playing: asyncio.Task[None] | None = None
        self._sound = SOUNDS.get(options.sound)
        self._reported_at = self._latest_s = 0.0

    @property
    def playing(self) -> bool:
        """Whether anything is being sent."""
        return self._playing is not None and not self._playing.done()

    async def add(self, track: int, chosen: words.Transport) -> str:
        """Prepare a track; answer its `Transport` header."""
        if track == 1 and self._sound is not None:
            stream = Stream(self._sound.payload_type, self._sound.rate)
        else:
            stream = Stream(words.VIDEO_TYPE, 90_000)
        self._close_ports(track)  # of an earlier wish for it
        named = f'ssrc={stream.source:08X};mode="PLAY"'
        if chosen.udp is None:
            here, there = chosen.interleaved
            self._tracks[track] = _Track(stream, self._within(here), self._within(there))
            return f"RTP/AVP/TCP;unicast;interleaved={here}-{there};{named}"
        local, sends = await self._open_ports(track, chosen.udp)
        self._tracks[track] = _Track(stream, *sends)
        theirs = f"client_port={chosen.udp[0]}-{chosen.udp[1]}"
        return f"RTP/AVP;unicast;{theirs};server_port={local[0]}-{local[1]};{named}"

    def drop(self, track: int | None) -> bool:
        """Say goodbye on one of several tracks; False when it is all there is (None: all)."""
        if track not in self._tracks or len(self._tracks) < 2:
            return False
        gone = self._tracks.pop(track)
        gone.report(gone.stream.farewell())
        self._close_ports(track)
        return True

    def about(self, base: str) -> str:
        """Write `RTP-Info`: where the numbers begin."""
        return ",".join(
            f"url={base}trackID={number};seq={track.stream.number}"
            for number, track in sorted(self._tracks.items())
        )

    def play(self, over: Callable[[], None]) -> None:
        """Send from now on; `over` is called once there is nothing more to send, or no way."""
        if not self.playing:
            self._playing = asyncio.create_task(self._send_all(over))

    async def pause(self) -> None:
        """Send no more for the moment."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
            self._playing = None

    async def close(self) -> None:
        """Say goodbye on each track, and leave."""
        await self.pause()
        for track in self._tracks.values():
            with contextlib.suppress(Exception):
                track.report(track.stream.farewell())
        for number in list(self._ports):
            self._close_ports(number)

    def _close_ports(self, track: int) -> None:
        for port in self._ports.pop(track, ()):
            port.close()

    # --- ways out ---

    def _within(self, number: int) -> Callable[[bytes], None]:
        def send(packet: bytes) -> None:
            if not self._writer.is_closing():
                head = b"$" + bytes((number,)) + len(packet).to_bytes(2, "big")
                self._writer.write(head + packet)

        return send

    async def _open_ports(
        self, track: int, theirs: tuple[int, int]
    ) -> tuple[tuple[int, int], list[Callable[[bytes], None]]]:
        """Open two neighbouring ports, the first even, towards the client's own address."""
        loop = asyncio.get_running_loop()
        here = self._writer.get_extra_info("sockname")[0]
        for _ in range(50):
            first, _ = await loop.create_datagram_endpoint(lambda: _Ear(self), local_addr=(here, 0))
            port = first.get_extra_info("sockname")[1]
            try:
                if port % 2:
                    raise OSError("odd")
                second, _ = await loop.create_datagram_endpoint(
                    lambda: _Ear(self), local_addr=(here, port + 1)
                )
            except OSError:
                first.close()
                continue
            self._ports[track] = [first, second]
            return (port, port + 1), [self._to(first, theirs[0]), self._to(second, theirs[1])]
        raise OSError("no two neighbouring ports are free")

    def _to(self, port: asyncio.DatagramTransport, number: int) -> Callable[[bytes], None]:
        def send(packet: bytes) -> None:
            if not port.is_closing():
                port.sendto(packet, (self._peer, number))

        return send

    # --- sending ---

    async def _send_all(self, over: Callable[[], None]) -> None:
        try:
            while (channel := self._board.find(self.channel_name)) or self._options.still:
                await (self._send_channel(channel) if channel else self._send_still())
        except (TimeoutError, OSError):
            log.info("a VMS takes no more", name=self.channel_name, peer=self._peer)
            abort(self._writer)
        except sqlite3.Error as error:
            log.warning("no picture for a VMS: the register cannot be written", why=str(error))
        except Exception:
            log.exception("a picture for a VMS broke off", name=self.channel_name)
        over()

    async def _send_still(self) -> None:
        """Send the still picture and silence until somebody streams.

        Both at a steady rate: a VMS that hears nothing on a track it was promised gives up.
        """
        translator = self._translator()
        changed = asyncio.ensure_future(self._board.changed())
        start, blocks = self._from_now(), 0
        try:
            while not changed.done():
                at_s = start + blocks * SILENCE_S
                if blocks % STILL_BLOCKS == 0:
                    still = Sample(codec=Codec.H264, data=STILL, at_s=at_s, key=True)
                    await self._send(still, at_s, None)
                silence = Sample(codec=Codec.OPUS, data=SILENCE, at_s=at_s, key=True)
                await self._send(silence, at_s, translator)
                blocks += 1
                await asyncio.wait({changed}, timeout=max(0.0, at_s + SILENCE_S - monotonic()))
        finally:
            changed.cancel()

    def _from_now(self) -> float:
        """Give the moment at which what follows begins: now, and after what was sent before."""
        return max(monotonic(), self._latest_s + 2 * SILENCE_S)

    def _translator(self) -> Translator | None:
        return Translator(self._sound) if self._sound and self._sound.coder else None

    async def _send_channel(self, channel: Channel) -> None:
        async with self._board.on_record(self.channel_name, self._peer):
            await self._send_live(channel)

    async def _send_live(self, channel: Channel) -> None:
        backlog = Backlog(channel.want_key)
        translator = self._translator()

        def ended() -> None:
            backlog.end()
            asyncio.get_running_loop().call_later(CUT_S, self._cut_behind)

        channel.watch(backlog.put, ended)
        watching = asyncio.ensure_future(self._until_another(channel, backlog))
        ahead_s: float | None = None  # of our clock over the source's
        try:
            while True:
                sample = await backlog.get()
                if ahead_s is None:
                    ahead_s = self._from_now() - sample.at_s
                await self._send(sample, sample.at_s + ahead_s, translator, ahead_s)
        except Ended:
            pass
        finally:
            watching.cancel()
            channel.leave(backlog.put)

    def _cut_behind(self) -> None:
        """Cut a client that has not taken the picture of before: nothing outlives the end."""
        if self._writer.transport.get_write_buffer_size():
            log.info("a VMS was too slow to see the end", name=self.channel_name, peer=self._peer)
            abort(self._writer)

    async def _until_another(self, channel: Channel, backlog: Backlog) -> None:
        """Leave a channel once its name has a newer one: he pressed again, its end was lost."""
        while self._board.find(self.channel_name) is channel:
            await self._board.changed()
        backlog.end()

    async def _send(
        self, sample: Sample, at_s: float, translator: Translator | None, ahead_s: float = 0.0
    ) -> None:
        self._report()
        self._latest_s = max(self._latest_s, at_s)
        picture, sound = self._tracks.get(0), self._tracks.get(1)
        if sample.codec is Codec.H264 and picture:
            for packet in picture.stream.packets(payloads(sample.data), at_s):
                picture.send(packet)
        elif sample.codec is Codec.OPUS and sound and translator:
            for heard_s, block in translator.translate(sample):
                cut = [aac_payload(block) if self._options.sound == "aac" else block]
                for packet in sound.stream.packets(cut, heard_s + ahead_s):
                    sound.send(packet)
        elif sample.codec is Codec.OPUS and sound:
            for packet in sound.stream.packets([sample.data], at_s):
                sound.send(packet)
        async with asyncio.timeout(STALLED_S):
            await self._writer.drain()

    def _report(self) -> None:
        now = monotonic()
        if now - self._reported_at >= REPORT_S:
            self._reported_at = now
            for track in self._tracks.values():
                track.report(track.stream.report(now, time()))


def abort(writer: asyncio.StreamWriter) -> None:
    """Break a connection off: what its client has not taken is thrown away, here and below."""
    if writer.transport.get_write_buffer_size():
        # Else the system goes on sending what it holds, for a quarter of an hour if need be.
        at_once = struct.pack("ii" if os.name != "nt" else "hh", 1, 0)
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


class _Ear(asyncio.DatagramProtocol):
    """Hears a client's reports: a sign of life."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if addr[0] == self._session._peer:
            self._session.seen_at = monotonic()
