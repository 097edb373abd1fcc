"""Bytes from a hypervisor: JSON or XML, never trusted. Pure."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from adapters.ineo.shape import namespace
from hooks import Malformed
from hooks.causes import cause
from hooks.reading import LARGEST, Faults, printable


def is_xml(body: bytes) -> bool:
    """Tell whether a body means to be XML: the first thing in it is a bracket, or its UTF-16."""
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith((b"<", b"\x00<", b"\xff\xfe<", b"\xfe\xff\x00<"))


def read_xml(body: bytes) -> Element:
    """Read an XML document without DTD: no entity, no outside, no bomb.

    Raises
    ------
    Malformed
        It is too large, not well formed, in another encoding than it says, or has a DTD.
    """
    if len(body) > LARGEST:
        raise Malformed("message", body[:80], "write at most {most} bytes", most=LARGEST)
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Malformed(
            "message", body[:80], "write XML without a DTD and without entities"
        ) from error
    except ParseError as error:
        raise Malformed(
            "message", body[:80],
            "write XML that is well formed, in the encoding it declares: {cause}",
            cause=cause(error),
        ) from error  # fmt: skip
    except (LookupError, ValueError) as error:  # an encoding nobody knows, or of several bytes
        raise Malformed("message", body[:80], "write XML in UTF-8") from error
    return root


def namespace_is(root: Element, wanted: str) -> None:
    """Refuse an element of another namespace: another version says other things."""
    found = namespace(root)
    if found != wanted:
        raise Malformed("xmlns", found, "write {wanted}", wanted=wanted)


def moment(value: str, where: str, faults: Faults) -> datetime | None:
    """Read a time that fits its pattern, and may still be no time (month 13).

    Nor are the first and the last year: what .NET writes for "never" cannot be counted from.
    """
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None or read.year in (MINYEAR, MAXYEAR):
        faults.append(Malformed(where, value, "write a time as {example}", example=EXAMPLE))
        return None
    return read.astimezone(UTC)


EXAMPLE = "2026-11-23T18:04:05+01:00"


def short(value: object, most: int = 200) -> str:
    """Write a text of theirs so that it breaks nothing and fills nothing."""
    return printable(str(value))[:most]
