"""The bridge protocol, version 1: messages of a companion built on Axis's SDK in, facts out. Pure.

The protocol is ours, published in docs/integrators/bridge.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from adapters.axis.values import moment, noted, place, text
from hooks import (
    Activation,
    ActivationId,
    DeviceId,
    End,
    EndReason,
    Envelope,
    Fact,
    FactId,
    Fix,
    LiveList,
    Malformed,
    Officer,
    Position,
    Trigger,
)
from hooks.reading import Faults, printable, read_object, tell

VERSION = 1
#: What the companion's SDK says besides is kept, but not without measure.
MOST_KEPT, LONGEST_KEPT = 40, 200


def decode_bridge(envelope: Envelope) -> Iterator[Fact]:
    """Read one message of a companion."""
    faults: Faults = []
    message = read_object(envelope.body, faults)
    version = message.get("renfort_bridge")
    if version != VERSION or isinstance(version, bool):
        raise Malformed("renfort_bridge", version, "this host speaks version {ours}", ours=VERSION)
    kind = message.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise Malformed("type", kind, "write one of: {known}", known=", ".join(sorted(_READERS)))
    yield from reader(message, envelope, faults)
    tell(faults)


# --- messages ---


def _active(message: Mapping[str, Any], envelope: Envelope, faults: Faults) -> Iterator[Fact]:
    before = list(faults)
    sent_at = moment(message, "at", envelope.received_at, faults)
    about = f"stream:{_required(message, 'session_id')}"
    yield _activation(message, sent_at, _fact(message, about, envelope), envelope, faults)
    faults[:] = before  # the rest is told by the activation itself


def _activation(
    stream: Mapping[str, Any],
    sent_at: datetime | None,
    fact: FactId,
    envelope: Envelope,
    faults: Faults,
) -> Activation:
    """Read a running stream; only its camera and its session must be right."""
    serial, session = _required(stream, "camera_serial"), _required(stream, "session_id")
    at = moment(stream, "started_at", envelope.received_at, faults) or sent_at
    if at is None:
        faults.append(Malformed("started_at", stream.get("started_at"), "say when"))
    call_sign = text(stream, "bearer_name", faults)
    trigger = text(stream, "trigger", faults)
    position = _position(stream.get("position"), envelope.received_at, faults)
    media = _media(stream.get("media"), faults)
    kept = _besides(stream) | ({"trigger": trigger} if trigger else {}) | media
    return Activation(
        id=fact,
        at=at or envelope.received_at,
        activation=ActivationId(f"axis:{session}"),
        device=DeviceId(f"axis:{serial}"),
        officer=Officer(id=text(stream, "bearer_id", faults), call_sign=call_sign),
        trigger=Trigger(trigger or "unknown"),
        position=position,
        exercise=stream.get("exercise") is True,
        extra={**kept, **noted(faults)},
    )


def _inactive(message: Mapping[str, Any], envelope: Envelope, faults: Faults) -> Iterator[Fact]:
    serial, session = _required(message, "camera_serial"), _required(message, "session_id")
    yield End(
        id=_fact(message, f"end:{session}", envelope),
        at=_when(message, "ended_at", envelope.received_at, faults),
        activation=ActivationId(f"axis:{session}"),
        device=DeviceId(f"axis:{serial}"),
        reason=EndReason.STOPPED,
    )


def _location(message: Mapping[str, Any], envelope: Envelope, faults: Faults) -> Iterator[Fact]:
    serial = _required(message, "camera_serial")
    session = text(message, "session_id", faults)
    position = _position(message, envelope.received_at, faults)
    if position is None:
        tell(faults)
        raise Malformed("lat, lon", None, "send a location only with a fix, in degrees WGS 84")
    yield Fix(
        id=_fact(message, f"fix:{serial}", envelope),
        at=_when(message, "fix_time", envelope.received_at, faults),
        device=DeviceId(f"axis:{serial}"),
        position=position,
        activation=ActivationId(f"axis:{session}") if session else None,
    )


def _snapshot(message: Mapping[str, Any], envelope: Envelope, faults: Faults) -> Iterator[Fact]:
    """Read all that runs: what is missing from the list has ended."""
    streams = message.get("streams")
    if not isinstance(streams, list):
        raise Malformed("streams", streams, "write a list of running streams, empty if none")
    sent_at = moment(message, "at", envelope.received_at, faults)
    active, whole = [], True
    for index, stream in enumerate(streams):
        try:
            if not isinstance(stream, Mapping):
                raise Malformed("", stream, "write an object")
            # Named after the session: the same stream in two snapshots is one fact.
            name = FactId(f"axis:bridge:snapshot:{_required(stream, 'session_id')}")
            press = _activation(stream, sent_at, name, envelope, [])
        except Malformed as fault:
            fault.field = f"streams[{index}].{fault.field}".rstrip(".")
            faults.append(fault)
            whole = False
            continue
        yield press
        active.append(press.activation)
    if whole:  # a list half understood proves no absence
        at = min(sent_at or envelope.received_at, envelope.received_at)
        names = tuple(sorted(set(active)))
        yield LiveList(id=_fact(message, f"live:{at.isoformat()}", envelope), at=at, active=names)


def _nothing(_message: Mapping[str, Any], _envelope: Envelope, _faults: Faults) -> Iterator[Fact]:
    return iter(())


_Reader = Callable[[Mapping[str, Any], Envelope, Faults], Iterator[Fact]]
_READERS: dict[str, _Reader] = {
    "hello": _nothing,
    "heartbeat": _nothing,
    "stream.active": _active,
    "stream.inactive": _inactive,
    "location": _location,
    "snapshot_of_state": _snapshot,
    # For the record alone: the control room never starts a camera (CSI R241-11).
    "remote_activation": _nothing,
}


# --- values ---


def _required(where: Mapping[str, Any], field: str) -> str:
    faults: Faults = []
    value = text(where, field, faults)
    tell(faults)
    if not value:
        raise Malformed(field, where.get(field), "write a text of 1 to 200 characters")
    return value


def _when(
    message: Mapping[str, Any], field: str, received_at: datetime, faults: Faults
) -> datetime:
    """Read when it happened; else when it was sent; else when it was received."""
    own = moment(message, field, received_at, faults)
    sent = moment(message, "at", received_at, faults)
    return own or sent or received_at


def _position(value: object, received_at: datetime, faults: Faults) -> Position | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        faults.append(Malformed("position", value, "write an object, or null"))
        return None
    fixed_at = moment(value, "fix_time", received_at, faults)
    return place(value, "accuracy_m", fixed_at, faults)


def _media(value: object, faults: Faults) -> dict[str, str]:
    """Keep where the picture can be pulled; an address with a password in it is not kept."""
    if not isinstance(value, Mapping):
        return {}
    said = {f"media.{name}": text(value, name, faults) for name in ("url", "video", "audio")}
    try:
        parts = urlsplit(said["media.url"])
        fit = parts.hostname is not None and parts.username is None
    except ValueError:
        fit = False
    if said["media.url"] and not fit:
        faults.append(Malformed("media.url", "…", "write an address without user or password"))
        said["media.url"] = ""
    return {name: each for name, each in said.items() if each}


_KNOWN = frozenset(
    {"renfort_bridge", "id", "type", "at", "camera_serial", "session_id", "bearer_id"}
    | {"bearer_name", "trigger", "started_at", "position", "media", "exercise", "raw"}
)


def _besides(stream: Mapping[str, Any]) -> dict[str, str]:
    """Keep what the protocol does not know, as it was said."""
    raw = stream.get("raw")
    unknown = {name: value for name, value in stream.items() if name not in _KNOWN}
    said = [*unknown.items(), *(raw.items() if isinstance(raw, Mapping) else ())]
    return {f"raw.{printable(name)[:60]}": _short(value) for name, value in said[:MOST_KEPT]}


def _short(value: object) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(written[:LONGEST_KEPT])


def _fact(message: Mapping[str, Any], about: str, envelope: Envelope) -> FactId:
    """Name a fact after the companion's own id of the message; else after its bytes."""
    identifier = message.get("id")
    named = isinstance(identifier, str | int) and not isinstance(identifier, bool)
    name = printable(str(identifier)) if named else ""
    if not 0 < len(name) <= LONGEST_KEPT:
        name = hashlib.sha256(envelope.body).hexdigest()[:32]
    return FactId(f"axis:bridge:{about}:{name}")
