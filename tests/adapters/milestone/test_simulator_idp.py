"""The simulated identity provider, seen by foreign clients."""

from __future__ import annotations

import argparse
import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.milestone.simulator import Simulator

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

REFUSED = {"error": "invalid_grant", "error_description": "invalid_username_or_password"}


def unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(site: Running, access: str) -> dict[str, Any]:
    """Verify a token against the published key, as RFC 7515 says, and read it."""
    discovery = site.http.get("/idp/.well-known/openid-configuration").json()
    [key] = site.http.get(discovery["jwks_uri"]).json()["keys"]
    exponent, modulus = (int.from_bytes(unpack(key[name]), "big") for name in ("e", "n"))
    head, claims, mark = access.split(".")
    assert json.loads(unpack(head)) == {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    public.verify(unpack(mark), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    read: dict[str, Any] = json.loads(unpack(claims))
    return read


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    Simulator.add_arguments(parser)
    return parser.parse_args(words)


def test_discovery_names_the_release_the_provider_and_the_gateway(xprotect: Start) -> None:
    site = xprotect("--release", "2023R2", logged_in=False)

    found = site.http.get("/api/.well-known/uris").json()

    assert found == {
        "ProductVersion": "23.2.0.1",
        "UnsecureManagementServer": f"{site.url}/",
        "SecureManagementServer": "",
        "IdentityProvider": f"{site.url}/IDP",
        "ApiGateways": [f"{site.url}/API/"],
    }


def test_the_token_endpoint_discovered_gives_a_token(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    discovery = site.http.get("/idp/.well-known/openid-configuration").json()

    answer = site.grant(discovery["token_endpoint"])

    assert discovery["server_version"] == "25.1.1804.0"
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path", ["/API/IDP/connect/token", "/idp/Connect/Token", "/Api/idp/CONNECT/token"]
)
def test_the_gateway_and_the_provider_give_tokens_whatever_the_case(
    xprotect: Start, path: str
) -> None:
    site = xprotect("--token-life", "77", logged_in=False)

    answer = site.grant(path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("no-store")
    assert set(answer.json()) == {"access_token", "expires_in", "token_type", "scope"}
    assert answer.json()["expires_in"] == 77
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["scope"] == "managementserver"


def test_the_token_is_signed_and_says_when_it_lapses(xprotect: Start) -> None:
    site = xprotect("--token-life", "77", logged_in=False)

    claims = claims_of(site, site.log_in())

    assert claims["exp"] == int(site.clock.now) + 77
    assert claims["scope"] == ["managementserver"]


def test_a_token_tampered_with_does_not_verify(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    head, _, mark = site.log_in().split(".")
    forged = base64.urlsafe_b64encode(b'{"exp":9999999999}').decode().rstrip("=")

    with pytest.raises(InvalidSignature):
        claims_of(site, f"{head}.{forged}.{mark}")


def test_a_password_written_unencoded_into_the_form_is_refused(xprotect: Start) -> None:
    """The maker's own samples do it, and work only with plain passwords."""
    site = xprotect(logged_in=False)
    fields = {
        "grant_type": "password", "username": site.ready["username"],
        "password": site.ready["password"], "client_id": "GrantValidatorClient",
    }  # fmt: skip
    form = "&".join(f"{name}={value}" for name, value in fields.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = requests.post(
        f"{site.url}/API/IDP/connect/token", data=form.encode(), headers=headers, timeout=5
    )

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_a_plus_left_bare_is_a_space_so_the_password_is_wrong(xprotect: Start) -> None:
    site = xprotect("--password", "a+b", logged_in=False)
    form = "grant_type=password&username=renfort&password=a+b&client_id=GrantValidatorClient"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = site.http.post("/API/IDP/connect/token", content=form, headers=headers)

    assert answer.json() == {**REFUSED, "error_code": "InvalidCredential"}


def test_a_token_is_not_asked_for_in_json(xprotect: Start) -> None:
    site = xprotect(logged_in=False)

    answer = site.http.post("/API/IDP/connect/token", json={"grant_type": "password"})

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"client_id": "Somebody"}, "invalid_client"),
        ({"grant_type": "refresh_token"}, "unauthorized_client"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
    ],
)
def test_what_the_provider_does_not_know_is_refused_by_its_name(
    xprotect: Start, changes: dict[str, str], error: str
) -> None:
    site = xprotect(logged_in=False)

    answer = site.grant(**changes)

    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_the_fifth_wrong_password_locks_the_account_even_for_the_right_one(
    xprotect: Start,
) -> None:
    site = xprotect(logged_in=False)

    answers = [site.grant(password="wrong") for _ in range(5)]

    codes = [answer.json()["error_code"] for answer in answers]
    assert codes == ["InvalidCredential"] * 4 + ["LockedOut"]
    assert site.grant().status_code == 400
    assert site.grant().json() == {**REFUSED, "error_code": "LockedOut"}
    assert site.http.get("/simulator/state").json()["locked"] is True


def test_a_locked_account_is_unlocked_by_hand(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    for _ in range(5):
        site.grant(password="wrong")

    site.order("unlock")

    assert site.grant().status_code == 200


def test_a_locked_account_opens_again_after_five_minutes(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    for _ in range(5):
        site.grant(password="wrong")

    site.clock.now += 299
    assert site.grant().status_code == 400
    site.clock.now += 1
    assert site.grant().status_code == 200


def test_a_right_password_starts_the_count_again(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    for _ in range(4):
        site.grant(password="wrong")
    site.grant()

    assert site.grant(password="wrong").json()["error_code"] == "InvalidCredential"


def test_guessing_at_another_name_does_not_lock_the_account(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    for _ in range(9):
        assert site.grant(username="nobody").json()["error_code"] == "InvalidCredential"

    assert site.grant().status_code == 200


def test_a_refresh_token_gives_another_token_once(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    first = site.grant(client_id="VmsClient").json()["refresh_token"]
    how = {"grant_type": "refresh_token", "client_id": "VmsClient", "refresh_token": first}

    again, twice = site.grant(**how), site.grant(**how)

    assert again.status_code == 200
    assert again.json()["refresh_token"] != first
    assert (twice.status_code, twice.json()) == (400, {"error": "invalid_grant"})


def test_refresh_tokens_may_be_made_to_lapse(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    refresh = site.grant(client_id="VmsClient").json()["refresh_token"]
    how = {"grant_type": "refresh_token", "client_id": "VmsClient", "refresh_token": refresh}

    site.order("expire", refresh=True)

    assert site.grant(**how).status_code == 400


def test_a_service_logs_in_with_its_secret(xprotect: Start) -> None:
    site = xprotect("--service", "app=s3cr&t", logged_in=False)
    form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cr&t"}

    def ask(**changes: str) -> requests.Response:
        url = f"{site.url}/API/IDP/connect/token"
        return requests.post(url, data={**form, **changes}, timeout=5)

    assert ask(scope="managementserver").status_code == 200
    assert ask(client_secret="other").json() == {"error": "invalid_client"}
    assert ask(scope="everything").json() == {"error": "invalid_scope"}


@pytest.mark.parametrize("path", ["/API/IDP/connect/token", "/IDP/connect/token"])
def test_a_service_may_put_its_secret_in_the_header(xprotect: Start, path: str) -> None:
    """So do most OAuth libraries (RFC 6749 §2.3.1), name and secret encoded as in a form."""
    site = xprotect("--service", "app=s3cr&t", logged_in=False)

    def ask(secret: str) -> int:
        form = {"grant_type": "client_credentials", "scope": "managementserver"}
        url = f"{site.url}{path}"
        answer = requests.post(url, data=form, auth=("app", quote_plus(secret)), timeout=5)
        return answer.status_code

    assert (ask("s3cr&t"), ask("other")) == (200, 400)


def test_windows_users_are_invited_by_the_provider_and_not_through_the_gateway(
    xprotect: Start,
) -> None:
    site = xprotect(logged_in=False)

    through = site.grant("/API/IDP/connect/token", grant_type="windows_credentials")
    directly = site.grant("/IDP/connect/token", grant_type="windows_credentials")

    assert (through.status_code, through.headers.get("www-authenticate")) == (401, None)
    assert (directly.status_code, directly.headers.get("www-authenticate")) == (401, "NTLM")


def test_no_token_and_a_made_up_token_are_refused_with_different_words(xprotect: Start) -> None:
    site = xprotect(logged_in=False)

    missing = site.rest("GET", "cameras")
    made_up = site.rest("GET", "cameras", headers={"Authorization": "Bearer x"})

    assert (missing.status_code, made_up.status_code) == (401, 401)
    assert missing.json()["error"]["httpCode"] == 401
    assert missing.json() != made_up.json()


@pytest.mark.parametrize("how", ["time", "order"])
def test_an_expired_token_is_refused_as_recorded(xprotect: Start, how: str) -> None:
    site = xprotect("--token-life", "60")
    assert site.rest("GET", "cameras").status_code == 200

    if how == "time":
        site.clock.now += 60
    else:
        assert site.order("expire") == {"tokens": 1}

    text = "Token validation failed: the token is expired."
    answer = site.rest("GET", "cameras")
    assert answer.status_code == 401
    assert answer.json() == {"error": {"httpCode": 401, "details": [{"errorText": text}]}}
    site.log_in()
    assert site.rest("GET", "cameras").status_code == 200


def test_the_token_endpoint_only_takes_posts(xprotect: Start) -> None:
    assert xprotect(logged_in=False).http.get("/API/IDP/connect/token").status_code == 405


def test_outside_the_gateway_a_missing_page_is_html(xprotect: Start) -> None:
    answer = xprotect().http.get("/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "words", [("--token-life", "0"), ("--latency-ms", "-1"), ("--release", "2019R1")]
)
def test_options_that_make_no_sense_are_refused(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(*words)
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--service", "nothing"), ("--bodyworn", "=PM-214")])
def test_pairs_half_written_are_refused_by_their_option(words: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match=words[0]):
        Simulator(parse(*words))
