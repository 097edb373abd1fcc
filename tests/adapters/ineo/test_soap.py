"""SOAP: the simulator's service, and one of another house with a WSDL as they are found."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapters.ineo.simulator import soap
from hooks import Refused, Unreachable
from hooks.causes import cause, whole
from tests.adapters.ineo.conftest import Running, a_picture
from tests.adapters.ineo.test_gateway import configured, show
from tests.adapters.ineo.test_profile import WHO, the_example
from vms_plugin import cli


def soap_profile(
    folder: Path, hypervisor: Running, wsdl: str, operation: str = "RaiseAlarm"
) -> Path:
    path = folder / "p.toml"
    path.write_text(
        WHO
        + f"""
[[send]]
kind = "soap"
url = "{hypervisor.ready["soap"]}"
wsdl = {json.dumps(wsdl)}
timeout_s = 2
opening.operation = "{operation}"
opening.arguments.ExternalId = "{{{{ alert.opening }}}}"
opening.arguments.Label = "{{{{ alert.title }}}}"
opening.arguments.Severity = "HIGH"
opening.arguments.Exercise = true
"""
    )
    return path


def test_the_wsdl_may_be_read_from_the_service_itself(hypervisor: Running, tmp_path: Path) -> None:
    path = soap_profile(tmp_path, hypervisor, hypervisor.ready["wsdl"])
    with configured(path) as adapter:
        show(adapter, a_picture())

    assert [each["valid"] for each in hypervisor.messages("soap")] == [True]


def test_an_operation_that_the_wsdl_does_not_know_is_named(
    hypervisor: Running, tmp_path: Path
) -> None:
    path = soap_profile(tmp_path, hypervisor, hypervisor.ready["wsdl"], "RingBell")
    with configured(path) as adapter, pytest.raises(Refused) as refusal:
        show(adapter, a_picture())

    assert "RingBell" in str(refusal.value)


@pytest.mark.parametrize(
    ("status", "error"), [(503, Unreachable), (401, Refused), (0, Unreachable)]
)
def test_a_soap_service_that_is_ill_is_told_apart_from_one_that_refuses(
    hypervisor: Running, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    path = soap_profile(tmp_path, hypervisor, str(soap.WSDL))
    hypervisor.order("fail", status=status, path="/soap")
    with configured(path) as adapter, pytest.raises(error):
        show(adapter, a_picture())


# --- another house's service: rpc/literal, two services, two versions of SOAP, types elsewhere ---

V11 = "http://schemas.xmlsoap.org/soap/envelope/"
V12 = "http://www.w3.org/2003/05/soap-envelope"
WSDL = """<definitions name="Alarm" targetNamespace="urn:v" xmlns:tns="urn:v" xmlns:t="urn:v:types"
 xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:x="http://www.w3.org/2001/XMLSchema">
<types><x:schema targetNamespace="urn:v">
 <x:import namespace="urn:v:types" schemaLocation="TYPES"/></x:schema></types>
<message name="In"><part name="alarm" type="t:Alarm"/><part name="site" type="x:string"/></message>
<message name="Out"><part name="result" type="x:int"/></message>
<message name="Ask"/>
<portType name="Asks"><operation name="ask"><input message="tns:Ask"/></operation></portType>
<portType name="Raises"><operation name="raiseAlarm"><input message="tns:In"/>
 <output message="tns:Out"/></operation></portType>
<binding name="A" type="tns:Asks"><s:binding transport="http://schemas.xmlsoap.org/soap/http"
 style="rpc"/><operation name="ask"><s:operation soapAction=""/><input>
 <s:body use="literal" namespace="urn:v"/></input></operation></binding>
<binding name="B" type="tns:Raises"><s:binding transport="http://schemas.xmlsoap.org/soap/http"
 style="rpc"/><operation name="raiseAlarm"><s:operation soapAction="urn:v#raise"/>
 <input><s:body use="literal" namespace="urn:v"/></input>
 <output><s:body use="literal" namespace="urn:v"/></output></operation></binding>
<binding name="B12" type="tns:Raises"><s12:binding style="rpc"
 transport="http://schemas.xmlsoap.org/soap/http"/><operation name="raiseAlarm">
 <s12:operation soapAction="urn:v#raise"/><input><s12:body use="literal" namespace="urn:v"/></input>
 <output><s12:body use="literal" namespace="urn:v"/></output></operation></binding>
<service name="Status"><port name="S" binding="tns:A"><s:address location="http://old.example/"/>
 </port></service>
