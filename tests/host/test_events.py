"""What a page still has to be told: the newest word of each thing, and never one too few."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hooks import (
    Aim,
    CameraId,
    DeviceId,
    IncidentId,
    Message,
    Officer,
    Phase,
    Picture,
    SourceKind,
    Trigger,
)
from vms_plugin.events import Event, Follower

FIRST, SECOND = IncidentId("axis:s1"), IncidentId("axis:s2")


def drawn(incident: IncidentId, version: int) -> Picture:
    return Picture(
        incident=incident, version=version, phase=Phase.NEW, device=DeviceId("axis:D"),
        opened_at=datetime(2026, 11, 23, 2, tzinfo=UTC), officer=Officer(),
        kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON,
    )  # fmt: skip


def turned(camera: str, how: str) -> Event:
    return Event(
        "aimed", incident=FIRST, aim=Aim(camera=CameraId(camera), done=True, how=Message(text=how))
    )


async def test_a_page_that_reads_late_is_told_the_newest_word_of_each_thing_in_its_order() -> None:
    page = Follower()
    newest = drawn(FIRST, version=2000)
    for version in range(1, 2000):
        page.put(Event("picture", drawn(FIRST, version=version)))
        page.put(Event("crews"))
    page.put(Event("picture", drawn(SECOND, version=1)))
    page.put(Event("picture", newest))

    told = [await page.get() for _ in range(3)]

    assert [event.kind for event in told] == ["picture", "crews", "picture"]
    assert told[0].picture is newest
    assert told[2].picture == drawn(SECOND, version=1)
    assert page.clear() == []


async def test_what_is_told_of_two_things_is_told_twice() -> None:
    page = Follower()
    for event in (turned("a", "left"), turned("b", "up"), turned("a", "right")):
        page.put(event)

    assert page.clear() == [turned("a", "right"), turned("b", "up")]


async def test_who_waits_is_woken_and_who_gives_up_waiting_loses_nothing() -> None:
    page = Follower()
    try:
        async with asyncio.timeout(0):
            await page.get()
    except TimeoutError:
        page.put(Event("health"))
    waiting = asyncio.ensure_future(page.get())
    await asyncio.sleep(0)

    assert await waiting == Event("health")
