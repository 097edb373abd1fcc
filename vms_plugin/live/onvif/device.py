"""The device's services: what is asked is found by its element's name, and answered by a template.

Channels are stable: an officer keeps his number, profile, tokens and address for ever. There is no
snapshot, and no recording is told of: CSI R241-13 forbids both at the command post.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid5
from xml.etree import ElementTree

import structlog
from defusedxml import ElementTree as safe
from defusedxml.common import DefusedXmlException
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vms_plugin.live import rtsp_words
from vms_plugin.live.sound import SOUNDS, Sound

LARGEST = 64 * 1024
_WRONG, _STALE = "account or password", "the nonce is too old: prove the password again"
#: A wrong password costs that much.
WRONG_S = 1.0
#: How far a client's clock may be off; it reads ours first (GetSystemDateAndTime needs no account).
SKEW = timedelta(minutes=5)
#: A pull point without events answers after that, at the latest.
PULL_MOST_S = 20.0

_SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
_WSSE = ("{http://docs.oasis-open.org/wss/2004/01/"
         "oasis-200401-wss-wssecurity-secext-1.0.xsd}")  # fmt: skip
_WSU = ("{http://docs.oasis-open.org/wss/2004/01/"
        "oasis-200401-wss-wssecurity-utility-1.0.xsd}")  # fmt: skip
_HOUSE = UUID("0f6bd1ce-54c3-4ad4-8a55-3f7e6d2d1c11")
#: Namespace, template, prefix and where it is served, of each service.
_SERVICES = {
    "http://www.onvif.org/ver10/device/wsdl": ("device", "tds", "/onvif/device_service", (2, 60)),
    "http://www.onvif.org/ver10/media/wsdl": ("media", "trt", "/onvif/media_service", (2, 60)),
    "http://www.onvif.org/ver20/media/wsdl": ("media2", "tr2", "/onvif/media2_service", (2, 60)),
    "http://www.onvif.org/ver10/events/wsdl": ("event", "tev", "/onvif/event_service", (2, 60)),
    "http://docs.oasis-open.org/wsn/b-2": ("event", "wsnt", "/onvif/event_service", (2, 60)),
}
#: ONVIF Core, access classes: PRE_AUTH.
_OPEN = {"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetServiceCapabilities",
         "GetHostname", "GetWsdlUrl", "GetEndpointReference"}  # fmt: skip

_words = Environment(
    loader=PackageLoader("vms_plugin.live.onvif", "words"), autoescape=True, trim_blocks=True
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """One officer: his number, which stays, and his name."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Fault(Exception):
    """What cannot be answered, as SOAP and ONVIF say it."""

    code: str
    reason: str
    side: str = "Sender"


