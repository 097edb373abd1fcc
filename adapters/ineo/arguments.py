"""The arguments of a SOAP operation, as the profile writes them: each text a template. Pure.

What is not known (a place without a fix) is no empty text: an empty text is no number, and the
whole alert would be refused for it. It is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Template

from adapters.ineo import templates


def compile_arguments(value: Any, where: str) -> Any:
    """Compile every text in them as a template."""
    if isinstance(value, Mapping):
        return {name: compile_arguments(each, f"{where}.{name}") for name, each in value.items()}
    if isinstance(value, list):
        return [compile_arguments(each, f"{where}[{n}]") for n, each in enumerate(value)]
    return templates.compile_template(value, "soap", where) if isinstance(value, str) else value


def fill(value: Any, context: Mapping[str, Any], where: str) -> Any:
    """Fill them in; None: not known."""
    if isinstance(value, Template):
        text = templates.render(value, context, where)
        return None if text == templates.NOT_KNOWN else text.replace(templates.NOT_KNOWN, "")
    if isinstance(value, Mapping):
        return {name: fill(each, context, f"{where}.{name}") for name, each in value.items()}
    if isinstance(value, list):
        filled = [fill(each, context, where) for each in value]
        return [each for each in filled if each is not None]
    return value


def without_holes(arguments: Mapping[str, Any], *, parts: bool) -> dict[str, Any]:
    """Leave out each table in which something is not known: a place without latitude is no place.

    `parts`: the outermost tables are the parts of an RPC message, and stay.
    """
    if parts:
        return {
            name: {key: _whole(inner) for key, inner in each.items()}
            if isinstance(each, Mapping) else each
            for name, each in arguments.items()
        }  # fmt: skip
    return {name: _whole(each) for name, each in arguments.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = {name: _whole(each) for name, each in value.items()}
        return None if None in inner.values() else inner
    return value
