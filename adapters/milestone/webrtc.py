"""Fetch a camera's live picture from XProtect by WebRTC: the server offers, we answer.

The host asks, not the browser: no token leaves it, no CORS is to be set on the gateway, and one
session serves every page. Sessions are arranged by WebSocket from 2025 R1 on, by REST before and
whenever the WebSocket is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from adapters._shared.side_by_side import first
from adapters._shared.webrtc import Incoming, Patience
from adapters.milestone import signalling as words
from adapters.milestone import tls
from adapters.milestone.gateway import DeclinedError, Gateway
from hooks import AdapterError, Refused, Screen, Unreachable
from hooks.causes import cause

#: "polling 20 ms" in the sample, for as long as it takes; we ask less and less often.
POLL_FIRST_S, POLL_LONGEST_S = 0.05, 0.5
#: How often it is looked at whether the token was renewed, so that the session is told.
RENEW_S = 15.0
OPEN_S = 5.0
LARGEST_FRAME = 1 << 20

_T = TypeVar("_T")


class CameraSource:
    """The picture of one camera. `run` is that of a `Live`."""

    #: Requests block. Theirs are threads of their own: a slow VMS delays nobody else's picture.
    _threads = ThreadPoolExecutor(16, thread_name_prefix="xprotect-webrtc")

    def __init__(
        self, gateway: Gateway, guid: str, *, renew_s: float = RENEW_S,
        patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self._gateway, self._guid, self._renew_s = gateway, guid, renew_s
        self._patience = patience
        self._host = gateway.site.host

    async def run(self, screen: Screen) -> None:
        """Show the camera's picture until the connection is lost.

        Raises
        ------
        Unreachable, Refused
            With the reason, in words for people.
        """
        found = await self._ask(self._gateway.found)
        release = words.release(found.version)
        if release is not None and release < words.FIRST_REST:
            raise Refused(
                "XProtect {version} gives no picture to other programs: 2023 R1 or later is needed",
                version=found.version,
            )
        incoming = Incoming(self._host, screen, sound=False, patience=self._patience)
        try:
            by_socket = release is not None and release >= words.FIRST_SOCKET
            socket = await self._socket(found.base) if by_socket else None
            if socket is None:
                await self._by_rest(incoming)
            else:
                async with socket:
                    await self._by_socket(socket, incoming)
        finally:
            await incoming.close()  # the maker's API knows no other way to end a session

    async def _ask(self, ask: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        def ask() -> dict[str, Any]:
            answer = self._gateway.ask(method, path, body)
            return self._gateway.read(answer, path) if answer.content else {}

        return await self._ask(ask)

    async def _renew(self, session: str, token: str) -> None:
        """Tell the session of each new token, so that it goes on when the old one lapses.

        The maker says so for sessions arranged by REST; one arranged by WebSocket that does not
        take it is made anew when it breaks.
        """
        while True:
            await asyncio.sleep(self._renew_s)
            now = await self._ask(self._gateway.token)
            if now != token:
                with suppress(AdapterError):
                    await self._request("PATCH", f"{words.SESSION}/{session}", {"token": now})
                    token = now

    # --- by REST ---

    async def _by_rest(self, incoming: Incoming) -> None:
        token = await self._ask(self._gateway.token)
        try:
            said = await self._request("POST", words.SESSION, words.wanted(self._guid))
        except DeclinedError as error:
            raise self._refusal(error) from error
        session, offer, servers = words.opened(said, self._host)
        await incoming.offered(offer, servers)
        await first(
            self._candidates(session, incoming),
            self._answer(session, incoming),
            self._renew(session, token),
            incoming.live(),
        )

    def _refusal(self, error: DeclinedError) -> Refused:
        why = str(error.params.get("why") or "?")
        if error.status == 404 and "not found" not in why.lower():
            return Refused("this XProtect has no WebRTC interface")
        return words.refusal(self._host, why)

    async def _answer(self, session: str, incoming: Incoming) -> None:
        sdp = await incoming.answer()
        path = f"{words.SESSION}/{session}"
        await self._request("PATCH", path, {"answerSDP": words.answer(sdp)})
        listed = words.ours(sdp)
        await self._request("POST", f"{words.CANDIDATES}/{session}", {"candidates": listed})
        await asyncio.Event().wait()  # nothing more to say

    async def _candidates(self, session: str, incoming: Incoming) -> None:
        """Ask for the server's candidates until the two have found one another."""
        known: set[words.Candidate] = set()
        wait_s = POLL_FIRST_S
        while not incoming.connected:
            said = await self._request("GET", f"{words.CANDIDATES}/{session}")
            for each in words.candidates(said.get("candidates")):
                if each not in known:
                    known.add(each)
                    await incoming.candidate(each.text, each.line)
            await asyncio.sleep(wait_s)
            wait_s = min(1.5 * wait_s, POLL_LONGEST_S)
        await asyncio.Event().wait()

    # --- by WebSocket ---

    async def _socket(self, base: str) -> ClientConnection | None:
        """Connect; None where there is no such interface."""
        secure = base.startswith("https")
        try:
            return await _Straight(
                f"ws{base.removeprefix('http')}{words.SOCKET}",
                ssl=await self._ask(partial(tls.context, self._gateway.site)) if secure else None,
                max_size=LARGEST_FRAME, open_timeout=OPEN_S, close_timeout=1.0, proxy=None,
            )  # fmt: skip
        except InvalidStatus:
            return None
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> Unreachable:
        return Unreachable("{host} does not answer: {cause}", host=self._host, cause=cause(error))

    async def _by_socket(self, socket: ClientConnection, incoming: Incoming) -> None:
        token = await self._ask(self._gateway.token)
        talk = _Talk(self, socket, incoming, token)
        try:
            await first(talk.follow(), talk.accept(), talk.renew(), incoming.live())
        except (ConnectionClosed, OSError) as error:
            raise self._lost(error) from error


