"""The Smart Wall: what a monitor is to show, and that the wall is afterwards as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.milestone import Milestone, wall
from adapters.milestone import monitors as monitors_of_a_site
from adapters.milestone.api import Api
from hooks import IncidentId, Receipt
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import SERIAL, adapter_on, closed, seen_by

# --- deciding ---

some = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=5)


@given(some, some)
def test_a_camera_that_stays_stays_in_its_place(before: list[str], chosen: list[str]) -> None:
    after = wall.arrange(before, chosen)

    assert sorted(after) == sorted(chosen)
    if len(chosen) >= len(before):
        kept = [(place, each) for place, each in enumerate(before) if each in chosen]
        assert all(after[place] == each for place, each in kept)


@given(some)
def test_what_is_shown_as_wanted_is_not_changed(shown: list[str]) -> None:
    assert list(wall.arrange(shown, sorted(shown))) == shown


@pytest.mark.parametrize(
    ("places", "found"), [(1, "a"), (2, "b"), (3, "c"), (4, "c"), (5, "d"), (10, "")]
)
def test_the_smallest_layout_with_room_is_taken(places: int, found: str) -> None:
    grid = "<ViewItem><Position/><Size/></ViewItem>".replace("<Position/>", "<Position></Position>")
    layouts = [
        {"id": "d", "name": "3 x 3", "definitionXml": grid * 9},
        {"id": "b", "name": "1 x 2"}, {"id": "a", "name": "1x1"}, {"id": "c", "name": "2 x 2"},
        {"id": "?", "name": "autre"}, {"name": "2 x 2"},
    ]  # fmt: skip

    assert monitors_of_a_site.layout_for(layouts, places) == found


# --- doing, on a site ---


@pytest.fixture
def site(xprotect: Start) -> Running:
    running = xprotect("--bodyworn", f"{SERIAL}=PM-214")
    running.order("task", lasts_s=0)
    return running


@pytest.fixture
def adapter(site: Running) -> Iterator[Milestone]:
    adapter = adapter_on(site, wall=["Écran 1"])
    yield adapter
    adapter.close()


def monitors(site: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.http.get("/simulator/wall").json()["monitors"]
    return found


def cells(site: Running, monitor: int = 0) -> list[str]:
    return ["".join(each.values()) for each in monitors(site)[monitor]["cells"]]


def tasks_run(site: Running) -> int:
    return sum(
        count for path, count in site.simulator.site.requests.items()
        if path.startswith("POST") and "monitors/" in path
    )  # fmt: skip


def test_the_officer_and_who_sees_him_are_on_the_wall_with_a_text(
    site: Running, adapter: Milestone
) -> None:
    own, (one, two, *_) = site.ready["bodyworn"][SERIAL], site.ready["cameras"]

    receipt = adapter.show(seen_by([one, two]), None, False)

    assert cells(site) == [own, one, two, "AGENT EN DANGER : PM-214, quai d'Honneur — Renfort"]
    assert receipt.missing is None


def test_r241_12_a_room_of_others_than_police_does_not_see_what_the_officer_films(
    site: Running,
) -> None:
    own, one = site.ready["bodyworn"][SERIAL], site.ready["cameras"][0]

    adapter_on(site, wall=["Écran 1"], show_officer="no").show(seen_by([one]), None, False)

    assert cells(site)[0] == one
    assert own not in cells(site)


def test_four_cameras_at_most_stand_beside_the_officer(site: Running, adapter: Milestone) -> None:
    adapter.show(seen_by(site.ready["cameras"][:8]), None, False)

    shown = [each for each in cells(site) if each]
    assert shown[1:5] == site.ready["cameras"][:4]
    assert len(shown) == 6
    assert monitors(site)[0]["layout"] == "3 x 3"


def test_the_same_picture_again_asks_nothing(site: Running, adapter: Milestone) -> None:
    picture = seen_by(site.ready["cameras"][:2])
    receipt = adapter.show(picture, None, False)
    before = tasks_run(site)

    for version in range(2, 12):
        receipt = adapter.show(replace(picture, version=version), receipt, True)

    assert tasks_run(site) == before


def test_a_newcomer_takes_the_place_of_the_one_that_left(site: Running, adapter: Milestone) -> None:
    own, (one, two, three, *_) = site.ready["bodyworn"][SERIAL], site.ready["cameras"]
    receipt = adapter.show(seen_by([one, two]), None, False)

    adapter.show(seen_by([three, two], version=2), receipt, True)

    assert cells(site)[:3] == [own, three, two]


def test_the_wall_is_afterwards_as_it_was(site: Running, adapter: Milestone) -> None:
    one, two, three, four, *_ = site.ready["cameras"]
    [first, _] = monitors(site)
    site.order("show", monitor=first["id"], cameras=[three, four])
    before = monitors(site)
    picture = seen_by([one, two])

    receipt = adapter.show(picture, None, False)
    adapter.withdraw(closed(picture), receipt, True)

    assert monitors(site) == before


def test_the_wall_is_restored_after_a_crash_by_what_the_receipt_remembers(site: Running) -> None:
    before = monitors(site)
    picture = seen_by(site.ready["cameras"][:2])
    receipt = adapter_on(site, wall=["Écran 1"]).show(picture, None, False)

    adapter_on(site, wall=["Écran 1"]).withdraw(closed(picture), receipt, True)

    assert monitors(site) == before


def test_what_the_wall_showed_is_kept_before_anything_is_put_on_it(site: Running) -> None:
    before, picture = monitors(site), seen_by(site.ready["cameras"][:2])
    kept: list[tuple[Receipt, list[dict[str, Any]]]] = []

    def keep(receipt: Receipt) -> None:
        kept.append((receipt, monitors(site)))

    # The process dies with the wall on, and its last answer never kept.
    adapter_on(site, wall=["Écran 1"]).show(picture, None, False, keep)
    receipt, then = kept[0]
    assert then == before
    after = adapter_on(site, wall=["Écran 1"])
    receipt = after.show(replace(picture, version=2), receipt, True)
    after.withdraw(closed(picture), receipt, True)

    assert monitors(site) == before


def test_a_crash_while_another_camera_is_put_on_the_wall_leaves_nothing_of_ours(
    site: Running,
) -> None:
    before, (one, two, three, *_) = monitors(site), site.ready["cameras"]
    first = adapter_on(site, wall=["Écran 1"])
    kept = [first.show(seen_by([one, two]), None, False)]
    # The process dies with other cameras on the wall, and its last answer never kept.
    first.show(seen_by([two, three], version=2), kept[-1], True, kept.append)
    kept.pop()

    after = adapter_on(site, wall=["Écran 1"])
    after.withdraw(closed(seen_by([two, three], version=3)), kept[-1], True)

    assert monitors(site) == before


def test_an_incident_that_has_nothing_to_show_holds_no_monitor(site: Running) -> None:
    adapter = adapter_on(site, wall=["Écran 1"], wall_text="no", show_officer="no")
    blind, [one, *_] = seen_by([]), site.ready["cameras"]
    receipt = adapter.show(blind, None, False)

    adapter.show(seen_by([one], incident=IncidentId("axis:s2")), None, False)
    assert one in cells(site)
    adapter.withdraw(closed(blind), receipt, True)

    assert one in cells(site)


def test_what_one_press_is_still_learning_of_the_site_another_does_not_take_for_all() -> None:
    """Two presses at once: the second must not find half the layouts, and say there is none."""
    grids = {"a": [{"id": "1", "name": "1 x 1"}], "b": [{"id": "2", "name": "2 x 2"}]}

    class Site(Api):
        def __init__(self) -> None:
            self.other = ""

        def rows(self, path: str) -> list[dict[str, Any]]:
            if path == "layoutGroups":
                return [{"id": each} for each in grids]
            group = path.split("/")[1]
            if group == "b" and not self.other:
                self.other = "asked"
                self.other = known.layout(4)  # another thread, meanwhile
            return grids[group]

    api = Site()
    known = monitors_of_a_site.Monitors(api, ["Écran 1"])

    assert known.layout(1) == "1"
    assert api.other == "2"


def test_a_wall_is_not_touched_when_what_it_showed_cannot_be_kept(site: Running) -> None:
    from hooks import Unreachable

    before = monitors(site)

    def keep(_receipt: Receipt) -> None:
        raise Unreachable("a receipt cannot be kept: {cause}", cause="OSError")

    receipt = adapter_on(site, wall=["Écran 1"]).show(
        seen_by(site.ready["cameras"][:2]), None, False, keep
    )

    assert "cannot be kept" in str(receipt.missing)
    assert monitors(site) == before


def test_an_operator_who_changed_the_wall_keeps_what_he_put_there(
    site: Running, adapter: Milestone
) -> None:
    one, two, three, four, *_ = site.ready["cameras"]
    picture = seen_by([one, two])
    receipt = adapter.show(picture, None, False)
    site.order("show", monitor=monitors(site)[0]["id"], cameras=[four])
    his = monitors(site)

    receipt = adapter.show(seen_by([three], version=2), receipt, True)
    receipt = adapter.show(seen_by([two], version=3), receipt, True)
    adapter.withdraw(closed(picture), receipt, True)

    assert monitors(site) == his
    assert receipt.missing is None


def test_an_operator_who_changed_it_last_keeps_it_at_the_end(
    site: Running, adapter: Milestone
) -> None:
    one, two, three, *_ = site.ready["cameras"]
    picture = seen_by([one, two])
    receipt = adapter.show(picture, None, False)
    site.order("show", monitor=monitors(site)[0]["id"], cameras=[three])
    his = monitors(site)

    adapter.withdraw(closed(picture), receipt, True)

    assert monitors(site) == his


def test_two_incidents_take_two_monitors_and_the_third_is_said(site: Running) -> None:
    adapter = adapter_on(site, wall=["Mur du CSU/Écran 1", monitors(site)[1]["id"]])
    one, two, three, *_ = site.ready["cameras"]

    answers = [
        adapter.show(seen_by([camera], incident=IncidentId(f"axis:{camera}")), None, False)
        for camera in (one, two, three)
    ]

    assert one in cells(site, 0)
    assert two in cells(site, 1)
    assert [each.missing is None for each in answers] == [True, True, False]
    assert "every monitor" in str(answers[2].missing)


def test_after_a_restart_a_monitor_that_shows_another_incident_is_not_taken(
    site: Running,
) -> None:
    before = monitors(site)
    one, two, *_ = site.ready["cameras"]
    first, second = seen_by([one]), seen_by([two], incident=IncidentId("axis:s2"))
    kept = adapter_on(site, wall=["Écran 1", "Écran 2"]).show(first, None, False)

    again = adapter_on(site, wall=["Écran 1", "Écran 2"])
    other = again.show(second, None, False)
    assert one in cells(site, 0)
    assert two in cells(site, 1)
    again.withdraw(closed(second), other, True)
    again.withdraw(closed(first), kept, True)

    assert monitors(site) == before


def test_after_a_restart_a_monitor_taken_by_halves_is_not_taken_for_another(site: Running) -> None:
    before, (one, two, *_) = monitors(site), site.ready["cameras"]
    first, second = seen_by([one]), seen_by([two], incident=IncidentId("axis:s2"))
    # The cameras go up; the text, by which we know our own, fails.
    site.order("spell", task="ApplyTextAndLayout", names={"text": "caption"})
    kept = adapter_on(site, wall=["Écran 1", "Écran 2"]).show(first, None, False)
    site.order("spell", task="ApplyTextAndLayout", names={})

    again = adapter_on(site, wall=["Écran 1", "Écran 2"])
    again.recall({first.incident: kept})
    other = again.show(second, None, False)
    again.withdraw(closed(first), kept, True)
    assert two in cells(site, 1)
    again.withdraw(closed(second), other, True)

    assert monitors(site) == before


@pytest.mark.parametrize(
    ("state", "ours"),
    [
        ("<Text>AGENT EN DANGER — Renfort</Text>", True),
        ("<Text>AGENT EN DANGER &#8212; Renfort</Text>", True),
        ('<Item xml="&lt;Text&gt;PM-214 &amp;#x2014; Renfort"/>', True),
        ("<Text>Renfort d'été - Renfort</Text>", False),
    ],
)
def test_our_text_is_known_again_however_the_xml_writes_it(state: str, ours: bool) -> None:
    assert wall.is_ours(state) is ours


def test_a_monitor_given_back_serves_the_next_incident(site: Running, adapter: Milestone) -> None:
    one, two, *_ = site.ready["cameras"]
    first, second = seen_by([one]), seen_by([two], incident=IncidentId("axis:s2"))
    adapter.withdraw(closed(first), adapter.show(first, None, False), True)

    adapter.show(second, None, False)

    assert two in cells(site)


def test_a_site_that_calls_the_fields_otherwise_is_understood_by_its_form(
    site: Running, adapter: Milestone
) -> None:
    site.order("spell", task="ApplyCamerasAndLayout",
               names={"cameras": "cameraList", "layout": "layoutPath"})  # fmt: skip
    spelt = {"text": "displayText", "layout": "layoutItem", "position": "itemPosition"}
    site.order("spell", task="ApplyTextAndLayout", names=spelt)
    one, two, *_ = site.ready["cameras"]

    receipt = adapter.show(seen_by([one, two]), None, False)

    assert receipt.missing is None
    assert cells(site)[1:3] == [one, two]


def test_a_form_that_cannot_be_filled_in_is_said_with_its_fields(
    site: Running, adapter: Milestone
) -> None:
    site.order("spell", task="ApplyCamerasAndLayout", names={"cameras": "devices"})

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert "devices" in str(receipt.missing)
    assert len(site.simulator.site.alarms) == 1


def test_a_task_that_fails_leaves_the_alarm_and_is_tried_again(
    site: Running, adapter: Milestone
) -> None:
    picture, now = seen_by(site.ready["cameras"][:2]), [0.0]
    adapter._desk.ladder._clock = lambda: now[0]
    site.order("task", error="The monitor is busy.")

    receipt = adapter.show(picture, None, False)
    early = adapter.show(picture, receipt, True)
    now[0] = 61.0
    later = adapter.show(picture, early, True)

    assert "The monitor is busy." in str(receipt.missing)
    assert str(early.missing) == str(receipt.missing)
    assert later.missing is None
    assert len(site.simulator.site.alarms) == 1
    assert cells(site)[1] == site.ready["cameras"][0]


def test_a_wall_shown_by_halves_is_restored_all_the_same(site: Running, adapter: Milestone) -> None:
    before, picture = monitors(site), seen_by(site.ready["cameras"][:2])
    # The cameras go up; the text, second task, fails.
    site.order("spell", task="ApplyTextAndLayout", names={"text": "caption"})
    receipt = adapter.show(picture, None, False)
    assert receipt.missing is not None
    assert monitors(site) != before

    adapter.withdraw(closed(picture), receipt, True)

    assert monitors(site) == before


def test_a_wall_that_does_not_answer_blocks_no_alarm_and_is_shown_later(
    site: Running, adapter: Milestone
) -> None:
    picture, now = seen_by(site.ready["cameras"][:2]), [0.0]
    adapter._desk.ladder._clock = lambda: now[0]
    site.order("fail", status=503, path="videowalls")

    receipt = adapter.show(picture, None, False)
    now[0] = 1.5
    later = adapter.show(picture, receipt, True)

    assert "Smart Wall" in str(receipt.missing)
    assert json.loads(receipt.data)["alarm"]
    assert later.missing is None


@pytest.mark.parametrize(
    ("trouble", "how"),
    [
        ("fail", {"status": 503, "count": 60}),
        ("fail", {"status": 0, "count": 60}),
        ("html", {"count": 60}),
        ("fail", {"status": 401, "count": 60, "path": "monitors"}),
    ],
)
def test_after_any_trouble_the_wall_shows_the_newest_and_nobody_did_anything(
    site: Running, adapter: Milestone, trouble: str, how: dict[str, Any]
) -> None:
    from hooks import AdapterError

    now, before = [0.0], monitors(site)
    adapter._desk.ladder._clock = lambda: now[0]
    one, two, three, four, *_ = site.ready["cameras"]
    receipt = adapter.show(seen_by([one, two]), None, False)

    site.order(trouble, **how)
    for version, camera in enumerate((three, four), 2):
        now[0] += 100
        try:
            receipt = adapter.show(seen_by([camera, two], version=version), receipt, True)
        except AdapterError:
            continue  # the alarm itself: the host asks again, with the receipt it has
        assert receipt.missing is not None
    site.order("heal")
    now[0] += 100
    receipt = adapter.show(seen_by([four, two], version=4), receipt, True)

    assert receipt.missing is None
    assert cells(site)[1:3] == [four, two]
    assert len(site.simulator.site.alarms) == 1
    adapter.withdraw(closed(seen_by([four])), receipt, True)
    assert monitors(site) == before


def test_a_wall_that_cannot_be_restored_now_is_restored_when_it_can(
    site: Running, adapter: Milestone
) -> None:
    from hooks import Unreachable

    before, picture = monitors(site), seen_by(site.ready["cameras"][:2])
    receipt = adapter.show(picture, None, False)
    site.order("fail", status=503, path="monitors")
    with pytest.raises(Unreachable):
        adapter.withdraw(closed(picture), receipt, True)

    adapter.withdraw(closed(picture), receipt, True)

    assert monitors(site) == before
    [alarm] = site.simulator.site.alarms.values()
    assert [each.get("state", {}).get("name") for each in alarm.history].count("Closed") == 1


def test_tasks_that_take_time_are_waited_for_and_cleaned_up(site: Running) -> None:
    site.order("task", lasts_s=0.2)
    site.simulator.site.clock = _ticking(site)  # the site's own clock stands still in tests
    adapter = adapter_on(site, wall=["Écran 1"])

    receipt = adapter.show(seen_by(site.ready["cameras"][:2]), None, False)

    assert receipt.missing is None
    assert site.simulator.site.tasks == {}


def _ticking(site: Running) -> Any:
    import time

    began, base = time.monotonic(), site.clock.now
    return lambda: base + time.monotonic() - began


def test_without_the_licence_the_wall_is_missed_because_it_was_asked_for(
    site: Running, adapter: Milestone
) -> None:
    site.order("licence", edition="Professional+")

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert "licence" in str(receipt.missing)


def test_doctor_says_what_becomes_of_the_wall(site: Running) -> None:
    def said(*names: str) -> tuple[bool, str]:
        findings = adapter_on(site, wall=list(names)).probe().findings
        [found] = [each for each in findings if each.subject == "wall"]
        return found.well, str(found.said)

    assert said("Écran 1") == (True, "Smart Wall, monitors Écran 1")
    assert said() == (
        True,
        "not used: name in wall which of its monitors may be taken, among "
        "Mur du CSU/Écran 1, Mur du CSU/Écran 2",
    )
    assert said("Écran 9") == (False, "there is no monitor Écran 9 in XProtect")
    site.order("licence", edition="Expert")
    well, text = said("Écran 1")
    assert not well
    assert "licence" in text


def test_a_receipt_of_the_wall_holds_no_place_of_the_officer(
    site: Running, adapter: Milestone
) -> None:
    receipt: Receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert "43.56" not in receipt.data
