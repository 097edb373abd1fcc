"""What a site answers, written down for the simulator's sake: nothing of the site itself in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.milestone.discover import discover
from adapters.milestone.gateway import Gateway
from adapters.milestone.scrub import Scrubber
from adapters.milestone.site import Site

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Start

GUID = "6f2b5c1e-0d5f-4c39-9a52-0b7d5a8e1c11"


def scrubbed(value: Any, **how: Any) -> Any:
    return Scrubber(b"salt").scrub(value, **how)


def test_nothing_that_names_a_person_a_place_or_a_secret_is_in_it(xprotect: Start) -> None:
    site = xprotect("--bodyworn", "B8A44F00A001=PM-214", "--release", "2025R1")
    site.raise_alarm(message="Brigadier Dupont, quai Colbert")
    account = {"username": site.ready["username"], "password": site.ready["password"]}
    gateway = Gateway(Site(url=site.url, **account))

    found = discover(gateway)
    gateway.close()

    everything = "".join(found.values())
    cameras = site.listed("cameras?disabled")
    for row in cameras:
        assert row["id"] not in everything
        assert row["name"] not in everything
        for number in re.findall(r"\d+\.\d{3,}", row["gisPoint"]):
            assert number not in everything
    for word in ("Dupont", "Colbert", "PM-214", "B8A44F", "10.20.", "127.0.0.1", "eyJ",
                 site.ready["username"], site.ready["password"], "SIMULATOR"):  # fmt: skip
        assert word not in everything, word


def test_its_shape_is_all_there(xprotect: Start) -> None:
    site = xprotect("--release", "2025R1")
    site.raise_alarm()
    account = {"username": site.ready["username"], "password": site.ready["password"]}
    gateway = Gateway(Site(url=site.url, **account))

    found = {name: json.loads(text) for name, text in discover(gateway).items()}
    gateway.close()

    cameras = found["cameras-disabled.json"]
    assert cameras["status"] == 200
    assert cameras["rows"]["count"] == 12
    first = cameras["body"]["array"][0]
    assert first["gisPoint"].startswith("POINT (0.0")
    assert first["relations"]["parent"]["type"] == "hardware"
    assert re.fullmatch(r"0000-00-00T00:00:00\.0{7}Z", first["lastModified"])
    parents = [each["relations"]["parent"]["id"] for each in cameras["body"]["array"]]
    hardware = [each["id"] for each in found["hardware-disabled.json"]["body"]["array"]]
    assert parents == hardware
    assert found["uris.json"]["body"]["ProductVersion"] == "25.1.1804.0"
    assert found["nonsense.json"]["status"] == 404
    assert "Unknown resource" in found["nonsense.json"]["body"]["error"]["details"][0]["errorText"]
    assert found["events-socket.json"]["startSession"]["status"] == 201
    state = found["events-socket.json"]["getState"]["states"][0]
    assert set(state) == {"specVersion", "type", "source", "time", "stategroupid"}


def test_a_site_that_falls_silent_in_the_middle_is_told_as_far_as_it_went(xprotect: Start) -> None:
    site = xprotect()
    account = {"username": site.ready["username"], "password": site.ready["password"]}
    gateway = Gateway(Site(url=site.url, **account))
    gateway.token()
    site.order("fail", status=0, count=1000, path="rest/v1/")

    found = {name: json.loads(text) for name, text in discover(gateway).items()}
    gateway.close()

    assert found["sites.json"]["failed"] == "<11 characters>"
    assert found["uris.json"]["status"] == 200


@pytest.mark.parametrize(
    ("value", "field", "hidden"),
    [
        ("Gare", "name", "<4 characters>"), ("4.572000001", "coverageDepth", "0.000000000"),
        (0.123, "coverageDirection", 0.0), (5, "recordingFramerate", 0), (7563, "portNumber", 7563),
        ("POINT EMPTY", "gisPoint", "POINT EMPTY"), (True, "enabled", True), (None, "x", None),
        ("cameras/x" + GUID, "source", "<45 characters>"), ("25.1", "version", "25.1"),
        ("ApplyCameras", "id", "<12 characters>"), ("", "comment", ""),
    ],
)  # fmt: skip
def test_each_kind_of_value_is_hidden_in_its_own_way(value: Any, field: str, hidden: Any) -> None:
    assert scrubbed(value, field=field) == hidden


def test_an_identifier_is_the_same_other_one_everywhere_and_another_next_time() -> None:
    once = scrubbed({"id": GUID, "parent": GUID.upper(), GUID: 1})

    assert once["id"] == once["parent"].lower()
    assert list(once)[2] == once["id"]
    assert once["id"] != GUID
    assert Scrubber(b"other").scrub(GUID) != once["id"]


def test_the_names_of_tasks_are_the_makers() -> None:
    said = {"tasks": [{"id": "ApplyCameras", "displayName": "Apply cameras"}], "name": "Mur"}

    assert scrubbed(said) == {**said, "name": "<3 characters>"}


@given(st.text(alphabet="abcdefghij ", min_size=4).filter(str.strip), st.text(max_size=12))
def test_no_text_gets_through_under_a_name_nobody_thought_of(text: str, field: str) -> None:
    hidden = scrubbed({f"x{field}": text})

    assert text not in "".join(hidden.values())
