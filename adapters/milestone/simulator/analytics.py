"""Analytics events in XML: what the schema of the maker allows, and what an event says.

The table below holds what `AnalyticsEvent.xsd` says (order, how often, types); a test compares the
two on documents made at random. No file of the maker's is needed at run time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree import ElementTree

NS = "urn:milestone-systems"
CAMERA = "5135ba21-f1dc-4321-806a-6ce2017343c0"
_GUID = re.compile(r"[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}")
_MOMENT = re.compile(
    r"-?(\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))?"
)
_DOUBLE = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([Ee][+-]?\d+)?|-?INF|NaN")
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
MANY = 10**9


class Invalid(ValueError):
    """The document is not one the schema allows."""


@dataclass(frozen=True, slots=True)
class Part:
    """A child in a sequence: its type, how often it may come; `instead`: another of a choice."""

    name: str
    kind: str
    least: int = 0
    most: int = 1
    instead: tuple[str, str] | None = None


def _parts(*written: str) -> tuple[Part, ...]:
    """Read `Name:type`, with `!` for what must be there and `*` for what may come often."""
    made = []
    for each in written:
        name, _, kind = each.rstrip("!*").partition(":")
        least, most = int(each.endswith("!")), MANY if each.endswith("*") else 1
        made.append(Part(name, kind, least, most))
    return tuple(made)


_TYPES: dict[str, tuple[Part, ...]] = {
    "AnalyticsEvent": _parts(
        "EventHeader:EventHeader!", "Description:string", "StartTime:dateTime",
        "EndTime:dateTime", "Location:string", "Count:unsignedInt", "RuleList:RuleList",
        "ObjectList:ObjectList", "ReferenceList:ReferenceList", "SnapshotList:SnapshotList",
        "Vendor:Vendor",
    ),
    "EventHeader": _parts(
        "ID:GUID!", "Timestamp:dateTime!", "Class:string", "Type:string", "Version:string",
        "Priority:unsignedShort", "Name:string", "Message:string!", "CustomTag:string",
        "Source:EventSource",
    ),
    "EventSource": _parts("Name:string", "Description:string", "FQID:FQID"),
    "FQID": (
        *_parts("ServerId:ServerId", "ParentId:GUID"),
        Part("ObjectId", "GUID", 1, 1, ("ObjectIdString", "string")),
        *_parts("FolderType:unsignedByte", "Kind:GUID"),
    ),
    "ServerId": _parts("Type:string", "Hostname:string", "Port:int", "Id:GUID!"),
    "RuleList": _parts("Rule:Rule*"),
    "Rule": _parts("ID:GUID", "Name:string", "Type:string", "PolygonList:PolygonList"),
    "PolygonList": _parts("Polygon:Polygon*"),
    "Polygon": _parts("Closed:boolean", "Color:Color", "FillColor:Color", "PointList:PointList"),
    "PointList": _parts("Point:Point*"),
    "Point": _parts("X:double!", "Y:double!"),
    "Color": _parts("A:unsignedByte!", "R:unsignedByte!", "G:unsignedByte!", "B:unsignedByte!"),
    "SnapshotList": _parts("Snapshot:Snapshot*"),
    "Snapshot": _parts(
        "TimeOffset:int!", "Width:unsignedInt", "Height:unsignedInt", "HasOverlay:boolean",
        "SizeInBytes:unsignedInt", "Image:base64Binary", "Path:string", "FQID:FQID",
    ),
    "ObjectList": _parts("Object:Object*"),
    "Object": _parts(
        "ID:GUID", "Name:string", "Type:string", "Description:string", "Confidence:double",
        "Value:string", "AlarmTrigger:boolean", "Removed:boolean", "Color:string", "Size:double",
        "SizeUnit:string", "BoundingBox:BoundingBox", "Polygon:Polygon", "Motion:Motion",
        "Mask:base64Binary",
    ),
    "BoundingBox": _parts("Top:double!", "Left:double!", "Bottom:double!", "Right:double!",
                          "Color:Color"),
    "Motion": _parts("Speed:double", "SpeedUnit:string", "Path:Polygon"),
    "ReferenceList": _parts("Reference:Reference*"),
    "Reference": _parts("FQID:FQID"),
    "Vendor": _parts("Name:string", "CustomData:string"),
}  # fmt: skip


def _whole(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: bool(re.fullmatch(r"[+-]?\d+", text)) and low <= int(text) <= high


def _moment(text: str) -> bool:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = (int(match[at]) for at in range(1, 7))
    if (hour, minute, second) == (24, 0, 0) and not (match[7] or "").strip(".0"):
        hour = 0
    try:
        # Years that Python does not reach have the months of one that it does.
        datetime(2000 + year % 400, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return False
    return year > 0


#: Simple types. Those that are not `string` are read without the blanks around them.
_SIMPLE: dict[str, Callable[[str], bool]] = {
    "string": lambda _: True,
    "GUID": lambda text: _GUID.fullmatch(text) is not None,
    "dateTime": _moment,
    "boolean": lambda text: text in ("true", "false", "1", "0"),
    "double": lambda text: _DOUBLE.fullmatch(text) is not None,
    "int": _whole(-(2**31), 2**31 - 1),
    "unsignedInt": _whole(0, 2**32 - 1),
    "unsignedShort": _whole(0, 2**16 - 1),
    "unsignedByte": _whole(0, 255),
    "base64Binary": lambda text: _BASE64.fullmatch(re.sub(r"\s", "", text)) is not None,
}
#: A restriction of `string` keeps the blanks around it.
_KEPT = ("string", "GUID")


def _check(element: ElementTree.Element, kind: str) -> None:
    allowed = {key for key in element.attrib if key.startswith("{http://www.w3.org/2001/XMLSchema")}
    if set(element.attrib) - allowed:
        raise Invalid(f"{_name(element)}: attribute not allowed")
    if kind in _SIMPLE:
        text = element.text or ""
        if len(element):
            raise Invalid(f"{_name(element)}: holds elements")
        if not _SIMPLE[kind](text if kind in _KEPT else text.strip(" \t\r\n")):
            raise Invalid(f"{_name(element)}: {text!r} is not a valid {kind}")
        return
    texts = [element.text, *(child.tail for child in element)]
    if any(text and text.strip() for text in texts):
        raise Invalid(f"{_name(element)}: holds text")
    _sequence(element, list(element), _TYPES[kind])


def _sequence(
    element: ElementTree.Element, children: list[ElementTree.Element], parts: tuple[Part, ...]
) -> None:
    at = 0
    for part in parts:
        kinds = dict([(part.name, part.kind), *([part.instead] if part.instead else [])])
        found = 0
        while at < len(children) and found < part.most:
            name = _name(children[at])
            if name not in kinds:
                break
            _check(children[at], kinds[name])
            at, found = at + 1, found + 1
        if found < part.least:
            raise Invalid(f"{_name(element)}: {part.name} expected")
    if at < len(children):
        raise Invalid(f"{_name(element)}: {_name(children[at])} not expected here")


def _name(element: ElementTree.Element) -> str:
    space, _, name = str(element.tag)[1:].partition("}")
    return name if space == NS else f"{{{space}}}"


@dataclass(frozen=True, slots=True)
class Event:
    """What an analytics event says; `source` is a camera's identifier, or an address."""

    id: str
    moment: str
    message: str
    description: str = ""
    location: str = ""
    tag: str = ""
    kind: str = ""
    source: str = ""
    related: list[str] = field(default_factory=list)
    vendor: str = ""


