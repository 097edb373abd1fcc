"""What the people of the simulated site do meanwhile, by our own controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start


def first_monitor(site: Running) -> dict[str, Any]:
    monitors: list[dict[str, Any]] = site.http.get("/simulator/wall").json()["monitors"]
    return monitors[0]


def test_an_operator_drags_cameras_onto_the_wall_and_rest_reads_them(xprotect: Start) -> None:
    site = xprotect()
    monitor = first_monitor(site)

    site.order("show", monitor=monitor["id"], cameras=site.ready["cameras"][:2])

    read = site.rest("GET", f"monitors/{monitor['id']}").json()["data"]["monitorState"]
    assert all(camera in read for camera in site.ready["cameras"][:2])
    assert first_monitor(site)["cells"][:2] == [
        {"cameraid": each} for each in site.ready["cameras"][:2]
    ]


def test_a_licence_that_ends_takes_the_wall_and_the_locks_with_it(xprotect: Start) -> None:
    site = xprotect()
    monitor = first_monitor(site)["id"]

    site.order("licence", edition="Expert")

    assert site.listed("videoWalls") == []
    assert site.rest("GET", f"monitors/{monitor}").status_code == 404
    site.order("licence", smart_wall=True)
    assert len(site.listed("videoWalls")) == 1


def test_who_holds_a_camera_lets_it_go(xprotect: Start) -> None:
    site = xprotect()
    camera = site.ready["cameras"][1]

    site.order("hold", id=camera, user="Léa", seconds=60)
    assert held_by(site, camera) == "Léa"
    site.order("hold", id=camera, seconds=0)

    assert held_by(site, camera) is None


def held_by(site: Running, camera: str) -> object:
    cameras = site.http.get("/simulator/ptz").json()["cameras"]
    return next(each["held_by"] for each in cameras if each["id"] == camera)


@pytest.mark.parametrize(
    ("name", "order", "status"),
    [
        ("licence", {"edition": "Deluxe"}, 400),
        ("hold", {"id": "x", "priority": -1}, 400),
        ("task", {"lasts_s": "long"}, 400),
        ("analytics", {"allow": ["everybody"]}, 400),
        ("analytics", {"port": 9090}, 400),
        ("show", {"monitor": "x", "cameras": []}, 404),
        ("lens", {"id": "nobody"}, 404),
        ("close", {"id": "nobody"}, 404),
        ("missing", {"status": 418}, 400),
        ("away", {"seconds": -1}, 400),
    ],
)
def test_an_order_that_is_not_understood_is_refused(
    xprotect: Start, name: str, order: dict[str, Any], status: int
) -> None:
    answer = xprotect().http.post(f"/simulator/{name}", json=order)

    assert answer.status_code == status
    assert answer.json()["error"].startswith(f"{name}: ")
