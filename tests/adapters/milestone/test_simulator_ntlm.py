"""Windows users at the simulated identity provider: requests-ntlm is the client."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
import spnego
from hypothesis import given
from hypothesis import strategies as st
from requests_ntlm import HttpNtlmAuth
from spnego._ntlm_raw.crypto import RC4Handle
from spnego._ntlm_raw.md4 import md4 as theirs

from adapters.milestone.simulator import ntlm

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

FORM = {"grant_type": "windows_credentials", "client_id": "GrantValidatorClient"}


def log_in(
    site: Running, user: str = "", password: str = "", path: str = "/IDP/connect/token"
) -> requests.Response:
    auth = HttpNtlmAuth(
        user or site.ready["windows_username"], password or site.ready["windows_password"]
    )
    with requests.Session() as session:
        return session.post(f"{site.url}{path}", data=FORM, auth=auth, timeout=5)


def test_a_windows_user_logs_in_and_his_token_opens_the_gateway(xprotect: Start) -> None:
    site = xprotect(logged_in=False)

    answer = log_in(site)

    access = answer.json()["access_token"]
    site.http.headers["Authorization"] = f"Bearer {access}"
    assert site.rest("GET", "sites").status_code == 200


def test_names_have_no_case_and_passwords_may_hold_anything(xprotect: Start) -> None:
    site = xprotect("--windows", "VILLE\\agent=é=&% \\ñ", logged_in=False)

    assert log_in(site, "ville\\AGENT").status_code == 200


@pytest.mark.parametrize(
    ("user", "password"),
    [("", "wrong"), ("VILLE\\nobody", ""), ("OTHER\\svc-renfort", "")],
)
def test_who_does_not_prove_his_password_is_asked_again(
    xprotect: Start, user: str, password: str
) -> None:
    site = xprotect(logged_in=False)

    answer = log_in(site, user, password)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("NTLM")


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    for _ in range(5):
        assert log_in(site, password="wrong").status_code == 401

    assert log_in(site).status_code == 401
    site.order("unlock")

    assert log_in(site).status_code == 200


def test_the_gateway_passes_no_ntlm_through(xprotect: Start) -> None:
    answer = log_in(xprotect(logged_in=False), path="/API/IDP/connect/token")

    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("given", ["", "NTLM", "NTLM !", "NTLM AAAA", "Negotiate AAAA"])
def test_what_is_no_handshake_is_invited_to_one(xprotect: Start, given: str) -> None:
    site = xprotect(logged_in=False)

    answer = site.http.post(
        "/IDP/connect/token", data=FORM, headers={"Authorization": given} if given else {}
    )

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "NTLM")


def test_a_third_message_without_the_first_proves_nothing(xprotect: Start) -> None:
    site = xprotect(logged_in=False)
    third = base64.b64encode(b"NTLMSSP\x00\x03\x00\x00\x00" + bytes(80)).decode()

    answer = site.http.post(
        "/IDP/connect/token", data=FORM, headers={"Authorization": f"NTLM {third}"}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "wish", [0, spnego.ContextReq.integrity | spnego.ContextReq.confidentiality]
)
def test_a_message_that_was_touched_on_its_way_is_refused(wish: Any) -> None:
    client = spnego.client("VILLE\\agent", "secret", protocol="ntlm", context_req=wish)
    account, nonce = ntlm.Account("VILLE", "agent", "secret"), bytes(range(8))
    first = client.step() or b""
    second = ntlm.challenge(first, nonce, "VILLE", 1_795_000_000.0)
    third = client.step(second) or b""

    assert ntlm.verify(account, nonce, first, second, third)
    assert not ntlm.verify(account, nonce, first + b"\x00", second, third)
    assert not ntlm.verify(account, bytes(8), first, second, third)
    touched = third[:64] + bytes([third[64] ^ 1]) + third[65:]
    assert not ntlm.verify(account, nonce, first, second, touched)


@given(st.binary(max_size=300))
def test_digest_and_cipher_are_those_of_another_library(data: bytes) -> None:
    key = hashlib.sha256(data).digest()[:16]

    assert ntlm.md4(data) == theirs(data)
    assert ntlm.rc4(key, data) == RC4Handle(key).update(data)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_prove_nothing(data: bytes) -> None:
    account: Any = ntlm.Account("VILLE", "agent", "secret")
    third = b"NTLMSSP\x00\x03\x00\x00\x00" + data

    assert not ntlm.verify(account, bytes(8), b"", b"", third)
