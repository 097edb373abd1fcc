"""Answer the challenge of an Axis device: Digest (RFC 7616), else Basic under TLS. Pure.

VAPIX: ask first without credentials; the 401's `WWW-Authenticate` decides. No WebSocket library
answers a challenge on the upgrade, so it is done here, for requests too.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

_SCHEME = re.compile(r"(?:^|,)\s*(Digest|Basic)\s+", re.IGNORECASE)
_PAIR = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: dict[str, Callable[..., hashlib._Hash]] = {
    "MD5": hashlib.md5,
    "SHA-256": hashlib.sha256,
}


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to the device."""

    username: str
    password: str = field(repr=False)


def answer(
    challenges: Iterable[str], account: Account, method: str, uri: str, *, secure: bool,
    cnonce: str = "",
) -> str | None:  # fmt: skip
    """Write the `Authorization` header that answers 401; None when none may be answered.

    Parameters
    ----------
    challenges
        Every `WWW-Authenticate` header; one may hold several challenges.
    secure
        Under TLS: Basic is answered only there, for it tells the password.
    cnonce
        For a reproducible answer; fresh when empty.
    """
    offered = [each for header in challenges for each in _split(header)]
    for scheme, said in offered:
        if scheme == "digest" and _can(said):
            return _digest(said, account, method, uri, cnonce or secrets.token_hex(16))
    if secure and any(scheme == "basic" for scheme, _ in offered):
        pair = f"{account.username}:{account.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return None


def _split(header: str) -> list[tuple[str, dict[str, str]]]:
    parts = _SCHEME.split(header)[1:]
    return [
        (
            scheme.lower(),
            {name.lower(): quoted or bare for name, quoted, bare in _PAIR.findall(rest)},
        )
        for scheme, rest in zip(parts[::2], parts[1::2], strict=True)
    ]


def _can(said: dict[str, str]) -> bool:
    known = said.get("algorithm", "MD5").upper() in _HASHES
    return known and ("qop" not in said or "auth" in _words(said["qop"]))


def _digest(said: dict[str, str], account: Account, method: str, uri: str, cnonce: str) -> str:
    algorithm = said.get("algorithm", "MD5")

    def hashed(*parts: str) -> str:
        make = _HASHES[algorithm.upper()]
        return make(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    realm, nonce = said.get("realm", ""), said.get("nonce", "")
    secret = hashed(account.username, _plain(realm), account.password)
    action = hashed(method, uri)
    fields = {"username": _quotable(account.username), "realm": realm, "nonce": nonce, "uri": uri}
    bare = {"algorithm": algorithm} if "algorithm" in said else {}
    if "qop" in said:
        bare |= {"qop": "auth", "nc": "00000001"}  # a fresh nonce each time: always its first use
        fields["cnonce"] = cnonce
        fields["response"] = hashed(secret, nonce, bare["nc"], cnonce, "auth", action)
    else:
        fields["response"] = hashed(secret, nonce, action)  # RFC 2069, before qop
    if "opaque" in said:
        fields["opaque"] = said["opaque"]
    written = [f'{name}="{value}"' for name, value in fields.items()]
    written += [f"{name}={value}" for name, value in bare.items()]
    return f"Digest {', '.join(written)}"


def _words(qop: str) -> set[str]:
    return {word.strip().lower() for word in qop.split(",")}


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


def _quotable(value: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", value)
