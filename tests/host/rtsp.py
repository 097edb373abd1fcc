"""A board of officers to be looked at, the server that shows it, and a client of our own."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from adapters.axis.simulator.scene import Coded, Scene
from hooks import Codec, Sample
from vms_plugin.live.channel import Channel, State
from vms_plugin.live.rtsp import RtspServer
from vms_plugin.live.rtsp_session import Options

NAME, PASSWORD = "PM-214", "a password of the VMS"


class Board:
    """A switchboard with one officer, who streams or not."""

    def __init__(self) -> None:
        self.channel: Channel | None = None
        self.notes: list[str] = []
        self.full_disk = False
        self.waiting = 0  #: those who are shown the still picture, or his own
        self._stirred = asyncio.Event()

    def find(self, name: str) -> Channel | None:
        return self.channel if name == NAME else None

    def knows(self, name: str) -> bool:
        return name == NAME

    async def changed(self) -> None:
        self.waiting += 1
        try:
            await self._stirred.wait()
        finally:
            self.waiting -= 1

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(40):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def on_record(self, name: str, peer: str) -> AsyncIterator[None]:
        self.notes.append(f"{name} {peer} opened")
        if self.full_disk:
            raise sqlite3.OperationalError("database or disk is full")
        try:
            yield
        finally:
            self.notes.append(f"{name} {peer} closed")

    def _stir(self) -> None:
        self._stirred.set()
        self._stirred = asyncio.Event()

    @contextmanager
    def streaming(self) -> Iterator[Channel]:
        """Let him press, and film until the end."""
        scene, channel = Scene(), Channel(lambda _status: None)

        def show(coded: Coded) -> None:
            codec = Codec.H264 if coded.kind == "video" else Codec.OPUS
            at_s = float((coded.packet.pts or 0) * coded.packet.time_base) + 10
            key = codec is Codec.OPUS or coded.packet.is_keyframe
            channel.show(Sample(codec=codec, data=bytes(coded.packet), at_s=at_s, key=key))

        async def keys() -> None:
            while True:
                await channel.key_wanted()
                scene.want_key()

        leave, asking = scene.watch(show), asyncio.ensure_future(keys())
        self.channel = channel
        self._stir()
        try:
            yield channel
        finally:
            self.channel = None
            channel.become(State.ENDED)
            self._stir()
            asking.cancel()
            leave()


@asynccontextmanager
async def served(
    tls: ssl.SSLContext | None = None, **more: object
) -> AsyncIterator[tuple[Board, int]]:
    board = Board()
    options = {"username": "vms", "password": PASSWORD, **more}
    server = RtspServer(board, Options(**options))  # type: ignore[arg-type]
    port = await server.listen("127.0.0.1", 0, tls)
    try:
        yield board, port
    finally:
        await server.close()


def url(port: int, name: str = NAME) -> str:
    return f"rtsp://vms:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/{name}"


class Client:
    """Writes requests by hand, with the Digest of RFC 2069 that old VMSs know."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._port, self._tls = port, tls
        self._sequence = 0
        self.session = ""
        self.nonce = ""
        self.read = asyncio.StreamReader()

    async def open(self) -> Client:
        self.read, self.write = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._tls
        )
        refused = await self.ask("DESCRIBE")
        found = re.search(r'nonce="([^"]+)"', refused)
        assert refused.startswith("RTSP/1.0 401")
        assert found
        self.nonce = found.group(1)
        return self

    async def ask(self, method: str, path: str = "", name: str = NAME, **headers: str) -> str:
        self._sequence += 1
        where = f"rtsp://127.0.0.1:{self._port}/{name}{path}"
        lines = [f"{method} {where} RTSP/1.0", f"CSeq: {self._sequence}"]
        if self.nonce:
            secret, action = md5(f"vms:Renfort:{PASSWORD}"), md5(f"{method}:{where}")
            proof = md5(f"{secret}:{self.nonce}:{action}")
            lines.append(
                f'Authorization: Digest username="vms", realm="Renfort", nonce="{self.nonce}", '
                f'uri="{where}", response="{proof}"'
            )
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self.write.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.answer()

    async def answer(self) -> str:
        async with asyncio.timeout(10):
            while (first := await self.read.readexactly(1)) == b"$":
                head = await self.read.readexactly(3)
                await self.read.readexactly(int.from_bytes(head[1:], "big"))
            head = first + await self.read.readuntil(b"\r\n\r\n")
        text = head.decode()
        if size := re.search(r"Content-Length: (\d+)", text):
            text += (await self.read.readexactly(int(size.group(1)))).decode()
        if found := re.search(r"Session: (\w+)", text):
            self.session = found.group(1)
        return text

    async def packet(self) -> tuple[int, bytes]:
        async with asyncio.timeout(10):
            assert await self.read.readexactly(1) == b"$"
            head = await self.read.readexactly(3)
            return head[0], await self.read.readexactly(int.from_bytes(head[1:], "big"))

    async def close(self) -> None:
        self.write.close()


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@asynccontextmanager
async def client(**more: object) -> AsyncIterator[tuple[Client, Board]]:
    async with served(**more) as (board, port):  # type: ignore[arg-type]
        caller = await Client(port).open()
        try:
            yield caller, board
        finally:
            await caller.close()
