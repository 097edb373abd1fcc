"""Cameras that stand for body-worn devices: never recorded, added from a pool, named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.milestone import bodyworn
from adapters.milestone.api import Api
from adapters.milestone.bodyworn import Slots
from adapters.milestone.client import Client
from adapters.milestone.settings import read
from hooks import Finding, Refused, Unreachable
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import PICTURE, SERIAL, adapter_on, seen_by
from vms_plugin.cli import _parser

OFF = {"id": "g1", "name": "PM-214", "recordingEnabled": False, "prebufferEnabled": False,
       "edgeStorageEnabled": False, "recordOnRelatedDevices": False}  # fmt: skip


# --- the verdict ---


@pytest.mark.parametrize("field", ["recordingEnabled", "prebufferEnabled", "edgeStorageEnabled"])
@pytest.mark.parametrize("value", [True, "True", "true"])
def test_r241_13_a_body_worn_camera_that_would_be_kept_is_said_with_where_to_switch_it_off(
    field: str, value: object
) -> None:
    found = bodyworn.verdict("PM-214", {**OFF, field: value}, [])

    assert not found.well
    assert field in str(found.said)
    assert "Record tab" in str(found.said)
    assert "R241-13" in str(found.said)


def test_one_that_keeps_nothing_is_well() -> None:
    found = bodyworn.verdict("PM-214", OFF, [])

    assert found == Finding(subject="body-worn PM-214", well=True, said=found.said)
    assert str(found.said) == "shown by camera PM-214, recording off"


def test_recording_on_related_devices_alone_keeps_nothing() -> None:
    assert bodyworn.verdict("PM-214", {**OFF, "recordOnRelatedDevices": True}, []).well


def test_a_rule_that_records_this_very_camera_is_named() -> None:
    rules: list[dict[str, Any]] = [
        {"name": "Nuit", "startActions": ["StartRecording"], "startActionDevices": ["cameras/G1"]},
        {"name": "Autre", "startActions": ["StartRecording"], "devices": ["g2"]},
        {"name": "Ronde", "startActions": ["PtzMoveToPreset"], "devices": ["g1"]},
    ]

    found = bodyworn.verdict("PM-214", OFF, rules)

    assert (found.well, "Nuit" in str(found.said), "Ronde" in str(found.said)) == (
        False, True, False,
    )  # fmt: skip


# --- on a site ---


@pytest.fixture
def site(xprotect: Start) -> Running:
    running = xprotect("--bodyworn", f"{SERIAL}=PM-214")
    running.order("task", lasts_s=0)
    return running


def worn_findings(site: Running, **more: object) -> list[tuple[str, bool]]:
    findings = adapter_on(site, **more).probe().findings
    return [(each.subject, each.well) for each in findings if each.subject.startswith("body-worn")]


def test_doctor_looks_at_each_camera_that_stands_for_an_officer(site: Running) -> None:
    one = site.ready["cameras"][0]

    found = worn_findings(site, slots={"PM-7": one})

    assert found == [("body-worn PM-7", False), (f"body-worn axis:{SERIAL}", True)]


def test_a_slow_site_is_not_asked_for_each_of_forty_slots(site: Running) -> None:
    one, now = site.ready["cameras"][0], [0.0]

    def clock() -> float:
        now[0] += 5.0
        return now[0]

    found = list(bodyworn.examine_worn(api(site), {f"PM-{n}": one for n in range(40)}, clock))

    assert len(found) == 40
    assert str(found[-1].said) == "not looked at: XProtect is slow"
    assert not found[-1].well
    assert site.simulator.site.requests["GET /api/rest/v1/cameras/{id}"] < 5


def test_doctor_says_a_camera_that_is_not_there(site: Running) -> None:
    missing = list(
        bodyworn.examine_worn(api(site), {"PM-7": "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"})
    )

    assert [each.well for each in missing] == [False]


def test_r241_11_a_camera_that_stands_for_an_officer_is_none_of_the_towns(site: Running) -> None:
    """It may well have a place, for the alarm's jump: it is no CCTV camera that sees it."""
    one, two, *_ = site.ready["cameras"]
    adapter = adapter_on(site, slots={"PM-7": two})

    listed = {each.id.partition(":")[2] for each in adapter.list_cameras()}

    assert one in listed
    assert not {two, site.ready["bodyworn"][SERIAL]} & listed


def test_an_officer_is_followed_by_his_slot_whatever_device_he_wears(site: Running) -> None:
    one, two = site.ready["cameras"][:2]
    adapter = adapter_on(site, devices={}, slots={"PM-214": two})

    adapter.show(seen_by([one]), None, False)

    [alarm] = site.simulator.site.alarms.values()
    assert alarm.fields["source"] == f"cameras/{two}"
    assert PICTURE.officer.call_sign == "PM-214"


# --- the pool ---


def api(site: Running) -> Api:
    settings = {"url": site.url, "username": site.ready["username"],
                "password": site.ready["password"]}  # fmt: skip
    return Api(Client(read(settings).site).gateway)


