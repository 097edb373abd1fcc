"""The link that opens a crew's own page on a phone: one incident, one crew, one order. Pure.

It is the order itself, signed: nothing is kept of it, so that nothing but the key can be stolen.
It dies with the order (called back, sent again), with the incident, and with the hour. Twenty signs
after the address: it fits in a text message, and cannot be guessed (120 bits).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vms_plugin.incident import Engaged, Incident

#: Bytes of the signature that are kept: 2^120 guesses.
SIGNATURE = 15


@dataclass(frozen=True, slots=True)
class CrewLinks:
    """Makes links and recognises them."""

    key: bytes
    url: str = ""  #: where phones reach us; empty: there are no links
    valid: timedelta = timedelta(hours=2)

    def token(self, order: Engaged) -> str:
        """Give the token of an order; the same whenever it is asked for."""
        signed = f"{order.id}\n{order.incident}\n{order.crew}".encode()
        mark = hmac.digest(self.key, signed, hashlib.sha256)[:SIGNATURE]
        return base64.urlsafe_b64encode(mark).decode()

    def link(self, order: Engaged) -> str:
        """Give the whole address; empty where phones cannot reach us."""
        return f"{self.url}/e/{self.token(order)}" if self.url else ""

    def find(
        self, token: str, incidents: Iterable[Incident], now: datetime
    ) -> tuple[Incident, Engaged] | None:
        """Say which order a token is of; None when it is of none that still holds."""
        given = token.encode()
        for incident in incidents:
            for crew in () if incident.closed else incident.engaged:
                order = incident.orders[crew][-1]
                if not isinstance(order, Engaged) or now - order.at > self.valid:
                    continue
                if hmac.compare_digest(self.token(order).encode(), given):
                    return incident, order
        return None
