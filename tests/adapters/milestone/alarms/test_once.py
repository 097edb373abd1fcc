"""Never a second alarm, whatever is lost, late, deleted or forgotten."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from adapters.milestone import Milestone, client
from adapters.milestone import settings as section
from adapters.milestone.desk import Desk
from hooks import (
    Receipt,
    Refused,
    Unreachable,
)
from tests.adapters.milestone.alarms.conftest import (
    CLOSED,
    PICTURE,
    TAKEN,
    Vms,
    again,
    settings,
)

# --- never twice ---


def test_a_lost_reply_makes_no_second_alarm(vms: Vms, adapter: Milestone) -> None:
    vms.faults["POST alarms"] = ["lost"]
    with pytest.raises(Unreachable):
        adapter.show(PICTURE, None, False)

    receipt = adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]
    assert json.loads(receipt.data)["alarm"] == "a1"


def test_a_reply_that_is_late_makes_no_second_alarm(vms: Vms) -> None:
    vms.faults["POST alarms"] = ["late"]
    adapter = again(vms)
    read = section.read(settings(vms))
    adapter._made = Desk(replace(read, site=replace(read.site, patience_s=0.2)))
    with pytest.raises(Unreachable, match="does not answer"):
        adapter.show(PICTURE, None, False)
    vms.release.set()

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]


def test_a_crash_after_the_alarm_makes_no_second_one(vms: Vms, adapter: Milestone) -> None:
    vms.past(40)
    adapter.show(PICTURE, None, False)

    receipt = again(vms).show(TAKEN, None, True)

    assert json.loads(receipt.data)["alarm"] == "a41"
    assert vms.count("POST alarms") == 1
    assert vms.changes[-1] == (
        "a41", {"state": "s4", "assignedTo.displayName": "Durand", "priority": "p1",
                "comment": "Pris en charge par Durand."}
    )  # fmt: skip


def test_what_was_made_is_remembered_when_its_priority_could_not_be_set(
    vms: Vms, adapter: Milestone
) -> None:
    vms.faults["PATCH alarms"] = [503]
    with pytest.raises(Unreachable):
        adapter.show(PICTURE, None, False)

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]
    assert vms.count("GET alarms") == 0
    assert vms.changes == [("a1", {"priority": "p1"})]


def test_an_alarm_accepted_and_not_stored_yet_is_waited_for(vms: Vms, adapter: Milestone) -> None:
    vms.stored = False
    for _ in range(3):
        with pytest.raises(Unreachable, match="a1"):
            adapter.show(PICTURE, None, True)
    vms.stored = True

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]


def test_the_first_call_does_not_search(vms: Vms, adapter: Milestone) -> None:
    adapter.show(PICTURE, None, False)

    assert vms.count("GET alarms") == 0


@pytest.mark.parametrize(("newest_first", "pages"), [(True, 1), (False, 3)])
def test_our_alarm_is_found_among_many_in_either_order(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch, newest_first: bool, pages: int
) -> None:
    monkeypatch.setattr(client, "PAGE", 20)
    vms.past(50)
    adapter.show(PICTURE, None, False)
    vms.newest_first = newest_first

    again(vms).show(PICTURE, None, True)

    assert vms.count("POST alarms") == 1
    assert vms.count("GET alarms") == pages


def test_the_search_ends_where_alarms_are_older_than_the_press(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 20)
    vms.past(200)

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 1
    assert vms.count("POST alarms") == 1


def test_a_page_that_is_not_full_is_the_last(vms: Vms, adapter: Milestone) -> None:
    vms.past(3)
    vms.newest_first = False

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 1


def test_a_list_without_end_is_not_searched_for_ever(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 5)
    monkeypatch.setattr(client, "MOST_PAGES", 4)
    vms.past(200)
    vms.newest_first = False

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 4


def test_a_site_that_knows_no_pages_is_read_once_more_and_no_further(
    vms: Vms, adapter: Milestone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 3)
    vms.past(3)
    vms.newest_first = False
    monkeypatch.setattr(vms, "page", lambda _: list(vms.alarms.values())[:3])

    adapter.show(PICTURE, None, True)

    assert vms.count("GET alarms") == 2


def test_a_receipt_that_cannot_be_read_is_looked_for(vms: Vms, adapter: Milestone) -> None:
    adapter.show(PICTURE, None, False)

    again(vms).show(PICTURE, Receipt(data="?"), False)

    assert list(vms.alarms) == ["a1"]


# --- deleted by somebody ---


def test_an_alarm_deleted_while_the_incident_lives_is_made_anew(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.alarms = {"x": {"id": "x"}}

    receipt = adapter.show(TAKEN, receipt, True)

    assert json.loads(receipt.data)["alarm"] == "a2"
    assert "[renfort:axis:s1]" in vms.alarms["a2"]["message"]
    assert vms.changes[-1] == (
        "a2", {"state": "s4", "assignedTo.displayName": "Durand", "priority": "p1"}
    )  # fmt: skip


def test_an_alarm_made_anew_whose_receipt_was_lost_is_found(vms: Vms, adapter: Milestone) -> None:
    old = adapter.show(PICTURE, None, False)
    vms.alarms = {"x": {"id": "x"}}
    adapter.show(TAKEN, old, True)

    receipt = again(vms).show(TAKEN, old, True)

    assert json.loads(receipt.data)["alarm"] == "a2"
    assert set(vms.alarms) == {"x", "a2"}


def test_an_alarm_that_is_there_and_cannot_be_changed_is_not_doubled(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.stored = False

    with pytest.raises(Refused, match="lists the alarm a1"):
        adapter.show(TAKEN, receipt, True)

    assert list(vms.alarms) == ["a1"]


def test_an_alarm_deleted_before_it_is_closed_is_not_made_anew(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.alarms = {}

    adapter.withdraw(CLOSED, receipt, True)

    assert vms.alarms == {}
