"""The gateway's edge cases: what is asked, and which error is made of which answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests
import responses
from responses import RequestsMock, matchers

from adapters.milestone.client import Client
from adapters.milestone.gateway import DeclinedError, Gateway, Site
from adapters.milestone.token import AccountRefusedError
from hooks import AdapterError, Refused, Unreachable

URL = "https://vms.example.org"
API = f"{URL}/API"
URIS = f"{API}/.well-known/uris"
TOKEN = f"{API}/IDP/connect/token"
CAMERAS = f"{API}/rest/v1/cameras"
STATES = f"{API}/rest/v1/alarmStates"
ALARMS = f"{API}/rest/v1/alarms"
HTML = "<html><body>Service unavailable</body></html>"
EXPIRED = {
    "error": {
        "httpCode": 401,
        "details": [{"errorText": "Token validation failed: the token is expired."}],
    }
}
SITE = Site(url=URL, username="renfort", password="p&ss=wörd %")


def error(status: int, text: str) -> dict[str, object]:
    return {"error": {"httpCode": status, "details": [{"errorText": text}]}}


def token(name: str = "t1") -> dict[str, object]:
    return {"access_token": name, "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture
def bare() -> Iterator[RequestsMock]:
    """A site of which nothing answers yet."""
    with RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def site(bare: RequestsMock) -> RequestsMock:
    """A site that says where it is, and gives a token."""
    bare.get(URIS, json={"ProductVersion": "25.1.1804", "ApiGateways": [f"{URL}/API/"]})
    bare.post(TOKEN, json=token())
    return bare


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway(SITE)
    yield gateway
    gateway.close()


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(SITE)
    yield client
    client.close()


def asked(mock: RequestsMock, url: str) -> list[requests.PreparedRequest]:
    return [call.request for call in mock.calls if (call.request.url or "").startswith(url)]


# --- token ---


def test_the_password_is_encoded_as_a_form(site: RequestsMock, gateway: Gateway) -> None:
    site.get(CAMERAS, json={"array": []})

    gateway.ask("GET", "cameras")

    [request] = asked(site, TOKEN)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(str(request.body)) == {
        "grant_type": ["password"], "username": ["renfort"], "password": ["p&ss=wörd %"],
        "client_id": ["GrantValidatorClient"],
    }  # fmt: skip


def test_the_token_is_carried_by_each_request(site: RequestsMock, gateway: Gateway) -> None:
    bearer = matchers.header_matcher({"Authorization": "Bearer t1"})
    site.get(CAMERAS, json={"array": []}, match=[bearer])

    gateway.ask("GET", "cameras")
    gateway.ask("GET", "cameras")

    assert len(asked(site, TOKEN)) == 1


def test_a_refused_token_is_renewed_once_and_the_request_made_again(
    bare: RequestsMock, gateway: Gateway
) -> None:
    bare.get(URIS, json={})
    bare.post(TOKEN, json=token("old"))
    bare.post(TOKEN, json=token("new"))
    for name, status, body in (("old", 401, EXPIRED), ("new", 202, {"data": {"id": "a"}})):
        bearer = matchers.header_matcher({"Authorization": f"Bearer {name}"})
        bare.post(ALARMS, json=body, status=status, match=[bearer])

    answer = gateway.ask("POST", "alarms", {"name": "x"})

    assert answer.status_code == 202
    assert [json.loads(each.body or "") for each in asked(bare, ALARMS)] == [{"name": "x"}] * 2


def test_a_token_refused_twice_is_refused_for_good(site: RequestsMock, gateway: Gateway) -> None:
    site.get(CAMERAS, json=EXPIRED, status=401)

    with pytest.raises(Refused, match="the token is expired"):
        gateway.ask("GET", "cameras")

    assert len(asked(site, CAMERAS)) == 2
    assert len(asked(site, TOKEN)) == 2


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"error": "invalid_grant", "error_description": "invalid_username_or_password"},
         "invalid_username_or_password"),
        ({"error": "invalid_grant", "error_description": "invalid_username_or_password",
          "error_code": "LockedOut"}, "locked"),
        ({"error": "invalid_client"}, "invalid_client"),
        ({}, "check username and password"),
    ],
)  # fmt: skip
def test_a_refused_account_is_asked_once_and_said(
    bare: RequestsMock, gateway: Gateway, said: dict[str, str], words: str
) -> None:
    bare.get(URIS, json={})
    bare.post(TOKEN, json=said, status=400)

    for _ in range(6):
        with pytest.raises(Refused, match=words) as refused:
            gateway.ask("GET", "cameras")
        assert "p&ss" not in str(refused.value)

    assert len(asked(bare, TOKEN)) == 1


def test_an_account_locked_by_others_is_known_as_such(bare: RequestsMock, gateway: Gateway) -> None:
    bare.get(URIS, json={})
    bare.post(TOKEN, json={"error": "invalid_grant", "error_code": "LockedOut"}, status=400)

    with pytest.raises(AccountRefusedError) as refused:
        gateway.token()

    assert refused.value.locked


@pytest.mark.parametrize(
    ("status", "body"), [(400, HTML), (502, HTML), (200, HTML), (200, "{}"), (404, HTML)]
)
def test_a_provider_that_does_not_answer_as_one_is_unreachable_not_refusing(
    bare: RequestsMock, gateway: Gateway, status: int, body: str
) -> None:
    bare.get(URIS, json={})
    bare.post(TOKEN, body=body, status=status)
    bare.get(CAMERAS, json={"array": []})

    with pytest.raises(Unreachable):
        gateway.ask("GET", "cameras")
    bare.replace(responses.POST, TOKEN, json=token())

    assert gateway.ask("GET", "cameras").status_code == 200


def test_a_token_that_would_break_a_header_is_not_used(
    bare: RequestsMock, gateway: Gateway
) -> None:
    bare.get(URIS, json={})
    bare.post(TOKEN, json=token("t\r\nX-Evil: 1"))

    with pytest.raises(Unreachable, match="no token"):
        gateway.ask("GET", "cameras")


# --- errors ---


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_a_fault_of_the_servers_is_worth_another_try(
    site: RequestsMock, gateway: Gateway, status: int
) -> None:
    site.get(CAMERAS, body="Bad gateway configuration", status=status)

    with pytest.raises(Unreachable, match=f"vms.example.org answers {status} to cameras"):
        gateway.ask("GET", "cameras")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "Bad request: Unknown request"),
        (403, "You do not have sufficient permissions to complete the operation."),
        (404, "Unknown resource: recordings"),
    ],
)
def test_a_refusal_gives_the_makers_own_words(
    site: RequestsMock, gateway: Gateway, status: int, text: str
) -> None:
    site.get(CAMERAS, json=error(status, text), status=status)

    with pytest.raises(DeclinedError, match=text) as declined:
        gateway.ask("GET", "cameras")

    assert declined.value.status == status


@pytest.mark.parametrize(
    "body", [{}, {"error": 3}, {"error": {"details": 1}}, {"error": {"details": [{}]}}]
)
def test_a_refusal_in_other_words_is_still_a_refusal(
    site: RequestsMock, gateway: Gateway, body: dict[str, object]
) -> None:
    site.get(CAMERAS, json=body, status=400)

    with pytest.raises(DeclinedError, match="400"):
        gateway.ask("GET", "cameras")


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_page_of_a_proxy_is_no_refusal(site: RequestsMock, gateway: Gateway, status: int) -> None:
    site.get(CAMERAS, body=HTML, status=status)

    with pytest.raises(Unreachable, match="not in JSON"):
        gateway.ask("GET", "cameras")


@pytest.mark.parametrize("body", [HTML, "", "[]", "3", "[" * 100_000])
def test_an_answer_that_is_no_object_is_no_answer(
    site: RequestsMock, client: Client, body: str
) -> None:
    site.get(CAMERAS, body=body)

    with pytest.raises(Unreachable, match="not in JSON"):
        client.cameras()


@pytest.mark.parametrize("said", [{}, {"array": None}, {"array": {}}, {"data": []}])
def test_a_list_that_is_none_is_no_empty_list(
    site: RequestsMock, client: Client, said: dict[str, object]
) -> None:
    site.get(CAMERAS, json=said)

    with pytest.raises(Unreachable, match="no list"):
        client.cameras()


def test_a_redirection_is_not_followed_and_says_what_to_write(
    site: RequestsMock, gateway: Gateway
) -> None:
    site.get(CAMERAS, status=302, headers={"Location": "https://new.example.org/"})

    with pytest.raises(Refused, match=r"to https://new.example.org/: write that address in url"):
        gateway.ask("GET", "cameras")


def test_a_certificate_that_is_not_trusted_asks_for_a_person(
    bare: RequestsMock, gateway: Gateway
) -> None:
    fault = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    bare.get(URIS, body=requests.exceptions.SSLError(fault))

    with pytest.raises(Refused, match=r"vms\.example\.org is not trusted"):
        gateway.ask("GET", "cameras")


@pytest.mark.parametrize(
    "fault",
    [
        requests.exceptions.SSLError("EOF occurred in violation of protocol"),
        requests.exceptions.ConnectionError("Connection refused"),
        requests.exceptions.ReadTimeout("timed out"),
        requests.exceptions.ChunkedEncodingError("broken"),
        requests.exceptions.ContentDecodingError("not gzip"),
    ],
)
def test_a_broken_connection_is_worth_another_try(
    site: RequestsMock, gateway: Gateway, fault: Exception
) -> None:
    site.get(CAMERAS, body=fault)

    with pytest.raises(Unreachable, match=r"vms\.example\.org does not answer"):
        gateway.ask("GET", "cameras")


# --- discovery ---


@pytest.mark.parametrize(
    "said",
    [
        {"status": 404, "body": HTML},
        {"status": 200, "body": HTML},
        {"json": {"ApiGateways": "https://x.example.org"}},
        {"json": {"ApiGateways": [None, 3, "", "ftp://x/", "https://", "https://[bad/API"]}},
        {"json": {"ApiGateways": ["http://vms.example.org:8080/API/"]}},
        {"json": {"ApiGateways": ["https://me:pw@other.example.org/API"]}},
        {"json": {"ApiGateways": ["https://other.example.org/API/", f"{URL}/API/"]}},
    ],
)
def test_where_discovery_says_nothing_better_the_settings_are_followed(
    bare: RequestsMock, gateway: Gateway, said: dict[str, object]
) -> None:
    bare.get(URIS, **said)

    assert gateway.found().base == API


@pytest.mark.parametrize(
    "unsafe", ["http://gw.example.org/API", "https://me:pw@gw.example.org/API"]
)
def test_the_password_is_never_sent_to_a_less_safe_place_than_the_one_written(
    bare: RequestsMock, gateway: Gateway, unsafe: str
) -> None:
    bare.get(URIS, json={"ApiGateways": [f"{unsafe}/"]})
    there = bare.get(f"{unsafe}/.well-known/uris", json={"ProductVersion": "25.1"})

    assert gateway.found().base == API
    assert there.call_count == 0


def test_a_gateway_elsewhere_is_used_when_it_answers(bare: RequestsMock, gateway: Gateway) -> None:
    bare.get(URIS, json={"ApiGateways": ["https://gw.example.org/API/"], "ProductVersion": "25.1"})
    bare.get("https://gw.example.org/API/.well-known/uris", json={"ProductVersion": "25.1"})
    bare.post("https://gw.example.org/API/IDP/connect/token", json=token())
    bare.get("https://gw.example.org/API/rest/v1/cameras", json={"array": []})

    gateway.ask("GET", "cameras")

    assert len(asked(bare, URIS)) == 1


def test_a_gateway_whose_name_means_nothing_here_is_not_used(
    bare: RequestsMock, gateway: Gateway
) -> None:
    bare.get(URIS, json={"ApiGateways": ["https://inside.local/API/"]})
    bare.get(
        "https://inside.local/API/.well-known/uris",
        body=requests.exceptions.ConnectionError("Name or service not known"),
    )

    assert gateway.found().base == API


def test_a_gateway_elsewhere_that_is_lost_is_looked_for_again(
    bare: RequestsMock, gateway: Gateway
) -> None:
    uris = bare.get(URIS, json={"ApiGateways": ["https://gw.example.org/API/"]})
    bare.get("https://gw.example.org/API/.well-known/uris", json={"ProductVersion": "25.1"})
    bare.post("https://gw.example.org/API/IDP/connect/token", json=token())
    lost = requests.exceptions.ConnectionError("Connection refused")
    bare.get("https://gw.example.org/API/rest/v1/cameras", body=lost)

    for _ in range(2):
        with pytest.raises(Unreachable):
            gateway.ask("GET", "cameras")

    assert uris.call_count == 2


# --- inventory ---


def test_disabled_devices_are_asked_for(site: RequestsMock, client: Client) -> None:
    site.get(CAMERAS, json={"array": [{"id": "AB", "enabled": False}]})
    site.get(f"{API}/rest/v1/hardware", json={"array": []})

    [camera] = client.cameras()

    assert not camera.enabled
    assert [each.url for each in asked(site, f"{API}/rest/v1/")] == [
        f"{API}/rest/v1/hardware?disabled", f"{CAMERAS}?disabled"
    ]  # fmt: skip


@pytest.mark.parametrize("status", [403, 500])
def test_cameras_are_given_without_addresses_when_hardware_is_not(
    site: RequestsMock, client: Client, status: int
) -> None:
    site.get(CAMERAS, json={"array": [{"id": "ab"}]})
    site.get(f"{API}/rest/v1/hardware", json=error(status, "no"), status=status)

    assert [each.id for each in client.cameras()] == ["milestone:ab"]


# --- health ---


def healthy(site: RequestsMock, **headers: str) -> None:
    site.get(STATES, json={"array": [{"id": "g1", "level": 1}]}, headers=headers)
    site.get(ALARMS, json={"array": []})


def test_a_probe_gives_the_products_version(site: RequestsMock, client: Client) -> None:
    healthy(site)

    health = client.probe([], True)

    assert health.alive
    assert "25.1.1804" in str(health.detail)
    assert health.clock_skew_s is None


def test_a_probe_says_that_an_alarm_may_lack_a_camera(site: RequestsMock, client: Client) -> None:
    healthy(site)

    assert "Set fallback_camera" in str(client.probe([], False).detail)


def test_a_probe_says_that_clocks_are_apart(site: RequestsMock, client: Client) -> None:
    healthy(site, Date="Mon, 23 Nov 2015 02:00:00 GMT")

    health = client.probe([], True)

    assert health.clock_skew_s is not None
    assert health.clock_skew_s < -10 * 365 * 86400
    assert "NTP" in str(health.detail)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 23 Nov 2015"])
def test_a_date_that_cannot_be_read_is_no_skew(
    site: RequestsMock, client: Client, date: str
) -> None:
    healthy(site, Date=date)

    assert client.probe([], True).clock_skew_s is None


def test_a_role_without_alarms_is_said_with_what_to_do(site: RequestsMock, client: Client) -> None:
    site.get(STATES, json=error(403, "You do not have sufficient permissions"), status=403)

    with pytest.raises(Refused, match="the role of renfort lacks the rights on alarms"):
        client.probe([], True)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_camera_of_the_settings_that_is_not_there_is_named(
    site: RequestsMock, client: Client, status: int
) -> None:
    healthy(site)
    site.get(f"{CAMERAS}/ab", json={"data": {"id": "ab"}})
    site.get(f"{CAMERAS}/cd", json=error(status, "Device not found. cameras/cd"), status=status)

    with pytest.raises(Refused, match="camera cd of the settings"):
        client.probe(["ab", "cd"], True)


@pytest.mark.parametrize("where", [URIS, TOKEN, STATES, ALARMS])
def test_a_probe_of_a_site_that_does_not_answer_raises(
    bare: RequestsMock, client: Client, where: str
) -> None:
    bare.get(URIS, json={})
    bare.post(TOKEN, json=token())
    healthy(bare)
    method = responses.POST if where == TOKEN else responses.GET
    bare.replace(method, where, body=requests.exceptions.ConnectTimeout("timed out"))

    with pytest.raises(AdapterError) as told:
        client.probe([], True)

    assert isinstance(told.value, Unreachable)


def test_the_environment_has_no_say_in_where_and_as_whom_we_ask(
    site: RequestsMock, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine vms.example.org login other password thing\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    bearer = matchers.header_matcher({"Authorization": "Bearer t1"})
    site.get(CAMERAS, json={"array": []}, match=[bearer])

    assert gateway.ask("GET", "cameras").status_code == 200


def test_cookies_are_not_kept(site: RequestsMock, gateway: Gateway) -> None:
    site.get(CAMERAS, json={"array": []}, headers={"Set-Cookie": "route=1; Path=/"})

    gateway.ask("GET", "cameras")
    gateway.ask("GET", "cameras")

    assert all("Cookie" not in each.headers for each in asked(site, CAMERAS))


@pytest.mark.parametrize("status", [400, 404])
def test_an_alarm_that_is_gone_is_not_refused_for_ever(
    site: RequestsMock, client: Client, status: int
) -> None:
    """Both statuses were seen for what is not there: an incident must be able to end."""
    gone = error(status, "Alarm not found.")
    site.patch(f"{ALARMS}/a1", json=gone, status=status)
    site.get(f"{ALARMS}/a1", json=gone, status=status)

    assert client.change_alarm("a1", {"comment": "x"}) is False
    client.close_alarm("a1", {"comment": "x"}, "reason")


def test_a_value_that_is_not_understood_is_no_alarm_that_is_gone(
    site: RequestsMock, client: Client
) -> None:
    site.patch(f"{ALARMS}/a1", json=error(400, "Bad value."), status=400)
    site.get(f"{ALARMS}/a1", json={"data": {"id": "a1"}})

    with pytest.raises(DeclinedError, match="Bad value"):
        client.change_alarm("a1", {"comment": "x"})


def test_a_gateway_that_passes_no_log_in_on_is_gone_past(
    bare: RequestsMock, gateway: Gateway
) -> None:
    """The maker's sample of 2026 asks at the provider's own `token_endpoint`."""
    bare.get(URIS, json={"ProductVersion": "25.1", "IdentityProvider": f"{URL}/IDP"})
    bare.post(TOKEN, status=404, body=HTML)
    bare.post(f"{URL}/IDP/connect/token", json=token("t2"))

    assert gateway.token() == "t2"


@pytest.mark.parametrize(
    "body",
    [
        error(403, "No rights."),
        {"httpCode": "403", "details": [{"errorText": "No rights.", "property": None}]},
        {"type": "about:blank", "title": "No rights.", "status": 403},
        {"error": "No rights."},
    ],
)
def test_why_is_read_in_each_form_it_is_documented_in(
    site: RequestsMock, gateway: Gateway, body: dict[str, object]
) -> None:
    """The maker's pages show an error without the `error` around it that was recorded."""
    site.get(STATES, json=body, status=403)

    with pytest.raises(DeclinedError) as refused:
        gateway.ask("GET", "alarmStates")

    assert str(refused.value).endswith("refuses alarmStates (403): No rights.")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_answer_is_utf_8_whatever_its_header_says(
    site: RequestsMock, gateway: Gateway, mark: bytes
) -> None:
    body = mark + json.dumps({"array": [{"name": "Quai é"}]}, ensure_ascii=False).encode()
    site.get(CAMERAS, body=body, content_type="text/plain")

    [row] = gateway.rows("cameras")
    answer = gateway.ask("GET", "cameras")

    assert row == {"name": "Quai é"}
    assert gateway.read(answer, "cameras") == {"array": [row]}
