"""The simulated Configuration REST, seen by a foreign client."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.milestone.simulator import Simulator

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

MISSING = "00000000-0000-4000-8000-000000000000"
#: The fields of a camera in an answer of XProtect 25.1.1804.
RECORDED = {
    "id", "name", "displayName", "shortName", "enabled", "channel", "description", "createdDate",
    "lastModified", "gisPoint", "icon", "coverageDirection", "coverageDepth",
    "coverageFieldOfView", "recordingFramerate", "recordKeyframesOnly", "recordOnRelatedDevices",
    "ptzEnabled", "recordingEnabled", "prebufferEnabled", "prebufferInMemory", "prebufferSeconds",
    "edgeStorageEnabled", "edgeStoragePlaybackEnabled", "manualRecordingTimeoutEnabled",
    "manualRecordingTimeoutMinutes", "recordingStorage", "failoverSetting", "relations",
}  # fmt: skip


def names(site: Running, path: str) -> list[str]:
    return [each["name"] for each in site.listed(path)]


def layer(folder: Path, *features: dict[str, Any]) -> str:
    path = folder / "cameras.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return str(path)


def feature(coordinates: object = (4.08, 43.56), **properties: object) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": coordinates} if coordinates else None
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_what_is_disabled_is_hidden_unless_asked_for(xprotect: Start) -> None:
    site = xprotect("--cameras", "11")

    assert len(site.listed("cameras")) == 10
    assert len(site.listed("cameras?disabled")) == 11


def test_a_camera_disabled_by_hand_leaves_the_list(xprotect: Start) -> None:
    site = xprotect("--cameras", "2")

    site.order("camera", id=site.ready["cameras"][0], enabled=False)

    assert [each["id"] for each in site.listed("cameras")] == [site.ready["cameras"][1]]


def test_paging_is_tolerated_and_does_nothing(xprotect: Start) -> None:
    assert len(xprotect("--cameras", "5").listed("cameras?page=0&size=2")) == 5


def test_a_camera_has_the_fields_recorded_on_25_1(xprotect: Start) -> None:
    [camera] = xprotect("--cameras", "1").listed("cameras")

    assert set(camera) == RECORDED
    assert isinstance(camera["coverageDirection"], float)


def test_23_2_writes_numbers_as_strings_and_lacks_two_fields(xprotect: Start) -> None:
    site = xprotect("--release", "2023R2", "--cameras", "2")

    camera = site.listed("cameras")[1]

    assert set(camera) == RECORDED - {"ptzEnabled", "failoverSetting"}
    assert (camera["coverageDepth"], camera["prebufferSeconds"]) == ("60", "3")
    assert float(camera["coverageDirection"]) == pytest.approx(37 / 360)
    assert camera["enabled"] is True


def test_a_place_is_written_longitude_first(xprotect: Start, tmp_path: Path) -> None:
    path = layer(
        tmp_path, feature((4.0812, 43.5601)), feature((4.0812, 43.5601, 6.5)), feature(None)
    )

    points = [each["gisPoint"] for each in xprotect("--cameras", path).listed("cameras")]

    assert points == ["POINT (4.0812 43.5601)", "POINT (4.0812 43.5601 6.5)", "POINT EMPTY"]


def test_angles_are_parts_of_a_turn_and_nothing_filled_in_is_zero(
    xprotect: Start, tmp_path: Path
) -> None:
    path = layer(tmp_path, feature(heading_deg=270, fov_deg=90), feature())

    aimed, bare = xprotect("--cameras", path).listed("cameras")

    assert (aimed["coverageDirection"], aimed["coverageFieldOfView"]) == (0.75, 0.25)
    assert (bare["coverageDirection"], bare["coverageFieldOfView"]) == (0, 0)


def test_a_layer_keeps_guids_and_tells_ptz_from_the_rest(xprotect: Start, tmp_path: Path) -> None:
    known = feature(id=MISSING.upper(), name="Gare", kind="ptz")
    path = layer(tmp_path, known, feature(id="12", kind="dome"))

    first, second = xprotect("--cameras", path).listed("cameras")

    assert (first["id"], first["name"], first["ptzEnabled"]) == (MISSING, "Gare", True)
    assert (second["name"], second["ptzEnabled"]) == ("Camera 2", False)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ([feature(kind="drone")], "feature 0: kind is 'drone'"),
        ([feature(), feature((43.56, 104.0))], "feature 1: coordinates"),
        ([feature(heading_deg="north")], "feature 0: heading_deg is 'north'"),
        ([feature(fov_deg=True)], "feature 0: fov_deg is True"),
        ([feature(id=MISSING), feature(id=MISSING)], f"id {MISSING} is given 2 times"),
        ([{"type": "Feature"}], "KeyError: 'properties'"),
        (
            [{"properties": {}, "geometry": {"type": "LineString", "coordinates": []}}],
            "feature 0: geometry is a LineString",
        ),
    ],
)
def test_a_layer_that_is_wrong_is_refused_by_feature_and_field(
    tmp_path: Path, features: list[dict[str, Any]], said: str
) -> None:
    parser = argparse.ArgumentParser()
    Simulator.add_arguments(parser)

    with pytest.raises(SystemExit, match="--cameras") as refused:
        Simulator(parser.parse_args(["--cameras", layer(tmp_path, *features)]))

    assert said in str(refused.value)


def test_every_camera_hangs_on_hardware_that_has_its_address(xprotect: Start) -> None:
    site = xprotect("--cameras", "3")
    hardware = {each["id"]: each for each in site.listed("hardware")}

    parents = [each["relations"]["parent"] for each in site.listed("cameras")]

    assert {each["type"] for each in parents} == {"hardware"}
    addresses = {hardware[each["id"]]["address"] for each in parents}
    assert addresses == {"http://10.20.0.1/", "http://10.20.0.2/", "http://10.20.0.3/"}


def test_a_body_worn_camera_has_no_place_and_is_not_recorded(xprotect: Start) -> None:
    site = xprotect("--cameras", "1", "--bodyworn", "B8A44F00A001=PM-214")

    [camera] = site.listed("cameras?name=contains:'B8A44F00A001'")

    assert camera["id"] == site.ready["bodyworn"]["B8A44F00A001"]
    assert camera["name"] == "PM-214 (B8A44F00A001)"
    assert (camera["gisPoint"], camera["recordingEnabled"]) == ("POINT EMPTY", False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=contains:'a 002'", ["Caméra 002"]),
        ("name=startsWith:'caméra 00'", ["Caméra 001", "Caméra 002", "Caméra 003"]),
        ("name=equals:'Caméra 003'", ["Caméra 003"]),
        ("name=CAMÉRA 003", ["Caméra 003"]),
        ("name=notEquals:'Caméra 003'", ["Caméra 001", "Caméra 002"]),
        ("coverageDepth=gt:10", ["Caméra 002", "Caméra 003"]),
        ("coverageDirection=lt:0.15&coverageDepth=gt:10", ["Caméra 002"]),
        ("ptzEnabled=equals:'true'", ["Caméra 002"]),
        ("name=gt:'Caméra 002'", ["Caméra 003"]),
        ("name=contains:'nowhere'", []),
    ],
)
def test_filters_keep_what_meets_every_condition(
    xprotect: Start, query: str, found: list[str]
) -> None:
    assert names(xprotect("--cameras", "3"), f"cameras?{query}") == found


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("name=", "name"), ("name='gare'", "name"), ("name=like:'gare'", "name"),
        ("town=equals:'x'", "town"), ("name=contains:'x", "name"),
    ],
)  # fmt: skip
def test_a_filter_that_is_not_understood_is_refused_by_its_property(
    xprotect: Start, query: str, name: str
) -> None:
    site = xprotect("--cameras", "1")

    answer = site.rest("GET", f"cameras?{query}")

    assert answer.status_code == 400
    assert site.detail(answer)["propertyName"] == name


def test_children_come_with_their_parents_when_asked(xprotect: Start) -> None:
    site = xprotect("--cameras", "11")

    hardware = site.listed("hardware?includeChildren=cameras")

    assert sum(len(each["cameras"]) for each in hardware) == 10
    assert "cameras" not in site.listed("hardware")[0]


@pytest.mark.parametrize("one", [False, True])
def test_children_that_are_none_are_refused(xprotect: Start, one: bool) -> None:
    site = xprotect("--cameras", "1")
    path = f"hardware/{site.listed('hardware')[0]['id']}" if one else "hardware"

    answer = site.rest("GET", f"{path}?includeChildren=cameras,hardwareDriverSettings")

    assert (answer.status_code, site.detail(answer)["errorText"]) == (
        400, "Bad request: Unknown request",
    )  # fmt: skip


def test_the_tree_is_walked_from_the_site_down_to_the_cameras(xprotect: Start) -> None:
    site = xprotect("--cameras", "2")
    path = "sites"
    for child in ("recordingServers", "hardware", "cameras"):
        path = f"{path.rsplit('/', maxsplit=1)[-1]}/{site.listed(path)[0]['id']}/{child}"

    assert names(site, path) == ["Caméra 001"]


def test_groups_tell_fixed_cameras_from_body_worn_ones(xprotect: Start) -> None:
    site = xprotect("--cameras", "1", "--bodyworn", "B8A44F00A001=PM-214")

    inside = {
        group["name"]: names(site, f"cameraGroups/{group['id']}/cameras")
        for group in site.listed("cameraGroups")
    }

    assert inside == {
        "Voie publique": ["Caméra 001"], "Caméras-piétons": ["PM-214 (B8A44F00A001)"]
    }  # fmt: skip


def test_the_site_says_the_product_version(xprotect: Start) -> None:
    [found] = xprotect("--release", "2024R2").listed("sites")

    assert found["version"].startswith("24.2")


def test_paths_have_no_case_and_a_last_slash_is_nothing(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    camera = site.ready["cameras"][0]

    answer = site.http.get(f"/API/Rest/V1/CAMERAS/{camera.upper()}/")

    assert answer.json()["data"]["id"] == camera


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("recordings", 404, "Unknown resource: recordings"),
        (f"cameras/{MISSING}", 404, f"Device not found. cameras/{MISSING}"),
        ("cameras/12", 400, "Bad request: Unknown request"),
        ("cameras?foo=bar", 400, None),
        ("cameras?foo", 400, None),
        ("alarms?foo", 400, "Bad request: Unknown request"),
        ("hardwareDriverSettings", 400, "Bad request: Unknown request"),
        ("monitors", 400, "Bad request: Unknown request"),
        (f"recordings/{MISSING}", 404, "Unknown resource: recordings"),
        (f"cameras/{MISSING}/streams", 404, f"Device not found. cameras/{MISSING}"),
    ],
)
def test_what_is_not_there_is_refused_in_the_makers_words(
    xprotect: Start, path: str, code: int, text: str | None
) -> None:
    site = xprotect("--cameras", "1")

    answer = site.rest("GET", path)

    assert answer.status_code == code
    assert text in (None, site.detail(answer)["errorText"])


@pytest.mark.parametrize("kind", ["microphones", "speakers", "metadata", "inputEvents", "outputs"])
def test_devices_that_the_site_has_none_of_are_an_empty_list(xprotect: Start, kind: str) -> None:
    site = xprotect()
    [device, *_] = site.listed("hardware")

    assert site.listed(kind) == []
    assert site.listed(f"hardware/{device['id']}/{kind}") == []
    assert site.listed(f"hardware?includeChildren=cameras,{kind}")[0][kind] == []


def test_a_child_nobody_knows_is_refused_by_its_name(xprotect: Start) -> None:
    site = xprotect()

    answer = site.rest("GET", f"cameras/{site.ready['cameras'][0]}/metadata")

    assert (answer.status_code, site.detail(answer)["errorText"]) == (
        404,
        "Unknown resource: metadata",
    )


def test_there_is_no_starting_of_recordings_by_rest(xprotect: Start) -> None:
    site = xprotect()

    answer = site.rest("POST", f"cameras/{site.ready['cameras'][0]}/recordings/start")

    assert (answer.status_code, site.detail(answer)["errorText"]) == (
        404, "Unknown resource: recordings",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "path"), [("POST", "cameras"), ("DELETE", "alarms"), ("PUT", "alarmStates")]
)
def test_a_verb_that_is_not_served_is_refused(xprotect: Start, verb: str, path: str) -> None:
    site = xprotect()

    answer = site.rest(verb, path)

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert site.detail(answer)


def test_a_right_taken_away_is_refused_as_recorded(xprotect: Start) -> None:
    site = xprotect()

    site.order("forbid", path="alarms")

    answer = site.raise_alarm()
    assert answer.status_code == 403
    assert site.detail(answer) == {
        "errorText": "You do not have sufficient permissions to complete the operation.",
        "errorTextId": "VMO61008",
    }
    assert site.rest("GET", "cameras").status_code == 200
    site.order("heal")
    assert site.raise_alarm().status_code == 202


def test_a_group_of_states_is_known_by_its_relations_alone(xprotect: Start) -> None:
    site = xprotect()
    [motion] = site.listed("stateGroups?name=equals:'Motion'")

    identifier = motion["relations"]["self"]["id"]

    assert "id" not in motion
    assert site.rest("GET", f"stateGroups/{identifier}").json()["data"] == motion
    [stopped] = site.listed("eventTypes?name=equals:'MotionStopped'")
    assert (stopped["state"], stopped["stateGroupId"]) == ("No Motion", identifier)
    assert stopped["counterEventID"] == "6eb95dd6-7ccc-4bce-99f8-af0d0b582d77"


def test_what_a_resource_holds_is_said_when_asked(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")

    said = site.rest("GET", "hardware?noData&resources&definitions").json()

    assert {"type": "cameras"} in said["resources"]
    assert {"name": "enabled"} in said["definitions"]
    assert "array" not in said
