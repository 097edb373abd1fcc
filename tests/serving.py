"""Serve an application on loopback, by the server that the host itself runs on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """A server that starts and stops when told, where uvicorn looks ten times a second."""

    def __init__(self, app: Any, port: int = 0, **config: Any) -> None:
        super().__init__(uvicorn.Config(app, log_config=None, **config))
        # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer is 40 ms late.
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._up: Future[None] = Future()

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self.run, args=([self._listener],))
        self._thread.start()
        self._up.result(20)

    def stop(self) -> None:
        """Stop, without waiting for the end."""
        self._loop.call_soon_threadsafe(self._over.set)

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join(20)
        assert not self._thread.is_alive()

    @asynccontextmanager
    async def here(self) -> AsyncIterator[str]:
        """Serve on this loop; give the address."""
        serving = asyncio.create_task(self.serve([self._listener]))
        await asyncio.wrap_future(self._up)
        try:
            yield self.url
        finally:
            self.stop()
            await serving

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)  # sets the Date header
        self._up.set_result(None)
        await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down, and leave no connection open.

        Python 3.11 loses one that it takes in the very turn in which its server is closed. So it
        takes no more first, and has the turns it needs to make those taken known to the server.
        """
        for each in sockets or ():
            asyncio.get_running_loop().remove_reader(each)
        for _ in range(2):
            await asyncio.sleep(0)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the tests."""
        yield
