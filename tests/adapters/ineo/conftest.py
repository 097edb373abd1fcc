"""A simulated hypervisor on loopback, the published schemas as judges, pictures to tell."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring, tostring
from zoneinfo import ZoneInfo

import httpx
import pytest
import xmlschema
from jsonschema import Draft7Validator

from adapters.ineo.identity import Identity
from adapters.ineo.simulator import Simulator
from hooks import (
    Crew,
    CrewId,
    DeviceId,
    Envelope,
    IncidentId,
    Means,
    Officer,
    Phase,
    Picture,
    Position,
    Reinforcement,
    Situation,
    SourceKind,
    Trigger,
)
from tests.serving import Server

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "adapters" / "ineo" / "schemas"
DATA = ROOT.joinpath("..", "shared", "data")
NOW = datetime(2026, 11, 23, 17, 4, 5, 250_000, tzinfo=UTC)
IDENTITY = Identity(
    sender="renfort@lagrandemotte.example",
    organisation="fr.police.lagrandemotte.renfort",
    name="CSU de La Grande-Motte",
    zone=ZoneInfo("Europe/Paris"),
)
PM21 = CrewId("crews:21")


def a_picture(**changes: Any) -> Picture:
    """An officer at sea, with all that could be written wrongly in his name and street."""
    drawn = Picture(
        incident=IncidentId("axis:B8A4-4F00,A0<01>&é"), version=1, phase=Phase.NEW, opened_at=NOW,
        device=DeviceId("axis:B8A44F00A001"),
        officer=Officer(id="42", call_sign="PM-214", name="Léa Secret"),
        kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON,
        position=Position(lon=4.0853, lat=43.5606, accuracy_m=12, fixed_at=NOW),
        situation=Situation(
            near="avenue de l’Europe & <quai>",
            reinforcements=(
                Reinforcement(
                    crew=Crew(
                        id=PM21, name="Brigade 21", means=Means.CAR,
                        position=Position(lon=4.09, lat=43.56, fixed_at=NOW),
                    ),
                    time_s=90, distance_m=700, by_road=True, fix_age_s=3, stale=False,
                ),
            ),
        ),
        title="AGENT EN DANGER : PM-214, avenue de l’Europe & <quai>",
        text="Position : 43.56060, 4.08530, à 12 m près.\nCaméras : Gare.",
    )  # fmt: skip
    return replace(drawn, **changes)


def an_envelope(body: bytes | str, at: datetime = NOW, channel: str = "intake") -> Envelope:
    """A message as the inlet hands it over."""
    raw = body.encode() if isinstance(body, str) else body
    return Envelope(adapter="ineo", body=raw, received_at=at, channel=channel, sender="10.0.0.9")


# --- judges that are not ours ---


@cache
def xsd(name: str) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(SCHEMAS / "xsd" / f"{name}.xsd"), allow="local")


@cache
def json_schema(name: str) -> Draft7Validator:
    text = (SCHEMAS / "json" / f"{name}.schema.json").read_text(encoding="utf-8")
    return Draft7Validator(json.loads(text))


def valid_cap(body: bytes) -> None:
    xsd("CAP-v1.2").validate(body.decode())


def valid_emsi_xml(body: bytes) -> None:
    root = fromstring(body)
    xsd("EDXL-DE-envelope-only").validate(body.decode())
    [emsi] = root.iter("{urn:emergency:eda:1.9:emsi}emsi")
    xsd("EMSI").validate(tostring(emsi, encoding="unicode"))


def valid_emsi_json(body: bytes) -> dict[str, Any]:
    envelope = json.loads(body)
    json_schema("EDXL-DE-envelope-only").validate(envelope)
    [content] = envelope["content"]
    emsi: dict[str, Any] = content["jsonContent"]["embeddedJsonContent"]["message"]["emsi"]
    json_schema("EMSI").validate(emsi)
    return emsi


# --- the hypervisor ---


class Clock:
    """A clock that goes only when told."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Running:
    """A hypervisor that answers, and its controls."""

    def __init__(self, simulator: Simulator, clock: Clock, url: str) -> None:
        self.simulator, self.clock, self.url = simulator, clock, url
        self.ready: dict[str, Any] = simulator.ready(url)
        self.http = httpx.Client(base_url=url, timeout=60, verify=False)

    def order(self, name: str, **order: object) -> dict[str, Any]:
        """Give an order to the simulator itself."""
        answer = self.http.post(f"/simulator/{name}", json=order)
        answer.raise_for_status()
        done: dict[str, Any] = answer.json()
        return done

    def messages(self, channel: str = "cap") -> list[dict[str, Any]]:
        """List what one channel received."""
        listed = self.http.get("/simulator/messages").json()["messages"]
        return [each for each in listed if each["channel"] == channel]

    def profile(self, folder: Path, *more: str, kind: str = "cap", **extra: str) -> Path:
        """Write a profile that sends there."""
        url = self.ready["cap" if kind == "cap" else "emsi"]
        send = "\n".join(f'{name} = "{value}"' for name, value in extra.items())
        path = folder / "hyperviseur.toml"
        path.write_text(
            f"""
[identity]
sender = "{IDENTITY.sender}"
organisation = "fr.police.lagrandemotte"
name = "{IDENTITY.name}"

[[send]]
name = "hv"
kind = "{kind}"
url = "{url}"
token = "{self.ready["token"]}"
timeout_s = 1
{send}
"""
            + "\n".join(more),
            encoding="utf-8",
        )
        return path


@contextmanager
def serving(*words: str, port: int = 0) -> Iterator[Running]:
    """Serve a hypervisor with these options in a thread."""
    parser = argparse.ArgumentParser()
    Simulator.add_arguments(parser)
    clock = Clock()
    simulator = Simulator(parser.parse_args(words), clock)
    server = Server(simulator.app, port, timeout_graceful_shutdown=1)
    server.start()
    running = Running(simulator, clock, server.url)
    try:
        yield running
    finally:
        running.http.close()
        server.stop()
        server.join()


Start = Callable[..., Running]


@pytest.fixture
def hypervisor() -> Iterator[Running]:
    with serving() as running:
        yield running
