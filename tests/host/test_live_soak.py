"""Presses one after the other, each watched and ended: nothing of them stays behind.

A short one; `benchmarks/live_soak.py` plays a day and a night of them.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection

from tests.host.live_room import Browser, Room, eventually, room
from tests.host.test_cctv import ask, sighting
from vms_plugin.live.channel import Backlog, Channel
from vms_plugin.live.stage import Stage
from vms_plugin.live.viewer import Viewer

pytestmark = pytest.mark.usefixtures("on_loopback")

WARM, PRESSES = 3, 9


def kept() -> dict[str, int]:
    """Count what a press makes and must not leave."""
    gc.collect()
    kinds = (Stage, Channel, Backlog, Viewer, RTCPeerConnection)
    alive = [type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds)]
    return {name: alive.count(name) for name in sorted(set(alive))}


async def press(there: Room, number: int, token: str) -> None:
    """Press, let the officer and a camera be watched, stop, close."""
    incident = f"src:s{number}"
    await there.tell(f"press s{number}")
    await eventually(lambda: incident in there.engine.pictures)
    officer, street = Browser(), Browser("video")
    await officer.accept(await there.offer(await officer.offer(), token, incident))
    await street.accept(await ask(there, street, incident=incident, token=token))
    await officer.frame()
    await street.frame()
    await there.tell(f"stop s{number}")
    await there.engine.close(there.engine.pictures[incident].incident, "Léa", "")  # type: ignore[index]
    await eventually(lambda: not there.live._stages and not there.live._views)
    for browser in (officer, street):
        Browser.opened.remove(browser.peer)
        await browser.peer.close()


@pytest.mark.timeout(180)
async def test_presses_leave_no_file_handle_and_no_memory(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        there.paper.proposes = (sighting(),)
        token = await there.log_in()
        for number in range(WARM):
            await press(there, number, token)
        await asyncio.sleep(0.5)
        before, handles = kept(), len(os.listdir("/proc/self/fd"))
        for number in range(WARM, WARM + PRESSES):
            await press(there, number, token)
        await asyncio.sleep(0.5)
        after = kept()

        assert len(os.listdir("/proc/self/fd")) <= handles
        assert all(count <= before.get(name, 0) for name, count in after.items()), (before, after)
        assert there.live.status == {}
