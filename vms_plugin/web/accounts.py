"""Local accounts and sessions: only hashes are stored; wrong passwords cost time, then a pause."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from hooks import Message
from vms_plugin import passwords
from vms_plugin.rights import DEFAULT_ROLE, WATCH, Person, Right, rights_of, role_of
from vms_plugin.store import Store

if TYPE_CHECKING:
    from vms_plugin.oidc import Identity

#: How long a browser keeps a cookie at first; each role's own idle time ends the session.
IDLE = WATCH
WRONG_AT_MOST = 5
PAUSE_S = 300.0
#: The passwords before that are not taken again.
REMEMBERED = 10

_hasher = PasswordHasher()
#: Verified when the name is unknown, so that names cannot be guessed by the time it takes.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


class WeakPasswordError(ValueError):
    """A password that cannot be taken; `why` says it to the person."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


class NotRecognisedError(Exception):
    """Somebody whom the provider vouches for is not let in here; `why` says it to him."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as an administrator sees it."""

    name: str
    role: str
    communes: frozenset[str]
    disabled: bool
    provider: str  #: empty: a local one
    sessions: int


async def add(
    store: Store,
    name: str,
    password: str,
    role: str | None = None,
    communes: Iterable[str] | None = None,
) -> str:
    """Create an account, or change it; whoever was logged in by it is logged out.

    Without a role, an account keeps the one it has; a new one has the least. Answers the role. The
    password it has already is no change, so that a script may be run twice.

    Raises
    ------
    WeakPasswordError
        It is short, common, or was used before.
    """
    weak = passwords.fault(password, name)
    if weak is not None:
        raise WeakPasswordError(weak)
    rows = await store.query("SELECT password, role FROM account WHERE name = ?", name)
    same = bool(rows) and await asyncio.to_thread(_verified, str(rows[0][0]), password)
    if rows and not same and await _used_before(store, name, password):
        raise WeakPasswordError(Message(text="This password was used before: choose another."))
    hashed = await asyncio.to_thread(_hasher.hash, password)
    role = role or (str(rows[0][1]) if rows else DEFAULT_ROLE)
    if rows and not same:
        before = "INSERT INTO password_before (account, at, hash) VALUES (?, ?, ?)"
        await store.query(before, name, _now(), rows[0][0])
    if rows:
        statement = "UPDATE account SET password = ?, role = ?, provider = '' WHERE name = ?"
        await store.query(statement, hashed, role, name)
    else:
        statement = "INSERT INTO account (name, password, role) VALUES (?, ?, ?)"
        await store.query(statement, name, hashed, role)
    if communes is not None:
        await change(store, name, communes=communes)
    await end_sessions(store, name)
    return role


async def _used_before(store: Store, name: str, password: str) -> bool:
    query = "SELECT hash FROM password_before WHERE account = ? ORDER BY at DESC LIMIT ?"
    hashes = [str(row[0]) for row in await store.query(query, name, REMEMBERED)]
    return await asyncio.to_thread(lambda: any(_verified(each, password) for each in hashes))


async def change(
    store: Store,
    name: str,
    *,
    role: str | None = None,
    communes: Iterable[str] | None = None,
    disabled: bool | None = None,
) -> bool:
    """Change what an account may do, at once for whoever is logged in; False: there is none."""
    if not await store.query("SELECT 1 FROM account WHERE name = ?", name):
        return False
    if role is not None:
        await store.query("UPDATE account SET role = ? WHERE name = ?", role, name)
    if communes is not None:
        said = " ".join(sorted(set(communes)))
        await store.query("UPDATE account SET communes = ? WHERE name = ?", said, name)
    if disabled is not None:
        await store.query("UPDATE account SET disabled = ? WHERE name = ?", int(disabled), name)
        if disabled:
            await end_sessions(store, name)
    return True


async def recognise(store: Store, identity: Identity) -> None:
    """Keep the account of somebody whom the identity provider vouches for, as it says now.

    Raises
    ------
    NotRecognisedError
        The account is shut out, or the name is that of somebody else.
    """
    query = "SELECT provider, disabled FROM account WHERE name = ?"
    rows = await store.query(query, identity.name)
    if rows and rows[0][0] != identity.provider:
        raise NotRecognisedError(Message(text="Another account bears this name already."))
    if rows and rows[0][1]:
        raise NotRecognisedError(Message(text="This account is shut out."))
    if not rows:
        statement = "INSERT INTO account (name, password, role, provider) VALUES (?, '!', ?, ?)"
        await store.query(statement, identity.name, identity.role, identity.provider)
    await change(store, identity.name, role=identity.role, communes=identity.communes)


async def unlock(store: Store, name: str) -> None:
    """Forget the wrong passwords given for a name, so that its owner need not wait."""
    await store.query("DELETE FROM knock WHERE door = ?", f"name {name}")


