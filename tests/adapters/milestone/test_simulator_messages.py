"""The simulated Messages WebSocket, seen by a foreign client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start


@contextmanager
def enter(site: Running, token: str | None = None) -> Iterator[ClientConnection]:
    with connect(site.url.replace("http", "ws", 1) + "/api/ws/messages/v1") as socket:
        say(socket, "auth.v1", token=token or site.http.headers["Authorization"])
        yield socket


def say(socket: ClientConnection, kind: str, **body: object) -> None:
    socket.send(json.dumps({"id": "1", "type": kind, "body": body}))


def hear(socket: ClientConnection) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(socket.recv(timeout=5))
    return heard


def test_what_is_published_comes_to_those_who_subscribed(xprotect: Start) -> None:
    site = xprotect()
    with enter(site) as one, enter(site) as two:
        assert hear(one)["body"]["pulsePeriodSeconds"] > 0
        hear(two)
        say(two, "sub.v1", topic="ville.renfort")
        assert hear(two)["type"] == "ack.v1"

        say(one, "pub.v1", topic="ville.other", data=1)
        say(one, "pub.v1", topic="ville.renfort", data={"alert": "PM-214"})

        heard = hear(two)
        assert (heard["type"], heard["body"]["data"]) == ("msg.v1", {"alert": "PM-214"})
        say(two, "pulse.v1", seq=heard["body"]["seq"])


def test_strangers_are_shown_out(xprotect: Start) -> None:
    with enter(xprotect(), "Bearer x") as socket, pytest.raises(ConnectionClosed):
        hear(socket)


def test_what_is_not_understood_is_said_and_what_is_no_frame_ends_it(xprotect: Start) -> None:
    with enter(xprotect()) as socket:
        hear(socket)
        say(socket, "sub.v2", topic="x")
        assert hear(socket)["type"] == "error.v1"
        socket.send("[]")
        with pytest.raises(ConnectionClosed):
            hear(socket)


def test_messages_came_with_2023_r3(xprotect: Start) -> None:
    site = xprotect("--release", "2023R2")

    with pytest.raises(InvalidStatus) as refused, enter(site):
        pass

    assert refused.value.response.status_code == 404
