"""The words of the signalling socket: what we say, and what the server's answers mean. Pure.

*Observed* in two public clients, not specified by Axis: whatever is not needed is not read.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

#: What we ask of the camera: it adapts to its link; a key picture at least every two seconds.
_PARAMS = {
    "type": "live",
    "videoReceive": {"adaptive": True, "gop": 50},
    "audioReceive": {"codec": "opus"},
}


@dataclass(slots=True)
class Talk:
    """One session with one camera, as the frames name it."""

    serial: str
    session: str
    correlation: str = field(default_factory=lambda: str(uuid4()))

    def hello(self, token: str) -> str:
        """Introduce ourselves."""
        said = {"type": "hello", "id": "noid", "correlationId": self.correlation}
        return json.dumps(said | {"accessToken": token})

    def init(self, token: str) -> str:
        """Ask for the picture and the sound."""
        return self._frame("initSession", token, self._request("initSession", _PARAMS))

    def ask(self, method: str, params: Mapping[str, Any], token: str) -> str:
        """Ask something of the camera."""
        return self._frame("signaling", token, self._request(method, params))

    def answer(self, asked: Mapping[str, Any], token: str) -> str:
        """Say that a request of the camera was taken."""
        said = {key: asked.get(key) for key in ("method", "sessionId", "context")}
        data: dict[str, Any] = {"apiVersion": "1.0", "type": "response", **said, "data": {}}
        return self._frame("signaling", token, data)

    def _request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "1.0", "type": "request", "method": method, "sessionId": self.session,
            "context": str(uuid4()), "params": params,
        }  # fmt: skip

    def _frame(self, kind: str, token: str, data: Mapping[str, Any]) -> str:
        return json.dumps(
            {"type": kind, "targetId": self.serial, "correlationId": self.correlation,
             "accessToken": token, "data": data}
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame of the server, as far as it concerns us."""

    kind: str  #: "hello", "initSession", a method asked of us, "" for what means nothing to us
    data: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    servers: tuple[Mapping[str, Any], ...] = ()  #: ICE servers, in the W3C's words
    fault: str = ""


def hear(frame: str | bytes) -> Heard:
    """Read a frame; one that is not understood means nothing, and harms nothing."""
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError):
        return Heard("")
    if not isinstance(said, dict):
        return Heard("")
    told = said.get("data")
    data: dict[str, Any] = told if isinstance(told, dict) else {}
    fault = data.get("error") or said.get("error")
    if fault:
        return Heard("error", data, fault=_fault(fault))
    if said.get("type") in ("hello", "initSession"):
        return Heard(said["type"], data, servers=_servers(said) + _servers(data))
    if said.get("type") == "signaling" and data.get("type") == "request":
        params = data.get("params")
        if isinstance(params, dict):
            return Heard(str(data.get("method")), data, params)
    return Heard("")


def life_of(token: str) -> float:
    """Say for how many seconds a token lives by its own words; for ever where it says nothing."""
    try:
        claims = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        life = float(said["exp"]) - float(said["iat"])
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError):
        return math.inf
    return life if life > 0 else math.inf


def _fault(fault: object) -> str:
    if isinstance(fault, dict):
        return f"{fault.get('code', '')} {fault.get('message', '')}".strip()[:200]
    return str(fault)[:200]


def _servers(said: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Rewrite `turn://host` and `password`, the server's words, as `turn:host` and `credential`."""
    written = []
    for name in ("turnServers", "stunServers"):
        listed = said.get(name)
        for each in listed if isinstance(listed, list) else ():
            urls = each.get("urls") if isinstance(each, dict) else None
            for url in sorted(urls, key=_by_udp_first) if isinstance(urls, list) else ():
                if isinstance(url, str) and url.startswith(("turn", "stun")):
                    server = {"urls": url.replace("://", ":", 1)}
                    if name == "turnServers":
                        server["username"] = str(each.get("username", ""))
                        server["credential"] = str(each.get("password", ""))
                    written.append(server)
    return tuple(written)


def _by_udp_first(url: object) -> bool:
    return "transport=tcp" in str(url)
