"""Messages of a hypervisor, and how they are read."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from adapters.ineo import cap
from adapters.ineo.decode import decode_message
from adapters.ineo.identity import Crews
from adapters.ineo.message import Act, Saying, opening
from adapters.ineo.simulator.desk import Received
from hooks import (
    Fact,
    Malformed,
)
from tests.adapters.ineo.conftest import (
    IDENTITY,
    NOW,
    a_picture,
    an_envelope,
    valid_cap,
)


def read(body: bytes | str, crews: Crews | None = None, at: datetime = NOW) -> list[Fact]:
    return list(decode_message(an_envelope(body, at), IDENTITY, crews or Crews()))


def faulty(body: bytes | str, crews: Crews | None = None) -> tuple[list[Fact], Malformed]:
    facts: list[Fact] = []
    telling = decode_message(an_envelope(body), IDENTITY, crews or Crews())
    with pytest.raises(Malformed) as fault:
        facts.extend(telling)
    return facts, fault.value


def alert() -> Received:
    """Our own alert, as the hypervisor has it."""
    picture = a_picture()
    name, sent = opening(picture)
    written = cap.write(Saying(act=Act.OPEN, identifier=name, sent=sent, picture=picture), IDENTITY)
    valid_cap(written)
    return Received(
        channel="cap", identifier=name, kind="Alert", at=NOW,
        fields={"sender": IDENTITY.sender, "sent": "2026-11-23T18:04:05+01:00", "status": "Actual"},
    )  # fmt: skip


def envelope(content: dict[str, Any], *, kind: str = "Report", header: bool = True) -> Any:
    head = {
        "messageId": "fr.police.hv_1", "sender": {"name": "hv", "URI": "hubex:hv"},
        "sentAt": "2026-11-23T18:04:05+01:00", "kind": kind, "status": "Actual",
        "recipient": [{"name": "renfort", "URI": "hubex:renfort"}],
    }  # fmt: skip
    message = {**(head if header else {}), **content}
    return {
        "distributionID": "fr.police.hv_1", "senderID": "fr.police.hv",
        "dateTimeSent": "2026-11-23T18:04:05+01:00", "dateTimeExpires": "2026-11-24T18:04:05+01:00",
        "distributionStatus": "Actual", "distributionKind": kind,
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex", "explicitAddressValue": "renfort"
            },
        },
        "content": [{"jsonContent": {"embeddedJsonContent": {"message": message}}}],
    }  # fmt: skip


def one(**changes: Any) -> dict[str, Any]:
    said = {
        "resourceId": "fr.police.hv.resource.PM21", "datetime": "2026-11-23T18:04:00+01:00",
        "coord": {"lat": 43.56, "lon": 4.08}, "speed": 36.0, "status": "DISPONIBLE",
    }  # fmt: skip
    return {key: value for key, value in {**said, **changes}.items() if value is not None}


def positions(*listed: Any) -> str:
    body = {"geoPositionsUpdate": {"position": list(listed)}}
    return json.dumps(body)
