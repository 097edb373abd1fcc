"""A body-worn server by hand: real HTTP, real Digest, real WebSocket frames, real trouble."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from hooks import Envelope, Message

PATIENCE_S = 30.0


class Line:
    """One event socket, on the server's side."""

    def __init__(self, protocol: ServerProtocol, writer: asyncio.StreamWriter) -> None:
        self.protocol = protocol
        self.writer = writer
        self.deaf = False

    def flush(self) -> None:
        for data in self.protocol.data_to_send():
            self.writer.write(data) if data else self.writer.close()

    def send(self, frame: object) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self.protocol.send_text(text.encode())
        self.flush()


class Device:
    """What the device is and does; tests change it as they go."""

    username, password = "renfort", "élan & 100%"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.targets: list[object] = []
        self.schemes = ["digest"]
        self.algorithm = "MD5"
        self.gives_tokens = True
        self.takes_tokens = True
        self.status_answer: tuple[int, bytes] | None = None
        self.grant: dict[str, Any] = {"data": {}}
        self.answers_subscription = True
        self.clock_off = timedelta(0)
        self.log: list[str] = []
        self.lines: list[Line] = []
        self.while_subscribing: Callable[[Line], None] = lambda _line: None
        self.port = 0
        self._nonces: set[str] = set()
        self._tokens: set[str] = set()
        self._jobs: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Device]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for job in list(self._jobs):
                job.cancel()
            await asyncio.gather(*self._jobs, return_exceptions=True)
            await server.wait_closed()

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:  # fmt: skip
        job = asyncio.current_task()
        assert job is not None
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, headers = parse_head(head)
            if "upgrade" in headers:
                await self._upgrade(head, target, headers, reader, writer)
            else:
                await reader.readexactly(int(headers.get("content-length", 0)))
                writer.write(self._answer(method, target, headers))
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    # --- HTTP ---

    def _answer(self, method: str, target: str, headers: dict[str, str]) -> bytes:
        if not self.lets_in(method, target, headers):
            return self._refusal()
        self.log.append(f"{method} {target}")
        if target == "/axis-cgi/wssession.cgi" and self.gives_tokens:
            token = secrets.token_urlsafe(8) + "+/="
            self._tokens.add(quote(token, safe=""))
            return self._reply(200, token.encode())
        if target == "/local/BodyWornLiveSelfHosted/status.cgi" and method == "POST":
            said = {"apiVersion": "1.0", "data": {"targets": self.targets}}
            status, body = self.status_answer or (200, json.dumps(said).encode())
            return self._reply(status, body)
        return self._reply(404, b"not here")

    def _reply(self, status: int, body: bytes, *headers: str) -> bytes:
        date = format_datetime(datetime.now(UTC) + self.clock_off, usegmt=True)
        lines = [f"HTTP/1.1 {status} X", f"Date: {date}", f"Content-Length: {len(body)}"]
        lines += ["Connection: close", *headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def _challenges(self) -> list[str]:
        nonce = secrets.token_hex(8)
        self._nonces.add(nonce)
        known = {
            "digest": f'Digest realm="AXIS \\"one\\"", nonce="{nonce}", qop="auth", '
            f'algorithm={self.algorithm}, opaque="o"',
            "basic": 'Basic realm="AXIS"',
        }
        return [f"WWW-Authenticate: {known[scheme]}" for scheme in self.schemes]

    def _refusal(self) -> bytes:
        return self._reply(401, b"", *self._challenges())

    def lets_in(self, method: str, target: str, headers: dict[str, str]) -> bool:
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if scheme == "Basic" and "basic" in self.schemes:
            return base64.b64decode(rest).decode() == f"{self.username}:{self.password}"
        if scheme != "Digest" or "digest" not in self.schemes:
            return False
        said = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        fresh = said["nonce"] in self._nonces
        self._nonces.discard(said["nonce"])
        return fresh and said["uri"] == target and said["response"] == self._expected(method, said)

    def _expected(self, method: str, said: dict[str, str]) -> str:
        name = {"MD5": "md5", "SHA-256": "sha256"}[self.algorithm]

        def digest(text: str) -> str:
            return hashlib.new(name, text.encode()).hexdigest()

        secret = digest(f'{self.username}:AXIS "one":{self.password}')
        action = digest(f"{method}:{said['uri']}")
        middle = f"{said['nonce']}:{said['nc']}:{said['cnonce']}:{said['qop']}"
        return digest(f"{secret}:{middle}:{action}")

    # --- WebSocket ---

    async def _upgrade(
        self,
        head: bytes,
        target: str,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        path, _, token = target.partition("&wssession=")
        by_token = token in self._tokens and self.takes_tokens
        if not by_token and not self.lets_in("GET", target, headers):
            writer.write(self._refusal())
            await writer.drain()
            return
        self.log.append(f"socket by {'token' if by_token else 'challenge'}")
        assert path == "/vapix/ws-data-stream?sources=events"
        line = Line(ServerProtocol(), writer)
        line.protocol.receive_data(head)
        [request] = line.protocol.events_received()
        assert isinstance(request, Request)
        line.protocol.send_response(line.protocol.accept(request))
        line.flush()
        self.lines.append(line)
        while data := await reader.read(65536):
            if not line.deaf:
                self._hear(line, data)
                line.flush()

    def _hear(self, line: Line, data: bytes) -> None:
        line.protocol.receive_data(data)
        for event in line.protocol.events_received():
            if not isinstance(event, Frame) or event.opcode is not Opcode.TEXT:
                continue
            asked = json.loads(bytes(event.data))
            assert asked["method"] == "events:configure"
            self.log.append("configure")
            self.while_subscribing(line)
            if self.answers_subscription:
                line.send({"apiVersion": "1.0", "method": asked["method"],
                           "context": asked["context"], **self.grant})  # fmt: skip

    def press(self, session: str, serial: str = "B8A44F00A001") -> None:
        """Tell a press to every socket."""
        for line in self.lines:
            line.send(press(session, serial))


def press(session: str, serial: str = "B8A44F00A001") -> dict[str, Any]:
    event = {
        "id": f"event-{session}",
        "type": "com.axis.bodyworn.stream.started",
        "subject": serial,
        "time": datetime.now(UTC).isoformat(),
        "data": {"sessionId": session, "bearerName": "PM-214", "triggerType": "button"},
    }
    data = {"event": json.dumps(event), "eventType": event["type"]}
    topic = "tns1:WebRTC/tnsaxis:Signaling/CloudEvent"
    inner = {"topic": topic, "timestamp": 0, "message": {"data": data}}
    return {"apiVersion": "1.0", "method": "events:notify", "params": {"notification": inner}}


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in rest if line)
    return method, target, {name.lower(): value.strip() for name, _, value in pairs}


class Ear:
    """A listener that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.heard: list[Envelope] = []
        self.ups = 0
        self._stirred = asyncio.Event()

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        self.heard.append(envelope)
        self._stirred.set()
        return ()

    def up(self) -> None:
        self.ups += 1
        self._stirred.set()

    def channels(self) -> list[str]:
        return [envelope.channel for envelope in self.heard]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                self._stirred.clear()
                await self._stirred.wait()


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An authority, and a certificate of 127.0.0.1 signed by it with its key: two files."""
    folder = tmp_path_factory.mktemp("tls")
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        for name in ("Test authority", "127.0.0.1")
    ]
    made = []
    for index, extension in enumerate(
        [
            x509.BasicConstraints(ca=True, path_length=0),
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
        ]
    ):
        now = datetime.now(UTC)
        made.append(
            x509.CertificateBuilder()
            .subject_name(names[index])
            .issuer_name(names[0])
            .public_key(keys[index].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=index == 0)
            .sign(keys[0], hashes.SHA256())
        )
    ca, pair = folder / "ca.pem", folder / "server.pem"
    ca.write_bytes(made[0].public_bytes(serialization.Encoding.PEM))
    key = keys[1].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pair.write_bytes(made[1].public_bytes(serialization.Encoding.PEM) + key)
    return ca, pair


@pytest.fixture
def secure_device(authority: tuple[Path, Path]) -> Device:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])
    return Device(context)
