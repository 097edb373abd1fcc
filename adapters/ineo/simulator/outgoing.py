"""What the hypervisor says to Renfort: acknowledgements, positions, and what must not hurt it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from xml.sax.saxutils import escape

import requests

from adapters.ineo.simulator.desk import Received, now

SENDER = "hyperviseur@simulateur.example"
NAME = "Hyperviseur simulé"


@dataclass(slots=True)
class Partner:
    """Renfort's inlet, as the integrator was told it."""

    url: str = ""
    token: str = field(default="", repr=False)
    ca: str | bool = True

    async def send(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Post a message; answer what was answered."""
        return await asyncio.to_thread(self._post, body, content_type)

    def _post(self, body: bytes, content_type: str) -> dict[str, Any]:
        if not self.url:
            return {"status": None, "answer": "no partner: give /simulator/partner its url"}
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        try:
            said = requests.post(self.url, body, headers=headers, timeout=30, verify=self.ca)
        except requests.RequestException as error:
            return {"status": 0, "answer": str(error)}
        return {"status": said.status_code, "answer": said.text[:2000]}


def stamp(offset_s: float = 0.0) -> str:
    """Write the time as CAP and EMSI want it."""
    text = (now() + timedelta(seconds=offset_s)).replace(microsecond=0).isoformat()
    return text.replace("+00:00", "-00:00")


def acknowledgement(message: Received, kind: str, *, wrong: str = "", serial: int = 1) -> bytes:
    """Write a CAP Ack (or Error) of a message; `wrong` says what is wrong in its reference."""
    sender, sent = message.fields["sender"], message.fields["sent"]
    identifier = message.identifier
    match wrong:
        case "sender":
            sender = "somebody@else.example"
        case "identifier":
            identifier = "another-system.12345"
        case "sent":
            sent = "2001-01-01T00:00:00-00:00"
    references = "" if wrong == "missing" else (
        f"<references>{escape(sender)},{escape(identifier)},{sent}</references>")  # fmt: skip
    note = "<note>zone non comprise</note>" if kind == "Error" else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>HV-{serial}</identifier><sender>{SENDER}</sender><sent>{stamp()}</sent>"
        f"<status>{message.fields['status']}</status><msgType>{kind}</msgType>"
        f"<scope>Private</scope><addresses>{escape(message.fields['sender'])}</addresses>"
        f"{note}{references}</alert>"
    ).encode()


def geo_pos(positions: list[dict[str, Any]], *, enveloped: bool = True) -> bytes:
    """Write a GEO-POS message, in its envelope unless told otherwise."""
    body = {"geoPositionsUpdate": {"position": positions}}
    if not enveloped:
        return json.dumps(body).encode()
    name = f"fr.police.simulateur_{now().timestamp()}"
    party = [{"name": "renfort", "URI": "hubex:renfort"}]
    header = {
        "messageId": name, "sender": {"name": "simulateur", "URI": "hubex:simulateur"},
        "sentAt": stamp(), "kind": "Report", "status": "Actual", "recipient": party,
    }  # fmt: skip
    envelope = {
        "distributionID": name, "senderID": "fr.police.simulateur", "dateTimeSent": stamp(),
        "dateTimeExpires": stamp(86400), "distributionStatus": "Actual",
        "distributionKind": "Report",
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex", "explicitAddressValue": "renfort"
            },
        },
        "content": [{"jsonContent": {"embeddedJsonContent": {"message": {**header, **body}}}}],
    }  # fmt: skip
    return json.dumps(envelope).encode()


def position(number: int, lon: float, lat: float, **more: Any) -> dict[str, Any]:
    """Write one position of GEO-POS."""
    return {
        "resourceId": f"fr.police.simulateur.resource.PM{number}", "datetime": stamp(),
        "coord": {"lat": lat, "lon": lon}, "speed": 32.0, "cap": 90, "move": "MOBILE",
        "status": "DISPONIBLE", **more,
    }  # fmt: skip


def _bomb() -> bytes:
    lols = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE alert [<!ENTITY l0 "lol">{lols}]><alert>&l11;</alert>'.encode()


def _quadratic() -> bytes:
    return f'<!DOCTYPE a [<!ENTITY e "{"a" * 60000}">]><a>{"&e;" * 60000}</a>'.encode()


def _external() -> bytes:
    system = '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return f"{system}<alert><identifier>&x;</identifier></alert>".encode()


def _unknown() -> bytes:
    return geo_pos([position(1, 4.08, 43.56, status="LIBRE", batterie=50)])


_X, _J = "application/xml", "application/json"
_LATIN_1 = '<?xml version="1.0" encoding="UTF-8"?><alert>réception</alert>'
#: What must be refused with a clear answer, and hurt nobody.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (_bomb, _X),
    "quadratic": (_quadratic, _X),
    "external": (_external, _X),
    "parameter": (
        lambda: b'<!DOCTYPE a [<!ENTITY % d SYSTEM "http://127.0.0.1:9/x.dtd">%d;]><a/>', _X
    ),
    "huge": (lambda: b"<alert>" + b"x" * 50_000_000 + b"</alert>", _X),
    "deep": (lambda: b"<a>" * 100_000, _X),
    "charset": (lambda: _LATIN_1.encode("latin-1"), _X),
    "charset-json": (lambda: '{"geoPositionsUpdate": "réception"}'.encode("latin-1"), _J),
    "unknown-charset": (lambda: b'<?xml version="1.0" encoding="x-klingon"?><alert/>', _X),
    "schema": (_unknown, _J),
    "not-json": (lambda: b'{"geoPositionsUpdate": ', _J),
    "deep-json": (lambda: b"[" * 100_000, _J),
}  # fmt: skip


def hostile(kind: str) -> tuple[bytes, str]:
    """Make one of them; `KeyError` when there is none of that name."""
    made, content_type = HOSTILE[kind]
    return made(), content_type
