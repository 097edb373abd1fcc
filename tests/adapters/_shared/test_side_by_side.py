"""Several things at once: when one fails, none is left running."""

from __future__ import annotations

import asyncio

import pytest

from adapters._shared import side_by_side
from adapters._shared.side_by_side import first


@pytest.mark.parametrize("steps", range(4))
async def test_an_answer_that_comes_with_the_end_keeps_nothing_alive(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(side_by_side, "AGAIN_S", 0.05)
    pong = asyncio.get_running_loop().create_future()

    async def pings() -> None:
        await asyncio.wait_for(pong, 10)  # of 3.11: it may lose the cancellation
        await asyncio.sleep(3600)

    async def fails() -> None:
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_soon(pong.set_result, None)
        for _ in range(steps):
            await asyncio.sleep(0)
        raise ConnectionError("lost")

    with pytest.raises(ConnectionError):
        async with asyncio.timeout(5):
            await first(pings(), fails())
