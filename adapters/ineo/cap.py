"""CAP 1.2, the OASIS Common Alerting Protocol: alerts out, acknowledgements in. Pure.

`urn:oasis:names:tc:emergency:cap:1.2`. Never an image, nor a link to one: the live picture is for
those whom CSI R241-12 names, and is not recorded apart (R241-13); there is no `resource` here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from adapters.ineo.cap_shape import SHAPE
from adapters.ineo.identity import Identity
from adapters.ineo.message import Act, Saying, read_identifier, stamp
from adapters.ineo.reading import moment, namespace_is, short
from hooks import (
    Elsewhere,
    Envelope,
    FactId,
    Malformed,
    Picture,
    ReceivedElsewhere,
    RefusedElsewhere,
    Trigger,
)
from hooks.reading import Faults, printable, tell

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"

_KINDS = {Act.OPEN: "Alert", Act.UPDATE: "Update", Act.END: "Cancel"}


# --- out ---


def write(saying: Saying, identity: Identity) -> bytes:
    """Write the message; the order of elements is the schema's."""
    alert = Element("alert", {"xmlns": NAMESPACE})
    parts: list[tuple[str, str]] = [
        ("identifier", saying.identifier),
        ("sender", identity.sender),
        ("sent", stamp(saying.sent, identity.zone)),
        ("status", "Exercise" if saying.exercise else "Actual"),
        ("msgType", _KINDS[saying.act]),
        ("source", "Renfort"),
        ("scope", "Restricted"),
        ("restriction", identity.restriction),
    ]
    note = _note(saying)
    if note:
        parts.append(("note", note))
    if saying.replaces:
        parts.append(("references", _references(saying, identity)))
    parts.append(("incidents", saying.identifier.split(".")[1]))
    for name, text in parts:
        _add(alert, name, text)
    _info(SubElement(alert, "info"), saying, identity)
    written: bytes = tostring(alert, encoding="utf-8", xml_declaration=True)
    return written


def _references(saying: Saying, identity: Identity) -> str:
    """List what it replaces, as `sender,identifier,sent` (CAP 1.2 §3.2.1)."""
    return " ".join(
        f"{identity.sender},{name},{stamp(datetime.fromisoformat(sent), identity.zone)}"
        for name, sent in saying.replaces
    )


def _note(saying: Saying) -> str:
    picture, said = saying.picture, []
    if saying.exercise:
        said.append("EXERCICE")  # CAP 1.2 §3.2.1: an exercise says which one in its note
    if picture.outcome:
        said.append(picture.outcome)
    return " — ".join(said)


def _info(info: Element, saying: Saying, identity: Identity) -> None:
    picture, ending = saying.picture, saying.act is Act.END
    over = ending or picture.ended_at is not None
    _add(info, "language", "fr-FR")
    _add(info, "category", "Security")
    _add(info, "event", identity.event)
    _add(info, "responseType", "AllClear" if ending else "Execute")
    _add(info, "urgency", "Past" if over else "Immediate")
    _add(info, "severity", "Severe")
    # A hand pressed the button; a fall was inferred.
    _add(info, "certainty", "Observed" if picture.trigger == Trigger.BUTTON else "Likely")
    for name, value in identity.codes.items():
        _pair(info, "eventCode", name, value)
    _add(info, "onset", stamp(picture.opened_at, identity.zone))
    _add(info, "expires", stamp(saying.sent + identity.lifetime, identity.zone))
    _add(info, "senderName", identity.name)
    _add(info, "headline", picture.title)
    _add(info, "description", picture.text)
    for name, value in parameters(picture).items():
        if value:
            _pair(info, "parameter", name, value)
    _area(SubElement(info, "area"), picture)


def parameters(picture: Picture) -> dict[str, str]:
    """Say, field by field, what the sentences say: for a program."""
    place = picture.position
    return {
        "renfort:callSign": picture.officer.call_sign,
        "renfort:device": picture.device,
        "renfort:phase": picture.phase.value,
        "renfort:owner": picture.owner,
        "renfort:engaged": " ".join(picture.engaged),
        "renfort:link": "up" if picture.link_up else "lost",
        "renfort:position": _point(place.lat, place.lon) if place else "",
        "renfort:positionAccuracy_m": f"{place.accuracy_m:.0f}"
        if place and place.accuracy_m is not None
        else "",
        "renfort:positionAge": ("last-known" if picture.last_known else "now") if place else "",
    }


def _area(area: Element, picture: Picture) -> None:
    """Say where: `circle` is "lat,lon radius", the radius in kilometres (CAP 1.2 §3.2.4)."""
    place = picture.position
    near = picture.situation.near
    if place is None:
        _add(area, "areaDesc", near or "Position inconnue")
        return
    old = "Dernière position connue" if picture.last_known else "Position"
    _add(area, "areaDesc", f"{old} : {near}" if near else old)
    radius_km = (place.accuracy_m or 0.0) / 1000
    _add(area, "circle", f"{_point(place.lat, place.lon)} {radius_km:.3f}")


