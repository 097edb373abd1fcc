"""Read a table of TOML key by key, noting every fault instead of stopping at the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hooks import BadSettings
from hooks.section import Section

_T = TypeVar("_T")


class Part:
    """One table, read key by key; what is wrong is noted and reading goes on."""

    def __init__(
        self, table: Mapping[str, Any], where: str, folder: Path, faults: list[BadSettings]
    ) -> None:
        self._table = dict(table)
        self._section = Section(self._table)
        self._where, self._folder, self.faults = where, folder, faults

    def key(self, name: str) -> str:
        """Give the whole key, for a fault."""
        return f"{self._where}.{name}" if self._where else name

    def amiss(self, name: str, value: object, remedy: str, /, **params: object) -> None:
        """Note a fault."""
        self.faults.append(BadSettings(self.key(name), value, remedy, **params))

    def take(self, read: Callable[[Section], _T], otherwise: _T) -> _T:
        """Read by one of `Section`'s ways; a fault is noted, and `otherwise` stands."""
        try:
            return read(self._section)
        except BadSettings as fault:
            fault.field = self.key(fault.field)
            self.faults.append(fault)
            return otherwise

    def text(self, name: str, default: str | None = None) -> str:
        """Read a text."""
        return self.take(lambda section: section.text(name, default), default or "")

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """Read a number."""
        return self.take(
            lambda section: section.number(name, default, low=low, high=high), default
        )  # fmt: skip

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts."""
        return self.take(lambda section: section.texts(name, ()), ())

    def table(self, name: str) -> dict[str, str]:
        """Read a table of texts."""
        return self.take(lambda section: section.table(name), {})

    def has(self, name: str) -> bool:
        """Whether the key is written."""
        return name in self._table

    def raw(self, name: str) -> Any:
        """Give what is written, unjudged."""
        self._section._take(name)
        return self._table.get(name)

    def part(self, name: str) -> Part:
        """Read a table within."""
        value = self.raw(name)
        if not isinstance(value, Mapping):
            if value is not None:
                self.amiss(name, value, "write a table: [{section}]", section=self.key(name))
            value = {}
        return Part(value, self.key(name), self._folder, self.faults)

    def parts(self, name: str) -> list[Part]:
        """Read a list of tables within."""
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            self.amiss(name, value, "write tables: [[{section}]]", section=self.key(name))
            return []
        return [
            Part(each, f"{self.key(name)}[{number}]", self._folder, self.faults)
            for number, each in enumerate(value, 1)
        ]

    def secret(self, name: str) -> str:
        """Read a secret, from a file beside the profile or (on a bench) in clear."""
        if not self.has(f"{name}_file"):
            return self.text(name, "")
        path = self.path(f"{name}_file")
        try:
            read = path.read_text(encoding="utf-8").strip() if path else ""
            if read.isprintable():
                return read
        except (OSError, UnicodeDecodeError):
            pass
        self.amiss(f"{name}_file", str(path), "write the secret alone in it, on one line")
        return ""

    def path(self, name: str) -> Path | None:
        """Read the path of a file that exists; None: absent, or a fault."""
        written = self.text(name, "")
        if not written:
            return None
        path = self._folder / Path(written).expanduser()
        if path.is_file():
            return path
        self.amiss(name, written, "write the path of an existing file")
        return None

    def end(self) -> None:
        """Note a key that nobody read."""
        self.take(lambda section: section.end(), None)


def line_of(text: str, key: str) -> str:
    """Say near which line a key is written; its table's line when it is missing."""
    table, _, name = key.rpartition(".")
    head, _, number = table.partition("[")
    wanted = int(number.partition("]")[0]) if number[:1].isdigit() else 0
    seen, current, best = 0, "", 1
    for index, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            current = header[1].replace('"', "").replace(" ", "")
            seen += current == head
        if (current == table or (current == head and seen == wanted)) and wanted <= max(seen, 0):
            if header:
                best = index
            if re.match(rf'\s*"?{re.escape(name)}"?\s*=', line):
                return f"l. {index}"
    return f"l. {best}"
