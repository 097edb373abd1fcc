"""Matrix: cameras pushed into ordinary views, the officer's first, by SOAP as WCF speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import fromstring

import pytest

from adapters.milestone import Milestone, matrix
from adapters.milestone.gateway import Gateway
from adapters.milestone.site import Site
from adapters.milestone.soap import Soap
from hooks import Refused, Unreachable
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import SERIAL, adapter_on, closed, seen_by

CONFIGURATION = """
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<GetConfigurationResponse xmlns="http://videoos.net/2/XProtectCSServerCommand">
<GetConfigurationResult><MatrixMonitors>
<MatrixMonitorInfo><DisplayName>Poste 1</DisplayName><MatrixMonitorId>A1</MatrixMonitorId>
</MatrixMonitorInfo>
<MatrixMonitorInfo><DisplayName/><MatrixMonitorId>b2</MatrixMonitorId></MatrixMonitorInfo>
<MatrixMonitorInfo><DisplayName>Sans</DisplayName></MatrixMonitorInfo>
</MatrixMonitors></GetConfigurationResult></GetConfigurationResponse></s:Body></s:Envelope>
"""


def test_recipients_are_read_from_the_sites_configuration() -> None:
    assert matrix.monitors_in(fromstring(CONFIGURATION)) == {"a1": "Poste 1", "b2": "b2"}


# --- on a site ---


@pytest.fixture
def site(xprotect: Start) -> Running:
    return xprotect("--bodyworn", f"{SERIAL}=PM-214")


@pytest.fixture
def adapter(site: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Milestone]:
    monkeypatch.setattr(matrix, "APART_S", 0.0)
    adapter = adapter_on(site, matrix=["Poste 2"])
    yield adapter
    adapter.close()


def shown(site: Running) -> list[list[str]]:
    listed = site.http.get("/simulator/matrix").json()["monitors"]
    return [each["cameras"] for each in listed]


def test_the_officer_is_first_then_who_sees_him_best_first(
    site: Running, adapter: Milestone
) -> None:
    own, (one, two, *_) = site.ready["bodyworn"][SERIAL], site.ready["cameras"]

    receipt = adapter.show(seen_by([one, two]), None, False)

    assert receipt.missing is None
    assert shown(site)[1][:3] == [own, one, two]
    assert shown(site)[0] == []


def test_the_same_cameras_are_not_sent_again(site: Running, adapter: Milestone) -> None:
    one, two, *_ = site.ready["cameras"]
    receipt = adapter.show(seen_by([one, two]), None, False)
    count = len(shown(site)[1])

    adapter.show(seen_by([two, one], version=2), receipt, True)

    assert len(shown(site)[1]) == count


def test_others_are_not_sent_before_the_view_could_be_read(
    site: Running, adapter: Milestone, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, (one, two, three, *_) = site.ready["bodyworn"][SERIAL], site.ready["cameras"]
    receipt = adapter.show(seen_by([one]), None, False)

    receipt = adapter.show(seen_by([two], version=2), receipt, True)
    assert two not in shown(site)[1]
    monkeypatch.setattr(matrix, "LEAST_S", 0.0)
    adapter.show(seen_by([three], version=3), receipt, True)

    assert shown(site)[1][:2] == [own, three]


def test_cameras_that_only_join_the_others_are_sent_at_once(
    site: Running, adapter: Milestone
) -> None:
    """The press has no place yet; a second later it has one, and perhaps no other version comes."""
    own, (one, two, *_) = site.ready["bodyworn"][SERIAL], site.ready["cameras"]
    receipt = adapter.show(seen_by([]), None, False)
    assert shown(site)[1] == [own]

    adapter.show(seen_by([one, two], version=2), receipt, True)

    assert shown(site)[1][:3] == [own, one, two]


def test_the_end_leaves_the_views_as_they_are(site: Running, adapter: Milestone) -> None:
    picture = seen_by(site.ready["cameras"][:1])
    receipt = adapter.show(picture, None, False)
    before = shown(site)

    adapter.withdraw(closed(picture), receipt, True)

    assert shown(site) == before


def test_a_recipient_that_is_not_there_is_missed_and_named_by_doctor(site: Running) -> None:
    adapter = adapter_on(site, matrix=["Poste 9"])

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert "no Matrix recipient Poste 9" in str(receipt.missing)
    assert "Poste 1, Poste 2" in str(receipt.missing)
    [found] = [each for each in adapter.probe().findings if each.subject == "matrix"]
    assert not found.well


def test_doctor_says_which_recipients_are_used(adapter: Milestone) -> None:
    [found] = [each for each in adapter.probe().findings if each.subject == "matrix"]

    assert (found.well, str(found.said)) == (True, "recipients Poste 2")


def test_a_soap_token_that_the_site_has_forgotten_is_asked_anew(
    site: Running, adapter: Milestone
) -> None:
    soap = adapter._desk._soap
    monitor = next(iter(site.simulator.site.matrix))
    soap.activate(monitor, site.ready["cameras"][0])
    soap._token = "TOKEN#of#another#day"

    # At once: the press that comes after the management server's restart does not wait a minute.
    soap.activate(monitor, site.ready["cameras"][1])

    assert shown(site)[0][0] == site.ready["cameras"][1]


def test_a_bearer_that_the_site_refuses_is_renewed(site: Running, adapter: Milestone) -> None:
    """The REST would renew it, but need not be asked anything before."""
    camera = site.ready["cameras"][0]
    soap = adapter._desk._soap
    [first, *_] = matrix.monitors_in(soap.configuration())
    site.order("expire")

    soap.activate(first, camera)

    assert shown(site)[0] == [camera]


@pytest.mark.parametrize("how", ["fail", "html"])
def test_a_soap_service_that_is_away_blocks_nothing(
    site: Running, adapter: Milestone, how: str
) -> None:
    status = {"status": 503} if how == "fail" else {}
    site.order(how, path="/managementserver", count=5, **status)

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert receipt.missing is not None
    assert len(site.simulator.site.alarms) == 1


def test_a_page_instead_of_soap_is_no_answer() -> None:
    class Answer:
        status_code, content = 200, b"<html><body>login</body>"

    soap = Soap(adapter_gateway())
    with pytest.raises(Unreachable, match="not in SOAP"):
        soap._read("Login", Answer())  # type: ignore[arg-type]
    Answer.status_code = 403
    with pytest.raises(Refused, match="Login"):
        soap._read("Login", Answer())  # type: ignore[arg-type]


def test_an_answer_that_swells_is_refused() -> None:
    class Bomb:
        status_code = 200
        content = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'

    with pytest.raises(Unreachable, match="not in SOAP"):
        Soap(adapter_gateway())._read("Login", Bomb())  # type: ignore[arg-type]


def adapter_gateway() -> Gateway:
    return Gateway(Site(url="https://vms.example.org", username="u", password="p"))
