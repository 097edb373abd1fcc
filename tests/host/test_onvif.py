"""The ONVIF device, walked by a client that is not ours and checks every answer's schema."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import httpx
import pytest
from onvif import ONVIFCamera
from zeep.exceptions import Fault

from tests.network import free_port
from vms_plugin.live import rtsp_words
from vms_plugin.live.onvif import device as device_words
from vms_plugin.live.onvif.device import _SERVICES, Device, _words, app
from vms_plugin.live.onvif.discovery import Discovery
from vms_plugin.live.onvif.server import OnvifServer, numbered
from vms_plugin.live.relay import Relay
from vms_plugin.settings import LiveSettings, Settings
from vms_plugin.store import Store

OFFICERS = ("PM-214", "PM-207 é")
SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


def device(**more: Any) -> Device:
    return replace(
        Device(officers={OFFICERS[0]: 1, OFFICERS[1]: 2}, username="vms", password="secret",
               rtsp_port=8554, port=free_port(), site="a host"), **more,
    )  # fmt: skip


@asynccontextmanager
async def served(made: Device, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Device]:
    async def nowhere(_self: Discovery, **_: Any) -> None:
        """The tests of discovery have their own port."""

    monkeypatch.setattr(Discovery, "start", nowhere)
    running = OnvifServer(made, "127.0.0.1")
    assert await running.start() is None
    try:
        yield made
    finally:
        await running.stop()


@asynccontextmanager
async def camera(made: Device, password: str = "secret") -> AsyncIterator[Any]:
    client = ONVIFCamera("127.0.0.1", made.port, "vms", password)
    try:
        await client.update_xaddrs()
        yield client
    finally:
        await client.close()


async def test_a_port_that_is_taken_is_said_and_ends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = OnvifServer(device(port=port), "127.0.0.1")
        why = await asyncio.wait_for(running.start(), 10)
        await running.stop()

    assert str(why) == f"the VMS finds no ONVIF device here: port {port} cannot be opened"


async def test_a_client_walks_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(device(), monkeypatch) as made, camera(made) as client:
        management = await client.create_devicemgmt_service()
        for name in ("GetDeviceInformation", "GetHostname", "GetScopes", "GetUsers", "GetDNS",
                     "GetNTP", "GetNetworkProtocols", "GetDiscoveryMode", "GetRelayOutputs",
                     "GetServiceCapabilities", "GetNetworkDefaultGateway", "GetWsdlUrl",
                     "GetEndpointReference", "GetSystemDateAndTime"):  # fmt: skip
            await getattr(management, name)()
        [interface] = await management.GetNetworkInterfaces()
        media = await client.create_media_service()
        profiles = await media.GetProfiles()
        addresses = [
            (await media.GetStreamUri({"StreamSetup": SETUP, "ProfileToken": each.token})).Uri
            for each in profiles
        ]
        token = {"ProfileToken": profiles[1].token}
        encoder = {"ConfigurationToken": "encoder_2"}
        for name, asked in (
            ("GetProfile", token), ("GetVideoSources", {}), ("GetAudioSources", {}),
            ("GetVideoSourceConfigurations", {}), ("GetVideoSourceConfigurationOptions", {}),
            ("GetVideoEncoderConfigurations", {}), ("GetVideoEncoderConfiguration", encoder),
            ("GetVideoEncoderConfigurationOptions", token), ("GetOSDs", {}),
            ("GetCompatibleVideoEncoderConfigurations", token),
            ("GetCompatibleVideoSourceConfigurations", token),
            ("GetAudioSourceConfigurations", {}), ("GetAudioEncoderConfigurations", {}),
            ("GetAudioEncoderConfigurationOptions", {}), ("GetMetadataConfigurations", {}),
            ("GetCompatibleAudioEncoderConfigurations", token), ("GetServiceCapabilities", {}),
            ("GetGuaranteedNumberOfVideoEncoderInstances", {"ConfigurationToken": "picture_1"}),
            ("SetSynchronizationPoint", token),
        ):  # fmt: skip
            await getattr(media, name)(asked)

    assert [each.Name for each in profiles] == list(OFFICERS)
    assert addresses == [
        "rtsp://127.0.0.1:8554/PM-214", "rtsp://127.0.0.1:8554/PM-207%20%C3%A9",
    ]  # fmt: skip
    assert profiles[0].VideoEncoderConfiguration.Encoding == "H264"
    assert profiles[0].AudioEncoderConfiguration.Encoding == "G711"
    assert interface.Info.HwAddress == made.mac


def _operations() -> Iterator[tuple[str, str, str]]:
    """List what the templates answer: service, namespace, operation."""
    for namespace, (template, prefix, path, _) in _SERVICES.items():
        for name in vars(_words.get_template(f"{template}.xml").module):
            own = name in ("Renew", "Unsubscribe")
            if name[:1].isupper() and own == (prefix == "wsnt"):
                yield path, namespace, name


@pytest.mark.parametrize(("path", "namespace", "name"), list(_operations()))
@pytest.mark.parametrize("sound", ["aac", "opus"])
async def test_every_operation_is_answered_by_an_element_of_its_name(
    path: str, namespace: str, name: str, sound: str
) -> None:
    asked = "<ProfileToken>profile_2</ProfileToken><Timeout>PT0S</Timeout>"
    body = signed(name, asked).replace("http://www.onvif.org/ver10/device/wsdl", namespace)
    transport = httpx.ASGITransport(app=app(device(sound_word=sound)))
    async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as plain:
        answer = await plain.post(path, content=body)
    if sound == "opus" and name in ("GetAudioSourceConfiguration", "GetAudioEncoderConfiguration"):
        assert "there is no sound" in answer.text
        return
    [found] = ElementTree.fromstring(answer.text)[0]

    assert answer.status_code == 200
    assert found.tag == f"{{{namespace}}}{name}Response"


async def told(namespace: str, path: str, name: str, asked: str) -> httpx.Response:
    body = signed(name, asked).replace("http://www.onvif.org/ver10/device/wsdl", namespace)
    transport = httpx.ASGITransport(app=app(device()))
    async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as plain:
        return await plain.post(path, content=body)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("GetProfiles", "<Token>profile_2</Token><Type>All</Type>"),
        ("GetVideoSourceConfigurations", "<ProfileToken>profile_2</ProfileToken>"),
        ("GetVideoEncoderConfigurations", "<ConfigurationToken>encoder_2</ConfigurationToken>"),
        ("GetAudioSourceConfigurations", "<ConfigurationToken>ear_2</ConfigurationToken>"),
        ("GetAudioEncoderConfigurations", "<ProfileToken>profile_2</ProfileToken>"),
    ],
)
async def test_media_2_tells_of_the_officer_it_is_asked_about_alone(name: str, asked: str) -> None:
    media2 = ("http://www.onvif.org/ver20/media/wsdl", "/onvif/media2_service", name)
    one, none = [
        await told(*media2, text) for text in (asked, re.sub(r"_2<", "_9<", asked))
    ]  # fmt: skip
    [found] = ElementTree.fromstring(one.text)[0]

    assert len(found) == 1
    assert found[0].attrib["token"].endswith("_2")
    assert none.status_code == 400


async def test_each_service_says_what_it_can_do_where_it_is_listed() -> None:
    namespace, asked = "http://www.onvif.org/ver10/device/wsdl", "<IncludeCapability>{}<"
    full, short = [
        (await told(namespace, "/onvif/device_service", "GetServices",
                    f"{asked.format(word)}/IncludeCapability>")).text
        for word in ("true", "false")
    ]  # fmt: skip

    space = f"{{{namespace}}}"
    services = ElementTree.fromstring(full).findall(f".//{space}Service")
    told_of = [each.findtext(f"{space}Namespace") for each in services]
    able = [each.find(f"{space}Capabilities/*") for each in services]

    assert [each.tag for each in able if each is not None] == [
        f"{{{each}}}Capabilities" for each in told_of
    ]  # fmt: skip
    assert "Capabilities" not in short


async def test_a_pull_point_stands_and_stays_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(device(), monkeypatch) as made, camera(made) as client:
        manager = await client.create_pullpoint_manager(timedelta(seconds=60), lambda: None)
        pulled = await manager.get_service().PullMessages(
            {"MessageLimit": 10, "Timeout": timedelta(seconds=0.2)}
        )
        await manager.shutdown()

    assert pulled.NotificationMessage == []


async def test_an_officer_keeps_his_address_and_the_device_its_name() -> None:
    one, again, other = device(), device(), device(site="another host")

    assert (one.mac, one.uuid, one.serial) == (again.mac, again.uuid, again.serial)
    assert one.mac != other.mac
    assert int(one.mac[:2], 16) & 3 == 2  # locally administered, of one card


async def test_it_stays_the_same_device_on_another_card_and_is_another_at_another_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveSettings(
        rtsp_port=8554, onvif_port=8899, username="vms", password="secret", officers=OFFICERS
    )

    async def seen(where: str) -> tuple[str, str, str]:
        store, relay = Store(tmp_path / where), cast(Relay, SimpleNamespace(want_key=str))
        made = await OnvifServer.of(Settings(live=live), relay, store)
        store.close()
        assert made is not None
        return made.device.uuid, made.device.serial, made.device.mac

    first = await seen("one.db")
    monkeypatch.setattr(uuid, "getnode", lambda: 0x02420A000002)
    (tmp_path / "one.db").rename(tmp_path / "moved.db")

    assert await seen("moved.db") == first
    assert await seen("two.db") != first


async def test_an_officer_keeps_his_channel_whoever_comes_and_goes(tmp_path: Path) -> None:
    """Else the VMS would show one officer under the name of another."""
    store = Store(tmp_path / "renfort.db")
    first = await numbered(store, ("PM-214", "PM-207 é"))
    later = await numbered(store, ("PM-101", "PM-207 é"))
    back = await numbered(store, ("PM-300", "PM-214", "PM-207 é"))
    store.close()
    made = device(officers=back)

    assert first == {"PM-214": 1, "PM-207 é": 2}
    assert later == {"PM-101": 3, "PM-207 é": 2}
    assert back == {"PM-300": 4, "PM-214": 1, "PM-207 é": 2}
    assert [each.number for each in made.channels] == [1, 2, 4]
    assert made.channel({"ProfileToken": "profile_4"}).name == "PM-300"
    with pytest.raises(device_words.Fault):
        made.channel({"ProfileToken": "profile_3"})


async def test_no_snapshot_is_taken_r241_13(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(device(), monkeypatch) as made, camera(made) as client:
        media = await client.create_media_service()
        with pytest.raises(Fault, match=r"R241-13"):
            await media.GetSnapshotUri({"ProfileToken": "profile_1"})


async def test_a_nonce_that_is_too_old_is_told_from_a_wrong_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a client takes the password for wrong after five minutes, and asks somebody for it."""
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def ask(password: str) -> str:
        transport = httpx.ASGITransport(app=app(device()))
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
            proof = httpx.DigestAuth("vms", password)
            answer = await client.post(
                "/onvif/device_service", content=bare("GetUsers"), auth=proof
            )
        return f"{answer.status_code} {answer.headers.get('www-authenticate', '')}"

    monkeypatch.setattr(asyncio, "sleep", wait)
    right, wrong = await ask("secret"), await ask("guess")
    monkeypatch.setattr(rtsp_words, "NONCE_S", -1.0)
    old = await ask("secret")

    assert right.startswith("200")
    assert wrong.startswith("401")
    assert "stale" not in wrong
    assert old.startswith("401")
    assert "stale=true" in old
    assert waited == [device_words.WRONG_S]


