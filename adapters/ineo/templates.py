"""The vendor's own words: jinja2 templates of the integrator, in a sandbox. Pure.

What a template prints is written for its kind: in JSON each `{{ … }}` becomes a JSON value, quotes
included; in XML it is escaped; in plain text it is as it is. A name that does not exist is an
error, never an empty text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from defusedxml.ElementTree import fromstring
from jinja2 import StrictUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from adapters.ineo.identity import Identity
from adapters.ineo.message import Saying, stamp
from hooks import BadSettings
from hooks.causes import cause
from hooks.reading import printable

KINDS = ("json", "xml", "text")
#: What an argument of SOAP holds where a value is not known: no text of ours has such a character.
NOT_KNOWN = "\0"


def compile_template(source: str, kind: str, where: str) -> Template:
    """Compile a template; `BadSettings` names the line within it."""
    environment = ImmutableSandboxedEnvironment(
        autoescape=kind == "xml",
        undefined=StrictUndefined,
        finalize={"json": _as_json, "soap": _as_argument}.get(kind, _as_text),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    try:
        return environment.from_string(source)
    except TemplateError as error:
        line = getattr(error, "lineno", 0) or 0
        raise BadSettings(
            where,
            source[:60],
            "line {line} of the template: {cause}",
            line=line,
            cause=cause(error),
        ) from error


def render(template: Template, context: Mapping[str, Any], where: str) -> str:
    """Fill in a template; `BadSettings` says which name it does not find."""
    try:
        return template.render(context)
    except Exception as error:  # an integrator's template may do anything: divide, recurse, grow
        alert = context["alert"]
        met = {name: alert[name] for name in ("phase", "trigger", "exercise", "lat", "call_sign")}
        raise BadSettings(
            where, met, "the template fails: {cause}; alert has: {known}",
            cause=cause(error), known=", ".join(sorted(alert)),
        ) from error  # fmt: skip


def check(text: str, kind: str, where: str) -> None:
    """Hold what a template gives to its kind."""
    try:
        if kind == "json":
            json.loads(text)
        elif kind == "xml":
            fromstring(text.encode(), forbid_dtd=True)
    except (ValueError, SyntaxError) as error:
        raise BadSettings(
            where, text[:60], "the template gives no good {kind}: {cause}",
            kind=kind.upper(), cause=cause(error),
        ) from error  # fmt: skip


def context(
    saying: Saying, identity: Identity, codes: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Say what templates may use. The officer by his call sign; no image, no link to one."""
    picture = saying.picture
    place = picture.position

    def time(moment: datetime | None) -> str | None:
        return None if moment is None else stamp(moment, identity.zone)

    alert = {
        "act": saying.act.value,
        "identifier": saying.identifier,
        "opening": saying.replaces[0][0] if saying.replaces else saying.identifier,
        "replaces": [name for name, _ in saying.replaces],
        "sent": time(saying.sent),
        "exercise": saying.exercise,
        "incident": picture.incident,
        "version": picture.version,
        "phase": picture.phase.value,
        "call_sign": picture.officer.call_sign,
        "device": picture.device,
        "trigger": picture.trigger.value,
        "title": picture.title,
        "text": picture.text,
        "near": picture.situation.near,
        "lat": round(place.lat, 6) if place else None,
        "lon": round(place.lon, 6) if place else None,
        "accuracy_m": place.accuracy_m if place else None,
        "fixed_at": time(place.fixed_at) if place else None,
        "last_known": picture.last_known,
        "opened_at": time(picture.opened_at),
        "ended_at": time(picture.ended_at),
        "link_up": picture.link_up,
        "owner": picture.owner,
        "engaged": list(picture.engaged),
        "closed_by": picture.closed_by,
        "outcome": picture.outcome,
    }
    us = {"sender": identity.sender, "organisation": identity.organisation,
          "name": identity.name, "recipient": identity.recipient}  # fmt: skip
    return {"alert": alert, "us": us, "codes": {name: dict(each) for name, each in codes.items()}}


def _as_json(value: Any) -> Any:
    if isinstance(value, Undefined):
        return value  # strict: it raises when it is written
    return json.dumps(value, ensure_ascii=False, default=str)


def _as_argument(value: Any) -> Any:
    return NOT_KNOWN if value is None else _as_text(value)


def _as_text(value: Any) -> Any:
    if value is None:
        return ""
    if type(value) is not str:
        return value
    return "\n".join(printable(line) for line in value.splitlines())
