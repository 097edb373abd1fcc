"""Distress calls by radio: one call, however often the radio repeats it.

The only memory of this adapter's decoders. A radio says "emergency" with each report until somebody
answers it; reports less than `QUIET` apart are the same call.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from hooks import (
    Activation,
    ActivationId,
    CrewId,
    DeviceId,
    End,
    EndReason,
    Fact,
    FactId,
    Fix,
    Officer,
    Position,
    SourceKind,
    Trigger,
)

#: A radio silent on its emergency for so long, then calling again, calls anew.
QUIET = timedelta(minutes=15)


class Distress:
    """Who calls, and since when. Asked from any thread."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[ActivationId, datetime]] = {}
        self._lock = threading.Lock()

    def call(
        self, who: str, call_sign: str, at: datetime, position: Position | None
    ) -> Iterator[Fact]:
        """Tell that somebody calls: a new incident, or the same one again, with where he is."""
        with self._lock:
            known = self._calls.get(who)
            same = known is not None and at - known[1] <= QUIET
            session = (
                known[0] if known and same
                else ActivationId(f"crews:{who}:{int(at.timestamp())}")
            )  # fmt: skip
            self._calls[who] = session, max(at, known[1]) if known and same else at
        device = DeviceId(f"crews:{who}")
        yield Activation(
            id=FactId(f"{session}:call"),
            at=at,
            activation=session,
            device=device,
            # His radio is on the map as a crew too: it is not the help that he calls for.
            officer=Officer(id=who, call_sign=call_sign, crew=CrewId(f"crews:{who}")),
            kind=SourceKind.RADIO,
            trigger=Trigger.BUTTON,
            position=position,
        )
        yield from self.follow(who, at, position)

    def follow(self, who: str, at: datetime, position: Position | None) -> Iterator[Fact]:
        """Tell where somebody is who called; nothing of anybody else (his place is not kept)."""
        with self._lock:
            known = self._calls.get(who)
        if known is None or position is None or at - known[1] > QUIET:
            return
        device = DeviceId(f"crews:{who}")
        name = FactId(f"{device}:{at.isoformat()}")
        yield Fix(id=name, at=at, device=device, position=position, activation=known[0])

    def cancel(self, who: str, at: datetime) -> Iterator[Fact]:
        """Tell that somebody took his call back; people still close the incident."""
        with self._lock:
            known = self._calls.pop(who, None)
        if known is not None:
            yield End(
                id=FactId(f"{known[0]}:end"),
                at=at,
                activation=known[0],
                device=DeviceId(f"crews:{who}"),
                reason=EndReason.STOPPED,
            )
