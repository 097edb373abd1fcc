"""Ask an Axis device over HTTP, from a thread: bounded in time and size, and always verified."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from adapters.axis import auth
from hooks import AdapterError, BadSettings, Refused, Unreachable
from hooks.causes import cause

#: To connect, between two pieces of an answer, and for the whole of it.
CONNECT_S, PIECE_S, WHOLE_S = 3.0, 5.0, 10.0
#: A thousand targets take 300 kB.
LARGEST_ANSWER = 4 << 20

_TARGETS = {"apiVersion": "1.0", "method": "getTargets", "params": {}}
_SIGNALING = {"apiVersion": "1.0", "method": "getSignalingClientToken", "params": {}}


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where the server is and how it wants to be asked; what sources disagree on is a setting."""

    url: str
    account: auth.Account
    ca: Path | None
    status_path: str
    events_path: str
    session_path: str
    auth_path: str
    signaling_path: str
    signaling_port: int | None  #: None: that of `url`
    topics: tuple[str, ...]
    status_every_s: float
    ping_every_s: float

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return urlsplit(self.url).netloc

    @property
    def secure(self) -> bool:
        """Whether it is spoken to under TLS."""
        return self.url.startswith("https:")

    @property
    def signaling_url(self) -> str:
        """Where the signalling socket is."""
        parts = urlsplit(self.url)
        port = self.signaling_port or parts.port
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        address = f"{name}:{port}" if port else name
        return f"{'wss' if self.secure else 'ws'}://{address}{self.signaling_path}"

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What is trusted, the same for requests and for the event socket.

        Raises
        ------
        BadSettings
            `ca` is not a file of certificates.
        """
        trusted = self.ca or Path(DEFAULT_CA_BUNDLE_PATH)
        try:
            return ssl.create_default_context(cafile=str(trusted))
        except OSError as error:
            raise BadSettings(
                "ca", str(trusted), "write the path of a PEM file of certificates: {cause}",
                cause=cause(error),
            ) from error  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device answered."""

    status: int
    body: bytes
    challenges: tuple[str, ...]
    skew_s: float | None  #: their clock minus ours, to a second


class Asker:
    """Asks one device; every method blocks, `WHOLE_S` at most once connected."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def targets(self) -> Answer:
        """Ask for the state of every camera.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        return self._ask_application(self._server.status_path, _TARGETS)

    def signaling_token(self) -> str:
        """Ask for a token for the signalling socket.

        Raises
        ------
        Unreachable, Refused
            With the reason, and what to do.
        """
        answer = self._ask_application(self._server.auth_path, _SIGNALING)
        try:
            token = json.loads(answer.body)["data"]["token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            token = None
        if not isinstance(token, str) or not token:
            raise Unreachable("{host} gives no token for the live picture", host=self._server.host)
        return token

    def session_token(self) -> str:
        """Ask for a token for the event socket; empty where the device gives none."""
        answer = self._ask("GET", self._server.session_path)
        if answer.status == 404:
            return ""
        self._expect_ok(answer, self._server.session_path)
        return quote(answer.body[:1000].decode("ascii", "replace").strip(), safe="")

    def _ask_application(self, path: str, question: object) -> Answer:
        """Ask the application for body-worn cameras, which a site may have by another name."""
        answer = self._ask("POST", path, question)
        if answer.status == 404:
            raise Refused(
                "{host} has no {path}: set app to the name of the server's application",
                host=self._server.host,
                path=path,
            )
        self._expect_ok(answer, path)
        return answer

    def _expect_ok(self, answer: Answer, path: str) -> None:
        if answer.status in (401, 403):
            raise refused(self._server)
        if answer.status != 200:
            raise Unreachable(
                "{host} answers {status} to {path}",
                host=self._server.host,
                status=answer.status,
                path=path,
            )

    def _ask(self, method: str, path: str, question: object = None) -> Answer:
        """Ask; answer the challenge, once more if the nonce was stale."""
        until = monotonic() + WHOLE_S
        answer = self._send(method, path, question, None, until)
        for _ in range(2):
            if answer.status != 401:
                break
            header = auth.answer(
                answer.challenges, self._server.account, method, path, secure=self._server.secure
            )
            if header is None:
                raise refused(self._server)
            answer = self._send(method, path, question, header, until)
            if not any("stale=true" in each.lower() for each in answer.challenges):
                break
        return answer

    def _send(
        self, method: str, path: str, question: object, header: str | None, until: float
    ) -> Answer:
        server = self._server
        headers = {"Accept-Encoding": "identity"}
        if question is not None:
            headers["Content-Type"] = "application/json"
        if header is not None:
            headers["Authorization"] = header
        with requests.Session() as session:
            session.trust_env = False  # no proxy, no .netrc: a device of our own network
            try:
                with session.request(
                    method,
                    server.url + path,
                    data=None if question is None else json.dumps(question),
                    headers=headers,
                    timeout=(CONNECT_S, PIECE_S),
                    verify=str(server.ca) if server.ca else True,
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    return _read(answer, server, until)
            except (requests.RequestException, HTTPError, OSError) as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise untrusted(server, error) from error
                raise late(server, error) from error


def _read(answer: requests.Response, server: Server, until: float) -> Answer:
    """Read an answer; one that never ends, or comes drop by drop, is given up."""
    body = bytearray()
    while piece := answer.raw.read1(65536):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise Unreachable(
                "{host} answers more than {most} bytes", host=server.host, most=LARGEST_ANSWER
            )
        if monotonic() > until:
            raise Unreachable(
                "{host} takes more than {s:g} s to answer", host=server.host, s=WHOLE_S
            )
    challenges = answer.raw.headers.getlist("WWW-Authenticate")
    return Answer(answer.status_code, bytes(body), tuple(challenges), _skew_s(answer.headers))


def _skew_s(headers: Any) -> float | None:
    try:
        theirs = parsedate_to_datetime(headers["Date"])
        return (theirs - datetime.now(UTC)).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None


# --- what went wrong, in words ---


def refused(server: Server) -> AdapterError:
    """Say that the device does not take our credentials."""
    return Refused(
        "{host} refuses the account {username}: check username, password and its rights",
        host=server.host,
        username=server.account.username,
    )


def untrusted(server: Server, error: BaseException) -> AdapterError:
    """Say that the device is not proven to be the one we want."""
    return Refused(
        "{host} is not trusted: {cause}",
        host=server.host,
        cause=cause(error),
    )


def late(server: Server, error: BaseException) -> AdapterError:
    """Say that nothing, or nothing of use, came back."""
    return Unreachable("{host} does not answer: {cause}", host=server.host, cause=cause(error))
