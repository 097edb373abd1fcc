"""Analytics events over TCP at the simulated site, and the schema of the maker as judge."""

from __future__ import annotations

import random
import socket
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.milestone.simulator.analytics import NS, Invalid, read

if TYPE_CHECKING:
    from tests.adapters.milestone.conftest import Running, Start

CAMERA = "5135BA21-F1DC-4321-806A-6CE2017343C0"
WHOLE = f"""<AnalyticsEvent xmlns="{NS}"><EventHeader>
<ID>a0000000-0000-4000-8000-000000000001</ID><Timestamp>2026-11-20T12:00:00.1234567+01:00</Timestamp>
<Class>Analytics</Class><Type>BodyCam</Type><Version>1.0</Version><Priority>1</Priority><Name>n</Name>
<Message>BWC_ALERT</Message><CustomTag>INC-42</CustomTag><Source><Name>10.20.0.1,1</Name>
<Description>d</Description><FQID><ServerId><Type>XPCO</Type><Hostname>h</Hostname><Port>80</Port>
<Id>a0000000-0000-4000-8000-000000000002</Id></ServerId>
<ParentId>a0000000-0000-4000-8000-000000000003</ParentId>
<ObjectId>a0000000-0000-4000-8000-000000000004</ObjectId><FolderType>0</FolderType>
<Kind>{CAMERA}</Kind></FQID></Source></EventHeader><Description>Alerte</Description>
<StartTime>2026-11-20T12:00:00</StartTime><EndTime>2026-11-20T12:01:00Z</EndTime>
<Location>rue Haute</Location><Count>1</Count><RuleList><Rule>
<ID>a0000000-0000-4000-8000-000000000005</ID><Name>r</Name><Type>t</Type><PolygonList><Polygon>
<Closed>true</Closed><Color><A>255</A><R>0</R><G>0</G><B>0</B></Color><PointList>
<Point><X>0.1</X><Y>1e-1</Y></Point></PointList></Polygon></PolygonList></Rule></RuleList>
<ObjectList><Object><Name>o</Name><Confidence>0.9</Confidence><Removed>0</Removed><BoundingBox>
<Top>0</Top><Left>0</Left><Bottom>1</Bottom><Right>1</Right></BoundingBox><Motion><Speed>3</Speed>
</Motion><Mask>AAAA</Mask></Object></ObjectList><ReferenceList><Reference><FQID>
<ObjectId>a0000000-0000-4000-8000-000000000006</ObjectId><Kind>{CAMERA}</Kind></FQID></Reference>
<Reference><FQID><ObjectIdString>preset 1</ObjectIdString></FQID></Reference></ReferenceList>
<SnapshotList><Snapshot><TimeOffset>-5</TimeOffset><Width>1</Width><Image>AAA=</Image></Snapshot>
</SnapshotList><Vendor><Name>Renfort</Name><CustomData>{{"a": 1}}</CustomData></Vendor>
</AnalyticsEvent>"""
VALUES = [
    "", " ", "x", "0", "1", "-1", "+7", "256", "65536", "4294967296", "2147483648", "true",
    " true ",
    "1.5", "1e3", "NaN", "INF", "-INF", "1_0", "AAAA", "AAA", "AA==", "2026-02-30T00:00:00",
    "2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+15:00",
    "2024-02-29T23:59:59.9-14:00",
    "a0000000-0000-4000-8000-000000000009", " a0000000-0000-4000-8000-000000000009",
]  # fmt: skip
NAMES = ["ID", "Message", "FQID", "ObjectId", "ObjectIdString", "Kind", "Name", "Point", "Other"]


@cache
def schema() -> Any:
    return xmlschema.XMLSchema(str(Path(__file__).parent / "maker" / "AnalyticsEvent.xsd"))


def allowed(document: bytes) -> bool:
    try:
        read(document)
    except Invalid:
        return False
    return True


def spoil(root: ElementTree.Element, chance: random.Random) -> None:
    """Change one thing of a document: a value, a name, an order, an attribute, a part."""
    parents = [each for each in root.iter() if len(each)]
    every = list(root.iter())
    match chance.randrange(7):
        case 0:
            chance.choice([each for each in every if not len(each)]).text = chance.choice(VALUES)
        case 1:
            parent = chance.choice(parents)
            parent.remove(chance.choice(list(parent)))
        case 2:
            parent = chance.choice(parents)
            parent.append(deepcopy(chance.choice(list(parent))))
        case 3:
            parent = chance.choice(parents)
            inside = list(parent)
            chance.shuffle(inside)
            parent[:] = inside
        case 4:
            chance.choice(every[1:]).tag = f"{{{NS}}}{chance.choice(NAMES)}"
        case 5:
            chance.choice(every).set("colour", "red")
        case _:
            chance.choice(parents).text = chance.choice(["x", " ", "\n"])


@settings(max_examples=250)
@given(st.integers(0, 2**32), st.integers(0, 3))
def test_the_simulator_allows_what_the_makers_schema_allows_and_nothing_else(
    seed: int, times: int
) -> None:
    chance, root = random.Random(seed), ElementTree.fromstring(WHOLE)
    for _ in range(times):
        spoil(root, chance)
    document = ElementTree.tostring(root)

    assert allowed(document) is schema().is_valid(document.decode())


def test_an_event_is_read_whole() -> None:
    said = read(WHOLE.encode())

    assert (said.message, said.location, said.tag) == ("BWC_ALERT", "rue Haute", "INC-42")
    assert said.related == ["a0000000-0000-4000-8000-000000000006"]


