"""The connection that simulators show by: what it leaves behind when it is closed."""

from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCConfiguration

from adapters._simulated.connection import Connection
from tests.sockets import slow_datagrams

pytestmark = pytest.mark.usefixtures("on_loopback")


@pytest.mark.parametrize("given_up", [True, False])
async def test_the_sockets_opened_after_its_end_are_closed_too(given_up: bool) -> None:
    connection = Connection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("data")

    with slow_datagrams() as sockets:
        gathering = asyncio.create_task(connection.setLocalDescription())
        await sockets.begun()
        if given_up:
            gathering.cancel()
        ending = asyncio.create_task(connection.close())
        await asyncio.sleep(0)
        sockets.go_on.set()
        await asyncio.wait({gathering, ending})

    assert sockets.all_closed()
    assert gathering.cancelled() is given_up
