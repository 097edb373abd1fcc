"""The integrator's profile: one TOML says where the hypervisor is, and how it wants things said.

Every fault is found at once, each with its line, its key and the remedy:
[docs/integrators/hypervisor.md](../../docs/integrators/hypervisor.md) documents each key.
"""

from __future__ import annotations

import re
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Template

from adapters._shared.address import is_here
from adapters.ineo import own, templates, trial
from adapters.ineo.arguments import compile_arguments, fill
from adapters.ineo.identity import Crews, Identity, Known
from adapters.ineo.message import Act
from adapters.ineo.part import Part, line_of
from adapters.ineo.shape import published
from hooks import BadSettings, Means
from hooks.causes import cause

Codes = Mapping[str, Mapping[str, str]]

CAP, EMSI_JSON, EMSI_XML, TEMPLATE, SOAP = "cap", "emsi-json", "emsi-xml", "template", "soap"
KINDS = (CAP, EMSI_JSON, EMSI_XML, TEMPLATE, SOAP)
#: What a template may be called to say: one for each act.
ACTS = {Act.OPEN: "opening", Act.UPDATE: "update", Act.END: "end"}
#: {pays}.{domaine}.{organisation}…, as EMSI and GEO-POS want it.
_ORGANISATION = re.compile(r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+){2,7}")
_OURS = "renfort"
#: Of an HTTP header (RFC 9110 §5.1).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHODS = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one server is reached. TLS unless it is this very machine."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One place where messages are sent, and in which words."""

    name: str
    kind: str
    access: Access | None = None  #: None: through the broker
    exchange: str = ""
    routing_key: str = ""
    method: str = "POST"
    accept: tuple[int, ...] = ()  #: statuses taken for success; none: 200 to 299
    content_type: str = ""
    words: Mapping[Act, Template] = field(default_factory=dict)
    wsdl: str = ""
    service: str = ""
    port: str = ""
    #: By act: the operation, and its arguments, each text a template.
    operations: Mapping[Act, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)

    def tells(self, act: Act) -> bool:
        """Whether it is told of this act at all: templates and operations may leave one out."""
        told = {TEMPLATE: self.words, SOAP: self.operations}.get(self.kind)
        return told is None or act in told


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """An AMQP 0-9-1 broker: what we send goes through it, what they send waits in a queue."""

    access: Access
    queue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The whole profile, checked."""

    identity: Identity
    endpoints: tuple[Endpoint, ...] = ()
    broker: Broker | None = None
    crews: Crews = field(default_factory=Crews)
    codes: Codes = field(default_factory=dict)
    rules: tuple[own.Rule, ...] = ()  #: how the vendor's own JSON is read


def read_profile(path: Path) -> tuple[Profile, list[BadSettings]]:
    """Read a profile and all its faults; with any fault the profile is not to be used."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        fault = BadSettings(str(path), None, "cannot be read: {cause}", cause=cause(error))
        return _NOTHING, [fault]
    except tomllib.TOMLDecodeError as error:
        return _NOTHING, [BadSettings(path.name, None, "is not TOML: {cause}", cause=cause(error))]
    faults: list[BadSettings] = []
    profile = _read(Part(document, "", path.parent, faults))
    for fault in faults:
        fault.field = f"{path.name}, {line_of(text, fault.field)}: {fault.field}"
    return profile, faults


def _read(root: Part) -> Profile:
    identity = _identity(root.part("identity"), root.part("event"))
    codes = {
        name: root.part("codes").table(name)
        for name in (root.raw("codes") if isinstance(root.raw("codes"), Mapping) else {})
    }
    broker = _broker(root.part("amqp")) if root.has("amqp") else None
    profile = Profile(
        identity=identity, broker=broker, crews=_crews(root.part("crews")), codes=codes,
        rules=tuple(_rule(each) for each in root.parts("receive")),
        endpoints=tuple(_endpoint(each, broker, codes) for each in root.parts("send")),
    )  # fmt: skip
    names = [each.name for each in profile.endpoints]
    for name in sorted({name for name in names if names.count(name) > 1}):
        root.amiss("send", name, "give each endpoint its own name")
    root.end()
    return profile


