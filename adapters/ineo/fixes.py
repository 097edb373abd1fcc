"""EMSI and GEO-POS in: crews' places and statuses, acknowledgements of our messages. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from adapters.ineo.edxl import ACTUAL, Content
from adapters.ineo.identity import Crews, Known, crew_id
from adapters.ineo.message import read_identifier
from adapters.ineo.reading import moment, short
from adapters.ineo.use_cases import OURS
from hooks import (
    CrewFix,
    CrewStatus,
    Envelope,
    Fact,
    FactId,
    Malformed,
    Position,
    ReceivedElsewhere,
    RefusedElsewhere,
)
from hooks.reading import Faults

#: A clock may be that far ahead of ours; beyond, its time is not believed.
AHEAD = timedelta(seconds=60)

_STATUS = {
    "DISPONIBLE": CrewStatus.FREE,
    "INDISPONIBLE": CrewStatus.UNAVAILABLE,
    "INCONNU": CrewStatus.UNKNOWN,
}
_ENGAGED = {
    "ALERTEE": CrewStatus.ENGAGED,
    "PARTIE": CrewStatus.EN_ROUTE,
    "ARRIVEE_LIEU": CrewStatus.ON_SCENE,
    "TRANSPORT_DESTINATION": CrewStatus.ENGAGED,
    "ARRIVEE_DESTINATION": CrewStatus.ENGAGED,
    "FIN_MED": CrewStatus.ENGAGED,
    "QUITTE_DESTINATION": CrewStatus.ENGAGED,
    "RETOUR_DISPONIBLE": CrewStatus.FREE,
    "RETOUR_INDISPONIBLE": CrewStatus.UNAVAILABLE,
    "ARRIVEE_CENTRE": CrewStatus.FREE,
}
_RESOURCE_STATUS = {
    "AVAILB": CrewStatus.FREE,
    "UNAV": CrewStatus.UNAVAILABLE,
    "MAINTC": CrewStatus.UNAVAILABLE,
    "RESRVD": CrewStatus.ENGAGED,
    "VIRTUAL": CrewStatus.UNKNOWN,
    "IN_USE/MOBILE": CrewStatus.EN_ROUTE,
    "IN_USE/ON_SCENE": CrewStatus.ON_SCENE,
}


def status_of(status: str | None, engaged: str | None) -> CrewStatus | None:
    """Say what both words together allow; a crew is counted on only when neither forbids it."""
    said = _STATUS.get(status or "")
    doing = _ENGAGED.get(engaged or "")
    if doing is None or (doing is CrewStatus.FREE and said is not None):
        return said
    return doing


def read(content: Content, envelope: Envelope, crews: Crews, faults: Faults) -> Iterator[Fact]:
    """Read one use case; what is not for us tells nothing."""
    match content.name:
        case "geoPositionsUpdate":
            yield from _positions(content, envelope, crews, faults)
        case "emsi":
            yield from _emsi(content, envelope, crews, faults)
        case "reference" | "error":
            yield from _answer(content, envelope, faults)


def _positions(
    content: Content, envelope: Envelope, crews: Crews, faults: Faults
) -> Iterator[CrewFix]:
    if not _real(content, faults):
        return
    shape = OURS["geoPositionsUpdate"].fields["position"].items
    for index, each in enumerate(content.body["position"]):
        where = f"{content.where}.position[{index}]"
        if shape is None or not shape.judge(each, where, faults):
            continue
        resource: str = each["resourceId"]
        at = moment(each["datetime"], f"{where}.datetime", faults)
        if at is None or not crews.reads(resource):
            continue
        coord, status, engaged = each["coord"], each.get("status"), each.get("engagedStatus")
        lon, lat = coord["lon"], coord["lat"]
        at = _believed(at, each["datetime"], where, envelope, faults)
        place = _place(lon, lat, at - crews.delay, f"{where}.coord", faults)
        yield _fix(
            resource, at, place, crews, status_of(status, engaged),
            mark=f"{each['datetime']}:{lon}:{lat}:{status}:{engaged}",
        )  # fmt: skip


def _real(content: Content, faults: Faults) -> bool:
    """Whether crews may be moved by it: those of an exercise come to nobody's help."""
    if content.status != ACTUAL:
        faults.append(
            Malformed(content.where, content.status,
                      "an exercise moves no crew: what is real is sent as Actual")
        )  # fmt: skip
    return content.status == ACTUAL


def _emsi(content: Content, envelope: Envelope, crews: Crews, faults: Faults) -> Iterator[Fact]:
    """Read the statuses of crews, and a partner's acknowledgement of an event of ours."""
    context = content.body["CONTEXT"]
    if context["MSGTYPE"] in ("ACK", "ERROR"):
        yield from _answer(content, envelope, faults)
        return
    if context["MODE"] != "ACTUAL":
        content = replace(content, status=context["MODE"])
    if content.body.get("RESOURCE") and not _real(content, faults):
        return
    created = context.get("CREATION")
    said = created and moment(created, f"{content.where}.CONTEXT.CREATION", faults)
    for index, each in enumerate(content.body.get("RESOURCE", ())):
        where = f"{content.where}.RESOURCE[{index}]"
        owner, own = each.get("ORG_ID", ""), each["ID"]
        # Some write here what GEO-POS calls it, owner and all: it is one crew, not two.
        resource = f"{owner}.resource.{own}" if owner and ".resource." not in own else own
        if not crews.reads(resource):
            continue
        at = _believed(said or envelope.received_at, created, where, envelope, faults)
        status, name = each["STATUS"], short(each["NAME"])
        yield _fix(short(resource), at, None, crews, _RESOURCE_STATUS[status], name=name,
                   mark=f"{at}:{status}")  # fmt: skip
        placed = _current(each, where, at, crews, envelope, faults)
        if placed is not None:
            yield _fix(short(resource), placed[0], placed[1], crews, None, name=name,
                       mark=f"{placed[0]}:{placed[1].lon}:{placed[1].lat}")  # fmt: skip


