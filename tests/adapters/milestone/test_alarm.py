"""What our alarms say, when they change, how they are found again: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters._shared.news import far, matters
from adapters.milestone import alarm
from adapters.milestone.record import Record, Shown, read_record
from hooks import (
    Camera,
    CameraId,
    Crew,
    CrewId,
    DeviceId,
    IncidentId,
    Officer,
    Phase,
    Picture,
    PixelClass,
    Position,
    Receipt,
    Reinforcement,
    Sighting,
    Situation,
    SourceKind,
    Trigger,
)

PRESSED = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PICTURE = Picture(
    incident=IncidentId("axis:s1"), version=1, phase=Phase.NEW, opened_at=PRESSED,
    device=DeviceId("axis:B8A44F00A001"), officer=Officer(), kind=SourceKind.BODY_WORN,
    trigger=Trigger.BUTTON, position=Position(lon=4.08, lat=43.56),
    title="AGENT EN DANGER : PM-214", text="Position : 43.56, 4.08.\nCaméras : Gare.",
)  # fmt: skip


def sighting(camera: str) -> Sighting:
    return Sighting(
        camera=Camera(id=CameraId(camera)), distance_m=30, bearing_deg=0, density_px_m=None,
        pixel_class=PixelClass.NONE, must_turn=False, share=1.0,
    )  # fmt: skip


def in_the_inventory(guid: str, name: str, enabled: bool = True) -> Camera:
    return Camera(id=CameraId(f"milestone:{guid}"), name=name, enabled=enabled)


# --- words ---


def test_the_message_ends_with_our_mark() -> None:
    assert alarm.message(PICTURE) == "Position : 43.56, 4.08. Caméras : Gare. [renfort:axis:s1]"


@given(st.text(max_size=5000))
def test_no_text_is_too_long_nor_loses_the_mark(text: str) -> None:
    picture = replace(PICTURE, text=text, title=text)

    assert alarm.message(picture).endswith("[renfort:axis:s1]")
    assert len(alarm.message(picture)) <= alarm.LONGEST_TEXT
    assert 0 < len(alarm.name(picture)) <= alarm.LONGEST_NAME
    assert len(alarm.comment(picture)) <= alarm.LONGEST_TEXT


def test_control_characters_do_not_reach_the_vms() -> None:
    picture = replace(PICTURE, title="PM\x00-\x1b[31m214\u202e")

    assert alarm.name(picture) == "PM-[31m214"


# --- what an operator must be told ---


@pytest.mark.parametrize(
    "changed",
    [
        replace(PICTURE, phase=Phase.TAKEN),
        replace(PICTURE, owner="Durand"),
        replace(PICTURE, engaged=(CrewId("crews:21"),)),
        replace(PICTURE, link_up=False),
        replace(PICTURE, ended_at=PRESSED),
        replace(PICTURE, position=None),
        replace(PICTURE, last_known=True),
        replace(PICTURE, closed_by="Durand", outcome="Résolu"),
    ],
)
def test_what_an_operator_must_know_is_told(changed: Picture) -> None:
    assert matters(changed) != matters(PICTURE)


def test_crews_drawing_nearer_are_not_told() -> None:
    crew = Reinforcement(
        crew=Crew(id=CrewId("crews:21")), time_s=60, distance_m=300, by_road=True,
        fix_age_s=2.0, stale=False,
    )  # fmt: skip
    nearer = replace(
        PICTURE, version=7, text="Équipage le plus proche : 1 min.",
        situation=Situation(reinforcements=(crew,), sightings=(sighting("milestone:1"),)),
    )  # fmt: skip

    assert matters(nearer) == matters(PICTURE)


@pytest.mark.parametrize(
    ("lon", "lat", "moved"),
    [(4.08, 43.5615, False), (4.0820, 43.56, False), (4.08, 43.5620, True), (4.0826, 43.56, True)],
)
def test_he_is_far_from_two_hundred_metres_on(lon: float, lat: float, moved: bool) -> None:
    assert far(PICTURE.position, Position(lon=lon, lat=lat), alarm.MOVED_M) is moved


def test_the_date_line_is_not_far() -> None:
    west, east = Position(lon=179.9999, lat=-17), Position(lon=-179.9999, lat=-17)

    assert not far(west, east, alarm.MOVED_M)


# --- state and priority ---


@pytest.mark.parametrize(
    ("phase", "state"),
    [(Phase.NEW, "new"), (Phase.TAKEN, "in_progress"), (Phase.ENGAGED, "in_progress")],
)
def test_a_phase_has_its_state(phase: Phase, state: str) -> None:
    assert alarm.wanted(replace(PICTURE, phase=phase), Shown(alarm="a")).state == state


def test_a_closed_incident_keeps_its_state_until_it_is_withdrawn() -> None:
    closed = replace(PICTURE, phase=Phase.CLOSED)

    assert alarm.wanted(closed, Shown(alarm="a", state="in_progress")).state == "in_progress"


def test_an_exercise_is_of_low_priority() -> None:
    assert alarm.wanted(replace(PICTURE, exercise=True), Shown(alarm="a")).priority == "low"
    assert alarm.wanted(PICTURE, Shown(alarm="a")).priority == "high"


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([{"id": "g1", "name": "Nouvelle", "level": 1}, {"id": "g4", "level": 4}], "g4"),
        ([{"id": "g4", "name": "En cours", "level": "4"}], "g4"),
        ([{"id": 4, "name": "En cours"}], 4),
        ([{"id": "4", "name": "En cours"}], "4"),
        ([{"id": "x", "name": "IN PROGRESS"}], "x"),
        ([{"id": "x", "displayName": "In progress", "level": None}], "x"),
        ([{"id": 4, "name": "Autre", "level": 9}], None),
        ([{"name": "In progress"}, {"id": None, "level": 4}], None),
        ([], None),
    ],
)
def test_a_state_is_found_by_its_level_then_by_its_name(
    listed: list[dict[str, object]], found: str | int | None
) -> None:
    assert alarm.pick(listed, *alarm.LEVELS["in_progress"]) == found


# --- source ---


def test_the_source_is_his_own_camera_first_then_who_sees_him_then_the_fallback() -> None:
    picture = replace(
        PICTURE,
        situation=Situation(sightings=(sighting("axis:9"), sighting("milestone:see"))),
    )

    assert alarm.sources(picture, "own", "fall") == ["own", "see", "fall"]
    assert alarm.sources(picture, "", "fall") == ["see", "fall"]
    assert alarm.sources(PICTURE, "", "") == []


def test_a_camera_named_after_the_device_stands_for_it() -> None:
    inventory = [in_the_inventory("far", "Gare"), in_the_inventory("own", "BWC b8a44f00a001")]

    assert alarm.named_after(PICTURE, inventory) == "own"


def test_a_camera_switched_off_does_not_stand_for_the_officer() -> None:
    inventory = [in_the_inventory("off", "BWC B8A44F00A001", enabled=False)]

    assert alarm.named_after(PICTURE, inventory) == ""


def test_a_short_serial_is_not_looked_for_in_names() -> None:
    picture = replace(PICTURE, device=DeviceId("axis:12"))

    assert alarm.named_after(picture, [in_the_inventory("g", "Gare 12")]) == ""


def test_the_same_camera_is_tried_once() -> None:
    picture = replace(PICTURE, situation=Situation(sightings=(sighting("milestone:g"),)))

    assert alarm.sources(picture, "", "g") == ["g"]


# --- finding ours again ---


def test_our_alarm_is_found_by_its_mark_whatever_field_holds_it() -> None:
    alarms = [
        {"id": "other", "message": "[renfort:axis:s10]"},
        {"id": "ours", "description": "… [renfort:axis:s1]"},
    ]

    assert alarm.find(alarms, alarm.reference(PICTURE)) == "ours"
    assert alarm.find(alarms, "[renfort:axis:s2]") is None


def test_the_oldest_of_two_is_ours() -> None:
    mark = alarm.reference(PICTURE)
    alarms = [
        {"id": "none", "message": mark},
        {"id": "late", "message": mark, "time": "2026-11-23T01:30:05.1234567Z"},
        {"id": "soon", "message": mark, "time": "2026-11-23T01:30:04.9999999"},
    ]

    assert alarm.find(alarms, mark) == "soon"


def page(*hours: float) -> list[dict[str, str]]:
    times = [(PRESSED + timedelta(hours=each)).isoformat() for each in hours]
    return [{"id": "x", "time": each} for each in times]


@pytest.mark.parametrize(
    ("alarms", "past"),
    [
        (page(2, 0, -3), True),
        (page(2, 1), False),
        (page(1, -0.5), False),
        (page(-5, -4), False),  # from old to new: ours is further on
        (page(-5), False),
        (page(-5, -5), False),
        (page(1, -5, 2), False),
        ([*page(2, -5), {"id": "x"}], False),
        ([{"id": "x", "time": "never"}, {"id": "y", "time": "0001-01-01T00:00:00.0000000"}], False),
        ([], False),
    ],
)
def test_only_a_list_seen_to_go_back_in_time_ends_the_search(
    alarms: list[dict[str, str]], past: bool
) -> None:
    assert alarm.past(alarms, PRESSED) is past


# --- receipts ---


def test_a_receipt_reads_as_it_was_written() -> None:
    shown = Shown(alarm="a", state="in_progress", priority="high", told="[1]")
    record = Record(shown=shown, parts={"wall": {"monitor": "m", "before": "<x/>"}})

    assert read_record(record.receipt()) == record


def test_a_receipt_holds_no_place_and_no_text() -> None:
    written = Record(shown=alarm.wanted(PICTURE, Shown(alarm="a"))).receipt().data

    assert "43.5" not in written
    assert "Gare" not in written


@pytest.mark.parametrize("data", ["", "{", "null", "[]", '"a"', "{}", '{"alarm": 3}', "[" * 99])
def test_a_receipt_that_cannot_be_read_is_empty(data: str) -> None:
    assert read_record(Receipt(data=data)) == Record()


@pytest.mark.parametrize("parts", ["[]", "3", '{"wall": 4}', '{"wall": {}}'])
def test_parts_that_make_no_sense_are_left_out(parts: str) -> None:
    read = read_record(Receipt(data=f'{{"alarm": "a", "parts": {parts}}}'))

    assert read.shown == Shown(alarm="a")
    assert not any(read.parts.values())


def test_a_receipt_of_another_release_is_read_for_what_it_says() -> None:
    written = Receipt(data='{"alarm": "a", "state": 4, "new": true, "told": "x"}')

    assert read_record(written) == Record(shown=Shown(alarm="a", told="x"))
