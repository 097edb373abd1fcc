"""Views of the Smart Client: one that shows the incident, one that shows our page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.milestone import Milestone, view
from adapters.milestone.api import Api
from hooks import IncidentId, Receipt, Refused
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import SERIAL, adapter_on, closed, seen_by
from tests.adapters.milestone.test_bodyworn import api, config, run

HTML = (
    '<viewitem id="1" displayname="HTML" type="Some.HtmlViewItem, Some" smartClientId="2">'
    '<iteminfo url="http://intranet/"/><properties>'
    '<property name="Url" value="http://intranet/"/></properties></viewitem>'
)


def test_a_copy_of_an_html_tile_shows_our_page_under_an_identity_of_its_own() -> None:
    copied = view.with_address(HTML, "https://renfort.example:8443/?a=1&b=2")

    assert copied.count("https://renfort.example:8443/?a=1&amp;b=2") == 2
    assert 'id="1"' not in copied
    assert 'smartClientId="2"' not in copied
    assert view.is_html(copied)


def test_a_tile_without_an_address_is_said() -> None:
    with pytest.raises(Refused, match="holds no address"):
        view.with_address('<viewitem id="1" type="HtmlViewItem"/>', "https://x")


@pytest.mark.parametrize("xml", ["", "<", view.empty_tile(), view.camera_tile("g"), "<!DOCTYPE x>"])
def test_what_is_no_html_tile_is_not_copied(xml: str) -> None:
    assert not view.is_html(xml)


# --- on a site ---


@pytest.fixture
def site(xprotect: Start) -> Running:
    return xprotect("--bodyworn", f"{SERIAL}=PM-214")


@pytest.fixture
def adapter(site: Running) -> Iterator[Milestone]:
    adapter = adapter_on(site, view="CRISE 1")
    yield adapter
    adapter.close()


def crisis(site: Running) -> Any:
    [found] = [each for each in site.simulator.site.shelf.of("views")
               if each.fields["name"] == "CRISE 1"]  # fmt: skip
    return found


def tiles(site: Running) -> list[str]:
    return [each["viewItemDefinitionXml"] for each in crisis(site).fields["viewItems"]]


def test_the_view_shows_the_officer_then_who_sees_him_and_is_given_back(
    site: Running, adapter: Milestone
) -> None:
    own, (one, two, *_) = site.ready["bodyworn"][SERIAL], site.ready["cameras"]
    before, picture = tiles(site), seen_by([one, two])

    receipt = adapter.show(picture, None, False)
    shown = tiles(site)
    adapter.withdraw(closed(picture), receipt, True)

    assert receipt.missing is None
    assert [own in shown[0], one in shown[1], two in shown[2]] == [True] * 3
    assert "EmptyViewItem" in shown[3]
    assert tiles(site) == before


def test_a_view_that_somebody_changed_is_left_to_him(site: Running, adapter: Milestone) -> None:
    one, two, *_ = site.ready["cameras"]
    picture = seen_by([one])
    receipt = adapter.show(picture, None, False)
    his = [{"viewItemPosition": 0, "viewItemDefinitionXml": view.empty_tile()}]
    site.rest("PATCH", f"views/{crisis(site).id}", json={"viewItems": his})

    receipt = adapter.show(seen_by([two], version=2), receipt, True)
    adapter.withdraw(closed(picture), receipt, True)

    assert crisis(site).fields["viewItems"] == his


def test_two_incidents_do_not_share_a_view_and_it_is_given_back_as_it_was(site: Running) -> None:
    one, two, *_ = site.ready["cameras"]
    first, second = seen_by([one]), seen_by([two], incident=IncidentId("axis:s2"))
    before = tiles(site)

    mine = adapter_on(site, view="CRISE 1").show(first, None, False)
    after_a_restart = adapter_on(site, view="CRISE 1")
    other = after_a_restart.show(second, None, False)
    shown = tiles(site)
    after_a_restart.withdraw(closed(first), mine, True)
    given_back = tiles(site)
    after_a_restart.withdraw(closed(second), other, True)

    assert "the view CRISE 1 already shows another incident" in str(other.missing)
    assert one in shown[1]
    assert given_back == before == tiles(site)


def test_of_two_presses_at_once_one_has_the_view(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, *_ = site.ready["cameras"]
    first, second = seen_by([one]), seen_by([two], incident=IncidentId("axis:s2"))
    before, adapter, change = tiles(site), adapter_on(site, view="CRISE 1"), Api.change
    answers = list[Receipt]()

    def meanwhile(self: Api, path: str, body: Any) -> None:
        if path.startswith("views/") and not answers:
            answers.append(adapter.show(second, None, False))
        change(self, path, body)

    monkeypatch.setattr(Api, "change", meanwhile)
    mine = adapter.show(first, None, False)
    adapter.withdraw(closed(second), answers[0], True)
    assert one in tiles(site)[1]
    adapter.withdraw(closed(first), mine, True)

    assert mine.missing is None
    assert "already shows another incident" in str(answers[0].missing)
    assert tiles(site) == before


def test_a_view_that_xprotect_writes_otherwise_is_still_known_for_ours(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Api.ask

    def otherwise(self: Api, method: str, path: str, body: Any = None) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(json.dumps(ask(self, method, path, body)).replace(
            " />", "/>"))  # fmt: skip
        return said

    monkeypatch.setattr(Api, "ask", otherwise)
    before, picture = tiles(site), seen_by(site.ready["cameras"][:1])
    adapter = adapter_on(site, view="CRISE 1")

    receipt = adapter.show(picture, None, False)
    shown = tiles(site)
    adapter.withdraw(closed(picture), receipt, True)

    assert shown != before
    assert tiles(site) == [each.replace(" />", "/>") for each in before]


def test_a_view_that_is_not_there_is_missed(site: Running) -> None:
    adapter = adapter_on(site, view="CRISE 9")

    receipt = adapter.show(seen_by(site.ready["cameras"][:1]), None, False)

    assert "there is no view CRISE 9" in str(receipt.missing)
    [found] = [each for each in adapter.probe().findings if each.subject == "view"]
    assert not found.well


def test_doctor_says_how_many_places_it_has(adapter: Milestone) -> None:
    [found] = [each for each in adapter.probe().findings if each.subject == "view"]

    assert found.well
    assert "4 places" in str(found.said)


def test_our_page_becomes_a_view_copied_from_a_tile_of_the_site(
    site: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Refused, match="no view of this site has an HTML tile"):
        view.set_up(api(site), "https://renfort.example:8443")
    item = {"viewItemPosition": 0, "viewItemDefinitionXml": HTML}
    site.rest("PATCH", f"views/{crisis(site).id}", json={"viewItems": [item]})
    words = ["milestone", "setup-view", "https://renfort.example:8443", "--config",
             str(config(site, tmp_path))]  # fmt: skip

    assert run(*words) == 0
    assert run(*words) == 0  # again: the same view, put right

    [made] = [each for each in site.simulator.site.shelf.of("views")
              if each.fields["name"] == "Renfort"]  # fmt: skip
    [tile] = made.fields["viewItems"]
    assert "https://renfort.example:8443" in tile["viewItemDefinitionXml"]
    assert "Renfort" in capsys.readouterr().out
