"""The alarm and the ladder fail apart: neither keeps the other from being shown, or taken down."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from adapters.milestone import Milestone, theirs
from adapters.milestone.simulator.inventory import guid
from hooks import Envelope, IncidentId, Message, Receipt, Refused, Unreachable
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import SERIAL, adapter_on, closed, seen_by
from tests.adapters.milestone.test_analytics import define

WALL = {"wall": ["Écran 1"]}


@pytest.fixture
def site(xprotect: Start) -> Running:
    running = xprotect()
    running.order("task", lasts_s=0)
    return running


@pytest.fixture
def old(xprotect: Start) -> Running:
    """A release that takes no alarms from programs."""
    running = xprotect("--release", "2022R3", "--analytics-port", "0",
                       "--bodyworn", f"{SERIAL}=PM-214")  # fmt: skip
    running.order("task", lasts_s=0)
    return running


def wall(site: Running) -> list[dict[str, str]]:
    cells: list[dict[str, str]] = site.http.get("/simulator/wall").json()["monitors"][0]["cells"]
    return cells


def told(site: Running) -> int:
    return sum(e["type"] == guid("user-defined event") for e in site.simulator.site.events.values())


def test_alarms_that_fail_keep_no_wall_from_showing_him(site: Running) -> None:
    adapter, kept = adapter_on(site, **WALL), list[Receipt]()
    picture = seen_by(site.ready["cameras"][:1])
    before = wall(site)
    site.order("fail", status=503, seconds=3600, path="alarms")

    with pytest.raises(Unreachable):
        adapter.show(picture, None, False, kept.append)
    shown = wall(site)
    site.order("heal")
    receipt = adapter.show(picture, kept[-1], True, kept.append)
    adapter.withdraw(closed(picture), receipt, True)

    assert shown != before
    assert len(site.simulator.site.alarms) == 1
    assert wall(site) == before


def test_an_alarm_that_cannot_be_closed_keeps_no_wall_from_being_given_back(site: Running) -> None:
    adapter = adapter_on(site, event_open="Renfort", event_closed="Renfort", **WALL)
    picture = seen_by(site.ready["cameras"][:1])
    before = wall(site)
    receipt = adapter.show(picture, None, False)
    site.order("fail", status=503, seconds=3600, path="alarms")

    for _ in range(3):
        with pytest.raises(Unreachable):
            adapter.withdraw(closed(picture), receipt, True)
    given_back = wall(site)
    site.order("heal")
    adapter.withdraw(closed(picture), receipt, True)

    assert given_back == before
    assert told(site) == 2
    [alarm] = site.simulator.site.alarms.values()
    assert alarm.fields["state"]["name"] == "Closed"


def test_a_page_of_a_proxy_is_not_taken_for_a_comment_that_was_made(site: Running) -> None:
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])
    receipt = adapter.show(picture, None, False)
    lost = replace(picture, version=2, link_up=False, text="Liaison perdue.")
    site.order("html", seconds=3600, path="/alarms/")

    with pytest.raises(Unreachable, match="not in JSON"):
        adapter.show(lost, receipt, True)
    site.order("heal")
    adapter.show(lost, receipt, True)

    [alarm] = site.simulator.site.alarms.values()
    assert [each["comment"] for each in alarm.history if "comment" in each] == ["Liaison perdue."]


def test_rules_hear_of_the_end_once_though_the_wall_is_given_back_later(site: Running) -> None:
    adapter = adapter_on(site, event_open="Renfort", event_closed="Renfort", **WALL)
    picture = seen_by(site.ready["cameras"][:1])
    before = wall(site)
    receipt = adapter.show(picture, None, False)
    site.order("fail", status=503, seconds=3600, path="monitors")

    for _ in range(3):
        with pytest.raises(Unreachable):
            adapter.withdraw(closed(picture), receipt, True)
    site.order("heal")
    adapter.withdraw(closed(picture), receipt, True)

    assert told(site) == 2
    assert wall(site) == before


def test_a_release_without_alarms_shows_by_all_that_it_has(old: Running) -> None:
    define(old, alarm=True)
    port = f"http://127.0.0.1:{old.ready['analytics_port']}"
    adapter = adapter_on(old, analytics_event="Renfort", analytics_url=port, **WALL)
    picture, before = seen_by(old.ready["cameras"][:2]), wall(old)

    receipt = adapter.show(picture, None, False)
    shown = wall(old)
    again = adapter.show(picture, receipt, True)
    gone = adapter.withdraw(closed(picture), again, True)

    assert "XProtect 2022 R3 takes no alarms from programs" in str(receipt.missing)
    assert shown != before
    assert wall(old) == before
    assert gone is not None
    # XProtect makes the alarm of our event by itself, once.
    assert len(old.http.get("/simulator/analytics").json()["received"]) == 1
    assert [each.fields["name"] for each in old.simulator.site.alarms.values()] == [
        "Agent en danger"
    ]


def test_a_release_without_alarms_holds_no_wall_for_an_incident_that_is_over(old: Running) -> None:
    adapter, picture = adapter_on(old, **WALL), seen_by(old.ready["cameras"][:1])
    gone = adapter.withdraw(closed(picture), adapter.show(picture, None, False), True)
    before = wall(old)

    again = adapter_on(old, **WALL)  # restarted, the incident being still on the board
    again.recall({picture.incident: gone} if gone else {})
    later = seen_by(old.ready["cameras"][:2], incident=IncidentId("axis:s2"))
    again.show(later, None, False)

    assert wall(old) != before


def test_a_release_without_alarms_nor_anything_else_shows_nothing_and_says_so(old: Running) -> None:
    with pytest.raises(Refused, match="2023 R2 or later does"):
        adapter_on(old).show(seen_by(old.ready["cameras"][:1]), None, False)


class Ear:
    """A host that counts the signs of life."""

    def __init__(self) -> None:
        self.signs = 0

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        raise AssertionError(envelope)

    def up(self) -> None:
        self.signs += 1


async def heard(adapter: Milestone, feed: str) -> int:
    """Follow a feed for two signs; the feed must not fall."""
    [found] = [each for each in adapter.list_feeds() if each.name == feed]
    ear = Ear()
    task = asyncio.ensure_future(found.run(ear))
    async with asyncio.timeout(10):
        while ear.signs < 1 and not task.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return ear.signs


@pytest.mark.parametrize("feed", ["gateway", "alarms"])
async def test_a_release_without_alarms_is_not_said_to_be_away(
    old: Running, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theirs, "POLL_S", 0.01)

    assert await heard(adapter_on(old), feed) > 0


def test_doctor_says_that_a_release_without_alarms_has_none_unless_it_makes_them_of_our_event(
    old: Running,
) -> None:
    port = f"http://127.0.0.1:{old.ready['analytics_port']}"
    adapter = adapter_on(old, analytics_event="Renfort", analytics_url=port)

    def found() -> tuple[bool, str]:
        [event] = [each for each in adapter.probe().findings if each.subject == "event"]
        return event.well, str(event.said)

    before = found()
    define(old, alarm=True)

    assert before[0] is False
    assert "no alarm is made at all: XProtect 2022 R3" in before[1]
    assert found()[0] is True


def test_doctor_goes_on_to_the_ladder_where_there_are_no_alarms(old: Running) -> None:
    findings = {each.subject: each for each in adapter_on(old, **WALL).probe().findings}

    assert not findings["alarm"].well
    assert findings["wall"].well
