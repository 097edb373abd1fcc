"""Bytes of an AXIS Body Worn Live server in, facts out. Pure.

Observed in public clients, not specified by Axis: CloudEvents inside `events:notify` frames, and
the answer of `status.cgi`. A press with one bad field is still a press: the field is named in the
activation's `extra`, and the alert goes out. For anything else, what is wrong is raised once the
facts are given.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.axis.values import (
    GNSS_AHEAD,
    LONG_AGO,
    Faults,
    moment,
    noted,
    number,
    objects,
    parse,
    place,
    printable,
    text,
    told,
)
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
    Trigger,
)

log = logging.getLogger(__name__)
_warned: set[str] = set()


# --- events ---


def decode_event(envelope: Envelope) -> Iterator[Fact]:
    """Read one frame of the event socket."""
    faults: Faults = []
    event = _cloud_event(envelope.body, faults)
    if event is not None:
        kind = event.get("type")
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            _warn_once(str(kind))
        else:
            yield from reader(event, envelope.received_at, faults)
    told(faults)


def session_of(body: bytes) -> str:
    """Name the session that a frame speaks of; empty when there is none."""
    try:
        event = _cloud_event(body, []) or {}
        return text(objects(event, "data"), "sessionId", [])
    except Malformed:
        return ""


def _cloud_event(body: bytes, faults: Faults) -> dict[str, Any] | None:
    """Unwrap the CloudEvent of a notification; None for a frame that carries none."""
    frame = parse(body, "message", faults)
    if "error" in frame:
        raise Malformed("error", frame["error"], "the device refuses the subscription: see topics")
    if frame.get("method") != "events:notify":
        return None
    notification = objects(frame, "params", "notification")
    if not str(notification.get("topic", "CloudEvent")).endswith("CloudEvent"):
        return None
    data = objects(notification, "message", "data")
    event = data.get("event")
    # VAPIX carries values as strings, so the event is JSON within JSON.
    if isinstance(event, str):
        event = parse(event, "event", faults)
    if not isinstance(event, dict):
        raise Malformed("event", event, "write a CloudEvent as a JSON string")
    return {"type": data.get("eventType"), **event}


def _started(
    event: Mapping[str, Any], received_at: datetime, faults: Faults
) -> Iterator[Activation]:
    """Read a press, whatever is wrong in it."""
    doubled, mine = list(faults), faults
    data = event.get("data")
    if not isinstance(data, Mapping):
        mine.append(Malformed("data", data, "write an object"))
        data = {}
    name = text(event, "id", mine) or _digest(event)
    session = text(data, "sessionId", mine)
    if not session:
        mine.append(Malformed("sessionId", data.get("sessionId"), "name the stream's session"))
    serial = text(event, "subject", mine)
    if not serial:
        mine.append(Malformed("subject", event.get("subject"), "write the camera's serial number"))
    if event.get("time") is None:
        mine.append(Malformed("time", None, "say when"))
    at = moment(event, "time", received_at, mine) or received_at
    officer = Officer(id=text(data, "bearerId", mine), call_sign=text(data, "bearerName", mine))
    trigger = text(data, "triggerType", mine)
    position = place(data, "eph", _gps_time(data, at, mine), mine)
    extra = {key: value for key in _KEPT if (value := text(data, key, mine))}
    yield Activation(
        id=FactId(f"axis:{name}"),
        at=at,
        activation=ActivationId(f"axis:{session or name}"),
        device=DeviceId(f"axis:{serial or 'unknown'}"),
        officer=officer,
        trigger=Trigger(trigger or "unknown"),
        position=position,
        extra={**extra, **noted(mine)},
    )
    faults[:] = doubled  # the rest is told by the activation itself


_KEPT = ("recordingId", "systemId", "triggerType")


def _stopped(event: Mapping[str, Any], received_at: datetime, faults: Faults) -> Iterator[End]:
    """Read an end; it must say of which session."""
    session = text(objects(event, "data"), "sessionId", faults)
    if not session:
        value = objects(event, "data").get("sessionId")
        raise Malformed("data.sessionId", value, "name the session that ends")
    yield End(
        id=FactId(f"axis:{text(event, 'id', faults) or _digest(event)}"),
        at=moment(event, "time", received_at, faults) or received_at,
        activation=ActivationId(f"axis:{session}"),
        device=DeviceId(f"axis:{text(event, 'subject', faults) or 'unknown'}"),
        reason=EndReason.STOPPED,
    )


def _nothing(_event: Mapping[str, Any], _at: datetime, _faults: Faults) -> Iterator[Fact]:
    return iter(())


_Reader = Callable[[Mapping[str, Any], datetime, Faults], Iterator[Fact]]
_READERS: dict[str, _Reader] = {
    "com.axis.bodyworn.stream.started": _started,
    "com.axis.bodyworn.stream.stopped": _stopped,
    # Viewers come and go: that tells nothing of the wearer.
    "com.axis.webrtc.peer.connected": _nothing,
    "com.axis.webrtc.peer.disconnected": _nothing,
}


def _gps_time(data: Mapping[str, Any], at: datetime, faults: Faults) -> datetime | None:
    """Read epoch seconds (the unit is assumed); zero says that there is no fix."""
    seconds = number(data, "gpsTimestamp", faults)
    if not seconds:
        return None
    earliest, latest = (at - LONG_AGO).timestamp(), (at + GNSS_AHEAD).timestamp()
    if not earliest <= seconds <= latest:
        faults.append(Malformed("gpsTimestamp", seconds, "write seconds since 1970, in UTC"))
        return None
    return datetime.fromtimestamp(seconds, UTC)


# --- status ---


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
    targets = objects(parse(envelope.body, "message", faults), "data").get("targets")
    if not isinstance(targets, list):
        raise Malformed("data.targets", targets, "write a list of targets")
    active: list[ActivationId] = []
    whole = True
    for index, target in enumerate(targets):
        try:
            reader = _Target(target, envelope.received_at, faults)
        except Malformed as fault:
            whole = False
            fault.field = f"data.targets[{index}].{fault.field}".rstrip(".")
            faults.append(fault)
            continue
        if reader.session:
            yield from reader.facts(timedelta(seconds=missed_s), links=links)
            active += [reader.activation] if reader.running else []
    if whole:  # an answer half understood proves no absence
        yield _live_list(active, envelope.received_at)
    told(faults)


def running(body: bytes, at: datetime) -> tuple[frozenset[str], frozenset[str]]:
    """Name the sessions that run, and those of them that lost their link."""
    targets = objects(parse(body, "message", []), "data").get("targets")
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
        self.serial = text(target, "id", wrong)
        told(wrong)
        if self.session and not self.serial:
            raise Malformed("id", target.get("id"), "write the camera's serial number")
        self._target = target
        self._received_at = received_at
        self._faults = faults
        self.running = not target.get("stopped")
        self.lost = bool(target.get("disconnected"))

    @property
    def activation(self) -> ActivationId:
        return ActivationId(f"axis:{self.session}")

    def _when(self, name: str) -> datetime | None:
        return moment(self._target, name, self._received_at, self._faults)

    def facts(self, missed: timedelta, *, links: bool) -> Iterator[Fact]:
        ended, lost_at = self._when("stopped"), self._when("disconnected")
        last = ended if not self.running else lost_at
        over = not self.running or self.lost
        # Yesterday's stream is no alert of today, nor one that ended nobody knows when.
        if over and (last is None or self._received_at - last > missed):
            return
        device = DeviceId(f"axis:{self.serial}")
        wrong: Faults = []
        yield Activation(
            id=FactId(f"axis:status:{self.session}"),
            at=self._when("started") or last or self._received_at,
            activation=self.activation,
            device=device,
            officer=Officer(
                id=text(self._target, "bearerId", wrong),
                call_sign=text(self._target, "bearerName", wrong),
            ),
            extra=noted(wrong),
        )
        if ended is not None:
            yield End(
                id=FactId(f"axis:status:{self.session}:stopped"),
                at=ended,
                activation=self.activation,
                device=device,
                reason=EndReason.STOPPED,
            )
        elif self.lost or links:
            at = lost_at or self._received_at
            mark = f"lost:{at.isoformat()}" if self.lost else f"back:{at.isoformat()}"
            yield LinkChange(
                id=FactId(f"axis:link:{self.session}:{mark}"),
                at=at,
                activation=self.activation,
                device=device,
                up=not self.lost,
            )


def _live_list(active: list[ActivationId], at: datetime) -> LiveList:
    names = tuple(sorted(set(active)))
    state = hashlib.sha256("|".join(names).encode()).hexdigest()[:16]
    return LiveList(id=FactId(f"axis:live:{at.isoformat()}:{state}"), at=at, active=names)


def _digest(event: Mapping[str, Any]) -> str:
    """Name an event that has no id: the same event has the same name."""
    written = json.dumps(event, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def _warn_once(kind: str) -> None:
    if kind not in _warned and len(_warned) < 100:
        _warned.add(kind)
        log.warning("event type not known, ignored: %s", printable(kind)[:100])
