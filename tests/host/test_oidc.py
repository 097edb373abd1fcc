"""Log in by a real certified provider: npm's `oidc-provider`, run by node.

Where node or the package cannot be had, these are skipped and say so.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import requests

from tests.host.paper import running
from tests.network import free_port
from vms_plugin import oidc
from vms_plugin.live import Relay
from vms_plugin.oidc import Begun, OidcError, Provider
from vms_plugin.settings import OidcSettings, Settings
from vms_plugin.store import Store
from vms_plugin.web import accounts, build

HERE = Path(__file__).parent / "oidc"
OURS = "http://127.0.0.1"
PASSWORD = "a long enough phrase"


@pytest.fixture(scope="session")
def package() -> Path:
    """Install the locked provider, once."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs node and npm (tools/debian.sh tests)")
    if not (HERE / "node_modules" / "oidc-provider").exists():
        subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, check=True,
            capture_output=True, timeout=110,
        )  # fmt: skip
    return HERE


@contextmanager
def provider(port: int) -> Iterator[None]:
    words = ["node", "provider.mjs", str(port), f"{OURS}/oidc/callback", f"{OURS}/login"]
    process = subprocess.Popen(
        words, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "ready":
            assert process.poll() is None, "the provider did not start"
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def port() -> int:
    return free_port()


def settings(port: int, **more: Any) -> OidcSettings:
    return OidcSettings(
        issuer=f"http://127.0.0.1:{port}", client_id="renfort", label="compte de la ville",
        client_secret="a-secret-of-the-test-client", scopes=("openid", "profile", "groups"),
        roles={"csu-chefs": "chef", "csu-civils": "civil"}, communes_claim="communes", **more,
    )  # fmt: skip


@asynccontextmanager
async def room(path: Path, own: OidcSettings) -> AsyncIterator[tuple[httpx.AsyncClient, Store]]:
    async with running(path, settings=Settings(oidc=own)) as engine:
        application = build(engine, Relay(engine))
        transport = httpx.ASGITransport(app=application, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url=OURS) as client:
            yield client, engine.store


def at_the_provider(url: str, login: str) -> str:
    """Log in there as a person does; give the address that the browser is sent back to."""
    with requests.Session() as browser:
        answer = browser.get(url, allow_redirects=False, timeout=10)
        for _ in range(12):
            place = answer.headers.get("location", "")
            if place.startswith(f"{OURS}/oidc/callback"):
                return place
            if place:
                answer = browser.get(urljoin(answer.url, place), allow_redirects=False, timeout=10)
                continue
            [action] = re.findall(r'action="([^"]+)"', answer.text)[:1]
            prompt = "login" if 'name="login"' in answer.text else "consent"
            form = {"prompt": prompt, "login": login, "password": "x"}
            answer = browser.post(
                urljoin(answer.url, action), data=form, allow_redirects=False, timeout=10
            )
    raise AssertionError(f"the provider leads nowhere: {answer.text[:500]}")


async def enter(client: httpx.AsyncClient, login: str, page: str = "") -> httpx.Response:
    out = await client.get("/oidc/login", params={"next": page} if page else None)
    assert out.status_code == 303, out.text
    place = await asyncio.to_thread(at_the_provider, out.headers["location"], login)
    return await client.get(place.removeprefix(OURS))


async def test_a_person_enters_with_the_role_and_communes_that_the_provider_says(
    package: Path, tmp_path: Path, port: int
) -> None:
    with provider(port):
        async with room(tmp_path, settings(port)) as (client, store):
            page = await client.get("/login")
            out = await client.get("/oidc/login")
            answer = await enter(client, "lea")
            state = await client.get("/api/state")
            [account] = await accounts.everybody(store)

    asked = parse_qs(urlsplit(out.headers["location"]).query)
    assert "compte de la ville" in page.text
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert answer.status_code == 200
    assert "SameSite=strict" in answer.headers["set-cookie"]
    assert state.status_code == 200
    assert (account.name, account.role) == ("lea", "chef")
    assert account.communes == {"34344"}
    assert account.provider == f"http://127.0.0.1:{port} lea"


@pytest.mark.parametrize(
    ("asked", "then"), [("", "/"), ("/mur", "/mur"), ("https://elsewhere.example/", "/")]
)
async def test_who_enters_by_the_provider_comes_back_to_the_page_he_asked_for(
    package: Path, tmp_path: Path, port: int, asked: str, then: str
) -> None:
    with provider(port):
        async with room(tmp_path, settings(port)) as (client, _):
            page = await client.get(f"/login?next={asked}")
            answer = await enter(client, "lea", asked)

    assert f'href="/oidc/login?next={then}"' in page.text
    assert f'url={then}"' in answer.text


async def test_whoever_has_no_role_here_does_not_enter(
    package: Path, tmp_path: Path, port: int
) -> None:
    with provider(port):
        async with room(tmp_path, settings(port)) as (client, store):
            answer = await enter(client, "zoe")
            people = await accounts.everybody(store)

    assert answer.status_code == 401
    assert "pas de rôle" in answer.text
    assert people == []


async def test_nobody_takes_over_a_local_account_by_its_name(
    package: Path, tmp_path: Path, port: int
) -> None:
    with provider(port):
        async with room(tmp_path, settings(port)) as (client, store):
            await accounts.add(store, "lea", PASSWORD, "admin")
            answer = await enter(client, "lea")
            [account] = await accounts.everybody(store)

    assert answer.status_code == 403
    assert (account.role, account.provider) == ("admin", "")


async def test_an_account_shut_out_here_stays_out_whatever_the_provider_says(
    package: Path, tmp_path: Path, port: int
) -> None:
    with provider(port):
        async with room(tmp_path, settings(port)) as (client, store):
            await enter(client, "tom")
            await accounts.change(store, "tom", disabled=True)
            answer = await enter(client, "tom")
            state = await client.get("/api/state")

    assert (answer.status_code, state.status_code) == (403, 401)


async def test_an_answer_is_good_once_and_in_the_browser_that_began(
    package: Path, tmp_path: Path, port: int
) -> None:
    with provider(port):
        async with room(tmp_path, settings(port)) as (client, _):
            again = await client.get("/oidc/login")
            place = await asyncio.to_thread(at_the_provider, again.headers["location"], "lea")
            cookies = dict(client.cookies)
            client.cookies.clear()
            other = await client.get(place.removeprefix(OURS))
            sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            replayed = await client.get(place.removeprefix(OURS), headers=sent)

    assert other.status_code == replayed.status_code == 400
    assert "Recommencez" in other.text


async def test_keys_that_the_provider_changed_are_read_again(
    package: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "KEYS_S", 0.0)
    ours = Provider(settings(port))
    names = []
    for _ in range(2):  # the second time with other keys, at the same address
        with provider(port):
            begun = await asyncio.to_thread(ours.begin, f"{OURS}/oidc/callback")
            place = await asyncio.to_thread(at_the_provider, begun.url, "lea")
            identity = await asyncio.to_thread(ours.finish, begun, _answer(place))
            names.append(identity.name)

    assert names == ["lea", "lea"]


@pytest.mark.parametrize(
    ("off_s", "enters"), [(-20, True), (-600, False), (3620, True), (3700, False)]
)
async def test_clocks_may_differ_by_the_leeway_and_no_more(
    package: Path, port: int, off_s: int, enters: bool
) -> None:
    """The provider's tokens live an hour."""
    ours = Provider(settings(port, leeway_s=30), clock=lambda: time.time() + off_s)
    with provider(port):
        begun = await asyncio.to_thread(ours.begin, f"{OURS}/oidc/callback")
        place = await asyncio.to_thread(at_the_provider, begun.url, "lea")
        finishing = asyncio.to_thread(ours.finish, begun, _answer(place))
        if enters:
            assert (await finishing).role == "chef"
        else:
            with pytest.raises(OidcError):
                await finishing


@pytest.mark.parametrize("forged", ["nonce", "state", "verifier", "client_id", "issuer"])
async def test_what_does_not_fit_the_log_in_that_was_begun_is_not_believed(
    package: Path, port: int, forged: str
) -> None:
    ours = Provider(settings(port))
    with provider(port):
        begun = await asyncio.to_thread(ours.begin, f"{OURS}/oidc/callback")
        place = await asyncio.to_thread(at_the_provider, begun.url, "lea")
        if forged in ("nonce", "state", "verifier"):
            begun = _replaced(begun, forged)
        else:
            changed: dict[str, Any] = {forged: "http://127.0.0.1:1/other"}
            ours.settings = replace(ours.settings, **changed)
            ours._found = None if forged == "issuer" else ours._found
        with pytest.raises(OidcError):
            await asyncio.to_thread(ours.finish, begun, _answer(place))


async def test_leaving_ends_the_session_at_the_provider_too(
    package: Path, tmp_path: Path, port: int
) -> None:
    with provider(port):
        async with room(tmp_path, settings(port)) as (client, _):
            await enter(client, "lea")
            token = (await client.get("/api/state")).json()["token"]
            answer = await client.post("/logout", headers={"X-Renfort-Token": token})
            elsewhere = answer.headers["x-renfort-next"]
            there = await asyncio.to_thread(requests.get, elsewhere, timeout=10)

    assert elsewhere.startswith(f"http://127.0.0.1:{port}/session/end?")
    assert there.status_code == 200  # it knows the session, and asks whether to end it


async def test_with_the_provider_down_local_accounts_enter_and_it_is_said_in_french(
    tmp_path: Path, port: int
) -> None:
    async with room(tmp_path, settings(port)) as (client, store):
        await accounts.add(store, "Léa", PASSWORD, "chef")
        out = await client.get("/oidc/login")
        form = {"name": "Léa", "password": PASSWORD}
        local = await client.post("/login", data=form)

    assert out.status_code == 503
    assert "ne répond pas" in out.text
    assert "comptes locaux" in out.text
    assert local.status_code == 303


async def test_without_a_provider_there_is_no_such_door(tmp_path: Path) -> None:
    async with room(tmp_path, OidcSettings()) as (client, _):
        page = await client.get("/login")
        out = await client.get("/oidc/login")

    assert "oidc" not in page.text
    assert out.status_code == 404


def _answer(place: str) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}


def _replaced(begun: Begun, name: str) -> Begun:
    other = {name: "another-" + getattr(begun, name)}
    return replace(begun, **other)