def _point(lat: float, lon: float) -> str:
    return f"{lat:.6f},{lon:.6f}"


def _add(parent: Element, name: str, text: str) -> None:
    # A line break stays: a description has several. What XML forbids does not.
    SubElement(parent, name).text = "\n".join(printable(line) for line in text.splitlines())


def _pair(parent: Element, name: str, label: str, value: str) -> None:
    pair = SubElement(parent, name)
    _add(pair, "valueName", label)
    _add(pair, "value", value)


# --- in ---


@dataclass(frozen=True, slots=True)
class Reference:
    """One message that another refers to."""

    sender: str
    identifier: str
    sent: str


def read(root: Element, envelope: Envelope, identity: Identity | None) -> Iterator[Elsewhere]:
    """Read a message: what an Ack confirms, what an Error refuses. Others' alerts are not ours.

    Raises
    ------
    Malformed
        It is no valid CAP 1.2, or an Ack or Error of something that we never sent.
    """
    namespace_is(root, NAMESPACE)
    faults: Faults = []
    message = SHAPE.from_xml(root)
    SHAPE.judge(message, "alert", faults)
    if not faults:
        _rules(message, faults)
    sent = None if faults else moment(message["sent"], "alert.sent", faults)
    if sent is None:
        tell(faults)
        return
    if message["msgType"] not in ("Ack", "Error"):
        return
    if message["status"] in ("Test", "Draft"):  # CAP §3.2.1: not to be acted on
        raise Malformed("alert.status", message["status"],
                        "that confirms nothing: write Actual, or Exercise in a drill")  # fmt: skip
    at = min(sent, envelope.received_at)
    for reference in _referred(message["references"]):
        fault = _not_ours(reference, identity)
        if fault is not None:
            faults.append(fault)
            continue
        ours = read_identifier(reference.identifier)
        if ours is not None:
            yield _fact(message, at, ours[0], reference)
    tell(faults)


def _rules(message: dict[str, Any], faults: Faults) -> None:
    """Hold it to what the text of CAP 1.2 §3.2.1 says beyond its schema."""
    needs = {"Private": "addresses", "Restricted": "restriction"}.get(message["scope"])
    if needs and not message.get(needs):
        scope = message["scope"]
        faults.append(
            Malformed(f"alert.{needs}", None, "write it, as scope is {scope}", scope=scope)
        )
    kind = message["msgType"]
    if kind in ("Update", "Cancel", "Ack", "Error") and not message.get("references"):
        faults.append(
            Malformed("alert.references", None,
                      "write sender,identifier,sent of the message that this {kind} is about",
                      kind=kind)
        )  # fmt: skip
    for token in message.get("references", "").split():
        if not re.fullmatch(r"[^\s,<&]+,[^\s,<&]+,[^\s,]+", token):
            faults.append(
                Malformed("alert.references", token,
                          "write each as sender,identifier,sent, with a space between two")
            )  # fmt: skip


def _referred(text: str) -> Iterable[Reference]:
    return [Reference(*token.split(",")) for token in dict.fromkeys(text.split())]


def _not_ours(reference: Reference, identity: Identity | None) -> Malformed | None:
    """Say why a reference is to no message of ours."""
    ours = read_identifier(reference.identifier)
    if ours is None:
        return Malformed(
            "alert.references", reference.identifier, "refer to a message that Renfort sent"
        )
    if identity is not None and reference.sender != identity.sender:
        return Malformed(
            "alert.references", reference.sender, "refer to our sender, {sender}",
            sender=identity.sender,
        )  # fmt: skip
    try:
        same = datetime.fromisoformat(reference.sent) == ours[1]
    except (ValueError, TypeError):
        same = False
    if not same:
        return Malformed(
            "alert.references", reference.sent, "write the time of the message referred to, {sent}",
            sent=ours[1].isoformat(),
        )  # fmt: skip
    return None


def _fact(message: dict[str, Any], at: datetime, incident: Any, to: Reference) -> Elsewhere:
    by = _who(message)
    name = FactId(f"ineo:cap:{message['sender']},{message['identifier']}:{to.identifier}")
    if message["msgType"] == "Ack":
        return ReceivedElsewhere(id=name, at=at, incident=incident, by=by)
    return RefusedElsewhere(
        id=name, at=at, incident=incident, by=by, why=short(message.get("note", ""), 500)
    )


def _who(message: dict[str, Any]) -> str:
    names = [info.get("senderName", "") for info in message.get("info", ())]
    return short(next(filter(None, names), message["sender"]))
