"""The tutorial's adapter works, and the test kit tells a good adapter from a bad one."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    AdapterInfo,
    DeviceId,
    Envelope,
    Fact,
    FactId,
    Fix,
    IncidentId,
    Officer,
    Phase,
    Picture,
    Position,
    SourceKind,
    Trigger,
    Unreachable,
    hookimpl,
)
from hooks.testing import check_adapter, check_decoder
from vms_plugin.adapters import Adapters

TUTORIAL = Path(__file__).parents[2] / "docs" / "integrators" / "tutorial"
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
PICTURE = Picture(
    incident=IncidentId("bell:17"), version=1, phase=Phase.NEW, opened_at=NOW,
    device=DeviceId("bell:wall"), officer=Officer(), kind=SourceKind.BODY_WORN,
    trigger=Trigger.BUTTON, title="AGENT EN DANGER", outcome="fini",
)  # fmt: skip


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(TUTORIAL))
    from renfort_bell import Bell

    yield Bell
    sys.modules.pop("renfort_bell")


@pytest.fixture
def tower() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A bell tower that notes what it is told."""
    told: list[tuple[str, bytes]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_tutorials_adapter_keeps_the_contract(bell: Any) -> None:
    facts = check_decoder(bell(), [b"PRESS 17 4.0853 43.5606"], {})

    assert [fact.id for fact in facts] == ["bell:17"]


def test_the_tutorials_adapter_rings_once_and_rests(
    bell: Any, tower: tuple[str, list[tuple[str, bytes]]]
) -> None:
    url, told = tower
    adapters = Adapters()
    adapters.load({"bell": bell}, {"bell": {"url": url}})

    receipt = adapters.ask("bell", "show", picture=PICTURE, receipt=None, repeated=False)
    adapters.ask("bell", "show", picture=PICTURE, receipt=receipt, repeated=True)
    adapters.ask("bell", "withdraw", picture=PICTURE, receipt=receipt, repeated=True)

    assert told == [("/ring", b"AGENT EN DANGER"), ("/rest", b"fini")]


def test_a_bell_that_does_not_answer_is_unreachable(bell: Any) -> None:
    adapters = Adapters()
    adapters.load({"bell": bell}, {"bell": {"url": "http://127.0.0.1:9"}})

    with pytest.raises(Unreachable, match="does not answer"):
        adapters.ask("bell", "show", picture=PICTURE, receipt=None, repeated=False)


class Named:
    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="bad", brand="", contract=1)


class Impure(Named):
    count = 0

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        self.count += 1
        return [Fix(id=FactId(f"bad:{self.count}"), at=NOW, device=DeviceId("bad:1"),
                    position=Position(lon=0, lat=0))]  # fmt: skip


class Unprefixed(Named):
    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        return [Fix(id=FactId("1"), at=NOW, device=DeviceId("bad:1"),
                    position=Position(lon=0, lat=0))]  # fmt: skip


class Fragile(Named):
    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        if envelope.body != b"good":
            raise KeyError("lost")
        return []


class Extra(Named):
    @hookimpl
    def probe(self, depth: int) -> None: ...


class Old(Named):
    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="bad", brand="", contract=0)


@pytest.mark.parametrize(
    ("adapter", "said"),
    [(Impure(), "decode is pure"), (Unprefixed(), "should start with"), (Extra(), "depth"),
     (Old(), "contract"), (object(), "describe is missing")],
)  # fmt: skip
def test_the_kit_says_what_the_contract_wants(adapter: object, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_decoder(adapter, [b"good"], {})


def test_the_kit_finds_a_decoder_that_breaks_on_damaged_bytes() -> None:
    with pytest.raises(KeyError):
        check_decoder(Fragile(), [b"good"], {})


def test_a_good_adapter_says_who_it_is() -> None:
    assert check_adapter(Named(), {}).name == "bad"
