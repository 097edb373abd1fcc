"""In which order pictures are drawn: nobody in danger waits for those that everybody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hooks import IncidentId, Situation
from tests.host.acted import Source, press
from tests.host.paper import Paper, running, until

KNOWN = [IncidentId(f"axis:s{number:02}") for number in range(10)]


class Watched(Paper):
    """An atlas that notes of whom it was asked, and has something happen after the first asking."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.then: Callable[[], object] | None = None

    def situate(self, *of: Any, **_: Any) -> Situation:
        self.asked.append(of[0].id)
        if self.then is not None:
            asyncio.get_running_loop().call_soon(self.then)
            self.then = None
        return self.situation


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass here: what grows older by itself would be drawn among the rest."""
    monkeypatch.setattr("vms_plugin.upkeep.jobs", lambda _: [])


async def test_a_press_does_not_wait_for_all_that_are_drawn_anew_at_once(tmp_path: Path) -> None:
    atlas = Watched()
    async with running(tmp_path, {"axis": Source}, paper=atlas) as engine:
        await engine.hear([press(name) for name in KNOWN], datetime.now(UTC))
        await until(lambda: len(engine.pictures) == len(KNOWN))
        atlas.asked.clear()
        # None of them has changed: not even the disk is waited for between two of them.
        atlas.then = lambda: engine.painter.want(engine.board.hear(press("axis:new")))
        engine.painter.want(KNOWN)
        await until(lambda: len(atlas.asked) > len(KNOWN))

    assert atlas.asked[:2] == ["axis:s00", "axis:new"]


async def test_what_only_grows_older_waits_for_what_was_told(tmp_path: Path) -> None:
    atlas = Watched()
    async with running(tmp_path, {"axis": Source}, paper=atlas) as engine:
        await engine.hear([press(name) for name in KNOWN], datetime.now(UTC))
        await until(lambda: len(engine.pictures) == len(KNOWN))
        atlas.asked.clear()
        engine.painter.refresh(KNOWN[:5])
        engine.painter.want(KNOWN[9:])
        await until(lambda: len(atlas.asked) >= 6)

    assert atlas.asked[0] == "axis:s09"
    assert set(atlas.asked[1:6]) == set(KNOWN[:5])
