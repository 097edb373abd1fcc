"""The drill of the daily proof: pressed where a site can, else given to hear; marked either way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import responses

from adapters.axis import Axis
from adapters.axis.exercise import Drill
from hooks import (
    Activation,
    BadSettings,
    DeviceId,
    Envelope,
    FactId,
    Position,
    Refused,
    Unreachable,
)

SITE = "http://127.0.0.1:9000"
PLACE = Position(lon=4.08, lat=43.56, accuracy_m=10)
SERIAL = "B8A44F00A009"


def axis(**more: str) -> Axis:
    adapter = Axis()
    adapter.configure({"transport": "bridge", **more})
    return adapter


def heard(adapter: Axis, session: str, serial: str = SERIAL) -> Activation:
    body = {
        "renfort_bridge": 1, "type": "stream.active", "id": session,
        "at": datetime.now(UTC).isoformat(), "camera_serial": serial, "session_id": session,
    }  # fmt: skip
    envelope = Envelope(
        adapter="axis", body=json.dumps(body).encode(), received_at=datetime.now(UTC),
        channel="intake",
    )  # fmt: skip
    [press] = [fact for fact in adapter.decode(envelope) if isinstance(fact, Activation)]
    return press


def test_without_a_spare_camera_a_companions_own_message_is_given() -> None:
    adapter = axis()
    made = adapter.exercise("m1", PLACE, over=False)

    assert made is not None
    assert made.envelope is not None
    [press] = adapter.decode(made.envelope)
    assert isinstance(press, Activation)
    assert press.activation == made.activation
    assert press.exercise
    assert press.position is not None
    assert (press.position.lon, press.position.lat) == (4.08, 43.56)
    assert adapter.exercise("m1", PLACE, over=True) is None


@responses.activate
def test_the_spare_cameras_press_is_marked_and_nobody_elses() -> None:
    responses.post(f"{SITE}/press", json={"sessionId": "s9"})
    responses.post(f"{SITE}/release", json={})
    adapter = axis(exercise_url=SITE, exercise_serial=SERIAL)
    before = heard(adapter, "s8")
    made = adapter.exercise("m1", PLACE, over=False)
    early = heard(adapter, "s9")
    real = heard(adapter, "s10", serial="B8A44F00A001")
    adapter.exercise("m1", None, over=True)
    late = heard(adapter, "s9")
    picked_up = heard(adapter, "s11")

    assert made is not None
    assert (made.activation, made.envelope) == ("axis:s9", None)
    assert (early.exercise, late.exercise) == (True, True)
    # Whoever takes the spare camera on duty, and presses it, is in danger.
    assert (before.exercise, real.exercise, picked_up.exercise) == (False, False, False)
    body = responses.calls[0].request.body
    assert body is not None
    assert json.loads(body) == {"serial": SERIAL, "lon": 4.08, "lat": 43.56, "eph": 10}


def test_the_press_that_is_told_before_the_answer_comes_is_marked_too() -> None:
    drill = Drill(SITE, SERIAL, ca=True)
    told: list[bool] = []
    press = Activation(
        id=FactId("axis:e"), at=datetime.now(UTC), device=DeviceId(f"axis:{SERIAL}"),
        activation="axis:s9",  # type: ignore[arg-type]
    )  # fmt: skip

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        told.append(drill.marked(press))
        return 200, {}, '{"sessionId": "s9"}'

    with responses.RequestsMock() as makers:
        makers.add_callback("POST", f"{SITE}/press", answer)
        drill.begin("m1", None)

    assert told == [True]


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(500, "{}", Refused), (200, "{}", Refused), (200, "nonsense", Refused),
     (None, "", Unreachable)],
)  # fmt: skip
def test_a_program_that_presses_nothing_is_said(
    status: int | None, body: str, error: type[Exception]
) -> None:
    if status is not None:
        responses.post(f"{SITE}/press", body=body, status=status)
    with pytest.raises(error):
        axis(exercise_url=SITE, exercise_serial=SERIAL).exercise("m1", PLACE, over=False)


def test_a_spare_camera_has_a_serial(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as fault:
        axis(exercise_url=SITE)

    assert fault.value.field == "exercise_serial"