async def test_a_wrong_password_is_refused_and_a_proof_serves_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(device(), monkeypatch) as made:
        async with camera(made, "wrong") as client:
            management = await client.create_devicemgmt_service()
            with pytest.raises(Fault):
                await management.GetDeviceInformation()
        async with httpx.AsyncClient() as plain:
            where, proof = f"http://127.0.0.1:{made.port}/onvif/device_service", signed("GetUsers")
            said = [await plain.post(where, content=proof) for _ in range(2)]
            nobody = await plain.post(
                f"http://127.0.0.1:{made.port}/onvif/device_service", content=bare("GetUsers")
            )

    assert [each.status_code for each in said] == [200, 400]
    assert "NotAuthorized" in said[1].text
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Digest ")


@pytest.mark.parametrize("minutes", [-60, 6])
async def test_a_vms_whose_clock_is_off_is_told_so_if_it_knows_the_password(minutes: int) -> None:
    said = []
    for password in (b"secret", b"wrong"):
        body = signed("GetUsers", off=timedelta(minutes=minutes), password=password)
        transport = httpx.ASGITransport(app=app(device()))
        async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as plain:
            said.append((await plain.post("/onvif/device_service", content=body)).text)

    off_s = re.search(r"the clock of this client is off by (-?\d+) s", said[0])
    assert off_s
    assert abs(int(off_s[1]) - 60 * minutes) < 5
    assert "clock" not in said[1]
    assert all("NotAuthorized" in each for each in said)