def read(document: bytes) -> Event:
    """Read an event; `Invalid` says what the schema does not allow."""
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 (expat ≥ 2.4.1 stops swelling entities)
    except (ElementTree.ParseError, ValueError) as fault:
        raise Invalid(str(fault)) from fault
    if root.tag != f"{{{NS}}}AnalyticsEvent":
        raise Invalid(f"{_name(root)}: no AnalyticsEvent")
    _check(root, "AnalyticsEvent")
    return Event(
        id=_text(root, "EventHeader/ID").lower(),
        moment=_text(root, "EventHeader/Timestamp").strip(),
        message=_text(root, "EventHeader/Message").strip(),
        description=_text(root, "Description").strip(),
        location=_text(root, "Location").strip(),
        tag=_text(root, "EventHeader/CustomTag"),
        kind=_text(root, "EventHeader/Type"),
        source=_text(root, "EventHeader/Source/FQID/ObjectId").lower()
        or _text(root, "EventHeader/Source/Name").strip(),
        related=_related(root),
        vendor=_text(root, "Vendor/CustomData"),
    )


def _path(path: str) -> str:
    return "/".join(f"{{{NS}}}{step}" for step in path.split("/"))


def _text(root: ElementTree.Element, path: str) -> str:
    return root.findtext(_path(path), "")


def _related(root: ElementTree.Element) -> list[str]:
    """List the cameras referred to: another kind is another thing."""
    found = []
    for fqid in root.iterfind(_path("ReferenceList/Reference/FQID")):
        kind = _text(fqid, "Kind").lower()
        identifier = _text(fqid, "ObjectId").lower()
        if identifier and kind in ("", CAMERA):
            found.append(identifier)
    return found
