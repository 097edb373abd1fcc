"""Cut a stream of bytes into messages: lines, radio reports, CoT events. Pure."""

from __future__ import annotations

from adapters.crews.cot import BETWEEN, END, MAGIC
from hooks import Malformed

#: No message of these formats is longer: what is, is made to fill our memory.
LONGEST = 64 * 1024


def messages(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Give the whole messages at the start of a stream, and what is left of it.

    Raises
    ------
    Malformed
        What is left is longer than any message: the stream is not one we know.
    """
    found: list[bytes] = []
    rest = buffer.lstrip(BETWEEN)
    while rest:
        size = _size(rest)
        if size is None:
            break
        found.append(rest[:size])
        rest = rest[size:].lstrip(BETWEEN)
    if len(rest) > LONGEST:
        raise Malformed("stream", rest[:40], "send lines, CoT events or TAK messages")
    return found, rest


def _size(rest: bytes) -> int | None:
    """Say how long the first message is; None: it is not whole yet."""
    if rest[:1] == b"<":
        end = rest.find(END)
        return None if end < 0 else end + len(END)
    if rest[:1] == MAGIC:
        return _protocol_size(rest)
    line = rest.find(b"\n")
    if line >= 0 and rest[:7] == b"+CTSDSR":  # the user data is on the line after
        second = rest.find(b"\n", line + 1)
        return None if second < 0 else second + 1
    if line < 0 and rest[:1] != b"{" and (event := rest.find(b"<event")) > 0:
        return event  # what is left of one that held "</event>" must not hold back the next
    return None if line < 0 else line + 1


def _protocol_size(rest: bytes) -> int | None:
    """Read the length that follows the magic byte (TAK protocol, stream header): a varint."""
    size = shift = 0
    for place, byte in enumerate(rest[1:6], start=2):
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if size > LONGEST:
                raise Malformed("stream", rest[:10], "send messages of at most 64 KiB")
            return place + size if len(rest) >= place + size else None
    if len(rest) > 5:
        raise Malformed("stream", rest[:10], "write the length as a varint of TAK protocol")
    return None
