"""One browser that watches: what it leaves behind when it goes."""

from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.sockets import slow_datagrams
from vms_plugin.live.channel import Channel
from vms_plugin.live.viewer import Viewer

pytestmark = pytest.mark.usefixtures("on_loopback")


@pytest.mark.parametrize("given_up", [True, False])
async def test_the_sockets_opened_after_its_end_are_closed_too(given_up: bool) -> None:
    browser, gone = RTCPeerConnection(RTCConfiguration(iceServers=[])), list[str]()
    browser.addTransceiver("video", direction="recvonly")
    await browser.setLocalDescription(await browser.createOffer())
    viewer = Viewer(Channel(lambda _: None), lambda: gone.append("gone"))

    with slow_datagrams() as sockets:
        answering = asyncio.create_task(viewer.answer(browser.localDescription.sdp))
        await sockets.begun()
        if given_up:
            answering.cancel()
        ending = asyncio.create_task(viewer.close())
        await asyncio.sleep(0)
        sockets.go_on.set()
        await asyncio.wait({answering, ending})
    await browser.close()

    assert sockets.all_closed()
    assert answering.cancelled() is given_up
    assert gone == ["gone"]
