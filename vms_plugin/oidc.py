"""Log in through the town's own identity provider: OpenID Connect, authorization code with PKCE.

Blocking; asked from worker threads. What the provider says is believed only when signed by its
present keys, for us, now, and for the very log-in that this browser began. A provider that is down
closes nothing: local accounts enter as ever.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from hooks import Message
from hooks.causes import cause
from vms_plugin.setting_checks import secure
from vms_plugin.settings import OidcSettings

ANSWER_S = 8.0
#: What a provider publishes of itself is read again after that.
FRESH_S = 3600.0
#: A key not known is looked for at once, but not more often: a hostile token must not hammer it.
KEYS_S = 5.0
#: Signatures by the provider's private key. Never `none`, never a secret that we hold too.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")

UNREACHABLE = Message(
    text="The identity provider does not answer. Local accounts can log in as ever."
)
NOT_BELIEVED = Message(text="The identity provider's answer is not to be believed: {why}")


class OidcError(Exception):
    """Nobody is let in; `why` says it to the person."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A log-in that a browser has begun: what its end is held against."""

    url: str  #: where the browser is sent
    state: str
    nonce: str
    verifier: str
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody whom the provider vouches for."""

    name: str
    provider: str  #: issuer and subject: what makes him the same next time
    role: str
    communes: frozenset[str]
    id_token: str = field(repr=False)


class Provider:
    """The town's identity provider."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings, self._clock = settings, clock
        self._found: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._lock = threading.Lock()

    # --- log in ---

    def begin(self, redirect_uri: str) -> Begun:
        """Say where the browser is to go, and what its return will be held against."""
        found, verifier, nonce = self._discovered(), secrets.token_urlsafe(48), _random()
        with self._session(redirect_uri) as session:
            url, state = session.create_authorization_url(
                found["authorization_endpoint"], state=_random(), nonce=nonce,
                code_verifier=verifier,
            )  # fmt: skip
        return Begun(
            url=url, state=state, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri
        )

    def finish(self, begun: Begun, answer: Mapping[str, str]) -> Identity:
        """Turn the browser's return into an identity, or say why not."""
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise _unbelieved("state")
        # RFC 9207: another provider's answer must not be taken to ours.
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:
            raise _unbelieved("iss")
        if "error" in answer:
            refused = Message(
                text="The identity provider refuses: {why}", params={"why": answer["error"][:100]}
            )
            raise OidcError(refused)
        token = self._token(begun, answer.get("code", ""))
        id_token = str(token.get("id_token", ""))
        claims = self._claims(id_token, begun.nonce)
        return self._identity({**self._userinfo(token, claims), **claims}, id_token)

    def _token(self, begun: Begun, code: str) -> dict[str, Any]:
        with self._session(begun.redirect_uri) as session:
            try:
                token = session.fetch_token(
                    self._discovered()["token_endpoint"], code=code, timeout=ANSWER_S,
                    code_verifier=begun.verifier, verify=self._verify,
                )  # fmt: skip
            except AuthlibBaseError as error:
                raise _unbelieved(str(error.error)) from error
            except (requests.RequestException, ValueError) as error:
                raise OidcError(UNREACHABLE) from error
        return dict(token)

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Read an identity token: signed by the provider, for us, now, for this log-in."""
        own = self.settings
        registry = JWTClaimsRegistry(
            now=lambda: int(self._clock()), leeway=int(own.leeway_s),
            iss={"essential": True, "value": own.issuer},
            aud={"essential": True, "value": own.client_id},
            sub={"essential": True}, exp={"essential": True}, iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            try:
                token = jwt.decode(id_token, self._jwks(), algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                # The provider may have changed its keys since they were read.
                token = jwt.decode(id_token, self._jwks(again=True), algorithms=ALGORITHMS)
            registry.validate(token.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise _unbelieved(cause(error)) from error
        claims = token.claims
        shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if shared and claims.get("azp") != own.client_id:
            raise _unbelieved("azp")
        return dict(claims)

    def _userinfo(self, token: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for what the identity token leaves out; the same subject must answer."""
        own, endpoint = self.settings, self._discovered().get("userinfo_endpoint")
        wanted = {own.name_claim, own.roles_claim} | {own.communes_claim} - {""}
        if not endpoint or wanted <= claims.keys():
            return {}
        told = self._get(endpoint, {"Authorization": f"Bearer {token.get('access_token', '')}"})
        if told.get("sub") != claims["sub"]:
            raise _unbelieved("sub")
        return told

    def _identity(self, claims: Mapping[str, Any], id_token: str) -> Identity:
        own = self.settings
        name = claims.get(own.name_claim)
        if not isinstance(name, str) or not name.strip():
            raise _unbelieved(own.name_claim)
        groups = _texts(claims.get(own.roles_claim))
        role = next((role for group, role in own.roles.items() if group in groups), None)
        if role is None:
            nothing = Message(text="Your account has no role in Renfort: ask its administrator.")
            raise OidcError(nothing)
        return Identity(
            name=name.strip()[:100], provider=f"{own.issuer} {claims['sub']}", role=role,
            communes=frozenset(_texts(claims.get(own.communes_claim))), id_token=id_token,
        )  # fmt: skip

    # --- log out ---

    def logout_url(self, id_token: str, back: str) -> str:
        """Say where the browser ends its session at the provider's; empty: it offers nothing."""
        try:
            endpoint = self._discovered().get("end_session_endpoint", "")
        except OidcError:
            return ""  # it is down: our own session has ended all the same
        hint = {"id_token_hint": id_token, "post_logout_redirect_uri": back}
        return f"{endpoint}?{urlencode(hint)}" if endpoint else ""

    # --- what it publishes ---

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            if self._found is not None and monotonic() - self._found[0] < FRESH_S:
                return self._found[1]
            issuer = self.settings.issuer
            found = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise _unbelieved("issuer")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not secure(str(found.get(name, ""))):
                    raise _unbelieved(name)
            self._found = monotonic(), found
            return found

    def _jwks(self, *, again: bool = False) -> KeySet:
        address = self._discovered()["jwks_uri"]
        with self._lock:
            age_s = monotonic() - self._keys[0] if self._keys else FRESH_S
            if self._keys is None or age_s >= FRESH_S or (again and age_s >= KEYS_S):
                self._keys = monotonic(), KeySet.import_key_set(self._get(address))  # type: ignore[arg-type]
            return self._keys[1]

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = requests.get(
                url, headers=headers, timeout=ANSWER_S, verify=self._verify, allow_redirects=False
            )
            answer.raise_for_status()
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise OidcError(UNREACHABLE) from error
        if not isinstance(told, dict):
            raise OidcError(UNREACHABLE)
        return told

    @property
    def _verify(self) -> str | bool:
        return str(self.settings.ca) if self.settings.ca else True

    def _session(self, redirect_uri: str) -> OAuth2Session:
        own = self.settings
        return OAuth2Session(
            own.client_id, own.client_secret, scope=" ".join(own.scopes),
            redirect_uri=redirect_uri, code_challenge_method="S256",
        )  # fmt: skip


def _unbelieved(why: str | Message) -> OidcError:
    said = why[:200] if isinstance(why, str) else why
    return OidcError(Message(text=NOT_BELIEVED.text, params={"why": said}))


def _texts(value: object) -> list[str]:
    """Read a claim that is a text, or a list of them."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _random() -> str:
    return secrets.token_urlsafe(24)
