"""Close the difference between what is wanted and what is shown. Pure.

A *subject* is something an adapter is to show (an incident's picture, an order to a crew). The
host knows the version wanted and, per adapter, the version shown; what is due is the difference.
Versions in between are skipped; a dead adapter catches up with the newest one; nothing is queued,
so nothing can be lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

#: Seconds before the next try, after so many failures in a row; the last one repeats.
PATIENCE_S = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0)
#: The same after a refusal: a person must act first, and a locked account must not be hammered.
REFUSED_S = 60.0


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
        if subject not in busy and shown.get(subject, _NOTHING).version < each.version
    ]
    ready = [item for item in behind if item[2].not_before <= now]
    ready.sort(key=lambda item: (item[2].version > 0, not item[1].urgent, item[0]))
    waiting = [state.not_before for _, _, state in behind if state.not_before > now]
    chosen = tuple(subject for subject, _, _ in ready[:room])
    return Due(chosen, min(waiting, default=None))


def succeeded(before: Shown, version: int, receipt: str | None) -> Shown:
    """Note an answer: this version is shown."""
    return Shown(version=max(before.version, version), receipt=receipt, asked=True)


def failed(before: Shown, *, now: float, jitter: float, hopeless: bool = False) -> Shown:
    """Note a failure, and wait a little longer than last time; `jitter` (0..1) spreads retries."""
    wait_s = REFUSED_S if hopeless else PATIENCE_S[min(before.failures, len(PATIENCE_S) - 1)]
    return Shown(
        version=before.version,
        receipt=before.receipt,
        asked=True,
        failures=before.failures + 1,
        not_before=now + wait_s * (0.5 + jitter / 2),
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
        return wanted is not None and self.state(subject).version < wanted.version

    def behind(self) -> int:
        """Count the subjects not shown as wanted."""
        return sum(map(self.lacks, self.wanted))
