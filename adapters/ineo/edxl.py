"""The EDXL-DE 2.0 envelope and the header inside it, in JSON and in XML. Pure.

As the French 15-18/NexSIS exchanges use them: one `message` per content object, with a header
(`RC-DE`: messageId, sender, sentAt, kind, status, recipient) and one use case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from adapters.ineo.identity import Identity
from adapters.ineo.message import Act, Saying, stamp
from adapters.ineo.reading import moment
from adapters.ineo.shape import local, published
from adapters.ineo.use_cases import BARE, HEADER, JUDGED, OTHERS, OURS, WHOLE
from hooks import Malformed
from hooks.reading import Faults

ENVELOPE = "urn:oasis:names:tc:emergency:EDXL:DE:2.0"
MESSAGE = "urn:emergency:cisu:3.0"
XLINK = "http://www.w3.org/1999/xlink"
#: The status of what is real.
ACTUAL = "Actual"
JSON_TYPE, XML_TYPE = "application/json", "application/xml"

_KINDS = {Act.OPEN: "Report", Act.UPDATE: "Update", Act.END: "Update"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One use case, judged or not for us, and what its envelope says of it."""

    name: str  #: "emsi", "geoPositionsUpdate", "reference", "error", or one of OTHERS
    body: Mapping[str, Any]
    where: str  #: the path of `body`, for faults
    sender: str = ""
    distribution: str = ""
    kind: str = ""
    status: str = ACTUAL
    sent: datetime | None = None


# --- in ---


def knows(message: Mapping[str, Any]) -> bool:
    """Whether a JSON message means to be an envelope, or what one holds."""
    return not {"distributionID", "content", "message", *JUDGED, *OTHERS}.isdisjoint(message)


def contents(message: Mapping[str, Any], faults: Faults) -> Iterator[Content]:
    """Take apart a JSON message: an envelope, or one use case without it."""
    if "distributionID" in message or "content" in message:
        yield from _enveloped(message, faults)
        return
    if isinstance(message.get("message"), Mapping):
        yield from _messages(message["message"], "message", faults, Content(
            name="", body={}, where=""))  # fmt: skip
        return
    yield from _use_case(message, "", faults, Content(name="", body={}, where=""))


def contents_xml(root: Element, faults: Faults) -> Iterator[Content]:
    """Take apart an XML message: an envelope, or one use case without it."""
    name = local(root)
    if name == "edxlDistribution":
        yield from _enveloped(_envelope_json(root), faults)
    elif name == "message":
        yield from contents({"message": _message_json(root)}, faults)
    elif name in JUDGED or name in OTHERS:
        read = JUDGED[name].from_xml(root) if name in JUDGED else {}
        yield from contents({name: read}, faults)
    else:
        faults.append(_unknown(name, name))


def _enveloped(envelope: Mapping[str, Any], faults: Faults) -> Iterator[Content]:
    if not published("EDXL-DE-envelope-only").judge(envelope, "edxlDistribution", faults):
        return
    sent = moment(envelope["dateTimeSent"], "edxlDistribution.dateTimeSent", faults)
    expires = moment(envelope["dateTimeExpires"], "edxlDistribution.dateTimeExpires", faults)
    if sent is None or expires is None:
        return
    about = Content(
        name="", body={}, where="", sender=envelope["senderID"], sent=sent,
        distribution=envelope["distributionID"], kind=envelope["distributionKind"],
        status=envelope["distributionStatus"],
    )  # fmt: skip
    for index, each in enumerate(envelope["content"]):
        where = f"content[{index}].jsonContent.embeddedJsonContent.message"
        message = each["jsonContent"]["embeddedJsonContent"].get("message")
        if isinstance(message, Mapping):
            yield from _messages(message, where, faults, about)
        else:
            faults.append(Malformed(where, message, "write an object"))


def _messages(
    message: Mapping[str, Any], where: str, faults: Faults, about: Content
) -> Iterator[Content]:
    """Read one message: its header, then its one use case."""
    names = [name for name in message if name in JUDGED or name in OTHERS]
    if len(names) != 1 or names[0] not in BARE:
        HEADER.judge({k: v for k, v in message.items() if k not in names}, where, faults)
    unknown = [name for name in message if name not in names and name not in HEADER.fields]
    faults += [_unknown(f"{where}.{name}", message[name]) for name in unknown]
    if about.status == ACTUAL:  # what either calls an exercise is one
        about = replace(about, status=message.get("status", ACTUAL))
    found = list(_use_case({name: message[name] for name in names}, f"{where}.", faults, about))
    if not faults:
        yield from found


