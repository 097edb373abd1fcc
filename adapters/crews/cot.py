"""Cursor on Target: events of ATAK-like clients, in XML or in TAK protocol version 1. Pure.

MITRE's base event: `point` is WGS 84, `ce` a circular error in metres (9999999: unknown), times in
ISO 8601. Friends on the ground become crews; an emergency is a distress call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import takproto
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from hooks import Malformed, Means, Position

#: What CoT writes for "not known".
_UNKNOWN_M = 9_999_999.0
#: Atoms, friends, on the ground.
_FRIEND = "a-f-G"
_VEHICLE = "a-f-G-E-V"
#: The alarms a person raises, and their cancelling (a geofence crossed is none of them).
_EMERGENCIES = ("b-a-o-tbl", "b-a-o-pan", "b-a-o-opn", "b-a-o-c")
_CANCEL = "b-a-o-can"
_SUFFIX = "-9-1-1"
#: What clients add to the call sign of who raises an alarm.
ALERT = "-Alert"
#: TAK protocol: the magic byte before the version (mesh) or the length (stream).
MAGIC = b"\xbf"
#: What ends an event in XML, and what may stand between two messages of a stream.
END = b"</event>"
BETWEEN = b" \t\r\n\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What one event says of a friend."""

    uid: str
    call_sign: str
    position: Position | None
    means: Means | None
    distress: bool = False
    cancelled: bool = False
    fault: Malformed | None = None  #: with the place of a call, which is told all the same


def read_events(body: bytes) -> Iterator[Event]:
    """Read one event, or several one after another; those of no concern to us are passed over.

    Raises
    ------
    Malformed
        It is no CoT, or a value in it makes no sense. Events before the faulty one are given.
    """
    if body[:1] == MAGIC:
        yield from _from_protocol(body)
        return
    *whole, last = body.split(END)
    for part in (*(each + END for each in whole), last):
        # Whatever stands between two events in a stream: line ends, the NUL of a socket of texts.
        if text := part.strip(BETWEEN):
            yield from _from_xml(text)


def _from_xml(text: bytes) -> Iterator[Event]:
    try:
        event = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Malformed("event", text[:80], "write one CoT event in XML") from error
    if event.tag != "event":
        raise Malformed("event", event.tag[:80], "write one CoT event in XML")
    if not _concerns(event.get("type", "")):
        return
    detail = event.find("detail")
    point = event.find("point")
    parts = _parts(() if detail is None else detail)
    yield from _event(
        kind=event.get("type", ""),
        uid=event.get("uid", ""),
        parts=parts,
        call_sign=_said(parts, "contact", "callsign"),
        point={} if point is None else dict(point.attrib),
        time=event.get("time", ""),
    )


def _parts(detail: Iterable[Element]) -> dict[str, Element]:
    return {each.tag: each for each in detail}


def _said(parts: Mapping[str, Element], name: str, attribute: str) -> str:
    return parts[name].get(attribute, "") if name in parts else ""


def _from_protocol(body: bytes) -> Iterator[Event]:
    try:
        message: Any = takproto.parse_proto(body)
        said = message.cotEvent if message else None
        if said is None or not said.uid:
            return
        time = datetime.fromtimestamp(said.sendTime / 1000, UTC).isoformat()
    except Exception as error:
        # takproto and protobuf raise what they like on bytes that are not theirs.
        raise Malformed(
            "message", body[:40], "write a message of TAK protocol version 1"
        ) from error
    yield from _event(
        kind=said.type,
        uid=said.uid,
        parts=_unpacked(said.detail.xmlDetail),
        call_sign=said.detail.contact.callsign,
        point={"lon": said.lon, "lat": said.lat, "ce": said.ce},
        time=time,
    )


def _unpacked(xml: str) -> dict[str, Element]:
    """Read what the protocol keeps in XML: the elements of `detail` that it has no field for."""
    try:
        return _parts(fromstring(f"<detail>{xml}</detail>"))
    except (ParseError, DefusedXmlException, ValueError):
        return {}


def _event(
    *,
    kind: str,
    uid: str,
    parts: Mapping[str, Element],
    call_sign: str,
    point: dict[str, Any],
    time: str,
) -> Iterator[Event]:
    if not _concerns(kind):
        return
    if not uid or len(uid) > 200:
        raise Malformed("uid", uid[:80], "write who it is, in 1 to 200 characters")
    distress = kind.startswith(_EMERGENCIES)
    position = fault = None
    try:
        position = _position(point, _time(time))
    except Malformed as error:
        if not distress:  # somebody who calls for help is heard wherever he says that he is
            raise
        fault = error
    parent = _said(parts, "link", "uid")
    taken_back = _said(parts, "emergency", "cancel").lower() == "true"
    yield Event(
        uid=(parent or uid.removesuffix(_SUFFIX)) if distress else uid,
        call_sign=call_sign,
        position=position,
        means=Means.CAR if kind.startswith(_VEHICLE) else None,
        distress=distress,
        cancelled=taken_back or kind.startswith(_CANCEL),
        fault=fault,
    )


def _concerns(kind: str) -> bool:
    """Whether an event is of a friend on the ground, or an alarm; the rest may be as it likes."""
    return kind.startswith((*_EMERGENCIES, _FRIEND))


def _position(point: dict[str, Any], at: datetime) -> Position | None:
    if not point:
        return None
    try:
        lon, lat, error_m = (float(point.get(name, "nan")) for name in ("lon", "lat", "ce"))
    except (TypeError, ValueError) as error:
        raise Malformed("point", str(point)[:80], "write lon, lat and ce as numbers") from error
    if lon == 0 and lat == 0:
        return None
    known = 0 <= error_m < _UNKNOWN_M
    try:
        return Position(
            lon=lon, lat=lat, accuracy_m=error_m if known else None, fixed_at=at, source="cot"
        )  # fmt: skip
    except ValueError as error:
        raise Malformed("point", str(point)[:80], "write degrees WGS 84") from error


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed("time", text[:40], "write ISO 8601, as 2026-11-23T18:04:05Z") from error
