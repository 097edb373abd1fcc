"""Digest as RFC 7616 and RFC 2069 have it, by their own examples; Basic under TLS alone."""

from __future__ import annotations

import base64
import re

from adapters.axis.auth import Account, answer

MUFASA = Account("Mufasa", "Circle of Life")
#: RFC 7616 §3.9.1.
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
MD5, SHA = (
    f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={name}, '
    f'nonce="{NONCE}", opaque="{OPAQUE}"'
    for name in ("MD5", "SHA-256")
)
BASIC = 'Basic realm="AXIS_B8A44F00A001"'


def answered(*challenges: str, account: Account = MUFASA, secure: bool = False) -> str:
    told = answer(challenges, account, "GET", "/dir/index.html", secure=secure, cnonce=CNONCE)
    assert told is not None
    return told


def response(header: str) -> str:
    [found] = re.findall(r'response="([0-9a-f]+)"', header)
    return str(found)


def test_md5_is_answered_as_in_the_rfc() -> None:
    assert response(answered(MD5)) == "8ca523f5e9506fed4657c9700eebdbec"


def test_sha_256_is_answered_as_in_the_rfc() -> None:
    expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"

    assert response(answered(SHA)) == expected


def test_the_first_challenge_that_we_know_is_answered() -> None:
    unknown = MD5.replace("MD5", "SHA-512-256")

    assert "algorithm=SHA-256" in answered(unknown, SHA, MD5)


def test_two_challenges_in_one_header_are_told_apart() -> None:
    assert response(answered(f"{BASIC}, {SHA}", secure=True)) == response(answered(SHA))


def test_a_challenge_without_qop_is_answered_as_before_qop() -> None:
    """RFC 2069 §2.4, with the response of its erratum 749."""
    account = Account("Mufasa", "CircleOfLife")
    old = (
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )

    told = answered(old, account=account)

    assert response(told) == "1949323746fe6a43ef61f9606e7febea"
    assert "qop" not in told


def test_the_opaque_and_the_nonce_come_back_as_they_were() -> None:
    told = answered(MD5)

    assert f'opaque="{OPAQUE}"' in told
    assert f'nonce="{NONCE}"' in told


def test_a_quote_in_the_username_does_not_end_it() -> None:
    told = answered(MD5, account=Account('a"b', "c"))

    assert r'username="a\"b"' in told


def test_each_answer_has_its_own_cnonce() -> None:
    first, second = (answer([MD5], MUFASA, "GET", "/", secure=False) for _ in range(2))

    assert first != second


def test_basic_is_answered_under_tls_alone() -> None:
    told = answered(BASIC, secure=True)

    assert base64.b64decode(told.removeprefix("Basic ")) == b"Mufasa:Circle of Life"
    assert answer([BASIC], MUFASA, "GET", "/", secure=False) is None


def test_digest_goes_before_basic() -> None:
    assert answered(BASIC, MD5, secure=True).startswith("Digest ")


def test_what_we_do_not_know_is_not_answered() -> None:
    unknown = ["", "Negotiate", MD5.replace("auth, auth-int", "auth-int"), 'Bearer realm="x"']

    assert answer(unknown, MUFASA, "GET", "/", secure=True) is None
