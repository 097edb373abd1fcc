"""One picture, many viewers: what each is given, and what a slow one misses."""

from __future__ import annotations

import asyncio

import pytest

from hooks import Codec, Message, Sample
from vms_plugin.live.channel import BACKLOG, KEY_EVERY_S, Backlog, Channel, Ended, State, Status


def picture(number: int, *, key: bool = False) -> Sample:
    return Sample(codec=Codec.H264, data=b"%d" % number, at_s=number / 25, key=key)


def sound(number: int) -> Sample:
    return Sample(codec=Codec.OPUS, data=b"s%d" % number, at_s=number / 50, key=True)


def nothing() -> None: ...


def channel() -> tuple[Channel, list[Status]]:
    told: list[Status] = []
    return Channel(told.append), told


async def test_a_viewer_begins_with_a_key_picture() -> None:
    waiting = Backlog(lambda: None)
    for sample in (picture(0), sound(0), picture(1, key=True), picture(2)):
        waiting.put(sample)

    assert [(await waiting.get()).data for _ in range(3)] == [b"s0", b"1", b"2"]


async def test_a_slow_viewer_loses_pictures_up_to_the_next_key_picture_and_asks_for_it() -> None:
    asked: list[int] = []
    waiting = Backlog(lambda: asked.append(1))
    waiting.put(picture(0, key=True))
    for number in range(1, BACKLOG + 10):
        waiting.put(picture(number))
    waiting.put(picture(500, key=True))
    waiting.put(picture(501))

    assert asked == [1]
    assert [(await waiting.get()).data for _ in range(2)] == [b"500", b"501"]


async def test_what_waits_is_not_shown_after_the_end() -> None:
    waiting = Backlog(lambda: None)
    waiting.put(picture(0, key=True))
    waiting.end()

    with pytest.raises(Ended):
        await waiting.get()


async def test_who_waits_is_let_go_at_the_end() -> None:
    waiting = Backlog(lambda: None)
    getting = asyncio.create_task(waiting.get())
    await asyncio.sleep(0)
    waiting.end()

    with pytest.raises(Ended):
        await asyncio.wait_for(getting, 1)


async def test_every_viewer_is_given_every_sample_while_it_watches() -> None:
    one: list[Sample] = []
    two: list[Sample] = []
    first, second = one.append, two.append
    shared, _ = channel()
    shared.watch(first, nothing)
    shared.show(picture(0, key=True))
    shared.watch(second, nothing)
    shared.show(picture(1))
    shared.leave(first)
    shared.show(picture(2))

    assert [sample.data for sample in one] == [b"0", b"1"]
    assert [sample.data for sample in two] == [b"1", b"2"]
    assert shared.viewers == 1


async def test_the_state_tells_since_when_and_why() -> None:
    shared, told = channel()
    shared.show(sound(0))
    shared.show(picture(0, key=True))
    shared.show(picture(1))
    shared.lost(Message(text="no picture comes from the camera"))
    since = shared.status.since
    shared.lost(Message(text="the connection to the camera is broken"))
    shared.show(picture(2, key=True))

    assert [each.state for each in told] == [
        State.SHOWING, State.LOST, State.LOST, State.SHOWING,
    ]  # fmt: skip
    assert told[2].since == since
    assert str(told[2].why) == "the connection to the camera is broken"
    assert told[3].why is None


async def test_nothing_is_shown_nor_said_after_the_end() -> None:
    shared, told = channel()
    seen: list[Sample] = []
    shared.watch(seen.append, nothing)
    shared.become(State.ENDED)
    shared.show(picture(0, key=True))
    shared.lost(Message(text="late"))

    assert seen == []
    assert [each.state for each in told] == [State.ENDED]


async def test_viewers_who_come_together_cost_one_key_picture() -> None:
    shared, _ = channel()
    for _ in range(5):
        shared.watch(lambda _sample: None, nothing)
    await asyncio.wait_for(shared.key_wanted(), 1)
    again = asyncio.create_task(shared.key_wanted())
    await asyncio.sleep(KEY_EVERY_S * 1.2)
    assert not again.done()

    shared.want_key()
    await asyncio.wait_for(again, 1)
