"""Accounts and tokens: who may enter, until when, and when an account is locked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.milestone.simulator.inventory import guid

#: ASP.NET Core Identity, on which the provider stands, locks after five wrong passwords in a row,
#: for five minutes, unless told otherwise.
LOCK_AFTER, LOCKED_S = 5, 300.0
SCOPE = "managementserver"


@dataclass(slots=True)
class Token:
    """An access token: until when it is good, and whether a service holds it."""

    expires: float
    service: bool = False


@dataclass
class Accounts:
    """One basic user, one service, the tokens they were given."""

    username: str
    password: str
    service: tuple[str, str]
    life_s: int
    clock: Callable[[], float]
    tokens: dict[str, Token] = field(default_factory=dict)
    refresh: set[str] = field(default_factory=set)
    wrong: int = 0
    locked_until: float = 0.0

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """The key that signs; made when first needed."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def locked(self) -> bool:
        """Whether too many wrong passwords locked the account."""
        return self.clock() < self.locked_until

    def refuse(self, username: str | None, password: str | None) -> str | None:
        """Try a password: the maker's error code, or None for the right one."""
        if username != self.username:
            return "InvalidCredential"
        if self.locked:
            return "LockedOut"
        if password == self.password:
            self.wrong = 0
            return None
        self.wrong += 1
        if self.wrong < LOCK_AFTER:
            return "InvalidCredential"
        self.wrong, self.locked_until = 0, self.clock() + LOCKED_S
        return "LockedOut"

    def unlock(self) -> None:
        """Unlock, as an administrator does in Management Client."""
        self.wrong, self.locked_until = 0, 0.0

    def expire(self, *, refresh: bool) -> int:
        """Let every access token lapse now, and refresh tokens if told; how many there were."""
        for token in self.tokens.values():
            token.expires = 0.0
        if refresh:
            self.refresh.clear()
        return len(self.tokens)

    def grant(self, client: str, *, service: bool = False, refresh: bool = False) -> dict[str, Any]:
        """Give a token, written as the provider answers."""
        now = int(self.clock())
        claims = {
            "nbf": now, "exp": now + self.life_s, "iat": now, "iss": "IDP", "aud": SCOPE,
            "client_id": client, "sub": guid(client if service else self.username),
            "jti": uuid4().hex, "scope": [SCOPE],
        }  # fmt: skip
        access = self._sign(claims)
        self.tokens[access] = Token(self.clock() + self.life_s, service)
        answer = {
            "access_token": access, "expires_in": self.life_s,
            "token_type": "Bearer", "scope": SCOPE,
        }  # fmt: skip
        if refresh:
            answer["refresh_token"] = uuid4().hex
            self.refresh.add(str(answer["refresh_token"]))
        return answer

    def public_key(self) -> dict[str, str]:
        """Give the key that verifies the tokens, as a JSON Web Key."""
        numbers = self.key.public_key().public_numbers()
        return {
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self._name(),
            "n": _base64(numbers.n.to_bytes(256, "big")), "e": _base64(b"\x01\x00\x01"),
        }  # fmt: skip

    def _name(self) -> str:
        return guid(str(self.key.public_key().public_numbers().n)).replace("-", "").upper()

    def _sign(self, claims: dict[str, Any]) -> str:
        head = {"alg": "RS256", "kid": self._name(), "typ": "JWT"}
        parts = (json.dumps(part, separators=(",", ":")).encode() for part in (head, claims))
        text = ".".join(_base64(part) for part in parts)
        mark = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_base64(mark)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
