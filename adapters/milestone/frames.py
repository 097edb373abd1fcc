"""Frames of the Events and State WebSocket, turned into facts. Pure.

Released as a preview with 2023 R3 (the maker's browser sample says 2024 R1). Certainty of every
name here: the maker's Python sample, `ess_api.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from adapters.milestone.decode import camera_id, read_guid
from hooks import CameraState, Envelope, Fact, FactId, Malformed
from hooks.causes import cause

#: The channel of our envelopes that hold such frames.
CHANNEL = "state"
#: What the recording server says of a camera, by the maker's `event_types.py`: does it answer?
ANSWERS = {
    "dd3e6464-7dc0-405a-a92f-6150587563e8": True,  # communication started
    "0ee90664-2924-42a0-a816-4129d0ecabdc": False,  # communication stopped
    "a334af1c-4b4b-4957-9e5f-ab8ca07feab6": False,  # communication error
}
#: No other event is wanted: a site of 2 500 cameras tells thousands a minute, and its state takes
#: minutes to gather.
FILTERS = [
    {"modifier": "include", "resourceTypes": ["cameras"], "sourceIds": ["*"],
     "eventTypes": list(ANSWERS)}
]  # fmt: skip


class Frame(msgspec.Struct, rename="camel"):
    """A frame as far as the conversation needs it; what it is about is still bytes.

    What a serializer has nothing to say of it leaves out, or writes as null.
    """

    command_id: int | None = None
    status: int | None = None
    session_id: str | None = None
    events: list[msgspec.Raw] | None = None
    states: list[msgspec.Raw] | None = None
    error: Any = None

    @property
    def why(self) -> str:
        """The maker's words for a refusal."""
        said = self.error.get("errorText") if isinstance(self.error, dict) else self.error
        return str(said or self.status)[:200]


class Event(msgspec.Struct):
    """An event, or a state: the same fields. A state has no id."""

    type: str
    source: str
    time: str | None = None
    id: str | None = None

    @property
    def camera(self) -> str:
        """The camera's GUID; empty when it is about something else."""
        kind, _, name = self.source.lower().partition("/")
        return read_guid(name) or "" if kind == "cameras" else ""


def read_frame(body: bytes | str) -> Frame:
    """Read a frame.

    Raises
    ------
    Malformed
        It is no frame at all.
    """
    try:
        # Numbers may be texts, as they are in the configuration of older releases.
        return msgspec.json.decode(body, type=Frame, strict=False)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed("message", body[:80], "write JSON: {cause}", cause=cause(error)) from error


def read_event(raw: msgspec.Raw | bytes) -> Event | None:
    """Read one event; None when it is not one."""
    try:
        return msgspec.json.decode(raw, type=Event)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def last_event(body: bytes) -> str:
    """Give the id of a frame's last event, from which a session is resumed; empty: it has none."""
    try:
        events = read_frame(body).events
    except Malformed:
        return ""
    last = read_event(events[-1]) if events else None
    return (last.id or "") if last is not None else ""


def facts(envelope: Envelope) -> Iterator[Fact]:
    """Tell which cameras answer and which do not.

    Raises
    ------
    Malformed
        Something in it was not understood; the facts given before are good all the same.
    """
    frame = read_frame(envelope.body)
    fault: Malformed | None = None
    for raw in (*(frame.states or ()), *(frame.events or ())):
        event = read_event(raw)
        if event is None:
            fault = fault or Malformed("events", bytes(raw)[:80], "write type and source as texts")
            continue
        alive = ANSWERS.get(event.type.lower())
        if alive is not None and event.camera:
            at = read_time(event.time or "") or envelope.received_at
            told = event.id or f"{event.camera}:{event.type}:{at.isoformat()}"
            yield CameraState(
                id=FactId(f"milestone:{told}"), at=at, camera=camera_id(event.camera), alive=alive
            )
    if fault is not None:
        raise fault


def read_time(text: str) -> datetime | None:
    """Read a time: seven decimals, one more than Python reads, and sometimes no zone (then UTC).

    None: no time, or the year 1, which the maker writes for none.
    """
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if found.year > 1970 else None
