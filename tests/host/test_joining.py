"""Which recordings are of an incident, and how their trail agrees with what was heard live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hooks import (
    Activation,
    ActivationId,
    DeviceId,
    End,
    Fact,
    FactId,
    KeptPiece,
    Officer,
    Piece,
    Position,
    Recording,
    RecordingId,
)
from vms_plugin.i18n import Language
from vms_plugin.recordings.joining import matches
from vms_plugin.recordings.ledger import Held
from vms_plugin.recordings.reconcile import Comparison, compare

T = datetime(2026, 11, 23, 18, 4, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
SAY = Language("fr")
DEVICE = DeviceId("axis:c1")
LIVE_NAME = "20261123_190312_7F3A_c1"


def press(device: str = "axis:c1", **more: object) -> Activation:
    given = {"officer": Officer(id="u1"), "extra": {"recordingId": LIVE_NAME}, **more}
    return Activation(
        id=FactId("axis:e1"), at=T, activation=ActivationId("axis:s1"), device=DeviceId(device),
        **given,  # type: ignore[arg-type]
    )  # fmt: skip


def end(seconds: float) -> End:
    at = T + timedelta(seconds=seconds)
    return End(id=FactId("axis:e2"), at=at, activation=ActivationId("axis:s1"), device=DEVICE)


def held(
    start_s: float | None = -30, length_s: float = 300, device: str | None = "axis:c1",
    user: str = "u1", named: str = "",
) -> Held:  # fmt: skip
    start = None if start_s is None else T + timedelta(seconds=start_s)
    recording = Recording(
        id=RecordingId("axis:r1"), device=DeviceId(device) if device else None,
        officer=Officer(id=user), started_at=start,
        ended_at=start + timedelta(seconds=length_s) if start else None,
    )  # fmt: skip
    piece = Piece(recording=recording.id, name="clip", recorded_as=named)
    kept = KeptPiece(piece=piece, size=1, sha256="")
    return Held(recording=recording, received_at=T + timedelta(hours=6), pieces=(kept,))


def how(facts: list[Fact], *recordings: Held) -> list[str]:
    return [str(match.how) for match in matches(facts, recordings)]


def test_the_cameras_own_name_of_it_is_enough_whatever_its_clock() -> None:
    far = held(start_s=86_400, named=LIVE_NAME, device="axis:other")

    assert how([press()], far) == [f"the camera itself named it at the press: {LIVE_NAME}"]


def test_same_camera_and_same_time_is_the_next_best() -> None:
    assert how([press(extra={}), end(600)], held()) == ["same camera, same time"]
    assert how([press(extra={}), end(600)], held(start_s=590)) == ["same camera, same time"]
    assert how([press(extra={}), end(600)], held(start_s=1200)) == []
    assert how([press(extra={})], held(start_s=-7200, length_s=60)) == []
    assert how([press(extra={})], held(device="axis:c2")) == []


def test_the_wearer_counts_when_the_camera_is_not_known() -> None:
    unknown = press(device="axis:unknown", extra={})

    assert how([unknown], held()) == ["same wearer, same time; the camera is not known"]
    assert how([unknown], held(user="u2")) == []
    assert how([press(extra={})], held(device=None)) == [
        "same wearer, same time; the camera is not known"
    ]


def test_a_recording_without_date_is_joined_by_its_name_alone() -> None:
    assert how([press()], held(start_s=None)) == []
    assert len(how([press()], held(start_s=None, named=LIVE_NAME))) == 1


def test_an_incident_of_which_no_press_is_known_has_no_recording() -> None:
    assert how([end(5)], held()) == []


# --- the trail against what was heard ---

#: A degree of latitude is 111 km: 1e-5 is 1.1 m.
STEP = 1e-5


def place(seconds: float, metres: float = 0.0, *, speed: float = 2.0) -> Position:
    """Give where somebody who walks north at `speed` m/s is, `metres` too far east."""
    lat = 43.56 + seconds * speed / 111_120
    lon = 4.08 + metres / 80_700
    return Position(lon=lon, lat=lat, fixed_at=T + timedelta(seconds=seconds))


def moved(fix: Position, seconds: float) -> Position:
    assert fix.fixed_at is not None
    return Position(lon=fix.lon, lat=fix.lat, fixed_at=fix.fixed_at + timedelta(seconds=seconds))


TRAIL = [place(seconds) for seconds in range(0, 300, 5)]


def said(found: Comparison) -> list[str]:
    return [SAY.message(each) for each in found.said(PARIS)]


def test_live_positions_on_the_trail_agree() -> None:
    found = compare(TRAIL, [place(seconds + 0.5, 3) for seconds in range(10, 200, 7)])

    assert found.median_m is not None
    assert 2.9 < found.median_m < 3.1
    assert found.late_s is None
    assert said(found) == [
        "positions en direct comparées à la trace de la caméra : 28 ; elles concordent, la moitié "
        "à moins de 3 m, toutes à moins de 3 m"
    ]


def test_one_that_is_far_is_said_with_its_hour() -> None:
    live = [place(seconds) for seconds in range(10, 100, 10)] + [place(55, 340)]
    found = compare(TRAIL, live)

    assert found.worst_m is not None
    assert 335 < found.worst_m < 345
    [sentence] = said(found)
    assert "une à 340 m, à 19:04:55" in sentence


def test_positions_that_come_late_are_told_in_seconds() -> None:
    late = [moved(place(seconds, speed=8), 40) for seconds in range(60, 200, 5)]
    early = [moved(place(seconds, speed=8), -25) for seconds in range(60, 200, 5)]
    trail = [place(seconds, speed=8) for seconds in range(0, 300, 5)]

    assert (compare(trail, late).late_s, compare(trail, early).late_s) == (40, -25)
    assert "en retard de 40 s sur la trace" in said(compare(trail, late))[-1]
    assert "en avance de 25 s sur la trace" in said(compare(trail, early))[-1]


def test_what_falls_outside_the_trail_is_counted_not_judged() -> None:
    hole = [each for each in TRAIL if not 100 < (each.fixed_at - T).total_seconds() < 200]  # type: ignore[operator]
    found = compare(hole, [place(50), place(150), place(900), place(-4)])

    assert (found.compared, found.outside) == (1, 3)
    assert said(found)[-1] == "positions en direct là où la trace ne dit rien : 3"


def test_nothing_heard_and_nothing_recorded_are_said() -> None:
    assert said(compare(TRAIL, [])) == [
        "rien n'a été entendu en direct : la trace est tout ce qu'il y a"
    ]
    assert compare([], [place(1)]) == Comparison(outside=1)
    assert compare([place(1)], [place(1)]).median_m == 0


seconds = st.floats(0, 290)


@settings(deadline=None)
@given(st.lists(st.tuples(seconds, st.floats(-500, 500)), min_size=1, max_size=30), st.randoms())
def test_the_order_of_arrival_and_repeats_change_nothing(
    walked: list[tuple[float, float]], chance: object
) -> None:
    live = [place(at, metres) for at, metres in walked]
    shuffled = [*live, *live]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    trail = [*TRAIL]
    chance.shuffle(trail)  # type: ignore[attr-defined]

    assert compare(trail, shuffled) == compare(TRAIL, live)


@settings(deadline=None)
@given(st.lists(st.tuples(seconds, st.floats(-500, 500)), min_size=1, max_size=30))
def test_a_distance_is_what_was_walked_aside(walked: list[tuple[float, float]]) -> None:
    found = compare(TRAIL, [place(at, metres) for at, metres in walked])

    assert found.worst_m is not None
    assert abs(found.worst_m - max(abs(metres) for _, metres in walked)) < 2
