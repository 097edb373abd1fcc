"""Filters of the Configuration REST: `?name=contains:'01'`, several of them all holding.

A value alone, `?name=gare`, is what the property must be: a public client writes "equals" so.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

_CONDITION = re.compile(
    r"(?P<test>[A-Za-z]+):(?:'(?P<text>.*)'|(?P<bare>[^'].*))|(?P<whole>(?![A-Za-z]+:)[^'].*)",
    re.DOTALL,
)
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "contains": operator.contains,
    "equals": operator.eq,
    "startsWith": str.startswith,
    "notEquals": operator.ne,
    "lt": operator.lt,
    "gt": operator.gt,
}


class BadFilter(ValueError):
    """A condition that is not written as the maker wants; `name` is the property."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def keep(items: list[dict[str, Any]], filters: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Keep the items for which every condition holds; texts are compared without their case."""
    for name, condition in filters:
        match = _CONDITION.fullmatch(condition)
        test = (match["test"] or "equals") if match else ""
        if match is None or test not in _TESTS:
            raise BadFilter(name, f"invalid filter {name}={condition}")
        if any(name not in each for each in items):
            raise BadFilter(name, f"unknown property {name}")
        sought = match["whole"] or match["bare"] or match["text"]
        items = [each for each in items if _holds(test, each[name], sought)]
    return items


def _holds(test: str, value: object, sought: str) -> bool:
    if test in ("lt", "gt"):
        try:
            return _TESTS[test](float(str(value)), float(sought))
        except ValueError:
            return _TESTS[test](str(value), sought)
    return _TESTS[test](str(value).casefold(), sought.casefold())
