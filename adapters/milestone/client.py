"""Talk to XProtect's API gateway: the only file of this adapter that waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from adapters.milestone.token import TokenKeeper
from hooks import Health, Message, Refused, Unreachable

CONNECT_S, READ_S = 3.0, 10.0
#: A large site answers its inventory in minutes (2 489 devices: more than 30 s).
INVENTORY_S = 180.0
#: How far we look for our own alarm: pages of a hundred, newest first or not.
PAGE, MOST_PAGES = 100, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the site is and who we are there."""

    url: str
    username: str
    password: str
    ca: Path | None
    lockout_pause_s: float

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return urlsplit(self.url).netloc


class Client:
    """One site. Used by several threads at once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=16)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.verify = str(site.ca) if site.ca else True
        self._tokens = TokenKeeper(self._ask_token, site.lockout_pause_s)
        self._enums: dict[str, list[dict[str, Any]]] = {}

    # --- what the adapter needs ---

    def cameras(self) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        """Give all cameras, disabled ones too, and the hardware they are channels of, by id."""
        cameras = self._list("cameras?disabled", INVENTORY_S)
        hardware = self._list("hardware?disabled", INVENTORY_S)
        return cameras, {str(each.get("id")): each for each in hardware}

    def enum(self, name: str) -> list[dict[str, Any]]:
        """Give an enumeration (`alarmStates`, `alarmPriorities`, `closeReasons`); asked once."""
        if name not in self._enums:
            self._enums[name] = self._list(name)
        return self._enums[name]

    def create_alarm(self, body: Mapping[str, Any]) -> str:
        """Create an alarm; give its id."""
        answer = self._request("POST", "alarms", body)
        data = answer.get("data") or answer.get("result")
        identifier = data.get("id") if isinstance(data, Mapping) else None
        if not isinstance(identifier, str):
            # It may well exist: the caller must look before it creates again.
            raise Unreachable("{host} created an alarm and did not say which", host=self._site.host)
        return identifier

    def change_alarm(self, alarm: str, body: Mapping[str, Any]) -> bool:
        """Change an alarm; False when it is no longer there."""
        try:
            self._request("PATCH", f"alarms/{alarm}", body)
        except _NotFoundError:
            return False
        return True

    def pages_of_alarms(self) -> Iterator[list[dict[str, Any]]]:
        """Go through the alarms, a page at a time."""
        for page in range(MOST_PAGES):
            alarms = self._list(f"alarms?page={page}&size={PAGE}")
            yield alarms
            if len(alarms) < PAGE:
                return

    def probe(self) -> Health:
        """Ask for what an alarm needs: the token, the states, the time it has."""
        answer = self._answer("GET", "alarmStates", None, READ_S)
        skew_s = _skew_s(answer.headers.get("Date"))
        if skew_s is not None and abs(skew_s) > 30:
            off = Message(
                text="its clock is {skew:.0f} s off ours: set both by NTP", params={"skew": skew_s}
            )
            return Health(alive=True, clock_skew_s=skew_s, detail=off)
        return Health(alive=True, clock_skew_s=skew_s)

    # --- requests ---

    def _list(self, path: str, read_s: float = READ_S) -> list[dict[str, Any]]:
        found = self._request("GET", path, None, read_s).get("array")
        if not isinstance(found, list):
            raise Unreachable("{host} answers no list to {path}", host=self._site.host, path=path)
        return [each for each in found if isinstance(each, dict)]

    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None, read_s: float = READ_S
    ) -> dict[str, Any]:
        return self._json(self._answer(method, path, body, read_s), path)

    def _answer(
        self, method: str, path: str, body: Mapping[str, Any] | None, read_s: float
    ) -> requests.Response:
        """Ask with a good token; one refused token is renewed once."""
        token = self._tokens.get()
        answer = self._send(method, path, body, token, read_s)
        if answer.status_code == 401:
            answer = self._send(method, path, body, self._tokens.get(spoiled=token), read_s)
        if answer.status_code in (200, 201, 202):
            return answer
        raise self._failure(answer, path)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, token: str, read_s: float
    ) -> requests.Response:
        return self._try(
            lambda: self._session.request(
                method, f"{self._site.url}/API/rest/v1/{path}", json=body,
                headers={"Authorization": f"Bearer {token}"}, timeout=(CONNECT_S, read_s),
                allow_redirects=False,
            )
        )  # fmt: skip

    def _ask_token(self) -> dict[str, Any]:
        """Ask the identity provider for a basic user's token; `requests` encodes the form."""
        site = self._site
        form = {
            "grant_type": "password", "username": site.username, "password": site.password,
            "client_id": "GrantValidatorClient",
        }  # fmt: skip
        answer = self._try(
            lambda: self._session.post(
                f"{site.url}/API/IDP/connect/token", data=form, timeout=(CONNECT_S, READ_S)
            )
        )
        said = self._json(answer, "IDP")
        if answer.status_code == 200 and "access_token" in said:
            return said
        if said.get("error_code") == "LockedOut":
            raise Refused(
                "the account {username} is locked in XProtect: unlock it in Management Client",
                username=site.username,
            )  # fmt: skip
        if answer.status_code in (400, 401):
            raise Refused(
                "XProtect refuses the account {username} ({why}): check username and password",
                username=site.username,
                why=said.get("error_description") or said.get("error") or answer.status_code,
            )  # fmt: skip
        raise self._failure(answer, "IDP")

    def _try(self, ask: Callable[[], requests.Response]) -> requests.Response:
        host = self._site.host
        try:
            return ask()
        except requests.exceptions.SSLError as error:
            raise Refused(
                "the certificate of {host} is not trusted: give its authority in ca ({cause})",
                host=host, cause=_cause(error),
            ) from error  # fmt: skip
        except requests.RequestException as error:
            raise Unreachable(
                "{host} does not answer: {cause}", host=host, cause=_cause(error)
            ) from error

    def _json(self, answer: requests.Response, path: str) -> dict[str, Any]:
        try:
            said = answer.json()
        except requests.exceptions.JSONDecodeError as error:
            raise Unreachable(
                "{host} answers {status} to {path}, and not in JSON",
                host=self._site.host, status=answer.status_code, path=path,
            ) from error  # fmt: skip
        if not isinstance(said, dict):
            raise Unreachable("{host} answers no object to {path}", host=self._site.host, path=path)
        return said

    def _failure(self, answer: requests.Response, path: str) -> Refused | Unreachable:
        host, status = self._site.host, answer.status_code
        if status >= 500 or status in (301, 302, 307, 308, 408, 429):
            return Unreachable("{host} answers {status} to {path}", host=host, status=status,
                               path=path)  # fmt: skip
        why = _error_text(answer)
        if status == 404 and path.startswith("alarms/"):
            return _NotFoundError("{host} no longer has {path}", host=host, path=path)
        return Refused(
            "{host} refuses {path} ({status}): {why}", host=host, path=path, status=status, why=why
        )


class _NotFoundError(Refused):
    """The thing itself is gone, which is not a question of rights."""


def _error_text(answer: requests.Response) -> str:
    """Read the maker's reason: `error.details[].errorText`."""
    try:
        details = answer.json()["error"]["details"]
        return "; ".join(str(each["errorText"]) for each in details)
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or "?"


def _skew_s(date: str | None) -> float | None:
    try:
        return (parsedate_to_datetime(date or "") - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]