<service name="Alarm"><port name="P11" binding="tns:B"><s:address location="http://old.example/"/>
 </port><port name="P12" binding="tns:B12"><s12:address location="http://old.example/"/></port>
</service></definitions>"""
TYPES = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:v:types"
 elementFormDefault="qualified"><x:complexType name="Alarm"><x:sequence>
 <x:element name="externalId" type="x:string"/><x:element name="lat" type="x:double"/>
 <x:element name="exercise" type="x:boolean"/></x:sequence>
 <x:attribute name="site" type="x:string" use="required"/></x:complexType></x:schema>"""


def answer(inside: str, version: str = V11) -> bytes:
    return f'<e:Envelope xmlns:e="{version}"><e:Body>{inside}</e:Body></e:Envelope>'.encode()


def fault_11(code: str, why: str) -> bytes:
    said = f"<faultcode>{code}</faultcode><faultstring>{why}</faultstring>"
    return answer(f"<e:Fault>{said}</e:Fault>")


def fault_12(code: str, why: str) -> bytes:
    more = "<e:Subcode><e:Value>undeclared:Bad</e:Value></e:Subcode>"
    said = f"<e:Code><e:Value>{code}</e:Value>{more}</e:Code>"
    return answer(f"<e:Fault>{said}<e:Reason><e:Text>{why}</e:Text></e:Reason></e:Fault>", V12)


TAKEN = answer('<n:raiseAlarmResponse xmlns:n="urn:v"><result>7</result></n:raiseAlarmResponse>')


@dataclass
class Foreign:
    """A service that answers what it is told to, and remembers what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = TAKEN
    files: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None, bytes]] = field(default_factory=list)


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    told = Foreign()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.path, self.headers["Authorization"], sent))
            self.say(told.status, told.body)

        def do_GET(self) -> None:
            told.asked.append((self.path, self.headers["Authorization"], b""))
            text = told.files.get(self.path)
            self.say(404 if text is None else 200, (text or "").encode())

        def say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield told
        server.shutdown()
        serving.join()


def of_another_house(folder: Path, foreign: Foreign, port: str = "P11", wsdl: str = "") -> Path:
    (folder / "types").mkdir()
    (folder / "types" / "alarm.xsd").write_text(TYPES)
    (folder / "a.wsdl").write_text(WSDL.replace("TYPES", "types/alarm.xsd"))
    path = folder / "p.toml"
    path.write_text(
        WHO
        + f"""
