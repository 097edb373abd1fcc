"""A courier ends when it is told to, whatever it hears at that moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from vms_plugin.adapters import Adapters
from vms_plugin.courier import Courier
from vms_plugin.delivery import Shown
from vms_plugin.store import Store


@pytest.mark.parametrize("turns", range(6))
async def test_a_courier_stirred_while_it_is_stopped_stops(tmp_path: Path, turns: int) -> None:
    """As when an answer comes in the very turn of the loop in which the host stops."""
    store = Store(tmp_path / "renfort.db")
    courier = Courier("vms", Adapters(), store, lambda *_: None, lambda *_: None)
    # Something is due in an hour, so that it waits with a limit.
    courier.want("incident", 1)
    courier.ledger.shown["incident"] = Shown(not_before=1e12)
    running = asyncio.ensure_future(courier.run())
    await asyncio.sleep(0.01)

    courier._wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=10)

    store.close()
    if not done:
        running.cancel()
    assert done
