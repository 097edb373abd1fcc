"""What a CAP 1.2 message may look like: what its XSD says, and what its text adds. Pure."""

from __future__ import annotations

from typing import Any

from adapters.ineo.shape import compiled


def _one(*allowed: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(allowed)}


_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_TIME: dict[str, Any] = {
    "type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d$"
}  # fmt: skip
_NAME: dict[str, Any] = {"type": "string", "pattern": r"^[^\s,<&]+$"}
_PAIRS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object", "required": ["valueName", "value"], "additionalProperties": False,
        "properties": {"valueName": _TEXT, "value": _TEXT},
    },
}  # fmt: skip
_AREA: dict[str, Any] = {
    "type": "object", "required": ["areaDesc"], "additionalProperties": False,
    "properties": {
        "areaDesc": _TEXT,
        "polygon": _TEXTS,
        "circle": {
            "type": "array",
            "items": {
                "type": "string", "pattern": r"^-?\d+(\.\d+)?,-?\d+(\.\d+)?\s\d+(\.\d+)?$"
            },
        },
        "geocode": _PAIRS, "altitude": {"type": "number"}, "ceiling": {"type": "number"},
    },
}  # fmt: skip
_RESOURCE: dict[str, Any] = {
    "type": "object", "required": ["resourceDesc", "mimeType"], "additionalProperties": False,
    "properties": {
        "resourceDesc": _TEXT, "mimeType": _TEXT, "size": {"type": "integer"}, "uri": _TEXT,
        "derefUri": _TEXT, "digest": _TEXT,
    },
}  # fmt: skip
_INFO: dict[str, Any] = {
    "type": "object", "additionalProperties": False,
    "required": ["category", "event", "urgency", "severity", "certainty"],
    "properties": {
        "language": _TEXT,
        "category": {
            "type": "array", "minItems": 1, "items": _one(
                "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env",
                "Transport", "Infra", "CBRNE", "Other"),
        },
        "event": _TEXT,
        "responseType": {
            "type": "array", "items": _one(
                "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess",
                "AllClear", "None"),
        },
        "urgency": _one("Immediate", "Expected", "Future", "Past", "Unknown"),
        "severity": _one("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
        "certainty": _one("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
        "audience": _TEXT, "eventCode": _PAIRS, "effective": _TIME, "onset": _TIME,
        "expires": _TIME, "senderName": _TEXT, "headline": _TEXT, "description": _TEXT,
        "instruction": _TEXT, "web": _TEXT, "contact": _TEXT, "parameter": _PAIRS,
        "resource": {"type": "array", "items": _RESOURCE},
        "area": {"type": "array", "items": _AREA},
    },
}  # fmt: skip
#: CAP has no JSON Schema: this says what its XSD says, and what the text adds on identifiers.
SHAPE = compiled({
    "type": "object", "additionalProperties": False,
    "required": ["identifier", "sender", "sent", "status", "msgType", "scope"],
    "properties": {
        "identifier": _NAME, "sender": _NAME, "sent": _TIME,
        "status": _one("Actual", "Exercise", "System", "Test", "Draft"),
        "msgType": _one("Alert", "Update", "Cancel", "Ack", "Error"),
        "source": _TEXT, "scope": _one("Public", "Restricted", "Private"),
        "restriction": _TEXT, "addresses": _TEXT, "code": _TEXTS, "note": _TEXT,
        "references": _TEXT, "incidents": _TEXT, "info": {"type": "array", "items": _INFO},
        "Signature": {},
    },
})  # fmt: skip
