"""The simulated SOAP service, seen by a foreign client: zeep, which believes the WSDL alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests
from zeep import Client, Settings, Transport
from zeep.exceptions import Fault, TransportError

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

OAUTH = "/ManagementServer/ServerCommandServiceOAuth.svc"
BASIC = "/ManagementServer/ServerCommandService.svc"
MISSING = "00000000-0000-4000-8000-000000000000"
Connect = Callable[..., Any]


def connect(site: Running, path: str = OAUTH, query: str = "wsdl") -> Any:
    session = requests.Session()
    if path == OAUTH:
        session.headers["Authorization"] = site.http.headers["Authorization"]
    else:
        session.auth = (f"[BASIC]\\{site.ready['username']}", site.ready["password"])
    client: Any = Client(  # type: ignore[no-untyped-call]
        f"{site.url}{path}?{query}", transport=Transport(session=session, timeout=5),  # type: ignore[no-untyped-call]
        settings=Settings(strict=True),
    )  # fmt: skip
    return client.service


@pytest.mark.parametrize("path", [OAUTH, BASIC])
@pytest.mark.parametrize("query", ["wsdl", "singleWsdl"])
def test_zeep_reads_the_contract_in_pieces_or_whole_and_logs_in(
    xprotect: Start, path: str, query: str
) -> None:
    service = connect(xprotect(), path, query)

    login = service.Login(instanceId=str(uuid4()), currentToken="")

    assert login.Token.startswith("TOKEN#")
    assert login.TimeToLive.MicroSeconds == 3_600_000_000
    assert login.RegistrationTime.tzinfo is not None


def test_the_configuration_names_the_matrices_and_the_cameras(xprotect: Start) -> None:
    site = xprotect("--cameras", "11", "--recorders", "2", "--bodyworn", "B8A44F00A001=PM-214")
    service = connect(site)
    token = service.Login(instanceId=str(uuid4()), currentToken="").Token

    got = service.GetConfiguration(token=token)

    assert [each.DisplayName for each in got.MatrixMonitors.MatrixMonitorInfo] == [
        "Poste 1", "Poste 2",
    ]  # fmt: skip
    cameras = [camera for each in got.Recorders.RecorderInfo for camera in each.Cameras.CameraInfo]
    assert {each.DeviceId for each in cameras} == {each["id"] for each in site.listed("cameras")}
    groups = {each.Name: each.Cameras.guid for each in got.CameraGroups.CameraGroupInfo}
    assert groups["Caméras-piétons"] == [site.ready["bodyworn"]["B8A44F00A001"]]
    assert all(each.GisPoint.startswith("POINT") for each in cameras)


def shown(site: Running) -> list[list[str]]:
    monitors = site.http.get("/simulator/matrix").json()["monitors"]
    return [each["cameras"] for each in monitors]


def test_a_matrix_shows_the_newest_camera_first(xprotect: Start) -> None:
    site = xprotect()
    service = connect(site)
    token = service.Login(instanceId=str(uuid4()), currentToken="").Token
    [first, _] = service.GetConfiguration(token=token).MatrixMonitors.MatrixMonitorInfo

    for camera in site.ready["cameras"][:2]:
        service.MatrixMonitorActivateCamera(
            token=token, matrixMonitorId=first.MatrixMonitorId, deviceId=camera
        )

    assert shown(site) == [[site.ready["cameras"][1], site.ready["cameras"][0]], []]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"token": "TOKEN#x"}, "Invalid token"),
        ({"matrixMonitorId": MISSING}, "Matrix monitor"),
        ({"deviceId": MISSING}, "device"),
    ],
)
def test_what_a_matrix_cannot_do_is_a_fault(
    xprotect: Start, changes: dict[str, str], text: str
) -> None:
    site = xprotect()
    service = connect(site)
    monitor = service.GetConfiguration(token="").MatrixMonitors.MatrixMonitorInfo[0]
    given = {
        "token": "", "matrixMonitorId": monitor.MatrixMonitorId,
        "deviceId": site.ready["cameras"][0], **changes,
    }  # fmt: skip

    with pytest.raises(Fault, match=text) as fault:
        service.MatrixMonitorActivateCamera(**given)

    assert fault.value.code == "s:Client"
    assert shown(site) == [[], []]


def test_a_vms_token_lapses_and_is_renewed_by_logging_in_again(xprotect: Start) -> None:
    site = xprotect()
    service = connect(site, BASIC)
    instance = str(uuid4())
    token = service.Login(instanceId=instance, currentToken="").Token
    site.clock.now += 3601

    with pytest.raises(Fault, match="Invalid token"):
        service.GetConfiguration(token=token)
    fresh = service.Login(instanceId=instance, currentToken=token).Token

    assert service.GetConfiguration(token=fresh).ServerName == "SIMULATOR"


def test_a_user_defined_event_is_triggered_with_what_it_carries(xprotect: Start) -> None:
    site = xprotect()
    service = connect(site)
    [event] = [each["id"] for each in site.listed("userDefinedEvents") if each["name"] == "Renfort"]

    service.EventTrigger(token="", eventId=event)
    service.EventTriggerWithMetadata(
        token="", eventId=event, metadata={"KeyValue": [{"Key": "Device", "Value": "PM-214"}]}
    )

    newest, older = site.listed("events?include=data")
    assert newest["data"] == {"Device": "PM-214"}
    assert (older["type"], "data" in older) == (event, False)


def test_strangers_are_refused_before_the_envelope_is_read(xprotect: Start) -> None:
    site = xprotect()
    service = connect(site)
    site.order("expire")

    with pytest.raises(TransportError) as refused:
        service.GetVersion()

    assert refused.value.status_code == 401


def post(site: Running, body: str, action: str, kind: str = "text/xml") -> Any:
    headers = {"SOAPAction": f'"{action}"', "Content-Type": kind}
    return site.http.post(OAUTH, content=body, headers=headers)


ACTION = "http://videoos.net/2/XProtectCSServerCommand/IServerCommandService/"


def envelope(inside: str) -> str:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f"{inside}</s:Body></s:Envelope>"
    )


@pytest.mark.parametrize(
    ("body", "action", "kind", "status", "text"),
    [
        (envelope("<x/>"), "urn:x", "text/xml", 500, "ContractFilter mismatch"),
        (envelope("<x/>"), f"{ACTION}Login", "text/xml", 500, "invalid Message body"),
        ("<s", f"{ACTION}Login", "text/xml", 500, "not well-formed"),
        ("<x/>", f"{ACTION}Login", "text/xml", 500, "SOAP 1.1"),
        (envelope("<x/>"), f"{ACTION}Login", "application/soap+xml", 415, "content type"),
        (
            envelope(
                '<Login xmlns="http://videoos.net/2/XProtectCSServerCommand">'
                "<currentToken/><instanceId>x</instanceId></Login>"
            ),
            f"{ACTION}Login", "text/xml", 500, "unexpected element instanceId",
        ),
    ],
)  # fmt: skip
def test_an_envelope_that_is_not_right_is_refused_as_wcf_does(
    xprotect: Start, body: str, action: str, kind: str, status: int, text: str
) -> None:
    answer = post(xprotect(), body, action, kind)

    assert answer.status_code == status
    assert text in answer.text
