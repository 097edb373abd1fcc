"""WS-Discovery: a VMS that looks for devices on its network finds this one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import replace
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

from defusedxml import ElementTree as safe
from defusedxml.common import DefusedXmlException

from vms_plugin.live.onvif.device import Device, _words

GROUP, PORT = "239.255.255.250", 3702
LARGEST = 16 * 1024

_WSD = "{http://schemas.xmlsoap.org/ws/2005/04/discovery}"
_WSA = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"


class Discovery(asyncio.DatagramProtocol):
    """Answers probes, to whoever sent them and to nobody else."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, *, port: int = PORT) -> None:
        """Join the group; where the network has none, devices are added by address."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        with contextlib.suppress(OSError):
            joined = struct.pack("4sl", socket.inet_aton(GROUP), socket.INADDR_ANY)
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=listener)

    def stop(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Answer a probe that concerns us."""
        answer = self.answer(data, addr[0])
        if answer and self._transport is not None:
            self._transport.sendto(answer, addr)

    def answer(self, data: bytes, peer: str) -> bytes | None:
        """Write the answer to a probe; None for anything else."""
        if len(data) > LARGEST:
            return None
        try:
            tree = safe.fromstring(data, forbid_dtd=True)
        except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
            return None
        message = tree.findtext(f".//{_WSA}MessageID", "").strip()
        kind = next((kind for kind in ("Probe", "Resolve")
                     if tree.find(f".//{_WSD}{kind}") is not None), None)  # fmt: skip
        if kind is None or not message or not self._concerned(tree, kind):
            return None
        here = _address_towards(peer)
        base = f"http://{here}:{self._device.port}"
        device = replace(self._device, base=base, address=here)
        text = _words.get_template("probe_match.xml").render(
            d=device, kind=kind, relates_to=message, message=uuid4()
        )
        return text.encode()

    def _concerned(self, tree: ElementTree.Element, kind: str) -> bool:
        if kind == "Resolve":
            return tree.findtext(f".//{_WSA}Address", "").strip() == self._device.uuid
        types = tree.findtext(f".//{_WSD}Types", "").split()
        scopes = tree.findtext(f".//{_WSD}Scopes", "").split()
        known = {"NetworkVideoTransmitter", "Device"}
        return (not types or any(each.rpartition(":")[2] in known for each in types)) and all(
            any(own.startswith(scope) for own in self._device.scopes) for scope in scopes
        )


def _address_towards(peer: str) -> str:
    """Say by which of our addresses a peer reaches us; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((peer, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
