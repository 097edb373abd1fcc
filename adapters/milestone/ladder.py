"""The ladder: every way a site has of showing an incident, each on its own.

The alarm comes first, elsewhere. Here the rest is done in order, within the time that is left: what
fails is remembered with what it did, said, and tried again later; it never keeps the others from
being done. What the site does not have, and nobody asked for, is left alone for a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from adapters.milestone.alarm import seeing
from adapters.milestone.durable import Durable, KeepParts, unkept
from adapters.milestone.record import NOTHING, Part
from hooks import AdapterError, Finding, IncidentId, Message, Picture, Refused, Unreachable
from hooks.causes import cause

log = logging.getLogger(__name__)

#: Cameras of the town shown at once.
MOST = 4
#: After that long in one call the rest waits for the next one: the host says late what takes
#: longer.
BUDGET_S = 6.0
#: After that long a probe looks at no further rung.
EXAMINE_S = 12.0
#: Seconds before a rung that failed is tried again, by failures in a row; the last one repeats.
PATIENCE_S = (1.0, 2.0, 5.0, 10.0, 30.0)
#: What the site refuses, or does not have, is asked again that much later: somebody may have acted.
REFUSED_S = 60.0
ABSENT_S = 600.0
#: What a rung is called for people, under the name of its part of the receipt.
_CALLED = {
    "event": Message(text="analytics event"), "wall": Message(text="Smart Wall"),
    "wall preset": Message(text="wall preset"), "matrix": Message(text="Matrix"),
    "view": Message(text="shared view"), "rules": Message(text="events for rules"),
    "bookmarks": Message(text="bookmarks"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """An incident, and the cameras that stand for it."""

    picture: Picture
    own: str  #: the GUID of the camera that shows what he films; empty: none does
    source: str  #: the camera that the alarm is on
    worn: frozenset[str]  #: all cameras known to stand for body-worn devices
    officer: bool = True  #: his own camera may be put where the whole room looks (R241-12)
    search: bool = False  #: something may have been made that nobody remembers
    alone: bool = False  #: the release takes no alarms from programs: the event makes the only one
    #: Makes a rung's part durable at once: before it does what it could not find again.
    keep: Callable[[Part], None] = lambda _part: None
    #: Does the same where the disk allows: before it does what had better not be done twice.
    note: Callable[[Part], None] = lambda _part: None

    @property
    def first(self) -> str:
        """The officer's own camera, where it may be shown to the whole room; else empty."""
        return self.own if self.officer else ""

    @property
    def town(self) -> list[str]:
        """The town's cameras that see him, best first: four at most, no body-worn one among them.

        Operators detect 74 % of what happens with four pictures, 53 % with nine.
        """
        worn = {*self.worn, self.own}
        return [guid for guid in seeing(self.picture) if guid not in worn][:MOST]

    @property
    def shown(self) -> list[str]:
        """All cameras to show, the officer's first."""
        return [self.first, *self.town] if self.first else self.town


class Rung(Protocol):
    """One way of showing. Its part of the receipt is its own; what it raises is said."""

    name: str

    @property
    def used(self) -> bool:
        """Whether it is to be climbed at all."""

    @property
    def wished(self) -> bool:
        """Whether the settings ask for it: it is then missed where the site lacks it."""

    def show(self, scene: Scene, part: Part) -> Part:
        """Show this version; safe to repeat. Gives what is to be remembered."""

    def withdraw(self, scene: Scene, part: Part) -> Part:
        """Leave the site tidy."""

    def examine(self) -> Finding:
        """Say whether the site has it, and why not."""


class UnfinishedError(Exception):
    """A rung was climbed, or taken down, in part: what was done is remembered, `error` is said."""

    def __init__(self, part: Part, error: AdapterError) -> None:
        super().__init__(str(error))
        self.part, self.error = part, error


@dataclass(slots=True)
class _Wait:
    """A rung that failed: until when it is left alone, and what is said meanwhile."""

    until: float
    failures: int
    said: Message | None