@pytest.mark.parametrize(
    "document", [b"", b"<a", b"\xff\xfe", b"<Alert/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"]
)
def test_what_is_no_event_is_invalid(document: bytes) -> None:
    assert not allowed(document)


def event(site: Running, **changes: str) -> bytes:
    said = {"message": "BWC_ALERT", "source": f"<FQID><ObjectId>{site.ready['cameras'][0]}"
            "</ObjectId></FQID>", "related": "", **changes}  # fmt: skip
    references = "".join(
        f"<Reference><FQID><ObjectId>{each}</ObjectId><Kind>{CAMERA}</Kind></FQID></Reference>"
        for each in said["related"].split()
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><AnalyticsEvent xmlns="{NS}"><EventHeader>'
        "<ID>a0000000-0000-4000-8000-000000000001</ID><Timestamp>2026-11-20T12:00:00Z</Timestamp>"
        f"<Message>{escape(said['message'])}</Message><Source>{said['source']}</Source>"
        "</EventHeader><Description>PM-214 appelle à l'aide</Description>"
        f"<ReferenceList>{references}</ReferenceList></AnalyticsEvent>"
    ).encode()


def post(port: int, body: bytes, head: str = "POST / HTTP/1.1") -> tuple[int, str]:
    """Send as the maker's sample does: a socket, a POST, one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        said = f"{head}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(said.encode() + body)
        heard = b""
        while part := connection.recv(4096):
            heard += part
    first, _, text = heard.decode().partition("\r\n\r\n")
    assert f"Content-Length: {len(text.encode())}" in first
    return int(first.split()[1]), text


def opened(start: Start, *words: str) -> tuple[Running, int]:
    site = start("--analytics-port", "0", *words)
    return site, int(site.ready["analytics_port"])


def test_a_new_site_keeps_the_port_shut_until_somebody_opens_it(xprotect: Start) -> None:
    site = xprotect()
    assert site.ready["analytics_port"] is None

    port = site.order("analytics", open=True)["port"]
    assert post(port, event(site)) == (200, "")
    site.order("analytics", open=False)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_an_event_makes_an_alarm_with_the_cameras_it_refers_to(xprotect: Start) -> None:
    site, port = opened(xprotect)
    first, second, third = site.ready["cameras"][:3]

    assert post(port, event(site, related=f"{second} {third}")) == (200, "")

    [alarm] = site.listed("alarms?include=data")
    assert (alarm["name"], alarm["message"]) == ("Alerte caméra-piéton", "BWC_ALERT")
    assert alarm["source"] == f"cameras/{first}"
    assert [each["id"] for each in alarm["references"]] == [second, third]
    [happened] = site.listed("events?include=data")
    assert happened["data"]["description"] == "PM-214 appelle à l'aide"


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"eventType": "a0000000-0000-4000-8000-000000000009"}]
)
def test_without_a_definition_that_matches_there_is_no_alarm(
    xprotect: Start, change: dict[str, object]
) -> None:
    site, port = opened(xprotect)
    [definition] = site.listed("alarmDefinitions")
    site.rest("PATCH", f"alarmDefinitions/{definition['id']}", json=change)

    assert post(port, event(site)) == (200, "")

    assert (site.listed("alarms"), len(site.listed("events"))) == ([], 1)


def test_a_definition_for_a_group_is_for_its_cameras(xprotect: Start) -> None:
    site, port = opened(xprotect, "--bodyworn", "B8A44F00A001=PM-214")
    [definition] = site.listed("alarmDefinitions")
    [group] = site.listed("cameraGroups?name=equals:'Caméras-piétons'")
    sources = [{"type": "cameraGroups", "id": group["id"]}]
    site.rest("PATCH", f"alarmDefinitions/{definition['id']}", json={"sourceList": sources})
    worn = site.ready["bodyworn"]["B8A44F00A001"]

    post(port, event(site))
    post(port, event(site, source=f"<FQID><ObjectId>{worn.upper()}</ObjectId></FQID>"))

    assert [each["source"] for each in site.listed("alarms")] == [f"cameras/{worn}"]


def test_a_source_may_be_the_address_of_a_device(xprotect: Start) -> None:
    site, port = opened(xprotect)

    assert post(port, event(site, source="<Name>10.20.0.2,1</Name>")) == (200, "")

    assert site.listed("events")[0]["source"] == f"cameras/{site.ready['cameras'][1]}"


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"message": "WHO"}, "Warning: Event message not known"),
        ({"source": "<Name>10.9.9.9</Name>"}, "Warning: Event source not known"),
        ({"source": "<Name>10.20.0.2,nord</Name>"}, "Warning: Event source not known"),
    ],
)
def test_what_is_not_known_is_a_success_with_a_warning_and_nothing_happens(
    xprotect: Start, changes: dict[str, str], warning: str
) -> None:
    site, port = opened(xprotect)

    assert post(port, event(site, **changes)) == (200, warning)

    assert site.listed("events") == []


def test_what_the_schema_does_not_allow_is_400(xprotect: Start) -> None:
    site, port = opened(xprotect)

    status, text = post(port, event(site).replace(b"<Message>BWC_ALERT</Message>", b""))

    assert (status, "Message expected" in text) == (400, True)
    assert post(port, b"", "GET / HTTP/1.1")[0] == 400


def test_strangers_and_a_server_that_fails_are_said_so(xprotect: Start) -> None:
    site, port = opened(xprotect, "--analytics-allow", "10.0.0.0/8")
    assert post(port, event(site))[0] == 403

    site.order("analytics", allow=["127.0.0.1"], broken=True)

    assert post(port, event(site))[0] == 500
    received = site.http.get("/simulator/analytics").json()["received"]
    assert [each["status"] for each in received] == [403, 500]