[[send]]
kind = "soap"
url = "{foreign.url}/soap"
wsdl = "{wsdl or "a.wsdl"}"
token = "s3cret"
timeout_s = 2
service = "Alarm"
port = "{port}"
opening.operation = "raiseAlarm"
opening.arguments.site = "34344"
opening.arguments.alarm.site = "34344"
opening.arguments.alarm.externalId = "{{{{ alert.opening }}}}"
opening.arguments.alarm.lat = "{{{{ alert.lat }}}}"
opening.arguments.alarm.exercise = "{{{{ alert.exercise | lower }}}}"
"""
    )
    return path


@pytest.mark.parametrize(("port", "version"), [("P11", V11), ("P12", V12)])
def test_a_wsdl_of_several_services_ports_and_files_is_followed(
    tmp_path: Path, foreign: Foreign, port: str, version: str
) -> None:
    foreign.body = TAKEN.replace(V11.encode(), version.encode())
    with configured(of_another_house(tmp_path, foreign, port)) as adapter:
        show(adapter, a_picture())

    [(path, _, sent)] = foreign.asked
    assert path == "/soap"
    assert version in sent.decode()
    assert '<alarm site="34344">' in sent.decode()
    assert ">43.5606</" in sent.decode()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, answer("<whatever><else>1</else></whatever>")),
        (200, TAKEN.replace(b"7", b"x").replace(b"</result>", b"</result><more/>")),
        (202, b""),
        (200, b""),
    ],
)
def test_an_answer_that_does_not_fit_his_own_wsdl_is_no_reason_to_tell_it_again(
    tmp_path: Path, foreign: Foreign, status: int, body: bytes
) -> None:
    foreign.status, foreign.body = status, body
    with configured(of_another_house(tmp_path, foreign)) as adapter:
        picture = a_picture()
        show(adapter, picture, show(adapter, picture))

    assert len(foreign.asked) == 1


def test_an_officer_without_a_place_is_told_all_the_same(
    hypervisor: Running, tmp_path: Path
) -> None:
    with configured(the_example(tmp_path, hypervisor)) as adapter:
        show(adapter, a_picture(position=None))

    [raised] = hypervisor.messages("soap")
    assert raised["valid"], raised["why"]
    assert "Location" not in raised["body"]


def test_an_optional_value_that_is_not_known_is_left_out_and_the_rest_of_its_part_is_told(
    tmp_path: Path, foreign: Foreign
) -> None:
    path = of_another_house(tmp_path, foreign)
    optional = TYPES.replace(
        'name="lat" type="x:double"', 'name="lat" type="x:double" minOccurs="0"'
    )
    (tmp_path / "types" / "alarm.xsd").write_text(optional)
    with configured(path) as adapter:
        show(adapter, a_picture(position=None))

    [(_, _, sent)] = foreign.asked
    assert "lat" not in sent.decode()
    assert "externalId" in sent.decode()


def test_no_part_is_emptied_to_fit(tmp_path: Path, foreign: Foreign) -> None:
    with (
        configured(of_another_house(tmp_path, foreign)) as adapter,
        pytest.raises(Refused) as error,
    ):
        show(adapter, a_picture(position=None))

    assert "lat" in str(whole(cause(error.value)))
    assert foreign.asked == []


@pytest.mark.parametrize("more", [[], ["--sans-envoi"]])
def test_the_trial_finds_what_an_alert_without_a_place_lacks(
    tmp_path: Path, foreign: Foreign, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["ineo", "essai", str(of_another_house(tmp_path, foreign)), *more])

    assert code == 1
    assert "lat" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (500, fault_11("e:Server", "base fermée"), Unreachable, "e:Server: base fermée"),
        (500, fault_11("e:Client.Site", "site inconnu"), Refused, "e:Client.Site: site inconnu"),
        (400, fault_12("e:Sender", "site inconnu"), Refused, "e:Sender: site inconnu"),
        (200, b"<html>login</html>", Refused, "does not answer in SOAP"),
        (503, b"<html>later</html>", Unreachable, "503"),
    ],
)  # fmt: skip
def test_a_fault_says_whose_it_is(
    tmp_path: Path, foreign: Foreign, status: int, body: bytes, error: type[Exception], said: str
) -> None:
    foreign.status, foreign.body = status, body
    with (
        configured(of_another_house(tmp_path, foreign)) as adapter,
        pytest.raises(error, match=said),
    ):
        show(adapter, a_picture())


def test_a_wsdl_that_cannot_be_read_is_named(tmp_path: Path, foreign: Foreign) -> None:
    path = of_another_house(tmp_path, foreign, wsdl=f"{foreign.url}/none?wsdl")
    with (
        configured(path) as adapter,
        pytest.raises(Unreachable, match=r"/none\?wsdl cannot be read: HTTP 404"),
    ):
        show(adapter, a_picture())


@pytest.mark.parametrize("schema", ["service?xsd=0", "{url}/service?xsd=0"])
def test_a_wsdl_given_by_the_service_with_its_schemas_apart_is_read(
    tmp_path: Path, foreign: Foreign, schema: str
) -> None:
    foreign.files["/service?wsdl"] = WSDL.replace("TYPES", schema.format(url=foreign.url))
    foreign.files["/service?xsd=0"] = TYPES
    with configured(
        of_another_house(tmp_path, foreign, wsdl=f"{foreign.url}/service?wsdl")
    ) as adapter:
        show(adapter, a_picture())

    assert [path for path, *_ in foreign.asked] == ["/service?wsdl", "/service?xsd=0", "/soap"]


def test_no_wsdl_reads_our_disk(tmp_path: Path, foreign: Foreign) -> None:
    ours = tmp_path / "types" / "alarm.xsd"
    foreign.files["/service?wsdl"] = WSDL.replace("TYPES", ours.as_uri())
    path = of_another_house(tmp_path, foreign, wsdl=f"{foreign.url}/service?wsdl")
    with configured(path) as adapter, pytest.raises(Refused) as error:
        show(adapter, a_picture())

    assert "imports no file" in str(whole(cause(error.value)))


def test_our_token_goes_to_no_other_server_that_a_wsdl_names(
    tmp_path: Path, foreign: Foreign
) -> None:
    elsewhere = foreign.url.replace("127.0.0.1", "localhost")
    foreign.files["/types.xsd"] = TYPES
    path = of_another_house(tmp_path, foreign)
    (tmp_path / "a.wsdl").write_text(WSDL.replace("TYPES", f"{elsewhere}/types.xsd"))
    with configured(path) as adapter:
        show(adapter, a_picture())

    assert [(path, token) for path, token, _ in foreign.asked] == [
        ("/types.xsd", None), ("/soap", "Bearer s3cret"),
    ]  # fmt: skip
