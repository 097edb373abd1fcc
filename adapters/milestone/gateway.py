"""Ask XProtect's API gateway over HTTP, from threads: verified, bounded in time, errors told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from adapters.milestone.token import AccountRefusedError, TokenKeeper
from hooks import Refused, Unreachable

CONNECT_S, READ_S = 3.0, 10.0
#: Calls that may be open at once, each on a connection that is kept.
CONNECTIONS = 16
REST = "/rest/v1/"
TOKEN = "/IDP/connect/token"  # noqa: S105  (a path)
#: Served without a token; says where the gateways are, and the product's version.
URIS = "/.well-known/uris"


class DeclinedError(Refused):
    """The server refuses this very request, with a status; made from the sentence that says so."""

    def __init__(self, status: int, said: Refused) -> None:
        super().__init__(said.text, **said.params)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the site is and who we are there."""

    url: str  #: scheme, host and port of the management server or of an API gateway
    username: str
    password: str = field(repr=False)
    ca: Path | None = None
    lockout_pause_s: float = 900.0
    patience_s: float = READ_S  #: between two pieces of an answer

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class Found:
    """What the site says of itself: the base address of a gateway (…/API), and its version."""

    base: str
    version: str = ""


class Gateway:
    """One site's gateway. Used by several threads at once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._session = requests.Session()
        # The environment's proxies are not for the VMS, and a .netrc would replace our token.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.verify = str(site.ca) if site.ca else True
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
        self._tokens = TokenKeeper(self._ask_token, site.lockout_pause_s)
        self._found: Found | None = None
        self._finding = threading.Lock()

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
        token = self._tokens.get()
        answer = self._send(method, path, body, token, read_s)
        if answer.status_code == 401:
            answer = self._send(method, path, body, self._tokens.get(spoiled=token), read_s)
        if answer.status_code == 401:
            raise Refused(
                "{host} refuses the token it has just given: give {username} a role ({why})",
                host=self.site.host, username=self.site.username, why=_why(answer),
            )  # fmt: skip
        if answer.status_code not in (200, 201, 202, 204):
            raise self._failure(answer, path)
        return answer

    def found(self) -> Found:
        """Say which gateway is used; asked once, and again after one elsewhere was lost."""
        found = self._found
        if found is None:
            with self._finding:
                found = self._found = self._found or self._find()
        return found

    def read(self, answer: requests.Response, path: str) -> dict[str, Any]:
        """Read an answer's JSON object; a page of a proxy or of IIS is no answer."""
        try:
            said = answer.json()
        except (requests.exceptions.JSONDecodeError, RecursionError) as error:
            raise self._not_json(answer, path) from error
        if not isinstance(said, dict):
            raise self._not_json(answer, path)
        return said

    # --- requests ---

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        token: str,
        read_s: float | None,
    ) -> requests.Response:
        base = self.found().base
        return self._try(
            lambda: self._session.request(
                method, f"{base}{REST}{path}", json=body,
                headers={"Authorization": f"Bearer {token}"},
                timeout=(CONNECT_S, read_s or self.site.patience_s), allow_redirects=False,
            )
        )  # fmt: skip

    def _find(self) -> Found:
        """Ask the site where its gateways are; without an answer, where the settings say."""
        ours = f"{self.site.url}/API"
        said = self._uris(ours)
        listed = said.get("ApiGateways")
        listed = listed if isinstance(listed, list) else []
        others = [each.rstrip("/") for each in listed if self._may_be_used(each)]
        version = str(said.get("ProductVersion") or "")
        # A name that is good inside the site may mean nothing here: the one written comes first.
        if not others or any(urlsplit(each).netloc == self.site.host for each in others):
            return Found(ours, version)
        for base in others:
            try:
                if self._uris(base):
                    return Found(base, version)
            except (Unreachable, Refused):
                continue
        return Found(ours, version)

    def _uris(self, base: str) -> dict[str, Any]:
        answer = self._try(
            lambda: self._session.get(
                base + URIS, timeout=(CONNECT_S, self.site.patience_s), allow_redirects=False
            )
        )
        try:
            return self.read(answer, URIS) if answer.status_code == 200 else {}
        except Unreachable:
            return {}

    def _may_be_used(self, base: object) -> bool:
        """Never send the password to a place less safe than the one written in the settings."""
        if not isinstance(base, str):
            return False
        try:
            parts = urlsplit(base)
            named = parts.hostname is not None and parts.username is None
        except ValueError:
            return False
        return named and parts.scheme in ("https", urlsplit(self.site.url).scheme)

    def _ask_token(self) -> dict[str, Any]:
        """Ask for a basic user's token; `requests` encodes the form, passwords with & included."""
        form = {
            "grant_type": "password", "username": self.site.username,
            "password": self.site.password, "client_id": "GrantValidatorClient",
        }  # fmt: skip
        base = self.found().base
        answer = self._try(
            lambda: self._session.post(
                base + TOKEN,
                data=form,
                timeout=(CONNECT_S, self.site.patience_s),
                allow_redirects=False,
            )
        )
        if answer.status_code != 200:
            raise self._refusal(answer)
        said = self.read(answer, TOKEN)
        token = said.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Unreachable("{host} gives no token that can be used", host=self.site.host)
        return said

    def _refusal(self, answer: requests.Response) -> Refused | Unreachable:
        """Tell why there is no token. Here `error` is a word, unlike in the rest of the API."""
        if answer.status_code not in (400, 401, 403):
            return self._failure(answer, TOKEN)
        said, username = self.read(answer, TOKEN), self.site.username
        if said.get("error_code") == "LockedOut":
            locked = Refused(
                "the account {username} is locked in XProtect: unlock it in Management Client",
                username=username,
            )
            return AccountRefusedError(locked)
        refused = Refused(
            "XProtect refuses the account {username} ({why}): check username and password",
            username=username, why=_why(answer),
        )  # fmt: skip
        return AccountRefusedError(refused)

    # --- what went wrong ---

    def _try(self, ask: Callable[[], requests.Response]) -> requests.Response:
        host = self.site.host
        try:
            return ask()
        except requests.RequestException as error:
            if self._found and urlsplit(self._found.base).netloc != host:
                self._found = None
            if "certificate verify failed" in str(error).lower():
                raise Refused(
                    "the certificate of {host} is not trusted: give its authority in ca ({cause})",
                    host=host, cause=_cause(error),
                ) from error  # fmt: skip
            raise Unreachable(
                "{host} does not answer: {cause}", host=host, cause=_cause(error)
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


def _why(answer: requests.Response) -> str:
    """Read the maker's reason: `error.details[].errorText`, or the words of the token's errors."""
    try:
        said = answer.json()
        error = said["error"]
        if isinstance(error, str):
            return str(said.get("error_description") or error)[:200]
        return "; ".join(str(each["errorText"]) for each in error["details"])[:200]
    except (requests.exceptions.JSONDecodeError, RecursionError, KeyError, TypeError):
        return answer.text[:200] or "?"


def _cause(error: BaseException) -> str:
    """Say what lies under the layers: short, and the same each time, so that it is logged once."""
    while deeper := error.__cause__ or error.__context__:
        error = deeper
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(said)[:200]
