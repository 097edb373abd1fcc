"""Accounts: which passwords are taken, who is shut out, and the command that does it."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vms_plugin import passwords
from vms_plugin.cli import main
from vms_plugin.rights import ROLES
from vms_plugin.store import Store
from vms_plugin.web import accounts
from vms_plugin.web.accounts import Doorkeeper, WeakPasswordError

GOOD = "tramontane grise 9 mouettes"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "renfort.db")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "password",
    ["court", "Motdepasse123!", "M0td3p@sse2026", "azertyuiopqs", "AZERTY azerty 1",
     "aaaaaaaaaaaaab", "abababababababab", "123456789012345", "PoliceMunicipale34",
     "renfortrenfort!", "été2026été2026!", "léa.durand1234", "x" * 300],
)  # fmt: skip
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert passwords.fault(password, "Léa Durand") is not None


@pytest.mark.parametrize(
    "password",
    [GOOD, "a long enough password", "cheval exact pile agrafe", "vK2-wq9Lr_x0TzB4",
     "Mouette!Sable7Quai"],
)  # fmt: skip
def test_long_and_rare_is_taken_whatever_signs_it_is_made_of(password: str) -> None:
    assert passwords.fault(password, "Léa Durand") is None


async def test_no_password_is_taken_a_second_time(store: Store) -> None:
    await accounts.add(store, "Léa", GOOD)
    await accounts.add(store, "Léa", "une autre phrase bien longue")
    with pytest.raises(WeakPasswordError) as refused:
        await accounts.add(store, "Léa", GOOD)

    assert "used before" in str(refused.value)
    assert GOOD not in str(await store.query("SELECT * FROM password_before"))


async def test_what_is_shut_out_is_out_at_once(store: Store) -> None:
    await accounts.add(store, "Léa", GOOD, "chef")
    keeper = Doorkeeper(store)
    token = await keeper.enter("Léa", GOOD, "here")
    await accounts.change(store, "Léa", disabled=True)

    assert await keeper.person(token) is None
    assert await keeper.enter("Léa", GOOD, "here") is None
    await accounts.change(store, "Léa", disabled=False)
    assert await keeper.enter("Léa", GOOD, "here")


async def test_a_changed_role_counts_in_the_open_session(store: Store) -> None:
    await accounts.add(store, "Léa", GOOD, "chef")
    keeper = Doorkeeper(store)
    token = await keeper.enter("Léa", GOOD, "here")
    await accounts.change(store, "Léa", role="civil", communes=["34344"])
    person = await keeper.person(token)

    assert person is not None
    assert person.rights == ROLES["civil"].rights
    assert person.competence == {"34344"}


@pytest.mark.parametrize(("role", "stays"), [("policier", True), ("dpo", False)])
async def test_each_role_has_its_own_idle_limit(store: Store, role: str, stays: bool) -> None:
    await accounts.add(store, "Léa", GOOD, role)
    keeper = Doorkeeper(store)
    token = await keeper.enter("Léa", GOOD, "here")
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await store.query("UPDATE session SET seen_at = ?", hour_ago)

    assert (await keeper.person(token) is not None) == stays


async def test_an_open_stream_does_not_keep_a_session_alive(store: Store) -> None:
    await accounts.add(store, "Léa", GOOD, "policier")
    keeper = Doorkeeper(store)
    token = await keeper.enter("Léa", GOOD, "here")
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await store.query("UPDATE session SET seen_at = ?", hour_ago)
    await keeper.person(token, touch=False)
    looked = (await accounts.sessions(store))[0][2]
    await keeper.person(token)
    acted = (await accounts.sessions(store))[0][2]

    assert looked == hour_ago
    assert acted > hour_ago


async def test_a_restart_does_not_forgive_wrong_passwords_an_administrator_does(
    store: Store,
) -> None:
    await accounts.add(store, "Léa", GOOD)
    first = Doorkeeper(store)
    for _ in range(5):
        await first.enter("Léa", "wrong wrong wrong", "elsewhere")
    restarted = Doorkeeper(store)

    assert await restarted.waits("Léa", "here")
    await accounts.unlock(store, "Léa")
    assert not await restarted.waits("Léa", "here")
    later = Doorkeeper(store, clock=lambda: time.time() + 301)
    assert not await later.waits("Léa", "elsewhere")


# --- the command ---


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "renfort.toml"
    path.write_text("", encoding="utf-8")
    return str(path)


def account(
    monkeypatch: pytest.MonkeyPatch, config: str, *words: str, password: str | None = None
) -> int:
    if password is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        words = (*words, "--password-stdin")
    return main(["account", *words, "--config", config])


def test_an_administrator_makes_changes_lists_and_shuts_out(
    monkeypatch: pytest.MonkeyPatch, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account(monkeypatch, config, "Léa", "--role", "policier", password=GOOD) == 0
    assert account(monkeypatch, config, "Léa", "--role", "chef", "--communes", "34344,34023") == 0
    assert account(monkeypatch, config, "Tom", password="quatre mots sans rapport") == 0
    assert account(monkeypatch, config, "Tom", "--disable", "--unlock", "--log-out") == 0
    capsys.readouterr()
    assert account(monkeypatch, config, "list") == 0
    listed = capsys.readouterr().out
    assert account(monkeypatch, config, "sessions") == 0

    assert listed == (
        "Léa\tchef\t34023 34344\t0 session\n"
        "Tom\tcivil\ttoutes les communes du site\tfermé, 0 session\n"
    )
    assert capsys.readouterr().out == "personne n’est connecté\n"


@pytest.mark.parametrize(
    ("words", "password", "said"),
    [(["Léa"], "court", "12 caractères"), (["Léa"], "Motdepasse1234", "essaie d’abord"),
     (["Léa", "--communes", "La Grande-Motte"], GOOD, "code INSEE")],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_french(
    monkeypatch: pytest.MonkeyPatch, config: str, capsys: pytest.CaptureFixture[str],
    words: list[str], password: str, said: str,
) -> None:  # fmt: skip
    assert account(monkeypatch, config, *words, password=password) == 1
    assert said in capsys.readouterr().err
