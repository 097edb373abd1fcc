"""Writing to the simulated configuration, as a foreign client does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start


def first(site: Running, kind: str) -> dict[str, Any]:
    return site.listed(kind)[0]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"gisPoint": "POINT (43.56 104.0)"}, "gisPoint"),
        ({"gisPoint": [4.08, 43.56]}, "gisPoint"),
        ({"enabled": "yes"}, "enabled"),
        ({"name": " "}, "name"),
        ({"coverageDirection": 90}, "coverageDirection"),
        ({"town": "x"}, "town"),
        ({"channel": 3}, "channel"),
    ],
)
def test_a_camera_refuses_what_does_not_fit_by_its_property(
    xprotect: Start, body: dict[str, Any], name: str
) -> None:
    site = xprotect("--cameras", "1")
    path = f"cameras/{site.ready['cameras'][0]}"
    before = site.rest("GET", path).json()

    answer = site.rest("PATCH", path, json=body)

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)
    assert site.rest("GET", path).json() == before


def test_a_camera_may_be_sent_back_whole_as_it_was_read(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    path = f"cameras/{site.ready['cameras'][0]}"
    camera = site.rest("GET", path).json()["data"]

    answer = site.rest("PUT", path, json={**camera, "shortName": "GARE"})

    assert answer.json()["data"]["shortName"] == "GARE"
    missing = site.rest("PUT", path, json={"name": "Gare"})
    assert site.detail(missing)["errorText"].startswith("Missing required property")


def test_a_rule_is_duplicated_as_the_makers_sample_does(xprotect: Start) -> None:
    site = xprotect()
    rule = first(site, "rules?disabled")

    new = {**rule, "name": f"Copy of {rule['name']}", "id": "0a0b0c0d-0000-4000-8000-000000000001"}
    answer = site.rest("POST", "rules", json=new)

    assert (answer.status_code, answer.json()["result"]["name"]) == (201, new["name"])
    assert len(site.listed("rules?disabled")) == 2


def test_a_rule_keeps_its_identifier_whatever_a_body_says(xprotect: Start) -> None:
    site = xprotect()
    rule = first(site, "rules?disabled")
    path = f"rules/{rule['id']}"

    refused = site.rest("PATCH", path, json={"id": "0a0b0c0d-0000-4000-8000-000000000001"})
    changed = site.rest("PATCH", path, json={**rule, "name": "Autre", "anything": [1]})

    assert site.detail(refused)["propertyName"] == "id"
    assert changed.json()["data"]["displayName"] == "Autre"
    assert site.rest("GET", path).json()["data"]["anything"] == [1]


def test_an_alarm_definition_is_created_changed_and_deleted(xprotect: Start) -> None:
    site = xprotect()
    event = first(site, "analyticsEvents")["id"]

    made = site.rest("POST", "alarmDefinitions", json={"name": "Essai", "eventType": event})
    path = f"alarmDefinitions/{made.json()['result']['id']}"
    cameras = [{"type": "cameras", "id": site.ready["cameras"][0]}]
    changed = site.rest("PATCH", path, json={"relatedCameraList": cameras, "mapType": 2})

    assert made.status_code == 201
    assert changed.json()["data"]["relatedCameraList"] == cameras
    assert site.rest("PATCH", path, json={"mapType": 3}).status_code == 400
    assert site.rest("DELETE", path).json() == {"state": "Success"}
    assert site.rest("GET", path).status_code == 404


def test_an_analytics_event_added_is_an_event_type_at_once(xprotect: Start) -> None:
    site = xprotect()

    made = site.rest("POST", "analyticsEvents", json={"name": "BWC_2"}).json()["result"]

    [kind] = site.listed("eventTypes?name=equals:'BWC_2'")
    assert (kind["id"], kind["generatorType"]) == (made["id"], "MIPDevice")


def test_views_live_in_groups_that_are_in_a_group(xprotect: Start) -> None:
    site = xprotect()
    top = first(site, "viewGroups?name=equals:'CSU'")["id"]
    inside = first(site, f"viewGroups/{top}/viewGroups")["id"]
    layout = "<ViewLayout><ViewItems/></ViewLayout>"
    body = {"name": "CRISE 2", "layoutViewItems": layout}

    refused = site.rest("POST", f"viewGroups/{top}/views", json=body)
    made = site.rest("POST", f"viewGroups/{inside}/views", json=body)

    assert site.detail(refused)["errorText"] == "Invalid parent. /ViewFolder"
    assert made.status_code == 201
    assert [each["name"] for each in site.listed(f"viewGroups/{inside}/views")] == [
        "CRISE 1", "CRISE 2",
    ]  # fmt: skip


def test_a_camera_joins_a_group_and_leaves_it(xprotect: Start) -> None:
    site = xprotect("--cameras", "1", "--bodyworn", "B8A44F00A001=PM-214")
    made = site.rest("POST", "cameraGroups", json={"name": "Gare"}).json()["result"]
    path, camera = f"cameraGroups/{made['id']}/cameras", site.ready["cameras"][0]

    assert site.rest("POST", path, json={"id": camera}).status_code == 201
    assert [each["id"] for each in site.listed(path)] == [camera]
    assert site.rest("DELETE", f"{path}/{camera}").status_code == 200

    assert site.listed(path) == []
    assert site.rest("GET", f"cameras/{camera}").status_code == 200


def test_settings_of_hardware_are_met_by_its_identifier_alone(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    device = first(site, "hardware")["id"]

    settings = site.rest("GET", f"hardwareDriverSettings/{device}").json()["data"]

    assert settings["hardwareDriverSettings"]["macAddress"].startswith("B8A44F")
    assert site.rest("GET", "hardwareDriverSettings").status_code == 400


def test_streams_and_masks_hang_under_a_camera(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    camera = site.ready["cameras"][0]
    site.order("lens", id=camera, masked=True)

    [streams] = site.listed(f"cameras/{camera}/streams")
    [masks] = site.listed(f"cameras/{camera}/privacyProtections")

    assert streams["stream"][0]["liveDefault"] is True
    assert masks["enabled"] is True


def test_cameras_spread_over_recorders_and_encoders(xprotect: Start) -> None:
    site = xprotect("--cameras", "12", "--recorders", "3", "--channels", "2")

    recorders = site.listed("recordingServers")
    inside = [len(site.listed(f"recordingServers/{each['id']}/hardware")) for each in recorders]

    assert inside == [2, 2, 2]
    assert sorted({each["channel"] for each in site.listed("cameras")}) == [0, 1]


@pytest.mark.parametrize("kind", ["eventTypes", "stateGroups", "licenseInformations"])
def test_what_is_only_read_cannot_be_changed(xprotect: Start, kind: str) -> None:
    site = xprotect()
    path = f"{kind}/{site.listed(kind)[0].get('id') or ''}".rstrip("/")

    assert site.rest("PATCH", path, json={"name": "x"}).status_code == 405


def test_an_operator_takes_and_closes_an_alarm_in_his_smart_client(xprotect: Start) -> None:
    site = xprotect()
    alarm = site.raise_alarm().json()["data"]["id"]

    site.order("acknowledge", id=alarm, user="Léa")
    taken = site.rest("GET", f"alarms/{alarm}?include=data").json()["data"]
    site.order("close", id=alarm, user="Léa", reason="False alarm", comment="essai")
    closed = site.rest("GET", f"alarms/{alarm}?include=data").json()["data"]

    assert (taken["state"]["name"], taken["assignedTo"]) == ("In progress", {"displayName": "Léa"})
    assert (closed["state"]["name"], closed["reasonForClosing"]) == ("Closed", "False alarm")
    assert site.listed(f"alarms/{alarm}/history")[-1]["userName"] == "Léa"


def test_an_order_that_names_nobody_known_is_refused(xprotect: Start) -> None:
    site = xprotect()
    alarm = site.raise_alarm().json()["data"]["id"]

    wrong = site.http.post("/simulator/handle", json={"id": alarm, "state": "Done"})
    nobody = site.http.post("/simulator/hold", json={"id": "nobody"})

    assert (wrong.status_code, nobody.status_code) == (400, 404)
    assert "In progress" in wrong.json()["error"]
