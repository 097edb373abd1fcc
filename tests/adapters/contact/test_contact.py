"""The contact on call and the crews' phones: told once, through a gateway that stumbles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import responses

from adapters.contact import Contact
from hooks import (
    BadSettings,
    CrewId,
    FactId,
    IncidentId,
    Notice,
    NoticeKind,
    Order,
    Refused,
    Unreachable,
)
from hooks.testing import check_adapter

URL = "https://sms.example.org/messages"
SETTINGS: dict[str, Any] = {
    "url": URL, "token": "a-token", "to": ["+331", "+332"], "crews": {"crews:21": "+3321"},
}  # fmt: skip
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
NOTICE = Notice(
    id=FactId("renfort:n1"), kind=NoticeKind.UNCONFIRMED, at=NOW, title="NON CONFIRMÉE : PM-214",
    text="rue du Port",
)  # fmt: skip
ORDER = Order(
    id=FactId("renfort:o1"), incident=IncidentId("axis:s1"), crew=CrewId("crews:21"),
    given_by="Léa", given_at=NOW, text="AGENT EN DANGER : PM-214",
    link="https://renfort.example.org/e/abc",
)  # fmt: skip


def contact(**more: Any) -> Contact:
    adapter = Contact()
    adapter.configure({**SETTINGS, **more})
    return adapter


def test_it_keeps_the_contract() -> None:
    check_adapter(Contact(), SETTINGS)


@responses.activate
def test_whoever_is_on_call_is_told_under_an_id_that_stays_the_same() -> None:
    responses.post(URL, status=202)
    assert contact().notify(NOTICE) is True
    request = responses.calls[0].request

    assert request.body is not None
    assert json.loads(request.body) == {
        "id": "renfort:n1", "to": ["+331", "+332"], "text": "NON CONFIRMÉE : PM-214\nrue du Port",
    }  # fmt: skip
    assert request.headers["Authorization"] == "Bearer a-token"
    assert request.headers["Idempotency-Key"] == "renfort:n1"


@responses.activate
def test_the_machines_own_netrc_does_not_replace_our_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine sms.example.org login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    responses.post(URL, status=202)

    assert contact().notify(NOTICE) is True
    assert responses.calls[0].request.headers["Authorization"] == "Bearer a-token"


@responses.activate
def test_a_crew_gets_its_order_with_the_link_of_its_page() -> None:
    responses.post(URL, status=200)
    assert contact().engage(ORDER) is True
    body = responses.calls[0].request.body

    assert body is not None
    told = json.loads(body)
    assert told["to"] == ["+3321"]
    assert told["text"] == "AGENT EN DANGER : PM-214 https://renfort.example.org/e/abc"


def test_nobody_to_tell_is_none() -> None:
    other = Order(
        id=FactId("o"), incident=IncidentId("i"), crew=CrewId("crews:7"), given_by="Léa",
        given_at=NOW,
    )  # fmt: skip

    assert contact().engage(other) is None
    assert contact().release(other) is None
    assert contact(to=[]).notify(NOTICE) is None


@responses.activate
@pytest.mark.parametrize(
    ("status", "error"),
    [(409, None), (503, Unreachable), (429, Unreachable), (401, Refused), (302, Refused),
     (None, Unreachable)],
)  # fmt: skip
def test_each_answer_of_the_gateway_is_what_it_means(
    status: int | None, error: type[Exception] | None
) -> None:
    if status is not None:
        responses.post(URL, status=status)
    if error is None:
        assert contact().notify(NOTICE) is True
        return
    with pytest.raises(error):
        contact().notify(NOTICE)


@pytest.mark.parametrize(
    ("more", "field"),
    [({"url": "http://sms.example.org"}, "url"),
     ({"url": "http://127.0.0.1.example.org"}, "url"), ({"to": [], "crews": {}}, "to"),
     ({"to": "+331"}, "to"), ({"number": "+331"}, "number")],
)  # fmt: skip
def test_a_bad_section_names_its_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(BadSettings) as fault:
        contact(**more)

    assert fault.value.field == field
