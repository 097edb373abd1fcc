"""What a site answers, without what it must not say of itself. Pure.

Kept: the shape. Names of fields, types, how many digits a time has, whether an identifier is one,
and the few words that the maker chose and not the site. Everything else becomes a mark of its kind:
what nobody thought of is hidden too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

#: Fields whose text is the maker's own: versions, kinds, words of errors.
KEPT = frozenset({
    "version", "productversion", "server_version", "type", "generatortype", "generatorsubtype",
    "subtype", "failoversetting", "token_type", "scope", "errortextid", "propertyname",
    "specversion", "command", "state_type", "starteventtype", "modifier",
})  # fmt: skip
#: Fields whose number says how the site is made, not where anything is.
COUNTED = frozenset({
    "httpcode", "status", "level", "channel", "portnumber", "expires_in", "commandid", "number",
    "priority", "progress", "count", "seconds",
})  # fmt: skip
#: Rows of a list that are kept: one may be odd, three show it.
ROWS = 3
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAMED = re.compile(r"(?:[A-Za-z]{1,30}/)?\{?" + _GUID.pattern + r"\}?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(?:Z|[+-]\d\d:\d\d)?")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
_POINT = re.compile(r"\s*[A-Za-z]+\s*Z?\s*\([-+\d.,eE\s]*\)\s*")


class Scrubber:
    """Scrubs the answers of one site: the same identifier becomes the same other one everywhere.

    Parameters
    ----------
    salt
        Chosen by chance, and kept by nobody: without it no identifier can be found again.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def scrub(self, value: Any, field: str = "", *, tasks: bool = False) -> Any:
        """Scrub a value; within `tasks` the maker's own names are kept."""
        if isinstance(value, Mapping):
            return {
                self._name(str(name)): self.scrub(each, str(name), tasks=tasks or name == "tasks")
                for name, each in value.items()
            }
        if isinstance(value, list):
            return [self.scrub(each, field, tasks=tasks) for each in value[:ROWS]]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            return value if field.lower() in COUNTED else type(value)(0)
        return self._text(str(value), field, tasks=tasks)

    def _name(self, name: str) -> str:
        """Scrub a field's name: some answers are tables by identifier."""
        return _GUID.sub(self._guid, name)[:60]

    def _text(self, text: str, field: str, *, tasks: bool) -> str:
        kept = field.lower() in KEPT or (tasks and field in ("id", "displayName"))
        if kept and len(text) <= 80:
            return _GUID.sub(self._guid, text)
        if field.lower() == "errortext":
            return self._error(text)
        if not text or _NUMBER.fullmatch(text) or _TIME.fullmatch(text) or _POINT.fullmatch(text):
            return re.sub(r"\d", "0", text)
        if text.upper() == "POINT EMPTY":
            return text
        if _NAMED.fullmatch(text):  # an identifier, bare or after its kind: cameras/6f2b…
            return _GUID.sub(self._guid, text)
        return f"<{len(text)} characters>"

    def _error(self, text: str) -> str:
        """Keep the maker's sentence; what it says of the site stands after a colon or is a GUID."""
        said = _GUID.sub(self._guid, text)
        words = re.sub(r"['\"].*?['\"]|\\\\?[^\s]*\\[^\s]*|\d{2,}", "<…>", said)
        return words[:200]

    def _guid(self, found: re.Match[str]) -> str:
        digest = hashlib.blake2b(found[0].lower().encode(), key=self._salt, digest_size=16)
        made = digest.hexdigest()
        other = "-".join((made[:8], made[8:12], made[12:16], made[16:20], made[20:]))
        return other.upper() if found[0].isupper() else other
