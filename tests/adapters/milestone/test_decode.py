"""Each inventory in `payloads/`, and beside it the cameras and the doubts that it is.

The expected files were read by a person, line by line; `RENFORT_REWRITE=1` writes them anew.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.milestone.decode import camera_id, guid_of, read_cameras, read_guid, read_hardware
from hooks.testing import check_value

FOLDER = Path(__file__).parent / "payloads"
CASES = sorted(path for path in FOLDER.glob("inventory-*.json") if ".cameras" not in path.name)
GUID = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
fields = st.sampled_from(
    ["id", "name", "displayName", "enabled", "channel", "gisPoint", "ptzEnabled", "relations",
     "coverageDirection", "coverageFieldOfView", "coverageDepth", "address"]
)  # fmt: skip


def read(path: Path, caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="adapters.milestone.decode"):
        told = read_cameras(**_arguments(json.loads(path.read_text(encoding="utf-8"))))
    for camera in told:
        check_value(camera, "milestone")
    cameras = [
        {
            name: value
            for name, value in json.loads(msgspec.json.encode(camera)).items()
            if value not in (None, "", {})
        }
        for camera in told
    ]
    return {"cameras": cameras, "doubts": caplog.messages}


def _arguments(said: dict[str, Any]) -> dict[str, Any]:
    return {"rows": said["cameras"], "boxes": read_hardware(said["hardware"])}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_inventory_tells_the_cameras_beside_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beside = path.with_name(f"{path.stem}.cameras.json")
    now = read(path, caplog)
    if os.environ.get("RENFORT_REWRITE"):
        beside.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert now == json.loads(beside.read_text(encoding="utf-8"))


def test_there_are_inventories() -> None:
    assert len(CASES) >= 16


@given(st.lists(st.dictionaries(fields, anything) | anything), st.lists(anything))
def test_any_inventory_at_all_gives_cameras_that_keep_the_contract(
    rows: list[Any], hardware: list[Any]
) -> None:
    cameras = read_cameras(rows, read_hardware(hardware))

    for camera in cameras:
        check_value(camera, "milestone")
        assert guid_of(camera.id)
    assert len({camera.id for camera in cameras}) == len(cameras)


@pytest.mark.parametrize("written", [GUID, GUID.upper(), f"{{{GUID}}}", f"  {GUID}\n"])
def test_a_guid_is_read_as_people_copy_it(written: str) -> None:
    assert read_guid(written) == GUID


@pytest.mark.parametrize("written", ["", "gare", GUID[:-1], GUID + "0", GUID.replace("f", "g")])
def test_what_is_no_guid_is_not_read_as_one(written: str) -> None:
    assert read_guid(written) is None


def test_a_camera_of_another_adapter_has_no_guid_of_ours() -> None:
    assert guid_of("axis:B8A44F00A001") is None
    assert guid_of("milestone:") is None
    assert guid_of(camera_id(GUID.upper())) == GUID
