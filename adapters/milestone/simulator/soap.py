"""ServerCommandService: SOAP 1.1 as WCF speaks it, by OAuth or by HTTP Basic."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.milestone.simulator import resources, rules, wsdl
from adapters.milestone.simulator.catalogue import event_types
from adapters.milestone.simulator.contract import (
    ARRAYS,
    NS,
    OPERATIONS,
    SIMPLE,
    TYPES,
    Members,
    action,
)
from adapters.milestone.simulator.rest import refuse_token
from adapters.milestone.simulator.shapes import identifier as is_guid
from adapters.milestone.simulator.site import Site

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_XML = "text/xml; charset=utf-8"
_LIVES_S = 3600.0
_CLEARS = "http://schemas.microsoft.com/ws/2005/05/addressing/none"
Element = ElementTree.Element


class Fault(Exception):
    """What is answered instead: its code, and its text."""

    def __init__(self, text: str, code: str = "s:Client") -> None:
        super().__init__(text)
        self.text, self.code = text, code


@dataclass(frozen=True, slots=True)
class _Door:
    """One of the two addresses."""

    path: str
    oauth: bool


_DOORS = (
    _Door("/ManagementServer/ServerCommandServiceOAuth.svc", oauth=True),
    _Door("/ManagementServer/ServerCommandService.svc", oauth=False),
)


def routes(site: Site) -> list[BaseRoute]:
    """List both addresses."""
    return [_route(site, door) for door in _DOORS]


def _route(site: Site, door: _Door) -> Route:
    service = Service(site, oauth=door.oauth)

    async def answer(request: Request) -> Response:
        if request.method == "GET":
            return _metadata(request, door.path)
        refused = _refuse(site, request, oauth=door.oauth)
        if refused is not None:
            return refused
        kind = request.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "text/xml":
            text = f"Cannot process the message because the content type '{kind}' was not the"
            return PlainTextResponse(f"{text} expected type 'text/xml; charset=utf-8'.", 415)
        try:
            asked = request.headers.get("soapaction", "").strip('"')
            inside = service.call(asked, await request.body())
        except Fault as fault:
            return Response(_envelope(_fault(fault)), 500, media_type=_XML)
        return Response(_envelope(inside), media_type=_XML)

    return Route(door.path.lower(), answer, methods=["GET", "POST"])


def _metadata(request: Request, path: str) -> Response:
    """Serve the pieces of the WSDL; without a query, a page, as a .svc does."""
    address = f"{request.url.scheme}://{request.url.netloc}{path}"
    query = {name.lower(): value for name, value in request.query_params.items()}
    if "singlewsdl" in query:
        written: str | None = wsdl.write(address, single=True)
    elif "wsdl" in query:
        part = query["wsdl"]
        written = wsdl.write_part(address, part) if part else wsdl.write(address, single=False)
    elif "xsd" in query:
        written = wsdl.write_schema(address, query["xsd"])
    else:
        page = "<html><body><h1>ServerCommandService Service</h1></body></html>"
        return Response(page, media_type="text/html")
    return Response(written, media_type=_XML) if written else Response(status_code=404)


def _refuse(site: Site, request: Request, *, oauth: bool) -> Response | None:
    if oauth:
        refused = refuse_token(site, request)
        asks = {"WWW-Authenticate": "Bearer"}
        return Response(status_code=401, headers=asks) if refused else None
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(given, validate=True)
    except ValueError:
        pair = b""
    try:
        name, _, password = pair.decode().partition(":")
    except UnicodeDecodeError:
        # RFC 7617 leaves the coding open, and some clients keep to the old one.
        name, _, password = pair.decode("latin-1").partition(":")
    # A basic user may be written with the prefix that tells it from a Windows one.
    known = site.accounts.refuse(re.sub(r"^\[BASIC\]\\", "", name), password) is None
    if scheme.lower() == "basic" and known:
        return None
    return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm=""'})


def _envelope(inside: str) -> bytes:
    return f'<s:Envelope xmlns:s="{_ENVELOPE}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def _fault(fault: Fault) -> str:
    return (
        f'<s:Fault><faultcode xmlns:a="{_CLEARS}">{fault.code}</faultcode>'
        f'<faultstring xml:lang="en-US">{escape(fault.text)}</faultstring></s:Fault>'
    )


class Service:
    """The operations."""

    def __init__(self, site: Site, *, oauth: bool) -> None:
        self._site, self._oauth = site, oauth
        self._work: Mapping[str, Callable[[dict[str, Any]], object]] = {
            "GetVersion": lambda _: 21,
            "GetServerVersion": lambda _: site.version,
            "IsOnline": lambda _: True,
            "Login": self._login,
            "Logout": lambda given: site.vms_tokens.pop(given.get("currentToken", ""), None),
            "RegisterIntegration": lambda _: None,
            "GetConfiguration": lambda _: self._configuration(),
            "EventTrigger": self._trigger,
            "EventTriggerWithMetadata": self._trigger,
            "MatrixMonitorActivateCamera": self._activate,
        }

    def call(self, asked: str, body: bytes) -> str:
        """Call an operation; the answer as XML, or a `Fault`."""
        inside = _read(body)
        space, _, name = inside.tag[1:].partition("}")
        if asked not in {action(each) for each in OPERATIONS}:
            raise Fault(
                f"The message with Action '{asked}' cannot be processed at the receiver, due to a"
                " ContractFilter mismatch at the EndpointDispatcher.",
                "a:ActionNotSupported",
            )
        if asked != action(name) or space != NS:
            raise Fault(f"OperationFormatter encountered an invalid Message body: {name}.")
        parameters, gives = OPERATIONS[name]
        given = _members(inside, parameters)
        if "token" in dict(parameters):
            self._check(given.get("token") or "")
        result = self._work[name](given)
        answer = Element(f"{name}Response", {"xmlns": NS})
        if gives:
            _put(answer, f"{name}Result", gives, result)
        return ElementTree.tostring(answer, "unicode")

    def _check(self, token: str) -> None:
        # The sample leaves the token out where the bearer says who asks.
        if self._oauth and not token:
            return
        if self._site.vms_tokens.get(token, 0.0) <= self._site.clock():
            raise Fault("Invalid token.")

    def _login(self, given: dict[str, Any]) -> dict[str, Any]:
        site = self._site
        site.vms_tokens.pop(given.get("currentToken") or "", None)
        token = f"TOKEN#{uuid4()}#simulator//ServerConnector#"
        site.vms_tokens[token] = site.clock() + _LIVES_S
        return {
            "RegistrationTime": _moment(site), "TimeToLiveLimited": False, "Token": token,
            "TimeToLive": {"MicroSeconds": int(_LIVES_S * 1_000_000)},
        }  # fmt: skip

    def _trigger(self, given: dict[str, Any]) -> None:
        event = given.get("eventId", "")
        if event not in self._site.defined:
            raise Fault("The event was not found.")
        metadata = given.get("metadata") or []
        more = {"data": {each["Key"]: each.get("Value") for each in metadata}} if metadata else {}
        rules.fire(self._site, self._site.happen(event, f"userDefinedEvents/{event}", **more))

    def _activate(self, given: dict[str, Any]) -> None:
        shown = self._site.matrix.get(given.get("matrixMonitorId", ""))
        camera = self._site.cameras.get(given.get("deviceId", ""))
        if shown is None:
            raise Fault("The Matrix monitor was not found.")
        if camera is None or not camera.enabled:
            raise Fault("The device was not found.")
        # "The new camera takes the first place, the older ones shift": the sample's receiver.
        shown.insert(0, camera.id)

    def _configuration(self) -> dict[str, Any]:
        site = self._site
        groups = [
            {"Name": each.fields["name"], "GroupId": each.id, "Cameras": each.fields["members"],
             "Description": "", "CameraGroups": []}
            for each in site.shelf.of("cameraGroups")
        ]  # fmt: skip
        return {
            "CameraGroups": groups, "ServerId": resources.SITE, "ServerName": "SIMULATOR",
            "EventTypes": [
                {"EventTypeId": each["id"], "Name": each["displayName"], "Description": ""}
                for each in event_types(site)
            ],
            "MatrixMonitors": [
                {"MatrixMonitorId": name, "DisplayName": f"Poste {number}"}
                for number, name in enumerate(site.matrix, 1)
            ],
            "Recorders": [self._recorder(each) for each in site.recorders],
            "ServerDescription": "", "FailoverCheckInterval": 5,
        }  # fmt: skip

    def _recorder(self, identifier: str) -> dict[str, Any]:
        site = self._site
        number = site.recorders.index(identifier) + 1
        devices = [each for each in site.hardware.values() if each.recorder == identifier]
        cameras = [each for device in devices for each in site.cameras_of(device.id)]
        return {
            "RecorderId": identifier, "ServiceId": identifier, "Name": f"RS{number}",
            "HostName": f"rs{number}", "WebServerUri": f"https://rs{number}:7563/",
            "Description": "", "TimeZoneName": "Romance Standard Time", "XmlEncoding": "utf-8",
            "DefaultRecordingTimeSeconds": 300, "LastModified": _moment(site),
            "Cameras": [self._camera(each, identifier) for each in cameras if each.enabled],
            "Hardware": [
                {"HardwareId": each.id, "Name": each.name, "Uri": each.address,
                 "RecorderId": identifier, "LastModified": _moment(site), "Description": "",
                 "Interconnected": False,
                 "DeviceIds": [camera.id for camera in site.cameras_of(each.id)]}
                for each in devices if each.enabled
            ],
        }  # fmt: skip

    def _camera(self, camera: Any, recorder: str) -> dict[str, Any]:
        written = resources.write_camera(camera, self._site.release, "")
        return {
            "DeviceId": camera.id, "Name": camera.name, "HardwareId": camera.hardware,
            "RecorderId": recorder, "DeviceIndex": camera.channel,
            "GisPoint": written["gisPoint"], "CoverageDepth": written["coverageDepth"],
            "CoverageDirection": written["coverageDirection"],
            "CoverageFieldOfView": written["coverageFieldOfView"], "Icon": 0,
            "ShortName": written["shortName"], "Description": written["description"],
            "StopManualRecordingSeconds": 300,
        }  # fmt: skip


def _moment(site: Site) -> str:
    return datetime.fromtimestamp(site.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read(body: bytes) -> Element:
    """Read the one element inside the SOAP 1.1 body."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 (expat ≥ 2.4.1 stops entities that swell)
    except ElementTree.ParseError as fault:
        raise Fault(f"The message is not well-formed: {fault}") from fault
    inside = root.find(f"{{{_ENVELOPE}}}Body")
    if root.tag != f"{{{_ENVELOPE}}}Envelope" or inside is None or len(inside) != 1:
        raise Fault("The envelope is not one of SOAP 1.1.", "s:VersionMismatch")
    return inside[0]


