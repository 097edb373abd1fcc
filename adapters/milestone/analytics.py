"""The analytics event: the related cameras chosen now, for the alarm's preview and for rules.

Built pure, as the maker's schema `AnalyticsEvent.xsd` has it (an xs:sequence: the order counts),
and sent to the Event Server's own port. A camera in `ReferenceList` is shown, says the schema, as a
related camera when alarms made of this event are handled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

import requests

from adapters.milestone import alarm
from hooks import Picture, Refused, Unreachable
from hooks.causes import cause

NAMESPACE = "urn:milestone-systems"
#: The kind of item a camera is, in the maker's GUIDs.
CAMERA_KIND = "5135BA21-F1DC-4321-806A-6CE2017343C0"
#: Ours, for ids that are the same when the same thing is told again.
_HOUSE = UUID("0b1f6a52-6c0b-4c1e-9f3b-0d3f6f0a7e55")
CONNECT_S, READ_S = 2.0, 3.0
#: What the server says, with 200, of an event whose name is not defined in Management Client.
_UNKNOWN = "not known"


def event_id(picture: Picture) -> str:
    """Give the event's id: the same for the same incident, so that it is told once."""
    return str(uuid5(_HOUSE, picture.incident))


def build(picture: Picture, name: str, source: str, cameras: Sequence[str]) -> bytes:
    """Write the event. `name` is that of the analytics event in Management Client."""
    root = Element("AnalyticsEvent", xmlns=NAMESPACE)
    header = SubElement(root, "EventHeader")
    _text(header, "ID", event_id(picture))
    _text(header, "Timestamp", picture.opened_at.astimezone(UTC).isoformat())
    _text(header, "Type", "Renfort")
    _text(header, "Message", name)
    _text(header, "CustomTag", alarm.reference(picture))
    _item(SubElement(header, "Source"), source)
    _text(root, "Description", alarm.message(picture))
    _text(root, "Location", place(picture))
    if cameras:
        references = SubElement(root, "ReferenceList")
        for camera in cameras:
            _item(SubElement(references, "Reference"), camera)
    vendor = SubElement(root, "Vendor")
    _text(vendor, "Name", "Renfort")
    _text(vendor, "CustomData", alarm.reference(picture))
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def place(picture: Picture) -> str:
    """Write where it is as free text: the schema has no type for a position."""
    near, position = picture.situation.near, picture.position
    if position is None:
        return near
    return f"{position.lat:.5f}, {position.lon:.5f} {near}".strip()


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = "".join(
        each for each in text if each in "\n\t" or each.isprintable()
    )


def _item(parent: Element, camera: str) -> None:
    fqid = SubElement(parent, "FQID")
    _text(fqid, "ObjectId", camera)
    _text(fqid, "Kind", CAMERA_KIND)


class Sender:
    """The analytics port of the Event Server: off until somebody opens it, and without account."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def host(self) -> str:
        """Its name and port."""
        return urlsplit(self._url).netloc

    def close(self) -> None:
        """Close the connection that is kept."""
        self._session.close()

    def send(self, body: bytes) -> None:
        """Send an event.

        Raises
        ------
        Unreachable
            No answer, or a fault of the server's: sent again later, with the same id.
        Refused
            The port refuses us, the event is not defined, or it is not understood.
        """
        answer = self._post(body)
        said = answer.text[:200].strip()
        if answer.status_code == 403:
            raise Refused(
                "{host} takes no analytics event from this machine: add its address under Tools, "
                "Options, Analytics Events", host=self.host,
            )  # fmt: skip
        if answer.status_code >= 500:
            raise Unreachable("{host} answers {status} to {path}", host=self.host,
                              status=answer.status_code, path="/")  # fmt: skip
        if answer.status_code != 200:
            raise Refused("{host} refuses our analytics event: {why}", host=self.host, why=said)
        if _UNKNOWN in said.lower():
            raise Refused(
                "XProtect does not know our analytics event: define it in Management Client, under "
                "Rules and Events, Analytics Events ({why})", why=said,
            )  # fmt: skip

    def answers(self) -> bool:
        """Whether the port is open to us: an empty body is refused, and raises nothing."""
        try:
            return self._post(b"").status_code in (200, 400)
        except Unreachable:
            return False

    def _post(self, body: bytes) -> requests.Response:
        try:
            return self._session.post(
                self._url, data=body, headers={"Content-Type": "text/xml"},
                timeout=(CONNECT_S, READ_S), allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=self.host, cause=cause(error)
            ) from error


def as_event(picture: Picture, kind: str, source: str, cameras: Sequence[str]) -> dict[str, Any]:
    """Write the event for the Events REST, for a site that keeps the analytics port shut.

    `data` is the XML's twin in JSON, as a Milestone developer lists its fields; nothing documents
    it further. Without it the event still happens, on its source.
    """
    return {
        "type": kind,
        "source": f"cameras/{source}",
        "data": {
            "Description": alarm.message(picture),
            "StartTime": picture.opened_at.astimezone(UTC).isoformat(),
            "Location": place(picture),
            "ReferenceList": [
                {"FQID": {"ObjectId": each, "Kind": CAMERA_KIND}} for each in cameras
            ],
            "Vendor": {"Name": "Renfort", "CustomData": alarm.reference(picture)},
        },
    }
