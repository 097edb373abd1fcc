"""The bridge protocol, version 1: messages of a companion built on Axis's SDK in, facts out. Pure.

The protocol is ours, published in docs/integrators/bridge.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.axis.decode import parse
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

VERSION = 1


def decode_bridge(envelope: Envelope) -> Iterator[Fact]:
    """Read one message of a companion."""
    message = parse(envelope.body)
    version = message.get("renfort_bridge")
    if version != VERSION:
        raise Malformed("renfort_bridge", version, "this host speaks version {ours}", ours=VERSION)
    kind = message.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise Malformed("type", kind, "write one of: {known}", known=", ".join(sorted(_READERS)))
    yield from reader(message, envelope)


def _active(message: Mapping[str, Any], envelope: Envelope) -> Iterator[Fact]:
    yield _activation(message, message, envelope)


def _activation(
    stream: Mapping[str, Any], message: Mapping[str, Any], envelope: Envelope
) -> Activation:
    """Read a running stream; only its camera and session must be right."""
    serial, session = _name(stream, "camera_serial"), _name(stream, "session_id")
    faults: dict[str, str] = {}
    at = _moment(stream, "started_at", faults) or _moment(message, "at", faults)
    position = _position(stream.get("position"), faults)
    raw = stream.get("raw")
    extra = {f"raw.{key}": str(value)[:200] for key, value in raw.items()} if isinstance(
        raw, Mapping
    ) else {}  # fmt: skip
    media = stream.get("media")
    if isinstance(media, Mapping):
        extra |= {f"media.{key}": str(value)[:200] for key, value in media.items()}
    return Activation(
        id=_fact(message, f"stream:{session}", envelope),
        at=at or envelope.received_at,
        activation=ActivationId(f"axis:{session}"),
        device=DeviceId(f"axis:{serial}"),
        officer=Officer(
            id=str(stream.get("bearer_id") or ""), call_sign=str(stream.get("bearer_name") or "")
        ),
        trigger=Trigger(str(stream.get("trigger", "unknown"))),
        position=position,
        exercise=stream.get("exercise") is True,
        extra={**extra, **faults},
    )


def _inactive(message: Mapping[str, Any], envelope: Envelope) -> Iterator[Fact]:
    serial, session = _name(message, "camera_serial"), _name(message, "session_id")
    at = _moment(message, "ended_at", {}) or _moment(message, "at", {})
    yield End(
        id=_fact(message, f"end:{session}", envelope),
        at=at or envelope.received_at,
        activation=ActivationId(f"axis:{session}"),
        device=DeviceId(f"axis:{serial}"),
        reason=EndReason.STOPPED,
    )


def _location(message: Mapping[str, Any], envelope: Envelope) -> Iterator[Fact]:
    serial = _name(message, "camera_serial")
    faults: dict[str, str] = {}
    position = _position(message, faults)
    if position is None:
        raise Malformed("lon, lat", (message.get("lon"), message.get("lat")), "degrees WGS 84")
    at = position.fixed_at or _moment(message, "at", {}) or envelope.received_at
    yield Fix(
        id=_fact(message, f"fix:{serial}", envelope),
        at=at,
        device=DeviceId(f"axis:{serial}"),
        position=position,
    )


def _snapshot(message: Mapping[str, Any], envelope: Envelope) -> Iterator[Fact]:
    """Read all that runs: what is missing from the list has ended."""
    streams = message.get("streams")
    if not isinstance(streams, list):
        raise Malformed("streams", streams, "a list of running streams, empty if there is none")
    active = []
    for index, stream in enumerate(streams):
        if not isinstance(stream, Mapping):
            raise Malformed(f"streams[{index}]", stream, "a stream is an object")
        session = _name(stream, "session_id")
        # Named after the session: the same stream in two snapshots is one fact.
        yield _activation(stream, {"id": f"snapshot:{session}"}, envelope)
        active.append(ActivationId(f"axis:{session}"))
    at = _moment(message, "at", {}) or envelope.received_at
    yield LiveList(
        id=FactId(f"axis:bridge:live:{at.isoformat()}"), at=at, active=tuple(sorted(active))
    )


def _nothing(_message: Mapping[str, Any], _envelope: Envelope) -> Iterator[Fact]:
    return iter(())


_Reader = Callable[[Mapping[str, Any], Envelope], Iterator[Fact]]
_READERS: dict[str, _Reader] = {
    "hello": _nothing,
    "heartbeat": _nothing,
    "stream.active": _active,
    "stream.inactive": _inactive,
    "location": _location,
    "snapshot_of_state": _snapshot,
    # Passed through for the record: the CSU never starts a camera (CSI R241-11).
    "remote_activation": _nothing,
}


def _name(where: Mapping[str, Any], field: str) -> str:
    value = where.get(field)
    if isinstance(value, str) and 0 < len(value) <= 200:
        return value
    raise Malformed(field, value, "write a text of 1 to 200 characters")


def _moment(where: Mapping[str, Any], field: str, faults: dict[str, str]) -> datetime | None:
    value = where.get(field)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        faults[f"fault.{field}"] = repr(value)[:100]
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _position(value: object, faults: dict[str, str]) -> Position | None:
    if not isinstance(value, Mapping) or value.get("lon") is None or value.get("lat") is None:
        return None
    try:
        accuracy = value.get("accuracy_m")
        return Position(
            lon=_degrees(value["lon"]), lat=_degrees(value["lat"]),
            accuracy_m=None if accuracy is None else _degrees(accuracy),
            fixed_at=_moment(value, "fix_time", faults), source="gnss",
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        faults["fault.position"] = str(error)[:100]
        return None


def _degrees(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("too large a number") from error


def _fact(message: Mapping[str, Any], about: str, envelope: Envelope) -> FactId:
    """Name a fact after the companion's own message id; else after the bytes."""
    identifier = message.get("id")
    if isinstance(identifier, str | int) and str(identifier):
        return FactId(f"axis:bridge:{about}:{identifier}")
    return FactId(f"axis:bridge:{about}:{hashlib.sha256(envelope.body).hexdigest()[:16]}")
