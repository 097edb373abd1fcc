"""What a hypervisor answers to an alert: received, or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.ineo import cap
from adapters.ineo.message import Act, Saying, opening
from adapters.ineo.simulator.outgoing import acknowledgement
from hooks import (
    ReceivedElsewhere,
    RefusedElsewhere,
)
from tests.adapters.ineo.conftest import (
    IDENTITY,
    NOW,
    a_picture,
    valid_cap,
)
from tests.adapters.ineo.heard import alert, envelope, faulty, read


def test_an_ack_is_the_confirmation_of_reception() -> None:
    body = acknowledgement(alert(), "Ack")
    valid_cap(body)

    [fact] = read(body, at=datetime(2030, 1, 1, tzinfo=UTC))

    assert isinstance(fact, ReceivedElsewhere)
    assert fact.incident == a_picture().incident
    assert fact.by == "hyperviseur@simulateur.example"
    assert fact.id.startswith("ineo:")


def test_an_ack_heard_twice_is_the_same_fact() -> None:
    body = acknowledgement(alert(), "Ack")

    assert read(body) == read(body)


def test_an_ack_from_a_clock_ahead_is_dated_when_it_came() -> None:
    [fact] = read(acknowledgement(alert(), "Ack"), at=NOW - timedelta(days=300))

    assert fact.at == NOW - timedelta(days=300)


def test_an_error_is_a_refusal_with_its_words() -> None:
    [fact] = read(acknowledgement(alert(), "Error"))

    assert isinstance(fact, RefusedElsewhere)
    assert fact.why == "zone non comprise"


@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("sender", "somebody@else.example"), ("identifier", "another-system.12345"),
        ("sent", "2001-01-01T00:00:00-00:00"), ("missing", None),
    ],
)  # fmt: skip
def test_an_ack_of_something_else_confirms_nothing_and_says_why(wrong: str, value: object) -> None:
    facts, fault = faulty(acknowledgement(alert(), "Ack", wrong=wrong))

    assert facts == []
    assert (fault.field, fault.value) == ("alert.references", value)
    assert str(fault)


def test_an_alert_of_somebody_else_is_understood_and_tells_nothing() -> None:
    picture = a_picture()
    name, sent = opening(picture)
    saying = Saying(act=Act.OPEN, identifier=name, sent=sent, picture=picture)

    assert read(cap.write(saying, IDENTITY)) == []


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("<status>Actual</status>", "<status>Real</status>", "alert.status"),
        ("<status>Actual</status>", "<status>Test</status>", "alert.status"),
        ("<status>Actual</status>", "<status>Draft</status>", "alert.status"),
        ("<scope>Private</scope>", "", "alert.scope"),
        ("<status>", "<colour>red</colour><status>", "alert.colour"),
        ("-00:00</sent>", "Z</sent>", "alert.sent"),
        ("<identifier>HV-1", "<identifier>HV 1", "alert.identifier"),
        ("<addresses>renfort@lagrandemotte.example</addresses>", "", "alert.addresses"),
        ("cap:1.2", "cap:1.1", "xmlns"),
        (",renfort.", "renfort.", "alert.references"),
    ],
)
def test_what_is_wrong_in_an_ack_is_named(before: str, after: str, field: str) -> None:
    body = acknowledgement(alert(), "Ack").decode()
    assert before in body

    facts, fault = faulty(body.replace(before, after, 1))

    assert facts == []
    assert fault.field == field


def test_an_emsi_ack_and_an_edxl_reference_confirm_too() -> None:
    name = f"{IDENTITY.organisation}_{alert().identifier}"
    local = alert().identifier.split(".")[1]
    said = envelope({"reference": {"distributionID": name}}, kind="Ack")
    emsi = {
        "emsi": {
            "CONTEXT": {"ID": "1", "MODE": "ACTUAL", "MSGTYPE": "ACK"},
            "EVENT": {"ID": local, "MAIN_EVENT_ID": f"{IDENTITY.organisation}.{local}"},
        }
    }

    for body in (json.dumps(said), json.dumps(emsi), json.dumps(envelope(emsi))):
        [fact] = read(body)
        assert isinstance(fact, ReceivedElsewhere)
        assert fact.incident == a_picture().incident


def test_an_edxl_error_is_a_refusal() -> None:
    error = {
        "errorCode": {"statusCode": 400, "statusString": "INVALID"}, "errorCause": "no EGEO",
        "referencedDistributionID": f"{IDENTITY.organisation}_{alert().identifier}",
    }  # fmt: skip

    [fact] = read(json.dumps(envelope({"error": error}, kind="Error", header=False)))

    assert isinstance(fact, RefusedElsewhere)
    assert (fact.why, fact.by) == ("no EGEO", "fr.police.hv")
