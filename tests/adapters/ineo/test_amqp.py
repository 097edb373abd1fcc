"""AMQP 0-9-1 through a real RabbitMQ: alerts out, positions in, each acknowledged once durable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from adapters.ineo import Ineo
from adapters.ineo.client import NotTaken
from adapters.ineo.simulator.broker import IN, OUT
from hooks import AdapterError, CrewFix, Envelope, Malformed, Message, Refused, Unreachable
from tests.adapters.ineo.conftest import IDENTITY, Running, a_picture, serving
from tests.adapters.ineo.rabbit import ACCOUNT, Rabbit
from tests.adapters.ineo.test_gateway import closed, configured, show
from tests.network import free_port
from vms_plugin import cli

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    running = Rabbit(tmp_path_factory.mktemp("rabbit"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def partner(rabbit: Rabbit) -> Iterator[Running]:
    with serving("--amqp", rabbit.account_url) as running:
        yield running


def profile(
    folder: Path, rabbit: Rabbit, *, queue: str = OUT, key: str = IN, **changes: str
) -> Path:
    path = folder / "p.toml"
    broker = {"url": rabbit.url, "username": ACCOUNT[0], "password": ACCOUNT[1], **changes}
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in broker.items())
    path.write_text(
        f"""
[identity]
sender = "{IDENTITY.sender}"
organisation = "fr.police.lgm"
name = "CSU"
[amqp]
{lines}
queue = "{queue}"
[[send]]
name = "emsi"
kind = "emsi-json"
routing_key = "{key}"
[[send]]
name = "cap"
kind = "cap"
routing_key = "{key}"
"""
    )
    return path


class Ears:
    """What the host hands to a feed; `hold` keeps a message from being durable."""

    def __init__(self, adapter: Ineo) -> None:
        self.adapter, self.facts, self.faults = adapter, list[Any](), list[Malformed]()
        self.ups, self.hold = 0, asyncio.Event()
        self.hold.set()

    def up(self) -> None:
        self.ups += 1

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        await self.hold.wait()
        try:
            self.facts.extend(self.adapter.decode(envelope=envelope))
        except Malformed as fault:
            self.faults.append(fault)
        return ()


@asynccontextmanager
async def listening(adapter: Ineo) -> AsyncIterator[Ears]:
    ears = Ears(adapter)
    [feed] = [each for each in adapter.list_feeds() if each.name == "amqp"]
    running = asyncio.ensure_future(feed.run(ears))
    try:
        await until(lambda: ears.ups or running.done())
        if running.done():
            running.result()
        yield ears
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, AdapterError):
            await running


async def until(true: Any) -> None:
    async with asyncio.timeout(45):  # a broker takes two heartbeats to miss a reader
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_an_incident_is_published_and_positions_are_heard(
    rabbit: Rabbit, partner: Running, tmp_path: Path
) -> None:
    picture = a_picture()
    with configured(profile(tmp_path, rabbit)) as adapter:
        await asyncio.to_thread(partner.order, "positions", count=5, by="amqp")
        async with listening(adapter) as ears:
            receipt = await asyncio.to_thread(show, adapter, picture)
            await asyncio.to_thread(
                lambda: adapter.withdraw(picture=closed(picture), receipt=receipt, repeated=True)
            )
            await until(lambda: len(ears.facts) == 5 and len(partner.messages("emsi")) == 2)

    assert {type(fact) for fact in ears.facts} == {CrewFix}
    for channel, kinds in (("emsi", ["ALERT", "UPDATE"]), ("cap", ["Alert", "Cancel"])):
        messages = partner.messages(channel)
        assert [each["kind"] for each in messages] == kinds
        assert {each["carrier"] for each in messages} == {"amqp"}
        assert all(each["valid"] for each in messages), messages


async def test_what_is_not_yet_durable_is_given_again_after_a_fall(
    rabbit: Rabbit, partner: Running, tmp_path: Path
) -> None:
    with configured(profile(tmp_path, rabbit)) as adapter:
        async with listening(adapter) as ears:
            ears.hold.clear()
            await asyncio.to_thread(partner.order, "positions", count=2, by="amqp")
            await asyncio.sleep(0.3)
        async with listening(adapter) as again:
            await until(lambda: len(again.facts) == 2)

    assert ears.facts == []


async def test_what_is_hostile_is_kept_apart_and_the_next_is_heard(
    rabbit: Rabbit, partner: Running, tmp_path: Path
) -> None:
    with configured(profile(tmp_path, rabbit)) as adapter:
        async with listening(adapter) as ears:
            for kind in ("bomb", "external", "charset", "deep-json"):
                await asyncio.to_thread(partner.order, "send", kind=kind, by="amqp")
            await asyncio.to_thread(partner.order, "positions", count=1, by="amqp")
            await until(lambda: ears.facts)

    assert len(ears.faults) == 4
    assert all(str(fault) for fault in ears.faults)


async def test_nothing_is_published_before_the_broker_is_there(
    rabbit: Rabbit, tmp_path: Path
) -> None:
    with configured(profile(tmp_path, rabbit)) as adapter, pytest.raises(NotTaken):
        await asyncio.to_thread(show, adapter, a_picture())


async def test_a_key_that_leads_nowhere_is_a_refusal(
    rabbit: Rabbit, partner: Running, tmp_path: Path
) -> None:
    with configured(profile(tmp_path, rabbit, key="nowhere")) as adapter:
        async with listening(adapter):
            with pytest.raises(Refused, match="nowhere"):
                await asyncio.to_thread(show, adapter, a_picture())


async def test_a_full_queue_is_told_apart_from_a_key_that_leads_nowhere(
    rabbit: Rabbit, partner: Running, tmp_path: Path
) -> None:
    full: Any = {"x-max-length": 0, "x-overflow": "reject-publish"}
    async with await aio_pika.connect(rabbit.account_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("full", arguments=full, exclusive=True)
        with configured(profile(tmp_path, rabbit, key="full")) as adapter:
            async with listening(adapter):
                with pytest.raises(Unreachable, match="full"):
                    await asyncio.to_thread(show, adapter, a_picture())


async def test_the_trial_publishes_its_exercise_and_leaves_our_queue_alone(
    rabbit: Rabbit, partner: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(partner.order, "positions", count=2, by="amqp")
    path = profile(tmp_path, rabbit)

    code = await asyncio.to_thread(cli.main, ["ineo", "essai", str(path)])

    said = capsys.readouterr().out
    assert (code, said.count("✓")) == (0, 6), said
    await until(lambda: len(partner.messages("cap")) == len(partner.messages("emsi")) == 3)
    assert {each["fields"]["status"] for each in partner.messages("cap")} == {"Exercise"}
    with configured(path) as adapter:
        async with listening(adapter) as ears:
            await until(lambda: len(ears.facts) == 2)


async def test_the_trial_says_what_the_broker_refuses(
    rabbit: Rabbit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = profile(tmp_path, rabbit, password="wrong")

    assert await asyncio.to_thread(cli.main, ["ineo", "essai", str(path)]) == 1
    assert "✗ 127.0.0.1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "wrong"}, "account"),
        ({"queue": "missing"}, "queue"),
        ({"path": "/absent"}, "virtual host"),
    ],
)
async def test_a_broker_that_refuses_is_told_apart_from_one_that_is_away(
    rabbit: Rabbit, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    if "path" in changes:
        changes = {"url": rabbit.url + changes["path"]}
    with configured(profile(tmp_path, rabbit, **changes)) as adapter:
        [feed] = [each for each in adapter.list_feeds() if each.name == "amqp"]
        with pytest.raises(Refused, match=said):
            await asyncio.wait_for(feed.run(Ears(adapter)), 20)


async def test_a_broker_that_is_not_there_is_not_said_to_have_left(
    rabbit: Rabbit, tmp_path: Path
) -> None:
    url = f"amqp://127.0.0.1:{free_port()}"
    with configured(profile(tmp_path, rabbit, url=url)) as adapter:
        [feed] = [each for each in adapter.list_feeds() if each.name == "amqp"]
        with pytest.raises(Unreachable, match="does not answer"):
            await asyncio.wait_for(feed.run(Ears(adapter)), 20)


async def test_a_queue_deleted_under_the_feed_ends_it(
    rabbit: Rabbit, partner: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for ever, and look well; the host runs it again, and says what is missing."""
    monkeypatch.setattr("adapters.ineo.amqp.LOOK_S", 0.2)
    with configured(profile(tmp_path, rabbit)) as adapter:
        ears = Ears(adapter)
        [feed] = [each for each in adapter.list_feeds() if each.name == "amqp"]
        running = asyncio.ensure_future(feed.run(ears))
        await until(lambda: ears.ups)
        connection = await aio_pika.connect(rabbit.account_url)
        async with connection:
            channel = await connection.channel()
            await channel.queue_delete(OUT)
        with pytest.raises(AdapterError):
            await asyncio.wait_for(running, 20)