class Ladder:
    """The rungs of one site, in the order in which they are climbed."""

    def __init__(self, rungs: Sequence[Rung], clock: Callable[[], float] = time.monotonic) -> None:
        self._known = tuple(rungs)
        self._rungs = [rung for rung in rungs if rung.used]
        self._clock = clock
        self._waits: dict[tuple[IncidentId | None, str], _Wait] = {}
        #: Rungs taken down of an incident that is not withdrawn whole: none is taken down twice.
        self._down: dict[IncidentId, set[str]] = {}

    def show(
        self, scene: Scene, parts: Mapping[str, Part], since: float, keep: KeepParts = unkept
    ) -> tuple[dict[str, Part], Message | None]:
        """Climb what can be climbed now; gives what to remember, and what is missing in words.

        Parameters
        ----------
        since
            When the call began, on the ladder's clock.
        keep
            Makes all parts durable at once.
        """
        durable, missing = Durable(dict(parts), keep), list[Message]()
        for rung in self._rungs:
            durable.settle()  # what the rung before did: a crash here must not have it done again
            said = self._climb(rung, _noting(scene, durable, rung), durable.parts, since)
            missing += [said] if said else []
        return durable.parts, joined(missing)

    def withdraw(
        self, scene: Scene, parts: Mapping[str, Part], keep: KeepParts = unkept
    ) -> dict[str, Part]:
        """Take down everything, last first, whatever fails; what failed is raised at the end.

        Raises
        ------
        AdapterError
            One that may do better next time. What is refused for good is logged, and left.
        """
        durable, fault = Durable(dict(parts), keep), None
        down = self._down.setdefault(scene.picture.incident, set())
        for rung in reversed(self._rungs):
            part = durable.parts.get(rung.name, NOTHING)
            if rung.name in down:
                durable.parts[rung.name] = NOTHING
                continue
            durable.settle()
            try:
                durable.parts[rung.name] = rung.withdraw(_noting(scene, durable, rung), part)
            except Refused as refused:
                log.warning("%s is left as it is: %s", rung.name, refused)
                durable.parts[rung.name] = NOTHING
            except UnfinishedError as unfinished:
                durable.parts[rung.name] = unfinished.part
                fault = fault or unfinished.error
                continue
            except Exception as error:  # noqa: BLE001 (the others are taken down all the same)
                fault = fault or _fault(rung, error)
                continue
            down.add(rung.name)
            self._let_go(rung.name)
        if fault is not None:
            durable.settle()
            raise fault
        return durable.parts

    def _let_go(self, rung: str) -> None:
        """Let the incidents that wait for a rung try it again: what it took may be free now."""
        for key in list(self._waits):  # a copy made at once: other threads note theirs meanwhile
            if key[0] is not None and key[1] == rung:
                self._waits.pop(key, None)

    def forget(self, incident: IncidentId) -> None:
        """Forget an incident that is withdrawn whole."""
        self._down.pop(incident, None)
        for key in list(self._waits):
            if key[0] == incident:
                self._waits.pop(key, None)

    def examine(self) -> list[Finding]:
        """Say of each rung whether the site has it, used or not, within the time of a probe."""
        until = self._clock() + EXAMINE_S
        return [_examined(rung, late=self._clock() > until) for rung in self._known]

    def _climb(
        self, rung: Rung, scene: Scene, kept: dict[str, Part], since: float
    ) -> Message | None:
        """Climb one rung, unless it waits; gives what is missing of it."""
        now = self._clock()
        keys = ((scene.picture.incident, rung.name), (None, rung.name))
        waits = (self._waits.get(key) for key in keys)
        wait = next((each for each in waits if each and each.until > now), None)
        if wait is not None:
            return wait.said
        if now - since > BUDGET_S:
            return Message(text="{rung} waits: XProtect is slow", params={"rung": called(rung)})
        try:
            kept[rung.name] = rung.show(scene, kept.get(rung.name, NOTHING))
        except UnfinishedError as unfinished:
            kept[rung.name] = unfinished.part
            return self._failed(rung, scene, unfinished.error)
        except Exception as error:  # noqa: BLE001 (no fault of one rung keeps the others down)
            return self._failed(rung, scene, _fault(rung, error))
        self._waits.pop(keys[0], None)
        return None

    def _failed(self, rung: Rung, scene: Scene, error: AdapterError) -> Message | None:
        """Note when to try again. What nobody asked for and the site lacks is not missed."""
        now, refused = self._clock(), isinstance(error, Refused)
        if refused and not rung.wished:
            log.info("no %s: %s", rung.name, error)
            self._waits[None, rung.name] = _Wait(now + ABSENT_S, 1, None)
            return None
        key = (scene.picture.incident, rung.name)
        before = self._waits.get(key)
        failures = before.failures if before else 0
        patience = REFUSED_S if refused else PATIENCE_S[min(failures, len(PATIENCE_S) - 1)]
        said = Message(text="{rung}: {why}", params={"rung": called(rung), "why": cause(error)})
        self._waits[key] = _Wait(now + patience, failures + 1, said)
        return said


def _noting(scene: Scene, durable: Durable, rung: Rung) -> Scene:
    """Give a rung the means to make its own part durable."""
    keep, note = partial(durable.keep, rung.name), partial(durable.note, rung.name)
    return replace(scene, keep=keep, note=note)


def called(rung: Rung) -> Message | str:
    """Say a rung's name as operators read it, for whom « wall » would be no word."""
    return _CALLED.get(rung.name, rung.name)


def _examined(rung: Rung, *, late: bool) -> Finding:
    if late:
        slow = Message(text="not looked at: XProtect is slow")
        return Finding(subject=rung.name, well=not (rung.used and rung.wished), said=slow)
    try:
        return rung.examine()
    except Exception as error:  # noqa: BLE001 (the others are looked at all the same)
        return Finding(subject=rung.name, well=not rung.wished, said=cause(_fault(rung, error)))


def _fault(rung: Rung, error: Exception) -> AdapterError:
    """Say what went wrong; what we did not think of is logged whole, and tried again."""
    if isinstance(error, AdapterError):
        return error
    log.error("%s failed", rung.name, exc_info=error)
    return Unreachable("{hook} failed: {cause}", hook=rung.name, cause=cause(error))


def joined(missing: Sequence[Message]) -> Message | None:
    """Say it all in one message."""
    if len(missing) < 2:
        return missing[0] if missing else None
    first, *rest = missing
    others = joined(rest)
    return Message(text="{first}; {rest}", params={"first": first, "rest": others or first})
