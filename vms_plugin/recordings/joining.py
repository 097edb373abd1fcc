"""Which recordings are of an incident, and how that is known. Pure.

Nobody says it outright: the camera's own name of what it records is the strongest sign, then the
camera and the time, then the wearer and the time. How it is known is said with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooks import Activation, End, Fact, Message
from vms_plugin.recordings.ledger import Held

#: Clocks of a camera and of a server differ, and a camera records some time before the press.
SLACK = timedelta(minutes=2)
#: A press without a known end is held to last that long.
UNENDED = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A recording of an incident."""

    held: Held
    how: Message
    press: Activation


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something lasted."""

    start: datetime
    end: datetime

    def meets(self, other: Span) -> bool:
        """Whether both have a moment in common, give or take `SLACK`."""
        return self.start - SLACK <= other.end and other.start - SLACK <= self.end


def span_of(facts: Iterable[Fact]) -> Span | None:
    """Say from when to when an incident's activation lasted; None: nothing of it is known."""
    known = list(facts)
    starts = [fact.at for fact in known if isinstance(fact, Activation)]
    if not starts:
        return None
    ends = [fact.at for fact in known if isinstance(fact, End) and fact.at >= min(starts)]
    return Span(min(starts), max(ends, default=max(starts) + UNENDED))


def matches(facts: Sequence[Fact], held: Iterable[Held]) -> list[Match]:
    """List the recordings of an incident, given its facts, in the order they were given."""
    lived = span_of(facts)
    presses = [fact for fact in facts if isinstance(fact, Activation)]
    if lived is None:
        return []
    found = []
    for each in held:
        for press in presses:
            how = _how(each, press, lived)
            if how is not None:
                found.append(Match(held=each, how=how, press=press))
                break
    return found


def _how(held: Held, press: Activation, lived: Span) -> Message | None:
    named = press.extra.get("recordingId", "")
    if named and any(kept.piece.recorded_as == named for kept in held.pieces):
        return Message(
            text="the camera itself named it at the press: {name}", params={"name": named}
        )
    recorded = recorded_span(held)
    if recorded is None or not recorded.meets(lived):
        return None
    recording = held.recording
    if recording.device is not None and recording.device == press.device:
        return Message(text="same camera, same time")
    # A camera lent for the watch keeps its serial number; a wearer keeps his own name.
    unknown = recording.device is None or press.device.endswith(":unknown")
    if unknown and recording.officer.id and recording.officer.id == press.officer.id:
        return Message(text="same wearer, same time; the camera is not known")
    return None


def recorded_span(held: Held) -> Span | None:
    """Say from when to when a recording lasted, by itself or by its pieces; None: nobody knows."""
    recording = held.recording
    pieces = [kept.piece for kept in held.pieces]
    starts = [piece.started_at for piece in pieces if piece.started_at]
    ends = [piece.ended_at for piece in pieces if piece.ended_at]
    start = recording.started_at or min(starts, default=None)
    if start is None:
        return None
    end = recording.ended_at or max([*ends, *starts], default=start)
    return Span(start, max(start, end))
