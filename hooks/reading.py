"""Read JSON that others wrote: what every decoder meets before its own fields. Pure."""

from __future__ import annotations

import json
from typing import Any

from hooks.errors import Malformed

#: No message we know nests deeper than 5; what does is made to exhaust whoever reads it.
DEEPEST = 32
#: A collection of a thousand crews takes 400 kB.
LARGEST = 1 << 20

Faults = list[Malformed]


def read_object(
    body: bytes | str, faults: Faults, field: str = "message", most: int = LARGEST
) -> dict[str, Any]:
    """Read a JSON object; a key written twice is noted, and its last value counts.

    Raises
    ------
    Malformed
        It is no JSON object in UTF-8, is longer than `most` bytes, or nests deeper than `DEEPEST`.
    """

    def pairs(read: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(read)
        if len(keys) < len(read):
            names = [name for name, _ in read]
            twice = next(name for name in names if names.count(name) > 1)
            faults.append(Malformed(twice, keys[twice], "write each key once in an object"))
        return keys

    if len(body) > most:
        raise Malformed(field, body[:80], "write at most {most} bytes", most=most)
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        value = json.loads(text, object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise Malformed(field, body[:80], "write UTF-8") from error
    except (ValueError, RecursionError) as error:
        cause = str(error)[:200]
        raise Malformed(field, body[:80], "write JSON: {cause}", cause=cause) from error
    if not isinstance(value, dict):
        raise Malformed(field, body[:80], "write a JSON object")
    if _deeper_than(value, DEEPEST):
        raise Malformed(field, body[:80], "nest at most {levels} levels", levels=DEEPEST)
    return value


def _deeper_than(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for each in layer
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return any(isinstance(each, dict | list) for each in layer)


def printable(value: str) -> str:
    """Leave nothing that breaks a log line, a page's layout or an encoder (lone surrogates)."""
    return "".join(each if each.isprintable() else " " for each in value).strip()
