"""RTP and RTCP as RTSP wants them: H.264 cut into packets (RFC 6184), reports of clocks. Pure."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator

from hooks.live import units

#: Below the 1500 bytes of Ethernet, with room for IP, UDP, a tunnel.
LARGEST_PAYLOAD = 1300
#: Seconds from 1900 (NTP) to 1970.
_NTP = 2_208_988_800
_FU_A = 28


def parameter_sets(picture: bytes) -> bytes:
    """Keep of a picture its parameter sets alone (SPS, PPS), each with a start code."""
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units(picture) if unit[0] & 31 in (7, 8))


def payloads(picture: bytes) -> list[bytes]:
    """Cut an H.264 picture into payloads: single NAL units, and fragments (FU-A) of larger ones."""
    cut: list[bytes] = []
    for unit in units(picture):
        if len(unit) <= LARGEST_PAYLOAD:
            cut.append(unit)
            continue
        head, body = unit[0], unit[1:]
        size = LARGEST_PAYLOAD - 2
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        for place, piece in enumerate(pieces):
            first, last = place == 0, place == len(pieces) - 1
            header = (first << 7) | (last << 6) | (head & 0x1F)
            cut.append(bytes((head & 0xE0 | _FU_A, header)) + piece)
    return cut


def aac_payload(frame: bytes) -> bytes:
    """Wrap one AAC frame (RFC 3640, AAC-hbr: one header of 13 bits of size, 3 of index)."""
    return struct.pack("!HH", 16, len(frame) << 3) + frame


class Stream:
    """One RTP stream: numbers, stamps, and the report that ties its clock to the wall's."""

    def __init__(self, payload_type: int, rate: int) -> None:
        self._type, self.rate = payload_type, rate
        self.source = secrets.randbits(32)
        self.number = secrets.randbits(15)
        self._offset = secrets.randbits(31)
        self._packets = self._octets = 0

    def stamp(self, at_s: float) -> int:
        """Give the stamp of a moment of the media clock."""
        return (self._offset + round(at_s * self.rate)) & 0xFFFFFFFF

    def packets(self, cut: list[bytes], at_s: float) -> Iterator[bytes]:
        """Write the packets of one picture or block of sound; the last is marked."""
        stamp = self.stamp(at_s)
        for place, payload in enumerate(cut):
            marked = (place == len(cut) - 1) << 7
            head = struct.pack("!BBHII", 0x80, marked | self._type, self.number, stamp, self.source)
            self.number = self.number + 1 & 0xFFFF
            self._packets += 1
            self._octets += len(payload)
            yield head + payload

    def report(self, at_s: float, wall_s: float) -> bytes:
        """Write a sender report (RFC 3550) with the name every report must carry."""
        seconds, part = divmod(wall_s + _NTP, 1)
        sender = struct.pack(
            "!BBHIIIIII", 0x80, 200, 6, self.source, int(seconds), int(part * 2**32),
            self.stamp(at_s), self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF,
        )  # fmt: skip
        name = b"renfort"
        item = bytes((1, len(name))) + name
        item += b"\0" * (4 - len(item) % 4)
        described = struct.pack("!BBHI", 0x81, 202, 1 + len(item) // 4, self.source) + item
        return sender + described

    def farewell(self) -> bytes:
        """Say that the stream is over."""
        return struct.pack("!BBHI", 0x81, 203, 1, self.source)
