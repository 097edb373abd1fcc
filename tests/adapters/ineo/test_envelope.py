"""The EDXL-DE envelope and the use cases in it, as published and as damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    CrewFix,
)
from tests.adapters.ineo.conftest import (
    DATA,
    xsd,
)
from tests.adapters.ineo.heard import envelope, faulty, one, read

EXAMPLES = DATA / "emsi" / "sample"
PUBLISHED = sorted(EXAMPLES.glob("*/*/*.*")) if EXAMPLES.is_dir() else []


def _changes(message: Any) -> Iterator[tuple[str, Any]]:
    """Damage an envelope in each way that its schema forbids."""
    for name in message:
        less = deepcopy(message)
        del less[name]
        yield f"without {name}", less
    more = deepcopy(message)
    more["colour"] = "red"
    yield "with more", more
    for name, value in (("distributionKind", "Alert"), ("distributionStatus", "Draft"),
                        ("content", []), ("senderID", 3)):  # fmt: skip
        other = deepcopy(message)
        other[name] = value
        yield f"with another {name}", other
    inside = message["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    for name in ("messageId", "sender", "sentAt", "kind", "status", "recipient"):
        less = deepcopy(message)
        del less["content"][0]["jsonContent"]["embeddedJsonContent"]["message"][name]
        yield f"without the header's {name}", less
    bad: list[tuple[str, Any]] = [
        ("sender", {"name": "x"}), ("kind", "x"), ("recipient", []), ("colour", 1),
        ("createCase", {}),
    ]  # fmt: skip
    for name, value in bad:
        other = deepcopy(message)
        other["content"][0]["jsonContent"]["embeddedJsonContent"]["message"] = {
            **inside, name: value
        }  # fmt: skip
        yield f"with the header's {name} wrong", other


BODY = {"geoPositionsUpdate": {"position": [one()]}}
DAMAGED = dict(_changes(envelope(BODY)))


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_envelope_tells_nothing_and_names_the_field(how: str) -> None:
    facts, fault = faulty(json.dumps(DAMAGED[how]))

    assert facts == []
    assert fault.field
    assert str(fault)


@pytest.mark.parametrize(
    "message", [{}, {"colour": {}}, {"emsi": {}, "geoPositionsUpdate": {}}, {"emsi": []}]
)
def test_a_message_without_one_known_content_is_refused(message: dict[str, Any]) -> None:
    assert faulty(json.dumps(message))[0] == []
    assert faulty(json.dumps(envelope(message)))[0] == []


def test_a_use_case_that_is_not_ours_is_understood_and_tells_nothing() -> None:
    assert read(json.dumps(envelope({"createCase": {"anything": 1}}))) == []


def test_a_use_case_written_twice_in_xml_is_named_and_none_is_lost_unsaid() -> None:
    _, fault = faulty("<message><emsi/><emsi/></message>")

    assert "message.emsi = [{}, {}]: write an object" in str(fault)


@pytest.mark.parametrize(
    "body",
    [
        '{"geoResourcesDetails": {"resource": []}}',
        '<geoResourcesDetails xmlns="urn:emergency:cisu:3.0"><resource/></geoResourcesDetails>',
    ],
)
def test_a_use_case_that_is_not_ours_tells_nothing_without_an_envelope_either(body: str) -> None:
    assert read(body) == []


def test_a_partner_s_trial_of_the_line_is_judged_and_tells_nothing() -> None:
    whole = {"requiredStringField": "x", "requiredArray": ["x"]}
    wrong = {"requiredStringField": "x", "arrayWithMaxLength": list("abcdef"), "colour": 1}

    _, fault = faulty(json.dumps(envelope({"technical": wrong})))

    assert read(json.dumps(envelope({"technical": whole}))) == []
    assert "technical.requiredArray = None: it is missing" in str(fault)
    assert "technical.arrayWithMaxLength = ['a', 'b', 'c', 'd', 'e', 'f']: write at most 5" in str(
        fault
    )
    assert "technical.colour = 1: remove it" in str(fault)


IN_XML = """<?xml version="1.0" encoding="UTF-8"?>
<edxlDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:2.0"
  xmlns:xlink="http://www.w3.org/1999/xlink" xlink:type="extended">
 <distributionID>fr.police.hv_1</distributionID><senderID>fr.police.hv</senderID>
 <dateTimeSent>2026-11-23T18:04:05+01:00</dateTimeSent>
 <dateTimeExpires>2026-11-24T18:04:05+01:00</dateTimeExpires>
 <distributionStatus>Actual</distributionStatus><distributionKind>Report</distributionKind>
 <descriptor xlink:type="resource"><language>fr-FR</language><explicitAddress>
  <explicitAddressScheme>hubex</explicitAddressScheme>
  <explicitAddressValue>renfort</explicitAddressValue></explicitAddress></descriptor>
 <content xlink:type="resource"><contentObject xlink:type="resource"><contentXML>
 <embeddedXMLContent>
  <message xmlns="urn:emergency:cisu:3.0">
   <messageId>1</messageId><sender><name>hv</name><URI>hubex:hv</URI></sender>
   <sentAt>2026-11-23T18:04:05+01:00</sentAt><kind>Report</kind><status>Actual</status>
   <recipient><name>renfort</name><URI>hubex:renfort</URI></recipient>
   <geoPositionsUpdate xmlns="urn:emergency:eda:1.9:geopositionsupdate"><position>
    <resourceId>fr.police.hv.resource.PM21</resourceId>
    <datetime>2026-11-23T18:04:00+01:00</datetime>
    <coord><lat>43.56</lat><lon>4.08</lon></coord><speed>36</speed><status>DISPONIBLE</status>
   </position></geoPositionsUpdate>
  </message></embeddedXMLContent></contentXML></contentObject></content>