# --- who ---


def _identity(part: Part, event: Part) -> Identity:
    usual = Identity(sender="", organisation="", name="")
    sender = part.text("sender")
    if sender and not re.fullmatch(r"[^\s,<&]+", sender):
        part.amiss("sender", sender, "write it without space, comma, < and &")
    organisation = part.text("organisation")
    if organisation and not _ORGANISATION.fullmatch(organisation):
        part.amiss("organisation", organisation, "write it as fr.police.<town>, 3 to 8 words")
    allocated = part.raw("allocated")
    if allocated not in (None, True, False):
        part.amiss("allocated", allocated, "write true or false")
    if organisation and not allocated and _OURS not in organisation.split("."):
        organisation = f"{organisation}.{_OURS}"  # nobody allocated it: it says whose it is
    identity = Identity(
        sender=sender, organisation=organisation, name=part.text("name"),
        recipient=part.text("recipient", usual.recipient),
        address_scheme=part.text("address_scheme", usual.address_scheme),
        restriction=part.text("restriction", usual.restriction),
        zone=_zone(part),
        lifetime=timedelta(hours=part.number("lifetime_h", 24, low=1, high=24 * 31)),
        event=event.text("name", usual.event),
        codes=event.table("codes"),
        category=_allowed(event, "category", usual.category, "CATEGORY"),
        actor=_allowed(event, "actor", usual.actor, "ACTOR"),
        place=event.text("place", usual.place),
    )  # fmt: skip
    part.end()
    event.end()
    return identity


def _zone(part: Part) -> ZoneInfo:
    name = part.text("timezone", "Europe/Paris")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        part.amiss("timezone", name, "write a time zone, as Europe/Paris or Indian/Reunion")
        return ZoneInfo("Europe/Paris")


def _allowed(part: Part, name: str, default: str, where: str) -> str:
    """Hold a code of EMSI to the published list."""
    value = part.text(name, default)
    listed = published("EMSI").fields["EVENT"].fields["ETYPE"].fields[where].items
    if listed is not None and value not in listed.allowed:
        part.amiss(name, value, "write one of the codes of EMSI {where}", where=where)
    return value


def _crews(part: Part) -> Crews:
    known = {}
    raw = part.raw("known")
    listed = part.part("known")
    for resource in raw if isinstance(raw, Mapping) else ():
        each = listed.part(str(resource))
        means = each.text("means", "unknown")
        if means not in set(Means):
            each.amiss("means", means, "write one of: {allowed}", allowed=", ".join(Means))
            means = "unknown"
        known[str(resource)] = Known(
            name=each.text("name", "") or None,
            means=Means(means) if means != "unknown" else None,
        )
        each.end()
    crews = Crews(
        organisations=part.texts("organisations"),
        delay=timedelta(seconds=part.number("delay_s", 5, low=0, high=600)),
        known=known,
    )
    part.end()
    return crews


def _rule(part: Part) -> own.Rule:
    means = part.text("means")
    if means and means not in own.MEANINGS:
        part.amiss("means", means, "write one of: {allowed}", allowed=", ".join(own.MEANINGS))
    match = part.table("match")
    if not match:
        part.amiss("match", None, "write a table of places and the values that they have")
    rule = own.Rule(
        means=means, match=match, identifier=part.text("identifier"), by=part.text("by", ""),
        why=part.text("why", ""),
    )  # fmt: skip
    part.end()
    return rule


# --- where ---


def _access(part: Part, scheme: str, plainly: str) -> Access:
    url = part.take(lambda section: section.url("url", scheme, plainly), "")
    if url:
        url = part.raw("url")  # as written: to some servers a final slash is another address
    try:
        parts = urlsplit(url)
        secure = parts.scheme == scheme or is_here(parts.hostname or "")
        plain = f"{parts.scheme}://{parts.hostname}…"
    except ValueError:
        secure, plain = True, ""
    if url and not secure:
        part.amiss("url", plain, "write {scheme}://; without TLS only this very machine is reached",
                   scheme=scheme)  # fmt: skip
    if url and parts.username is not None:
        part.amiss("url", plain, "write the account in username and password_file")
    ca = part.path("ca")
    if ca and not _is_authority(ca):
        part.amiss("ca", str(ca), "write the path of a PEM file of certificates")
    headers = part.table("headers")
    if not all(_NAME.fullmatch(name) and value.isprintable() for name, value in headers.items()):
        part.amiss("headers", headers, "write names without spaces, and values on one line")
    return Access(
        url=url, username=part.text("username", ""), password=part.secret("password"),
        token=part.secret("token"), ca=str(ca) if ca else None, headers=headers,
        timeout_s=part.number("timeout_s", 5, low=0.5, high=9),
    )  # fmt: skip


