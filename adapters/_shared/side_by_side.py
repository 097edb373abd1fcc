"""Several things that run at once, and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

#: What does not end when it is cancelled is cancelled again after that; closing takes a while.
AGAIN_S = 3.0


async def first(*running: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one ends, which only a fault makes them do."""
    tasks = [asyncio.ensure_future(each) for each in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _over(tasks)


async def _over(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until all are over.

    `asyncio.wait_for` of Python 3.11 loses a cancellation that comes with its answer: what should
    have ended would go on, alone, and a connection without its reader would look alive for ever.
    """
    while going := [task for task in tasks if not task.done()]:
        for task in going:
            task.cancel()
        await asyncio.wait(going, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # the first fault is the one told
