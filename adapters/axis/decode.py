"""Events of an AXIS Body Worn Live server in, facts out. Pure.

Observed in public clients, not specified by Axis: CloudEvents inside `events:notify` frames. A
press with one bad field is still a press: the field is named in the activation's `extra`, and the
alert goes out. For anything else, what is wrong is raised once the facts are given.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.axis.values import (
    GNSS_AHEAD,
    LONG_AGO,
    moment,
    noted,
    objects,
    place,
    text,
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
    Malformed,
    Officer,
    Trigger,
)
from hooks.reading import Faults, number, printable, read_object, tell

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
    tell(faults)


def session_of(body: bytes) -> str:
    """Name the session that a frame speaks of; empty when there is none."""
    try:
        event = _cloud_event(body, []) or {}
        return text(objects(event, "data"), "sessionId", [])
    except Malformed:
        return ""


def _cloud_event(body: bytes, faults: Faults) -> dict[str, Any] | None:
    """Unwrap the CloudEvent of a notification; None for a frame that carries none."""
    frame = read_object(body, faults)
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
        event = read_object(event, faults, "event")
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
    if not officer.id and not officer.call_sign:
        mine.append(Malformed("bearerId", data.get("bearerId"), "assign the camera to its wearer"))
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


def _digest(event: Mapping[str, Any]) -> str:
    """Name an event that has no id: the same event has the same name."""
    written = json.dumps(event, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def _warn_once(kind: str) -> None:
    if kind not in _warned and len(_warned) < 100:
        _warned.add(kind)
        log.warning("event type not known, ignored: %s", printable(kind)[:100])
