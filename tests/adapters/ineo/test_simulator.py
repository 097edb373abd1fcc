"""The simulated hypervisor, as a stranger's client finds it."""

from __future__ import annotations

import pytest
import requests

from tests.adapters.ineo.conftest import Running

CAP = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><!-- by hand -->
<identifier>a1</identifier><sender>x@y</sender><sent>2026-11-23T18:04:05+01:00</sent><status>Actual</status>
<msgType>Alert</msgType><scope>Public</scope></alert>"""
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
DTD = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def post(hypervisor: Running, name: str, body: str) -> requests.Response:
    return requests.post(
        hypervisor.ready[name], data=body.encode(), timeout=10,
        headers={"Authorization": f"Bearer {hypervisor.ready['token']}"},
    )  # fmt: skip


def test_a_comment_in_an_alert_is_no_part_of_it(hypervisor: Running) -> None:
    assert post(hypervisor, "cap", CAP).status_code == 202


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("cap", DTD + CAP.replace("a1", "&e;"), 422),
        ("cap", DTD + CAP, 422),
        ("emsi", '{"a":' * 3000 + "1" + "}" * 3000, 422),
        ("vendor", '{"a":' * 3000 + "1" + "}" * 3000, 400),
        ("soap", f'{DTD}<e:Envelope xmlns:e="{SOAP}"><e:Body>&e;</e:Body></e:Envelope>', 500),
        ("soap", "<html/>", 500),
    ],
)
def test_what_is_hostile_is_refused_with_a_reason(
    hypervisor: Running, name: str, body: str, status: int
) -> None:
    answer = post(hypervisor, name, body)

    assert answer.status_code == status
    assert answer.headers["content-type"].partition(";")[0] in ("application/json", "text/xml")
    assert "root:" not in answer.text