def add(site: Running, *officers: str, **more: Any) -> dict[str, str]:
    how = {"driver": "universal", "username": "vms", "password": "secret", **more}
    return Slots(api(site)).add("http://192.0.2.10:8554/", officers, **how)


def camera(site: Running, guid: str) -> dict[str, Any]:
    found: dict[str, Any] = site.rest("GET", f"cameras/{guid}").json()["data"]
    return found


def test_r241_13_slots_are_added_with_everything_that_keeps_switched_off(site: Running) -> None:
    found = add(site, "PM-214", "PM-215")

    assert list(found) == ["PM-214", "PM-215"]
    for officer, guid in found.items():
        row = camera(site, guid)
        assert (row["name"], row["enabled"]) == (officer, True)
        assert not any(bodyworn.on(row, field) for field in bodyworn.RECORDING)
    assert all(each.well for each in bodyworn.examine_worn(api(site), found))


def test_r241_13_cut_off_before_a_camera_is_switched_off_the_device_gives_no_picture(
    site: Running,
) -> None:
    # Not the first request on cameras, by which recording is switched off, but the last one.
    site.order("fail", status=0, method="PATCH", path="/cameras/", count=1, after=True)

    with pytest.raises(Unreachable):
        add(site, "PM-214", "PM-215")

    [added] = [each for each in site.listed("hardware?disabled")
               if each["address"] == "http://192.0.2.10:8554/"]  # fmt: skip
    assert not added["enabled"]
    found = add(site, "PM-214", "PM-215")
    assert all(each.well for each in bodyworn.examine_worn(api(site), found))


def test_r241_13_the_channels_of_no_officer_keep_nothing_either(site: Running) -> None:
    found = add(site, "PM-214")

    [added] = [each for each in site.listed("hardware?disabled")
               if each["address"] == "http://192.0.2.10:8554/"]  # fmt: skip
    rows = site.listed(f"hardware/{added['id']}/cameras?disabled")
    assert len(rows) > len(found)
    assert not any(bodyworn.kept(each) for each in rows)


def test_a_device_may_take_long_to_be_added(site: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder talks to it first: tens of seconds, where an alert waits for four."""
    monkeypatch.setattr("adapters.milestone.api.TASK_S", 0.0)
    monkeypatch.setattr("adapters.milestone.api.POLL_S", 0.0)
    site.order("task", lasts_s=30)
    asked, one = list[str](), Api.one

    def later(self: Api, path: str) -> dict[str, Any]:
        asked.append(path)
        site.clock.now += 10
        return one(self, path)

    monkeypatch.setattr(Api, "one", later)

    assert list(add(site, "PM-214")) == ["PM-214"]
    assert len(asked) == 3


def test_adding_again_puts_right_what_is_there_and_adds_nothing(site: Running) -> None:
    first = add(site, "PM-214")
    count = len(site.simulator.site.hardware)
    site.rest("PATCH", f"cameras/{first['PM-214']}", json={"recordingEnabled": True})

    again = add(site, "PM-220")

    assert list(again.values()) == list(first.values())
    assert len(site.simulator.site.hardware) == count
    assert not camera(site, again["PM-220"])["recordingEnabled"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"recorder": "RS9"}, "there is no recording server RS9"),
    ],
)
def test_what_cannot_be_added_is_said(site: Running, more: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        add(site, "PM-214", **more)


def test_more_officers_than_the_device_has_channels_is_said(site: Running) -> None:
    with pytest.raises(Refused, match=r"\[live\] officers first"):
        add(site, *[f"PM-{number}" for number in range(40)])


# --- the command ---


def config(site: Running, path: Path) -> Path:
    file, secret = path / "renfort.toml", path / "vms.password"
    secret.write_text(site.ready["password"] + "\n", encoding="utf-8")
    file.write_text(
        f'[adapters.milestone]\nurl = "{site.url}"\nusername = "{site.ready["username"]}"\n'
        f'password_file = "{secret}"\n', encoding="utf-8",
    )  # fmt: skip
    return file


def run(*words: str) -> int:
    """Run a command of `renfort`, and leave the tests' own logs alone."""
    parsed = _parser().parse_args(words)
    code: int = parsed.run(parsed)
    return code


def test_the_command_adds_slots_and_says_what_to_write(
    site: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("milestone", "add-slots", "http://192.0.2.10:8554/", "PM-214", "--driver",
                 "universal", "--config", str(config(site, tmp_path)))  # fmt: skip

    said = capsys.readouterr().out
    assert code == 0
    assert "[adapters.milestone.slots]" in said
    assert '"PM-214" = "' in said
    assert "/PM-214" in said


def test_the_command_says_in_french_what_is_wrong(
    site: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("milestone", "add-slots", "http://192.0.2.10:8554/", "PM-214", "--recorder",
                 "RS9", "--config", str(config(site, tmp_path)))  # fmt: skip

    assert code == 1
    assert "il n'y a pas de serveur d'enregistrement RS9" in capsys.readouterr().err
