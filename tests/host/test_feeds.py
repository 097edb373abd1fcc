"""Feeds in the engine: each by itself, answered once durable, run again when it falls."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    Envelope,
    Feed,
    Listener,
    Refused,
    Unreachable,
    hookimpl,
)
from tests.host.acted import INCIDENT, Source, Vms, running
from tests.host.paper import until
from vms_plugin import upkeep
from vms_plugin.feeds import longer


async def test_a_feed_is_answered_only_once_its_facts_are_durable(tmp_path: Path) -> None:
    answered: list[int] = []

    class Fed(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            now = datetime.now(UTC)
            await listener(Envelope(adapter="axis", body=b"press", received_at=now))
            answered.append(1)
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Fed) as engine:
        await until(lambda: answered)
        kinds = [type(fact).__name__ for fact in await engine.store.facts_of(INCIDENT)]
        [link] = engine.links()

    assert kinds == ["Activation"]
    assert link.up


async def test_a_feed_that_falls_is_run_again_and_said_down_meanwhile(tmp_path: Path) -> None:
    runs: list[int] = []
    looked = threading.Event()

    class Falls(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            runs.append(1)
            if len(runs) < 3:
                raise Unreachable("{host} does not answer", host="axis")
            await asyncio.to_thread(looked.wait, 10)  # down until the test has seen it
            listener.up()
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Falls) as engine:
        await until(lambda: runs and str(engine.links()[0].why) != "connecting")
        [down] = engine.links()
        looked.set()
        await until(lambda: engine.links()[0].up)

    assert str(down.why) == "axis does not answer"
    assert len(runs) == 3


async def test_a_feed_that_says_nothing_is_taken_for_dead(tmp_path: Path) -> None:
    runs: list[int] = []

    class Silent(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run, silence_s=0.05)]

        async def run(self, listener: Listener) -> None:
            runs.append(1)
            listener.up()
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Silent) as engine:
        await until(lambda: len(runs) >= 2)
        await until(lambda: engine.links()[0].why is not None)


async def test_a_feed_that_loses_its_cancellation_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms_plugin.feeds.CANCEL_AGAIN_S", 0.05)
    runs: list[int] = []

    class Deaf(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run, silence_s=0.05)]

        async def run(self, listener: Listener) -> None:
            runs.append(1)
            with contextlib.suppress(asyncio.CancelledError):  # as a wait_for of 3.11 may
                await asyncio.sleep(60)
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Deaf):
        await until(lambda: len(runs) >= 2)


async def test_a_feed_that_is_no_feed_is_named_and_the_others_are_opened(tmp_path: Path) -> None:
    class Odd(Source):
        @hookimpl
        def list_feeds(self) -> Any:
            return ["not a feed"]

    class Fed(Vms):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            listener.up()
            await asyncio.sleep(60)

    async with running(tmp_path, axis=Odd, vms=Fed()) as engine:
        await until(lambda: engine.links() and engine.links()[0].up)
        why = str(engine.adapters["axis"].failures["list_feeds"].why)

    assert why == "list_feeds answered str instead of Feed"


async def test_feeds_that_could_not_be_listed_are_asked_again_and_hold_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "AGAIN_S", 0.05)
    blocked = threading.Event()

    class Fed(Vms):
        asked = 0

        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            self.asked += 1
            if self.asked < 3:
                raise Unreachable("not yet")
            return [Feed(name="events", run=self.run)]

        async def run(self, listener: Listener) -> None:
            listener.up()
            await asyncio.sleep(60)

    class Slow(Source):
        @hookimpl
        def list_feeds(self) -> Iterable[Feed]:
            blocked.wait(5)
            return []

    fed = Fed()
    async with running(tmp_path, axis=Slow, vms=fed) as engine:
        await until(lambda: engine.links() and engine.links()[0].up)
        failed = "list_feeds" in engine.adapters["vms"].failures
        blocked.set()

    assert fed.asked == 3
    assert not failed


@pytest.mark.parametrize(
    ("trouble", "longest_s"),
    [(Unreachable("away"), 3), (None, 3), (Refused("wrong password"), 20), (ValueError(), 20)],
)
def test_a_server_that_is_away_is_asked_again_soon_and_one_that_refuses_is_not_pressed(
    trouble: Exception | None, longest_s: float
) -> None:
    waits = [0.5]
    while len(waits) < 10:
        waits.append(longer(waits[-1], trouble))

    assert waits[:3] == [0.5, 1, 2]
    assert waits[-1] == longest_s
