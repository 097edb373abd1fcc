"""The direct transport against a server that misbehaves as devices do."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.axis import Axis
from hooks import (
    Activation,
    End,
    Envelope,
    Feed,
    LinkChange,
    LiveList,
    Message,
    Refused,
    Unreachable,
)
from tests.adapters.feeds import beside, failure

PASSWORD = "élan & 100%"


def adapter_for(device: Any, **more: object) -> Axis:
    adapter = Axis()
    adapter.configure(
        {
            "transport": "direct",
            "url": device.url,
            "username": "renfort",
            "password": PASSWORD,
            "status_every_s": 0.1,
            "ping_every_s": 5,
            **more,
        }
    )
    return adapter


def feed_of(adapter: Axis) -> Feed:
    [feed] = adapter.list_feeds()
    return feed


@contextlib.asynccontextmanager
async def listening(device: Any, ear: Any, **more: object) -> AsyncIterator[asyncio.Future[None]]:
    """Serve, listen, and let the first state be read."""
    async with device.serving():
        running = asyncio.ensure_future(feed_of(adapter_for(device, **more)).run(ear))
        async with beside(running, ear.until(lambda: "links" in ear.channels())):
            yield running


async def refusal(device: Any, ear: Any, **more: object) -> BaseException:
    """Serve, listen, and give what the feed fails with."""
    async with device.serving():
        running = asyncio.ensure_future(feed_of(adapter_for(device, **more)).run(ear))
        return await failure(running)


def streaming(session: str) -> dict[str, str]:
    """What the device lists of a camera that has streamed for a minute."""
    started = datetime.now(UTC) - timedelta(minutes=1)
    return {"id": "c", "sessionId": session, "started": started.isoformat()}


def facts(envelopes: list[Envelope]) -> list[Any]:
    return [fact for envelope in envelopes for fact in Axis().decode(envelope)]


# --- what is heard ---


async def test_the_state_is_read_only_once_the_subscription_is_granted(
    device: Any, ear: Any
) -> None:
    async with listening(device, ear):
        pass

    assert device.log[:4] == [
        "GET /axis-cgi/wssession.cgi",
        "socket by token",
        "configure",
        "POST /local/BodyWornLiveSelfHosted/status.cgi",
    ]


async def test_a_press_told_by_an_event_is_heard(device: Any, ear: Any) -> None:
    async with listening(device, ear):
        device.press("s-1")
        await ear.until(lambda: "events" in ear.channels())

    [event] = [each for each in ear.heard if each.channel == "events"]
    [press] = facts([event])
    assert isinstance(press, Activation)
    assert press.activation == "axis:s-1"


async def test_presses_of_a_burst_are_written_together_and_in_order(device: Any, ear: Any) -> None:
    class SlowDisk:
        """Answers no event before three of them are there."""

        def __init__(self) -> None:
            self.waiting: list[Envelope] = []
            self.three = asyncio.Event()

        async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
            if envelope.channel == "events":
                self.waiting.append(envelope)
                if len(self.waiting) == 3:
                    self.three.set()
                await self.three.wait()
            await ear(envelope)
            return ()

        def up(self) -> None:
            ear.up()

    disk = SlowDisk()
    async with device.serving():
        running = asyncio.ensure_future(feed_of(adapter_for(device)).run(disk))
        await ear.until(lambda: "links" in ear.channels())
        for session in ("s-1", "s-2", "s-3"):
            device.press(session)
        await ear.until(lambda: ear.channels().count("events") == 3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    pressed = [fact.activation for fact in facts(disk.waiting)]
    assert pressed == ["axis:s-1", "axis:s-2", "axis:s-3"]


async def test_a_press_that_comes_while_subscribing_is_heard(device: Any, ear: Any) -> None:
    device.while_subscribing = lambda line: line.send(event_frame("s-early"))

    async with listening(device, ear):
        pass

    assert ear.channels()[0] == "events"


def event_frame(session: str) -> dict[str, Any]:
    event = {"type": "com.axis.bodyworn.stream.started", "data": {"sessionId": session}}
    inner = {"message": {"data": {"event": json.dumps(event)}}}
    return {"method": "events:notify", "params": {"notification": inner}}


async def test_a_press_of_before_we_listened_is_read_from_the_state(device: Any, ear: Any) -> None:
    device.targets = [
        streaming("s-0"),
        {"id": "never-streamed"},
    ]

    async with listening(device, ear):
        pass

    press, _link, listed = facts(ear.heard[:1])
    assert isinstance(press, Activation)
    assert press.activation == "axis:s-0"
    assert isinstance(listed, LiveList)
    assert listed.active == ("axis:s-0",)


async def test_the_state_is_dated_when_it_was_asked_for(device: Any, ear: Any) -> None:
    """A press told while the answer was on its way must not be read as missing from it."""
    before = datetime.now(UTC)
    async with listening(device, ear):
        first = ear.heard[0]

    assert before <= first.received_at <= datetime.now(UTC)
    [listed] = facts([first])
    assert listed.at == first.received_at


async def test_a_link_that_comes_back_is_told_once(device: Any, ear: Any) -> None:
    # Begun just now: a stream lost for hours is no alert any more.
    started = datetime.now(UTC).isoformat(timespec="seconds")
    streaming = {"id": "c", "sessionId": "s-1", "started": started}
    device.targets = [{**streaming, "disconnected": True}]

    async with listening(device, ear):
        await ear.until(lambda: ear.channels().count("status") >= 1)
        device.targets = [streaming]
        await ear.until(lambda: ear.channels().count("links") == 2)
        seen = len(ear.heard)
        await ear.until(lambda: len(ear.heard) >= seen + 2)

    ups = [fact.up for fact in facts(ear.heard) if isinstance(fact, LinkChange)]
    assert ups == [False, True]


async def test_signs_of_life_come_from_pings_and_from_the_state(device: Any, ear: Any) -> None:
    async with listening(device, ear, status_every_s=600, ping_every_s=1):
        await ear.until(lambda: ear.ups >= 5)
        asked_for_state = len([each for each in device.log if "status.cgi" in each])

    assert asked_for_state == 1


# --- what goes wrong ---


async def test_a_connection_cut_is_unreachable(device: Any, ear: Any) -> None:
    async with listening(device, ear) as running:
        device.lines[0].writer.close()
        error = await failure(running)

    assert isinstance(error, Unreachable)
    assert f"127.0.0.1:{device.port}" in str(error)


async def test_a_socket_that_answers_no_ping_is_given_up(device: Any, ear: Any) -> None:
    async with listening(device, ear, ping_every_s=1) as running:
        device.lines[0].deaf = True
        error = await failure(running)

    assert isinstance(error, Unreachable)
    assert "ping" in str(error)


async def test_a_frame_too_large_cuts_the_socket_and_the_next_run_reads_the_state(
    device: Any, ear: Any
) -> None:
    async with device.serving():
        adapter = adapter_for(device)
        running = asyncio.ensure_future(feed_of(adapter).run(ear))
        await ear.until(lambda: "links" in ear.channels())
        device.lines[0].send("x" * (1 << 20) + "x")
        error = await failure(running)
        before = ear.channels().count("links")
        running = asyncio.ensure_future(feed_of(adapter).run(ear))
        await ear.until(lambda: ear.channels().count("links") > before)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert isinstance(error, Unreachable)


async def test_nonsense_in_a_frame_is_passed_on_and_kills_nothing(device: Any, ear: Any) -> None:
    async with listening(device, ear):
        device.lines[0].send("{nonsense")
        device.press("s-2")
        await ear.until(lambda: ear.channels().count("events") == 2)

    assert next(e.body for e in ear.heard if e.channel == "events") == b"{nonsense"


async def test_events_silently_dead_are_found_by_the_state_and_said(device: Any, ear: Any) -> None:
    async with listening(device, ear) as running:
        device.targets = [streaming("s-quiet")]
        error = await failure(running)

    assert isinstance(error, Unreachable)
    assert "s-quiet" in str(error)
    told = [fact for fact in facts(ear.heard) if isinstance(fact, Activation)]
    assert told, "the press itself was told from the state"


async def test_an_end_that_no_event_told_is_in_the_list(device: Any, ear: Any) -> None:
    device.targets = [streaming("s-1")]
    async with listening(device, ear):
        over = {**device.targets[0], "stopped": datetime.now(UTC).isoformat()}
        device.targets = [over]
        await ear.until(lambda: any(isinstance(f, End) for f in facts(ear.heard)))

    assert facts(ear.heard[-1:])[-1].active == ()


async def test_a_state_not_understood_is_passed_on_and_events_go_on(device: Any, ear: Any) -> None:
    async with listening(device, ear):
        device.status_answer = (200, b"<html>")
        await ear.until(lambda: ear.heard[-1].body == b"<html>")
        device.press("s-3")
        await ear.until(lambda: "events" in ear.channels())


async def test_a_refused_subscription_names_the_setting(device: Any, ear: Any) -> None:
    device.grant = {"error": {"code": 2104, "message": "Invalid topic filter"}}

    error = await refusal(device, ear)

    assert isinstance(error, Refused)
    assert "topics" in str(error)
    assert "Invalid topic filter" in str(error)


async def test_an_internal_error_of_the_device_is_worth_another_try(device: Any, ear: Any) -> None:
    device.grant = {"error": {"code": 1100, "message": "Internal error"}}

    assert isinstance(await refusal(device, ear), Unreachable)


async def test_a_subscription_never_answered_is_unreachable(
    device: Any, ear: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.axis.client.ANSWER_S", 0.1)
    device.answers_subscription = False

    error = await refusal(device, ear)

    assert isinstance(error, Unreachable)
    assert ear.ups == 0


async def test_nobody_there_is_unreachable(device: Any, ear: Any) -> None:
    async with device.serving():
        pass  # and gone: the port is free again

    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        await feed_of(adapter_for(device)).run(ear)


@pytest.mark.parametrize("status", [500, 503, 301])
async def test_a_state_that_is_not_given_is_unreachable(device: Any, ear: Any, status: int) -> None:
    device.status_answer = (status, b"")

    error = await refusal(device, ear)

    assert isinstance(error, Unreachable)
    assert str(status) in str(error)


async def test_another_name_of_the_application_names_the_setting(device: Any, ear: Any) -> None:
    error = await refusal(device, ear, app="BodyWornLiveStandalone")

    assert isinstance(error, Refused)
    assert "set app" in str(error)


async def test_an_answer_without_end_is_given_up(
    device: Any, ear: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.axis.vapix.LARGEST_ANSWER", 1000)
    device.status_answer = (200, b" " * 100_000)

    error = await refusal(device, ear)

    assert isinstance(error, Unreachable)
    assert "1000" in str(error)


# --- who we are ---


async def test_where_there_is_no_token_the_challenge_of_the_upgrade_is_answered(
    device: Any, ear: Any
) -> None:
    device.gives_tokens = False

    async with listening(device, ear):
        pass

    assert "socket by challenge" in device.log


async def test_a_token_that_is_not_taken_is_followed_by_the_challenge(
    device: Any, ear: Any
) -> None:
    device.takes_tokens = False

    async with listening(device, ear):
        pass

    assert "socket by challenge" in device.log


async def test_sha_256_is_answered(device: Any, ear: Any) -> None:
    device.algorithm = "SHA-256"
    device.gives_tokens = False

    async with listening(device, ear):
        pass


async def test_wrong_credentials_name_the_account_and_not_the_password(
    device: Any, ear: Any
) -> None:
    error = await refusal(device, ear, password="wrong-horse")

    assert isinstance(error, Refused)
    assert "renfort" in str(error)
    assert "wrong-horse" not in str(error)


async def test_basic_alone_is_not_answered_in_clear(device: Any, ear: Any) -> None:
    device.schemes = ["basic"]

    error = await refusal(device, ear)

    assert isinstance(error, Refused)
    assert not [each for each in device.log if "socket" in each]


@pytest.mark.parametrize("schemes", [["basic"], ["basic", "digest"]])
async def test_under_tls_what_is_offered_is_answered(
    secure_device: Any, ear: Any, authority: tuple[Path, Path], schemes: list[str]
) -> None:
    secure_device.schemes = schemes
    secure_device.gives_tokens = False

    async with listening(secure_device, ear, ca=str(authority[0])):
        pass

    assert "socket by challenge" in secure_device.log


async def test_a_certificate_of_nobody_we_know_names_the_setting(
    secure_device: Any, ear: Any
) -> None:
    error = await refusal(secure_device, ear)

    assert isinstance(error, Refused)
    assert "give its authority in ca" in str(error)
    assert secure_device.log == []


# --- how it is ---


async def test_probing_tells_the_clock_s_difference_and_what_to_do(device: Any) -> None:
    device.clock_off = timedelta(seconds=90)

    async with device.serving():
        health = await asyncio.to_thread(adapter_for(device).probe)

    assert health is not None
    assert health.clock_skew_s == pytest.approx(90, abs=3)
    assert "NTP" in str(health.detail)


async def test_probing_a_server_in_time_has_nothing_to_say(device: Any) -> None:
    async with device.serving():
        health = await asyncio.to_thread(adapter_for(device).probe)

    assert health is not None
    assert health.alive
    assert health.detail is None


def test_a_bridge_is_not_probed_and_keeps_no_connection() -> None:
    adapter = Axis()
    adapter.configure({"transport": "bridge"})

    assert adapter.probe() is None
    assert list(adapter.list_feeds()) == []
