"""The door where an Axis body-worn system brings its recordings: an ASGI application over a vault.

Nothing is answered 201 before the vault has it on the disk. A sender that is refused is refused
before he sends: the account, the name and the room are looked at first, so that a client that waits
for `100 Continue` keeps his gigabytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from adapters.axis.destination import (
    CAPABILITIES,
    SHELVES,
    Account,
    Target,
    headers_of,
    merged,
    piece_of,
    recording_id,
    recording_of,
    target_of,
    words_of,
)
from hooks import Malformed, Refused, Unreachable, Vault

#: Life of a token: Axis's own example has a quarter of an hour.
TOKEN_S = 900.0
#: A sender that says nothing for that long in the middle of a piece is gone.
SILENCE_S = 60.0
#: How long, and how much, is read of what was refused, so that the refusal arrives.
DRAIN_S, DRAIN = 5.0, 32 << 20
#: So many wrong passwords from one address, and it waits.
WRONG_AT_MOST, PAUSE_S = 10, 60.0
#: What belongs to no recording is words: its body is read and forgotten.
LARGEST_OF_SHELVES = 1 << 20
ACCOUNT = "AUTH_renfort"

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


class GoneError(Exception):
    """The sender went away, or fell silent, in the middle."""


class WrongDigestError(Exception):
    """What came is not what its sender's digest says."""


