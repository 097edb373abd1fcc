"""Pictures put together from packets that are lost, late, doubled and out of order."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters._shared.assembler import Pictures, Sounds
from hooks import Codec, Sample
from hooks.live import units

START = b"\x00\x00\x00\x01"
SPS, PPS = START + b"\x67sps", START + b"\x68pps"


@dataclass
class Packet:
    sequence_number: int
    timestamp: int
    marker: int
    _data: bytes
    payload: bytes = b"x"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Camera:
    """Sends pictures of three packets; the first is a key picture with its parameter sets."""

    def __init__(self, number: int = 65530, stamp: int = 2**32 - 5000) -> None:
        self.number, self.stamp, self.count = number, stamp, 0

    def picture(self, *, key: bool = False, sets: bool = True) -> list[Packet]:
        kind = b"\x65" if key else b"\x41"
        parts = [START + kind + b"%d-a" % self.count, b"b", b"c"]
        if key and sets:
            parts = [SPS + PPS, *parts]
        made = [
            Packet((self.number + i) % 65536, self.stamp % 2**32, int(part is parts[-1]), part)
            for i, part in enumerate(parts)
        ]
        self.number += len(parts)
        self.stamp += 3600
        self.count += 1
        return made


class Screen:
    def __init__(self) -> None:
        self.clock = Clock()
        self.shown: list[Sample] = []
        self.pictures = Pictures(self.shown.append, self.clock)

    def take(self, packets: list[Packet]) -> list[bool]:
        return [self.pictures.add(packet) for packet in packets]

    @property
    def names(self) -> list[bytes]:
        """Which pictures were shown, by the number that the camera wrote in each."""
        return [unit[1:2] for each in self.shown for unit in units(each.data) if unit[0] & 31 < 6]


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_a_picture_is_shown_with_its_last_packet_not_with_the_next_picture(screen: Screen) -> None:
    first = Camera().picture(key=True)
    screen.take(first[:-1])
    assert screen.shown == []
    screen.take(first[-1:])

    [shown] = screen.shown
    assert shown.data == SPS + PPS + START + b"\x650-abc"
    assert (shown.codec, shown.key) == (Codec.H264, True)


def test_numbers_and_stamps_go_round_without_a_gap(screen: Screen) -> None:
    camera = Camera()
    for number in range(10):
        screen.take(camera.picture(key=number == 0))
        screen.clock.now += 0.04

    assert screen.names == [b"%d" % number for number in range(10)]
    times = [each.at_s for each in screen.shown]
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([0.04] * 9)


def test_the_first_picture_shown_is_a_key_picture_and_it_is_asked_for(screen: Screen) -> None:
    camera = Camera()
    asked = screen.take(camera.picture()) + screen.take(camera.picture())
    screen.clock.now += 0.6
    again = screen.take(camera.picture())
    shown = screen.take(camera.picture(key=True))

    assert asked == [True] + [False] * 5
    assert again[0]
    assert not any(shown)
    assert screen.names == [b"3"]


def test_what_comes_late_is_waited_for(screen: Screen) -> None:
    camera = Camera()
    screen.take(camera.picture(key=True))
    second, third = camera.picture(), camera.picture()
    screen.take([second[0], second[2], *third])
    assert screen.names == [b"0"]
    screen.clock.now += 0.2
    screen.take([second[1]])

    assert screen.names == [b"0", b"1", b"2"]


def test_after_a_loss_the_picture_waits_for_a_key_picture(screen: Screen) -> None:
    camera = Camera()
    screen.take(camera.picture(key=True))
    torn, third = camera.picture(), camera.picture()
    screen.take([torn[0], torn[2], *third])
    screen.clock.now += 0.3
    asked = screen.take(camera.picture())
    screen.take(camera.picture(key=True, sets=False))
    screen.take(camera.picture())

    assert any(asked)
    assert screen.names == [b"0", b"4", b"5"]
    assert screen.shown[1].data.startswith(SPS + PPS)


def test_a_gap_that_no_time_passes_over_is_given_up_by_its_length(screen: Screen) -> None:
    camera = Camera()
    screen.take(camera.picture(key=True))
    camera.picture()
    for _ in range(340):
        screen.take(camera.picture())
    screen.take(camera.picture(key=True))

    assert screen.names[0] == b"0"
    assert len(screen.names) == 2


def test_a_sender_that_marks_no_end_is_understood_by_its_stamps(screen: Screen) -> None:
    camera = Camera()
    for number in range(3):
        packets = camera.picture(key=number == 0)
        for packet in packets:
            packet.marker = 0
        screen.take(packets)

    assert screen.names == [b"0", b"1"]


def test_a_camera_whose_clock_jumps_is_set_again(screen: Screen) -> None:
    camera = Camera()
    screen.take(camera.picture(key=True))
    camera.stamp += 90_000 * 3600
    screen.take(camera.picture())

    assert screen.shown[1].at_s == pytest.approx(screen.clock.now)


@given(
    order=st.randoms(use_true_random=False),
    doubled=st.lists(st.integers(0, 60), max_size=10),
)
def test_any_order_within_patience_shows_the_same_pictures(
    order: random.Random, doubled: list[int]
) -> None:
    camera = Camera()
    packets = [packet for n in range(20) for packet in camera.picture(key=n == 0)]
    head, rest = packets[:1], packets[1:]
    rest += [packets[n % len(packets)] for n in doubled]
    order.shuffle(rest)
    screen = Screen()
    screen.take(head + rest)

    assert screen.names == [b"%d" % n if n < 10 else b"1" for n in range(20)]
    assert b"".join(each.data for each in screen.shown) == b"".join(p._data for p in packets)


@given(
    lost=st.sets(st.integers(0, 180)),
    keys=st.integers(1, 9),
)
def test_whatever_is_lost_no_torn_picture_is_shown(lost: set[int], keys: int) -> None:
    """Each picture shown is whole, and follows, without a hole, a key picture that was shown."""
    camera = Camera()
    screen = Screen()
    sent: list[tuple[bytes, bool]] = []
    number = 0
    for n in range(60):
        packets = camera.picture(key=n % keys == 0)
        sent.append((b"".join(packet._data for packet in packets), n % keys == 0))
        for packet in packets:
            if number not in lost:
                screen.take([packet])
            number += 1
        screen.clock.now += 0.04

    position = {data: place for place, (data, _) in enumerate(sent)}
    before = None
    for each in screen.shown:
        place = position[each.data]
        assert each.key == sent[place][1]
        assert each.key or place == before
        before = place + 1


def test_sound_goes_on_at_once_and_what_is_late_is_left_out() -> None:
    heard: list[Sample] = []
    sounds = Sounds(Codec.OPUS, 48_000, heard.append, Clock())
    for number in (65534, 65535, 1, 0, 2):
        sounds.add(Packet(number, number * 960 % 2**32, 0, b"", payload=b"%d" % number))

    assert [each.data for each in heard] == [b"65534", b"65535", b"1", b"2"]
