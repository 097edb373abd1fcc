"""HTTP Digest as an Axis device checks it: RFC 7616 with MD5, and Basic over HTTPS (VAPIX)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Callable

REALM = "AXIS_B8A44F0000AA"
#: After that the client is told `stale=true` and tries again with the new nonce.
NONCE_S = 300.0

_PAIR = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


class Doorman:
    """Checks `Authorization` headers of one account.

    Parameters
    ----------
    clock
        Seconds, monotonic; given so that tests need not wait.
    """

    def __init__(self, username: str, password: str, clock: Callable[[], float]) -> None:
        self.username = username
        self.password = password
        self._clock = clock
        self._nonces: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def check(self, method: str, target: str, header: str | None, *, secure: bool) -> str | None:
        """Answer None when the caller may pass, else the `WWW-Authenticate` to send with 401."""
        scheme, _, rest = (header or "").partition(" ")
        if scheme.lower() == "basic" and secure and self._basic(rest):
            return None
        if scheme.lower() != "digest":
            return self._challenge()
        said = {name: quoted or bare for name, quoted, bare in _PAIR.findall(rest)}
        nonce = said.get("nonce", "")
        issued = self._nonces.get(nonce)
        if not self._answers(said, method, target):
            return self._challenge()
        if issued is None or self._clock() - issued > NONCE_S:
            return self._challenge(stale=True)
        count = int(said.get("nc", "0"), 16)
        if count <= self._counts.get(nonce, 0):
            return self._challenge(stale=True)  # a replay
        self._counts[nonce] = count
        return None

    def _answers(self, said: dict[str, str], method: str, target: str) -> bool:
        if said.get("username") != self.username or said.get("uri") != target:
            return False
        if said.get("realm") != REALM or said.get("qop") != "auth":
            return False
        if not re.fullmatch(r"[0-9a-fA-F]{8}", said.get("nc", "")):
            return False
        secret = _md5(f"{self.username}:{REALM}:{self.password}")
        action = _md5(f"{method}:{target}")
        parts = (secret, said.get("nonce", ""), said["nc"], said.get("cnonce", ""), "auth", action)
        return secrets.compare_digest(_md5(":".join(parts)), said.get("response", "").lower())

    def _basic(self, rest: str) -> bool:
        try:
            name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        right = secrets.compare_digest(password.encode(), self.password.encode())
        return name == self.username and right

    def _challenge(self, *, stale: bool = False) -> str:
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = self._clock()
        told = ", stale=true" if stale else ""
        return f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5, qop="auth"{told}'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
