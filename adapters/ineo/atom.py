"""Our alerts as an Atom feed (RFC 4287), for a hypervisor that pulls: one entry an incident. Pure.

Each entry links to its CAP message. Nothing is remembered: the feed is read off the board and
off the receipts, and says after a restart what it said before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from adapters.ineo import cap
from adapters.ineo.identity import Identity
from adapters.ineo.message import Act, Saying, Told, opening, read_receipt, stamp
from hooks import Document, IncidentId, Phase, Picture, Receipt
from hooks.reading import printable

ATOM = "http://www.w3.org/2005/Atom"
FEED = "feed.atom"
_MESSAGES = "cap/"


def document(
    path: str, pictures: tuple[Picture, ...], receipts: Mapping[IncidentId, Receipt],
    endpoint: str, identity: Identity,
) -> Document | None:  # fmt: skip
    """Give the feed, or one of its messages; None when there is none of that name."""
    sayings = list(_sayings(pictures, receipts, endpoint))
    if path == FEED:
        return Document(body=_feed(sayings, identity), media_type="application/atom+xml")
    for saying in sayings:
        if path == f"{_MESSAGES}{saying.identifier}.xml":
            return Document(body=cap.write(saying, identity), media_type=cap.MEDIA_TYPE)
    return None


def _sayings(
    pictures: tuple[Picture, ...], receipts: Mapping[IncidentId, Receipt], endpoint: str
) -> Iterator[Saying]:
    """Say each incident's newest message, as it was sent or stands to be read."""
    for picture in pictures:
        told = read_receipt(receipts.get(picture.incident)).get(endpoint, Told())
        if picture.phase is Phase.CLOSED and not told.ended:
            continue
        messages = told.messages or (_first(picture),)
        name, sent = messages[-1]
        act = Act.END if told.ended else Act.UPDATE if len(messages) > 1 else Act.OPEN
        yield Saying(
            act=act, identifier=name, sent=datetime.fromisoformat(sent), picture=picture,
            replaces=messages[:-1],
        )  # fmt: skip


def _first(picture: Picture) -> tuple[str, str]:
    name, sent = opening(picture)
    return name, sent.astimezone(UTC).isoformat()


def _feed(sayings: list[Saying], identity: Identity) -> bytes:
    newest = max((each.sent for each in sayings), default=datetime.fromtimestamp(0, UTC))
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": "fr-FR"})
    _text(feed, "id", f"urn:renfort:{identity.sender}")
    _text(feed, "title", identity.name)
    _text(feed, "updated", stamp(newest, identity.zone))
    _text(SubElement(feed, "author"), "name", identity.name)
    SubElement(feed, "link", {"rel": "self", "href": FEED, "type": "application/atom+xml"})
    for saying in reversed(sayings):
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"urn:renfort:{saying.identifier}")
        _text(entry, "title", printable(saying.picture.title))
        _text(entry, "updated", stamp(saying.sent, identity.zone))
        _text(entry, "published", stamp(saying.picture.opened_at, identity.zone))
        href = f"{_MESSAGES}{saying.identifier}.xml"
        SubElement(entry, "link", {"rel": "alternate", "href": href, "type": cap.MEDIA_TYPE})
        SubElement(entry, "category", {"term": "Security"})
        _text(entry, "summary", printable(" ".join(saying.picture.text.split())))
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