def _use_case(
    message: Mapping[str, Any], where: str, faults: Faults, about: Content
) -> Iterator[Content]:
    if len(message) != 1:
        known = ", ".join(OURS)
        faults.append(
            Malformed(where.rstrip(".") or "message", list(message)[:5],
                      "write one content: {known}", known=known)
        )  # fmt: skip
        return
    [(name, body)] = message.items()
    if name not in JUDGED and name not in OTHERS:
        faults.append(_unknown(f"{where}{name}", body))
        return
    # Each position of GEO-POS is judged apart: a bad one loses nothing but itself.
    apart = name == "geoPositionsUpdate" and _is_list_of_positions(body)
    if name in JUDGED and not apart and not JUDGED[name].judge(body, f"{where}{name}", faults):
        return
    yield Content(
        name=name, body=body, where=f"{where}{name}", sender=about.sender,
        distribution=about.distribution, kind=about.kind, status=about.status, sent=about.sent,
    )  # fmt: skip


def _is_list_of_positions(body: object) -> bool:
    shape = OURS["geoPositionsUpdate"]
    if not isinstance(body, Mapping) or not isinstance(body.get("position"), list):
        return False
    return bool(body["position"]) and set(body) == set(shape.fields)


def _unknown(where: str, value: object) -> Malformed:
    known = ", ".join(OURS)
    return Malformed(where, value, "remove it; read here: {known}", known=known)


def _envelope_json(root: Element) -> dict[str, Any]:
    """Write an XML envelope as its JSON twin, so that one judge reads both."""
    shape = published("EDXL-DE-envelope-only")
    read: dict[str, Any] = {}
    for child in root:
        name = local(child)
        if name == "content":
            found = [each for each in child.iter() if local(each) == "message"]
            # Without one the fault must name it: a content stands there, with something else in it.
            inside = [{"message": _message_json(each)} for each in found] or [{}]
            read["content"] = [{"jsonContent": {"embeddedJsonContent": each}} for each in inside]
        elif name == "descriptor":
            read[name] = {key: value for key, value in shape.fields[name].from_xml(child).items()
                          if key in shape.fields[name].fields}  # fmt: skip
        elif name not in ("extension", "other"):
            read[name] = (child.text or "").strip()
    return read


def _message_json(message: Element) -> dict[str, Any]:
    read: dict[str, Any] = WHOLE.from_xml(message)
    for name in read:
        # The published XML envelope holds a technicalNoreq with a field that its own schema lacks.
        if name in OTHERS or name == "technicalNoreq":
            read[name] = {}
    return read


# --- out ---


def distribution_id(saying: Saying, identity: Identity) -> str:
    """Name the envelope after the message in it: the same when it is sent again."""
    return f"{identity.organisation}_{saying.identifier}"


def _header(saying: Saying, identity: Identity) -> dict[str, Any]:
    return {
        "messageId": distribution_id(saying, identity),
        "sender": {"name": identity.organisation, "URI": f"renfort:{identity.organisation}"},
        "sentAt": stamp(saying.sent, identity.zone),
        "kind": _KINDS[saying.act],
        "status": "Exercise" if saying.exercise else "Actual",
        "recipient": [{
            "name": identity.recipient,
            "URI": f"{identity.address_scheme}:{identity.recipient}",
        }],
    }  # fmt: skip


def _envelope(saying: Saying, identity: Identity) -> dict[str, Any]:
    return {
        "distributionID": distribution_id(saying, identity),
        "senderID": identity.organisation,
        "dateTimeSent": stamp(saying.sent, identity.zone),
        "dateTimeExpires": stamp(saying.sent + identity.lifetime, identity.zone),
        "distributionStatus": "Exercise" if saying.exercise else "Actual",
        "distributionKind": _KINDS[saying.act],
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": identity.address_scheme,
                "explicitAddressValue": identity.recipient,
            },
        },
    }


def write_json(saying: Saying, identity: Identity, name: str, body: Mapping[str, Any]) -> bytes:
    """Put one use case in an envelope, in JSON."""
    message = {**_header(saying, identity), name: body}
    envelope = _envelope(saying, identity)
    envelope["content"] = [{"jsonContent": {"embeddedJsonContent": {"message": message}}}]
    return json.dumps(envelope, ensure_ascii=False).encode()


def write_xml(
    saying: Saying, identity: Identity, name: str, body: Mapping[str, Any], space: str
) -> bytes:
    """Put one use case in an envelope, in XML."""
    root = Element(
        "edxlDistribution", {"xmlns": ENVELOPE, "xmlns:xlink": XLINK, "xlink:type": "extended"}
    )
    for key, value in _envelope(saying, identity).items():
        element = SubElement(root, key)
        if isinstance(value, Mapping):
            element.set("xlink:type", "resource")
        _fill(element, value)
    content = SubElement(root, "content", {"xlink:type": "resource"})
    thing = SubElement(content, "contentObject", {"xlink:type": "resource"})
    embedded = SubElement(SubElement(thing, "contentXML"), "embeddedXMLContent")
    message = SubElement(embedded, "message", {"xmlns": MESSAGE})
    _fill(message, _header(saying, identity))
    _fill(SubElement(message, name, {"xmlns": space}), body)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _fill(element: Element, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            for each in inner if isinstance(inner, list) else [inner]:
                _fill(SubElement(element, name), each)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    else:
        element.text = str(value)
