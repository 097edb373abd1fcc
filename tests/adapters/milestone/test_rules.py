"""What the site decided beforehand: presets of its wall, rules on our events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.milestone import Milestone
from adapters.milestone.simulator.inventory import guid
from hooks import Receipt, Unreachable
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import adapter_on, closed, seen_by


@pytest.fixture
def site(xprotect: Start) -> Running:
    running = xprotect()
    running.order("task", lasts_s=0)
    return running


def finding(adapter: Milestone, subject: str) -> tuple[bool, str]:
    [found] = [each for each in adapter.probe().findings if each.subject == subject]
    return found.well, str(found.said)


def runs(site: Running, what: str) -> int:
    requests = site.simulator.site.requests
    return sum(n for path, n in requests.items() if path.startswith("POST") and what in path)


def test_a_preset_of_the_wall_is_activated_once_and_the_other_at_the_end(site: Running) -> None:
    site.order("show", monitor=guid("monitor 1"), cameras=site.ready["cameras"][:2])
    adapter = adapter_on(site, wall_preset="veille", wall_preset_after="Veille")
    picture = seen_by(site.ready["cameras"][:1])

    receipt = adapter.show(picture, None, False)
    cells = site.http.get("/simulator/wall").json()["monitors"][0]["cells"]
    receipt = adapter.show(replace(picture, version=2), receipt, True)
    once = runs(site, "videowallpresets")
    adapter.withdraw(closed(picture), receipt, True)

    assert cells == [{}] * 4
    assert receipt.missing is None
    assert runs(site, "videowallpresets") == 2 * once


def test_a_preset_of_the_same_monitor_does_not_take_the_officer_off_it(site: Running) -> None:
    def cells() -> list[dict[str, str]]:
        first = site.http.get("/simulator/wall").json()["monitors"][0]
        found: list[dict[str, str]] = first["cells"]
        return found

    one, two, *_ = site.ready["cameras"]
    site.order("show", monitor=guid("monitor 1"), cameras=[two])
    adapter = adapter_on(site, wall=["Écran 1"], wall_preset="Veille", wall_preset_after="Veille")
    picture = seen_by([one])

    receipt = adapter.show(picture, None, False)
    shown = cells()
    receipt = adapter.show(seen_by([two], version=2), receipt, True)
    moved = cells()
    adapter.withdraw(closed(picture), receipt, True)

    assert {"cameraid": one} in shown
    assert {"cameraid": two} in moved
    assert cells() == [{}] * 4


def test_a_preset_that_is_not_there_is_missed(site: Running) -> None:
    adapter = adapter_on(site, wall_preset="Crise")

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert "no preset Crise" in str(receipt.missing)
    assert finding(adapter, "wall preset")[0] is False


def test_without_the_licence_a_preset_is_missed(site: Running) -> None:
    site.order("licence", edition="Expert")

    receipt = adapter_on(site, wall_preset="Veille").show(
        seen_by(site.ready["cameras"][:1]), None, False
    )

    assert receipt.missing is not None


def test_rules_hear_of_the_press_and_of_the_end_once(site: Running) -> None:
    adapter = adapter_on(site, event_open="renfort", event_closed="Renfort")
    picture = seen_by(site.ready["cameras"][:1])

    receipt = adapter.show(picture, None, False)
    receipt = adapter.show(replace(picture, version=2), receipt, True)
    opened = len(site.simulator.site.events)
    adapter.withdraw(closed(picture), receipt, True)

    assert (opened, len(site.simulator.site.events)) == (1, 2)
    kinds = {event["type"] for event in site.simulator.site.events.values()}
    assert kinds == {guid("user-defined event")}


def test_what_was_perhaps_opened_is_closed_at_the_end(site: Running) -> None:
    """The answer is lost, and the incident over before it is asked again: the lights go out."""
    adapter = adapter_on(site, event_open="renfort", event_closed="Renfort")
    picture = seen_by(site.ready["cameras"][:1])
    site.order("fail", status=0, method="POST", path="/events", after=True)

    receipt = adapter.show(picture, None, False)
    adapter.withdraw(closed(picture), receipt, True)

    assert receipt.missing is not None
    assert len(site.simulator.site.events) == 2


def test_a_disk_that_fails_keeps_no_rule_from_starting_nor_a_bookmark_from_being_made(
    site: Running,
) -> None:
    asked = list[Receipt]()

    def keep(receipt: Receipt) -> None:
        asked.append(receipt)
        raise Unreachable("a receipt cannot be kept: {cause}", cause="OSError")

    adapter = adapter_on(site, event_open="renfort", event_closed="Renfort")

    receipt = adapter.show(seen_by(site.ready["cameras"][:2]), None, False, keep)

    assert receipt.missing is None
    assert len(site.simulator.site.events) == 1
    assert len(site.simulator.site.shelf.of("bookmarks")) == 2
    assert len(asked) == 1  # a disk that hangs is waited for once, not at each step


def test_what_never_went_out_is_not_closed_at_the_end(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from requests import ConnectTimeout
    from requests.adapters import HTTPAdapter

    adapter = adapter_on(site, event_open="renfort", event_closed="Renfort")
    picture, send = seen_by(site.ready["cameras"][:1]), HTTPAdapter.send

    def refused(self: HTTPAdapter, request: Any, **how: Any) -> Any:
        if request.path_url.endswith("/events"):
            raise ConnectTimeout
        return send(self, request, **how)

    monkeypatch.setattr(HTTPAdapter, "send", refused)
    receipt = adapter.show(picture, None, False)
    monkeypatch.setattr(HTTPAdapter, "send", send)
    adapter.withdraw(closed(picture), receipt, True)

    assert receipt.missing is not None
    assert len(site.simulator.site.events) == 0


def test_a_release_whose_rest_takes_no_events_is_told_by_soap(xprotect: Start) -> None:
    old = xprotect("--release", "2021R2", "--analytics-port", "0")
    old.rest("POST", "analyticsEvents", json={"name": "Renfort"}).raise_for_status()
    port = f"http://127.0.0.1:{old.ready['analytics_port']}"
    adapter = adapter_on(old, event_open="renfort", event_closed="Renfort",
                         analytics_event="Renfort", analytics_url=port)  # fmt: skip
    picture = seen_by(old.ready["cameras"][:1])

    def told() -> int:
        kept = old.simulator.site.events.values()
        return sum(each["type"] == guid("user-defined event") for each in kept)

    receipt = adapter.show(picture, None, False)
    opened = told()
    adapter.withdraw(closed(picture), receipt, True)

    assert (opened, told()) == (1, 2)
    assert "rules" not in str(receipt.missing)


def test_an_event_that_is_not_defined_is_said_with_where_to_define_it(site: Running) -> None:
    adapter = adapter_on(site, event_open="Alerte")

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert "define it in Management Client" in str(receipt.missing)
    assert finding(adapter, "rules")[0] is False


def test_doctor_says_what_is_used_and_what_is_not(site: Running) -> None:
    adapter = adapter_on(site, wall_preset="Veille", event_open="Renfort")

    assert finding(adapter, "wall preset") == (True, "preset Veille at the press")
    assert finding(adapter, "rules")[1].startswith("event Renfort at the press")
    unused = adapter_on(site)
    assert finding(unused, "rules") == (True, "not used: the settings name none")
    assert finding(unused, "wall preset") == (True, "not used: the settings name none")
