"""Sockets that are slow to open, as on a machine that stalls, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Opening:
    """The sockets opened, whoever opened them being made to wait until `go_on`."""

    opened: list[asyncio.BaseTransport] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def begun(self) -> None:
        while not self.opened:  # noqa: ASYNC110  (a socket tells nobody)
            await asyncio.sleep(0)

    def all_closed(self) -> bool:
        return bool(self.opened) and all(each.is_closing() for each in self.opened)


@contextmanager
def slow_datagrams() -> Iterator[Opening]:
    """Make each datagram socket of this loop wait, once it is open."""
    loop, here = asyncio.get_running_loop(), Opening()
    plain = loop.create_datagram_endpoint

    async def slow(*arguments: Any, **more: Any) -> Any:
        transport, protocol = await plain(*arguments, **more)
        here.opened.append(transport)
        await here.go_on.wait()
        return transport, protocol

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "create_datagram_endpoint", slow)
        yield here
