"""Local accounts and sessions: only hashes are stored; wrong passwords cost time, then a pause."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from vms_plugin.rights import DEFAULT_ROLE, Right, rights_of
from vms_plugin.store import Store

SHORTEST = 12
#: An operator's watch is eight hours; a page left open over night is not his any more.
IDLE = timedelta(hours=12)
WRONG_AT_MOST = 5
PAUSE_S = 300.0

_hasher = PasswordHasher()
#: Verified when the name is unknown, so that names cannot be guessed by the time it takes.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


async def add(store: Store, name: str, password: str, role: str | None = None) -> str:
    """Create an account, or change it; whoever was logged in by it is logged out.

    Without a role, an account keeps the one it has; a new one has the least. Answers the role.
    """
    hashed = await asyncio.to_thread(_hasher.hash, password)
    rows = await store.query("SELECT role FROM account WHERE name = ?", name)
    role = role or (str(rows[0][0]) if rows else DEFAULT_ROLE)
    statement = "INSERT OR REPLACE INTO account (name, password, role) VALUES (?, ?, ?)"
    await store.query(statement, name, hashed, role)
    await store.query("DELETE FROM session WHERE account = ?", name)
    return role


class Doorkeeper:
    """Lets people in, and counts who knocks with the wrong password."""

    def __init__(self, store: Store, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._clock = clock
        self._wrong: dict[str, list[float]] = {}

    def waits(self, name: str, address: str) -> bool:
        """Whether this name, or this address, failed too often lately."""
        now = self._clock()
        for key in (f"name {name}", f"address {address}"):
            recent = [at for at in self._wrong.get(key, []) if now - at < PAUSE_S]
            if recent:
                self._wrong[key] = recent
            else:
                self._wrong.pop(key, None)
            if len(recent) >= WRONG_AT_MOST:
                return True
        return False

    async def enter(self, name: str, password: str, address: str) -> str | None:
        """Give the token of a new session, or None."""
        rows = await self._store.query("SELECT password FROM account WHERE name = ?", name)
        stored = str(rows[0][0]) if rows else _NOBODY
        right = await asyncio.to_thread(_verified, stored, password)
        if not (right and rows):
            for key in (f"name {name}", f"address {address}"):
                self._wrong.setdefault(key, []).append(self._clock())
            return None
        self._wrong.pop(f"name {name}", None)
        token = secrets.token_urlsafe(32)
        statement = "INSERT INTO session (token, account, seen_at) VALUES (?, ?, ?)"
        await self._store.query(statement, _digest(token), name, _now())
        return token

    async def who(self, token: str | None) -> str | None:
        """Say whose session this is; None when it is nobody's, or has been idle too long."""
        if not token:
            return None
        rows = await self._store.query(
            "SELECT account, seen_at FROM session WHERE token = ?", _digest(token)
        )
        if not rows:
            return None
        name, seen_at = rows[0]
        idle = datetime.now(UTC) - datetime.fromisoformat(seen_at)
        if idle > IDLE:
            await self.leave(token)
            return None
        if idle > timedelta(minutes=5):
            statement = "UPDATE session SET seen_at = ? WHERE token = ?"
            await self._store.query(statement, _now(), _digest(token))
        return str(name)

    async def rights(self, name: str) -> frozenset[Right]:
        """List what an account may see; nothing when there is no such account."""
        rows = await self._store.query("SELECT role FROM account WHERE name = ?", name)
        return rights_of(str(rows[0][0])) if rows else frozenset()

    async def leave(self, token: str) -> None:
        """End a session."""
        await self._store.query("DELETE FROM session WHERE token = ?", _digest(token))


def _verified(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat()
