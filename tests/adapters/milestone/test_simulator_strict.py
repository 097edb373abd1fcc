"""The simulator as a double that refuses what nobody documented, resource by resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.milestone.simulator.kinds import KINDS, OTHER_DEVICES

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running

MISSING = "00000000-0000-4000-8000-000000000000"
LISTED = sorted(name for name, kind in KINDS.items() if kind.listed and name != "tasks")
#: Rows of licences are listed, and have no identifier.
NAMED = [
    name
    for name in LISTED
    if (not name.startswith("license") or name.endswith("Informations"))
    and name not in OTHER_DEVICES  # of which there is none
]
WRITTEN = sorted(
    name for name, kind in KINDS.items() if kind.settable and kind.listed and not kind.open
)


@pytest.fixture(scope="module")
def site(all_left: None) -> Any:
    from tests.adapters.milestone.conftest import serving

    with serving("--cameras", "3") as running:
        running.log_in()
        yield running


def one_of(site: Running, kind: str) -> dict[str, Any]:
    item: dict[str, Any] = site.listed(f"{kind}?disabled")[0]
    return item


@pytest.mark.parametrize("kind", LISTED)
def test_a_switch_nobody_documented_is_refused(site: Running, kind: str) -> None:
    assert site.rest("GET", f"{kind}?expand").status_code == 400


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_a_property_nobody_documented_is_refused_by_its_name(
    site: Running, kind: str, verb: str
) -> None:
    item = one_of(site, kind)
    path = f"{kind}/{item['id']}"

    answer = site.rest(verb, path, json={**item, "colour": "red"})

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, "colour")
    assert one_of(site, kind) == item


@pytest.mark.parametrize("kind", WRITTEN)
def test_every_item_may_be_sent_back_as_it_was_read(site: Running, kind: str) -> None:
    item = one_of(site, kind)

    answer = site.rest("PUT", f"{kind}/{item['id']}", json=item)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"{}"])
def test_a_body_that_says_nothing_is_refused(site: Running, kind: str, body: bytes) -> None:
    answer = site.rest("PATCH", f"{kind}/{one_of(site, kind)['id']}", content=body)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [b'{"name": "\\ud800"}', b'{"name": NaN}', b'{"name": 1e999}', b"[" * 100_000, b"\xff\xfe"],
)
def test_what_is_no_json_is_refused_and_not_kept(site: Running, body: bytes) -> None:
    """Half a character once kept, no list that holds it could be written any more."""
    head = {"Content-Type": "application/json"}

    answer = site.rest("POST", "userDefinedEvents", content=body, headers=head)

    assert answer.status_code == 400
    assert site.rest("GET", "userDefinedEvents").status_code == 200


@pytest.mark.parametrize("kind", LISTED)
def test_a_collection_is_neither_replaced_nor_deleted(site: Running, kind: str) -> None:
    for verb in ("PUT", "PATCH", "DELETE"):
        assert site.rest(verb, kind, json={}).status_code == 405


@pytest.mark.parametrize("kind", NAMED)
def test_a_task_nobody_offers_is_refused(site: Running, kind: str) -> None:
    item = one_of(site, kind)
    path = f"{kind}/{item.get('id') or item['relations']['self']['id']}"

    assert site.rest("POST", f"{path}?task=Explode", json={}).status_code == 400
    assert site.rest("POST", path, json={}).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["alarms", "events", "bookmarks", "evidenceLocks", "userDefinedEvents", "WebRTC/Session",
     "alarmDefinitions", "analyticsEvents", "cameraGroups"],
)  # fmt: skip
def test_a_creation_takes_no_property_nobody_documented(site: Running, path: str) -> None:
    answer = site.rest("POST", path, json={"colour": "red"})

    assert (answer.status_code, site.detail(answer)["propertyName"]) == (400, "colour")


@pytest.mark.parametrize(
    ("kind", "status"), [("text/plain", 415), ("application/x-www-form-urlencoded", 415)]
)
def test_json_alone_is_taken(site: Running, kind: str, status: int) -> None:
    headers = {"Content-Type": kind}

    answer = site.rest("POST", "alarms", content=b"name=x", headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize("path", [f"cameras/{MISSING}", f"monitors/{MISSING}", f"tasks/{MISSING}"])
def test_what_is_not_there_is_404_whatever_the_verb(site: Running, path: str) -> None:
    for verb in ("GET", "PATCH", "POST", "DELETE"):
        assert site.rest(verb, path, json={}).status_code == 404