@dataclass(frozen=True, kw_only=True)
class Device:
    """What the device is."""

    officers: Mapping[str, int]  #: by name, the number that is his own
    username: str
    password: str = field(repr=False)
    rtsp_port: int
    port: int
    site: str  #: what makes this host itself, and no other: its identity is made of it
    sound_word: str = "pcma"
    version: str = "0"
    want_key: Callable[[str], None] = lambda _name: None
    base: str = ""  #: as the client reached us; per request
    address: str = "127.0.0.1"

    @property
    def channels(self) -> list[Channel]:
        """One an officer, in the order of their numbers."""
        return [Channel(number, name) for number, name in
                sorted((number, name) for name, number in self.officers.items())]  # fmt: skip

    @property
    def sound(self) -> Sound | None:
        """How sound is told; ONVIF's first media service has no word for Opus."""
        found = SOUNDS.get(self.sound_word)
        return found if found and found.onvif else None

    @property
    def uuid(self) -> str:
        """The device's name in discovery, always the same."""
        return f"urn:uuid:{uuid5(_HOUSE, self.site)}"

    @property
    def serial(self) -> str:
        """Its serial number, always the same."""
        return uuid5(_HOUSE, self.site).hex[:12].upper()

    @property
    def mac(self) -> str:
        """An address of its own, always the same: VMSs recognise devices by it.

        Locally administered (second bit of the first byte): no card has it.
        """
        return ":".join(["02", *re.findall("..", self.serial.lower())[1:]])

    @property
    def scopes(self) -> list[str]:
        """What it says of itself in discovery."""
        root = "onvif://www.onvif.org"
        return [f"{root}/type/video_encoder", f"{root}/type/audio_encoder",
                f"{root}/Profile/Streaming", f"{root}/name/Renfort",
                f"{root}/hardware/renfort"]  # fmt: skip

    @property
    def services(self) -> list[tuple[str, str, tuple[int, int]]]:
        """The services of GetServices."""
        return [(name, path, version) for name, (_, prefix, path, version) in _SERVICES.items()
                if prefix != "wsnt"]  # fmt: skip

    @property
    def now(self) -> datetime:
        """The device's clock."""
        return datetime.now(UTC)

    def stamp(self, ahead_s: float = 0) -> str:
        """Write a moment."""
        moment = self.now + timedelta(seconds=ahead_s)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def stream(self, channel: Channel) -> str:
        """Write a channel's stable address."""
        return rtsp_words.address(self.address, self.rtsp_port, channel.name, secure=False)

    def key(self, channel: Channel) -> str:
        """Ask for a key picture; nothing is to be written."""
        self.want_key(channel.name)
        return ""

    def channel(self, asked: Mapping[str, str]) -> Channel:
        """Find the channel that a token names.

        Raises
        ------
        Fault
            There is no such token.
        """
        for name in ("ProfileToken", "ConfigurationToken", "VideoSourceToken", "Token"):
            found = re.fullmatch(r"[a-z]+_(\d{1,6})", asked.get(name, ""))
            named = [each for each in self.channels if found and each.number == int(found[1])]
            if named:
                return named[0]
        raise Fault("InvalidArgVal", "there is no such token")

    def chosen(self, asked: Mapping[str, str]) -> list[Channel]:
        """Find the channels that Media 2's lists are about: the one a token names, else all."""
        named = any(asked.get(name) for name in ("Token", "ProfileToken", "ConfigurationToken"))
        return [self.channel(asked)] if named else self.channels

    def capabilities(self, namespace: str) -> Markup:
        """Write what a service can do, for GetServices."""
        template = _words.get_template(f"{_SERVICES[namespace][0]}.xml")
        return Markup(template.module.GetServiceCapabilities(self, {}))  # type: ignore[attr-defined]  # noqa: S704

    def ear(self, asked: Mapping[str, str]) -> Channel:
        """Find the channel that a token of sound names; `Fault` when there is no sound."""
        if self.sound is None:
            raise Fault("InvalidArgVal", "there is no sound")
        return self.channel(asked)


def app(device: Device) -> ASGIApp:
    """Serve the device over HTTP."""
    services = _Services(device)
    return Starlette(routes=[Route("/onvif/{service}", services.answer, methods=["POST"])])


