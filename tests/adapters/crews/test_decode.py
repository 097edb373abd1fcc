"""What crews say, in any of the forms, with anything wrong in it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.crews import Crews
from adapters.crews.decode import RETAINED, RS
from adapters.crews.words import MEANS, STATUSES
from hooks import CrewFix, CrewStatus, Envelope, Malformed, Means
from hooks.reading import LARGEST
from hooks.testing import check_adapter, check_decoder, check_value

NOW = datetime(2026, 11, 23, 17, 4, 10, tzinfo=UTC)
PAGE = (Path(__file__).parents[3] / "docs" / "integrators" / "crews.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"-(?:d|m) '(\{.*?\})'", PAGE, re.DOTALL)


def envelope(body: object, channel: str = "intake", received_at: datetime = NOW) -> Envelope:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Envelope(adapter="crews", body=raw, received_at=received_at, channel=channel)


def decode(body: object, channel: str = "intake", received_at: datetime = NOW) -> list[CrewFix]:
    told = list(Crews().decode(envelope(body, channel, received_at)))
    assert all(isinstance(fact, CrewFix) for fact in told)
    return [fact for fact in told if isinstance(fact, CrewFix)]


def with_fault(body: object, channel: str = "intake") -> tuple[list[CrewFix], Malformed]:
    """Give what was told before the fault, and the fault."""
    facts: list[Any] = []
    with pytest.raises(Malformed) as caught:
        facts.extend(Crews().decode(envelope(body, channel)))
    return facts, caught.value


def feature(**said: Any) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": said.pop("at", [1.4440, 43.6045])}
    properties = {"id": "21", "fixed_at": "2026-11-23T17:04:02Z", **said}
    return {"type": "Feature", "geometry": point, "properties": properties}


def collection(*features: object) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


# --- the page ---


@pytest.mark.parametrize("example", EXAMPLES + COMMANDS)
def test_an_example_of_the_page_is_understood_without_fault(example: str) -> None:
    told = decode(example.encode())

    assert [fact.crew for fact in told][:1] == ["crews:21"]


def test_the_page_has_its_examples_for_both_inlets() -> None:
    assert len(EXAMPLES) == 4
    assert len(COMMANDS) == 2


def test_every_word_of_the_page_is_known() -> None:
    rows = {
        name: re.findall(r"`([^`]+)`", line.split("|")[3])
        for line in PAGE.splitlines()
        for name in ("status", "means")
        if line.startswith(f"| `{name}` |")
    }

    for word in rows["status"]:
        assert decode(feature(status=word))[0].status is not CrewStatus.UNKNOWN
    for word in rows["means"]:
        assert decode(feature(means=word))[0].means is not Means.UNKNOWN
    assert len(rows["status"]) > len(CrewStatus)


# --- what is right ---


def test_a_feature_tells_everything_it_says() -> None:
    body = feature(
        name="Brigade 21", status="Engagé", means="À PIED", accuracy_m=8, members=["PM-214"]
    )

    [fact] = decode(body)

    assert fact.name == "Brigade 21"
    assert fact.status is CrewStatus.ENGAGED
    assert fact.means is Means.FOOT
    assert fact.members == ("PM-214",)
    assert fact.position is not None
    assert (fact.position.lon, fact.position.lat) == (1.4440, 43.6045)
    assert fact.position.accuracy_m == 8
    assert fact.position.fixed_at == datetime(2026, 11, 23, 17, 4, 2, tzinfo=UTC)


def test_what_is_not_said_stays_as_it_was() -> None:
    [fact] = decode({"id": 21})

    assert fact.crew == "crews:21"
    assert (fact.name, fact.position, fact.status, fact.means, fact.members) == (None,) * 5


def test_a_status_is_of_now_even_when_the_fix_is_old() -> None:
    """A crew inside a building has no new fix, and becomes free all the same."""
    [fact] = decode(feature(status="disponible", fixed_at="2026-11-23T16:30:00Z"))

    assert fact.at == NOW
    assert fact.position is not None
    assert fact.position.fixed_at == datetime(2026, 11, 23, 16, 30, tzinfo=UTC)


def test_a_position_without_its_time_is_of_when_it_was_received() -> None:
    [fact] = decode({"id": "21", "lon": 1.4, "lat": 43.6})

    assert fact.position is not None
    assert fact.position.fixed_at == NOW


def test_a_report_heard_twice_has_one_name_and_another_report_another() -> None:
    [first] = decode(feature(status="free"), received_at=NOW)
    [again] = decode(feature(status="free"), received_at=NOW + timedelta(seconds=30))
    [other] = decode(feature(status="break"), received_at=NOW)

    assert first.id == again.id
    assert first.id != other.id


@pytest.mark.parametrize("word", [*STATUSES, "  Sur   Place ", "en route", "Engagée"])
def test_a_known_status_is_understood_whatever_its_case(word: str) -> None:
    [fact] = decode({"id": "21", "status": word.upper()})

    assert (fact.status is CrewStatus.UNKNOWN) == (word == "unknown")


@pytest.mark.parametrize("word", MEANS)
def test_a_known_means_is_understood(word: str) -> None:
    [fact] = decode({"id": "21", "means": word})

    assert fact.means is MEANS[word]


# --- what is wrong ---


def test_one_bad_feature_loses_nothing_but_itself_and_is_named() -> None:
    body = collection(feature(), {"type": "Feature", "properties": {}}, feature(id="34"), 7)

    facts, fault = with_fault(body)

    assert [fact.crew for fact in facts] == ["crews:21", "crews:34"]
    assert fault.field == "features[1].id"
    assert "features[3] = 7: write a GeoJSON feature" in str(fault)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"at": [1.4, 95.0]}, "lon, lat"),
        ({"at": [0, 0]}, "lon, lat"),
        ({"at": [1.4, None]}, "lon, lat"),
        ({"at": [float("nan"), 43.6]}, "lon"),
        ({"at": ["1.4", 43.6]}, "lon"),
        ({"at": [1.4, 10**400]}, "lat"),
        ({"at": [1.4]}, "geometry.coordinates"),
        ({"at": "1.4,43.6"}, "geometry.coordinates"),
    ],
)
def test_a_bad_place_is_named_and_the_status_kept(wrong: dict[str, Any], named: str) -> None:
    facts, fault = with_fault(feature(status="sur place", **wrong))

    assert facts[0].position is None
    assert facts[0].status is CrewStatus.ON_SCENE
    assert fault.field == named


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"status": "dispo"}, "status"),
        ({"status": 1}, "status"),
        ({"means": "hélicoptère"}, "means"),
        ({"name": 21}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"members": "PM-214"}, "members"),
        ({"members": [214]}, "members"),
        ({"members": ["x"] * 21}, "members"),
        ({"accuracy_m": -1}, "accuracy_m"),
        ({"accuracy_m": "8"}, "accuracy_m"),
    ],
)
def test_a_bad_property_is_named_and_the_position_kept(wrong: dict[str, Any], named: str) -> None:
    facts, fault = with_fault(feature(**wrong))

    assert facts[0].position is not None
    assert fault.field == named


@pytest.mark.parametrize(
    "when", ["17:04", "2026-11-23T17:04:02", 1795457042, "0001-01-01T00:00:00+23:59", ""]
)
def test_a_place_whose_time_cannot_be_read_is_not_taken_for_now(when: object) -> None:
    facts, fault = with_fault(feature(fixed_at=when, status="free"))

    assert (facts[0].position, facts[0].status) == (None, CrewStatus.FREE)
    assert fault.field == "fixed_at"


def test_a_time_before_all_time_is_named_and_silences_no_other_crew() -> None:
    never = {"id": "21", "lon": 1.4, "lat": 43.6, "fixed_at": "0001-01-01T00:00:00+01:00"}
    known = {**never, "id": "34", "fixed_at": "2026-11-23T17:04:02Z"}

    told, fault = with_fault(b"".join(RS + json.dumps(each).encode() for each in (never, known)))

    assert [(fact.crew, fact.position is not None) for fact in told] == [
        ("crews:21", False), ("crews:34", True),
    ]  # fmt: skip
    assert fault.field == "texts[0].fixed_at"


def test_a_number_longer_than_any_name_is_no_crew() -> None:
    said = {"id": 10**200, "lon": 1.4, "lat": 43.6, "fixed_at": "2026-11-23T17:04:02Z"}

    assert with_fault(said)[1].field == "id"


def test_a_status_nobody_knows_does_not_leave_the_crew_free() -> None:
    facts, _ = with_fault(feature(status="dispo"))

    assert facts[0].status is CrewStatus.UNKNOWN


def test_a_fix_of_the_future_is_held_to_now_and_said() -> None:
    ahead = (NOW + timedelta(seconds=61)).isoformat()

    facts, fault = with_fault(feature(fixed_at=ahead))

    assert facts[0].position is not None
    assert facts[0].position.fixed_at == NOW
    assert fault.field == "fixed_at"


def test_a_fix_a_minute_ahead_is_believed() -> None:
    ahead = NOW + timedelta(seconds=60)

    [fact] = decode(feature(fixed_at=ahead.isoformat()))

    assert fact.position is not None
    assert fact.position.fixed_at == ahead


def test_a_retained_position_without_its_time_is_not_taken_for_new() -> None:
    body = {"id": "21", "lon": 1.4, "lat": 43.6, "status": "free"}

    facts, fault = with_fault(body, RETAINED)

    assert facts[0].position is None
    assert facts[0].status is CrewStatus.FREE
    assert fault.field == "fixed_at"


@pytest.mark.parametrize("name", [None, "", " ", True, 1.5, [], "x" * 101])
def test_nobody_s_position_is_nothing(name: object) -> None:
    facts, fault = with_fault(feature(id=name))

    assert facts == []
    assert fault.field == "id"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "message"),
        (b"\xff\xfe", "message"),
        (b"[]", "message"),
        (b"[" * 100_000, "message"),
        (b'{"a":' + b"9" * 5000 + b"}", "message"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "message"),
        (b" " * ((1 << 20) + 1), "message"),
        (b'{"type": "Point"}', "type"),
        (b'{"type": "FeatureCollection"}', "features"),
        (b'{"type": "Feature", "geometry": {}, "id": null}', "geometry.type"),
    ],
    ids=["nothing", "utf8", "list", "bomb", "huge", "deep", "large", "type", "features", "all"],
)
def test_a_hostile_message_tells_nothing_and_says_what_to_write(body: bytes, named: str) -> None:
    facts, fault = with_fault(body)

    assert facts == []
    assert fault.field == named


def test_each_fault_of_a_feature_is_told_with_its_own_remedy() -> None:
    _, fault = with_fault({"type": "Feature", "geometry": 7})

    assert "geometry.type = 7: write Point, or no geometry" in str(fault)
    assert "id = None: write the crew's identifier" in str(fault)


@pytest.mark.parametrize("huge", [b'{"id": "8", "name": "%s"}', b"$GPRMC,%s", b"<event>%s</event>"])
def test_a_text_beyond_all_measure_is_refused_unread_and_the_others_are_told(huge: bytes) -> None:
    fine = b'{"id": "7", "status": "free"}'
    body = b"".join(RS + each + b"\n" for each in (fine, huge % (b"x" * LARGEST), fine))

    facts, fault = with_fault(body)

    assert [fact.crew for fact in facts] == ["crews:7", "crews:7"]
    assert fault.field == "texts[1].message"
    assert "at most 1048576 bytes" in str(fault)


def test_a_key_written_twice_is_told_and_loses_nothing() -> None:
    facts, fault = with_fault(b'{"id": "21", "status": "free", "status": "break"}')

    assert facts[0].status is CrewStatus.BREAK
    assert fault.field == "status"


def test_a_name_that_breaks_a_page_is_made_harmless() -> None:
    [fact] = decode(feature(name="Brigade\u202e21\n\ud800"))

    assert fact.name == "Brigade 21"


# --- any bytes ---


def survives(body: bytes) -> None:
    facts: list[Any] = []
    try:
        for fact in Crews().decode(envelope(body)):
            facts.append(fact)  # noqa: PERF402  (kept when it raises)
    except Malformed as fault:
        said = str(fault)
        assert said
    for fact in facts:
        check_value(fact, "crews")
        msgspec.json.encode(fact)  # a lone surrogate would not pass


@given(st.binary())
def test_any_bytes_are_survived(body: bytes) -> None:
    survives(body)


_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
_any = st.recursive(
    _leaves | st.just(10**400) | st.just("\ud800"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
_names = ["id", "name", "status", "means", "fixed_at", "accuracy_m", "members", "lon", "lat"]
_said = st.dictionaries(st.sampled_from(_names), _any)
_points = st.fixed_dictionaries({"type": st.just("Point"), "coordinates": st.lists(_any)})
_features = st.fixed_dictionaries(
    {"type": st.just("Feature"), "geometry": _points | _any, "properties": _said | _any}
)


@given(_said | _features | st.lists(_features | _any).map(lambda each: collection(*each)))
def test_any_report_is_survived(body: dict[str, Any]) -> None:
    survives(json.dumps(body).encode())


@given(st.lists(st.sampled_from(["21", "34", None]), max_size=6))
def test_every_good_feature_of_a_collection_is_told(names: list[str | None]) -> None:
    body = collection(*(feature(id=name) for name in names))
    good = [f"crews:{name}" for name in names if name]

    told = with_fault(body)[0] if None in names else decode(body)

    assert [fact.crew for fact in told] == good


def test_the_adapter_keeps_the_contract_and_survives_damage() -> None:
    # The kit's clock is of an earlier hour: yesterday's fixes are not yet to come.
    samples = [example.replace("2026-11-23", "2026-11-22").encode() for example in EXAMPLES]

    assert check_adapter(Crews(), {}).name == "crews"
    assert check_decoder(Crews(), samples, {}, channel="intake")


# --- the quick reader ---

_said = st.fixed_dictionaries(
    {"id": st.one_of(st.text(max_size=110), st.integers(-5, 10**120), st.none())},
    optional={
        "lon": st.one_of(st.floats(-200, 200), st.integers(-1, 1), st.text(max_size=3)),
        "lat": st.one_of(st.floats(-100, 100), st.integers(-1, 1), st.none()),
        "accuracy_m": st.one_of(st.floats(-1, 100), st.booleans()),
        "fixed_at": st.sampled_from(
            ["2026-11-23T17:04:02Z", "2026-11-23T18:04:02+01:00", "2026-11-23T17:04:02",
             "2027-01-01T00:00:00Z", "20261123T170402Z", "soon", 3, "0001-01-01T00:00:00+01:00"]
        ),
        "status": st.sampled_from(["free", "disponible", "Disponible", "lost", "unknown", 3]),
        "means": st.sampled_from(["car", "voiture", "Vélo", "boat"]),
        "name": st.text(max_size=210),
        "members": st.lists(st.text(max_size=5), max_size=22),
        "colour": st.just("red"),
    },
)  # fmt: skip


@given(_said, st.sampled_from(["intake", RETAINED]))
def test_the_quick_reader_tells_what_the_patient_one_tells_or_nothing(
    said: dict[str, Any], channel: str
) -> None:
    from dataclasses import replace

    from adapters.crews import quick
    from adapters.crews.geojson import AHEAD, read_geojson

    message = envelope(said, channel)
    found = quick.read(message, NOW + AHEAD)
    if found is None:
        return
    faults: list[Malformed] = []
    [patient] = read_geojson(json.loads(message.body), message, faults)

    assert faults == []
    assert replace(found, id=patient.id) == patient


def test_the_common_form_is_read_quickly() -> None:
    from adapters.crews import quick

    said = {"id": "21", "lon": 1.4, "lat": 43.6, "fixed_at": "2026-11-23T17:04:02Z",
            "status": "disponible", "means": "voiture", "accuracy_m": 8}  # fmt: skip

    assert quick.read(envelope(said), NOW) is not None
