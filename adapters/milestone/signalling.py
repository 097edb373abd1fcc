"""The words by which XProtect's WebRTC is arranged, by REST and by WebSocket. Pure.

Read in the maker's sample WebRTC_JavaScript: the server offers, descriptions and candidates are
JSON within JSON. Sound is never asked for: the town's cameras are mute (CSI R253-1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hooks import Refused, Unreachable

SESSION, CANDIDATES = "WebRTC/Session", "WebRTC/IceCandidates"
SOCKET = "/ws/webrtc/v1"
#: The first releases with each (the sample's README).
FIRST_REST, FIRST_SOCKET = (23, 1), (25, 1)

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to reach the other side, as SDP writes it."""

    text: str
    line: int  #: the place of its media section


def release(version: str) -> tuple[int, int] | None:
    """Read a version, 23.1 of "23.1.0.1"; None when it is not said."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    return (int(match[1]), int(match[2])) if match else None


# --- REST ---


def wanted(guid: str) -> dict[str, Any]:
    """Write what opens a session.

    The samples up to 2025 R1 say `cameraId`, and `deviceId` since; the page has both, the former
    deprecated. A release passes over what it does not know.
    """
    return {
        "cameraId": guid, "deviceId": guid, "resolution": "notInUse", "includeAudio": False,
        "iceServers": [],
    }  # fmt: skip


def opened(said: Said, host: str) -> tuple[str, str, list[dict[str, Any]]]:
    """Read a session that was opened: its name, the offer (SDP), the servers that help.

    Raises
    ------
    Unreachable
        One of the first two is missing.
    """
    session, offer = said.get("sessionId"), description(said.get("offerSDP"))
    if not isinstance(session, str | int) or not offer:
        raise Unreachable("{host} opens a session without an offer", host=host)
    return str(session), offer, servers(said.get("iceServers"))


def description(value: object) -> str:
    """Read a description, which is written as JSON within JSON; empty when it is none."""
    found = _within(value)
    sdp = found.get("sdp") if isinstance(found, Mapping) else None
    return sdp if isinstance(sdp, str) else ""


def answer(sdp: str) -> str:
    """Write our answer, as the server reads it."""
    return json.dumps({"type": "answer", "sdp": sdp})


def candidates(listed: object) -> Iterator[Candidate]:
    """Read candidates; one that cannot be read leaves the others."""
    for each in listed if isinstance(listed, list) else ():
        if (found := candidate(each)) is not None:
            yield found


def candidate(value: object) -> Candidate | None:
    """Read one candidate, written as JSON or as JSON within JSON."""
    said = _within(value)
    text = said.get("candidate") if isinstance(said, Mapping) else None
    line = said.get("sdpMLineIndex") if isinstance(said, Mapping) else None
    if not isinstance(text, str):
        return None
    return Candidate(text, line if isinstance(line, int) and 0 <= line < 16 else 0)


def ours(sdp: str) -> list[str]:
    """Write the candidates of our answer one by one: the server is sent them apart, too."""
    written = []
    for line, section in enumerate(re.split(r"(?=^m=)", sdp, flags=re.MULTILINE)[1:]):
        mid = re.search(r"^a=mid:(\S+)", section, re.MULTILINE)
        for found in re.findall(r"^a=(candidate:[^\r\n]+)", section, re.MULTILINE):
            said = {"candidate": found, "sdpMid": mid[1] if mid else None, "sdpMLineIndex": line}
            written.append(json.dumps(said))
    return written


def servers(listed: object) -> list[dict[str, Any]]:
    """Read the servers that help through a NAT, in the words of the W3C."""
    found = []
    for each in listed if isinstance(listed, list) else ():
        url = (each.get("url") or each.get("urls")) if isinstance(each, Mapping) else None
        for one in url if isinstance(url, list) else [url]:
            if isinstance(one, str) and one.startswith(("stun:", "turn:", "turns:")):
                server = {"urls": one}
                for name in ("username", "credential"):
                    if isinstance(each.get(name), str):
                        server[name] = each[name]
                found.append(server)
    return found


def _within(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return found


# --- WebSocket: JSON-RPC 2.0 ---


def call(method: str, params: Said, number: int | None = None) -> str:
    """Write a call; without a number it is a notice."""
    said: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(said if number is None else said | {"id": number})


def reply(number: object, result: Said) -> str:
    """Write the answer to a call of the server's."""
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": number})


def hear(frame: str | bytes) -> dict[str, Any]:
    """Read a frame; one that is not understood says nothing."""
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def fault(said: Said) -> str:
    """Read why a call failed; empty when it did not."""
    error = said.get("error")
    if error is None:
        return ""
    text = error.get("message") if isinstance(error, Mapping) else error
    return str(text or "?")[:200]


# --- refusals ---


def refusal(host: str, why: str) -> Refused:
    """Say in words for people why a camera is not given.

    That it has privacy masks, or codes otherwise than in H.264, is read from the server's own
    sentence, in whatever words it has it; any other is passed on as it is.
    """
    if re.search(r"privacy|mask", why, re.IGNORECASE):
        return Refused("XProtect keeps a camera with privacy masks in its own Smart Client")
    if re.search(r"h\.?26[45]|codec|mjpeg|video format", why, re.IGNORECASE):
        return Refused(
            "XProtect passes on H.264 alone: give this camera an H.264 stream ({why})", why=why
        )
    return Refused("{host} refuses the picture: {cause}", host=host, cause=why)
