"""What a site lacks or needs: cameras, rights, levels; and what is paid for before the press."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from adapters.milestone import Milestone
from adapters.milestone.alarming import AGAIN_S
from hooks import (
    IncidentId,
    Phase,
    Refused,
    Unreachable,
)
from tests.adapters.milestone.alarms.conftest import (
    CAMERA,
    OTHER,
    PICTURE,
    STATES,
    TAKEN,
    Vms,
    again,
    settings,
)
from tests.adapters.milestone.conftest import Start
from tests.adapters.milestone.showing import SERIAL, adapter_on, seen_by

# --- source ---


def test_the_next_camera_is_tried_when_xprotect_has_not_the_first(
    vms: Vms, caplog: pytest.LogCaptureFixture
) -> None:
    vms.cameras = {OTHER}
    adapter = Milestone()
    adapter.configure(settings(vms, fallback_camera=OTHER))

    adapter.show(PICTURE, None, False)

    assert vms.alarms["a1"]["source"] == OTHER
    assert CAMERA in caplog.text


def test_an_alarm_without_camera_is_better_than_none(vms: Vms) -> None:
    vms.cameras = set()
    adapter = again(vms)

    adapter.show(PICTURE, None, False)

    assert "source" not in vms.alarms["a1"]


def test_a_site_that_needs_a_camera_is_told_with_the_setting_to_write(vms: Vms) -> None:
    vms.needs_source = True
    adapter = Milestone()
    adapter.configure(settings(vms, devices={}))

    with pytest.raises(Refused, match="set fallback_camera"):
        adapter.show(PICTURE, None, False)


def test_a_camera_whose_name_bears_the_serial_stands_for_the_officer(vms: Vms) -> None:
    vms.enums |= {"cameras": [{"id": OTHER, "name": "BWC B8A44F00A001"}], "hardware": []}
    adapter = Milestone()
    adapter.configure(settings(vms, devices={}))
    assert [camera.id for camera in adapter.list_cameras()] == [f"milestone:{OTHER}"]

    adapter.show(PICTURE, None, False)

    assert vms.alarms["a1"]["source"] == OTHER


def test_his_camera_is_looked_for_by_name_while_the_inventory_is_not_read(vms: Vms) -> None:
    vms.enums |= {"cameras": [{"id": OTHER, "name": "BWC B8A44F00A001"}]}
    adapter = Milestone()
    adapter.configure(settings(vms, devices={}))

    adapter.show(PICTURE, None, False)

    assert vms.queries == ["name=contains:'B8A44F00A001'"]
    assert vms.alarms["a1"]["source"] == OTHER


def test_the_alarm_does_not_wait_for_a_camera_that_cannot_be_looked_for(xprotect: Start) -> None:
    """The management server is down, the Event Server, which keeps the alarms, is not."""
    site = xprotect()
    site.order("fail", status=500, seconds=60, path="cameras")
    adapter = adapter_on(site, devices={})

    adapter.show(seen_by(site.ready["cameras"][1:2]), None, False)

    [alarm] = site.listed("alarms")
    assert alarm["source"] == f"cameras/{site.ready['cameras'][1]}"


def test_his_camera_is_looked_for_again_once_the_site_may_say(
    xprotect: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("adapters.milestone.alarming.monotonic", lambda: now[0])
    site = xprotect("--bodyworn", f"{SERIAL}=PM-214")
    site.order("fail", status=500, count=1, path="cameras")
    sources = adapter_on(site, devices={})._desk.sources
    picture = seen_by(site.ready["cameras"][:1])

    assert (sources.own(picture), sources.own(picture)) == ("", "")
    now[0] += AGAIN_S

    assert sources.own(picture) == site.ready["bodyworn"][SERIAL]


# --- rights and levels ---


def test_an_alarm_is_followed_without_its_priority_where_these_may_not_be_read(
    xprotect: Start,
) -> None:
    site = xprotect()
    site.order("forbid", path="alarmpriorities")
    adapter, picture = adapter_on(site), seen_by(site.ready["cameras"][:1])

    receipt = adapter.show(picture, None, False)
    adapter.show(replace(picture, version=2, phase=Phase.TAKEN), receipt, True)

    [alarm] = site.listed("alarms")
    assert receipt.missing is None
    assert (alarm["state"]["name"], alarm["priority"]["name"]) == ("In progress", "Medium")


def test_a_right_to_change_that_lacks_is_said_and_makes_no_second_alarm(
    vms: Vms, adapter: Milestone
) -> None:
    vms.faults["PATCH alarms"] = [403, 403]
    for _ in range(2):
        with pytest.raises(Refused, match="simulated"):
            adapter.show(PICTURE, None, True)

    adapter.show(PICTURE, None, True)

    assert list(vms.alarms) == ["a1"]


def test_a_site_without_the_priority_still_has_its_alarm(vms: Vms, adapter: Milestone) -> None:
    vms.enums["alarmPriorities"] = []

    adapter.show(PICTURE, None, False)

    assert list(vms.alarms) == ["a1"]
    assert vms.changes == []


def test_a_site_without_the_state_is_told_which_to_add(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(PICTURE, None, False)
    vms.enums["alarmStates"] = STATES[:1]

    with pytest.raises(Refused, match=r"level 4 \(In progress\)"):
        adapter.show(TAKEN, receipt, True)


def test_states_are_asked_again_after_a_refusal(vms: Vms, adapter: Milestone) -> None:
    receipt = adapter.show(TAKEN, adapter.show(PICTURE, None, False), True)
    vms.faults["PATCH alarms"] = [400]
    with pytest.raises(Refused):
        adapter.show(PICTURE, receipt, True)

    adapter.show(PICTURE, receipt, True)

    assert vms.count("GET alarmStates") == 2


# --- many at once, and warm ---


def test_eight_presses_at_once_make_eight_alarms_with_one_token(
    vms: Vms, adapter: Milestone
) -> None:
    pictures = [replace(PICTURE, incident=IncidentId(f"axis:s{number}")) for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda each: adapter.show(each, None, False), pictures))

    assert len(vms.alarms) == 8
    assert len({json.loads(each.data)["alarm"] for each in receipts}) == 8
    assert sum("token" in each for each in vms.asked) == 1


async def test_the_watch_pays_for_token_and_levels_before_the_press(
    vms: Vms, adapter: Milestone
) -> None:
    import asyncio

    signs = asyncio.Event()

    class Ear:
        async def __call__(self, envelope: object) -> tuple[()]:
            return ()

        def up(self) -> None:
            signs.set()

    [feed, *_] = adapter.list_feeds()
    watch = asyncio.ensure_future(feed.run(Ear()))
    await asyncio.wait_for(signs.wait(), 5)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    vms.asked.clear()

    await asyncio.to_thread(adapter.show, PICTURE, None, False)

    assert vms.asked == ["POST alarms", "PATCH alarms/a1"]


async def test_the_watch_fails_when_the_alarms_do(vms: Vms, adapter: Milestone) -> None:
    vms.faults["GET alarmStates"] = [503]
    [feed, *_] = adapter.list_feeds()

    with pytest.raises(Unreachable, match="503"):
        await feed.run(lambda *_: None)  # type: ignore[arg-type]


def test_a_site_that_is_down_is_said_in_the_same_words_each_time(
    vms: Vms, adapter: Milestone
) -> None:
    nobody = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{nobody.getsockname()[1]}"
    nobody.close()
    adapter.configure(settings(vms, url=f"http://{host}"))

    said = set()
    for _ in range(2):
        with pytest.raises(Unreachable) as error:
            adapter.list_cameras()
        said.add(str(error.value))

    assert said == {f"{host} does not answer: connection refused"}