async def end_sessions(store: Store, name: str) -> None:
    """Log an account out everywhere."""
    await store.query("DELETE FROM session WHERE account = ?", name)


async def everybody(store: Store) -> list[Account]:
    """List the accounts, by name."""
    rows = await store.query(
        "SELECT name, role, communes, disabled, provider, (SELECT count(*) FROM session "
        "WHERE account = name) FROM account ORDER BY name"
    )
    return [
        Account(name=name, role=role, communes=frozenset(communes.split()),
                disabled=bool(disabled), provider=provider, sessions=sessions)
        for name, role, communes, disabled, provider, sessions in rows
    ]  # fmt: skip


async def sessions(store: Store) -> list[tuple[str, str, str, str]]:
    """List the open sessions: account, since when, last seen, from where."""
    query = "SELECT account, began_at, seen_at, address FROM session ORDER BY account, began_at"
    return [(str(a), str(b), str(c), str(d)) for a, b, c, d in await store.query(query)]


class Doorkeeper:
    """Lets people in, and counts who knocks with the wrong password."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        communes: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._clock = clock
        self._site = communes

    async def waits(self, name: str, address: str) -> bool:
        """Whether this name, or this address, failed too often lately."""
        since = self._clock() - PAUSE_S
        query = "SELECT count(*) FROM knock WHERE door = ? AND at > ?"
        for door in (f"name {name}", f"address {address}"):
            if (await self._store.query(query, door, since))[0][0] >= WRONG_AT_MOST:
                return True
        return False

    async def enter(self, name: str, password: str, address: str) -> str | None:
        """Give the token of a new session, or None."""
        rows = await self._store.query(
            "SELECT password FROM account WHERE name = ? AND disabled = 0", name
        )
        stored = str(rows[0][0]) if rows else _NOBODY
        right = await asyncio.to_thread(_verified, stored, password)
        if not (right and rows):
            await self._wrong(name, address)
            return None
        await unlock(self._store, name)
        return await self.admit(name, address)

    async def _wrong(self, name: str, address: str) -> None:
        now = self._clock()
        await self._store.query("DELETE FROM knock WHERE at <= ?", now - PAUSE_S)
        for door in (f"name {name}", f"address {address}"):
            await self._store.query("INSERT INTO knock (door, at) VALUES (?, ?)", door, now)

    async def admit(self, name: str, address: str, provider: str = "") -> str:
        """Open a session for somebody who proved who he is; give its token."""
        token = secrets.token_urlsafe(32)
        statement = "INSERT INTO session (token, account, seen_at, began_at, address, provider)"
        statement += " VALUES (?, ?, ?, ?, ?, ?)"
        now = _now()
        await self._store.query(statement, _digest(token), name, now, now, address, provider)
        return token

    async def who(self, token: str | None, *, touch: bool = True) -> str | None:
        """Say whose session this is; None when it is nobody's, or has been idle too long.

        What looks by itself, as an open stream does, does not `touch`: only people keep a session.
        """
        person = await self.person(token, touch=touch)
        return person.name if person else None

    async def person(self, token: str | None, *, touch: bool = True) -> Person | None:
        """Say who it is and what he may, now: what was changed meanwhile counts."""
        if not token:
            return None
        rows = await self._store.query(
            "SELECT account, seen_at, role, communes, disabled FROM session JOIN account "
            "ON account.name = session.account WHERE token = ?", _digest(token)
        )  # fmt: skip
        if not rows:
            return None
        name, seen_at, role, communes, disabled = rows[0]
        idle = datetime.now(UTC) - datetime.fromisoformat(seen_at)
        if disabled or idle > role_of(role).idle:
            await self.leave(token)
            return None
        if touch and idle > timedelta(minutes=1):
            statement = "UPDATE session SET seen_at = ? WHERE token = ?"
            await self._store.query(statement, _now(), _digest(token))
        own = frozenset(communes.split())
        return Person(
            name=str(name), role=str(role), rights=rights_of(role), communes=own,
            competence=own or self._site,
        )  # fmt: skip

    async def rights(self, name: str) -> frozenset[Right]:
        """List what an account may; nothing when there is no such account, or it is shut out."""
        rows = await self._store.query(
            "SELECT role FROM account WHERE name = ? AND disabled = 0", name
        )
        return rights_of(str(rows[0][0])) if rows else frozenset()

    async def leave(self, token: str) -> str:
        """End a session; answer what its provider is to be told, empty for a local one."""
        rows = await self._store.query(
            "DELETE FROM session WHERE token = ? RETURNING provider", _digest(token)
        )
        return str(rows[0][0]) if rows else ""


def _verified(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat()
