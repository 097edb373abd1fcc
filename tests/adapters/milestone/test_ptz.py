"""Turning cameras by XProtect: by preset or by angles, unless somebody has the camera."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.milestone import ptz
from hooks import Aim, BadSettings, CameraId, Message, Pointing, Position, Refused, Unreachable
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import adapter_on

TARGET = Position(lon=4.08, lat=43.56)
RANGE = ptz.read_range("ptz_ranges.x", "-180 180 -20 90 60 2")


# --- angles ---


@given(st.floats(-180, 180), st.floats(-20, 90), st.floats(2, 60))
def test_angles_within_the_range_are_units_within_one(pan: float, tilt: float, fov: float) -> None:
    units = RANGE.units(Pointing(pan_deg=pan, tilt_deg=tilt, fov_deg=fov))

    assert units is not None
    assert all(-1 <= units[name] <= 1 for name in ("pan", "tilt"))
    assert 0 <= units["zoom"] <= 1 + 1e-9
    assert math.isclose(units["pan"], pan / 180, abs_tol=1e-5)


def test_the_ends_of_the_range_are_the_ends_of_the_units() -> None:
    low = RANGE.units(Pointing(pan_deg=-180, tilt_deg=-20, fov_deg=60))
    high = RANGE.units(Pointing(pan_deg=180, tilt_deg=90, fov_deg=2))

    assert low == {"pan": -1, "tilt": -1, "zoom": 0}
    assert high == {"pan": 1, "tilt": 1, "zoom": 1}


def test_a_camera_that_turns_less_than_round_is_reached_the_other_way_or_not_at_all() -> None:
    narrow = ptz.read_range("x", "0 350 -20 90 60 2")

    assert narrow.units(Pointing(pan_deg=-10, tilt_deg=0)) == pytest.approx(
        {"pan": 1.0, "tilt": -0.636364, "zoom": 0}
    )
    assert narrow.units(Pointing(pan_deg=-5, tilt_deg=0)) is None
    assert narrow.units(Pointing(preset="Quai")) is None


@pytest.mark.parametrize("text", ["", "1 2 3", "a b c d e f", "1 1 0 9 60 2", "0 1 0 9 2 60"])
def test_a_range_that_makes_no_sense_is_named(text: str) -> None:
    with pytest.raises(BadSettings) as wrong:
        ptz.read_range("ptz_ranges.x", text)

    assert wrong.value.field == "ptz_ranges.x"


# --- on a site ---


@pytest.fixture
def site(xprotect: Start) -> Running:
    running = xprotect()
    running.order("task", lasts_s=0)
    return running


def dome(site: Running) -> str:
    return next(each.id for each in site.simulator.site.cameras.values() if each.ptz)


def aim(site: Running, camera: str, pointing: Pointing | None, **more: object) -> Aim | None:
    adapter = adapter_on(site, **more)
    try:
        return adapter.aim(CameraId(f"milestone:{camera}"), pointing)
    finally:
        adapter.close()


def looks(site: Running, camera: str) -> tuple[float, float, float]:
    listed = site.http.get("/simulator/ptz").json()["cameras"]
    found = next(each for each in listed if each["id"] == camera)
    return found["pan"], found["tilt"], found["zoom"]


def test_a_camera_goes_to_the_preset_that_looks_there(site: Running) -> None:
    answer = aim(site, dome(site), Pointing(preset="place"))

    assert answer is not None
    assert (answer.done, str(answer.how)) == (True, "turned to its preset place")
    assert looks(site, dome(site)) == (0.35, -0.2, 0.3)


def test_a_camera_whose_range_is_known_is_turned_by_its_angles(site: Running) -> None:
    camera = dome(site)

    answer = aim(
        site, camera, Pointing(pan_deg=90, tilt_deg=35, fov_deg=60, preset="Place"),
        ptz_ranges={camera: "-180 180 -20 90 60 2"},
    )  # fmt: skip

    assert answer is not None
    assert answer.done
    assert looks(site, camera) == (0.5, 0.0, 0.0)


def test_it_is_refused_in_words_when_an_operator_of_higher_priority_holds_it(
    site: Running,
) -> None:
    camera = dome(site)
    site.order("hold", id=camera, user="Mercier", priority=5000)

    answer = aim(site, camera, Pointing(preset="Place"))

    assert answer is not None
    assert not answer.done
    assert "somebody has it" in answer.how.text
    assert "Mercier" in str(answer.how)
    assert looks(site, camera) == (0.0, 0.0, 0.0)


def test_one_held_with_a_lower_priority_is_taken(site: Running) -> None:
    site.order("hold", id=dome(site), user="Ronde", priority=1)

    answer = aim(site, dome(site), Pointing(preset="Place"))

    assert answer is not None
    assert answer.done


@pytest.mark.parametrize(
    ("pointing", "said"),
    [
        (None, "nobody knows how to point it there"),
        (Pointing(preset="Nulle part"), "no preset Nulle part"),
        (Pointing(pan_deg=3, tilt_deg=3), "no preset of this camera looks there"),
    ],
)
def test_what_cannot_be_done_is_said(site: Running, pointing: Pointing | None, said: str) -> None:
    answer = aim(site, dome(site), pointing)

    assert answer is not None
    assert not answer.done
    assert said in str(answer.how)


def test_a_release_before_2024_r2_says_that_it_cannot(xprotect: Start) -> None:
    old = xprotect("--release", "2023R3")

    answer = aim(old, dome(old), Pointing(preset="Place"))

    assert answer is not None
    assert (answer.done, "2024 R2" in str(answer.how)) == (False, True)


def test_fields_called_otherwise_are_understood_by_the_form(site: Running) -> None:
    site.order("spell", task="ActivatePtzPreset", names={"ptzPresetPath": "presetItem"})

    answer = aim(site, dome(site), Pointing(preset="Place"))

    assert answer is not None
    assert answer.done


def test_another_fault_is_no_holder(site: Running) -> None:
    site.order("task", error="The device is not responding.")
    with pytest.raises(Refused, match="not responding"):
        aim(site, dome(site), Pointing(preset="Place"))

    site.order("fail", status=503, path="cameras")
    with pytest.raises(Unreachable):
        aim(site, dome(site), Pointing(preset="Place"))


def test_somebody_elses_camera_is_not_ours(site: Running) -> None:
    adapter = adapter_on(site)

    assert adapter.aim(CameraId("axis:12"), Pointing(preset="Place")) is None


def test_a_refusal_for_want_of_the_session_is_told_apart() -> None:
    held = Refused("task {task} failed: {why}", task="x", why="held by A with priority 9")
    other = Refused("task {task} failed: {why}", task="x", why="no licence")

    found = ptz.explain(CameraId("milestone:g"), held)
    assert found is not None
    assert isinstance(found.how, Message)
    assert ptz.explain(CameraId("milestone:g"), other) is None
