"""Read JSON that others wrote: what every decoder meets before its own fields. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from hooks.basics import Message
from hooks.causes import cause
from hooks.errors import Malformed, shown

#: No message we know nests deeper than 5; what does is made to exhaust whoever reads it.
DEEPEST = 32
#: A collection of a thousand crews takes 400 kB.
LARGEST = 1 << 20

Faults = list[Malformed]
#: Past that many faults nobody reads on; the rest is counted.
MOST_TOLD = 20


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
        # RFC 8259 §8.1: a byte order mark may be passed over; what .NET writes often has one.
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        value = json.loads(text, object_pairs_hook=pairs)
    except UnicodeDecodeError as error:
        raise Malformed(field, body[:80], "write UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Malformed(field, body[:80], "write JSON: {cause}", cause=cause(error)) from error
    if not isinstance(value, dict):
        raise Malformed(field, body[:80], "write a JSON object")
    if _deeper_than(value, DEEPEST):
        raise Malformed(field, body[:80], "nest at most {levels} levels", levels=DEEPEST)
    return value


def number(where: Mapping[str, Any], name: str, faults: Faults, at: str = "") -> float | None:
    """Read a finite number; None when it is absent, null, or wrong: then noted, its place `at`."""
    value = where.get(name)
    if value is None:
        return None
    try:
        if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer of 400 digits
        value = "…"
    faults.append(Malformed(f"{at}{name}", value, "write a finite number"))
    return None


def tell(faults: Faults) -> None:
    """Raise what was noted, if anything, once the facts are given: each field, value and remedy.

    A decoder can raise one error: those of one remedy are told together, then those of the next.

    Raises
    ------
    Malformed
        The only fault, or all of them.
    """
    if len(faults) < 2:
        for fault in faults:
            raise fault
        return
    told = faults[:MOST_TOLD]
    alike: dict[str, Faults] = {}
    for fault in told:
        alike.setdefault(str(_remedy(fault)), []).append(fault)
    first, *others = alike.values()
    more = [
        Message(
            text="{field} = {value}: {remedy}",
            params={"field": _fields(each), "value": _values(each), "remedy": _remedy(each[0])},
        )
        for each in others
    ]
    if len(faults) > len(told):
        more.append(Message(text="… and {count} more", params={"count": len(faults) - len(told)}))
    fields = _fields(first)
    values = [fault.value for fault in first] if len(first) > 1 else first[0].value
    if not more:
        raise Malformed(fields, values, first[0].text, **first[0].params)
    raise Malformed(fields, values, "{one}; {more}", one=_remedy(first[0]), more=_joined(more))


def _remedy(fault: Malformed) -> Message:
    params = {
        name: value if isinstance(value, str | int | float | Message) else str(value)
        for name, value in fault.params.items()
    }
    return Message(text=fault.text, params=params)


def _fields(faults: Faults) -> str:
    return ", ".join(dict.fromkeys(fault.field for fault in faults))


def _values(faults: Faults) -> str:
    return ", ".join(shown(fault.field, fault.value) for fault in faults)


def _joined(said: Iterable[Message]) -> Message:
    """Say several sentences as one that can be translated."""
    *before, last = said
    for each in reversed(before):
        last = Message(text="{one}; {more}", params={"one": each, "more": last})
    return last


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
