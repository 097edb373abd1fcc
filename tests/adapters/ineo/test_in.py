"""What a hypervisor tells us of crews, and what it must not be able to do to us."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.ineo import Ineo
from adapters.ineo.fixes import status_of
from adapters.ineo.identity import Crews, Known
from adapters.ineo.simulator.outgoing import HOSTILE, acknowledgement, hostile
from hooks import (
    CrewFix,
    CrewStatus,
    Means,
)
from hooks.testing import check_decoder
from tests.adapters.ineo.conftest import (
    IDENTITY,
    NOW,
    json_schema,
)
from tests.adapters.ineo.heard import alert, envelope, faulty, one, positions, read


def test_a_position_is_dated_before_its_reception_by_the_delay_of_the_radio() -> None:
    crews = Crews(
        delay=timedelta(seconds=20),
        known={"fr.police.hv.resource.PM21": Known(name="Brigade 21", means=Means.CAR)},
    )

    [fact] = read(positions(one()), crews)

    assert isinstance(fact, CrewFix)
    assert (fact.crew, fact.name, fact.means) == (
        "ineo:fr.police.hv.resource.PM21", "Brigade 21", Means.CAR,
    )  # fmt: skip
    assert fact.at == datetime(2026, 11, 23, 17, 4, 0, tzinfo=UTC)
    assert fact.position is not None
    assert fact.position.fixed_at == datetime(2026, 11, 23, 17, 3, 40, tzinfo=UTC)
    assert (fact.position.lon, fact.position.lat) == (4.08, 43.56)


@pytest.mark.parametrize(
    ("status", "engaged", "wanted"),
    [
        ("DISPONIBLE", None, CrewStatus.FREE), ("INDISPONIBLE", None, CrewStatus.UNAVAILABLE),
        ("INCONNU", None, CrewStatus.UNKNOWN), (None, None, None),
        ("INDISPONIBLE", "PARTIE", CrewStatus.EN_ROUTE), (None, "ALERTEE", CrewStatus.ENGAGED),
        ("INDISPONIBLE", "ARRIVEE_LIEU", CrewStatus.ON_SCENE),
        ("DISPONIBLE", "PARTIE", CrewStatus.EN_ROUTE),
        ("INDISPONIBLE", "RETOUR_DISPONIBLE", CrewStatus.UNAVAILABLE),
        (None, "RETOUR_DISPONIBLE", CrewStatus.FREE),
        ("DISPONIBLE", "RETOUR_INDISPONIBLE", CrewStatus.UNAVAILABLE),
    ],
)  # fmt: skip
def test_a_crew_is_free_only_when_both_words_allow_it(
    status: str | None, engaged: str | None, wanted: CrewStatus | None
) -> None:
    [fact] = read(positions(one(status=status, engagedStatus=engaged)))

    assert isinstance(fact, CrewFix)
    assert fact.status == wanted
    assert status_of(status, engaged) == wanted


def test_only_the_organisations_of_the_profile_become_crews() -> None:
    firemen = one(resourceId="fr.fire.sis034.resource.VSAV1")
    crews = Crews(organisations=("fr.police.hv",))

    facts = read(positions(firemen, one()), crews)

    assert [fact.crew for fact in facts if isinstance(fact, CrewFix)] == [
        "ineo:fr.police.hv.resource.PM21"
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "LIBRE"}, "status"), ({"batterie": 50}, "batterie"),
        ({"resourceId": "PM21"}, "resourceId"), ({"resourceId": None}, "resourceId"),
        ({"datetime": "2026-11-23T17:04:00Z"}, "datetime"), ({"datetime": None}, "datetime"),
        ({"datetime": "2026-13-23T17:04:00+01:00"}, "datetime"),
        ({"datetime": "2026-11-23T18:04:00+01:00\n"}, "datetime"),
        ({"datetime": "0001-01-01T00:00:00+00:00"}, "datetime"),
        ({"coord": {"lat": 43.5}}, "coord.lon"), ({"coord": {"lat": "a", "lon": 4}}, "coord.lat"),
        ({"coord": {"lat": 43.5, "lon": 4, "alt": 3}}, "coord.alt"), ({"coord": None}, "coord"),
        ({"speed": True}, "speed"), ({"engineOn": "yes"}, "engineOn"),
        ({"coord": {"lat": float("nan"), "lon": 4}}, "coord.lat"),
    ],
)  # fmt: skip
def test_a_bad_position_is_named_and_loses_nothing_but_itself(
    changes: dict[str, Any], field: str
) -> None:
    facts, fault = faulty(positions(one(**changes), one(resourceId="fr.police.hv.resource.PM22")))

    assert [fact.crew for fact in facts if isinstance(fact, CrewFix)] == [
        "ineo:fr.police.hv.resource.PM22"
    ]
    assert fault.field == f"geoPositionsUpdate.position[0].{field}"
    assert str(fault)


@pytest.mark.parametrize("coord", [{"lat": 0, "lon": 0}, {"lat": 91, "lon": 4}])
def test_what_is_no_place_leaves_the_status(coord: dict[str, float]) -> None:
    facts, fault = faulty(positions(one(coord=coord)))

    [fact] = facts
    assert isinstance(fact, CrewFix)
    assert (fact.position, fact.status) == (None, CrewStatus.FREE)
    assert fault.field == "geoPositionsUpdate.position[0].coord"


def test_a_clock_ahead_is_named_and_not_believed() -> None:
    facts, fault = faulty(positions(one(datetime="2026-11-23T20:04:00+01:00")))

    assert [fact.at for fact in facts] == [NOW]
    assert fault.field == "geoPositionsUpdate.position[0]"


def emsi_of(status: str) -> dict[str, Any]:
    resource = {
        "RTYPE": {"RCLASS": ["HUM/UNIT/POL"]}, "ID": "PM21", "ORG_ID": "fr.police.hv",
        "NAME": "Brigade 21", "STATUS": status,
        "RGEO": [{
            "TYPE": "CUR", "DATIME": "2026-11-23T18:03:00+01:00",
            "POSITION": [{"COORD": [{"LAT": 43.56, "LONG": 4.08}]}],
        }],
    }  # fmt: skip
    return {
        "CONTEXT": {"ID": "1", "MODE": "ACTUAL", "MSGTYPE": "UPDATE",
                    "CREATION": "2026-11-23T18:04:00+01:00"},
        "EVENT": {"ID": "1"}, "RESOURCE": [resource],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("AVAILB", CrewStatus.FREE), ("UNAV", CrewStatus.UNAVAILABLE),
        ("RESRVD", CrewStatus.ENGAGED), ("IN_USE/MOBILE", CrewStatus.EN_ROUTE),
        ("IN_USE/ON_SCENE", CrewStatus.ON_SCENE), ("VIRTUAL", CrewStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_a_resource_of_emsi_tells_the_status_and_the_place_of_the_same_crew(
    status: str, wanted: CrewStatus
) -> None:
    emsi = emsi_of(status)
    json_schema("EMSI").validate(emsi)

    said, placed = read(json.dumps({"emsi": emsi}))

    assert isinstance(said, CrewFix)
    assert isinstance(placed, CrewFix)
    assert (said.crew, said.status, said.name) == (
        "ineo:fr.police.hv.resource.PM21", wanted, "Brigade 21",
    )  # fmt: skip
    assert placed.crew == said.crew
    assert placed.position is not None
    assert placed.position.fixed_at == datetime(2026, 11, 23, 17, 2, 55, tzinfo=UTC)


def test_a_resource_named_as_geo_pos_names_it_is_the_same_crew() -> None:
    emsi = emsi_of("AVAILB")
    emsi["RESOURCE"][0]["ID"] = "fr.police.hv.resource.PM21"

    facts = [*read(json.dumps({"emsi": emsi})), *read(positions(one()))]

    assert {fact.crew for fact in facts if isinstance(fact, CrewFix)} == {
        "ineo:fr.police.hv.resource.PM21"
    }


@pytest.mark.parametrize(
    ("times", "wanted", "named"),
    [
        (("18:01:00", "18:03:30", "18:02:00"), (2, "18:03:30"), ""),
        (("18:01:00", "18:61:00", "18:02:00"), (3, "18:02:00"), "RGEO[1].DATIME"),
        (("18:01:00", "19:03:00"), (2, "18:04:00"), "RGEO[1].DATIME"),
    ],
)
def test_a_resource_is_where_it_was_last(
    times: tuple[str, ...], wanted: tuple[int, str], named: str
) -> None:
    emsi = emsi_of("AVAILB")
    emsi["RESOURCE"][0]["RGEO"] = [
        {"TYPE": "CUR", "DATIME": f"2026-11-23T{time}+01:00",
         "POSITION": [{"COORD": [{"LAT": 43.0 + number, "LONG": 4.0}]}]}
        for number, time in enumerate(times, start=1)
    ]  # fmt: skip
    body = json.dumps({"emsi": emsi})
    [_, placed], fault = faulty(body) if named else (read(body), None)

    assert isinstance(placed, CrewFix)
    assert placed.position is not None
    assert placed.position.lat == 43.0 + wanted[0]
    assert placed.at == datetime.fromisoformat(f"2026-11-23T{wanted[1]}+01:00")
    assert named in (fault.field if fault else "")


@pytest.mark.parametrize(
    ("before", "after"),
    [('"distributionStatus": "Actual"', '"distributionStatus": "Exercise"'),
     ('"status": "Actual"', '"status": "Exercise"'), ('"MODE": "ACTUAL"', '"MODE": "EXERCS"')],
)  # fmt: skip
def test_the_crews_of_an_exercise_are_nobody_s_reinforcement(before: str, after: str) -> None:
    for content in (json.loads(positions(one())), {"emsi": emsi_of("AVAILB")}):
        body = json.dumps(envelope(content))
        if before in body:
            facts, fault = faulty(body.replace(before, after))

            assert facts == []
            assert fault.value in ("Exercise", "EXERCS")


# --- the hostile ---

EARLIER = {"geoPositionsUpdate": {"position": [one(datetime="2026-11-23T01:04:00+01:00")]}}


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind != "schema"])
def test_what_is_hostile_is_refused_with_a_clear_answer(kind: str) -> None:
    body, _ = hostile(kind)

    facts, fault = faulty(body)

    assert facts == []
    assert fault.field
    assert len(str(fault)) < 1000
    assert "root:" not in str(fault)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_xml_in_sixteen_bits_is_xml_with_a_mark_of_its_order_or_without(encoding: str) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><alert xmlns="urn:other"/>'

    assert faulty(text.encode(encoding))[1].field == "xmlns"


def test_a_message_of_another_tongue_is_no_message() -> None:
    for body in ("", "hello", "[]", "<html/>", "<message/>", "null", "\ufeff{}"):
        assert faulty(body)[0] == []


def test_of_many_bad_positions_none_is_taken_for_right() -> None:
    good, bad = one(), one(status="LIBRE")

    facts, _ = faulty(positions(*[bad] * 200, good))

    assert len(facts) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<emsi>" + "<EVENT/>" * 5000 + "</emsi>",
        "<geoPositionsUpdate>" + "<position/>" * 5000 + "</geoPositionsUpdate>",
        "<message>" + "<sender/>" * 5000 + "</message>",
        "<message>" + "<emsi/>" * 5000 + "</message>",
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>" + "<sent/>" * 5000 + "</alert>",
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>" + "<a>" * 60_000 + "</a>" * 60_000
        + "</alert>",
    ],
    ids=["events", "positions", "header", "use cases", "sent", "deep"],
)  # fmt: skip
def test_what_comes_thousands_of_times_is_refused_and_hurts_nobody(body: str) -> None:
    facts, fault = faulty(body)

    assert facts == []
    assert len(str(fault)) < 6000


def test_an_alert_of_no_namespace_is_told_that_it_has_none() -> None:
    _, fault = faulty("<alert/>")

    assert (fault.field, fault.value) == ("xmlns", "")


def test_a_fault_found_a_thousand_times_is_not_told_a_thousand_times() -> None:
    _, fault = faulty(positions(*[one(status="LIBRE")] * 2000))

    assert len(str(fault)) < 3000


def test_the_decoder_survives_any_bytes(tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text(
        f'[identity]\nsender = "{IDENTITY.sender}"\norganisation = "fr.police.lagrandemotte"\n'
        f'name = "CSU"\n'
    )
    samples = [
        acknowledgement(alert(), "Ack"), json.dumps(envelope(EARLIER)).encode(),
        positions(one(datetime="2026-11-23T01:04:00+01:00")).encode(),
    ]  # fmt: skip

    told = check_decoder(Ineo(), samples, {"profile": str(profile)})

    assert len(told) == 3
