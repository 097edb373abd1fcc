"""Listen to an AXIS Body Worn Live server: the only file of this adapter that waits."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPDigestAuth
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from adapters.axis import digest
from hooks import Envelope, Health, Listener, Message, Refused, Unreachable

#: A frame larger than that is no event; the connection is cut, and the state read again.
LARGEST_FRAME = 1 << 20
TIMEOUT_S = (3.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the server is and how it wants to be asked; what sources disagree on is a setting."""

    url: str
    username: str
    password: str
    ca: Path | None
    status_path: str
    events_path: str
    session_path: str
    topics: tuple[str, ...]
    status_every_s: float

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return urlsplit(self.url).netloc


class Client:
    """One server, asked from one event loop; blocking requests go to its threads."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def listen(self, listener: Listener) -> None:
        """Follow the events until the connection is lost.

        The state is read once subscribed, so that nothing falls between, and again at each
        interval: that is what proves that the path is alive, and finds what it did not tell.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        async with await self._connected() as socket:
            await socket.send(json.dumps(self._subscription()))
            tasks = [
                asyncio.create_task(self._follow(socket, listener)),
                asyncio.create_task(self._resync(listener)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _subscription(self) -> dict[str, Any]:
        filters = [{"topicFilter": topic} for topic in self._server.topics]
        return {
            "apiVersion": "1.0", "context": "renfort", "method": "events:configure",
            "params": {"eventFilterList": filters},
        }  # fmt: skip

    async def _follow(self, socket: ClientConnection, listener: Listener) -> None:
        try:
            async for frame in socket:
                body = frame.encode() if isinstance(frame, str) else frame
                await listener(_envelope(body, "events", self._server.host))
        except ConnectionClosed as error:
            raise Unreachable(
                "{host} closed the event connection: {cause}",
                host=self._server.host, cause=str(error),
            ) from error  # fmt: skip
        raise Unreachable("{host} closed the event connection", host=self._server.host)

    async def _resync(self, listener: Listener) -> None:
        while True:
            body = await asyncio.to_thread(self.targets)
            listener.up()
            await listener(_envelope(body, "status", self._server.host))
            await asyncio.sleep(self._server.status_every_s)

    # --- requests ---

    def targets(self) -> bytes:
        """Ask the server for its targets; blocks."""
        return self._ask("POST", self._server.status_path, {
            "apiVersion": "1.0", "method": "getTargets", "params": {},
        }).content  # fmt: skip

    def probe(self) -> Health:
        """Ask whether it lives, and what time it has; blocks."""
        answer = self._ask("POST", self._server.status_path, {
            "apiVersion": "1.0", "method": "getTargets", "params": {},
        })  # fmt: skip
        skew_s = _skew_s(answer.headers.get("Date"))
        detail = Message(text="alive")
        if skew_s is not None and abs(skew_s) > 5:
            # Signalling tokens start to be valid 5 s before they are made.
            detail = Message(
                text="its clock is {skew:.0f} s off ours: set both by NTP",
                params={"skew": skew_s},
            )
        return Health(alive=True, clock_skew_s=skew_s, detail=detail)

    def _ask(self, method: str, path: str, body: object | None = None) -> requests.Response:
        server = self._server
        try:
            answer = requests.request(
                method, server.url + path, json=body, timeout=TIMEOUT_S,
                auth=HTTPDigestAuth(server.username, server.password),
                verify=str(server.ca) if server.ca else True,
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            raise _untrusted(server.host, error) from error
        except requests.RequestException as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=server.host, cause=_cause(error)
            ) from error
        if answer.status_code in (401, 403):
            raise _refused(server)
        if answer.status_code == 404:
            raise Refused(
                "{host} has no {path}: set the name of the server's app (app)",
                host=server.host, path=path,
            )  # fmt: skip
        if answer.status_code != 200:
            raise Unreachable(
                "{host} answers {status} to {path}",
                host=server.host, status=answer.status_code, path=path,
            )  # fmt: skip
        return answer

    async def _connected(self) -> ClientConnection:
        """Open the event socket: by a session token, else by Digest on the upgrade itself."""
        token = await asyncio.to_thread(self._session_token)
        separator = "&" if "?" in self._server.events_path else "?"
        path = self._server.events_path + (f"{separator}wssession={token}" if token else "")
        try:
            return await self._upgrade(path, None)
        except InvalidStatus as error:
            challenge = error.response.headers.get("WWW-Authenticate", "")
            if error.response.status_code != 401 or "digest" not in challenge.lower():
                raise self._unexpected(error) from error
        try:
            server = self._server
            answer = digest.answer(
                challenge, "GET", server.events_path, server.username, server.password
            )
            return await self._upgrade(server.events_path, answer)
        except InvalidStatus as error:
            if error.response.status_code == 401:
                raise _refused(self._server) from error
            raise self._unexpected(error) from error

    async def _upgrade(self, path: str, authorization: str | None) -> ClientConnection:
        server = self._server
        secure = server.url.startswith("https")
        context = ssl.create_default_context(cafile=server.ca) if secure else None
        headers = {"Authorization": authorization} if authorization else None
        try:
            return await connect(
                server.url.replace("http", "ws", 1) + path, ssl=context, max_size=LARGEST_FRAME,
                additional_headers=headers, open_timeout=10, ping_interval=10, ping_timeout=10,
                proxy=None,
            )  # fmt: skip
        except ssl.SSLError as error:
            raise _untrusted(server.host, error) from error
        except InvalidStatus:
            raise
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=server.host, cause=_cause(error)
            ) from error

    def _session_token(self) -> str:
        """Ask for a token valid 15 s (VAPIX); empty where the device has no such endpoint."""
        try:
            return self._ask("GET", self._server.session_path).text.strip()
        except Refused as error:
            if "path" in error.params:
                return ""
            raise

    def _unexpected(self, error: InvalidStatus) -> Unreachable:
        return Unreachable(
            "{host} answers {status} to {path}",
            host=self._server.host, status=error.response.status_code,
            path=self._server.events_path,
        )  # fmt: skip


def _envelope(body: bytes, channel: str, sender: str) -> Envelope:
    return Envelope(
        adapter="axis", body=body, received_at=datetime.now(UTC), channel=channel, sender=sender
    )


def _skew_s(date: str | None) -> float | None:
    if date is None:
        return None
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None


def _refused(server: Server) -> Refused:
    return Refused(
        "{host} refuses the account {username}: check username and password",
        host=server.host, username=server.username,
    )  # fmt: skip


def _untrusted(host: str, error: Exception) -> Refused:
    return Refused(
        "the certificate of {host} is not trusted: give its authority in ca ({cause})",
        host=host, cause=_cause(error),
    )  # fmt: skip


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]