class _Talk:
    """What is said on one socket."""

    REGISTER, CONNECT = 1, 2

    def __init__(
        self, source: CameraSource, socket: ClientConnection, incoming: Incoming, token: str
    ) -> None:
        self._source, self._socket, self._incoming = source, socket, incoming
        self._token = token
        self._session: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._servers: list[dict[str, Any]] = []
        self._invited: asyncio.Queue[tuple[object, object]] = asyncio.Queue()

    async def follow(self) -> None:
        """Introduce ourselves, ask for the camera, and take what the server says."""
        await self._call("register", {"authorization": self._token}, self.REGISTER)
        while True:
            said = words.hear(await self._socket.recv())
            method = said.get("method")
            if method is not None:
                await self._asked(str(method), said)
            elif said.get("id") in (self.REGISTER, self.CONNECT):
                await self._answered(said)

    async def accept(self) -> None:
        """Answer each offer, while candidates go on coming."""
        while True:
            number, session = await self._invited.get()
            sdp = await self._incoming.answer()
            await self._socket.send(words.reply(number, {"answer": words.answer(sdp)}))
            for each in words.ours(sdp):
                await self._call("trickle", {"session": session, "candidate": each})

    async def renew(self) -> None:
        """Tell the session of each new token."""
        await self._source._renew(await self._session, self._token)

    async def _answered(self, said: words.Said) -> None:
        if why := words.fault(said):
            raise words.refusal(self._source._host, why)
        if said["id"] == self.REGISTER:
            wanted = {"authorization": self._token, "peer": self._source._guid,
                      "includeAudio": False}  # fmt: skip
            await self._call("connect", wanted, self.CONNECT)
            return
        result = said.get("result")
        result = result if isinstance(result, dict) else {}
        self._servers = words.servers(result.get("iceServers"))
        if not self._session.done():
            self._session.set_result(str(result.get("session") or ""))

    async def _asked(self, method: str, said: words.Said) -> None:
        params = said.get("params")
        params = params if isinstance(params, dict) else {}
        if method == "invite":
            offer = words.description(params.get("offer"))
            await self._incoming.offered(offer, self._servers)
            self._invited.put_nowait((said.get("id"), params.get("session")))
        elif method == "trickle":
            if (found := words.candidate(params.get("candidate"))) is not None:
                await self._incoming.candidate(found.text, found.line)
        elif "id" not in said and params.get("message"):
            raise words.refusal(self._source._host, str(params["message"])[:200])

    async def _call(self, method: str, params: words.Said, number: int | None = None) -> None:
        await self._socket.send(words.call(method, params, number))


class _Straight(connect):
    """Connects where it was told to: a gateway that sends us elsewhere is not obeyed."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Give the refusal as it is."""
        return exc
