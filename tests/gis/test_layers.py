"""Camera layers: every feature is a camera, a fault, or a camera with a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from dispatch_gis.layers import Layer, UnreadableLayerError, heading_deg, read_cameras
from hooks import CameraKind

GOOD: dict[str, Any] = {
    "id": "12", "name": "Gare", "kind": "fixed", "heading_deg": "45", "fov_deg": "62",
    "height_m": "6 m", "width_px": "1920", "range_m": None, "commune": "34344",
}  # fmt: skip
PLACE = {"type": "Point", "coordinates": [4.08, 43.56]}


def layer(tmp_path: Path, *rows: dict[str, Any], nowhere: int = -1) -> Layer:
    features = [
        {"type": "Feature", "properties": row, "geometry": None if index == nowhere else PLACE}
        for index, row in enumerate(rows)
    ]
    path = tmp_path / "cameras.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return read_cameras(path)


def test_a_good_row_is_a_camera(tmp_path: Path) -> None:
    found = layer(tmp_path, GOOD)

    [camera] = found.cameras
    assert not found.faults
    assert (camera.id, camera.name, camera.kind) == ("layer:12", "Gare", CameraKind.FIXED)
    assert (camera.heading_deg, camera.fov_deg, camera.height_m) == (45, 62, 6)
    assert (camera.width_px, camera.range_m, camera.commune) == (1920, None, "34344")


def test_a_camera_known_to_the_vms_carries_its_name_there(tmp_path: Path) -> None:
    found = layer(tmp_path, {**GOOD, "vms_id": "milestone:6f2b"})

    assert found.cameras[0].id == "milestone:6f2b"


@pytest.mark.parametrize(
    "written",
    [
        "milestone:6F2B5C1E-0D5F-4C39-9A52-0B7D5A8E1C11",
        "Milestone: {6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11}",
    ],
)
def test_a_guid_is_the_same_in_capitals_or_in_braces(tmp_path: Path, written: str) -> None:
    found = layer(tmp_path, {**GOOD, "vms_id": written})

    assert [each.id for each in found.cameras] == ["milestone:6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"]
    assert found.faults == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("heading_deg", "north-ish"), ("fov_deg", "-5"), ("height_m", "high"), ("width_px", "0"),
     ("kind", "periscope"), ("range_m", "1e9"), ("vms_id", "6f2b")],
)  # fmt: skip
def test_a_wrong_value_is_unknown_and_said_with_its_row(
    tmp_path: Path, field: str, value: str
) -> None:
    found = layer(tmp_path, GOOD, {**GOOD, "id": "13", field: value})

    assert len(found.cameras) == 2
    [fault] = found.faults
    assert (fault.row, fault.field, fault.dropped) == (2, field, False)
    assert value in str(fault.message)


def test_every_fault_is_listed_not_the_first_alone(tmp_path: Path) -> None:
    found = layer(tmp_path, {**GOOD, "kind": "x", "fov_deg": "y"}, {**GOOD, "heading_deg": "z"})

    assert {(fault.row, fault.field) for fault in found.faults} == {
        (1, "fov_deg"), (1, "kind"), (2, "id"),
    }  # fmt: skip


def test_a_camera_without_a_place_is_dropped_and_said(tmp_path: Path) -> None:
    found = layer(tmp_path, GOOD, {**GOOD, "id": "13"}, nowhere=1)

    assert [camera.id for camera in found.cameras] == ["layer:12"]
    assert [(fault.row, fault.dropped) for fault in found.faults] == [(2, True)]


def test_two_cameras_of_one_identifier_are_told(tmp_path: Path) -> None:
    found = layer(tmp_path, GOOD, GOOD)

    assert len(found.cameras) == 1
    assert found.faults[0].dropped


def test_a_layer_in_lambert_93_comes_out_in_degrees(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {"id": ["1"]}, geometry=[shapely.Point(787716.154, 6274106.638)], crs=2154
    )
    path = tmp_path / "cameras.gpkg"
    frame.to_file(path, driver="GPKG")

    place = read_cameras(path).cameras[0].position

    assert place is not None
    assert (place.lon, place.lat) == pytest.approx((4.0853, 43.5606), abs=1e-6)


def test_a_file_that_is_no_layer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cameras.gpkg").write_text("no layer")

    with pytest.raises(UnreadableLayerError):
        read_cameras(tmp_path / "cameras.gpkg")


def test_a_table_without_places_is_no_layer(tmp_path: Path) -> None:
    (tmp_path / "cameras.csv").write_text("id,name\n1,Gare\n")

    with pytest.raises(UnreadableLayerError):
        read_cameras(tmp_path / "cameras.csv")


@pytest.mark.parametrize(
    ("written", "bearing"),
    [(45, 45), ("45", 45), ("45,5°", 45.5), ("NE", 45), ("nnw", 337.5), ("30-90", 60),
     ("270-90", 0), (360, 0), ("361", None), ("north", None), (None, None), ("30-400", None)],
)  # fmt: skip
def test_bearings_are_read_as_towns_write_them(written: object, bearing: float | None) -> None:
    assert heading_deg(written) == bearing
