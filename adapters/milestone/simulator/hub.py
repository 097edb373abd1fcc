"""Sessions and subscriptions of the Events and State WebSocket API. No socket here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec

#: "To resume a previous session (within 30 seconds)": the maker's Python sample.
RESUME_S = 30.0
KEPT_EVENTS = 10_000
Event = Mapping[str, Any]


class Filter(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """One line of a subscription; `*` stands for anything."""

    modifier: str
    resource_types: list[str]
    source_ids: list[str]
    event_types: list[str]

    def __post_init__(self) -> None:
        """Refuse what the maker's sample says a filter cannot be."""
        # The JavaScript sample writes `Include`.
        self.modifier = self.modifier.lower()
        if self.modifier not in ("include", "exclude"):
            raise ValueError("modifier must be include or exclude")

    def concerns(self, event: Event) -> bool:
        """Tell whether the event is of these kinds and from these sources."""
        kind, _, source = str(event["source"]).partition("/")
        pairs = (
            (kind, self.resource_types), (source, self.source_ids),
            (str(event["type"]), self.event_types),
        )  # fmt: skip
        return all(_among(value, wanted) for value, wanted in pairs)


def _among(value: str, wanted: Iterable[str]) -> bool:
    return any(each == "*" or each.lower() == value.lower() for each in wanted)


@dataclass(slots=True, eq=False)
class Session:
    """What one client asked to hear, kept a while after it has gone."""

    id: str = field(default_factory=lambda: str(uuid4()))
    subscriptions: dict[str, list[Filter]] = field(default_factory=dict)
    waiting: asyncio.Queue[Event] | None = None
    left_at: float = 0.0
    heard: str = ""

    def hears(self, event: Event) -> bool:
        """Tell whether a subscription includes the event and does not exclude it."""
        for filters in self.subscriptions.values():
            said = {each.modifier for each in filters if each.concerns(event)}
            if said == {"include"}:
                return True
        return False


class Hub:
    """Carries events to the sessions; keeps some, for those that come back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._sessions: dict[str, Session] = {}
        #: Closes each connection open now.
        self.closers: set[Callable[[], None]] = set()

    def publish(self, event: Event) -> None:
        """Give an event to everyone connected who asked for it."""
        self._events.append(event)
        for session in self._sessions.values():
            if session.waiting is not None and session.hears(event):
                session.waiting.put_nowait(event)

    def enter(self, identifier: str, last_event: str) -> tuple[Session, bool]:
        """Resume a session, or (False) begin another: the maker does not say why it could not."""
        session = self._sessions.get(identifier)
        resumed = (
            session is not None
            and session.waiting is None
            and self._clock() - session.left_at <= RESUME_S
        )
        if session is None or not resumed:
            session = Session()
            self._sessions[session.id] = session
        session.waiting = asyncio.Queue()
        if resumed:
            for event in self._since(last_event or session.heard):
                if session.hears(event):
                    session.waiting.put_nowait(event)
        return session, resumed

    def leave(self, session: Session) -> None:
        """Note that the client has gone; its session may be resumed for a while."""
        session.waiting, session.left_at = None, self._clock()
        session.heard = str(self._events[-1]["id"]) if self._events else ""
        for identifier, each in list(self._sessions.items()):
            if each.waiting is None and self._clock() - each.left_at > RESUME_S:
                del self._sessions[identifier]

    def _since(self, last_event: str) -> list[Event]:
        """List the events after this one; every one kept where it is not among them."""
        kept = list(self._events)
        known = [number for number, event in enumerate(kept) if event["id"] == last_event]
        return kept[known[0] + 1 :] if known else kept
