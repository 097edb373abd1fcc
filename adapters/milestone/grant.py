"""How each kind of account asks for a token, and what it means when none is given."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.auth import AuthBase
from requests_ntlm import HttpNtlmAuth
from spnego.exceptions import SpnegoError

from adapters.milestone import tls
from adapters.milestone.gateways import Found, read_json
from adapters.milestone.site import Account, Site
from adapters.milestone.token import AccountRefusedError
from hooks import Refused

TOKEN = "/connect/token"  # noqa: S105  (a path)
#: The maker's own client, which every installation knows.
CLIENT = "GrantValidatorClient"


class Grant:
    """One way to ask."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def form(self) -> dict[str, str]:
        """The form; `requests` encodes it, passwords with & included."""
        site = self._site
        if site.account is Account.WINDOWS:
            return {"grant_type": "windows_credentials", "client_id": CLIENT}
        if site.account is Account.SERVICE:
            return {
                "grant_type": "client_credentials",
                "client_id": site.username, "client_secret": site.password,
            }  # fmt: skip
        return {
            "grant_type": "password", "username": site.username, "password": site.password,
            "client_id": CLIENT,
        }  # fmt: skip

    @property
    def auth(self) -> AuthBase | None:
        """What answers the server's challenge."""
        windows = self._site.account is Account.WINDOWS
        return _Ntlm(self._site.username, self._site.password) if windows else None

    def urls(self, found: Found) -> tuple[str, ...]:
        """Give the token endpoints, in order: the gateway passes what it is asked on to the other.

        NTLM does not pass the gateway, so Windows accounts go past.
        """
        windows = self._site.account is Account.WINDOWS
        roots = (found.idp,) if windows else (f"{found.base}/IDP", found.idp)
        return tuple(dict.fromkeys(root + TOKEN for root in roots))

    @contextmanager
    def session(self, usual: requests.Session) -> Iterator[requests.Session]:
        """Give the session to ask on: NTLM authenticates a connection, so it has its own."""
        if self._site.account is not Account.WINDOWS:
            yield usual
            return
        with tls.session(self._site) as session:
            yield session

    def refusal(self, answer: requests.Response) -> Refused | None:
        """Read why there is no token; None when the answer is no refusal of the account.

        Here `error` is a word, unlike in the rest of the API.
        """
        username = self._site.username
        if self._site.account is Account.WINDOWS and answer.status_code == 401:
            return AccountRefusedError(
                Refused("Windows refuses the account {username}: check username and password",
                        username=username)
            )  # fmt: skip
        if answer.status_code not in (400, 401, 403):
            return None
        try:
            said = read_json(answer.content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, dict):
            return None
        if said.get("error_code") == "LockedOut":
            return AccountRefusedError(
                Refused("the account {username} is locked in XProtect: unlock it in Management "
                        "Client", username=username),
                locked=True,
            )  # fmt: skip
        why = said.get("error_description") or said.get("error") or "?"
        return AccountRefusedError(
            Refused("XProtect refuses the account {username} ({why}): check username and password",
                    username=username, why=str(why)[:200])
        )  # fmt: skip


class _Ntlm(HttpNtlmAuth):
    """NTLM whose half-finished exchanges are errors like any other of the network's."""

    def retry_using_http_NTLM_auth(self, *args: Any) -> requests.Response:
        """Answer the challenge."""
        try:
            return super().retry_using_http_NTLM_auth(*args)
        except (PermissionError, LookupError, ValueError, struct.error, SpnegoError) as error:
            # No challenge, or none that means anything: a proxy stands between, NTLM is off.
            raise requests.exceptions.ConnectionError("no NTLM challenge") from error