def _members(element: Element, members: Members) -> dict[str, Any]:
    """Read what a sequence holds: a member that is unknown, or not in its order, is refused."""
    order, given = [name for name, _ in members], {}
    kinds, at = dict(members), -1
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name not in kinds or order.index(name) <= at:
            raise Fault(f"Error in deserializing body: unexpected element {name}.")
        at = order.index(name)
        given[name] = _value(child, kinds[name])
    return given


def _value(element: Element, kind: str) -> Any:
    if element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true":
        return None
    if kind.endswith("[]"):
        members = TYPES[kind[:-2]][1]
        return [_members(child, members) for child in element]
    text = element.text or ""
    if kind == "guid":
        if not is_guid(text):
            raise Fault(f"The value '{text}' cannot be parsed as the type 'Guid'.")
        return text.lower()
    return text


def _put(parent: Element, name: str, kind: str, value: Any) -> None:
    """Write a value as the data contract says."""
    element = ElementTree.SubElement(parent, name)
    if kind == "guid[]":
        for each in value:
            ElementTree.SubElement(element, "guid", {"xmlns": ARRAYS}).text = each
    elif kind.endswith("[]"):
        for each in value:
            _put(element, kind[:-2], kind[:-2], each)
    elif kind in SIMPLE:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)
    else:
        base, members = TYPES[kind]
        inherited = TYPES[base][1] if base else ()
        for member, inner in (*inherited, *members):
            if member in value:
                _put(element, member, inner, value[member])
