"""Ask XProtect's API gateway over HTTP, from threads: verified, bounded in time, errors told."""

from __future__ import annotations

import re
import threading
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from adapters.milestone import tls
from adapters.milestone.gateways import (
    OPENID,
    URIS,
    Found,
    Said,
    candidates,
    management,
    read_json,
    reason,
    too_old,
)
from adapters.milestone.grant import TOKEN, Grant
from adapters.milestone.site import READ_S, Account, Site
from adapters.milestone.token import TokenKeeper
from hooks import Refused, Unreachable
from hooks.causes import cause

__all__ = ["CONNECT_S", "READ_S", "Account", "DeclinedError", "Found", "Gateway", "Site"]

CONNECT_S = 3.0
#: urllib3's words, and ours, for a certificate that is not the pinned one.
_OTHER = re.compile(r'Fingerprints did not match.*got "?(?:b\')?([0-9a-f:]{40,})')
REST = "/rest/v1/"


class DeclinedError(Refused):
    """The server refuses this very request, with a status; made from the sentence that says so."""

    def __init__(self, status: int, said: Refused) -> None:
        super().__init__(said.text, **said.params)
        self.status = status


class _Rows(msgspec.Struct):
    """The envelope of a list, its rows still bytes."""

    array: list[msgspec.Raw] | None = None


