"""What a site says of itself before anybody logs in: its gateways, its version. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from adapters.milestone.site import Site

#: Served without a token; says where the gateways are, and the product's version.
URIS = "/.well-known/uris"
#: "server_version" there: below 21 there is no OAuth, hence no gateway (the maker's sample).
OPENID = "/.well-known/openid-configuration"
FIRST_MAJOR = 21


def read_json(content: bytes) -> object:
    """Read an answer: UTF-8 whatever its header says, a mark of it at the start passed over.

    RFC 8259 §8.1. A header without charset would have `requests` read accents as Latin 1.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON.
    """
    found: object = json.loads(content)
    return found


def reason(content: bytes) -> str:
    """Read why something is refused; empty: nothing there says it in words.

    `error.details[].errorText` as recorded; the maker's pages show it without `error` around it;
    what the web framework refuses by itself bears a `title` (RFC 9457).
    """
    try:
        said = read_json(content)
    except (ValueError, RecursionError):
        return ""
    error = said.get("error", said) if isinstance(said, dict) else None
    if isinstance(error, str):
        return error
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    texts = [
        str(each["errorText"])
        for each in (details if isinstance(details, list) else ())
        if isinstance(each, dict) and each.get("errorText")
    ]
    plain = (error.get(name) for name in ("errorText", "detail", "title"))
    return "; ".join(texts) or next((str(each) for each in plain if each), "")


@dataclass(frozen=True, slots=True)
class Found:
    """Which gateway is used: its base address (…/API), and what the site says of itself."""

    base: str
    version: str = ""
    idp: str = ""  #: the identity provider itself (…/IDP), which alone takes Windows accounts
    management: str = ""  #: the management server, which alone speaks SOAP


@dataclass(frozen=True, slots=True)
class Said:
    """What `.well-known/uris` says, as far as it may be believed."""

    version: str = ""
    gateways: tuple[str, ...] = ()
    idp: str = ""
    management: str = ""

    @classmethod
    def read(cls, said: Mapping[str, Any], site: Site) -> Said:
        """Read it; an address less safe than the one of the settings is left out."""
        listed = said.get("ApiGateways")
        gateways = [
            each.rstrip("/")
            for each in (listed if isinstance(listed, list) else [])
            if may_be_used(each, site)
        ]
        idp = said.get("IdentityProvider")
        server = said.get("SecureManagementServer") or said.get("UnsecureManagementServer")
        return cls(
            version=str(said.get("ProductVersion") or ""),
            gateways=tuple(gateways),
            idp=str(idp).rstrip("/") if may_be_used(idp, site) else "",
            management=str(server).rstrip("/") if may_be_used(server, site) else "",
        )


def may_be_used(base: object, site: Site) -> bool:
    """Never send the password to a place less safe than the one written in the settings."""
    if not isinstance(base, str):
        return False
    try:
        parts = urlsplit(base)
        named = parts.hostname is not None and parts.username is None
    except ValueError:
        return False
    return named and parts.scheme in ("https", urlsplit(site.url).scheme)


def candidates(site: Site, said: Said, lost: str) -> list[str]:
    """List the gateways to try, best first; the one just lost comes last.

    A name that is good inside the site may mean nothing here: those written in the settings come
    first. Where the site lists gateways and ours is none of them, ours is a management server.
    """
    own = [f"{each}/API" for each in (site.url, *site.gateways)]
    listed = said.gateways
    if listed and not any(urlsplit(each).netloc == site.host for each in listed):
        own = own[1:]
    order = dict.fromkeys([*own, *listed])
    return sorted(order, key=lambda base: base == lost)


def management(site: Site, said: Said) -> str:
    """Say where the management server is: at our own address, unless that is a mere gateway's.

    A server that is a gateway too may be called there by a name that means nothing here.
    """
    named = urlsplit(said.management).netloc
    beside = {urlsplit(each).netloc for each in said.gateways}
    apart = named and beside and named not in {site.host, *beside}
    return said.management if apart else site.url


def major(version: str) -> int | None:
    """Read the first number of a version: 25 for 25.1.1804.0."""
    match = re.match(r"\s*(\d{1,4})\b", version)
    return int(match[1]) if match else None


def too_old(versions: Iterable[str]) -> str:
    """Give the version that is older than the gateway; empty: none is said to be."""
    found = (each for each in versions if (major(each) or FIRST_MAJOR) < FIRST_MAJOR)
    return next(found, "")
