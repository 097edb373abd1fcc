"""What both sockets to the server need: events, and the signalling of the live picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from websockets.asyncio.client import connect

from adapters.axis.vapix import CONNECT_S, WHOLE_S, Server, late

_T = TypeVar("_T")

#: A larger frame is neither an event nor a description of a session. The connection is cut.
LARGEST_FRAME = 1 << 20


class Straight(connect):
    """Connects where it was told to: a device that sends us elsewhere is not obeyed."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Give the refusal as it is."""
        return exc


async def in_time(ask: Callable[[], _T], server: Server) -> _T:
    """Ask from a thread; one that hangs in spite of its own bounds is left behind."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(ask), WHOLE_S + CONNECT_S)
    except TimeoutError as error:
        raise late(server, error) from error


async def first(*running: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one ends, which only a fault makes them do."""
    tasks = [asyncio.ensure_future(each) for each in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