class Gateway:
    """One site's gateways, one of which serves. Used by several threads at once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._session = tls.session(site)
        self._tokens = TokenKeeper(self._ask_token, site.lockout_pause_s)
        self._found: Found | None = None
        self._finding = threading.Lock()
        self._known: list[str] = []
        self._lost = ""

    def close(self) -> None:
        """Close the connections that are kept."""
        self._session.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        read_s: float | None = None,
    ) -> requests.Response:
        """Ask with a good token; a token refused is renewed once.

        Raises
        ------
        Unreachable
            No answer, a fault of the server's, or an answer that is not JSON.
        Refused
            The account is refused; `DeclinedError`, with its status, when this very request is.
        """
        token = self.token()
        answer = self._send(method, path, body, token, read_s)
        if answer.status_code == 401:
            answer = self._send(method, path, body, self.token(spoiled=token), read_s)
        if answer.status_code == 401:
            raise Refused(
                "{host} refuses the token it has just given: give {username} a role ({why})",
                host=self.site.host, username=self.site.username, why=_why(answer),
            )  # fmt: skip
        if answer.status_code not in (200, 201, 202, 204):
            raise self._failure(answer, path)
        if "html" in answer.headers.get("Content-Type", "").lower():
            # A proxy's page, with 200: nothing was changed, and nobody reads what a change gives.
            raise self._not_json(answer, path)
        return answer

    def raw(self, method: str, path: str, read_s: float) -> requests.Response:
        """Ask, and give the answer whatever its status: to look at it, not to use it."""
        return self._send(method, path, None, self.token(), read_s)

    def unsigned(self, url: str) -> requests.Response:
        """Ask without a token, and give the answer whatever its status."""
        return self.attempt(
            lambda: self._session.get(
                url, timeout=(CONNECT_S, self.site.patience_s), allow_redirects=False
            ), url,
        )  # fmt: skip

    def token(self, spoiled: str = "") -> str:
        """Give a good token; `spoiled` is one that the server has just refused."""
        return self._tokens.get(spoiled)

    def found(self) -> Found:
        """Say which gateway is used; asked once, and again after it was lost."""
        found = self._found
        if found is None:
            with self._finding:
                found = self._found = self._found or self._find()
        return found

    def lose(self, found: Found) -> None:
        """Note that this gateway does not answer: another is looked for, where there is one."""
        elsewhere = urlsplit(found.base).netloc != self.site.host
        if self._found is found and (elsewhere or len(self._known) > 1):
            self._lost, self._found = found.base, None

    def read(self, answer: requests.Response, path: str) -> dict[str, Any]:
        """Read an answer's JSON object; a page of a proxy or of IIS is no answer."""
        try:
            said = read_json(answer.content)
        except (ValueError, RecursionError) as error:
            raise self._not_json(answer, path) from error
        if not isinstance(said, dict):
            raise self._not_json(answer, path)
        return said

    def rows(self, path: str, read_s: float | None = None) -> Iterator[dict[str, Any]]:
        """Read a list row by row: of fifty megabytes only the bytes are held, never the objects.

        What is not an object is left out.
        """
        answer = self.ask("GET", path, read_s=read_s)
        try:
            listed = msgspec.json.decode(answer.content.removeprefix(BOM_UTF8), type=_Rows).array
        except msgspec.ValidationError as error:
            if "$.array" not in str(error):
                raise self._not_json(answer, path) from error
            listed = None
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._not_json(answer, path) from error
        if listed is None:
            raise Unreachable("{host} answers no list to {path}", host=self.site.host, path=path)
        for each in listed:
            row = msgspec.json.decode(each)
            if isinstance(row, dict):
                yield row

    # --- requests ---

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        token: str,
        read_s: float | None,
    ) -> requests.Response:
        def send(found: Found) -> requests.Response:
            return self.attempt(
                lambda: self._session.request(
                    method, f"{found.base}{REST}{path}", json=body,
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=(CONNECT_S, read_s or self.site.patience_s), allow_redirects=False,
                ), found.base,
            )  # fmt: skip

        used = self.found()
        try:
            answer = send(used)
        except Unreachable as error:
            self.lose(used)
            # What was never sent, or changes nothing, may be asked of another gateway at once.
            if len(self._known) < 2 or not (method == "GET" or never_sent(error.__cause__)):
                raise
            other = self.found()
            if other.base == used.base:
                raise
            return send(other)
        if answer.status_code in (502, 503):
            # "5xx bodies may be plain text, 502/503 = gateway config error": of that gateway.
            self.lose(used)
        return answer

    def _find(self) -> Found:
        """Ask the site where its gateways are; without an answer, where the settings say."""
        said, answered = self._first_words()
        self._known = candidates(self.site, said, self._lost)
        idp, server = said.idp or f"{self.site.url}/IDP", management(self.site, said)
        version = said.version or self._version(idp)
        self._refuse_old(version)
        for base in self._known:
            try:
                if base == answered or self._uris(base):
                    return Found(base, version, idp, server)
            except (Unreachable, Refused):
                continue
        return Found(self._lost or f"{self.site.url}/API", version, idp, server)

    def _first_words(self) -> tuple[Said, str]:
        """Ask the addresses of the settings in turn: what the first that answers says, and its own.

        Raises
        ------
        Unreachable, Refused
            None answers: what was wrong with the first.
        """
        fault: Unreachable | None = None
        for root in (self.site.url, *self.site.gateways):
            base = f"{root}/API"
            try:
                said = self._uris(base)
            except Unreachable as error:
                fault = fault or error
                continue
            return Said.read(said, self.site), base if said else ""
        raise fault or Unreachable("{host} does not answer", host=self.site.host)

    def _uris(self, base: str) -> dict[str, Any]:
        return self._told(base + URIS)

    def _version(self, idp: str) -> str:
        """Ask the identity provider for the version, where the gateway does not say it."""
        try:
            return str(self._told(idp + OPENID).get("server_version") or "")
        except (Unreachable, Refused):
            return ""

    def _told(self, url: str) -> dict[str, Any]:
        """Read what is said without a token; nothing where there is no such page."""
        answer = self.unsigned(url)
        try:
            return self.read(answer, url) if answer.status_code == 200 else {}
        except Unreachable:
            return {}

    def _refuse_old(self, version: str) -> None:
        if too_old([version]):
            raise Refused(
                "XProtect {version} has no API gateway: 2021 R2 or later is needed", version=version
            )

    def _ask_token(self) -> dict[str, Any]:
        """Ask for a token, as the kind of account wants it."""
        grant, found = Grant(self.site), self.found()
        with grant.session(self._session) as session:
            for url in grant.urls(found):
                answer = self.attempt(
                    partial(
                        session.post, url, data=grant.form, auth=grant.auth,
                        timeout=(CONNECT_S, self.site.patience_s), allow_redirects=False,
                    ), url,
                )  # fmt: skip
                if answer.status_code != 404:  # there; otherwise nothing looked at the password
                    break
        if answer.status_code != 200:
            raise grant.refusal(answer) or self._failure(answer, TOKEN)
        said = self.read(answer, TOKEN)
        token = said.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Unreachable("{host} gives no token that can be used", host=self.site.host)
        return said

    # --- what went wrong ---

    def attempt(self, ask: Callable[[], requests.Response], url: str) -> requests.Response:
        """Ask; what the network does to it becomes one of our errors."""
        host = urlsplit(url).netloc
        try:
            return ask()
        except requests.RequestException as error:
            said = str(error)
            if shown := _OTHER.search(said):
                raise Refused(
                    "the certificate of {host} is not the one of the settings; it shows {shown}: "
                    "once somebody on the site has confirmed it, write that as fingerprint",
                    host=host, shown=shown[1],
                ) from error  # fmt: skip
            if "certificate verify failed" in said.lower():
                raise Refused(
                    "{host} is not trusted: {cause}",
                    host=host, cause=cause(error),
                ) from error  # fmt: skip
            raise Unreachable(
                "{host} does not answer: {cause}", host=host, cause=cause(error)
            ) from error

    def _failure(self, answer: requests.Response, path: str) -> Refused | Unreachable:
        host, status = self.site.host, answer.status_code
        if status in (301, 302, 303, 307, 308):
            return Refused(
                "{host} sends us elsewhere, to {place}: write that address in url",
                host=host, place=answer.headers.get("Location", "?")[:200],
            )  # fmt: skip
        if status >= 500 or status in (408, 429):
            return Unreachable("{host} answers {status} to {path}", host=host, status=status,
                               path=path)  # fmt: skip
        try:
            self.read(answer, path)
        except Unreachable as not_json:
            return not_json
        refused = Refused(
            "{host} refuses {path} ({status}): {why}",
            host=host, path=path, status=status, why=_why(answer),
        )  # fmt: skip
        return DeclinedError(status, refused)

    def _not_json(self, answer: requests.Response, path: str) -> Unreachable:
        return Unreachable(
            "{host} answers {status} to {path}, and not in JSON",
            host=self.site.host, status=answer.status_code, path=path,
        )  # fmt: skip


def never_sent(error: BaseException | None) -> bool:
    """Whether the connection was never made: nothing can have been done of what was asked."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    first = error.args[0] if error is not None and error.args else None
    reason = getattr(first, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _why(answer: requests.Response) -> str:
    return (reason(answer.content) or answer.text or "?")[:200]