async def test_http_digest_is_taken_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(device(), monkeypatch) as made, httpx.AsyncClient() as plain:
        answer = await plain.post(
            f"http://127.0.0.1:{made.port}/onvif/device_service", content=bare("GetUsers"),
            auth=httpx.DigestAuth("vms", "secret"),
        )  # fmt: skip

    assert answer.status_code == 200


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&c;</s:Body></s:Envelope>"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BOMB, "WellFormed"),
        (BOMB.encode("utf-16"), "WellFormed"),
        ("not xml", "WellFormed"),
        ('<a xmlns="http://www.w3.org/2003/05/soap-envelope"/>', "WellFormed"),
        ("x" * 100_000, "TooLarge"),
    ],
)
async def test_what_is_no_soap_is_refused(body: Any, said: str) -> None:
    transport = httpx.ASGITransport(app=app(device()))
    async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as plain:
        answer = await plain.post("/onvif/device_service", content=body)

    assert answer.status_code == 400
    assert said in answer.text


@pytest.mark.parametrize("name", ["_read", "__class__", "macro", "getProfiles", "Reboot<x/>"])
async def test_only_operations_are_found(name: str) -> None:
    transport = httpx.ASGITransport(app=app(device()))
    body = signed("GetUsers").replace("GetUsers", name.replace("<x/>", ""))
    async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as plain:
        answer = await plain.post("/onvif/device_service", content=body)

    assert answer.status_code == 500
    assert "ActionNotSupported" in answer.text