def _current(
    resource: Mapping[str, Any], where: str, at: datetime, crews: Crews, envelope: Envelope,
    faults: Faults,
) -> tuple[datetime, Position] | None:  # fmt: skip
    """Find where a resource is now: the newest place; one without a time is as old as the message.

    One whose time is told and cannot be read is nobody's.
    """
    newest: tuple[datetime, Position] | None = None
    for index, geo in enumerate(resource.get("RGEO", ())):
        coords = [c for p in geo.get("POSITION", ()) for c in p.get("COORD", ())]
        if geo["TYPE"] != "CUR" or not coords:
            continue
        path = f"{where}.RGEO[{index}]"
        written = geo.get("DATIME")
        fixed = moment(written, f"{path}.DATIME", faults) if written else at
        if fixed is None:
            continue
        known = min(_believed(fixed, written, f"{path}.DATIME", envelope, faults), at)
        lon, lat = coords[0]["LONG"], coords[0]["LAT"]
        place = _place(lon, lat, known - crews.delay, f"{path}.POSITION", faults)
        if place is not None and (newest is None or known > newest[0]):
            newest = known, place
    return newest


def _place(
    lon: float, lat: float, fixed_at: datetime, where: str, faults: Faults
) -> Position | None:
    """Read a place.

    GEO-POS dates it by its *reception* at the sender's ("date et heure de réception des
    coordonnées"): it was computed before that, by the delay of the site's radio.
    """
    said = [lon, lat]
    if lon == 0 and lat == 0:
        faults.append(Malformed(where, said, "0/0 is no place: send nothing without a fix"))
        return None
    try:
        return Position(
            lon=float(lon), lat=float(lat), fixed_at=fixed_at, source="geo-pos"
        )  # fmt: skip
    except ValueError:
        faults.append(Malformed(where, said, "write degrees WGS 84 in lon and lat"))
        return None


def _believed(
    at: datetime, written: object, where: str, envelope: Envelope, faults: Faults
) -> datetime:
    if at > envelope.received_at + AHEAD:
        faults.append(Malformed(where, written, "set the clock: that is yet to come"))
    return min(at, envelope.received_at)


def _fix(
    resource: str, at: datetime, place: Position | None, crews: Crews,
    status: CrewStatus | None, *, mark: str, name: str | None = None,
) -> CrewFix:  # fmt: skip
    """Tell what is new of a crew; `mark` sums up what is told: heard twice, it is one fact."""
    known = crews.known.get(resource, _NAMELESS)
    return CrewFix(
        id=FactId(f"ineo:{resource}:{mark}"),
        at=at,
        crew=crew_id(resource),
        name=known.name or name or resource.rpartition(".resource.")[2],
        position=place,
        status=status,
        means=known.means,
    )


_NAMELESS = Known()


def _answer(content: Content, envelope: Envelope, faults: Faults) -> Iterator[Fact]:
    """Read an acknowledgement, or a refusal, of a message of ours."""
    body = content.body
    why, refused = "", False
    if content.name == "reference":
        named, refused = body["distributionID"], body.get("refused", False)
        refused = refused or content.kind == "Error"
    elif content.name == "error":
        named, why, refused = body["referencedDistributionID"], body["errorCause"], True
    else:
        named = body["EVENT"].get("MAIN_EVENT_ID") or body["EVENT"]["ID"]
        refused = body["CONTEXT"]["MSGTYPE"] == "ERROR"
        why = body["CONTEXT"].get("FREETEXT", "")
    incident = _incident_of(named)
    if incident is None:
        faults.append(Malformed(content.where, named, "refer to a message that Renfort sent"))
        return
    at = min(content.sent or envelope.received_at, envelope.received_at)
    by = short(content.sender or envelope.sender or "EMSI")
    own = content.distribution or hashlib.blake2b(envelope.body, digest_size=8).hexdigest()
    name = FactId(f"ineo:emsi:{short(own)}:{short(named)}")
    if refused:
        yield RefusedElsewhere(id=name, at=at, incident=incident, by=by, why=short(why, 500))
    else:
        yield ReceivedElsewhere(id=name, at=at, incident=incident, by=by)


def _incident_of(named: str) -> Any:
    """Find our incident in a distribution's or an event's identifier."""
    whole = read_identifier(named)
    if whole is not None:
        return whole[0]
    event = read_identifier(f"renfort.{named.rpartition('.')[2]}.open.0")
    return event[0] if event and ":" in event[0] else None
