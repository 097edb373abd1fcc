"""Whose certificate is trusted: a public authority's, the town's own, or one pinned certificate."""

from __future__ import annotations

import hashlib
import ssl
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from adapters.milestone.site import Site

#: Calls that may be open at once, each on a connection that is kept.
CONNECTIONS = 16


def session(site: Site) -> requests.Session:
    """Give a session that talks to this site alone, and verifies it."""
    made = requests.Session()
    # The environment's proxies are not for the VMS, and a .netrc would replace our token.
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.verify = str(site.ca) if site.ca else not site.fingerprint
    for scheme in ("https://", "http://"):
        pinned = _Pinned(site.fingerprint) if site.fingerprint else None
        made.mount(scheme, pinned or HTTPAdapter(pool_maxsize=CONNECTIONS))
    return made


def context(site: Site) -> ssl.SSLContext:
    """Give what verifies the site for a connection that asyncio makes: a WebSocket."""
    if not site.fingerprint:
        return ssl.create_default_context(cafile=str(site.ca) if site.ca else None)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.sslobject_class = type("Pinned", (_PinnedObject,), {"wanted": site.fingerprint})
    return made


class _Pinned(HTTPAdapter):
    """Takes one certificate alone, whatever its name, its dates, its issuer."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *args: Any, **how: Any) -> Any:
        """Let urllib3 compare the certificate, before it sends a byte."""
        return super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **how)


class _PinnedObject(ssl.SSLObject):
    """A connection that is broken, before a byte is said, unless the certificate is the one."""

    wanted = ""

    def do_handshake(self) -> None:
        """Shake hands, then look at the certificate."""
        super().do_handshake()
        shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
        if shown != self.wanted:
            raise ssl.SSLCertVerificationError(
                f'Fingerprints did not match. Expected "{self.wanted}", got "{shown}"'
            )
