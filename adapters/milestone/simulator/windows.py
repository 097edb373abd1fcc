"""Windows users at the identity provider: the NTLM handshake, one to a connection."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from adapters.milestone.simulator import ntlm
from adapters.milestone.simulator.accounts import LOCK_AFTER, LOCKED_S
from adapters.milestone.simulator.site import Site


@dataclass(frozen=True, slots=True)
class _Begun:
    nonce: bytes
    first: bytes
    second: bytes


class Handshakes:
    """Handshakes that have begun, by connection; and whether the account is locked."""

    def __init__(self, site: Site, account: ntlm.Account) -> None:
        self.account, self._site = account, site
        self._begun: dict[object, _Begun] = {}
        self._wrong, self._locked_until = 0, 0.0

    def unlock(self) -> None:
        """Unlock, as an administrator of the domain does."""
        self._wrong, self._locked_until = 0, 0.0

    def refuse(self, request: Request) -> Response | None:
        """Take the next message of a handshake: what to answer, or None for a proven user."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            message = base64.b64decode(given, validate=True) if scheme.upper() == "NTLM" else b""
            if not message or not ntlm.is_negotiate(message):
                return self._judge(request, message)
        except ValueError:
            return _ask()
        nonce = os.urandom(8)
        second = ntlm.challenge(message, nonce, self.account.domain, self._site.clock())
        self._begun[request.client] = _Begun(nonce, message, second)
        return _ask(base64.b64encode(second).decode())

    def _judge(self, request: Request, third: bytes) -> Response | None:
        begun = self._begun.pop(request.client, None)
        if not third or begun is None:
            return _ask()
        right = ntlm.verify(self.account, begun.nonce, begun.first, begun.second, third)
        if self._site.clock() < self._locked_until:
            return _ask()
        if right:
            self._wrong = 0
            return None
        self._wrong += 1
        if self._wrong >= LOCK_AFTER:
            self._wrong, self._locked_until = 0, self._site.clock() + LOCKED_S
        return _ask()


def _ask(more: str = "") -> Response:
    return Response(status_code=401, headers={"WWW-Authenticate": f"NTLM {more}".strip()})
