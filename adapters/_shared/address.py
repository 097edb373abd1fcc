"""The address of a server, as a site's settings give it."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from hooks.errors import BadSettings


def is_here(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bare(field: str, url: str) -> str:
    """Check an address of a server to which a password goes: TLS is not optional.

    Raises
    ------
    BadSettings
        It has more than scheme, host and port, or goes in clear beyond this machine.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        shown = f"{parts.scheme}://{parts.hostname}…"  # never a password in an error
        raise BadSettings(field, shown, "write scheme, host and port alone, as https://192.0.2.10")
    if parts.scheme == "http" and not is_here(parts.hostname or ""):
        raise BadSettings(field, url, "write https://; plain http is for this very machine alone")
    return url
