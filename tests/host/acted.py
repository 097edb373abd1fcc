"""A VMS and a source that tests have play their parts, and an engine between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    DeviceId,
    End,
    Envelope,
    Fact,
    FactId,
    IncidentId,
    Malformed,
    Order,
    Phase,
    Picture,
    Position,
    Receipt,
    hookimpl,
)
from tests.host import paper
from vms_plugin.engine import Engine
from vms_plugin.settings import Settings

INCIDENT = IncidentId("axis:s1")


class Vms:
    """A VMS that remembers every alarm, and misbehaves when told to."""

    name = "vms"

    def __init__(self) -> None:
        self.alarms: dict[str, list[tuple[int, Phase]]] = {}
        self.closed: list[str] = []
        self.orders: list[tuple[str, Order]] = []
        self.seen: list[str] = []
        self.calls: list[tuple[str, int, bool]] = []
        self.fail: Callable[[], None] = lambda: None
        self.gate = threading.Event()
        self.gate.set()

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name=self.name, brand="Fake", contract=1)

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        self.calls.append((picture.incident, picture.version, repeated))
        self.gate.wait(10)
        found = receipt.data if receipt else (picture.incident if repeated else None)
        if found is None or found not in self.alarms:
            assert picture.incident not in self.alarms, "a second alarm for one incident"
            self.alarms[picture.incident] = []
        self.alarms[picture.incident].append((picture.version, picture.phase))
        self.fail()
        return Receipt(data=picture.incident)

    @hookimpl
    def withdraw(self, picture: Picture, receipt: Receipt | None) -> Receipt | None:
        self.closed.append(picture.incident)
        return receipt

    @hookimpl
    def engage(self, order: Order) -> bool:
        self.orders.append(("engage", order))
        return True

    @hookimpl
    def release(self, order: Order) -> bool:
        self.orders.append(("release", order))
        return True

    @hookimpl
    def acknowledge(self, activation: ActivationId) -> bool:
        self.seen.append(activation)
        return True


class Source:
    """A source whose messages are words: `press`, `end`, `bad`, `old`."""

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="axis", brand="Fake", contract=1)

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        for word in envelope.body.decode().split():
            if word == "bad":
                raise Malformed("word", word, "write press")
            yield press(at=envelope.received_at - timedelta(days=9000 * (word == "old")))


def press(session: str = "axis:s1", at: datetime | None = None, lon: float | None = 4.08) -> Fact:
    position = Position(lon=lon, lat=43.56, accuracy_m=6) if lon is not None else None
    return Activation(
        id=FactId(f"{session}:start"), at=at or datetime.now(UTC), position=position,
        activation=ActivationId(session), device=DeviceId("axis:D"),
    )  # fmt: skip


def end(session: str = "axis:s1") -> Fact:
    return End(id=FactId(f"{session}:end"), at=datetime.now(UTC),
               activation=ActivationId(session), device=DeviceId("axis:D"))  # fmt: skip


def running(
    path: Path, settings: Settings | None = None, **plugins: Any
) -> AbstractAsyncContextManager[Engine]:
    return paper.running(path, {"axis": Source, **plugins}, settings=settings)


async def tell(engine: Engine, *facts: Fact) -> None:
    await engine.hear(list(facts), datetime.now(UTC))
