"""The ladder: each rung on its own; what fails is said, remembered, tried again, blocks none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.milestone.api import Items, fill, pick_task
from adapters.milestone.ladder import BUDGET_S, Ladder, Scene, UnfinishedError
from adapters.milestone.record import NOTHING
from hooks import AdapterError, Finding, IncidentId, Message, Refused, Unreachable
from hooks.causes import whole
from tests.adapters.milestone.showing import PICTURE, seen_by

SCENE = Scene(PICTURE, own="o", source="o", worn=frozenset({"o"}))


class Rung:
    """A rung that does as it is told."""

    def __init__(
        self, name: str, *faults: AdapterError | None, used: bool = True, wished: bool = True
    ) -> None:
        self.name, self.used, self.wished = name, used, wished
        self.faults = list(faults)
        self.shown: list[Mapping[str, Any]] = []
        self.left: list[Mapping[str, Any]] = []
        self.half = False

    def _fail(self, part: Mapping[str, Any]) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return
        if self.half:
            raise UnfinishedError({**part, "half": True}, fault)
        raise fault

    def show(self, _scene: Scene, part: Mapping[str, Any]) -> Mapping[str, Any]:
        self.shown.append(part)
        self._fail(part)
        return {"done": True}

    def withdraw(self, _scene: Scene, part: Mapping[str, Any]) -> Mapping[str, Any]:
        self.left.append(part)
        self._fail(part)
        return NOTHING

    def examine(self) -> Finding:
        self._fail({})
        return Finding(subject=self.name, well=True, said=Message(text="there"))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


away, no = Unreachable("away"), Refused("no right")


def test_a_rung_that_fails_keeps_none_of_the_others_from_being_climbed() -> None:
    rungs = [Rung("a", away), Rung("b", no), Rung("c")]

    kept, missing = Ladder(rungs, Clock()).show(SCENE, {}, 0.0)

    assert kept == {"c": {"done": True}}
    assert str(missing) == "a: away; b: no right"


def test_what_was_half_done_is_remembered() -> None:
    rung = Rung("a", away)
    rung.half = True

    kept, missing = Ladder([rung], Clock()).show(SCENE, {"a": {"before": 1}}, 0.0)

    assert kept == {"a": {"before": 1, "half": True}}
    assert missing is not None


def test_a_rung_that_failed_waits_longer_each_time_and_is_said_meanwhile() -> None:
    clock, rung = Clock(), Rung("a", away, away)
    ladder = Ladder([rung], clock)

    counts = []
    for clock.now in (0.0, 0.5, 1.1, 2.0, 3.2):
        missing = ladder.show(SCENE, {}, clock.now)[1]
        counts.append((len(rung.shown), missing is None))

    assert counts == [(1, False), (1, False), (2, False), (2, False), (3, True)]


def test_what_is_refused_waits_for_somebody_to_act() -> None:
    clock, rung = Clock(), Rung("a", no)
    ladder = Ladder([rung], clock)
    ladder.show(SCENE, {}, 0.0)

    clock.now = 59.0
    ladder.show(SCENE, {}, 59.0)
    assert len(rung.shown) == 1
    clock.now = 61.0
    ladder.show(SCENE, {}, 61.0)

    assert len(rung.shown) == 2


def test_what_nobody_asked_for_and_the_site_lacks_is_not_missed_by_any_incident() -> None:
    from dataclasses import replace

    from hooks import IncidentId

    clock, rung = Clock(), Rung("a", no, wished=False)
    ladder = Ladder([rung], clock)
    other = replace(SCENE, picture=replace(PICTURE, incident=IncidentId("axis:s2")))

    answers = [ladder.show(SCENE, {}, 0.0)[1], ladder.show(other, {}, 0.0)[1]]

    assert answers == [None, None]
    assert len(rung.shown) == 1
    clock.now = 601.0
    ladder.show(other, {}, 601.0)
    assert len(rung.shown) == 2


def test_a_call_that_is_long_already_leaves_the_rest_for_the_next_one() -> None:
    clock, rung = Clock(), Rung("a")
    clock.now = BUDGET_S + 1

    kept, missing = Ladder([rung], clock).show(SCENE, {}, 0.0)

    assert (kept, rung.shown) == ({}, [])
    assert str(missing) == "a waits: XProtect is slow"


def test_a_rung_that_is_not_used_is_examined_and_not_climbed() -> None:
    rung = Rung("a", used=False)
    ladder = Ladder([rung], Clock())

    ladder.show(SCENE, {}, 0.0)
    ladder.withdraw(SCENE, {})

    assert (rung.shown, rung.left) == ([], [])
    assert [each.subject for each in ladder.examine()] == ["a"]


def test_everything_is_taken_down_before_what_failed_is_raised() -> None:
    rungs = [Rung("a", away), Rung("b", no), Rung("c")]
    ladder = Ladder(rungs, Clock())

    with pytest.raises(Unreachable, match="away"):
        ladder.withdraw(SCENE, {"c": {"done": True}})
    kept = ladder.withdraw(SCENE, {"c": {"done": True}})

    # What was taken down is not taken down again: rules would hear of the end twice.
    assert [len(each.left) for each in rungs] == [2, 1, 1]
    assert not any(kept.values())


def test_what_an_incident_lets_go_may_be_taken_by_another_at_once() -> None:
    rung, other = Rung("wall", no), replace(PICTURE, incident=IncidentId("axis:s2"))
    ladder = Ladder([rung], Clock())
    ladder.show(SCENE, {}, 0.0)
    waiting, said = ladder.show(SCENE, {}, 0.0)

    ladder.withdraw(replace(SCENE, picture=other), {"wall": {"done": True}})
    kept, missing = ladder.show(SCENE, {}, 0.0)

    assert (waiting, str(said)) == ({}, "Smart Wall: no right")
    assert (kept, missing) == ({"wall": {"done": True}}, None)


def test_a_rung_that_breaks_keeps_none_of_the_others_from_being_climbed() -> None:
    class Broken(Rung):
        def _fail(self, _part: Mapping[str, Any]) -> None:
            raise KeyError("id")

    ladder = Ladder([Broken("a"), Rung("b")], Clock())

    kept, missing = ladder.show(SCENE, {}, 0.0)
    with pytest.raises(Unreachable, match="a failed: the host's log says why"):
        ladder.withdraw(SCENE, kept)

    assert kept == {"b": {"done": True}}
    assert missing is not None
    assert str(missing) == "a: a failed: the host's log says why"
    assert str(whole(missing)) == "a: a failed: KeyError: 'id'"
    assert [each.well for each in ladder.examine()] == [False, True]


def test_doctor_tells_a_lack_that_matters_from_one_that_does_not() -> None:
    rungs = [Rung("a", no), Rung("b", no, wished=False), Rung("c")]

    said = [(each.subject, each.well) for each in Ladder(rungs, Clock()).examine()]

    assert said == [("a", False), ("b", True), ("c", True)]


def test_a_slow_site_is_looked_at_only_so_long() -> None:
    clock = Clock()

    class Slow(Rung):
        def examine(self) -> Finding:
            clock.now += 13.0
            return super().examine()

    said = Ladder([Slow("a"), Rung("b"), Rung("c", wished=False)], clock).examine()

    assert [(each.subject, each.well) for each in said] == [("a", True), ("b", False), ("c", True)]
    assert str(said[1].said) == "not looked at: XProtect is slow"


# --- what is shown ---


@pytest.mark.parametrize(
    ("own", "officer", "shown"),
    [
        ("o", True, ["o", "a", "b", "c", "d"]),
        ("o", False, ["a", "b", "c", "d"]),
        ("", True, ["a", "b", "c", "d"]),
    ],
)
def test_the_officer_is_shown_first_then_four_cameras_of_the_town_and_no_other_officers(
    own: str, officer: bool, shown: list[str]
) -> None:
    picture = seen_by(["a", "o", "w", "b", "c", "d", "e"])

    scene = Scene(picture, own=own, source="", worn=frozenset({"o", "w"}), officer=officer)

    assert scene.shown == shown


# --- forms of tasks ---


def test_a_form_is_filled_in_by_what_its_fields_speak_of_and_hold() -> None:
    form = {
        "displayName": "Apply cameras and layout", "sessionDataId": 7, "cameraItems": [],
        "LayoutPath": {"type": "layouts", "id": ""}, "viewItemPosition": 1, "state": "InProgress",
    }  # fmt: skip
    values: dict[str, Any] = {
        "camera": Items("cameras", ("a",)), "layout": Items("layouts", ("l",)), "position": 3
    }  # fmt: skip

    assert fill("X", form, values) == {
        "sessionDataId": 7, "cameraItems": [{"type": "cameras", "id": "a"}],
        "LayoutPath": {"type": "layouts", "id": "l"}, "viewItemPosition": 3,
    }  # fmt: skip


def test_numbers_are_written_as_the_form_writes_them() -> None:
    assert fill("X", {"position": "1"}, {"position": 3}) == {"position": "3"}


def test_a_field_that_the_form_lacks_is_named_with_those_it_has() -> None:
    with pytest.raises(Refused, match="no field for layout; it has: cameras"):
        fill("X", {"cameras": [], "path": {}}, {"layout": "l"})


@pytest.mark.parametrize(
    ("offered", "words", "but", "found"),
    [
        (["ApplyCameras", "ApplyCamerasAndLayout"], ("applycameras",), ("layout",), "ApplyCameras"),
        (["ApplyCameras", "ApplyCamerasAndLayout"], ("camera", "layout"), (),
         "ApplyCamerasAndLayout"),
        (["GetPosition"], ("absolute",), (), ""),
        ([], ("x",), (), ""),
    ],
)  # fmt: skip
def test_a_task_is_found_by_its_words(
    offered: list[str], words: tuple[str, ...], but: tuple[str, ...], found: str
) -> None:
    assert pick_task(offered, *words, but=but) == found


def test_what_a_rung_did_is_durable_before_the_next_is_climbed() -> None:
    kept: list[Mapping[str, Any]] = []
    seen = list[list[Mapping[str, Any]]]()

    class Watching(Rung):
        def show(self, scene: Scene, part: Mapping[str, Any]) -> Mapping[str, Any]:
            seen.append(list(kept))
            return super().show(scene, part)

    rungs = [Rung("a"), Watching("b"), Watching("c")]

    Ladder(rungs, Clock()).show(SCENE, {}, 0.0, lambda parts: kept.append(dict(parts)))

    done = {"done": True}
    assert seen == [[{"a": done}], [{"a": done}, {"a": done, "b": done}]]


def test_what_is_taken_down_is_noted_as_it_goes() -> None:
    kept: list[Mapping[str, Any]] = []
    rungs = [Rung("a"), Rung("b", away), Rung("c")]
    parts = {each.name: {"done": True} for each in rungs}

    with pytest.raises(Unreachable):
        Ladder(rungs, Clock()).withdraw(SCENE, parts, lambda now: kept.append(dict(now)))

    assert {name: dict(part) for name, part in kept[-1].items() if part} == {"b": {"done": True}}


def test_a_disk_that_does_not_answer_keeps_nothing_from_being_shown() -> None:
    def keep(_parts: Mapping[str, Any]) -> None:
        raise away

    rungs = [Rung("a"), Rung("b")]

    kept, missing = Ladder(rungs, Clock()).show(SCENE, {}, 0.0, keep)

    assert (set(kept), missing) == ({"a", "b"}, None)
