"""Which cameras answer, against the simulated site: nothing lost, nothing dropped, dead found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from adapters.milestone import state
from adapters.milestone.frames import ANSWERS, Frame, facts
from adapters.milestone.gateway import Gateway
from adapters.milestone.site import Site
from adapters.milestone.state import StateFeed
from hooks import AdapterError, CameraState, Envelope, Malformed, Message, Unreachable

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

STARTED, _, ERROR = ANSWERS


class Room:
    """The host, as far as a feed sees it: what it knows of the cameras, in the order it heard."""

    def __init__(self) -> None:
        self.alive: dict[str, bool] = {}
        self.heard: list[tuple[str, bool]] = []
        self.unread: list[bytes] = []
        self.signs = 0
        self.refuse = 0

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        if self.refuse:
            self.refuse -= 1
            raise OSError("disk full")
        try:
            for fact in facts(envelope):
                assert isinstance(fact, CameraState)
                camera = fact.camera.partition(":")[2]
                self.alive[camera] = fact.alive
                self.heard.append((camera, fact.alive))
        except Malformed:
            self.unread.append(envelope.body)
        return ()

    def up(self) -> None:
        self.signs += 1


def feed_of(site: Running | str, **knobs: float) -> StateFeed:
    url = site if isinstance(site, str) else site.url
    name, password = ("r", "s") if isinstance(site, str) else (
        site.ready["username"], site.ready["password"]
    )  # fmt: skip
    knobs.setdefault("shortest_s", 0.0)
    return StateFeed(Gateway(Site(url=url, username=name, password=password)), **knobs)


@asynccontextmanager
async def following(feed: StateFeed, room: Room) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(feed.run(room))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def order(site: Running, name: str, **how: object) -> Any:
    return await asyncio.to_thread(lambda: site.order(name, **how))


async def test_the_state_is_read_then_changes_are_heard(xprotect: Start) -> None:
    site, room = xprotect(), Room()
    camera = site.ready["cameras"][0]
    await order(site, "camera", id=site.ready["cameras"][1], online=False)

    async with following(feed_of(site), room):
        await until(lambda: len(room.alive) >= 2)
        assert room.alive[camera]
        assert not room.alive[site.ready["cameras"][1]]

        await order(site, "camera", id=camera, online=False)
        await until(lambda: not room.alive[camera])
        await order(site, "camera", id=camera, online=True)
        await until(lambda: room.alive[camera])


async def test_the_recycling_of_the_gateway_is_not_noticed(xprotect: Start) -> None:
    """Every 27 hours: the session is taken up, and what was missed is heard once."""
    site, room = xprotect(), Room()
    camera = site.ready["cameras"][0]
    async with following(feed_of(site), room) as task:
        await until(lambda: room.alive)
        await order(site, "camera", id=site.ready["cameras"][1], online=False)
        await until(lambda: not room.alive[site.ready["cameras"][1]])
        whole = len(room.heard)
        await order(site, "drop")
        await order(site, "camera", id=camera, online=False)
        await until(lambda: not room.alive[camera])
        assert not task.done()

    assert room.heard[whole:] == [(camera, False)]


@pytest.mark.parametrize(("away_s", "read_again"), [(29, False), (31, True), (600, True)])
async def test_away_a_while_it_takes_the_session_up_or_reads_everything_again(
    xprotect: Start, away_s: float, read_again: bool
) -> None:
    site, room = xprotect(), Room()
    one, two, *_ = site.ready["cameras"]
    feed = feed_of(site)
    async with following(feed, room):
        await until(lambda: room.alive)
        await order(site, "camera", id=site.ready["cameras"][2], online=False)
        await until(lambda: not room.alive[site.ready["cameras"][2]])
    whole = len(room.heard)

    # Meanwhile one camera is lost and found again, and another one is lost for good.
    for camera, online in ((one, False), (two, False), (one, True)):
        await order(site, "camera", id=camera, online=online)
    site.clock.now += away_s
    if read_again:
        site.log_in()  # the clock of the site has moved, and with it the end of its tokens
    async with following(feed, room):
        await until(lambda: len(room.heard) >= whole + 3 and not room.alive[two])

    assert room.alive[one]
    missed = room.heard[whole:]
    assert missed[:3] == [(one, False), (two, False), (one, True)] or read_again
    assert (len(missed) > 3) is read_again


async def test_cut_off_before_it_subscribed_it_does_not_take_up_a_session_that_hears_nothing(
    xprotect: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, room = xprotect(), Room()
    camera, command = site.ready["cameras"][0], state._Talk.command
    cut = [True]

    async def broken(self: Any, name: str, patience_s: float, **more: object) -> Frame:
        if name == "addSubscription" and cut:
            cut.clear()
            await self._socket.close()
        return await command(self, name, patience_s, **more)

    monkeypatch.setattr(state._Talk, "command", broken)
    async with following(feed_of(site), room):
        await until(lambda: not cut and room.alive)
        await order(site, "camera", id=camera, online=False)
        await until(lambda: not room.alive[camera])


async def test_what_the_host_could_not_keep_is_heard_again(xprotect: Start) -> None:
    """A full disk for a moment: the event is behind us only once it is durable."""
    site, room = xprotect(), Room()
    camera = site.ready["cameras"][0]
    feed = feed_of(site)
    async with following(feed, room) as task:
        await until(lambda: room.alive)
        room.refuse = 1
        await order(site, "camera", id=camera, online=False)
        await asyncio.wait({task})
        assert isinstance(task.exception(), OSError)

    async with following(feed, room):
        await until(lambda: not room.alive[camera])


async def test_a_token_that_lapsed_is_renewed_on_the_way(xprotect: Start) -> None:
    site, room = xprotect(), Room()
    feed = feed_of(site)
    async with following(feed, room):
        await until(lambda: room.alive)
    await order(site, "expire")

    async with following(feed, room):
        signs = room.signs
        await until(lambda: room.signs > signs)


async def test_an_old_release_is_left_alone_and_nothing_is_red(xprotect: Start) -> None:
    site, room = xprotect("--release", "2023R2"), Room()
    feed = feed_of(site)
    async with following(feed, room) as task:
        await until(lambda: room.signs)
        assert not task.done()

    assert feed.offered is False


# --- a server that does what the simulator does not ---

Script = Callable[["Maker"], Any]


class Maker:
    """The other end of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def asked(self, command: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(await self.socket.recv())
        assert said["command"] == command
        return said

    async def say(self, **frame: object) -> None:
        await self.socket.send(json.dumps(frame))

    async def answer(self, command: str, status: int = 200, **more: object) -> dict[str, Any]:
        said = await self.asked(command)
        await self.say(commandId=said["commandId"], status=status, **more)
        return said

    async def begin(self) -> dict[str, Any]:
        """Answer until the state is asked for; give that command."""
        await self.answer("startSession", 201, sessionId="s1")
        await self.answer("addSubscription", subscriptionId="u1")
        return await self.asked("getState")


def said_of(camera: str, kind: str, number: int = 0) -> dict[str, str]:
    return {"id": f"e{number}", "type": kind, "source": f"cameras/{camera}",
            "time": "2026-11-25T14:00:00Z"}  # fmt: skip


CAMERA, OTHER = "11111111-2222-4333-8444-000000000001", "11111111-2222-4333-8444-000000000002"


class Straight(Gateway):
    """A gateway whose token needs no asking."""

    def token(self, spoiled: str = "") -> str:
        return "t"

    def _find(self) -> Any:
        from adapters.milestone.gateways import Found

        return Found(f"{self.site.url}/api", "25.1")


@asynccontextmanager
async def made_by(*scripts: Script, **knobs: float) -> AsyncIterator[tuple[StateFeed, Room]]:
    """Serve one script a connection."""
    left = list(scripts)

    async def talk(socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.headers["Authorization"] == "Bearer t"
        await left.pop(0)(Maker(socket))

    async with serve(talk, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        port = server.sockets[0].getsockname()[1]
        site = Site(url=f"http://127.0.0.1:{port}", username="r", password="s")
        knobs.setdefault("shortest_s", 0.0)
        yield StateFeed(Straight(site), **knobs), Room()


async def test_events_pushed_while_the_state_is_gathered_are_kept_and_win() -> None:
    """The maker's own sample drops them: `send_command` discards all other messages."""

    async def slow(maker: Maker) -> None:
        asked = await maker.begin()
        await maker.say(events=[said_of(CAMERA, STARTED, 1)])
        await maker.say(events=[said_of(CAMERA, ERROR, 2), said_of(OTHER, ERROR, 3)])
        # Gathered before the error, and sent after.
        states = [said_of(CAMERA, STARTED), said_of(OTHER, ERROR)]
        await maker.say(commandId=asked["commandId"], status=200, states=states)
        await maker.socket.wait_closed()

    async with made_by(slow) as (feed, room), following(feed, room):
        await until(lambda: len(room.heard) >= 7)

    assert room.heard[:3] == [(CAMERA, True), (CAMERA, False), (OTHER, False)]
    assert room.alive == {CAMERA: False, OTHER: False}


async def test_nulls_and_numbers_as_texts_do_not_break_the_conversation() -> None:
    async def wordy(maker: Maker) -> None:
        nothing = {"sessionId": None, "subscriptionId": None, "events": None, "error": None}
        said = await maker.asked("startSession")
        await maker.say(**{**nothing, "commandId": said["commandId"], "status": "201",
                           "sessionId": "s1"})  # fmt: skip
        said = await maker.asked("addSubscription")
        await maker.say(**{**nothing, "commandId": str(said["commandId"]), "status": 200})
        said = await maker.asked("getState")
        states = [{**said_of(CAMERA, ERROR), "id": None}]
        await maker.say(**{**nothing, "commandId": said["commandId"], "status": 200,
                           "states": states})  # fmt: skip
        await maker.socket.wait_closed()

    async with made_by(wordy) as (feed, room), following(feed, room):
        await until(lambda: room.heard)

    assert room.alive == {CAMERA: False}


async def test_a_state_that_takes_minutes_is_not_taken_for_a_dead_socket() -> None:
    async def slow(maker: Maker) -> None:
        asked = await maker.begin()
        await asyncio.sleep(2)  # four heartbeats
        await maker.say(commandId=asked["commandId"], status=200, states=[said_of(CAMERA, ERROR)])
        await maker.socket.wait_closed()

    async with made_by(slow, ping_s=0.5, state_s=10) as (feed, room), following(feed, room):
        await until(lambda: room.alive)

    assert room.alive == {CAMERA: False}


async def test_a_state_interrupted_is_asked_again_in_the_session_taken_up() -> None:
    async def cut(maker: Maker) -> None:
        await maker.begin()
        await maker.say(events=[said_of(OTHER, ERROR, 7)])

    async def again(maker: Maker) -> None:
        said = await maker.answer("startSession", 200, sessionId="s1")
        assert (said["sessionId"], said["eventId"]) == ("s1", "e7")
        await maker.answer("getState", states=[said_of(CAMERA, STARTED)])
        await maker.socket.wait_closed()

    async with made_by(cut, again) as (feed, room), following(feed, room):
        await until(lambda: CAMERA in room.alive)

    assert room.alive == {OTHER: False, CAMERA: True}


async def test_a_dead_socket_is_found_by_the_heartbeat() -> None:
    async def deaf(maker: Maker) -> None:
        asked = await maker.begin()
        await maker.say(commandId=asked["commandId"], status=200, states=[])
        maker.socket.transport.pause_reading()  # the cable is out: no byte comes, nobody says so
        await asyncio.sleep(5)

    async with made_by(deaf, ping_s=0.05) as (feed, room):
        with pytest.raises(Unreachable, match="no answer in time"):
            await asyncio.wait_for(feed.run(room), 4)


async def test_a_command_nobody_answers_is_not_waited_for_for_ever() -> None:
    async def mute(maker: Maker) -> None:
        await maker.begin()
        await maker.socket.wait_closed()

    async with made_by(mute, state_s=0.05) as (feed, room):
        with pytest.raises(Unreachable, match="no answer in time"):
            await asyncio.wait_for(feed.run(room), 4)


async def test_a_refused_command_is_said_in_the_makers_words() -> None:
    async def refuse(maker: Maker) -> None:
        await maker.answer("startSession", 201, sessionId="s1")
        await maker.answer("addSubscription", 403, error={"errorText": "No rights."})

    async with made_by(refuse) as (feed, room):
        with pytest.raises(AdapterError, match=r"addSubscription \(403\): No rights\."):
            await asyncio.wait_for(feed.run(room), 4)


async def test_a_frame_nobody_understands_is_kept_and_the_rest_is_heard() -> None:
    async def odd(maker: Maker) -> None:
        asked = await maker.begin()
        await maker.socket.send("<html>")
        await maker.say(notes="later releases may say more")
        await maker.say(commandId=asked["commandId"], status=200, states=[said_of(CAMERA, ERROR)])
        await maker.socket.wait_closed()

    async with made_by(odd) as (feed, room), following(feed, room):
        await until(lambda: room.alive)

    assert room.unread == [b"<html>"]


async def test_a_connection_that_never_lasts_is_said_rather_than_retried_in_a_storm() -> None:
    async def leave(_: Maker) -> None:
        return

    async with made_by(leave, leave, shortest_s=5) as (feed, room):
        with pytest.raises(Unreachable, match="closes the connection"):
            await asyncio.wait_for(feed.run(room), 4)
