"""One picture, fanned out: a source on one side, any number of viewers on the other.

All of it lives on the media loop. Samples are handed on as they come; what a viewer is too slow
for is dropped for that viewer alone, up to the next key picture.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic

from hooks import Codec, Message, Sample
from vms_plugin.live.rtp import parameter_sets

#: Pictures and sounds that may wait for one viewer: one or two seconds, as a link stumbles.
BACKLOG = 100
#: Several viewers who come at once are served by one key picture.
KEY_EVERY_S = 0.3

PICTURES = (Codec.H264, Codec.H265)


class State(StrEnum):
    """How a picture is."""

    OPENING = "opening"  # asked for; nothing came yet
    SHOWING = "showing"
    LOST = "lost"  # it was there, or should be; it is being fetched again
    REFUSED = "refused"  # the other side says no; it is asked again, less often
    RESTING = "resting"  # nobody watches: the camera's link is left alone
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a channel, since when, and why."""

    state: State
    since: datetime
    why: Message | None = None


class Ended(Exception):
    """What allowed the picture is over, and the picture with it."""


class Backlog:
    """What waits for one viewer. Pictures begin with a key picture, and again after a drop."""

    def __init__(self, want_key: Callable[[], None]) -> None:
        self._want_key = want_key
        self._waiting: deque[Sample] = deque()
        self._stirred = asyncio.Event()
        self._needs_key = True
        self._over = False

    def put(self, sample: Sample) -> None:
        """Take a sample; never waits."""
        if sample.codec in PICTURES:
            if self._needs_key and not sample.key:
                return
            self._needs_key = False
        if len(self._waiting) >= BACKLOG:
            self._waiting.clear()
            self._needs_key = True
            self._want_key()
            return
        self._waiting.append(sample)
        self._stirred.set()

    def end(self) -> None:
        """Let the viewer go; what waits is not shown any more."""
        self._waiting.clear()
        self._over = True
        self._stirred.set()

    async def get(self) -> Sample:
        """Wait for the next sample.

        Raises
        ------
        Ended
            There will be none.
        """
        while not self._waiting:
            if self._over:
                raise Ended
            self._stirred.clear()
            await self._stirred.wait()
        return self._waiting.popleft()


class Channel:
    """One picture and its sound; the `Screen` that its source is given."""

    def __init__(self, changed: Callable[[Status], None], *, mute: bool = False) -> None:
        self._changed = changed
        self.mute = mute  #: no sound passes, whatever the source sends
        self._takers: dict[Callable[[Sample], None], Callable[[], None]] = {}
        self._key = asyncio.Event()
        self._key_at = -KEY_EVERY_S
        self.watched = asyncio.Event()
        self.left_at = monotonic()  #: when the last viewer went, or the channel was made
        self.sets = b""  #: H.264: the parameter sets in force, which describe and show nothing
        self.status = Status(State.OPENING, datetime.now(UTC))

    # --- the source's side: hooks.Screen ---

    def show(self, sample: Sample) -> None:
        """Hand a sample on."""
        if self.status.state is State.ENDED or (self.mute and sample.codec not in PICTURES):
            return
        if sample.codec in PICTURES and self.status.state is not State.SHOWING:
            self.become(State.SHOWING)
        if sample.codec is Codec.H264 and sample.key:
            self.sets = parameter_sets(sample.data)
        for take in list(self._takers):
            take(sample)

    def lost(self, why: Message) -> None:
        """Say why nothing comes."""
        if self.status.state is not State.ENDED:
            self.become(State.LOST, why)

    def refused(self, why: Message) -> None:
        """Say why the other side gives nothing."""
        if self.status.state is not State.ENDED:
            self.become(State.REFUSED, why)

    async def key_wanted(self) -> None:
        """Wait until a viewer needs a key picture."""
        await self._key.wait()
        wait_s = self._key_at + KEY_EVERY_S - monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        self._key.clear()
        self._key_at = monotonic()

    # --- the viewers' side ---

    def watch(self, take: Callable[[Sample], None], ended: Callable[[], None]) -> None:
        """Give everything from now on to a viewer; `ended` is called when there will be no more."""
        if self.status.state is State.ENDED:  # while he was being let in
            ended()
            return
        self._takers[take] = ended
        self.watched.set()
        self.want_key()

    def leave(self, take: Callable[[Sample], None]) -> None:
        """Give that viewer nothing more."""
        self._takers.pop(take, None)
        if not self._takers:
            self.watched.clear()
            self.left_at = monotonic()

    def want_key(self) -> None:
        """Ask the source for a key picture."""
        self._key.set()

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._takers)

    def become(self, state: State, why: Message | None = None) -> None:
        """Change state; since when is kept while only the reason changes."""
        same = state is self.status.state
        if same and why == self.status.why:
            return
        since = self.status.since if same else datetime.now(UTC)
        self.status = Status(state, since, why)
        self._changed(self.status)
        if state is State.ENDED:
            for ended in list(self._takers.values()):
                ended()
