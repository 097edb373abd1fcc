"""What we tell a hypervisor: valid by the published schemas, and nothing that the law keeps."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters._shared.news import far, matters
from adapters.ineo import cap, edxl, emsi
from adapters.ineo.message import (
    MOVED_M,
    Act,
    Saying,
    Told,
    after,
    due,
    identifier,
    opening,
    read_identifier,
    read_receipt,
    receipt,
    stamp,
)
from hooks import CrewId, IncidentId, Phase, Picture, Position, Receipt, Situation, Trigger
from tests.adapters.ineo.conftest import (
    IDENTITY,
    NOW,
    PM21,
    a_picture,
    valid_cap,
    valid_emsi_json,
    valid_emsi_xml,
)

C = "{urn:oasis:names:tc:emergency:cap:1.2}"
#: Everything an incident can be, as far as a message shows it.
PICTURES = [
    a_picture(
        exercise=exercise, phase=phase, position=position, last_known=last, engaged=engaged,
        ended_at=NOW if ended else None, situation=a_picture().situation if near else Situation(),
        trigger=Trigger.FALL if ended else Trigger.BUTTON, outcome="Résolu & <c>" if ended else "",
    )
    for exercise, phase, position, last, engaged, ended, near in product(
        (True, False), (Phase.NEW, Phase.CLOSED),
        (None, Position(lon=-61.5, lat=-16.25), Position(lon=4.1, lat=43.5, accuracy_m=1500.4)),
        (True, False), ((), (PM21, "x:é y")), (True, False), (True, False),
    )
]  # fmt: skip


def sayings(picture: Picture) -> list[Saying]:
    first, sent = opening(picture)
    replaced = ((first, sent.isoformat()),)
    return [
        Saying(act=Act.OPEN, identifier=first, sent=sent, picture=picture),
        Saying(
            act=Act.UPDATE, identifier=identifier(picture.incident, "7", NOW), sent=NOW,
            picture=picture, replaces=replaced,
        ),
        Saying(
            act=Act.END, identifier=identifier(picture.incident, "end", NOW), sent=NOW,
            picture=picture, replaces=(*replaced, ("renfort.x.7.1", NOW.isoformat())),
        ),
    ]  # fmt: skip


def test_every_alert_is_valid_by_the_oasis_schema() -> None:
    for picture in PICTURES:
        for saying in sayings(picture):
            valid_cap(cap.write(saying, IDENTITY))


def test_every_emsi_is_valid_by_the_published_schemas_in_json_and_in_xml() -> None:
    for picture in PICTURES[::7]:
        for saying in sayings(picture):
            body = emsi.event(saying, IDENTITY)
            valid_emsi_json(edxl.write_json(saying, IDENTITY, "emsi", body))
            valid_emsi_xml(edxl.write_xml(saying, IDENTITY, "emsi", body, emsi.NAMESPACE))


def test_an_alert_says_place_time_and_references_as_the_standard_wants() -> None:
    alert, _, end = (fromstring(cap.write(each, IDENTITY)) for each in sayings(a_picture()))

    assert alert.findtext(f"{C}sent") == "2026-11-23T18:04:05+01:00"
    assert alert.findtext(f".//{C}circle") == "43.560600,4.085300 0.012"
    assert alert.findtext(f".//{C}language") == "fr-FR"
    assert alert.findtext(f".//{C}category") == "Security"
    assert [end.findtext(f"{C}{name}") for name in ("msgType", "scope")] == ["Cancel", "Restricted"]
    first = (end.findtext(f"{C}references") or "").split()[0]
    assert first == ",".join(
        alert.findtext(f"{C}{name}") or "" for name in ("sender", "identifier", "sent")
    )


def test_a_drill_is_marked_in_every_message_of_every_kind() -> None:
    for saying in sayings(a_picture(exercise=True)):
        alert = fromstring(cap.write(saying, IDENTITY))
        written = edxl.write_json(saying, IDENTITY, "emsi", emsi.event(saying, IDENTITY))

        assert alert.findtext(f"{C}status") == "Exercise"
        assert valid_emsi_json(written)["CONTEXT"]["MODE"] == "EXERCS"
        assert json.loads(written)["distributionStatus"] == "Exercise"


def test_r241_13_no_message_bears_an_image_a_link_to_one_nor_the_officers_name() -> None:
    for saying in sayings(a_picture(phase=Phase.CLOSED, closed_by="Léa")):
        body = emsi.event(saying, IDENTITY)
        for written in (
            cap.write(saying, IDENTITY),
            edxl.write_json(saying, IDENTITY, "emsi", body),
            edxl.write_xml(saying, IDENTITY, "emsi", body, emsi.NAMESPACE),
        ):
            text = written.decode()
            plain = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
            assert "Secret" not in text
            assert not re.search(r"<(resource|uri|derefUri|web|EXTERNAL_INFO)\b", plain)
            assert not re.search(r"(https?|rtsps?|wss?)://", plain)


def test_no_mission_is_written_for_the_french_profile_has_none_of_police() -> None:
    saying = sayings(a_picture(engaged=(PM21,)))[1]

    body = emsi.event(saying, IDENTITY)

    assert "MISSION" not in body
    [crew] = body["RESOURCE"]
    assert crew["RTYPE"]["RCLASS"] == ["MAT/VEH/ROADVE/POLICE/PATROL"]
    assert (crew["ID"], crew["STATUS"]) == ("21", "IN_USE/MOBILE")


def test_a_crew_that_a_centre_told_us_of_is_told_by_the_name_it_has_there() -> None:
    theirs = CrewId("ineo:fr.police.hv.resource.PM21")
    for saying in sayings(a_picture(engaged=(theirs, CrewId("crews:fr.police.hv.resource.PM21"))))[
        :2
    ]:
        written = edxl.write_json(saying, IDENTITY, "emsi", emsi.event(saying, IDENTITY))
        body = valid_emsi_json(written)

        assert [(each["ORG_ID"], each["ID"]) for each in body["RESOURCE"]] == [
            ("fr.police.hv", "PM21"), (IDENTITY.organisation, "fr_police_hv_resource_PM21"),
        ]  # fmt: skip


def test_what_is_over_is_said_to_engage_nobody() -> None:
    over = sayings(a_picture(engaged=(PM21,), phase=Phase.CLOSED))[2]

    assert "RESOURCE" not in emsi.event(over, IDENTITY)


def test_utc_is_written_as_minus_zero_and_never_z_nor_a_fraction() -> None:
    assert stamp(NOW, UTC) == "2026-11-23T17:04:05-00:00"


@given(st.text(min_size=1), st.datetimes(timezones=st.just(UTC)))
def test_an_identifier_tells_its_incident_and_its_time_and_fits_a_path(
    incident: str, when: datetime
) -> None:
    sent = when.replace(year=2000 + when.year % 100, day=1)
    name = identifier(IncidentId(incident), "open", sent)

    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    assert read_identifier(name) == (incident, sent.replace(microsecond=0))


@pytest.mark.parametrize(
    "text", ["", "renfort.a.open", "renfort.a.other.1", "x", "renfort..open.1"]
)
def test_what_is_not_our_identifier_is_not_read_as_one(text: str) -> None:
    assert read_identifier(text) is None


# --- which message is due ---


def test_an_incident_opens_once_changes_when_it_matters_and_ends_once() -> None:
    picture = a_picture()
    opened = due(picture, None, NOW, perhaps=None, moved=False)
    assert opened is not None
    told = after(None, opened)

    nearer = replace(picture, version=9, trail=(Position(lon=4, lat=43),), received_by=("HV",))
    taken = replace(picture, version=10, phase=Phase.TAKEN, owner="Léa")
    update = due(taken, told, NOW, perhaps=None, moved=False)
    closed = replace(taken, version=11, phase=Phase.CLOSED, closed_by="Léa", outcome="Résolu")
    assert update is not None
    told = after(told, update)
    end = due(closed, told, NOW, perhaps=None, moved=False)
    assert end is not None

    assert due(nearer, after(None, opened), NOW, perhaps=None, moved=False) is None
    assert [opened.act, update.act, end.act] == [Act.OPEN, Act.UPDATE, Act.END]
    assert [name for name, _ in end.replaces] == [opened.identifier, update.identifier]
    assert due(closed, after(told, end), NOW, perhaps=None, moved=False) is None


def test_what_was_closed_before_it_could_arrive_is_not_told() -> None:
    closed = a_picture(phase=Phase.CLOSED)

    assert due(closed, None, NOW, perhaps=None, moved=False) is None


def test_what_may_have_arrived_before_it_was_closed_is_ended() -> None:
    end = due(a_picture(phase=Phase.CLOSED), None, NOW, perhaps="", moved=False)

    assert end is not None
    assert end.act is Act.END
    assert end.replaces[0][0] == opening(a_picture())[0]


def test_a_man_who_walks_fifty_metres_is_elsewhere_and_one_who_wanders_ten_is_not() -> None:
    here = Position(lon=4.0853, lat=43.5606)

    assert not far(here, replace(here, lat=43.5607), MOVED_M)
    assert far(here, replace(here, lat=43.5612), MOVED_M)
    assert not far(None, here, MOVED_M)


def test_a_receipt_is_read_as_it_was_written_and_holds_no_place_nor_name() -> None:
    saying = due(a_picture(), None, NOW, perhaps=None, moved=False)
    assert saying is not None
    told = {"hv": after(None, saying)}

    written = receipt(told)

    assert read_receipt(written) == told
    assert "43.56" not in written.data
    assert "Léa" not in written.data


@pytest.mark.parametrize("data", ["", "[]", "{", '{"hv": 1}', '{"hv": {"messages": [["a", "b"]]}}'])
def test_a_receipt_that_cannot_be_read_is_not_known(data: str) -> None:
    assert read_receipt(Receipt(data=data)) == {}


def test_the_reception_confirmed_by_the_hypervisor_does_not_matter_to_it() -> None:
    assert matters(a_picture(received_by=("HV",))) == matters(a_picture())


def test_only_the_last_references_are_kept_and_the_first() -> None:
    picture, told = a_picture(), None
    for version in range(40):
        changed = replace(picture, version=version, owner=f"{version}")
        saying = due(changed, told, NOW + timedelta(seconds=version), perhaps=None, moved=False)
        assert saying is not None
        told = after(told, saying)

    assert isinstance(told, Told)
    assert len(told.messages) == 21
    assert told.messages[0][0] == opening(picture)[0]
