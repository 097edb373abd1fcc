"""The identity provider over HTTP: discovery, and the token endpoint."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.windows import Handshakes

#: Characters no encoder leaves bare in a form (WHATWG URL, application/x-www-form-urlencoded).
_BARE = frozenset(' "<>\\^`{|}')
#: RFC 6749 §5.1: answers that hold tokens are not to be stored.
_PRIVATE = {"Cache-Control": "no-store, no-cache, max-age=0", "Pragma": "no-cache"}


def routes(site: Site, windows: Handshakes) -> list[BaseRoute]:
    """List the endpoints; the gateway passes tokens on to the provider, so both answer alike."""

    async def uris(request: Request) -> Response:
        base = _base(request)
        secure = base.startswith("https")
        return JSONResponse(
            {
                "ProductVersion": site.version,
                "UnsecureManagementServer": "" if secure else base,
                "SecureManagementServer": base if secure else "",
                "IdentityProvider": f"{base}IDP",
                "ApiGateways": [f"{base}API/"],
            }
        )

    async def openid(request: Request) -> Response:
        base = _base(request)
        return JSONResponse(
            {
                "issuer": f"{base}IDP",
                "jwks_uri": f"{base}IDP/.well-known/openid-configuration/jwks",
                "token_endpoint": f"{base}IDP/connect/token",
                "server_version": site.version,
            }
        )

    async def keys(_request: Request) -> Response:
        return JSONResponse({"keys": [site.accounts.public_key()]})

    async def token(request: Request) -> Response:
        gateway = request.url.path.startswith("/api/")
        # NTLM comes before the form, which a client may leave out until it is asked who it is.
        handshake = not gateway and _scheme(request) not in ("", "basic")
        if handshake:
            refused = windows.refuse(request)
            if refused is not None:
                return refused
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        form = _form(await request.body())
        if kind != "application/x-www-form-urlencoded" or form is None:
            return _refusal("invalid_request")
        if form.get("grant_type") == "windows_credentials":
            return _windows(site, form, proven=handshake, gateway=gateway)
        return _granted(site, _client(request) | form)

    return [
        Route("/api/.well-known/uris", uris),
        Route("/idp/.well-known/openid-configuration", openid),
        Route("/idp/.well-known/openid-configuration/jwks", keys),
        Route("/api/idp/connect/token", token, methods=["POST"]),
        Route("/idp/connect/token", token, methods=["POST"]),
    ]


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/"


def _scheme(request: Request) -> str:
    return request.headers.get("authorization", "").partition(" ")[0].lower()


def _client(request: Request) -> dict[str, str]:
    """Read a client's name and secret from the header, where most libraries put them.

    RFC 6749 §2.3.1: "the authorization server MUST support the HTTP Basic authentication scheme".
    """
    given = request.headers.get("authorization", "").partition(" ")[2]
    if _scheme(request) != "basic":
        return {}
    try:
        name, _, secret = b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _form(body: bytes) -> dict[str, str] | None:
    """Read a form strictly: a password written into it unencoded spoils it."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        return None
    form = dict(pairs)
    return None if _BARE & set(text) or len(form) != len(pairs) else form


def _windows(site: Site, form: dict[str, str], *, proven: bool, gateway: bool) -> Response:
    client = form.get("client_id", "")
    if client not in ("GrantValidatorClient", "VmsClient"):
        return _refusal("invalid_client")
    if not proven:
        # The gateway does not pass NTLM through: only the provider itself invites to it.
        return Response(status_code=401, headers={} if gateway else {"WWW-Authenticate": "NTLM"})
    return JSONResponse(site.accounts.grant(client), headers=_PRIVATE)


def _granted(site: Site, form: dict[str, str]) -> Response:
    grant, client = form.get("grant_type"), form.get("client_id", "")
    if grant == "password":
        return _password(site, form, client)
    if grant == "refresh_token":
        return _refreshed(site, form, client)
    if grant == "client_credentials":
        return _service(site, form, client)
    return _refusal("unsupported_grant_type")


def _password(site: Site, form: dict[str, str], client: str) -> Response:
    if client not in ("GrantValidatorClient", "VmsClient"):
        return _refusal("invalid_client")
    code = site.accounts.refuse(form.get("username"), form.get("password"))
    if code is not None:
        return _refusal("invalid_grant", "invalid_username_or_password", code)
    answer = site.accounts.grant(client, refresh=client == "VmsClient")
    return JSONResponse(answer, headers=_PRIVATE)


def _refreshed(site: Site, form: dict[str, str], client: str) -> Response:
    if client != "VmsClient":
        return _refusal("unauthorized_client")
    if form.get("refresh_token", "") not in site.accounts.refresh:
        return _refusal("invalid_grant")
    site.accounts.refresh.discard(form["refresh_token"])
    return JSONResponse(site.accounts.grant(client, refresh=True), headers=_PRIVATE)


def _service(site: Site, form: dict[str, str], client: str) -> Response:
    if (client, form.get("client_secret")) != site.accounts.service:
        return _refusal("invalid_client")
    if form.get("scope", "managementserver") != "managementserver":
        return _refusal("invalid_scope")
    return JSONResponse(site.accounts.grant(client, service=True), headers=_PRIVATE)


def _refusal(error: str, description: str = "", code: str = "") -> Response:
    body = {"error": error, "error_description": description, "error_code": code}
    return JSONResponse({name: text for name, text in body.items() if text}, 400)