class Door:
    """The application. One instance is called by the inlet's loop alone."""

    def __init__(
        self, account: Account, vault: Vault, clock: Callable[[], float] = monotonic
    ) -> None:
        self._account, self._vault, self._clock = account, vault, clock
        self._tokens: dict[str, float] = {}
        self._wrong: dict[str, list[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = _Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Malformed as fault:
            answer = _said(400, str(fault))
        except Unreachable as why:
            answer = _said(503, str(why), (b"retry-after", b"30"))
        except Refused as why:
            answer = _said(507, str(why))
        except WrongDigestError:
            answer = _said(422, "ETag: the content is not what its digest says")
        except GoneError:
            answer = _said(408, "nothing came any more")
        await _send(answer, request, send)

    async def _answer(self, request: _Request) -> Answer:
        if request.raw_path.partition(b"?")[0] == b"/auth/v1.0":
            return self._log_in(request)
        if not self._admitted(request):
            return _said(401, "X-Auth-Token: ask for one at /auth/v1.0")
        target = target_of(request.raw_path)
        if target is None or target.account != ACCOUNT:
            return _said(404, "no such account")
        if not target.container:
            return _said(204 if request.method == "HEAD" else 403, "")
        by_name = _SHELVES if target.container in SHELVES else _RECORDINGS
        method = by_name.get((request.method, bool(target.object)))
        if method is None:
            known = {name for name, _ in by_name}
            status = 405 if request.method not in {*known, "DELETE", "GET"} else 403
            return _said(status, "this door takes recordings in; nothing is read or erased by it")
        return await method(self, request, target)

    # --- who comes ---

    def _log_in(self, request: _Request) -> Answer:
        if request.method != "GET":
            return _said(405, "GET")
        if self._waits(request.address):
            return _said(401, "too many wrong passwords: wait a minute")
        user = request.header(b"x-auth-user") or request.header(b"x-storage-user")
        key = request.header(b"x-auth-key") or request.header(b"auth-key")
        right = hmac.compare_digest(user, self._account.username.encode())
        right &= hmac.compare_digest(key, self._account.password.encode())
        if not right:
            self._wrong.setdefault(request.address, []).append(self._clock())
            log.warning("a wrong account at the door of recordings, from %s", request.address)
            return _said(401, "X-Auth-User, X-Auth-Key: those of the connection file")
        now = self._clock()
        self._tokens = {token: until for token, until in self._tokens.items() if until > now}
        token = secrets.token_urlsafe(32)
        self._tokens[token] = now + TOKEN_S
        url = f"{request.origin}/v1/{ACCOUNT}"
        headers = (
            (b"x-auth-token", token.encode()), (b"x-storage-token", token.encode()),
            (b"x-storage-url", url.encode()), (b"x-auth-token-expires", b"%d" % TOKEN_S),
        )  # fmt: skip
        return Answer(200, headers)

    def _waits(self, address: str) -> bool:
        since = self._clock() - PAUSE_S
        recent = [at for at in self._wrong.pop(address, []) if at > since]
        if recent:
            self._wrong[address] = recent
        if len(self._wrong) > 1000:
            self._wrong.clear()
        return len(recent) >= WRONG_AT_MOST

    def _admitted(self, request: _Request) -> bool:
        until = self._tokens.get(request.header(b"x-auth-token").decode("latin-1"), 0.0)
        return until > self._clock()

    # --- words that belong to no recording ---

    async def _put_shelf(self, _request: _Request, _target: Target) -> Answer:
        return Answer(202)  # they are always there

    async def _post_shelf(self, _request: _Request, _target: Target) -> Answer:
        return Answer(204)

    async def _head_shelf(self, _request: _Request, _target: Target) -> Answer:
        return Answer(204)

    async def _put_word(self, request: _Request, target: Target) -> Answer:
        if target.container == "System" and target.object.lower().endswith(".json"):
            return _said(403, "these are ours")
        words = words_of(request.headers, "object")
        await request.drop(LARGEST_OF_SHELVES)
        await self._vault.remember(target.container, target.object, words)
        return Answer(201)

    async def _post_word(self, request: _Request, target: Target) -> Answer:
        words = words_of(request.headers, "object")
        if await self._vault.recall(target.container, target.object) is None:
            return _said(404, "no such object")
        await self._vault.remember(target.container, target.object, words)
        return Answer(202)

    async def _get_word(self, request: _Request, target: Target) -> Answer:
        if target == Target(ACCOUNT, "System", "Capabilities.json"):
            # The controller takes the body for corrupt when this is not its MD5.
            digest = hashlib.md5(CAPABILITIES, usedforsecurity=False).hexdigest().encode()
            headers = ((b"content-type", b"application/json"), (b"etag", digest))
            return Answer(200, headers, CAPABILITIES)
        if request.method == "GET" and target.container != "System":
            return _said(403, "names are not read back")
        words = await self._vault.recall(target.container, target.object)
        if words is None:
            return _said(404, "no such object")
        return Answer(200, tuple(headers_of(words, "object")))

    # --- recordings ---

    async def _put_recording(self, request: _Request, target: Target) -> Answer:
        new = await self._tell(request, target)
        return Answer(201 if new else 202)

    async def _post_recording(self, request: _Request, target: Target) -> Answer:
        if await self._vault.recording(recording_id(target.container)) is None:
            return _said(404, "no such container")
        await self._tell(request, target)
        return Answer(204)

    async def _tell(self, request: _Request, target: Target) -> bool:
        told = words_of(request.headers, "container")
        known = await self._vault.recording(recording_id(target.container))
        words = merged(known.extra if known else {}, told)
        return await self._vault.tell(recording_of(target.container, words))

    async def _head_recording(self, _request: _Request, target: Target) -> Answer:
        known = await self._vault.recording(recording_id(target.container))
        if known is None:
            return _said(404, "no such container")
        return Answer(204, tuple(headers_of(known.extra, "container")))

    async def _put_piece(self, request: _Request, target: Target) -> Answer:
        piece = piece_of(target.container, target.object, words_of(request.headers, "object"))
        if await self._vault.recording(piece.recording) is None:
            return _said(404, "no such container")
        digest = hashlib.md5(usedforsecurity=False)
        content = request.checked(digest)
        await self._vault.keep(piece, content, request.length)
        return Answer(201, ((b"etag", digest.hexdigest().encode()),))

    async def _post_piece(self, request: _Request, target: Target) -> Answer:
        piece = piece_of(target.container, target.object, words_of(request.headers, "object"))
        return Answer(202) if await self._vault.amend(piece) else _said(404, "no such object")

    async def _head_piece(self, _request: _Request, target: Target) -> Answer:
        kept = await self._vault.piece(recording_id(target.container), target.object)
        if kept is None:
            return _said(404, "no such object")
        length = (b"content-length", str(kept.size).encode())
        return Answer(200, (*headers_of(kept.piece.extra, "object"), length))


_Method = Callable[[Door, "_Request", Target], Awaitable[Answer]]
#: By method, and whether an object is named.
_SHELVES: Mapping[tuple[str, bool], _Method] = {
    ("PUT", False): Door._put_shelf,
    ("POST", False): Door._post_shelf,
    ("HEAD", False): Door._head_shelf,
    ("PUT", True): Door._put_word,
    ("POST", True): Door._post_word,
    ("GET", True): Door._get_word,
    ("HEAD", True): Door._get_word,
}
_RECORDINGS: Mapping[tuple[str, bool], _Method] = {
    ("PUT", False): Door._put_recording,
    ("POST", False): Door._post_recording,
    ("HEAD", False): Door._head_recording,
    ("PUT", True): Door._put_piece,
    ("POST", True): Door._post_piece,
    ("HEAD", True): Door._head_piece,
}


class _Request:
    """One request, its body not read yet."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.headers: Headers = list(scope["headers"])
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.address: str = scope["client"][0] if scope.get("client") else ""
        host = self.header(b"host").decode("latin-1") or "localhost"
        self.origin = f"{scope.get('scheme', 'http')}://{host}"
        length = self.header(b"content-length")
        self.length = int(length) if length.isdigit() else None
        self.read = not self.length and not self.header(b"transfer-encoding")  #: to its end
        self._begun = False
        self._receive = receive

    def header(self, name: bytes) -> bytes:
        """Give a header; empty when it is absent."""
        return next((value for known, value in self.headers if known.lower() == name), b"")

    async def body(self) -> AsyncIterator[bytes]:
        """Read the body as it comes; `GoneError` when it stops coming."""
        more = self._begun = True
        while more:
            try:
                message = await asyncio.wait_for(self._receive(), SILENCE_S)
            except TimeoutError as error:
                raise GoneError from error
            if message["type"] != "http.request":
                raise GoneError
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk
        self.read = True

    async def checked(self, digest: Any) -> AsyncIterator[bytes]:
        """Read the body, and hold it against the length and the digest that its sender gave."""
        total = 0
        async for chunk in self.body():
            total += len(chunk)
            digest.update(chunk)
            yield chunk
        if self.length is not None and total != self.length:
            raise GoneError
        said = self.header(b"etag").strip(b'"').lower()
        if said and said != digest.hexdigest().encode():
            raise WrongDigestError

    async def drain(self) -> None:
        """Read on for a while what is on its way: else its sender sees a reset, not our answer.

        Whoever asked whether he may send (`Expect: 100-continue`) has sent nothing.
        """
        if self.header(b"expect") and not self._begun:
            return
        total = 0
        with contextlib.suppress(TimeoutError, GoneError):
            async with asyncio.timeout(DRAIN_S):
                async for chunk in self.body():
                    total += len(chunk)
                    if total > DRAIN:
                        return

    async def drop(self, most: int) -> None:
        """Read a body of which nothing is kept."""
        total = 0
        async for chunk in self.body():
            total += len(chunk)
            if total > most:
                raise Malformed("body", f"{total} bytes", "write at most {most} bytes", most=most)


def _said(status: int, why: str, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, (*headers, (b"content-type", b"text/plain; charset=utf-8")), why.encode())


async def _send(answer: Answer, request: _Request, send: Send) -> None:
    headers = list(answer.headers)
    body = b"" if request.method == "HEAD" else answer.body
    if not any(name == b"content-length" for name, _ in headers) and answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))  # HEAD tells it too
    if not request.read:
        await request.drain()
        # What is still on its way is not read: this connection is of no more use.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
