"""The state of an AXIS Body Worn Live server in, facts out. Pure.

Observed in public clients, not specified by Axis: the answer of `status.cgi` to `getTargets`. It
is what finds a press, an end or a lost link that no event told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from adapters.axis.values import moment, noted, objects, text
from hooks import (
    Activation,
    ActivationId,
    DeviceId,
    End,
    EndReason,
    Envelope,
    Fact,
    FactId,
    LinkChange,
    LiveList,
    Malformed,
    Officer,
)
from hooks.reading import Faults, read_object, tell

#: A list of a few thousand cameras.
LARGEST = 4 << 20


def decode_status(envelope: Envelope, missed_s: float, *, links: bool = False) -> Iterator[Fact]:
    """Read `getTargets`: what runs, what ran while nobody listened, who lost the link.

    Facts are named after what they tell, so that the same state read twice is the same facts.

    Parameters
    ----------
    envelope
        Its `received_at` is when the question was *sent*: what began since is not missing.
    missed_s
        A stream that ended, or lost its link, longer ago than that many seconds is no alert.
    links
        Say also which links stand. An answer does not say since when, so the same state heard
        again cannot be recognised: this is asked for only when a link may have changed.
    """
    faults: Faults = []
    answer = read_object(envelope.body, faults, most=LARGEST)
    if "error" in answer:
        raise Malformed("error", answer["error"], "the server refuses getTargets: see app")
    targets = objects(answer, "data").get("targets")
    if not isinstance(targets, list):
        raise Malformed("data.targets", targets, "write a list of targets")
    active: list[ActivationId] = []
    whole = not faults
    for index, target in enumerate(targets):
        wrong: Faults = []
        try:
            reader = _Target(target, envelope.received_at, wrong)
            if reader.session:
                yield from reader.facts(timedelta(seconds=missed_s), links=links)
                active += [reader.activation] if reader.running else []
        except Malformed as fault:
            whole = False
            wrong.append(fault)
        for each in wrong:
            each.field = f"data.targets[{index}].{each.field}".rstrip(".")
        faults += wrong
    if whole:  # an answer half understood proves no absence
        yield _live_list(active, envelope.received_at)
    tell(faults)


def running(body: bytes, at: datetime) -> tuple[frozenset[str], frozenset[str]]:
    """Name the sessions that run, and those of them that lost their link."""
    targets = objects(read_object(body, [], most=LARGEST), "data").get("targets")
    live, lost = set(), set()
    for each in targets if isinstance(targets, list) else ():
        try:
            target = _Target(each, at, [])
        except Malformed:
            continue
        if target.session and target.running:
            live.add(target.session)
            if target.lost:
                lost.add(target.session)
    return frozenset(live), frozenset(lost)


class _Target:
    """One camera, as `getTargets` lists it. Live = a session, neither stopped nor disconnected."""

    def __init__(self, target: object, received_at: datetime, faults: Faults) -> None:
        if not isinstance(target, Mapping):
            raise Malformed("", target, "write an object")
        wrong: Faults = []
        self.session = text(target, "sessionId", wrong)
        self._serial = text(target, "id", wrong)
        tell(wrong)
        if self.session and not self._serial:
            raise Malformed("id", target.get("id"), "write the camera's serial number")
        self._target = target
        self._received_at = received_at
        self._faults = faults
        self.running = not target.get("stopped")
        self.lost = bool(target.get("disconnected"))

    @property
    def activation(self) -> ActivationId:
        """Name the activation."""
        return ActivationId(f"axis:{self.session}")

    @property
    def _device(self) -> DeviceId:
        return DeviceId(f"axis:{self._serial}")

    def _when(self, name: str) -> datetime | None:
        # Whether these members are times or mere marks was never published.
        if isinstance(self._target.get(name), bool):
            return None
        return moment(self._target, name, self._received_at, self._faults)

    def facts(self, missed: timedelta, *, links: bool) -> Iterator[Fact]:
        """Tell the press, and what became of it."""
        started, ended, lost_at = map(self._when, ("started", "stopped", "disconnected"))
        last = (lost_at if self.running else ended) or started
        over = self.lost or not self.running
        if over and (last is None or self._received_at - last > missed):
            return  # yesterday's stream is no alert of today, nor one of nobody knows when
        yield self._press(started or last or self._received_at)
        if not self.running:
            yield End(
                id=FactId(f"axis:status:{self.session}:stopped"),
                at=ended or self._received_at,
                activation=self.activation,
                device=self._device,
                reason=EndReason.STOPPED,
            )
        elif lost_at or links:
            yield self._link(lost_at or self._received_at)

    def _press(self, at: datetime) -> Activation:
        wrong: Faults = []
        call_sign = text(self._target, "bearerName", wrong)
        return Activation(
            id=FactId(f"axis:status:{self.session}"),
            at=at,
            activation=self.activation,
            device=self._device,
            officer=Officer(id=text(self._target, "bearerId", wrong), call_sign=call_sign),
            extra=noted(wrong),
        )

    def _link(self, at: datetime) -> LinkChange:
        mark = "lost" if self.lost else "back"
        # Back is told by our clock, lost by theirs: one ahead of ours must not win for ever.
        return LinkChange(
            id=FactId(f"axis:link:{self.session}:{mark}:{at.isoformat()}"),
            at=min(at, self._received_at),
            activation=self.activation,
            device=self._device,
            up=not self.lost,
        )


def _live_list(active: list[ActivationId], at: datetime) -> LiveList:
    names = tuple(sorted(set(active)))
    state = hashlib.sha256("|".join(names).encode()).hexdigest()[:16]
    return LiveList(id=FactId(f"axis:live:{at.isoformat()}:{state}"), at=at, active=names)
