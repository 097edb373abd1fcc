"""What operators do to our alarms in the Smart Client is told, and what we did ourselves is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.milestone import Milestone, elsewhere
from adapters.milestone.record import Shown
from adapters.milestone.simulator.alarms import STATES
from hooks import ClosedElsewhere, Elsewhere, IncidentId, Phase, TakenElsewhere
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import PICTURE, adapter_on, closed, seen_by

NOW = datetime(2026, 11, 23, 1, 45, tzinfo=UTC)
LISTED: list[dict[str, Any]] = [
    {"id": "s1", "name": "Nouvelle", "level": 1},
    {"id": "s4", "name": "En cours", "level": 4},
    {"id": "s11", "name": "Close", "level": "11"},
]
ROW = {
    "id": "a1",
    "message": "Position [renfort:axis:s1]",
    "assignedTo": {"displayName": "Mercier"},
}


def told(state: object, shown: Shown | None = None, **more: object) -> list[Elsewhere]:
    return elsewhere.changes({**ROW, "state": state, **more}, shown, LISTED, NOW)


@pytest.mark.parametrize(
    "state",
    [{"id": "s4", "level": 4, "name": "In progress"}, {"id": "s4"}, "s4", "En cours", 4, "4"],
)
def test_an_alarm_taken_by_an_operator_is_told_with_his_name(state: object) -> None:
    [fact] = told(state)

    assert isinstance(fact, TakenElsewhere)
    assert (fact.incident, fact.by, fact.at) == (IncidentId("axis:s1"), "Mercier", NOW)


def test_an_alarm_closed_by_an_operator_is_taken_and_closed_with_its_reason() -> None:
    taken, over = told("s11", reasonForClosing={"id": "r1", "name": "Fausse alerte"})

    assert isinstance(taken, TakenElsewhere)
    assert isinstance(over, ClosedElsewhere)
    assert over.outcome == "Fausse alerte"


def test_the_same_thing_read_again_is_the_same_fact() -> None:
    again = told("s11", comment="vu")

    assert [fact.id for fact in again] == [fact.id for fact in told("s11")]
    assert len({fact.id for fact in again}) == 2


@pytest.mark.parametrize(
    ("state", "written"),
    [("s1", "new"), ("s4", "in_progress"), ("s11", "closed"), ("s1", "in_progress")],
)
def test_what_we_wrote_ourselves_is_not_told_back(state: str, written: str) -> None:
    assert told(state, Shown(alarm="a1", state=written)) == []


def test_one_that_we_took_and_an_operator_closed_is_closed_only() -> None:
    [fact] = told("s11", Shown(alarm="a1", state="in_progress"))

    assert isinstance(fact, ClosedElsewhere)


def test_our_own_account_tells_nothing() -> None:
    row = {**ROW, "state": "s4"}

    assert elsewhere.changes(row, None, LISTED, NOW, ours="Mercier") == []


@pytest.mark.parametrize(
    "row",
    [
        {"id": "a1", "state": "s4", "message": "porte forcée"},
        {"id": "a1", "state": "unknown", "message": "[renfort:axis:s1]"},
        {"id": "a1", "state": None, "message": "[renfort:axis:s1]"},
        {"id": "a1", "message": "[renfort:]", "state": "s4"},
        {},
    ],
)
def test_what_is_not_ours_or_not_understood_tells_nothing(row: dict[str, Any]) -> None:
    assert elsewhere.changes(row, None, LISTED, NOW) == []


@pytest.mark.parametrize("assigned", [None, "", {}, {"displayName": " "}, 3])
def test_the_site_itself_is_named_when_it_names_nobody(assigned: object) -> None:
    [fact] = told("s4", assignedTo=assigned)

    assert fact.by == "XProtect"


# --- both ways, on a site, without going round ---


@pytest.fixture
def site(xprotect: Start) -> Running:
    return xprotect()


def row_of(site: Running) -> dict[str, Any]:
    [alarm] = site.simulator.site.alarms.values()
    return {**alarm.fields}


def changes_by_us(site: Running) -> int:
    [alarm] = site.simulator.site.alarms.values()
    return sum(each["userName"] == site.ready["username"] for each in alarm.history)


def heard(site: Running, adapter: Milestone, receipt: Any) -> list[Elsewhere]:
    """Read the alarm as the feed does: tell what others did, and remember it."""
    from adapters.milestone.record import read_record

    row = row_of(site)
    adapter._desk.alarms.heard(row, STATES)
    return elsewhere.changes(row, read_record(receipt).shown, STATES, NOW)


def test_an_alarm_taken_in_the_smart_client_is_not_taken_again_by_us(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])
    receipt = adapter.show(picture, None, False)
    site.order("acknowledge", id=row_of(site)["id"], user="Mercier")

    [fact] = heard(site, adapter, receipt)
    taken = replace(picture, version=2, phase=Phase.TAKEN, owner=fact.by)
    receipt = adapter.show(taken, receipt, True)

    [alarm] = site.simulator.site.alarms.values()
    ours = [each for each in alarm.history if each["userName"] == site.ready["username"]]
    assert not any("state" in each for each in ours)
    assert row_of(site)["assignedTo"]["displayName"] == "Mercier"
    assert heard(site, adapter, receipt) == []


def test_an_alarm_closed_in_the_smart_client_is_left_as_it_was_closed(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])
    receipt = adapter.show(picture, None, False)
    site.order("close", id=row_of(site)["id"], reason="Resolved", comment="vu sur place")
    before = changes_by_us(site)

    facts = heard(site, adapter, receipt)
    after = adapter.withdraw(closed(picture), receipt, True)

    assert [type(each) for each in facts] == [TakenElsewhere, ClosedElsewhere]
    assert changes_by_us(site) == before
    assert row_of(site)["comment"] == "vu sur place"
    assert heard(site, adapter, after) == []


def test_what_we_take_and_close_is_told_to_nobody(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])
    receipt = adapter.show(picture, None, False)
    assert heard(site, adapter, receipt) == []

    receipt = adapter.show(replace(picture, phase=Phase.TAKEN, owner="Durand"), receipt, True)
    assert heard(site, adapter, receipt) == []

    over = adapter.withdraw(closed(picture), receipt, True)
    assert heard(site, adapter, over) == []
    assert PICTURE.incident == elsewhere.incident_in(row_of(site))