def _is_authority(path: Path) -> bool:
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError:
        return False
    return True


def _broker(part: Part) -> Broker:
    broker = Broker(access=_access(part, "amqps", "amqp"), queue=part.text("queue", ""))
    part.end()
    return broker


def _endpoint(part: Part, broker: Broker | None, codes: Codes) -> Endpoint:
    kind = part.text("kind")
    name = part.text("name", kind)
    if kind and kind not in KINDS:
        part.amiss("kind", kind, "write one of: {allowed}", allowed=", ".join(KINDS))
    through = part.text("exchange", "") if part.has("exchange") else None
    routing = part.text("routing_key", "")
    access = None
    if through is None and not routing:
        access = _access(part, "https", "http")
    elif broker is None:
        part.amiss("routing_key", routing, "say where the broker is: [amqp] url")
    method = part.text("method", "POST")
    if method not in _METHODS:
        part.amiss("method", method, "write one of: {allowed}", allowed=", ".join(_METHODS))
    accept = part.raw("accept") or []
    if not isinstance(accept, list) or not all(isinstance(each, int) for each in accept):
        part.amiss("accept", accept, "write a list of HTTP statuses, as [200, 202]")
        accept = []
    soap = _soap(part, codes) if kind == SOAP else ("", "", "", {})
    endpoint = Endpoint(
        name=name, kind=kind, access=access, exchange=through or "", routing_key=routing,
        method=method, accept=tuple(accept),
        content_type=part.text("content_type", ""),
        words=_words(part, codes) if kind == TEMPLATE else {},
        wsdl=soap[0], service=soap[1], port=soap[2], operations=soap[3],
    )  # fmt: skip
    part.end()
    return endpoint


def _words(part: Part, codes: Codes) -> dict[Act, Template]:
    kind = part.text("escape", "json")
    if kind not in templates.KINDS:
        allowed = ", ".join(templates.KINDS)
        part.amiss("escape", kind, "write one of: {allowed}", allowed=allowed)
    words = {}
    for act, name in ACTS.items():
        source = part.text(name, None if act is Act.OPEN else "")
        if source:
            try:
                words[act] = templates.compile_template(source, kind, part.key(name))
                for sample in trial.samples(act, codes):
                    tried = templates.render(words[act], sample, part.key(name))
                    templates.check(tried, kind, part.key(name))
            except BadSettings as fault:
                part.faults.append(fault)
    return words


def _soap(
    part: Part, codes: Codes
) -> tuple[str, str, str, dict[Act, tuple[str, Mapping[str, Any]]]]:
    written = part.text("wsdl")
    wsdl = written if "://" in written else str(part.path("wsdl") or "")
    operations: dict[Act, tuple[str, Mapping[str, Any]]] = {}
    for act, name in ACTS.items():
        if not part.has(name):
            if act is Act.OPEN:
                part.amiss(name, None, "write a table with operation and arguments")
            continue
        each = part.part(name)
        operation, arguments = each.text("operation"), each.raw("arguments") or {}
        if isinstance(arguments, Mapping):
            key = each.key("arguments")
            try:
                compiled = compile_arguments(arguments, key)
                for sample in trial.samples(act, codes):
                    fill(compiled, sample, key)
                operations[act] = (operation, compiled)
            except BadSettings as fault:
                part.faults.append(fault)
        else:
            each.amiss("arguments", arguments, "write a table of arguments")
        each.end()
    return wsdl, part.text("service", ""), part.text("port", ""), operations


_NOTHING = Profile(identity=Identity(sender="", organisation="", name=""))
