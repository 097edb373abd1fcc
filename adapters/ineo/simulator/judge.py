"""The published schemas as judges: XSD by lxml, JSON Schema by jsonschema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

SCHEMAS = Path(__file__).parents[1] / "schemas"
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
ENVELOPE = "urn:oasis:names:tc:emergency:EDXL:DE:2.0"
EMSI = "urn:emergency:eda:1.9:emsi"
SAFE = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
    remove_comments=True, remove_pis=True,
)  # fmt: skip


class NotValidError(ValueError):
    """A message that the schemas refuse; says why."""


@cache
def _xsd(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMAS / "xsd" / f"{name}.xsd")))


@cache
def _json(name: str) -> Any:
    from jsonschema import Draft7Validator  # noqa: PLC0415  (pip install renfort[hypervisor])

    path = SCHEMAS / "json" / f"{name}.schema.json"
    return Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


def prepare() -> None:
    """Compile the schemas."""
    for name in ("CAP-v1.2", "EDXL-DE-envelope-only", "EMSI"):
        _xsd(name)


def cap(body: bytes) -> etree._Element:
    """Judge a CAP alert by the OASIS XSD."""
    return _judged(read(body), "CAP-v1.2")


def emsi_xml(body: bytes) -> etree._Element:
    """Judge an EDXL-DE envelope, and the EMSI in it; answer the EMSI."""
    root = _judged(read(body), "EDXL-DE-envelope-only")
    found = root.find(f".//{{{EMSI}}}emsi")
    if found is None:
        raise NotValidError("the envelope has no emsi")
    return _judged(found, "EMSI")


def emsi_json(body: bytes) -> dict[str, Any]:
    """Judge an EDXL-DE envelope, and the EMSI in it; answer the EMSI."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotValidError(str(error)) from error
    _hold(_json("EDXL-DE-envelope-only"), envelope)
    message = envelope["content"][0]["jsonContent"]["embeddedJsonContent"].get("message", {})
    _hold(_json("EMSI"), message.get("emsi"))
    emsi: dict[str, Any] = message["emsi"]
    return emsi


def read(body: bytes) -> etree._Element:
    """Read XML that has no DTD."""
    try:
        root = etree.fromstring(body, SAFE)
    except etree.XMLSyntaxError as error:
        raise NotValidError(str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotValidError("it has a DTD")
    return root


def _judged(element: etree._Element, name: str) -> etree._Element:
    # Apart from what surrounds it, so that its own schema judges it as a document.
    alone = etree.fromstring(etree.tostring(element), SAFE)
    schema = _xsd(name)
    if not schema.validate(alone):
        raise NotValidError("; ".join(str(each) for each in schema.error_log)[:1000])
    return alone


def _hold(validator: Any, value: object) -> None:
    faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(value)]
    if faults:
        raise NotValidError("; ".join(faults)[:1000])
