"""The use cases of the French 15-18/NexSIS exchanges, each with what may stand in it. Pure.

EMSI and GEO-POS are judged by their published schemas. The header (RC-DE), the answers (RC-REF,
RS-ERROR) and the trial (TECHNICAL) are written down by us from the published model.
"""

from __future__ import annotations

from typing import Any

from adapters.ineo.shape import Shape, compiled, published

_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[\-+]\d{2}:\d{2}$"
_PARTY: dict[str, Any] = {
    "type": "object", "required": ["name", "URI"], "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "URI": {"type": "string"}},
}  # fmt: skip
#: RC-DE, the header of a message, as the published model describes it.
HEADER = compiled({
    "type": "object",
    "required": ["messageId", "sender", "sentAt", "kind", "status", "recipient"],
    "properties": {
        "messageId": {"type": "string"}, "sender": _PARTY,
        "sentAt": {"type": "string", "pattern": _TIME},
        "kind": {"type": "string", "enum": ["Report", "Update", "Cancel", "Ack", "Error"]},
        "status": {"type": "string", "enum": ["Actual", "Exercise", "System"]},
        "recipient": {"type": "array", "items": _PARTY, "minItems": 1},
    },
})  # fmt: skip
#: RC-REF and RS-ERROR: what is answered to a message of ours.
_REFERENCE = compiled({
    "type": "object", "required": ["distributionID"], "additionalProperties": False,
    "properties": {
        "distributionID": {"type": "string"}, "refused": {"type": "boolean"},
        "errorDistributionID": {"type": "string"},
    },
})  # fmt: skip
_ERROR = compiled({
    "type": "object", "additionalProperties": False,
    "required": ["errorCode", "errorCause", "referencedDistributionID"],
    "properties": {
        "errorCode": {
            "type": "object", "required": ["statusCode", "statusString"],
            "additionalProperties": False,
            "properties": {"statusCode": {"type": "number"}, "statusString": {"type": "string"}},
        },
        "errorCause": {"type": "string"}, "sourceMessage": {},
        "referencedDistributionID": {"type": "string"},
    },
})  # fmt: skip
_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_KEPT: dict[str, Any] = {"type": "object", "additionalProperties": False}
#: What a partner sends to try the line: it tells nothing, and is judged, as it is there for that.
_LEVEL_3 = {**_KEPT, "properties": {"stringLevel4": _TEXT}}
_TRIAL: dict[str, Any] = {
    "optionalStringField": _TEXT,
    "enumerationField": {"type": "string", "enum": [f"ENUM_VALUE_{n}" for n in range(1, 6)]},
    "integerField": {"type": "integer"}, "numberField": {"type": "number"},
    "booleanField": {"type": "boolean"},
    "objectField": {
        **_KEPT, "required": ["objectPropertyRequiredString"],
        "properties": {
            "objectPropertyString": _TEXT, "objectPropertyNumber": {"type": "number"},
            "objectPropertyRequiredString": _TEXT,
        },
    },
    "arrayField": _TEXTS,
    "enumArrayField": {
        "type": "array",
        "items": {"type": "string", "enum": [f"ENUM_VALUE_{n}0" for n in range(1, 6)]},
    },
    "arrayWithMaxLength": {**_TEXTS, "maxItems": 5},
    "phoneNumberField": {"type": "string", "pattern": r"^\+?[0-9]{2,14}$"},
    "dateField": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    "emailField": {
        "type": "string", "pattern": r"^[a-zA-Z0-9_.-]+@([a-zA-Z0-9_-]+\.)+[a-zA-Z0-9_-]{2,4}$"
    },
    "datetimeField": {"type": "string", "pattern": _TIME},
    "objectLevel1": {
        **_KEPT,
        "properties": {
            "stringLevel2": _TEXT,
            "object1Level2": {
                **_KEPT, "properties": {"stringLevel3": _TEXT, "object1Level3": _LEVEL_3}
            },
            "object2Level2": {**_KEPT, "properties": {"object2Level3": _LEVEL_3}},
        },
    },
    "nomenclatureField": {"type": "string", "enum": ["M", "F", "O", "UN"]},
}  # fmt: skip

#: Those that tell us something.
OURS: dict[str, Shape] = {
    "emsi": published("EMSI"), "geoPositionsUpdate": published("GEO-POS"),
    "reference": _REFERENCE, "error": _ERROR,
}  # fmt: skip
#: Those that are judged; the others of the standard are not for us.
JUDGED: dict[str, Shape] = {
    **OURS,
    "technical": compiled({
        **_KEPT, "required": ["requiredStringField", "requiredArray"],
        "properties": {
            **_TRIAL, "requiredStringField": _TEXT, "requiredArray": {**_TEXTS, "minItems": 1}
        },
    }),
    "technicalNoreq": compiled({**_KEPT, "properties": _TRIAL}),
}  # fmt: skip
#: A whole message, to be read from XML.
WHOLE = Shape(kind="object", fields={**HEADER.fields, **JUDGED})
OTHERS = frozenset((
    "distributionElement", "createCase", "createCaseHealth",
    "createCaseHealthUpdate", "resourcesInfo", "resourcesInfoCisu", "resourcesEngagement",
    "resourcesStatus", "resourcesRequest", "resourcesResponse", "rpis", "interventionReport",
    "documentLink", "geoResourcesRequest", "geoResourcesDetails", "appointment", "customContent",
))  # fmt: skip
#: Those that bear no header.
BARE = frozenset(("technicalNoreq", "customContent", "error", "distributionElement"))
