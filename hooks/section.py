"""Read an adapter's section of the configuration: every wrong key is a `BadSettings`.

section = Section(settings)
url = section.url("url")
every_s = section.number("status_every_s", 15, low=1, high=600)
section.end()  # whatever was not read is unknown
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hooks.errors import BadSettings


class Section:
    """One section, read key by key."""

    def __init__(self, settings: Mapping[str, Any], start: str = "") -> None:
        self._settings = settings
        self._start = start  # of each key's name, in an error
        self._read: set[str] = set()

    def _take(self, name: str) -> Any:
        self._read.add(name)
        return self._settings.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """Read a text; without a default it must be there."""
        value = self._take(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise BadSettings(self._start + name, value, "write a text in quotes")
        return value

    def url(self, name: str, *schemes: str, default: str | None = None) -> str:
        """Read an address such as https://server:8443, without a final slash."""
        value = self.text(name, default)
        if value == default:
            return value
        wanted = schemes or ("https", "http")
        try:
            parts = urlsplit(value)
            good = parts.scheme in wanted and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise BadSettings(
                self._start + name, value, "write an address beginning with {schemes}",
                schemes=", ".join(f"{scheme}://" for scheme in wanted),
            )  # fmt: skip
        return value.rstrip("/")

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """Read a number between two bounds."""
        value = self._take(name)
        if value is None:
            return default
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise BadSettings(
                self._start + name, value, "write a number from {low} to {high}", low=low, high=high
            )
        return float(value)

    def choice(self, name: str, *allowed: str) -> str:
        """Read one of some words; it must be there."""
        value = self._take(name)
        if value not in allowed:
            raise BadSettings(
                self._start + name, value, "write one of: {allowed}", allowed=", ".join(allowed)
            )
        return str(value)

    def file(self, name: str) -> Path | None:
        """Read the path of an existing file; None when the key is absent."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, str) or not Path(value).is_file():
            raise BadSettings(self._start + name, value, "write the path of an existing file")
        return Path(value)

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Read a list of texts."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise BadSettings(
                self._start + name, value, "write a list of texts, as {example}", example='["a"]'
            )
        return tuple(value)

    def table(self, name: str) -> dict[str, str]:
        """Read a table of texts; empty when the key is absent."""
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(
            isinstance(each, str) for each in value.values()
        ):
            raise BadSettings(self._start + name, value, "write a table of texts")
        return dict(value)

    def sections(self, name: str) -> dict[str, Section]:
        """Read a table of tables, each a section of its own; empty when the key is absent.

        A fault in one is told by its whole name, as `inlets.radio.listen`.
        """
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise BadSettings(self._start + name, value, "write a table of tables")
        found = {}
        for key, each in value.items():
            if not isinstance(each, Mapping):
                raise BadSettings(f"{self._start}{name}.{key}", each, "write a table")
            found[str(key)] = Section(each, f"{self._start}{name}.{key}.")
        return found

    def end(self) -> None:
        """Refuse the keys that nobody read: a misspelt setting must not be silent."""
        for name in self._settings:
            if name not in self._read:
                known = ", ".join(sorted(self._read))
                raise BadSettings(
                    self._start + name,
                    self._settings[name],
                    "unknown key; known: {known}",
                    known=known,
                )
