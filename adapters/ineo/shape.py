"""What a message may look like, by its published JSON Schema: one judge for JSON and XML. Pure.

The subset of draft-07 that the published schemas use: `type`, `properties`, `required`,
`additionalProperties`, `items`, `minItems`, `maxItems`, `enum`, `pattern`, `$ref`.
Compiled once, for thousands of positions come each second (`benchmarks/crews.py`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from hooks import Malformed
from hooks.reading import Faults

#: How many values of an enumeration a remedy names; EMSI has some of six hundred.
NAMED = 12
#: Past that many faults nobody reads on, and a hostile message would make thousands.
MOST_FAULTS = 50


@dataclass(slots=True)
class Shape:
    """One place in a message: what may stand there."""

    kind: str = "any"  #: of JSON Schema's types; "any" judges nothing
    fields: dict[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    closed: bool = False  #: nothing but `fields` may be there
    items: Shape | None = None
    least: int = 0
    most: float = math.inf
    allowed: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None
    #: Answers whether nothing is wrong, and no more: what is right needs no path to be named by.
    fits: Callable[[Any], bool] = field(default=lambda _: True, repr=False)

    # --- judging ---

    def judge(self, value: object, where: str, faults: Faults) -> bool:
        """Note what is wrong in a value, each fault with its path; answer whether nothing is."""
        if self.fits(value):
            return True
        if len(faults) < MOST_FAULTS:
            self._judge(value, where, faults)
        return False  # wrong, whether or not there was room to say why

    def _judge(self, value: object, where: str, faults: Faults) -> None:
        match self.kind:
            case "object":
                self._object(value, where, faults)
            case "array":
                self._array(value, where, faults)
            case "string":
                self._text(value, where, faults)
            case "number" | "integer":
                if not _is_number(value, whole=self.kind == "integer"):
                    fault = Malformed(where, value, "write a finite number")
                    if self.kind == "integer":
                        fault = Malformed(where, value, "write a whole number")
                    faults.append(fault)
            case "boolean":
                if not isinstance(value, bool):
                    faults.append(Malformed(where, value, "write true or false"))

    def _object(self, value: object, where: str, faults: Faults) -> None:
        if not isinstance(value, dict):
            faults.append(Malformed(where, value, "write an object"))
            return
        for name in self.required:
            if name not in value:
                faults.append(Malformed(f"{where}.{name}", None, "it is missing: write it"))
        for name, inner in value.items():
            shape = self.fields.get(name)
            if shape is not None:
                shape.judge(inner, f"{where}.{name}", faults)
            elif self.closed:
                known = ", ".join(list(self.fields)[:NAMED])
                faults.append(
                    Malformed(f"{where}.{name}", inner, "remove it; known here: {known}",
                              known=known)
                )  # fmt: skip

    def _array(self, value: object, where: str, faults: Faults) -> None:
        if not isinstance(value, list):
            faults.append(Malformed(where, value, "write a list"))
            return
        if len(value) < self.least:
            faults.append(Malformed(where, value, "write at least {least}", least=self.least))
        if len(value) > self.most:
            faults.append(Malformed(where, value, "write at most {most}", most=self.most))
        if self.items is not None:
            for index, inner in enumerate(value):
                self.items.judge(inner, f"{where}[{index}]", faults)

    def _text(self, value: object, where: str, faults: Faults) -> None:
        if not isinstance(value, str):
            faults.append(Malformed(where, value, "write a text"))
        elif self.allowed and value not in self.allowed:
            known = ", ".join(sorted(self.allowed)[:NAMED])
            if len(self.allowed) > NAMED:
                known += "…"
            faults.append(Malformed(where, value, "write one of: {known}", known=known))
        elif self.pattern is not None and not self.pattern.search(value):
            pattern = self.pattern.pattern.replace(r"\Z", "$")
            faults.append(Malformed(where, value, "write it as {pattern}", pattern=pattern))

    # --- the same message in XML ---

    def from_xml(self, element: Element) -> Any:
        """Read an element as the JSON that says the same; what does not fit is for the judge."""
        match self.kind:
            case "object":
                return self._members(element)
            case "array":
                return [self.items.from_xml(element) if self.items else element.text or ""]
            case "number" | "integer":
                return _number(element.text or "", whole=self.kind == "integer")
            case "boolean":
                text = (element.text or "").strip()
                return {"true": True, "1": True, "false": False, "0": False}.get(text, text)
        return (element.text or "").strip()

    def _members(self, element: Element) -> dict[str, Any]:
        read: dict[str, Any] = {}
        twice: set[str] = set()
        for child in element:
            name = local(child)
            shape = self.fields.get(name, _ANY)
            value = shape.from_xml(child)
            if name not in read:
                read[name] = value
            elif shape.kind == "array":
                read[name] += value
            elif name not in twice:
                read[name] = [read[name], value]  # once is allowed: the judge says so
                twice.add(name)
        return read


def local(element: Element) -> str:
    """Give an element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace(element: Element) -> str:
    """Give an element's namespace; empty when it has none."""
    tag = element.tag
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def compiled(schema: Mapping[str, Any]) -> Shape:
    """Compile a schema."""
    definitions: Mapping[str, Any] = schema.get("definitions", {})
    known: dict[str, Shape] = {}

    def build(part: Mapping[str, Any]) -> Shape:
        reference = part.get("$ref")
        if reference is not None:
            name = reference.rpartition("/")[2]
            if name not in known:
                known[name] = Shape()  # a definition may name itself
                _fill(known[name], definitions[name])
            return known[name]
        return _fill(Shape(), part)

    def _fill(shape: Shape, part: Mapping[str, Any]) -> Shape:
        shape.kind = part.get("type") or ("object" if "properties" in part else "any")
        shape.fields = {name: build(each) for name, each in part.get("properties", {}).items()}
        shape.required = tuple(part.get("required", ()))
        shape.closed = part.get("additionalProperties") is False
        shape.items = build(part["items"]) if "items" in part else None
        shape.least, shape.most = part.get("minItems", 0), part.get("maxItems", math.inf)
        shape.allowed = frozenset(part.get("enum", ()))
        # ECMA's `$` is the very end; Python's also matches before a last newline.
        written = part.get("pattern", "")
        shape.pattern = re.compile(re.sub(r"\$$", r"\\Z", written)) if written else None
        shape.fits = _fitting(shape)
        return shape

    return build(schema)


