"""What the hypervisor has received: every message, valid or not, and how often."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(slots=True, kw_only=True)
class Received:
    """One message, as it arrived."""

    channel: str  #: "cap", "emsi", "soap", "vendor"
    identifier: str
    kind: str  #: the sender's own word: Alert, Update, Cancel; ALERT, UPDATE; an operation
    at: datetime
    valid: bool = True
    why: str = ""  #: what the schemas say against it
    carrier: str = "https"
    fields: dict[str, Any] = field(default_factory=dict)
    body: str = ""

    def row(self) -> dict[str, Any]:
        """Write it for the controls."""
        return {
            "channel": self.channel, "identifier": self.identifier, "kind": self.kind,
            "at": self.at.isoformat(), "valid": self.valid, "why": self.why,
            "carrier": self.carrier, "fields": self.fields, "body": self.body,
        }  # fmt: skip


@dataclass(slots=True)
class Desk:
    """Everything received, in order. The same identifier twice is the same message."""

    messages: list[Received] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)

    def take(self, message: Received) -> bool:
        """Keep a message; False: it is known already."""
        key = f"{message.channel} {message.identifier}"
        known = {f"{each.channel} {each.identifier}" for each in self.messages if each.valid}
        if message.valid and message.identifier and key in known:
            self.repeats[key] += 1
            return False
        self.messages.append(message)
        return True

    def last(self, channel: str, identifier: str = "") -> Received:
        """Find a message; `KeyError` when there is none."""
        for each in reversed(self.messages):
            if each.channel == channel and each.valid and identifier in ("", each.identifier):
                return each
        raise KeyError(identifier or channel)


def now() -> datetime:
    """Say what time it is here."""
    return datetime.now(UTC)
