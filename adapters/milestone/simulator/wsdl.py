"""The WSDL of the SOAP service, served as WCF serves it: in pieces that import one another, or one.

`?wsdl` holds the binding and the service and imports `?wsdl=wsdl0`, which holds the port type and
imports the schemas `?xsd=xsd0` to `xsd2`. `?singleWsdl` holds all of it.
"""

from __future__ import annotations

from functools import cache

from adapters.milestone.simulator.contract import (
    ARRAYS,
    NS,
    OPERATIONS,
    SERIAL,
    SIMPLE,
    TYPES,
    Members,
    action,
)

_XS = "http://www.w3.org/2001/XMLSchema"
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
#: Where WCF puts the binding when nobody named a namespace for it.
_TEMPURI = "http://tempuri.org/"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_SCHEMAS = {"xsd0": NS, "xsd1": SERIAL, "xsd2": ARRAYS}


def write(address: str, *, single: bool) -> str:
    """Write the document at `?wsdl` or `?singleWsdl`."""
    if single:
        inside = _types("".join(_schema(name) for name in _SCHEMAS)) + _port_type()
        target, tns, more = NS, NS, ""
    else:
        location = f"{address}?wsdl=wsdl0"
        inside = f'<wsdl:import namespace="{NS}" location="{location}"/><wsdl:types/>'
        target, tns, more = _TEMPURI, _TEMPURI, f' xmlns:i0="{NS}"'
    contract = "tns" if single else "i0"
    name = "BasicHttpBinding_IServerCommandService"
    return (
        f'{_HEAD}<wsdl:definitions name="ServerCommandService" targetNamespace="{target}"'
        f' xmlns:wsdl="{_WSDL}" xmlns:soap="{_SOAP}" xmlns:tns="{tns}" xmlns:xsd="{_XS}"{more}>'
        f'{inside}<wsdl:binding name="{name}" type="{contract}:IServerCommandService">'
        f'<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>{_bound()}</wsdl:binding>'
        f'<wsdl:service name="ServerCommandService"><wsdl:port name="{name}"'
        f' binding="tns:{name}"><soap:address location="{address}"/></wsdl:port></wsdl:service>'
        "</wsdl:definitions>"
    )


def write_part(address: str, name: str) -> str | None:
    """Write the port type, `wsdl0`; None for another name."""
    if name != "wsdl0":
        return None
    imports = "".join(
        f'<xsd:import schemaLocation="{address}?xsd={part}" namespace="{space}"/>'
        for part, space in _SCHEMAS.items()
    )
    schema = f'<xsd:schema targetNamespace="{NS}/Imports">{imports}</xsd:schema>'
    return (
        f'{_HEAD}<wsdl:definitions targetNamespace="{NS}" xmlns:wsdl="{_WSDL}" xmlns:tns="{NS}"'
        f' xmlns:xsd="{_XS}">{_types(schema)}{_port_type()}</wsdl:definitions>'
    )


def write_schema(address: str, name: str) -> str | None:
    """Write one of the schemas; None for a name that is none of them."""
    return _HEAD + _schema(name, address) if name in _SCHEMAS else None


def _types(schemas: str) -> str:
    return f"<wsdl:types>{schemas}</wsdl:types>"


@cache
def _port_type() -> str:
    messages, operations = [], []
    for name in OPERATIONS:
        for way, part in (("Input", name), ("Output", f"{name}Response")):
            messages.append(
                f'<wsdl:message name="IServerCommandService_{name}_{way}Message">'
                f'<wsdl:part name="parameters" element="tns:{part}"/></wsdl:message>'
            )
        spoken = "".join(
            f'<wsdl:{way.lower()} message="tns:IServerCommandService_{name}_{way}Message"'
            f' xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl"'
            f' wsaw:Action="{action(name, way == "Output")}"/>'
            for way in ("Input", "Output")
        )
        operations.append(f'<wsdl:operation name="{name}">{spoken}</wsdl:operation>')
    return (
        "".join(messages)
        + f'<wsdl:portType name="IServerCommandService">{"".join(operations)}</wsdl:portType>'
    )