@cache
def published(name: str) -> Shape:
    """Compile one of the published schemas, by its file's name without `.schema.json`."""
    path = Path(__file__).parent / "schemas" / "json" / f"{name}.schema.json"
    return compiled(json.loads(path.read_text(encoding="utf-8")))


def _fitting(shape: Shape) -> Callable[[Any], bool]:
    """Make the quick answer to whether a value fits a shape."""
    match shape.kind:
        case "object":
            return _fitting_object(shape)
        case "array":
            items, least, most = shape.items or _ANY, shape.least, shape.most
            return lambda value: (
                isinstance(value, list)
                and least <= len(value) <= most
                and all(map(items.fits, value))
            )
        case "string":
            return _fitting_text(shape)
        case "number" | "integer":
            whole = shape.kind == "integer"
            return lambda value: _is_number(value, whole=whole)
        case "boolean":
            return lambda value: isinstance(value, bool)
    return lambda _: True


def _fitting_object(shape: Shape) -> Callable[[Any], bool]:
    fields, required, closed = shape.fields, shape.required, shape.closed

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        for name, inner in value.items():
            known = fields.get(name)
            if known is None:
                if closed:
                    return False
            elif not known.fits(inner):
                return False
        return all(name in value for name in required)

    return fits


def _fitting_text(shape: Shape) -> Callable[[Any], bool]:
    allowed, pattern = shape.allowed, shape.pattern

    def fits(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if allowed:
            return value in allowed
        return pattern is None or pattern.search(value) is not None

    return fits


_ANY = Shape()


def _is_number(value: object, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value) and not (whole and float(value) != int(value))
    except OverflowError:  # an integer of 400 digits
        return False


def _number(text: str, *, whole: bool) -> Any:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return text
