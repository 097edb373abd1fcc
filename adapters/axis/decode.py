"""Bytes of an AXIS Body Worn Live server in, facts out. Pure.

Observed in public clients, not specified by Axis: CloudEvents inside `events:notify` frames, and
the answer of `status.cgi`. A press with one bad field is still a press: the field is named in the
activation's `extra`, and the alert goes out.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

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
    Position,
    Trigger,
)

STARTED = "com.axis.bodyworn.stream.started"
STOPPED = "com.axis.bodyworn.stream.stopped"
#: Understood, and nothing to tell: viewers coming and going.
IGNORED = ("com.axis.webrtc.peer.connected", "com.axis.webrtc.peer.disconnected")

log = logging.getLogger(__name__)
_warned: set[str] = set()


def decode_event(envelope: Envelope) -> Iterator[Fact]:
    """Read one frame of the event socket."""
    frame = parse(envelope.body)
    if "error" in frame:
        raise Malformed("error", frame["error"], "the device refuses the subscription")
    if frame.get("method") != "events:notify":
        return
    data = _path(frame, "params", "notification", "message", "data")
    event = data.get("event")
    if event is None:
        return
    if isinstance(event, str):
        event = parse(event.encode())
    if not isinstance(event, Mapping):
        raise Malformed("event", event, "a CloudEvent is an object")
    kind = event.get("type", data.get("eventType"))
    if kind == STARTED:
        yield started(event, envelope.received_at)
    elif kind == STOPPED:
        yield stopped(event, envelope.received_at)
    elif kind not in IGNORED:
        _warn_once(str(kind))


def started(event: Mapping[str, Any], received_at: datetime) -> Activation:
    """Read a press. Never fails: what is wrong is named in `extra`."""
    faults: dict[str, str] = {}
    data = event.get("data")
    if not isinstance(data, Mapping):
        faults["fault.data"] = _short(data)
        data = {}
    serial = _text(event, "subject", faults)
    session = _text(data, "sessionId", faults) or _text(event, "id", faults) or _digest(event)
    at = _time(event.get("time"))
    if at is None:
        faults["fault.time"] = _short(event.get("time"))
    position = _position(data, at or received_at, faults)
    trigger = Trigger(str(data.get("triggerType", "unknown")))
    extra = {key: str(data[key]) for key in ("recordingId", "systemId") if key in data}
    if trigger is Trigger.UNKNOWN and "triggerType" in data:
        extra["triggerType"] = _short(data["triggerType"])
    return Activation(
        id=FactId(f"axis:{_text(event, 'id', {}) or _digest(event)}"),
        at=at or received_at,
        activation=ActivationId(f"axis:{session}"),
        device=DeviceId(f"axis:{serial or 'unknown'}"),
        officer=Officer(
            id=_text(data, "bearerId", faults), call_sign=_text(data, "bearerName", faults)
        ),
        trigger=trigger,
        position=position,
        extra={**extra, **faults},
    )


def stopped(event: Mapping[str, Any], received_at: datetime) -> End:
    """Read an end; it must say of which session."""
    data = event.get("data")
    session = data.get("sessionId") if isinstance(data, Mapping) else None
    if not isinstance(session, str) or not session:
        raise Malformed("data.sessionId", session, "an end must name the session that ends")
    return End(
        id=FactId(f"axis:{_text(event, 'id', {}) or _digest(event)}"),
        at=_time(event.get("time")) or received_at,
        activation=ActivationId(f"axis:{session}"),
        device=DeviceId(f"axis:{_text(event, 'subject', {}) or 'unknown'}"),
        reason=EndReason.STOPPED,
    )


def decode_status(envelope: Envelope, missed_s: float) -> Iterator[Fact]:
    """Read `getTargets`: what runs, what ran while nobody listened, who lost the link.

    Facts are named after what they tell, so that the same state read twice is the same facts.
    """
    answer = parse(envelope.body)
    if "error" in answer:
        raise Malformed("error", answer["error"], "the server refuses getTargets")
    targets = _path(answer, "data").get("targets")
    if not isinstance(targets, list):
        raise Malformed("data.targets", targets, "a list of targets")
    fault: Malformed | None = None
    active: list[ActivationId] = []
    for index, target in enumerate(targets):
        if not isinstance(target, Mapping):
            fault = Malformed(f"data.targets[{index}]", target, "a target is an object")
            continue
        yield from _target(target, envelope.received_at, missed_s, active)
    state = hashlib.sha256("|".join(sorted(active)).encode()).hexdigest()[:16]
    yield LiveList(
        id=FactId(f"axis:live:{envelope.received_at.isoformat()}:{state}"),
        at=envelope.received_at,
        active=tuple(sorted(active)),
    )
    if fault:
        raise fault


def _target(
    target: Mapping[str, Any], received_at: datetime, missed_s: float, active: list[ActivationId]
) -> Iterator[Fact]:
    session, serial = target.get("sessionId"), target.get("id")
    if not isinstance(session, str) or not session:
        return  # never streamed
    activation = ActivationId(f"axis:{session}")
    device = DeviceId(f"axis:{serial}")
    ended = _time(target.get("stopped"))
    if "stopped" in target and (ended is None or received_at - ended > timedelta(seconds=missed_s)):
        return  # over for long: yesterday's stream is no alert of today
    yield Activation(
        id=FactId(f"axis:status:{session}"),
        at=_time(target.get("started")) or ended or received_at,
        activation=activation,
        device=device,
        officer=Officer(
            id=_text(target, "bearerId", {}), call_sign=_text(target, "bearerName", {})
        ),
    )
    if ended is not None:
        yield End(
            id=FactId(f"axis:status:{session}:stopped"), at=ended, activation=activation,
            device=device, reason=EndReason.STOPPED,
        )  # fmt: skip
        return
    active.append(activation)
    lost = target.get("disconnected")
    if lost is not None:
        yield LinkChange(
            id=FactId(f"axis:link:{session}:{lost}"), at=_time(lost) or received_at,
            activation=activation, device=device, up=False,
        )  # fmt: skip


# --- values ---


def parse(body: bytes) -> dict[str, Any]:
    """Read a JSON object; `Malformed` for anything else, however it is twisted."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=lambda _: None)
    except UnicodeDecodeError as error:
        raise Malformed("message", body[:80], "write UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Malformed("message", body[:80], "write JSON: {cause}", cause=str(error)) from error
    if not isinstance(value, dict):
        raise Malformed("message", value, "write a JSON object")
    return value


def _path(value: Any, *names: str) -> Mapping[str, Any]:
    walked = "message"
    for name in names:
        value = value.get(name)
        walked = name
        if not isinstance(value, Mapping):
            raise Malformed(walked, value, "an object is expected here")
    found: Mapping[str, Any] = value
    return found


def _text(where: Mapping[str, Any], name: str, faults: dict[str, str]) -> str:
    value = where.get(name)
    if isinstance(value, str) and 0 < len(value) <= 200:
        return value
    if name in where and value != "":
        faults[f"fault.{name}"] = _short(value)
    return ""


def _time(value: object) -> datetime | None:
    """Read RFC 3339, with as many decimals as they like."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _position(data: Mapping[str, Any], at: datetime, faults: dict[str, str]) -> Position | None:
    """Read the place. All zeros is what a camera without a fix sends (both recorded samples)."""
    lat, lon, eph = (data.get(name) for name in ("lat", "lon", "eph"))
    if lat is None and lon is None:
        return None
    numbers = [each for each in (lat, lon) if _is_number(each)]
    if len(numbers) < 2:
        faults["fault.position"] = _short((lon, lat))
        return None
    if lat == 0 and lon == 0 and not eph:
        return None
    try:
        return Position(
            lon=float(lon), lat=float(lat),  # type: ignore[arg-type]
            accuracy_m=float(eph) if _is_number(eph) and 0 < eph < 1e5 else None,  # type: ignore[arg-type, operator]
            fixed_at=_gps_time(data.get("gpsTimestamp"), at), source="gnss",
        )  # fmt: skip
    except ValueError as error:
        faults["fault.position"] = str(error)
        return None


def _gps_time(value: object, at: datetime) -> datetime | None:
    """Read epoch seconds (the unit is assumed); None for zero or a time that cannot be."""
    if not _is_number(value) or not 0 < float(value) < 4e9:  # type: ignore[arg-type]
        return None
    moment = datetime.fromtimestamp(float(value), UTC)  # type: ignore[arg-type]
    return moment if moment <= at + timedelta(minutes=2) else None


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return number and math.isfinite(float(value))  # type: ignore[arg-type]
    except OverflowError:
        return False


def _digest(event: Mapping[str, Any]) -> str:
    """Name an event that has no id: the same event is the same name."""
    text = json.dumps(event, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _short(value: object) -> str:
    return repr(value)[:100]


def _warn_once(kind: str) -> None:
    if kind not in _warned and len(_warned) < 100:
        _warned.add(kind)
        log.warning("event type not known, ignored: %s", kind[:100])