async def test_names_of_officers_are_escaped() -> None:
    transport = httpx.ASGITransport(app=app(device(officers={"<PM&1>": 1})))
    body = signed("GetProfiles").replace("ver10/device", "ver10/media")
    async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as plain:
        answer = await plain.post("/onvif/media_service", content=body)

    assert "&lt;PM&amp;1&gt;" in answer.text


async def test_whoever_looks_for_devices_finds_it() -> None:
    made = device()
    discovery = Discovery(made)
    port = free_port(socket.SOCK_DGRAM)
    await discovery.start(port=port)
    found: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    class Seeker(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            if not found.done():
                found.set_result(data)

    seeker, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Seeker, remote_addr=("127.0.0.1", port)
    )
    seeker.sendto(b"nonsense")
    seeker.sendto(probe("dn:NetworkVideoTransmitter").encode())
    text = (await asyncio.wait_for(found, 5)).decode()
    seeker.close()
    discovery.stop()

    assert f"http://127.0.0.1:{made.port}/onvif/device_service" in text
    assert made.uuid in text
    assert "<wsa:RelatesTo>urn:uuid:1</wsa:RelatesTo>" in text


@pytest.mark.parametrize(
    "asked",
    [
        "printer:Printer",
        "x" * 20_000,
    ],
)
def test_who_looks_for_something_else_is_not_answered(asked: str) -> None:
    assert Discovery(device()).answer(probe(asked).encode(), "127.0.0.1") is None


def test_a_resolve_finds_its_own_device_alone() -> None:
    made = device()
    text = probe("").replace("d:Probe", "d:Resolve")
    own = text.replace("<d:Types></d:Types>", f"<a:Address>{made.uuid}</a:Address>")
    other = text.replace("<d:Types></d:Types>", "<a:Address>urn:uuid:0</a:Address>")
    scoped = probe("").replace("</d:Types>", "</d:Types><d:Scopes>onvif://nowhere</d:Scopes>")

    assert Discovery(made).answer(own.encode(), "127.0.0.1")
    assert Discovery(made).answer(other.encode(), "127.0.0.1") is None
    assert Discovery(made).answer(scoped.encode(), "127.0.0.1") is None


def probe(types: str) -> str:
    return (
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header>'
        "<a:MessageID>urn:uuid:1</a:MessageID></e:Header><e:Body>"
        f"<d:Probe><d:Types>{types}</d:Types></d:Probe></e:Body></e:Envelope>"
    )


def bare(operation: str, header: str = "", asked: str = "") -> str:
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
        f"<s:Header>{header}</s:Header><s:Body>"
        f'<{operation} xmlns="http://www.onvif.org/ver10/device/wsdl">{asked}</{operation}>'
        "</s:Body></s:Envelope>"
    )


def signed(
    operation: str, asked: str = "", *, off: timedelta = timedelta(), password: bytes = b"secret"
) -> str:
    root = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
    nonce = secrets.token_bytes(16)
    created = (datetime.now(UTC) + off).strftime("%Y-%m-%dT%H:%M:%SZ")
    proof = base64.b64encode(hashlib.sha1(nonce + created.encode() + password).digest()).decode()
    token = (
        f'<w:Security xmlns:w="{root}wssecurity-secext-1.0.xsd" '
        f'xmlns:u="{root}wssecurity-utility-1.0.xsd"><w:UsernameToken>'
        f"<w:Username>vms</w:Username><w:Password>{proof}</w:Password>"
        f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce>"
        f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )
    return bare(operation, token, asked)
