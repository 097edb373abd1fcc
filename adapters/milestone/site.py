"""Where the site is and who we are there: the part of the settings that every call needs."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from adapters._shared.address import bare
from hooks import BadSettings
from hooks.causes import cause
from hooks.section import Section

#: Between two pieces of an answer, seconds.
READ_S = 10.0


class Account(StrEnum):
    """Which kind of account logs in."""

    BASIC = "basic"  # XProtect's own, made in Management Client
    WINDOWS = "windows"  # of the machine or of Active Directory, by NTLM
    SERVICE = "service"  # a client with its secret: client_credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the site is and who we are there."""

    url: str  #: scheme, host and port of the management server or of an API gateway
    username: str  #: DOMAIN\\user for a Windows account; the client's id for a service
    password: str = field(repr=False)  #: the client's secret for a service
    account: Account = Account.BASIC
    gateways: tuple[str, ...] = ()  #: other gateways, in the order in which they are to serve
    ca: Path | None = None
    fingerprint: str = ""  #: SHA-256 of the only certificate that is trusted, 64 hex digits
    lockout_pause_s: float = 900.0
    patience_s: float = READ_S

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return urlsplit(self.url).netloc


def read_site(section: Section) -> Site:
    """Read and check the connection's settings; touches no network.

    Raises
    ------
    BadSettings
        With the field, its value and the remedy.
    """
    ca, fingerprint = section.file("ca"), _fingerprint(section)
    if ca is not None:
        if fingerprint:
            raise BadSettings("fingerprint", fingerprint, "write either ca or fingerprint")
        _check_authority(ca)
    account = Account.BASIC
    if (written := section.text("account", "")) != "":
        if written not in list(Account):
            known = ", ".join(Account)
            raise BadSettings("account", written, "write one of: {allowed}", allowed=known)
        account = Account(written)
    return Site(
        url=_plain(section.url("url"), "url"),
        gateways=tuple(
            _plain(each.rstrip("/"), "gateways") for each in section.texts("gateways", ())
        ),
        account=account,
        username=_username(section, account),
        password=section.text("password"),
        ca=ca,
        fingerprint=fingerprint,
        lockout_pause_s=section.number("lockout_pause_s", 900, low=60, high=86400),
    )


def _plain(url: str, field: str) -> str:
    """Check an address of a gateway, and that it can be one."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise BadSettings(
            field, url, "write an address beginning with {schemes}", schemes="https://"
        )
    return bare(field, url)


def _username(section: Section, account: Account) -> str:
    name = section.text("username")
    parts = name.split("\\") if "\\" in name else name.split("@")
    if account is Account.WINDOWS and not (len(parts) == 2 and all(parts)):
        raise BadSettings(
            "username", name, "write a Windows account as {example}", example="DOMAIN\\user"
        )
    return name


def _fingerprint(section: Section) -> str:
    """Read a SHA-256 fingerprint as openssl and browsers show it: with colons, spaces, capitals."""
    written = section.text("fingerprint", "")
    found = re.sub(r"[\s:]", "", written).lower().removeprefix("sha256fingerprint=")
    if found and not re.fullmatch(r"[0-9a-f]{64}", found):
        raise BadSettings(
            "fingerprint", written, "write the 64 hexadecimal digits of the certificate's SHA-256"
        )
    return found


def _check_authority(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:
        raise BadSettings(
            "ca", str(path), "write the path of a PEM file of certificates: {cause}",
            cause=cause(error),
        ) from error  # fmt: skip
