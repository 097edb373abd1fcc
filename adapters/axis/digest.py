"""Answer an HTTP Digest challenge (RFC 7616, MD5, qop=auth) for a WebSocket upgrade. Pure.

`requests` does it for requests; no WebSocket library does it for the upgrade.
"""

from __future__ import annotations

import hashlib
import re
import secrets

_PAIR = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


def answer(
    challenge: str, method: str, uri: str, username: str, password: str, cnonce: str = ""
) -> str:
    """Write the `Authorization` header for one request; a fresh `cnonce` unless one is given."""
    said = {name.lower(): quoted or bare for name, quoted, bare in _PAIR.findall(challenge)}
    realm, nonce = said.get("realm", ""), said.get("nonce", "")
    cnonce = cnonce or secrets.token_hex(8)
    secret = _md5(f"{username}:{realm}:{password}")
    action = _md5(f"{method}:{uri}")
    response = _md5(f"{secret}:{nonce}:00000001:{cnonce}:auth:{action}")
    fields = {
        "username": username, "realm": realm, "nonce": nonce, "uri": uri, "response": response,
        "cnonce": cnonce, "algorithm": "MD5",
    }  # fmt: skip
    if "opaque" in said:
        fields["opaque"] = said["opaque"]
    quoted = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    return f"Digest {quoted}, qop=auth, nc=00000001"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
