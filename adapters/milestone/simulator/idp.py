"""The identity provider: discovery, tokens, lock-out."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.milestone.simulator.site import PRODUCT, Site, Token, guid, new_guid


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints; the gateway and the provider itself answer alike."""

    async def uris(request: Request) -> Response:
        base = _base(request)
        return JSONResponse(
            {
                "ProductVersion": PRODUCT[site.release],
                "UnsecureManagementServer": base,
                "SecureManagementServer": base if base.startswith("https") else "",
                "IdentityProvider": f"{base}IDP",
                "ApiGateways": [f"{base}API/"],
            }
        )

    async def openid(request: Request) -> Response:
        base = _base(request)
        return JSONResponse(
            {
                "issuer": f"{base}IDP",
                "token_endpoint": f"{base}IDP/connect/token",
                "server_version": PRODUCT[site.release],
            }
        )

    async def token(request: Request) -> Response:
        return await _token(site, request)

    return [
        Route("/api/.well-known/uris", uris),
        Route("/idp/.well-known/openid-configuration", openid),
        Route("/api/idp/connect/token", token, methods=["POST"]),
        Route("/idp/connect/token", token, methods=["POST"]),
    ]


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/"


async def _token(site: Site, request: Request) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        return _oauth("invalid_request", "unsupported content type")
    form = _form(await request.body())
    if form is None:
        return _oauth("invalid_request", "the form is not url-encoded")
    return _granted(site, form)


def _granted(site: Site, form: dict[str, str]) -> Response:
    grant, client = form.get("grant_type"), form.get("client_id")
    if grant == "windows_credentials":
        return JSONResponse({}, 401, headers={"WWW-Authenticate": "NTLM"})
    if grant not in ("password", "refresh_token"):
        return _oauth("unsupported_grant_type", "")
    if client == "VmsClient" and grant == "refresh_token":
        known = [each.refresh for each in site.tokens.values() if each.refresh]
        if form.get("refresh_token") in known:
            return _grant(site, refresh=True)
        return _oauth("invalid_grant", "invalid_refresh_token")
    if client not in ("GrantValidatorClient", "VmsClient"):
        return _oauth("invalid_client", "")
    return _password(site, form, refresh=client == "VmsClient")


def _form(body: bytes) -> dict[str, str] | None:
    """Read a form strictly: characters that must be encoded and are not spoil it."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        return None
    return None if any(character in text for character in ' "<>\\^`{|}') else dict(pairs)


def _password(site: Site, form: dict[str, str], *, refresh: bool) -> Response:
    if site.locked:
        return _oauth("invalid_grant", "invalid_username_or_password", "LockedOut")
    if (form.get("username"), form.get("password")) != (site.username, site.password):
        site.wrong += 1
        return _oauth(
            "invalid_grant", "invalid_username_or_password", "LockedOut" if site.locked else None
        )
    site.wrong = 0
    return _grant(site, refresh=refresh)


def _grant(site: Site, *, refresh: bool) -> Response:
    now = site.clock()
    claims = {
        "nbf": int(now), "exp": int(now) + site.token_life_s, "iat": int(now), "iss": "IDP",
        "client_id": "GrantValidatorClient", "sub": guid(site.username), "jti": new_guid(),
        "scope": ["managementserver"],
    }  # fmt: skip
    head = {"alg": "RS256", "kid": "simulator", "typ": "at+jwt"}
    signed = ".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
    mark = site.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    access = f"{signed}.{_b64(mark)}"
    token = site.tokens[access] = Token(now + site.token_life_s, new_guid() if refresh else "")
    answer: dict[str, Any] = {
        "access_token": access, "expires_in": site.token_life_s, "token_type": "Bearer",
        "scope": "managementserver",
    }  # fmt: skip
    if token.refresh:
        answer["refresh_token"] = token.refresh
    return JSONResponse(answer)


def _oauth(error: str, description: str, code: str | None = None) -> Response:
    body = {"error": error}
    if description:
        body["error_description"] = description
    if code:
        body["error_code"] = code
    return JSONResponse(body, 400)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
