"""A stream that runs without its start having been told: the events are dead."""

from __future__ import annotations

from adapters.axis.watch import REMEMBERED, Watch


def test_what_ran_before_we_listened_is_not_awaited() -> None:
    watch = Watch()

    assert not watch.unheard({"s-1"})
    assert not watch.unheard({"s-1"})


def test_a_stream_that_begins_in_silence_is_named_at_the_second_reading() -> None:
    watch = Watch()
    watch.unheard(frozenset())

    assert not watch.unheard({"s-1"})
    assert watch.unheard({"s-1"}) == {"s-1"}


def test_a_stream_that_was_told_is_not_named() -> None:
    watch = Watch()
    watch.unheard(frozenset())
    watch.hear("s-1")

    assert not watch.unheard({"s-1"})
    assert not watch.unheard({"s-1"})


def test_a_start_told_a_little_late_is_told() -> None:
    watch = Watch()
    watch.unheard(frozenset())
    watch.unheard({"s-1"})
    watch.hear("s-1")

    assert not watch.unheard({"s-1"})


def test_a_stream_over_before_the_second_reading_is_let_be() -> None:
    watch = Watch()
    watch.unheard(frozenset())
    watch.unheard({"s-1"})

    assert not watch.unheard(frozenset())


def test_memory_does_not_grow_for_ever_and_keeps_what_runs() -> None:
    watch = Watch()
    watch.unheard(frozenset())
    for number in range(REMEMBERED + 1):
        watch.hear(f"s-{number}")

    watch.unheard({"s-7"})

    assert watch._heard == {"s-7"}
