"""Who begins a request and never ends it holds no place; who is slow to be answered keeps his."""

from __future__ import annotations

import asyncio
import socket
from asyncio.sslproto import _SSLProtocolTransport
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import Mock

import pytest

from tests.serving import Server
from vms_plugin import punctual
from vms_plugin.punctual import Punctual

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"


async def slow(_scope: Any, receive: Any, send: Any) -> None:
    """Read it all, then answer in two halves, each after longer than anybody is waited for."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(0.5)
    head = [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"ha", "more_body": True})
    await asyncio.sleep(0.5)
    await send({"type": "http.response.body", "body": b"lf"})


@asynccontextmanager
async def connected(
    said: bytes = b"",
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    server = Server(slow, http=Punctual, lifespan="off")
    async with server.here():
        # Said before the server has looked: its patience is not measured against this test's.
        line = socket.create_connection(("127.0.0.1", server.port))
        line.sendall(said)
        reader, writer = await asyncio.open_connection(sock=line)
        try:
            yield reader, writer
        finally:
            writer.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(punctual, "HEAD_S", 0.2)


@pytest.mark.parametrize("said", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_a_request_that_never_comes_whole_is_let_go(said: bytes) -> None:
    async with connected(said) as (reader, _):
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_who_is_slow_to_be_answered_or_to_send_a_body_is_waited_for() -> None:
    async with connected(HEAD) as (reader, writer):
        for byte in (b"a", b"b", b"c"):
            await asyncio.sleep(0.3)
            writer.write(byte)
        answer = await asyncio.wait_for(reader.readuntil(b"half"), 5)

    assert answer.startswith(b"HTTP/1.1 200")


async def test_the_next_request_is_waited_for_no_longer_than_the_first() -> None:
    async with connected(HEAD + b"abc") as (reader, writer):
        await asyncio.wait_for(reader.readuntil(b"half"), 5)
        writer.write(HEAD[:20])
        assert await asyncio.wait_for(reader.read(), 5) == b""


def test_a_connection_that_is_being_closed_is_looked_at_without_a_fault() -> None:
    """By TLS its goodbye takes a while, in which it has no protocol any more."""
    closing = _SSLProtocolTransport(Mock(), Mock())
    closing.close()
    closing.close()  # by uvicorn, and once more by us
    connection = Punctual.__new__(Punctual)
    connection.transport = closing

    connection._look(None)
