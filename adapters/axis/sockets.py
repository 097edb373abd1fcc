"""What both sockets to the server need: events, and the signalling of the live picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

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
        async with asyncio.timeout(WHOLE_S + CONNECT_S):
            return await asyncio.to_thread(ask)
    except TimeoutError as error:
        raise late(server, error) from error
