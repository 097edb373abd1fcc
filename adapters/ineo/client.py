"""Send a message to an endpoint over HTTP, and read its answer. The file that waits.

What surely did not arrive (`NotTaken`) is told apart from what may have: after the latter the same
message is sent again under the same identifier, and an update after it.
"""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from adapters.ineo.profile import Access, Endpoint
from hooks import Refused, Unreachable
from hooks.causes import cause

#: An answer is an acknowledgement at most.
LARGEST_ANSWER = 1 << 20
#: "Not now": nothing was done with the message.
_NOT_NOW = frozenset((429, 503))
#: Worth trying again, though it may have been taken.
_AGAIN = frozenset((408, 425, 500, 502, 504))
#: It has this very message already.
_HAS_IT = 409


class NotTaken(Unreachable):
    """The other side cannot now, and surely did not take it."""


class Web:
    """The HTTP connections to one server, kept open."""

    def __init__(self, access: Access) -> None:
        self.access = access
        session = self.session = requests.Session()
        session.trust_env = False
        session.verify = access.ca or True
        session.headers["User-Agent"] = "Renfort"
        session.headers["Accept-Encoding"] = "identity"  # a small answer may unfold to a large one
        session.headers.update(access.headers)
        if access.token:
            session.headers["Authorization"] = f"Bearer {access.token}"
        elif access.username:
            session.auth = (access.username, access.password)
        session.mount("https://", HTTPAdapter(pool_maxsize=8))
        session.mount("http://", HTTPAdapter(pool_maxsize=8))

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def send(self, endpoint: Endpoint, body: bytes, content_type: str) -> bytes:
        """Send a message; answer the body of the answer.

        Raises
        ------
        NotTaken, Unreachable, Refused
        """
        headers = {"Content-Type": endpoint.content_type or content_type}
        try:
            with self.session.request(
                endpoint.method, self.access.url, data=body, headers=headers, stream=True,
                timeout=(min(3.0, self.access.timeout_s), self.access.timeout_s),
                allow_redirects=False,
            ) as answer:  # fmt: skip
                content = bounded(answer, self.access.timeout_s)
        except requests.RequestException as error:
            raise self.failed(endpoint.name, error) from error
        self.judge(endpoint, answer, content)
        return content

    def failed(self, name: str, error: requests.RequestException) -> Unreachable | Refused:
        """Say what a failed request means."""
        if isinstance(error, requests.exceptions.SSLError):
            return Refused(
                "{name}: {host} is not trusted: {cause}",
                name=name, host=self.host, cause=cause(error),
            )  # fmt: skip
        refused = isinstance(error, requests.ConnectionError) and "NewConnectionError" in repr(
            error
        )
        if refused or isinstance(error, requests.exceptions.ConnectTimeout):
            return NotTaken("{name}: {host} does not answer", name=name, host=self.host)
        if isinstance(error, requests.Timeout):
            return Unreachable(
                "{name}: {host} does not answer within {seconds:g} s", name=name, host=self.host,
                seconds=self.access.timeout_s,
            )  # fmt: skip
        return Unreachable("{name}: the connection to {host} is cut", name=name, host=self.host)

    @property
    def host(self) -> str:
        """The server's name and port."""
        return urlsplit(self.access.url).netloc

    def judge(self, endpoint: Endpoint, answer: requests.Response, content: bytes) -> None:
        """Raise what a status means."""
        wanted, status = endpoint.accept, answer.status_code
        if status in wanted or (not wanted and 200 <= status < 300) or status == _HAS_IT:
            return
        said = content[:120].decode("utf-8", "replace").strip()
        params: dict[str, Any] = {
            "name": endpoint.name, "host": self.host, "status": status, "said": said
        }  # fmt: skip
        if answer.is_redirect:  # not followed: nobody has said that our token may go there
            params["there"] = urljoin(self.access.url, answer.headers["Location"])[:200]
            raise Refused(
                "{name}: {host} sends us elsewhere ({status}): write {there} as its url", **params
            )
        if status in _NOT_NOW:
            raise NotTaken("{name}: {host} answers {status}: {said}", **params)
        if status in _AGAIN or status >= 500:
            raise Unreachable("{name}: {host} answers {status}: {said}", **params)
        if status in (401, 403):
            raise Refused(
                "{name}: {host} refuses the account ({status}): check username, password or token",
                **params,
            )
        raise Refused("{name}: {host} refuses the message ({status}): {said}", **params)


def bounded(answer: requests.Response, seconds: float) -> bytes:
    """Read an answer as it is: neither for ever, nor without end, nor unfolded."""
    body, until = bytearray(), monotonic() + seconds
    try:
        # `read1` gives what has come: one that drips a byte at a time is left at its deadline too.
        while chunk := answer.raw.read1(65536, decode_content=False):
            body += chunk
            if len(body) > LARGEST_ANSWER or monotonic() > until:
                break
    except (HTTPError, OSError):
        pass  # its status has been said: that is what counts
    return bytes(body[:LARGEST_ANSWER])


async def reach(access: Access) -> None:
    """Open a connection to a server and close it: it is alive, and its certificate is trusted.

    Raises
    ------
    Unreachable, Refused
    """
    parts = urlsplit(access.url)
    secure = parts.scheme in ("https", "amqps")
    port = parts.port or {"https": 443, "http": 80, "amqps": 5671}.get(parts.scheme, 5672)
    context = await asyncio.to_thread(_trusting, access) if secure else None
    try:
        async with asyncio.timeout(access.timeout_s):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
            writer.close()
    except ssl.SSLError as error:
        raise Refused(
            "{host} is not trusted: {cause}", host=parts.netloc, cause=cause(error)
        ) from error
    except OSError as error:
        raise Unreachable("{host} does not answer", host=parts.netloc) from error


def _trusting(access: Access) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=access.ca)
