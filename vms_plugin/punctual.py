"""HTTP for uvicorn, with an end to waiting for a request that begins and never comes whole.

Left to itself, uvicorn keeps such a connection for ever: some hundreds of them, which cost their
sender nothing, keep everybody else out of an inlet.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: To say what is wanted: all but its body. A camera's slow link needs one.
HEAD_S = 10.0


class Punctual(H11Protocol):
    """One connection."""

    _looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._looking = self.loop.call_later(HEAD_S, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        if self._looking is not None:
            self._looking.cancel()

    def _look(self, before: object) -> None:
        """Let a client go that was between the same two requests all the while."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return  # it is over, or has become a WebSocket
        idle = self.conn.their_state is h11.IDLE  # until the head of a request is whole
        if idle and self.cycle is before:
            self.transport.close()
            return
        self._looking = self.loop.call_later(HEAD_S, self._look, self.cycle if idle else self)
