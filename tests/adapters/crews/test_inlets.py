"""Datagrams, streams and tracks, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import takproto

from adapters.crews import Crews, inlets, track
from adapters.crews.inlets import Inlet
from adapters.crews.track import points
from hooks import BadSettings, CrewFix, Envelope, Fact, Malformed, Message, Unreachable
from tests.adapters.crews.test_radios import NOW, RMC, cot, nmea
from tests.adapters.feeds import beside
from tests.network import free_port


class Ear:
    """A listener that decodes what it hears, as the host does."""

    def __init__(self, adapter: Crews) -> None:
        self.adapter = adapter
        self.facts: list[Fact] = []
        self.faults: list[Malformed] = []
        self.senders: set[str] = set()
        self.ups = 0
        self._stirred = asyncio.Event()

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        self.senders.add(envelope.sender)
        try:
            self.facts.extend(self.adapter.decode(envelope))
        except Malformed as fault:
            self.faults.append(fault)
        self._stirred.set()
        return ()

    def up(self) -> None:
        self.ups += 1
        self._stirred.set()

    @property
    def crews(self) -> list[str]:
        return [fact.crew for fact in self.facts if isinstance(fact, CrewFix)]

    def told(self, crew: str) -> bool:
        return crew in self.crews

    async def until(self, done: Callable[[], Any]) -> None:
        async with asyncio.timeout(30):
            while not done():
                self._stirred.clear()
                await self._stirred.wait()


@contextlib.asynccontextmanager
async def opened(**inlet: Any) -> AsyncIterator[Ear]:
    adapter = Crews()
    adapter.configure({"inlets": {"radio": inlet}})
    [feed] = adapter.list_feeds()
    ear = Ear(adapter)
    running = asyncio.ensure_future(feed.run(ear))
    async with beside(running, ear.until(lambda: ear.ups)):
        yield ear


async def test_datagrams_are_heard_and_say_who_sent_them() -> None:
    port = free_port(socket.SOCK_DGRAM)

    async with opened(listen=f"udp://127.0.0.1:{port}") as ear:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as radio:
            radio.sendto(nmea(RMC).encode(), ("127.0.0.1", port))
            radio.sendto(cot(uid="A").encode(), ("127.0.0.1", port))
            await ear.until(lambda: len(ear.crews) == 2)

    assert ear.crews == ["crews:127.0.0.1", "crews:A"]
    assert ear.senders == {"127.0.0.1"}


def test_what_a_gateway_sent_while_we_wrote_is_handed_over_together() -> None:
    inbox = inlets._Datagrams(Inlet(name="radio"))
    mesh = bytes(takproto.xml2proto(cot(uid="M")))
    for body, sender in (
        *((cot(uid=f"A{n}").encode(), "127.0.0.1") for n in range(300)),
        (nmea(RMC).encode(), "127.0.0.2"), (mesh, "127.0.0.2"),
        (cot(uid="Z").encode(), "127.0.0.1"),
    ):  # fmt: skip
        inbox.datagram_received(body, (sender, 5000))

    taken = [*inbox.take(), *inbox.take()]
    told = [
        fact for body, sender in taken
        for fact in Crews().decode(Envelope(adapter="crews", body=body, sender=sender,
                                            received_at=NOW))
    ]  # fmt: skip

    assert [sender[-1] for _, sender in taken] == ["1", "1", "2", "2", "1"]
    assert [fact.crew for fact in told if isinstance(fact, CrewFix)] == [
        *(f"crews:A{n}" for n in range(300)), "crews:127.0.0.2", "crews:M", "crews:Z",
    ]  # fmt: skip
    assert not inbox.waiting


async def test_a_stream_is_heard_though_it_comes_in_pieces() -> None:
    port = free_port()

    async with opened(listen=f"tcp://127.0.0.1:{port}") as ear:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        stream = (cot(uid="A") + cot(uid="B") + nmea(RMC, tag="s:V1")).encode()
        for start in range(0, len(stream), 50):
            writer.write(stream[start : start + 50])
            await writer.drain()
            await asyncio.sleep(0.001)
        await ear.until(lambda: len(ear.crews) == 3)
        writer.close()

    assert ear.crews == ["crews:A", "crews:B", "crews:V1"]


async def test_a_stream_that_is_none_of_ours_is_told_and_closed() -> None:
    port = free_port()

    async with opened(listen=f"tcp://127.0.0.1:{port}") as ear:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 70_000)
        await ear.until(lambda: ear.faults)

        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_connections_that_nobody_ends_keep_no_tracker_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inlets, "MOST_SENDERS", 3)
    port = free_port()

    async with opened(listen=f"tcp://127.0.0.1:{port}") as ear, contextlib.AsyncExitStack() as left:

        async def tracker() -> asyncio.StreamWriter:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            left.callback(writer.close)
            return writer

        steady = await tracker()
        for number in range(8):
            lost = await tracker()
            for writer, name in (lost, f"L{number}"), (steady, f"S{number}"):
                writer.write(nmea(RMC, tag=f"s:{name}").encode())
                await ear.until(partial(ear.told, f"crews:{name}"))


async def test_a_gateway_is_called_and_its_end_is_told() -> None:
    said = asyncio.Event()

    async def gateway(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(nmea(RMC, tag="s:V1").encode())
        await writer.drain()
        await said.wait()
        writer.close()

    server = await asyncio.start_server(gateway, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ear = Ear(Crews())
    running = asyncio.ensure_future(Inlet(name="radio", connect=f"tcp://127.0.0.1:{port}").run(ear))
    await ear.until(lambda: ear.crews)
    said.set()

    with pytest.raises(Unreachable, match="closed the connection"):
        await asyncio.wait_for(running, 5)
    server.close()


async def test_an_address_that_is_taken_is_named() -> None:
    port = free_port()
    async with opened(listen=f"tcp://127.0.0.1:{port}"):
        with pytest.raises(Unreachable, match="cannot be listened to"):
            await Inlet(name="two", listen=f"tcp://127.0.0.1:{port}").run(Ear(Crews()))


@pytest.mark.parametrize(
    ("sender", "let"),
    [("127.0.0.1", True), ("::1", True), ("192.0.2.7", True), ("::ffff:192.0.2.7", True),
     ("192.0.3.7", False), ("2001:db8::1", False)],
)  # fmt: skip
def test_only_those_allowed_and_this_machine_may_speak(sender: str, let: bool) -> None:
    adapter = Crews()
    adapter.configure(
        {"inlets": {"radio": {"listen": "udp://0.0.0.0:10110", "allow": ["192.0.2.0/24"]}}}
    )
    [feed] = adapter.list_feeds()
    inlet = feed.run.__self__  # type: ignore[attr-defined]

    assert inlet.lets(sender) is let


GPX = """<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">
<trk><name>Brigade 21</name><trkseg>
<trkpt lat="43.5606" lon="4.0853"><time>2026-11-20T10:00:00Z</time></trkpt>
<trkpt lat="43.5610" lon="4.0860"><time>2026-11-20T10:00:05Z</time></trkpt>
</trkseg></trk></gpx>"""


async def test_a_track_is_played_again_and_says_that_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "ronde.gpx"
    path.write_text(GPX)

    async with opened(replay=str(path), speed=100.0) as ear:
        await ear.until(lambda: len(ear.crews) == 2)

    first, second = (fact for fact in ear.facts if isinstance(fact, CrewFix))
    assert first.name == "Brigade 21 (GPX)"
    assert first.position is not None
    assert second.position is not None
    assert first.position.lon == 4.0853
    assert second.position.lon == 4.0860


async def test_two_tracks_that_a_recorder_called_the_same_are_two_crews(tmp_path: Path) -> None:
    for name in ("ronde", "patrouille"):
        (tmp_path / f"{name}.gpx").write_text(GPX.replace("Brigade 21", "ACTIVE LOG"))
    adapter = Crews()
    settings = {each: {"replay": str(tmp_path / f"{each}.gpx")} for each in ("ronde", "patrouille")}
    adapter.configure({"inlets": settings})
    ear = Ear(adapter)

    playing = [asyncio.ensure_future(feed.run(ear)) for feed in adapter.list_feeds()]
    await ear.until(lambda: len(ear.crews) == 2)
    for each in playing:
        each.cancel()
    await asyncio.gather(*playing, return_exceptions=True)

    assert len(set(ear.crews)) == 2


async def test_where_a_track_stands_still_it_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track, "BEAT_S", 0.02)
    path = tmp_path / "ronde.gpx"
    path.write_text(GPX.replace("10:00:05Z", "10:59:05Z"))

    async with opened(replay=str(path), speed=100.0) as ear:
        await ear.until(lambda: ear.ups >= 5)

    assert len(ear.crews) == 1


def test_a_time_without_its_zone_is_in_utc() -> None:
    mixed = GPX.replace("10:00:00Z", "10:00:00")

    assert [at_s for at_s, *_ in points(mixed)] == [0.0, 5.0]


@pytest.mark.parametrize(
    "text", ["", "<html/>", GPX.replace("<time>", "<!--").replace("</time>", "-->")]
)
def test_a_track_that_cannot_be_played_is_named(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        list(points(text))

    assert caught.value.field == "replay"


@pytest.mark.parametrize(
    ("inlet", "field"),
    [
        ({}, "inlets.radio"),
        ({"listen": "udp://127.0.0.1:1", "connect": "tcp://127.0.0.1:1"}, "inlets.radio"),
        ({"listen": "http://127.0.0.1:1"}, "inlets.radio.listen"),
        ({"listen": "udp://127.0.0.1"}, "inlets.radio.listen"),
        ({"listen": "udp://0.0.0.0:10110"}, "inlets.radio.allow"),
        ({"listen": "udp://127.0.0.1:1", "allow": ["nobody"]}, "inlets.radio.allow"),
        ({"replay": "no-such.gpx"}, "inlets.radio.replay"),
        ({"connect": "tcp://h:1", "speed": 0}, "inlets.radio.speed"),
        ({"connect": "tcp://h:1", "stale_after_s": -1}, "inlets.radio.stale_after_s"),
        ({"connect": "tcp://h:1", "colour": "red"}, "inlets.radio.colour"),
        ("udp://127.0.0.1:1", "inlets.radio"),
    ],
)
def test_a_wrong_inlet_is_named_whole(inlet: Any, field: str) -> None:
    with pytest.raises(BadSettings) as caught:
        Crews().configure({"inlets": {"radio": inlet}})

    assert caught.value.field == field


def test_each_source_says_how_long_its_positions_stand() -> None:
    adapter = Crews()
    adapter.configure(
        {
            "stale_after_s": 60,
            "inlets": {"radio": {"connect": "tcp://192.0.2.1:5000", "stale_after_s": 900}},
        }
    )
    body = nmea(RMC, tag="s:V1").encode()

    def heard(channel: str) -> float | None:
        [fact] = adapter.decode(
            Envelope(adapter="crews", body=body, received_at=NOW, channel=channel)
        )
        assert isinstance(fact, CrewFix)
        return fact.stale_after_s

    assert (heard("radio"), heard("mqtt")) == (900, 60)
