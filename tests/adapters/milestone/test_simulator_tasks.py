"""The simulated tasks: forms, Smart Wall, PTZ, new hardware, as a foreign client meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

MISSING = "00000000-0000-4000-8000-000000000000"


def run(site: Running, path: str, name: str, **body: object) -> dict[str, Any]:
    """Start a task, wait for its end, clean it up; what it ended with."""
    answer = site.rest("POST", f"{path}?task={name}", json={"sessionDataId": 0, **body})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    if "path" not in result or result["path"]["type"] != "tasks":
        return result
    task = f"tasks/{result['path']['id']}"
    assert site.rest("GET", task).json()["data"]["state"] == "InProgress"
    site.clock.now += 1
    ended: dict[str, Any] = site.rest("GET", task).json()["data"]
    assert site.rest("POST", f"{task}?task=TaskCleanup", json={}).status_code == 200
    assert site.rest("GET", task).status_code == 404
    return ended


def tasks_of(site: Running, path: str) -> list[str]:
    return [each["id"] for each in site.rest("GET", f"{path}?tasks&noData").json()["tasks"]]


def monitor_of(site: Running, number: int = 0) -> dict[str, Any]:
    [wall] = site.listed("videoWalls")
    return site.listed(f"videoWalls/{wall['id']}/monitors")[number]


def layout_of(site: Running, name: str) -> dict[str, str]:
    [group] = site.listed("layoutGroups")
    [found] = site.listed(f"layoutGroups/{group['id']}/layouts?name=equals:'{name}'")
    return {"type": "layouts", "id": found["id"]}


def paths(*cameras: str) -> list[dict[str, str]]:
    return [{"type": "cameras", "id": each} for each in cameras]


def shown(site: Running, number: int = 0) -> list[dict[str, str]]:
    cells: list[dict[str, str]] = site.http.get("/simulator/wall").json()["monitors"][number][
        "cells"
    ]
    return cells


def test_a_monitor_lists_the_seven_tasks_of_the_makers_interface(xprotect: Start) -> None:
    site = xprotect()

    assert sorted(tasks_of(site, f"monitors/{monitor_of(site)['id']}")) == [
        "ApplyCameras", "ApplyCamerasAndLayout", "ApplyLayout", "ApplyMonitorState",
        "ApplyTextAndLayout", "ApplyViewItemsXml", "RemoveCameras",
    ]  # fmt: skip


@pytest.mark.parametrize("body", [{}, {"sessionDataId": 0}, None])
def test_a_task_started_without_its_fields_answers_with_the_form(
    xprotect: Start, body: dict[str, int] | None
) -> None:
    site = xprotect()
    path = f"monitors/{monitor_of(site)['id']}?task=ApplyCamerasAndLayout"
    how: dict[str, Any] = {"json": body} if body is not None else {"content": b""}

    form = site.rest("POST", path, **how).json()["result"]

    assert (form["cameras"], form["layout"]) == ([], {"type": "layouts", "id": ""})
    assert "path" not in form
    filled = {
        "cameras": paths(*site.ready["cameras"][:2]), "layout": layout_of(site, "1 x 2"),
        "sessionDataId": form["sessionDataId"],
    }  # fmt: skip
    assert site.rest("POST", path, json=filled).json()["result"]["state"] == "InProgress"
    assert shown(site) == [{"cameraid": each} for each in site.ready["cameras"][:2]]


def test_a_form_whose_number_nobody_gave_is_refused(xprotect: Start) -> None:
    site = xprotect()
    path = f"monitors/{monitor_of(site)['id']}?task=ApplyLayout"

    answer = site.rest("POST", path, json={"sessionDataId": 77, "layout": layout_of(site, "2 x 2")})

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, "sessionDataId")


def test_a_site_may_call_the_fields_otherwise_and_only_the_form_says_so(xprotect: Start) -> None:
    site = xprotect()
    path = f"monitors/{monitor_of(site)['id']}?task=ApplyCameras"
    site.order("spell", task="ApplyCameras", names={"cameras": "cameraIdList"})

    form = site.rest("POST", path, json={}).json()["result"]

    assert "cameraIdList" in form
    wrong = site.rest("POST", path, json={"cameras": paths(site.ready["cameras"][0])})
    assert site.detail(wrong)["propertyName"] == "cameras"
    right = site.rest("POST", path, json={"cameraIdList": paths(site.ready["cameras"][0])})
    assert right.status_code == 200


def test_cameras_and_layout_go_on_a_monitor_and_are_read_back(xprotect: Start) -> None:
    site = xprotect("--cameras", "5")
    monitor, cameras = monitor_of(site), site.ready["cameras"]

    ended = run(
        site, f"monitors/{monitor['id']}", "ApplyCamerasAndLayout",
        cameras=paths(*cameras[:5]), layout=layout_of(site, "2 x 2"),
    )  # fmt: skip

    assert ended["state"] == "Success"
    state = site.rest("GET", f"monitors/{monitor['id']}").json()["data"]["monitorState"]
    assert [each in state for each in cameras] == [True] * 4 + [False]
    assert shown(site, 1) == [{}] * 4


def test_the_state_read_before_puts_everything_back(xprotect: Start) -> None:
    site = xprotect()
    monitor, cameras = monitor_of(site), site.ready["cameras"]
    path = f"monitors/{monitor['id']}"
    run(site, path, "ApplyCameras", cameras=paths(cameras[3]), position=2)
    before = site.rest("GET", path).json()["data"]["monitorState"]

    run(
        site, path, "ApplyCamerasAndLayout",
        cameras=paths(*cameras[:2]), layout=layout_of(site, "1 x 2"),
    )  # fmt: skip
    run(site, path, "ApplyTextAndLayout", text='PM-214 <alerte> & "fin"', position=1)
    assert shown(site)[0] == {"text": 'PM-214 <alerte> & "fin"'}
    run(site, path, "ApplyMonitorState", monitorState=before)

    assert shown(site) == [{}, {"cameraid": cameras[3]}, {}, {}]
    assert site.rest("GET", path).json()["data"]["monitorState"] == before


def test_cameras_take_the_place_of_others_or_push_them_as_the_monitor_says(
    xprotect: Start,
) -> None:
    site = xprotect()
    monitor, cameras = monitor_of(site), site.ready["cameras"]
    path = f"monitors/{monitor['id']}"
    run(site, path, "ApplyCameras", cameras=paths(*cameras[:4]))

    run(site, path, "ApplyCameras", cameras=paths(cameras[4]), position=2)
    assert [each["cameraid"] for each in shown(site)] == [
        cameras[0], cameras[4], cameras[2], cameras[3]
    ]  # fmt: skip
    assert site.rest("PATCH", path, json={"insertionMethod": "Linked"}).status_code == 200
    run(site, path, "ApplyCameras", cameras=paths(cameras[5]), position=1)

    assert [each["cameraid"] for each in shown(site)] == [
        cameras[5], cameras[0], cameras[4], cameras[2]
    ]  # fmt: skip


def test_cameras_leave_a_monitor_and_a_preset_empties_the_wall(xprotect: Start) -> None:
    site = xprotect()
    monitor, cameras = monitor_of(site), site.ready["cameras"]
    path = f"monitors/{monitor['id']}"
    run(site, path, "ApplyCameras", cameras=paths(*cameras[:3]))

    run(site, path, "RemoveCameras", cameras=paths(cameras[1]))
    assert shown(site) == [{"cameraid": cameras[0]}, {}, {"cameraid": cameras[2]}, {}]
    [preset] = site.listed("videoWallPresets")
    run(site, f"videoWallPresets/{preset['id']}", "Activate")

    assert shown(site) == [{}] * 4


@pytest.mark.parametrize(
    ("task", "body", "name"),
    [
        ("ApplyCameras", {"cameras": "all"}, "cameras"),
        ("ApplyCameras", {"cameras": [{"id": MISSING}]}, "cameras"),
        ("ApplyCamerasAndLayout", {"cameras": []}, "layout"),
        ("ApplyLayout", {"layout": "2 x 2"}, "layout"),
        ("ApplyCameras", {"cameraIds": []}, "cameraIds"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_by_its_property(
    xprotect: Start, task: str, body: dict[str, Any], name: str
) -> None:
    site = xprotect()

    answer = site.rest("POST", f"monitors/{monitor_of(site)['id']}?task={task}", json=body)

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, name)


def test_what_cannot_be_done_is_said_when_the_task_ends(xprotect: Start) -> None:
    site = xprotect()
    path = f"monitors/{monitor_of(site)['id']}"

    nowhere = run(site, path, "ApplyCameras", cameras=paths(MISSING))
    outside = run(site, path, "ApplyCameras", cameras=[], position=9)

    assert (nowhere["state"], nowhere["errorText"]) == (
        "Error", f"Device not found. cameras/{MISSING}",
    )  # fmt: skip
    assert "Position 9" in outside["errorText"]


def test_a_task_may_be_done_at_once_or_fail_as_told(xprotect: Start) -> None:
    site = xprotect()
    path = f"monitors/{monitor_of(site)['id']}"

    site.order("task", error="The server is busy.")
    assert run(site, path, "ApplyCameras", cameras=[])["errorText"] == "The server is busy."
    site.order("task", lasts_s=0)

    assert run(site, path, "ApplyCameras", cameras=[])["state"] == "Success"
    assert site.listed("tasks") == []


@pytest.mark.parametrize(
    ("words", "walls"),
    [(("--edition", "Corporate"), 1), (("--edition", "Expert", "--smart-wall"), 1),
     (("--edition", "Expert"), 0), (("--edition", "Essential+", "--smart-wall"), 0)],
)  # fmt: skip
def test_the_wall_is_there_when_it_was_bought(
    xprotect: Start, words: tuple[str, ...], walls: int
) -> None:
    site = xprotect(*words)

    assert len(site.listed("videoWalls")) == walls
    assert site.rest("POST", "videoWalls", json={"name": "Mur"}).status_code == (
        201 if walls else 403
    )


def test_the_licence_says_edition_and_add_ons(xprotect: Start) -> None:
    site = xprotect("--edition", "Expert", "--smart-wall", "--cameras", "3", "--licences", "2")

    [licence] = site.listed("licenseInformations")
    products = site.listed(f"licenseInformations/{licence['id']}/licenseInstalledProducts")
    [details] = site.listed(f"licenseInformations/{licence['id']}/licenseDetails")

    assert licence["sku"] == "XPET"
    assert [each["productDisplayName"] for each in products] == [
        "XProtect Expert 2025 R1", "Milestone XProtect Smart Wall",
    ]  # fmt: skip
    assert (details["activated"], details["inGrace"]) == ("2", 1)
    # As a public client asks for them.
    assert site.listed("licenseInstalledProducts?disabled") == products
    assert site.listed("licenseDetails?disabled") == [details]
    assert site.rest("GET", f"licenseDetails/{licence['id']}").status_code == 404


def ptz_of(site: Running) -> str:
    identifier: str = site.listed("cameras?ptzEnabled=equals:'true'")[0]["id"]
    return identifier


def test_a_camera_goes_to_a_preset_and_says_where_it_looks(xprotect: Start) -> None:
    site = xprotect()
    camera = ptz_of(site)
    [preset] = site.listed(f"cameras/{camera}/ptzPresets?name=equals:'Place'")
    goal = {"type": "ptzPresets", "id": preset["id"]}

    ended = run(site, f"cameras/{camera}/ptzPresets", "ActivatePtzPreset", ptzPresetPath=goal)
    where = run(site, f"cameras/{camera}", "GetPtzAbsolutePosition")

    assert ended["state"] == "Success"
    assert [where[each] for each in ("pan", "tilt", "zoom")] == [
        preset[each] for each in ("pan", "tilt", "zoom")
    ]


def test_a_camera_goes_to_an_absolute_position_and_our_hold_lapses(xprotect: Start) -> None:
    site = xprotect()
    path = f"cameras/{ptz_of(site)}"

    run(site, path, "SetPtzAbsolutePosition", pan=0.5, tilt=-0.25, zoom=0.75)

    assert run(site, path, "GetPtzAbsolutePosition")["pan"] == 0.5
    [held] = [each for each in site.http.get("/simulator/ptz").json()["cameras"] if each["pan"]]
    assert held["held_by"] == site.ready["username"]
    site.clock.now += 20
    [held] = [each for each in site.http.get("/simulator/ptz").json()["cameras"] if each["pan"]]
    assert held["held_by"] is None


@pytest.mark.parametrize(("priority", "state"), [(1000, "Error"), (100, "Error"), (1, "Success")])
def test_whoever_holds_a_camera_with_as_much_priority_keeps_it(
    xprotect: Start, priority: int, state: str
) -> None:
    site = xprotect()
    camera = ptz_of(site)
    site.order("hold", id=camera, user="Ronde", priority=priority)

    ended = run(site, f"cameras/{camera}", "SetPtzAbsolutePosition", pan=1, tilt=0, zoom=0)

    assert ended["state"] == state
    assert ("Ronde" in ended["errorText"]) is (state == "Error")


@pytest.mark.parametrize(
    ("release", "moves"), [("2024R1", False), ("2024R2", True), ("2021R2", False)]
)
def test_going_to_presets_came_with_2024_r2(xprotect: Start, release: str, moves: bool) -> None:
    site = xprotect("--release", release)
    camera = site.ready["cameras"][1]

    assert ("ActivatePtzPreset" in tasks_of(site, f"cameras/{camera}/ptzPresets")) is moves
    assert ("SetPtzAbsolutePosition" in tasks_of(site, f"cameras/{camera}")) is moves
    assert "GetDevicePresets" in tasks_of(site, f"cameras/{camera}/ptzPresets")


def test_a_fixed_camera_offers_no_ptz_task(xprotect: Start) -> None:
    site = xprotect()
    fixed = site.ready["cameras"][0]

    assert tasks_of(site, f"cameras/{fixed}") == []
    assert site.listed(f"cameras/{fixed}/ptzPresets") == []
    answer = site.rest("POST", f"cameras/{fixed}?task=GetPtzAbsolutePosition", json={})
    assert answer.status_code == 400


def add(site: Running, **changes: object) -> dict[str, Any]:
    [recorder] = site.listed("recordingServers")
    drivers = site.listed(f"recordingServers/{recorder['id']}/hardwareDrivers")
    [driver] = [each["id"] for each in drivers if each["number"] == 421]
    body = {
        "hardwareAddress": "http://127.0.0.1:8554/", "userName": "root", "password": "x",
        "hardwareDriverPath": {"type": "hardwareDrivers", "id": driver}, **changes,
    }  # fmt: skip
    return run(site, f"recordingServers/{recorder['id']}", "AddHardware", **body)


def test_added_hardware_comes_disabled_and_its_camera_recorded(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")

    ended = add(site)

    device = site.rest("GET", f"hardware/{ended['path']['id']}").json()["data"]
    assert (device["enabled"], device["address"]) == (False, "http://127.0.0.1:8554/")
    assert device["model"] == "Universal1ChAdv"
    assert len(site.listed("hardware")) == 1
    [camera] = site.listed(f"hardware/{device['id']}/cameras?disabled")
    assert (camera["enabled"], camera["recordingEnabled"]) == (False, True)


def test_added_hardware_is_enabled_named_and_kept_from_recording(xprotect: Start) -> None:
    site = xprotect("--cameras", "1")
    device = add(site)["path"]["id"]
    [camera] = site.listed(f"hardware/{device}/cameras?disabled")

    one = site.rest("PATCH", f"hardware/{device}", json={"enabled": True, "name": "BWC-01"})
    two = site.rest(
        "PATCH", f"cameras/{camera['id']}",
        json={"enabled": True, "name": "BWC-01", "recordingEnabled": False,
              "gisPoint": "POINT (4.08 43.56)"},
    )  # fmt: skip

    assert (one.json()["data"]["name"], one.json()["data"]["enabled"]) == ("BWC-01", True)
    changed = two.json()["data"]
    assert (changed["recordingEnabled"], changed["gisPoint"]) == (False, "POINT (4.08 43.56)")
    assert changed["lastModified"] != camera["lastModified"]
    assert "BWC-01" in [each["name"] for each in site.listed("cameras")]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"hardwareAddress": "rtsp://10.0.0.1/"}, "not valid"),
        ({"hardwareDriverPath": {"type": "hardwareDrivers", "id": MISSING}}, "driver"),
        ({"hardwareAddress": "http://10.20.0.1"}, "already added"),
    ],
)
def test_hardware_that_cannot_be_added_says_why(
    xprotect: Start, changes: dict[str, Any], text: str
) -> None:
    ended = add(xprotect("--cameras", "1"), **changes)

    assert ended["state"] == "Error"
    assert text in ended["errorText"]


def test_what_a_site_was_told_outlives_a_kill(xprotect: Start, tmp_path: Any) -> None:
    state = str(tmp_path / "site.db")
    site = xprotect("--cameras", "2", "--state", state)
    monitor, camera = monitor_of(site), site.ready["cameras"][0]
    run(site, f"monitors/{monitor['id']}", "ApplyCameras", cameras=paths(camera))
    site.rest("PATCH", f"cameras/{camera}", json={"name": "Gare"})
    add(site)

    again = xprotect("--cameras", "2", "--state", state)

    assert shown(again)[0] == {"cameraid": camera}
    assert again.rest("GET", f"cameras/{camera}").json()["data"]["name"] == "Gare"
    assert len(again.listed("hardware?disabled")) == 3
