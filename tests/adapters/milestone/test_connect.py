"""Getting in: every kind of account, every kind of certificate, several gateways, old releases."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
import spnego
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from responses import RequestsMock
from spnego.exceptions import SpnegoError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from adapters.milestone import gateways as gateways_of
from adapters.milestone import tls
from adapters.milestone.gateway import Gateway
from adapters.milestone.site import Account, Site, read_site
from hooks import BadSettings, Refused, Unreachable
from hooks.section import Section
from vms_plugin.certificate import issue

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Start

URL = "https://vms.example.org"
USER = {"url": URL, "username": "renfort", "password": "secret"}


# --- settings ---


def read(**settings: object) -> Site:
    section = Section({**USER, **settings})
    site = read_site(section)
    section.end()
    return site


def test_a_basic_user_needs_nothing_more() -> None:
    assert read() == Site(url=URL, username="renfort", password="secret")


@pytest.mark.parametrize("name", ["CSU\\renfort", "renfort@csu.local"])
def test_a_windows_account_is_named_with_its_domain(name: str) -> None:
    assert read(account="windows", username=name).account is Account.WINDOWS


@pytest.mark.parametrize(
    "written",
    ["SHA256 Fingerprint=" + ":".join(["AB"] * 32), "ab" * 32, " AB " * 32],
)
def test_a_fingerprint_is_read_as_tools_show_it(written: str) -> None:
    assert read(fingerprint=written).fingerprint == "ab" * 32


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"account": "windows"}, "username"),
        ({"account": "windows", "username": "CSU\\"}, "username"),
        ({"account": "kerberos"}, "account"),
        ({"fingerprint": "ab" * 20}, "fingerprint"),
        ({"fingerprint": "ab" * 32, "ca": __file__}, "fingerprint"),
        ({"ca": __file__}, "ca"),
        ({"gateways": ["http://gw.example.org"]}, "gateways"),
        ({"gateways": ["https://me:pw@gw.example.org"]}, "gateways"),
        ({"gateways": ["gw.example.org"]}, "gateways"),
        ({"gateways": "https://gw.example.org"}, "gateways"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], field: str) -> None:
    with pytest.raises(BadSettings) as bad:
        read(**settings)

    assert bad.value.field == field
    assert "pw" not in str(bad.value)


# --- servers ---


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], wrap: ssl.SSLContext | None = None
) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if wrap:
        server.socket = wrap.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'https' if wrap else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def tell(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# --- Windows accounts ---


class Provider(Quiet):
    """An identity provider that checks NTLM as IIS does: three legs on one connection."""

    tries = 0
    forms: list[dict[str, list[str]]]

    def setup(self) -> None:
        super().setup()
        self.context: Any = None

    def do_GET(self) -> None:
        """Answer what is asked with the token."""
        good = self.headers["Authorization"] == "Bearer windows"
        self.tell(200 if good else 404, b'{"array": []}')

    def do_POST(self) -> None:
        """Give a token to whoever proves that he knows the password."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.path != "/IDP/connect/token":
            self.tell(404, b"<html></html>")
            return
        scheme, _, sent = (self.headers["Authorization"] or "").partition(" ")
        if scheme != "NTLM":
            self.tell(401, b"", WWW_Authenticate="NTLM")
            return
        self.context = self.context or spnego.server(protocol="ntlm")
        try:
            out = self.context.step(base64.b64decode(sent))
        except SpnegoError:
            type(self).tries += 1
            self.tell(401, b"<html>401 - Unauthorized</html>", WWW_Authenticate="NTLM")
            return
        if not self.context.complete:
            self.tell(401, b"", WWW_Authenticate=f"NTLM {base64.b64encode(out).decode()}")
            return
        self.forms.append(form)
        self.tell(200, b'{"access_token": "windows", "expires_in": 3600}')


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Provider]:
    (tmp_path / "accounts").write_text("CSU:renfort:s3cret & é\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    return type("Fresh", (Provider,), {"forms": [], "tries": 0})


def windows(url: str, password: str) -> Gateway:
    return Gateway(
        Site(url=url, username="CSU\\renfort", password=password, account=Account.WINDOWS)
    )


def test_a_windows_account_logs_in_by_ntlm_past_the_gateway(provider: type[Provider]) -> None:
    with serving(provider) as url:
        gateway = windows(url, "s3cret & é")

        assert gateway.ask("GET", "cameras").json() == {"array": []}
        gateway.close()

    assert provider.forms == [
        {"grant_type": ["windows_credentials"], "client_id": ["GrantValidatorClient"]}
    ]


def test_a_wrong_windows_password_is_sent_once(provider: type[Provider]) -> None:
    """Active Directory locks accounts too."""
    with serving(provider) as url:
        gateway = windows(url, "wrong")
        for _ in range(5):
            with pytest.raises(Refused, match=r"Windows refuses the account CSU\\renfort"):
                gateway.ask("GET", "cameras")
        gateway.close()

    assert provider.tries == 1


@pytest.mark.parametrize("header", ["NTLM", "NTLM nonsense"])
def test_half_an_ntlm_exchange_is_no_refusal_of_the_account(header: str) -> None:
    class Broken(Quiet):
        def do_GET(self) -> None:
            self.tell(404, b"")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.tell(401, b"", WWW_Authenticate=header)

    with serving(Broken) as url:
        gateway = windows(url, "secret")
        for _ in range(2):
            with pytest.raises((Unreachable, Refused)):
                gateway.ask("GET", "cameras")
        gateway.close()


def test_the_simulated_site_takes_a_windows_account_at_its_provider_alone(xprotect: Start) -> None:
    site = xprotect("--windows", "CSU\\renfort=s3cret", logged_in=False)
    gateway = windows(site.url, "s3cret")

    rows = list(gateway.rows("cameras?disabled"))
    gateway.close()

    assert len(rows) == 12


# --- services ---


def test_a_service_asks_with_its_secret_and_no_password() -> None:
    with RequestsMock() as mock:
        mock.get(f"{URL}/API/.well-known/uris", json={"ProductVersion": "25.1"})
        asked = mock.post(
            f"{URL}/API/IDP/connect/token", json={"access_token": "t", "expires_in": 3600}
        )
        mock.get(f"{URL}/API/rest/v1/cameras", json={"array": []})
        gateway = Gateway(Site(url=URL, username="app", password="s&cret", account=Account.SERVICE))
        gateway.ask("GET", "cameras")
        form = parse_qs(str(asked.calls[0].request.body))

    assert form == {
        "grant_type": ["client_credentials"], "client_id": ["app"], "client_secret": ["s&cret"]
    }  # fmt: skip


# --- certificates ---


class Said(Quiet):
    """Says where it is, and gives a token."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.tell(200, b'{"array": [], "ProductVersion": "25.1"}')

    def do_POST(self) -> None:
        self.seen.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.tell(200, b'{"access_token": "t"}')


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, Path, str, list[str]]]:
    """A site whose certificate no public authority signed: address, authority, fingerprint."""
    files = issue(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    first = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    fingerprint = hashlib.sha256(first.public_bytes(Encoding.DER)).hexdigest()
    seen: list[str] = []
    with serving(type("Fresh", (Said,), {"seen": seen}), context) as url:
        yield url, files.ca, fingerprint, seen


def try_it(url: str, **known: Any) -> None:
    gateway = Gateway(Site(url=url, username="renfort", password="secret", **known))
    try:
        gateway.ask("GET", "cameras")
    finally:
        gateway.close()


Guarded = tuple[str, Path, str, list[str]]


def test_the_towns_own_authority_is_believed(guarded: Guarded) -> None:
    try_it(guarded[0], ca=guarded[1])


def test_a_pinned_certificate_is_believed_whoever_signed_it(guarded: Guarded) -> None:
    try_it(guarded[0].replace("127.0.0.1", "localhost"), fingerprint=guarded[2])


def test_another_certificate_than_the_pinned_one_gets_no_byte_and_is_shown(
    guarded: Guarded,
) -> None:
    url, _, fingerprint, seen = guarded

    with pytest.raises(Refused, match="is not the one of the settings") as refused:
        try_it(url, fingerprint="ab" * 32)

    assert refused.value.params["shown"] == fingerprint
    assert seen == []


@pytest.mark.parametrize("shown", ["b" * 64, "a" * 64, "0b" * 32])
def test_the_certificate_shown_is_whole_whatever_it_begins_with(shown: str) -> None:
    gateway = Gateway(Site(url="https://vms.example", username="renfort", password="secret"))

    def refuse() -> requests.Response:
        text = f'Fingerprints did not match. Expected "{"c" * 64}", got "{shown}"'
        raise requests.exceptions.SSLError(text)

    with pytest.raises(Refused) as refused:
        gateway.attempt(refuse, "https://vms.example")

    assert refused.value.params["shown"] == shown


def test_a_certificate_nobody_vouches_for_is_refused(guarded: Guarded) -> None:
    with pytest.raises(Refused, match="give its authority in ca"):
        try_it(guarded[0])

    assert guarded[3] == []


@pytest.mark.parametrize(
    ("known", "good"),
    [
        (lambda ca, pin: {"ca": ca}, True),
        (lambda ca, pin: {"fingerprint": pin}, True),
        (lambda ca, pin: {"fingerprint": "ab" * 32}, False),
        (lambda ca, pin: {}, False),
    ],
)
async def test_a_websocket_is_verified_as_the_requests_are(
    guarded: Guarded, known: Callable[[Path, str], dict[str, Any]], good: bool
) -> None:
    url, ca, fingerprint, _ = guarded
    site = Site(url=url, username="r", password="s", **known(ca, fingerprint))
    port = int(url.rpartition(":")[2])

    async def shake() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls.context(site))
        writer.close()
        await writer.wait_closed()

    if good:
        await shake()
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake()


# --- several gateways ---

GW = "https://gw{}.example.org"
SITE = Site(
    url=GW.format(1), gateways=(GW.format(2), GW.format(3)), username="renfort", password="secret"
)


@pytest.fixture
def three() -> Iterator[RequestsMock]:
    """Three gateways that answer alike."""
    with RequestsMock(assert_all_requests_are_fired=False) as mock:
        for number in (1, 2, 3):
            base = f"{GW.format(number)}/API"
            mock.get(f"{base}/.well-known/uris", json={"ProductVersion": "25.1"})
            mock.post(f"{base}/IDP/connect/token", json={"access_token": f"t{number}"})
            mock.get(f"{base}/rest/v1/cameras", json={"array": [], "from": number})
            mock.post(f"{base}/rest/v1/alarms", json={"data": {"id": str(number)}}, status=202)
        yield mock


def lose(mock: RequestsMock, number: int, fault: Exception | None = None) -> None:
    """Let a gateway's machine go dark."""
    never = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    gone = fault or requests.exceptions.ConnectionError(MaxRetryError(None, "/", never))  # type: ignore[arg-type]
    base = f"{GW.format(number)}/API"
    for verb, path in (
        ("GET", "/.well-known/uris"), ("POST", "/IDP/connect/token"),
        ("GET", "/rest/v1/cameras"), ("POST", "/rest/v1/alarms"),
    ):  # fmt: skip
        mock.replace(verb, base + path, body=gone)


def test_a_press_passes_by_the_next_gateway_when_the_first_is_dark(three: RequestsMock) -> None:
    gateway = Gateway(SITE)
    assert gateway.ask("GET", "cameras").json()["from"] == 1
    lose(three, 1)

    assert gateway.ask("POST", "alarms", {}).json() == {"data": {"id": "2"}}
    assert gateway.ask("GET", "cameras").json()["from"] == 2
    lose(three, 2)
    assert gateway.ask("GET", "cameras").json()["from"] == 3


def test_the_first_gateway_may_be_dark_at_the_start(three: RequestsMock) -> None:
    lose(three, 1)

    assert Gateway(SITE).ask("GET", "cameras").json()["from"] == 2


def test_an_alarm_that_may_have_been_made_is_not_made_again_elsewhere(three: RequestsMock) -> None:
    gateway = Gateway(SITE)
    gateway.ask("GET", "cameras")
    lost_reply = requests.exceptions.ConnectionError("Remote end closed connection")
    three.replace("POST", f"{GW.format(1)}/API/rest/v1/alarms", body=lost_reply)

    with pytest.raises(Unreachable):
        gateway.ask("POST", "alarms", {})

    made = [call for call in three.calls if call.request.method == "POST"]
    assert [str(call.request.url) for call in made if "alarms" in str(call.request.url)] == [
        f"{GW.format(1)}/API/rest/v1/alarms"
    ]


@pytest.mark.parametrize("status", [502, 503])
def test_a_gateway_that_is_broken_is_left_for_the_next_call(
    three: RequestsMock, status: int
) -> None:
    gateway = Gateway(SITE)
    gateway.ask("GET", "cameras")
    three.replace("GET", f"{GW.format(1)}/API/rest/v1/cameras", body="down", status=status)

    with pytest.raises(Unreachable):
        gateway.ask("GET", "cameras")
    assert gateway.ask("GET", "cameras").json()["from"] == 2


def test_all_gateways_dark_is_said_of_the_first_and_mends_by_itself(three: RequestsMock) -> None:
    gateway = Gateway(SITE)
    for number in (1, 2, 3):
        lose(three, number)
    with pytest.raises(Unreachable, match=r"gw1\.example\.org"):
        gateway.ask("GET", "cameras")

    base = f"{GW.format(3)}/API"
    three.replace(responses.GET, f"{base}/.well-known/uris", json={"ProductVersion": "25.1"})
    three.replace(responses.POST, f"{base}/IDP/connect/token", json={"access_token": "t3"})
    three.replace(responses.GET, f"{base}/rest/v1/cameras", json={"array": [], "from": 3})

    assert gateway.ask("GET", "cameras").json()["from"] == 3


# --- old releases ---


@pytest.mark.parametrize(
    ("uris", "openid"),
    [
        ({"json": {"ProductVersion": "20.3.1"}}, {}),
        ({"status": 404, "body": "<html>"}, {"server_version": "20.2.0.1"}),
    ],
)
def test_a_release_before_the_gateway_is_named(
    uris: dict[str, Any], openid: dict[str, str]
) -> None:
    with RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{URL}/API/.well-known/uris", **uris)
        mock.get(f"{URL}/IDP/.well-known/openid-configuration", json=openid)
        with pytest.raises(Refused, match=r"XProtect 20\.[23].*2021 R2 or later"):
            Gateway(Site(url=URL, username="r", password="s")).found()


@pytest.mark.parametrize("said", ["21.2.0.1", "25.1.1804.0", "", "unknown", "∞"])
def test_other_releases_are_not_turned_away(said: str) -> None:
    with RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{URL}/API/.well-known/uris", json={})
        mock.get(f"{URL}/IDP/.well-known/openid-configuration", json={"server_version": said})

        found = Gateway(Site(url=URL, username="r", password="s")).found()

    # The provider's word is as good as the gateway's: live views and doctor go by it.
    assert (found.base, found.version) == (f"{URL}/API", said)


@pytest.mark.parametrize(
    ("server", "gateways", "address"),
    [
        ("https://ms.ville.example/", ["https://vms.example/API/"], "https://ms.ville.example"),
        # It is a gateway too, called by a name that may mean nothing here.
        ("https://ms.local/", ["https://ms.local/API/"], "https://vms.example"),
        ("https://ms.local/", [], "https://vms.example"),
        ("https://vms.example/", ["https://gw.example/API/"], "https://vms.example"),
        ("http://ms.ville.example/", ["https://vms.example/API/"], "https://vms.example"),
        (None, ["https://vms.example/API/"], "https://vms.example"),
    ],
)
def test_soap_is_asked_of_the_management_server_where_ours_is_a_gateway(
    server: str | None, gateways: list[str], address: str
) -> None:
    site = Site(url="https://vms.example", username="renfort", password="secret")
    said = gateways_of.Said.read({"SecureManagementServer": server, "ApiGateways": gateways}, site)

    assert gateways_of.management(site, said) == address
