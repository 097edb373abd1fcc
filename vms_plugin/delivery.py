"""Close the difference between what is wanted and what is shown. Pure.

A *subject* is something an adapter is to show (an incident's picture, an order to a crew). The
host knows the version wanted and, per adapter, the version shown; what is due is the difference.
Versions in between are skipped; a dead adapter catches up with the newest one; nothing is queued,
so nothing can be lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

#: Seconds before the next try, after so many failures in a row; the last one repeats.
PATIENCE_S = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0)
#: The same after a refusal: a person must act first, and a locked account must not be hammered.
REFUSED_S = 60.0


class Told(StrEnum):
    """What became of a word to a person: he has it, he is still to be told, he cannot be."""

    YES = "yes"
    PENDING = "pending"
    NO = "no"


def told_by(answers: Iterable[Told | None]) -> Told:
    """Join the answers of all that could tell him: one that did is enough."""
    heard = set(answers)
    return next((each for each in (Told.YES, Told.PENDING) if each in heard), Told.NO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The newest version of a subject. `urgent` ones go first: a press before an update."""

    version: int
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an adapter shows of a subject, as far as is known.

    `asked` is true once a call was ever made: without an answer kept, it may have gone through.
    """

    version: int = 0
    receipt: str | None = None
    asked: bool = False
    failures: int = 0
    not_before: float = 0.0  #: on the host's monotonic clock
    unfinished: bool = False  #: this version is shown, but for something to be tried again

    def lacks(self, wanted: int) -> bool:
        """Whether there is a difference to close with that version."""
        return self.version < wanted or self.unfinished

    def ready_at(self, wanted: int) -> float:
        """Say when to call: a new version does not wait for what an older one lacks."""
        return 0.0 if self.unfinished and self.version < wanted else self.not_before


@dataclass(frozen=True, slots=True)
class Due:
    """The calls to make now, most urgent first, and when to look again at the latest."""

    subjects: tuple[str, ...]
    again_at: float | None


def due(
    wanted: Mapping[str, Wanted],
    shown: Mapping[str, Shown],
    *,
    busy: Collection[str],
    now: float,
    room: int,
) -> Due:
    """Choose what one adapter is asked now: at most `room` subjects, none of them `busy`.

    Order: never shown first, then urgent, then by name; the same inputs give the same answer.
    """
    behind = [
        (subject, each, shown.get(subject, _NOTHING))
        for subject, each in wanted.items()
        if subject not in busy and shown.get(subject, _NOTHING).lacks(each.version)
    ]
    ready = [item for item in behind if item[2].ready_at(item[1].version) <= now]
    ready.sort(key=lambda item: (item[2].version > 0, not item[1].urgent, item[0]))
    later = [state.ready_at(each.version) for _, each, state in behind]
    waiting = [at for at in later if at > now]
    chosen = tuple(subject for subject, _, _ in ready[:room])
    return Due(chosen, min(waiting, default=None))


def succeeded(before: Shown, version: int, receipt: str | None) -> Shown:
    """Note an answer: this version is shown."""
    return Shown(version=max(before.version, version), receipt=receipt, asked=True)


def unfinished(before: Shown, version: int, receipt: str, *, now: float, jitter: float) -> Shown:
    """Note that this version is shown, but for something: tried again with a failure's patience."""
    again = failed(replace(before, receipt=receipt), now=now, jitter=jitter)
    return replace(again, version=max(before.version, version), unfinished=True)


def failed(before: Shown, *, now: float, jitter: float, hopeless: bool = False) -> Shown:
    """Note a failure, and wait a little longer than last time; `jitter` (0..1) spreads retries."""
    wait_s = REFUSED_S if hopeless else PATIENCE_S[min(before.failures, len(PATIENCE_S) - 1)]
    return Shown(
        version=before.version,
        receipt=before.receipt,
        asked=True,
        failures=before.failures + 1,
        not_before=now + wait_s * (0.5 + jitter / 2),
        unfinished=before.unfinished,
    )


_NOTHING = Shown()


@dataclass(slots=True)
class Ledger:
    """One adapter's account: what it is wanted to show, and what it shows."""

    wanted: dict[str, Wanted] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)

    def want(self, subject: str, version: int, *, urgent: bool = False) -> bool:
        """Want a version shown; answer whether there is now a difference to close."""
        self.wanted[subject] = Wanted(version=version, urgent=urgent)
        return self.shown.get(subject, _NOTHING).version < version

    def state(self, subject: str) -> Shown:
        """Say what is shown of a subject."""
        return self.shown.get(subject, _NOTHING)

    def forget(self, subject: str) -> None:
        """Drop a subject that nobody will ask about again."""
        self.wanted.pop(subject, None)
        self.shown.pop(subject, None)

    def lacks(self, subject: str) -> bool:
        """Whether a subject is wanted and not shown as wanted."""
        wanted = self.wanted.get(subject)
        return wanted is not None and self.state(subject).lacks(wanted.version)

    def answered(self, subject: str) -> Told | None:
        """Say what became of something to be told; None when it is not wanted here."""
        wanted = self.wanted.get(subject)
        if wanted is None:
            return None
        if self.state(subject).version < wanted.version:
            return Told.PENDING
        return Told.YES if self.state(subject).receipt == Told.YES else Told.NO

    def behind(self) -> int:
        """Count the subjects not shown as wanted after a try: what is on its way is not late."""
        return sum(self.lacks(each) and self.state(each).failures > 0 for each in self.wanted)
