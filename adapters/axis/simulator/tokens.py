"""The signalling token: a JWT as recorded, HS256, with the claims exp, nbf and iat and no other."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime

#: Life of a token, and how far back it starts to be valid (decoded from recordings).
LIFE_S, BEFORE_S = 300, 5

_SECRET = secrets.token_bytes(32)


def issue(now: datetime) -> dict[str, str]:
    """Issue a token, as `getSignalingClientToken` answers it."""
    at = int(now.timestamp())
    claims = {"exp": at + LIFE_S, "nbf": at - BEFORE_S, "iat": at}
    parts = [
        _written(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    signed = ".".join(parts)
    expires = datetime.fromtimestamp(at + LIFE_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {"token": f"{signed}.{_mark(signed)}", "expiresAt": f"{expires}.000000000Z"}


def valid(token: object, now: datetime) -> bool:
    """Whether a token is one of ours, begun and not over."""
    if not isinstance(token, str):
        return False
    signed, _, mark = token.rpartition(".")
    if not hmac.compare_digest(mark.encode(), _mark(signed).encode()):
        return False
    body = signed.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return bool(claims["nbf"] <= now.timestamp() < claims["exp"])


def _mark(signed: str) -> str:
    return _written(hmac.new(_SECRET, signed.encode(), hashlib.sha256).digest())


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
