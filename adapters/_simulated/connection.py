"""A WebRTC connection that leaves no socket open, whenever it is closed."""

from __future__ import annotations

import asyncio

from aiortc import RTCPeerConnection, RTCSessionDescription


class Connection(RTCPeerConnection):
    """Once it gathers its addresses it is let: sockets that it opens after its end stay open."""

    _gathering: asyncio.Task[None] | None = None

    async def setLocalDescription(
        self, sessionDescription: RTCSessionDescription | None = None
    ) -> None:
        """Gather, to the end even where whoever asked waits no longer."""
        self._gathering = asyncio.create_task(super().setLocalDescription(sessionDescription))
        await asyncio.shield(self._gathering)

    async def close(self) -> None:
        """Close what was gathered."""
        if self._gathering is not None:
            await asyncio.wait({self._gathering})
        await super().close()