class _Services:
    def __init__(self, device: Device) -> None:
        self._device = device
        self._doorman = rtsp_words.Doorman(device.username, device.password, monotonic)
        self._nonces: dict[bytes, datetime] = {}

    async def answer(self, request: Request) -> Response:
        """Answer one operation."""
        headers = {}
        try:
            prefix, operation, asked, tree = await _read(request)
            why_not = "" if operation in _OPEN else self._why_not(request, tree)
            if why_not:
                token = tree.find(f".//{_WSSE}UsernameToken") is not None
                if why_not == _WRONG and (token or "authorization" in request.headers):
                    await asyncio.sleep(WRONG_S)
                challenge = self._doorman.challenge(stale=why_not == _STALE)
                headers = {} if token else {"WWW-Authenticate": challenge}
                return _soap(400 if token else 401, headers=headers,
                             fault=Fault("NotAuthorized", why_not))  # fmt: skip
            if operation == "PullMessages":
                await asyncio.sleep(min(_seconds(asked.get("Timeout", "")), PULL_MOST_S))
            content = self._written(request, prefix, operation, asked)
        except Fault as fault:
            return _soap(400 if fault.side == "Sender" else 500, fault=fault)
        return _soap(200, name=f"{prefix}:{operation}Response", content=content)

    def _written(
        self, request: Request, prefix: str, operation: str, asked: Mapping[str, str]
    ) -> str:
        template = next(name for name, own, _, _ in _SERVICES.values() if own == prefix)
        macro = getattr(_words.get_template(f"{template}.xml").module, operation, None)
        if macro is None or not operation[:1].isupper():
            if operation.startswith("GetSnapshotUri"):
                raise Fault("ActionNotSupported", "no snapshot of an officer's camera (R241-13)")
            raise Fault("ActionNotSupported", f"{operation} is not supported", "Receiver")
        return Markup(macro(self._reached(request), asked))  # noqa: S704  (escaped by the macro)

    def _reached(self, request: Request) -> Device:
        """Give the device as this client reached it: its addresses are those it can use."""
        host = request.url.hostname or "127.0.0.1"
        shown = f"[{host}]" if ":" in host else host
        own = {name: getattr(self._device, name) for name in self._device.__dataclass_fields__}
        return Device(**own | {"base": f"http://{shown}:{self._device.port}", "address": host})

    # --- who asks ---

    def _why_not(self, request: Request, tree: ElementTree.Element) -> str:
        """Say why a client is not let in; empty when it is."""
        token = tree.find(f".//{_WSSE}UsernameToken")
        if token is not None:
            return self._unproven(token)
        asked = rtsp_words.Request(request.method, request.url.path, dict(request.headers))
        return {True: "", None: _STALE, False: _WRONG}[self._doorman.lets_in(asked)]

    def _unproven(self, token: ElementTree.Element) -> str:
        """Check a UsernameToken (PasswordDigest): SHA-1 of nonce, moment and password, once.

        A client that knows the password is told that its clock is off: it would ask for another.
        """
        texts = {child.tag: (child.text or "").strip() for child in token}
        try:
            nonce = base64.b64decode(texts[f"{_WSSE}Nonce"])
            created = texts[f"{_WSU}Created"]
            at = datetime.fromisoformat(created)
            given = base64.b64decode(texts[f"{_WSSE}Password"])
        except (KeyError, ValueError):
            return _WRONG
        now = datetime.now(UTC)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        self._nonces = {old: seen for old, seen in self._nonces.items() if now - seen < 2 * SKEW}
        proof = hashlib.sha1(
            nonce + created.encode() + self._device.password.encode(), usedforsecurity=False
        ).digest()
        right = hmac.compare_digest(proof, given)
        if not right or texts.get(f"{_WSSE}Username") != self._device.username:
            return _WRONG
        if abs(now - at) > SKEW:
            off_s = round((at - now).total_seconds())
            log.warning("the clock of a VMS is off: set both by NTP", seconds=off_s)
            return f"the clock of this client is off by {off_s} s"
        if nonce in self._nonces:
            return _WRONG
        self._nonces[nonce] = now
        return ""


async def _read(request: Request) -> tuple[str, str, dict[str, str], ElementTree.Element]:
    """Read an operation: its service's prefix, its name, its plain arguments, the whole."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Fault("TooLarge", f"more than {LARGEST} bytes")
    try:
        tree = safe.fromstring(bytes(body), forbid_dtd=True)
        [operation] = tree.findall(f"{_SOAP}Body/*")
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise Fault("WellFormed", "one SOAP 1.2 operation is expected") from None
    namespace, _, name = operation.tag.removeprefix("{").partition("}")
    if namespace not in _SERVICES:
        raise Fault("UnknownAction", "no such service")
    asked = {child.tag.rpartition("}")[2]: (child.text or "").strip()
             for child in operation.iter()}  # fmt: skip
    return _SERVICES[namespace][1], name, asked, tree


def _soap(status: int, headers: dict[str, str] | None = None, **said: Any) -> Response:
    text = _words.get_template("envelope.xml").render(**said)
    return Response(text, status, headers, media_type="application/soap+xml; charset=utf-8")


def _seconds(duration: str) -> float:
    """Read the plain durations that clients send: PT5S, PT1M."""
    found = re.fullmatch(r"PT(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", duration)
    return 60.0 * int(found.group(1) or 0) + float(found.group(2) or 0) if found else 0.0
