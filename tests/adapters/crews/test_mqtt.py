"""The subscription, against a real mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

from adapters.crews import Crews
from adapters.crews.decode import RETAINED, RS
from hooks import CrewFix, Envelope, Message, Refused, Unreachable
from tests.adapters.feeds import beside, failure

pytestmark = pytest.mark.broker


class Ear:
    """A listener that remembers, and may fail before it has."""

    def __init__(self) -> None:
        self.heard: list[Envelope] = []
        self.ups = 0
        self.fails = False
        self._stirred = asyncio.Event()

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        if self.fails:
            raise OSError("no space left on device")
        self.heard.append(envelope)
        self._stirred.set()
        return ()

    @property
    def bodies(self) -> list[bytes]:
        """What was published, text by text: those that waited together come together."""
        parts = (part for envelope in self.heard for part in envelope.body.split(RS))
        return [part.strip() for part in parts if part.strip()]

    def up(self) -> None:
        self.ups += 1
        self._stirred.set()

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not done():
                self._stirred.clear()
                await self._stirred.wait()


def run(broker: Any, ear: Ear, **more: object) -> asyncio.Future[None]:
    adapter = Crews()
    account = {"username": "renfort", "password": "crew horse"}
    adapter.configure({"mqtt_url": broker.url, **account, **more})
    [feed] = adapter.list_feeds()
    return asyncio.ensure_future(feed.run(ear))


@contextlib.asynccontextmanager
async def listening(broker: Any, ear: Ear, **more: object) -> AsyncIterator[asyncio.Future[None]]:
    before = ear.ups
    running = run(broker, ear, **more)
    async with beside(running, ear.until(lambda: ear.ups > before)):
        yield running


async def say(broker: Any, crew: str, *, qos: int = 1, retain: bool = False, **said: Any) -> None:
    body = json.dumps({"id": crew, **said})
    await asyncio.to_thread(
        publish.single,
        f"renfort/crews/{crew}/position",
        body,
        qos=qos,
        retain=retain,
        hostname="127.0.0.1",
        port=broker.port,
        auth={"username": "radio", "password": "battery staple"},
    )


async def test_a_position_is_heard_with_its_topic(broker: Any) -> None:
    ear = Ear()

    async with listening(broker, ear):
        await say(broker, "21", lon=1.4440, lat=43.6045)
        await ear.until(lambda: bool(ear.heard))

    [envelope] = ear.heard
    [fact] = Crews().decode(envelope)
    assert envelope.sender == "renfort/crews/21/position"
    assert isinstance(fact, CrewFix)
    assert fact.position is not None


async def test_positions_are_heard_in_their_order(broker: Any) -> None:
    ear = Ear()

    async with listening(broker, ear):
        for number in range(30):
            await say(broker, "21", qos=1, lon=1.4, lat=43.0 + number / 100)
        await ear.until(lambda: len(ear.bodies) == 30)

    told = [json.loads(body)["lat"] for body in ear.bodies]
    assert told == sorted(told)


@pytest.mark.parametrize("kind", ["broker", "secure_broker"])
async def test_a_burst_of_every_size_comes_whole_and_in_order(
    kind: str, request: pytest.FixtureRequest, certificate: tuple[Path, Path]
) -> None:
    ear, broker = Ear(), request.getfixturevalue(kind)
    secure = {"ca": str(certificate[0])} if kind == "secure_broker" else {}
    sizes = [1, 80, 127, 128, 16_383, 16_384, 65_535, 65_536, 65_537, 200_000, 3] * 3
    burst = [json.dumps({"id": str(at), "name": "x" * size}) for at, size in enumerate(sizes)]

    async with listening(broker, ear, **secure):
        await asyncio.to_thread(
            publish.multiple,
            [{"topic": "renfort/crews/21/position", "payload": each, "qos": 1} for each in burst],
            hostname="127.0.0.1", port=broker.port,
            auth={"username": "radio", "password": "battery staple"},
            tls={"ca_certs": str(certificate[0])} if secure else None,
        )  # fmt: skip
        await ear.until(lambda: len(ear.bodies) == len(burst))

    assert ear.bodies == [each.encode() for each in burst]


async def test_what_was_not_kept_comes_again(broker: Any) -> None:
    ear = Ear()
    ear.fails = True

    async with listening(broker, ear, client_id="renfort-csu") as running:
        await say(broker, "21", status="free")
        error = await failure(running)
    ear.fails = False
    async with listening(broker, ear, client_id="renfort-csu"):
        await ear.until(lambda: bool(ear.heard))

    assert isinstance(error, OSError)
    assert json.loads(ear.heard[0].body)["status"] == "free"


async def test_what_was_kept_does_not_come_again(broker: Any) -> None:
    ear = Ear()

    async with listening(broker, ear, client_id="renfort-csu"):
        await say(broker, "21", status="free")
        await ear.until(lambda: len(ear.bodies) == 1)
        await say(broker, "21", status="break")
        await ear.until(lambda: len(ear.bodies) == 2)
    async with listening(broker, ear, client_id="renfort-csu"):
        await say(broker, "21", status="engaged")
        await ear.until(lambda: len(ear.bodies) == 3)

    told = [json.loads(body)["status"] for body in ear.bodies]
    assert told == ["free", "break", "engaged"]


async def test_with_a_name_what_came_while_we_were_away_is_heard(broker: Any) -> None:
    ear = Ear()

    async with listening(broker, ear, client_id="renfort-csu"):
        pass
    await say(broker, "21", status="free")
    async with listening(broker, ear, client_id="renfort-csu"):
        await ear.until(lambda: bool(ear.heard))

    assert json.loads(ear.heard[0].body)["status"] == "free"


async def test_what_the_broker_had_retained_is_marked(broker: Any) -> None:
    ear = Ear()
    await say(broker, "21", retain=True, status="free")

    async with listening(broker, ear):
        await ear.until(lambda: bool(ear.heard))

    assert ear.heard[0].channel == RETAINED


async def test_nonsense_is_passed_on_and_kills_nothing(broker: Any) -> None:
    ear = Ear()

    async with listening(broker, ear):
        await asyncio.to_thread(
            publish.single, "renfort/crews/x/position", b"\xff", qos=1, hostname="127.0.0.1",
            port=broker.port, auth={"username": "radio", "password": "battery staple"},
        )  # fmt: skip
        await say(broker, "21", status="free")
        await ear.until(lambda: len(ear.bodies) == 2)

    assert ear.bodies[0] == b"\xff"


async def test_a_quiet_broker_still_gives_signs_of_life(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.crews.client.LOOK_S", 0.1)
    ear = Ear()

    async with listening(broker, ear):
        await ear.until(lambda: ear.ups >= 4)

    assert ear.heard == []


async def test_a_broker_that_stops_is_unreachable_and_heard_again_once_back(broker: Any) -> None:
    ear = Ear()

    async with listening(broker, ear) as running:
        broker.stop()
        error = await failure(running)
    broker.start()
    async with listening(broker, ear):
        await say(broker, "21", status="free")
        await ear.until(lambda: bool(ear.heard))

    assert isinstance(error, Unreachable)
    assert str(broker.port) in str(error)


async def test_nobody_there_is_unreachable(broker: Any) -> None:
    broker.stop()

    assert isinstance(await failure(run(broker, Ear())), Unreachable)


async def test_wrong_credentials_name_the_account_and_not_the_password(broker: Any) -> None:
    error = await failure(run(broker, Ear(), password="hunter2"))

    assert isinstance(error, Refused)
    assert "renfort" in str(error)
    assert "hunter2" not in str(error)


async def test_a_broker_that_says_nothing_gives_no_sign_of_life(broker: Any) -> None:
    ear = Ear()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        broker.stop()
        broker.port = mute.getsockname()[1]
        running = run(broker, ear)
        await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert ear.ups == 0


async def test_under_tls_the_authority_given_is_trusted(
    secure_broker: Any, certificate: tuple[Path, Path]
) -> None:
    ear = Ear()

    async with listening(secure_broker, ear, ca=str(certificate[0])):
        pass

    assert ear.ups == 1


async def test_a_certificate_of_nobody_we_know_names_the_setting(secure_broker: Any) -> None:
    error = await failure(run(secure_broker, Ear()))

    assert isinstance(error, Refused)
    assert "give its authority in ca" in str(error)


async def test_more_than_can_be_written_starts_again_later(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.crews.client.MOST_WAITING", 3)

    class Slow(Ear):
        async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
            await asyncio.sleep(0.2)
            return await super().__call__(envelope)

    async with listening(broker, Slow()) as running:
        while not running.done():
            await say(broker, "21", qos=0, status="free")
        error = await failure(running)

    assert isinstance(error, Unreachable)
    assert "wait to be taken in" in str(error)
