"""A feed, or a live picture, that runs beside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(
    running: asyncio.Future[None], ready: Coroutine[None, None, None]
) -> AsyncIterator[asyncio.Future[None]]:
    """Wait until it is ready, let the test act, and end it; raises what it fails with before."""
    waiting = asyncio.ensure_future(ready)
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if running.done():
            running.result()
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)


async def failure(running: asyncio.Future[None]) -> BaseException:
    """Wait until it has failed; give what it failed with."""
    async with asyncio.timeout(20):
        await asyncio.wait({running})
    error = running.exception()
    assert error is not None
    return error
