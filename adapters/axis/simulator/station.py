"""A body-worn system that docks a camera: the client of the content destination API.

Written from Axis's own description (body-worn-content-destination-api 1.6): it imports a connection
file, asks for a token and the capabilities, registers wearers and cameras, uploads a recording, and
says that it is complete. On demand it misbehaves as networks and controllers do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import select
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from adapters.axis.simulator.footage import Footage, Item, Lock, header, items

#: A controller keeps a recording until it is confirmed, and comes again; we lose patience sooner.
TRIES, PAUSE_S = 20, 0.2
#: How long a client waits for « 100 Continue » before it sends all the same (RFC 9110, 10.1.1).
CONTINUE_S = 1.0
BLOCK = 1 << 16


class DockingError(Exception):
    """The content destination could not be used; the words are for the log."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a content destination answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Trouble:
    """What goes wrong on the way, on demand."""

    repeats: int = 1  #: each request is sent so many times
    cut: int = 0  #: so many uploads break in the middle first
    order: str = ""  #: "reversed": last things first; "early": said complete before all is there
    silent_s: float = 0.0  #: falls silent in the middle of each upload
    forget: bool = False  #: uses an old token in the middle

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> Trouble:
        """Read it from a control."""
        return cls(
            repeats=int(order.get("repeats", 1)), cut=int(order.get("cut", 0)),
            order=str(order.get("order", "")), silent_s=float(order.get("silent_s", 0)),
            forget=bool(order.get("forget", False)),
        )  # fmt: skip


