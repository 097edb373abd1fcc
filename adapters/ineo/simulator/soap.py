"""A sample SOAP 1.1 service, judged by the schema within its own WSDL."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.ineo.simulator import judge
from adapters.ineo.simulator.desk import Desk, Received, now

WSDL = Path(__file__).with_name("alarm.wsdl")
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "urn:example:hypervisor:alarm"
XML_TYPE = "text/xml; charset=utf-8"


@cache
def _schema() -> etree.XMLSchema:
    root = etree.parse(str(WSDL)).getroot()
    found = root.find(".//{http://www.w3.org/2001/XMLSchema}schema")
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))


def routes(desk: Desk) -> list[BaseRoute]:
    """List the service and its description."""

    async def describe(request: Request) -> Response:
        location = str(request.url).partition("?")[0]
        text = WSDL.read_text(encoding="utf-8").replace("LOCATION", location)
        return Response(text, media_type=XML_TYPE)

    async def serve(request: Request) -> Response:
        body = await request.body()
        try:
            [asked] = judge.read(body).find(f"{{{SOAP}}}Body")
        except (TypeError, ValueError) as error:
            return _fault("Client", f"no SOAP envelope: {error}")
        alone = etree.fromstring(etree.tostring(asked), judge.SAFE)
        schema = _schema()
        operation = etree.QName(alone).localname
        valid = schema.validate(alone) and operation in ("RaiseAlarm", "CloseAlarm")
        why = "; ".join(str(each) for each in schema.error_log)[:500]
        said = {etree.QName(each).localname: each.text for each in alone.iter() if each.text}
        identifier = str(said.get("ExternalId", ""))
        desk.take(
            Received(channel="soap", identifier=f"{operation} {identifier}", kind=operation,
                     at=now(), valid=bool(valid), why=why, fields=said,
                     body=body.decode("utf-8", "replace"))
        )  # fmt: skip
        return _answer(operation, identifier) if valid else _fault("Client", why)

    return [Route("/soap", describe, methods=["GET"]), Route("/soap", serve, methods=["POST"])]


def _answer(operation: str, identifier: str) -> Response:
    body = etree.Element(f"{{{TYPES}}}{operation}Response", nsmap={None: TYPES})
    etree.SubElement(body, f"{{{TYPES}}}AlarmId").text = f"HV-{identifier}"
    return _enveloped(body, 200)


def _fault(code: str, why: str) -> Response:
    fault = etree.Element(f"{{{SOAP}}}Fault")
    etree.SubElement(fault, "faultcode").text = f"soap:{code}"
    etree.SubElement(fault, "faultstring").text = why
    return _enveloped(fault, 500)  # SOAP 1.1 §6.2: a fault is a 500


def _enveloped(inner: etree._Element, status: int) -> Response:
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    etree.SubElement(root, f"{{{SOAP}}}Body").append(inner)
    body = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return Response(body, status, media_type=XML_TYPE)
