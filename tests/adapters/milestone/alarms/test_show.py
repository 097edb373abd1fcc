"""One incident, one alarm, followed to its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.milestone import Milestone
from hooks import (
    Picture,
    Position,
    Refused,
    Unreachable,
)
from tests.adapters.milestone.alarms.conftest import (
    CAMERA,
    CLOSED,
    PICTURE,
    STATES,
    TAKEN,
    Vms,
    again,
    settings,
)


def test_a_press_makes_an_alarm_on_the_officers_camera(vms: Vms, adapter: Milestone) -> None:
    adapter.show(PICTURE, None, False)

    [alarm] = vms.alarms.values()
    assert alarm["source"] == CAMERA
    assert alarm["name"] == "AGENT EN DANGER : PM-214"
    assert alarm["message"] == "Position : 43.56, 4.08. [renfort:axis:s1]"
    assert vms.changes == [("a1", {"priority": "p1"})]


def test_an_exercise_is_of_low_priority(vms: Vms, adapter: Milestone) -> None:
    adapter.show(replace(PICTURE, exercise=True), None, False)

    assert vms.changes == [("a1", {"priority": "p3"})]


def test_an_incident_taken_in_charge_is_in_progress_and_says_by_whom(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.changes.clear()

    adapter.show(TAKEN, receipt, True)

    assert vms.changes == [
        (
            "a1",
            {
                "state": "s4",
                "assignedTo.displayName": "Durand",
                "comment": "Pris en charge par Durand.",
            },
        )
    ]


def test_a_site_that_assigns_to_its_own_users_alone_is_told_by_the_comment(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.changes.clear()
    vms.faults["PATCH alarms"] = [400]

    receipt = adapter.show(TAKEN, receipt, True)
    adapter.show(replace(TAKEN, version=4, owner="Leroy", text="Leroy."), receipt, True)

    assert vms.changes == [
        ("a1", {"state": "s4", "comment": "Pris en charge par Durand."}),
        ("a1", {"comment": "Leroy."}),
    ]


def test_a_picture_in_which_nothing_that_matters_changed_asks_nothing(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    before = len(vms.asked)

    for version in range(2, 40):
        wander = Position(lon=4.08 + version * 1e-5, lat=43.56)
        picture = replace(PICTURE, version=version, position=wander, text=f"… {version} min")
        receipt = adapter.show(picture, receipt, True)

    assert len(vms.asked) == before


def test_an_officer_who_has_gone_far_is_told_once(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.changes.clear()
    away = replace(PICTURE, position=Position(lon=4.09, lat=43.56), text="Position : 43.56, 4.09.")

    for version in (2, 3):
        receipt = adapter.show(replace(away, version=version), receipt, True)

    assert vms.changes == [("a1", {"comment": "Position : 43.56, 4.09."})]


def test_a_place_that_could_not_be_told_is_told_later(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    away = replace(PICTURE, position=Position(lon=4.09, lat=43.56), text="loin")
    vms.faults["PATCH alarms"] = [503]
    with pytest.raises(Unreachable):
        adapter.show(away, receipt, True)

    adapter.show(away, receipt, True)

    assert vms.changes[-1] == ("a1", {"comment": "loin"})


@pytest.mark.parametrize("picture", [TAKEN, CLOSED])
def test_what_an_operator_closed_while_we_were_away_is_not_written_over(
    vms: Vms, adapter: Milestone, picture: Picture
) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.alarms["a1"] |= {"state": STATES[2], "comment": "Erreur"}
    vms.changes.clear()

    back = again(vms)
    call = back.withdraw if picture is CLOSED else back.show
    call(picture, receipt, True)
    back.close()

    assert all("state" not in change for _, change in vms.changes)


def test_an_incident_withdrawn_closes_its_alarm(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.changes.clear()

    adapter.withdraw(CLOSED, receipt, True)

    closing = {"state": "s11", "comment": "Clos par Durand : fausse alerte."}
    assert vms.changes == [("a1", closing)]


def test_an_alarm_already_closed_by_us_is_not_closed_again(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.withdraw(CLOSED, adapter.show(PICTURE, None, False), True)
    before = len(vms.changes)

    adapter.withdraw(CLOSED, receipt, True)

    assert len(vms.changes) == before


@pytest.mark.parametrize(
    ("reasons", "setting", "sent"),
    [
        (["Vraie alerte", "FAUSSE ALERTE"], "", "r1"),
        (["Vraie alerte", "Autre"], "autre", "r1"),
        (["Vraie alerte", "Autre"], "", None),
        ([], "autre", None),
    ],
)
def test_the_reason_for_closing_is_one_that_the_site_has(
    vms: Vms, reasons: list[str], setting: str, sent: str | None
) -> None:
    vms.reasons = [{"id": f"r{number}", "name": name} for number, name in enumerate(reasons)]
    adapter = Milestone()
    adapter.configure(settings(vms, **({"close_reason": setting} if setting else {})))

    adapter.withdraw(CLOSED, adapter.show(PICTURE, None, False), True)

    assert vms.changes[-1][1].get("reasonForClosing") == sent


def test_an_alarm_is_closed_without_a_reason_that_the_site_does_not_take(
    vms: Vms, adapter: Milestone
) -> None:
    vms.reasons = [{"id": "r1", "name": "Fausse alerte"}]
    receipt = adapter.show(PICTURE, None, False)
    vms.faults["PATCH alarms"] = [400]

    adapter.withdraw(CLOSED, receipt, True)

    assert vms.changes[-1] == (
        "a1", {"state": "s11", "comment": "Clos par Durand : fausse alerte."}
    )  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), [(503, Unreachable), (403, Refused)])
def test_an_alarm_that_cannot_be_closed_is_said(
    vms: Vms, adapter: Milestone, status: int, kind: type[Exception]
) -> None:
    vms.reasons = [{"id": "r1", "name": "Fausse alerte"}]
    receipt = adapter.show(PICTURE, None, False)
    vms.faults["PATCH alarms"] = [status]

    with pytest.raises(kind):
        adapter.withdraw(CLOSED, receipt, True)


def test_an_incident_that_was_never_shown_leaves_nothing_to_close(
    vms: Vms, adapter: Milestone
) -> None:
    assert adapter.withdraw(CLOSED, None, True) is None
    assert vms.changes == []


def test_an_incident_over_before_xprotect_came_back_is_shown_then_closed(
    vms: Vms, adapter: Milestone
) -> None:
    receipt = adapter.show(CLOSED, None, True)
    adapter.withdraw(CLOSED, receipt, True)

    assert [change.get("state") for _, change in vms.changes] == [None, "s11"]
