"""What each key of the configuration may hold: one check a kind of value."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hooks import Message
from vms_plugin import legal
from vms_plugin.rights import ROLES

#: A check answers the value to keep, or the sentence that says what to write.
Check = Callable[[Any, Path], Any]


def text(value: Any, _folder: Path) -> Any:
    """Take a text that is not empty."""
    return value if isinstance(value, str) and value else Message(text="write a text in quotes")


def number(low: float, high: float) -> Check:
    """Take a number between two, both included."""

    def check(value: Any, _folder: Path) -> Any:
        counts = isinstance(value, int | float) and not isinstance(value, bool)
        if counts and low <= value <= high:
            return value
        return Message(
            text="write a number from {low} to {high}", params={"low": low, "high": high}
        )

    return check


def whole(low: int, high: int) -> Check:
    """Take a whole number between two, both included."""

    def check(value: Any, _folder: Path) -> Any:
        if type(value) is int and low <= value <= high:
            return value
        return Message(
            text="write a whole number from {low} to {high}", params={"low": low, "high": high}
        )

    return check


def communes(value: Any, _folder: Path) -> Any:
    """Take INSEE codes."""
    codes = value if isinstance(value, list) else None
    if codes is not None and all(isinstance(code, str) and len(code) == 5 for code in codes):
        return frozenset(codes)
    return Message(text='write INSEE codes in quotes: ["34344"]')


def timezone(value: Any, _folder: Path) -> Any:
    """Take the name of a time zone."""
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return Message(text='write a time zone by its name: "Europe/Paris", "Indian/Reunion"')


def edition(value: Any, _folder: Path) -> Any:
    """Take an edition of IEC 62676-4."""
    return value if value in (2014, 2025) else Message(text="write 2014 or 2025")


def language(value: Any, _folder: Path) -> Any:
    """Take a language of the catalogue."""
    return value if value in ("fr", "en") else Message(text='write "fr" or "en"')


def sound(value: Any, _folder: Path) -> Any:
    """Take a coding of sound."""
    known = ("pcma", "pcmu", "aac", "opus", "none")
    return (
        value
        if value in known
        else Message(text="write one of: {allowed}", params={"allowed": ", ".join(known)})
    )


def yes(value: Any, _folder: Path) -> Any:
    """Take true or false."""
    return value if isinstance(value, bool) else Message(text="write true or false")


def names(value: Any, _folder: Path) -> Any:
    """Take distinct names."""
    given = value if isinstance(value, list) else None
    if given and all(isinstance(name, str) and name for name in given):
        if len(set(given)) == len(given):
            return tuple(given)
        return Message(text="write each name once")
    return Message(text='write names in quotes: ["PM-214", "PM-207"]')


def address(value: Any, _folder: Path) -> Any:
    """Take the address of a site, without what comes after the host and port."""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts and parts.scheme in ("http", "https") and parts.hostname and not parts.query:
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    return Message(text='write an address: "https://renfort.example.org"')


def hours(value: Any, _folder: Path) -> Any:
    """Take hours of the day."""
    try:
        return tuple(sorted({time.fromisoformat(each) for each in value}))
    except (ValueError, TypeError):
        return Message(text='write hours in quotes: ["06:00", "14:00", "22:00"]')


def issuer(value: Any, _folder: Path) -> Any:
    """Take an identity provider's own address, kept as it is written: it is compared."""
    if isinstance(value, str) and secure(value):
        return value
    return Message(text='write its address, https: "https://id.example.org/realms/ville"')


def role_map(value: Any, _folder: Path) -> Any:
    """Take a table from the provider's groups to our roles."""
    if isinstance(value, dict) and value and all(role in ROLES for role in value.values()):
        return dict(value)
    allowed = ", ".join(sorted(ROLES))
    return Message(
        text='write a table from groups to roles, as csu-chefs = "chef"; roles: {allowed}',
        params={"allowed": allowed},
    )


def roles(value: Any, _folder: Path) -> Any:
    """Take names of roles."""
    if isinstance(value, list) and all(isinstance(name, str) and name in ROLES for name in value):
        return tuple(value)
    allowed = ", ".join(sorted(ROLES))
    return Message(text="write a list of roles: {allowed}", params={"allowed": allowed})


def path(value: Any, folder: Path) -> Any:
    """Take a path, from the folder of the configuration."""
    if not isinstance(value, str) or not value:
        return Message(text="write the path of a file, in quotes")
    return folder / Path(value).expanduser()


def existing(value: Any, folder: Path) -> Any:
    """Take the path of a file that is there."""
    found = path(value, folder)
    if isinstance(found, Message) or found.is_file():
        return found
    return Message(text="there is no file {path}", params={"path": str(found)})


def store(value: Any, folder: Path) -> Any:
    """Take a folder, or the address of an object store."""
    if isinstance(value, str) and "://" in value:
        if value.startswith("s3://") and importlib.util.find_spec("s3fs") is None:
            return Message(text="an S3 store needs s3fs: pip install renfort[s3]")
        return value
    found = path(value, folder)
    return found if isinstance(found, Message) else str(found)


def law(value: Any, folder: Path) -> Any:
    """Take the path of a file of legal parameters that can be read."""
    found = existing(value, folder)
    if isinstance(found, Message):
        return found
    try:
        legal.law(found)
    except legal.BadLawError as error:
        return error.why
    return found


def secret(value: Any, folder: Path) -> Any:
    """Take the path of a file, and give what it holds."""
    found = existing(value, folder)
    return found if isinstance(found, Message) else found.read_text(encoding="utf-8").strip()


def database(value: Any, _folder: Path) -> Any:
    """Take where a database is, as libpq writes it."""
    return database_fault(value) or value


def database_fault(value: object) -> Message | None:
    """Say what is wrong with where a database is said to be; None: nothing."""
    if importlib.util.find_spec("psycopg") is None:
        return Message(text="PostGIS needs psycopg: pip install renfort[postgis]")
    from psycopg import ProgrammingError, conninfo  # noqa: PLC0415  (an extra)

    try:
        parts = conninfo.conninfo_to_dict(value) if isinstance(value, str) and value else {}
    except ProgrammingError:
        parts = {}
    if not parts:
        return Message(text='write it as PostgreSQL does: "host=… dbname=… user=…"')
    if "password" in parts:
        return Message(text="write the password in a file: territory.postgis_password_file")
    return None


def secure(url: str) -> bool:
    """Whether an address is one to send secrets to: TLS, or this very machine."""
    parts = urlsplit(url)
    here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and here))