@cache
def _bound() -> str:
    body = '<soap:body use="literal"/>'
    return "".join(
        f'<wsdl:operation name="{name}"><soap:operation soapAction="{action(name)}"'
        f' style="document"/><wsdl:input>{body}</wsdl:input><wsdl:output>{body}</wsdl:output>'
        "</wsdl:operation>"
        for name in OPERATIONS
    )


def _schema(name: str, address: str | None = None) -> str:
    """Write a schema; where they are served apart, it says where the others are."""
    space = _SCHEMAS[name]
    others: tuple[str, ...] = {"xsd0": ("xsd1", "xsd2"), "xsd1": (), "xsd2": ("xsd1",)}[name]
    imports = "".join(
        f'<xsd:import namespace="{_SCHEMAS[other]}"'
        + (f' schemaLocation="{address}?xsd={other}"/>' if address else "/>")
        for other in others
    )
    inside = {"xsd0": _contract(), "xsd1": _serialization(), "xsd2": _arrays()}[name]
    return (
        f'<xsd:schema elementFormDefault="qualified" targetNamespace="{space}" xmlns:xsd="{_XS}"'
        f' xmlns:tns="{space}" xmlns:v="{NS}" xmlns:ser="{SERIAL}" xmlns:arr="{ARRAYS}">'
        f"{imports}{inside}</xsd:schema>"
    )


@cache
def _contract() -> str:
    """Write what operations send, then the types: the order in which WCF exports them."""
    written = []
    for name, (parameters, gives) in OPERATIONS.items():
        written.append(_element(name, parameters))
        result: Members = ((f"{name}Result", gives),) if gives else ()
        written.append(_element(f"{name}Response", result))
    written += [_type(name, base, members) for name, (base, members) in TYPES.items()]
    return "".join([*written, *(_array(name) for name in TYPES)])


def _array(name: str) -> str:
    return (
        f'<xsd:complexType name="ArrayOf{name}"><xsd:sequence><xsd:element minOccurs="0"'
        f' maxOccurs="unbounded" name="{name}" nillable="true" type="v:{name}"/>'
        "</xsd:sequence></xsd:complexType>"
    )


def _type(name: str, base: str, members: Members) -> str:
    sequence = _sequence(members)
    if base:
        sequence = (
            f'<xsd:complexContent mixed="false"><xsd:extension base="v:{base}">{sequence}'
            "</xsd:extension></xsd:complexContent>"
        )
    return (
        f'<xsd:complexType name="{name}">{sequence}</xsd:complexType>'
        f'<xsd:element name="{name}" nillable="true" type="v:{name}"/>'
    )


def _element(name: str, members: Members) -> str:
    inside = _sequence(members)
    return f'<xsd:element name="{name}"><xsd:complexType>{inside}</xsd:complexType></xsd:element>'


def _sequence(members: Members) -> str:
    written = "".join(
        f'<xsd:element minOccurs="0" name="{name}"{_nillable(kind)} type="{_spelt(kind)}"/>'
        for name, kind in members
    )
    return f"<xsd:sequence>{written}</xsd:sequence>"


def _nillable(kind: str) -> str:
    return "" if kind in SIMPLE and kind != "string" else ' nillable="true"'


def _spelt(kind: str) -> str:
    """Name a type as the schema does."""
    if kind == "guid[]":
        return "arr:ArrayOfguid"
    if kind.endswith("[]"):
        return f"v:ArrayOf{kind[:-2]}"
    if kind == "guid":
        return "ser:guid"
    return f"xsd:{kind}" if kind in SIMPLE else f"v:{kind}"


def _serialization() -> str:
    digits = "[\\da-fA-F]"
    pattern = f"{digits}{{8}}-{digits}{{4}}-{digits}{{4}}-{digits}{{4}}-{digits}{{12}}"
    return (
        '<xsd:simpleType name="guid"><xsd:restriction base="xsd:string">'
        f'<xsd:pattern value="{pattern}"/></xsd:restriction></xsd:simpleType>'
        '<xsd:element name="guid" nillable="true" type="tns:guid"/>'
    )


def _arrays() -> str:
    return (
        '<xsd:complexType name="ArrayOfguid"><xsd:sequence><xsd:element minOccurs="0"'
        ' maxOccurs="unbounded" name="guid" type="ser:guid"/></xsd:sequence></xsd:complexType>'
        '<xsd:element name="ArrayOfguid" nillable="true" type="tns:ArrayOfguid"/>'
    )