@dataclass(slots=True)
class Station:
    """A system controller with its docking station."""

    connection: Mapping[str, Any]  #: the connection file
    trouble: Trouble = field(default_factory=Trouble)
    log: list[tuple[str, str, int]] = field(default_factory=list)  #: method, name, status
    _token: str = ""
    _storage: str = ""
    _capabilities: frozenset[str] = frozenset()

    # --- set-up ---

    def connect(self) -> None:
        """Log in, and read what the content destination can do."""
        self._log_in()
        told = self._send("GET", "System/Capabilities.json")
        digest = hashlib.md5(told.body, usedforsecurity=False).hexdigest()
        if told.status == 200 and told.headers.get("etag", "") != digest:
            raise DockingError("object corrupt")
        try:
            sections = json.loads(told.body) if told.status == 200 else {}
            known = [name for each in sections.values() for name, on in each.items() if on is True]
        except (ValueError, AttributeError):
            known = []  # « all capabilities are considered unsupported if [...] wrongly formatted »
        self._capabilities = frozenset(known)

    def _log_in(self) -> None:
        uri = self.connection["AuthenticationTokenURI"][0]
        headers = {
            "X-Auth-User": self.connection["BlobAPIUserName"],
            "X-Auth-Key": self.connection["BlobAPIKey"],
        }
        reply = self._exchange("GET", uri, headers, b"")
        if reply.status != 200:
            raise DockingError(f"no token: {reply.status}")
        self._token = reply.headers["x-auth-token"]
        self._storage = reply.headers["x-storage-url"].rstrip("/")

    def introduce(self, system: str, users: Mapping[str, str], cameras: Mapping[str, str]) -> None:
        """Register the system, its wearers (UUID: name) and cameras (serial: name)."""
        if "StoreReadSystemID" in self._capabilities:
            self._done("PUT", "System", {})
            words = {"ConnectionId": system, "SystemName": "Poste de police municipale"}
            self._done("PUT", f"System/{system}", words)
        self._done("PUT", "Users", {})
        for user, name in users.items():
            words = {"Active": "True", "Name": name}
            if "StoreUserIDKey" in self._capabilities:
                words["UserID"] = name
            self._done("PUT", f"Users/{user}", words)
        self._done("PUT", "Devices", {})
        for serial, name in cameras.items():
            words = {"Active": "True", "Name": name, "Model": "W110"}
            self._done("PUT", f"Devices/{serial}", words)

    # --- a recording ---

    def dock(self, footage: Footage) -> str:
        """Upload a recording; answer the name of its container."""
        key = None
        if self.connection.get("WantEncryption"):
            key = Lock(self.connection["PublicKey"], self.connection["PublicKeyId"])
        kind = self.connection.get("ContainerType", "mkv")
        wanted = [
            item for item in items(footage, kind, key)
            if not item.needs or item.needs in self._capabilities
        ]  # fmt: skip
        box = footage.container
        if self.trouble.order == "reversed":
            wanted.reverse()
        self._done("PUT", box, footage.words("Transferring"))
        if self.trouble.order == "early":
            self._done("POST", box, footage.words("Complete"))
        for number, item in enumerate(wanted):
            if self.trouble.forget and number == 1:
                self._token = "expired"  # noqa: S105
            self._upload(box, item)
        self._done("POST", box, footage.words("Complete"))
        return box

    def reject(self, footage: Footage, reason: str, names: Sequence[str] = ()) -> str:
        """Upload what was refused as rejected content, where that is supported."""
        if "StoreRejectedContent" not in self._capabilities:
            raise DockingError("rejected content is not supported")
        box = f"RejectedContent_{footage.stopped:%Y%m%dT%H%M%SZ}_{footage.user}"
        original = {"RejectedContentOriginalContainer": footage.container}
        words = {
            **footage.words(""), **original, "ContainerName": box, "RejectedContentReason": reason
        }  # fmt: skip
        self._done("PUT", box, words)
        for item in items(footage, self.connection.get("ContainerType", "mkv"), None):
            if not names or item.name in names:
                item.words |= original
                self._upload(box, item)
        return box

    def _upload(self, box: str, item: Item) -> None:
        for _ in range(self.trouble.cut):
            self._cut(box, item)
        self._done("PUT", f"{box}/{item.name}", item.words, item.content)

    # --- requests ---

    def _done(self, method: str, name: str, words: Mapping[str, str], content: bytes = b"") -> None:
        """Send until it is confirmed; 400 is never, everything else is later."""
        for _ in range(self.trouble.repeats):
            for _ in range(TRIES):
                reply = self._send(method, name, words, content)
                if reply.status in (200, 201, 202, 204):
                    break
                if reply.status == 400:
                    raise DockingError(f"Recording not transferred: {method} {name}: 400")
                if reply.status == 401:
                    self._log_in()
                else:
                    time.sleep(PAUSE_S)
            else:
                raise DockingError(f"{method} {name}: {self.log[-1][2]}")

    def _send(
        self, method: str, name: str, words: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Reply:
        reply = self._exchange(method, self._url(name), self._headers(name, words), content)
        self.log.append((method, name, reply.status))
        return reply

    def _url(self, name: str) -> str:
        return f"{self._storage}/{quote(name)}"

    def _headers(self, name: str, words: Mapping[str, str] | None) -> dict[str, str]:
        kind = "Object" if "/" in name else "Container"
        told = dict(header(kind, key, value) for key, value in (words or {}).items())
        return {"X-Auth-Token": self._token, **told}

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Reply:
        try:
            with self._open(url) as opened:
                link = _Link(opened)
                expects = len(content) > 0
                link.send(_head(method, url, headers, len(content), expects=expects))
                if expects and not link.may_go_on():
                    return link.reply()
                for start in range(0, len(content), BLOCK):
                    link.send(content[start : start + BLOCK])
                    if start == 0 and self.trouble.silent_s:
                        time.sleep(self.trouble.silent_s)
                return link.reply()
        except OSError:
            return Reply(0, {}, b"")

    def _cut(self, box: str, item: Item) -> None:
        """Break off in the middle of an upload."""
        name = f"{box}/{item.name}"
        headers = self._headers(name, item.words)
        with self._open(self._url(name)) as link:
            length = len(item.content) + 1
            link.sendall(_head("PUT", self._url(name), headers, length, expects=False))
            link.sendall(item.content[: len(item.content) // 2])
        self.log.append(("PUT", name, 0))

    def _open(self, url: str) -> socket.socket:
        place = urlsplit(url)
        port = place.port or (443 if place.scheme == "https" else 80)
        link = socket.create_connection((place.hostname or "", port), timeout=30)
        if place.scheme != "https":
            return link
        pem = [base64.b64decode(each).decode() for each in self.connection["HTTPSCertificate"]]
        context = ssl.create_default_context(cadata="\n".join(pem))
        return context.wrap_socket(link, server_hostname=place.hostname)


# --- HTTP/1.1, byte by byte: what a library would hide is what we come to try ---


def _head(
    method: str, url: str, headers: Mapping[str, str], length: int, *, expects: bool
) -> bytes:
    place = urlsplit(url)
    lines = [f"{method} {place.path} HTTP/1.1", f"Host: {place.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {length}")
    if expects:
        lines.append("Expect: 100-continue")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Link:
    """A connection, and what was read of it beyond what was asked for."""

    def __init__(self, link: socket.socket) -> None:
        self._link, self._read = link, b""

    def send(self, data: bytes) -> None:
        self._link.sendall(data)

    def may_go_on(self) -> bool:
        """Whether the body may be sent: told so, or not told anything for a while."""
        pending = isinstance(self._link, ssl.SSLSocket) and self._link.pending() > 0
        if not pending and not select.select([self._link], [], [], CONTINUE_S)[0]:
            return True
        head = self._head()
        if not head.startswith(b"HTTP/1.1 100"):
            self._read = head + b"\r\n\r\n" + self._read  # the final answer, already
            return False
        return True

    def reply(self) -> Reply:
        """Read the final answer; `OSError` when none comes."""
        head = self._head()
        while head.startswith(b"HTTP/1.1 100"):
            head = self._head()
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) < 2 or not words[1].isdigit():
            raise ConnectionResetError("no answer")
        while block := self._link.recv(BLOCK):
            self._read += block
        pairs = [line.partition(":") for line in lines]
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Reply(int(words[1]), headers, self._read)

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._read:
            block = self._link.recv(BLOCK)
            if not block:
                break
            self._read += block
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        return head