</edxlDistribution>"""


def test_an_envelope_in_xml_is_read_as_in_json() -> None:
    xsd("EDXL-DE-envelope-only").validate(IN_XML)

    facts = read(IN_XML)

    [same] = read(json.dumps(envelope(BODY)))
    [fact] = facts
    assert isinstance(fact, CrewFix)
    assert isinstance(same, CrewFix)
    assert (fact.crew, fact.at, fact.position, fact.status) == (
        same.crew, same.at, same.position, same.status,
    )  # fmt: skip


def test_an_envelope_whose_content_is_no_message_is_told_so() -> None:
    bare = re.sub(r"<message.*?(?=<geoPos)|</message>", "", IN_XML, flags=re.DOTALL)
    xsd("EDXL-DE-envelope-only").validate(bare)

    _, fault = faulty(bare)

    assert fault.field.endswith(".message")


# --- the published examples ---


@pytest.mark.skipif(not PUBLISHED, reason="../shared/data/emsi is absent")
@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_every_published_example_is_read(path: Path) -> None:
    facts = read(path.read_bytes(), at=datetime(2026, 11, 23, tzinfo=UTC))

    assert bool(facts) == ("GEO-POS" in str(path) or "RESOURCE" in path.read_text("utf-8"))
    assert all(isinstance(fact, CrewFix) for fact in facts)


@pytest.mark.skipif(not PUBLISHED, reason="../shared/data/emsi is absent")
def test_an_example_says_the_same_in_json_and_in_xml() -> None:
    # pairs of the same name, .json before .xml
    pairs = [
        (a, b) for a, b in pairwise(PUBLISHED)
        if a.stem == b.stem and a.suffix == ".json" and b.suffix == ".xml" and "examples" in str(a)
    ]  # fmt: skip
    assert len(pairs) == 7
    for a, b in pairs:
        for said, other in zip(read(a.read_bytes()), read(b.read_bytes()), strict=True):
            assert isinstance(said, CrewFix)
            assert isinstance(other, CrewFix)
            assert (said.crew, said.at, said.status, said.position, said.name) == (
                other.crew, other.at, other.status, other.position, other.name,
            )  # fmt: skip
