"""Delivery: the difference between wanted and shown is always closed, and only that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vms_plugin.delivery import (
    PATIENCE_S,
    REFUSED_S,
    Ledger,
    Shown,
    Wanted,
    due,
    failed,
    succeeded,
    unfinished,
)

names = st.sampled_from(list("abcdef"))
wanted_versions = st.dictionaries(names, st.integers(1, 9).map(lambda v: Wanted(version=v)))
shown_versions = st.dictionaries(
    names, st.builds(Shown, version=st.integers(0, 9), not_before=st.floats(0, 20))
)


@given(wanted_versions, shown_versions, st.sets(names), st.floats(0, 20), st.integers(0, 9))
def test_what_is_due_is_behind_not_busy_and_not_waiting(
    wanted: dict[str, Wanted], shown: dict[str, Shown], busy: set[str], now: float, room: int
) -> None:
    chosen = due(wanted, shown, busy=busy, now=now, room=room).subjects

    assert len(chosen) <= room
    for subject in chosen:
        state = shown.get(subject, Shown())
        assert subject not in busy
        assert state.version < wanted[subject].version
        assert state.not_before <= now


@given(wanted_versions, shown_versions, st.floats(0, 20))
def test_whatever_is_behind_is_due_now_or_looked_at_again(
    wanted: dict[str, Wanted], shown: dict[str, Shown], now: float
) -> None:
    answer = due(wanted, shown, busy=(), now=now, room=100)

    behind = {name for name, each in wanted.items()
              if shown.get(name, Shown()).version < each.version}  # fmt: skip
    assert behind == set(answer.subjects) or answer.again_at is not None


def test_a_press_goes_before_an_update() -> None:
    wanted = {"update": Wanted(version=7), "press": Wanted(version=1, urgent=True)}

    answer = due(wanted, {"update": Shown(version=6)}, busy=(), now=0, room=1)

    assert answer.subjects == ("press",)


def test_versions_in_between_are_skipped() -> None:
    ledger = Ledger()
    for version in (1, 2, 3):
        ledger.want("incident", version)
    ledger.shown["incident"] = succeeded(Shown(), 3, "receipt")

    assert ledger.behind() == 0
    assert not ledger.want("incident", 3)


def test_waits_grow_to_a_limit_and_end_with_success() -> None:
    state = Shown()
    waits = []
    for _ in range(8):
        state = failed(state, now=0, jitter=1)
        waits.append(state.not_before)

    assert waits == [*PATIENCE_S, PATIENCE_S[-1], PATIENCE_S[-1]]
    assert succeeded(state, 1, None).not_before == 0


def test_after_a_refusal_nothing_is_hammered() -> None:
    assert failed(Shown(), now=10, jitter=1, hopeless=True).not_before == 10 + REFUSED_S


def test_a_failure_remembers_that_a_call_was_made_and_its_receipt() -> None:
    state = failed(Shown(version=2, receipt="r"), now=0, jitter=0)

    assert (state.asked, state.version, state.receipt) == (True, 2, "r")


def test_a_late_answer_does_not_take_back_a_version() -> None:
    assert succeeded(Shown(version=5), 3, None).version == 5


def test_a_forgotten_subject_is_behind_no_more() -> None:
    ledger = Ledger()
    ledger.want("incident", 1)

    ledger.forget("incident")

    assert not ledger.lacks("incident")


def test_what_is_shown_in_part_is_tried_again_and_keeps_its_receipt() -> None:
    state = unfinished(Shown(), 1, "alarm a1", now=0.0, jitter=1.0)
    wanted = {"incident": Wanted(version=1)}

    early = due(wanted, {"incident": state}, busy=(), now=0.1, room=1)
    later = due(wanted, {"incident": state}, busy=(), now=0.5, room=1)

    assert (state.version, state.receipt) == (1, "alarm a1")
    assert (early.subjects, early.again_at) == ((), 0.5)
    assert later.subjects == ("incident",)
    assert (
        due(wanted, {"incident": succeeded(state, 1, "all")}, busy=(), now=9, room=1).subjects == ()
    )


def test_a_new_version_does_not_wait_for_what_an_older_one_lacks() -> None:
    state = unfinished(Shown(failures=9), 1, "alarm a1", now=0.0, jitter=1.0)

    assert due({"i": Wanted(version=2)}, {"i": state}, busy=(), now=0.0, room=1).subjects == ("i",)


def test_what_is_on_its_way_is_not_late_and_what_failed_is() -> None:
    ledger = Ledger()
    ledger.want("i", 1)
    on_its_way = ledger.behind()
    ledger.shown["i"] = failed(Shown(), now=0.0, jitter=0.0)

    assert (on_its_way, ledger.behind()) == (0, 1)


def test_what_lacks_something_is_behind() -> None:
    ledger = Ledger()
    ledger.want("i", 1)
    ledger.shown["i"] = unfinished(Shown(), 1, "r", now=0.0, jitter=0.0)

    assert ledger.lacks("i")
    assert ledger.behind() == 1
