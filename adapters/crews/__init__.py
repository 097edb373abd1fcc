"""Crews from whatever the town has: by HTTP, MQTT, datagrams and streams, in many formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters._shared.address import is_here
from adapters.crews.decode import Decoder
from adapters.crews.inlets import Inlet
from hooks import CONTRACT, AdapterInfo, BadSettings, Envelope, Fact, Feed, hookimpl
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.crews.client import Subscriber

TOPIC = "renfort/crews/+/position"


class Crews:
    """The adapter; see README.md beside."""

    def __init__(self) -> None:
        self._subscriber: Subscriber | None = None
        self._inlets: dict[str, tuple[Inlet, float | None]] = {}
        self._decoder = Decoder()

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="crews", brand="Crews", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section; with none of it there is the HTTP inlet alone."""
        section = Section(settings)
        subscriber = _subscriber(section)
        inlets = [_inlet(name, each) for name, each in section.sections("inlets").items()]
        names = section.table("names")
        stale_s = _staleness(section, "stale_after_s")
        section.end()
        self._subscriber = subscriber
        self._inlets = {inlet.name: (inlet, each_s) for inlet, each_s in inlets}
        fresh_s = {name: each_s for name, (_, each_s) in self._inlets.items() if each_s}
        self._decoder = Decoder(names, stale_s, fresh_s)

    @hookimpl
    def list_feeds(self) -> Iterable[Feed]:
        """Give the MQTT subscription, if there is one, and the inlets."""
        if self._subscriber is not None:
            yield Feed(name="mqtt", run=self._subscriber.listen, silence_s=45)
        for inlet, _ in self._inlets.values():
            yield Feed(name=inlet.name, run=inlet.run, silence_s=45)

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        """Read whatever format it is in."""
        return self._decoder.decode(envelope)


def _subscriber(section: Section) -> Subscriber | None:
    url = section.url("mqtt_url", "mqtt", "mqtts", default="")
    topic = section.text("topic", TOPIC)
    username, password = section.text("username", ""), section.text("password", "")
    ca = section.file("ca")
    client_id = section.text("client_id", "")
    if not url:
        if topic != TOPIC or username or password or ca or client_id:
            raise BadSettings(
                "mqtt_url", None, "write mqtts://<host>, or leave the section empty for HTTP alone"
            )
        return None
    _check(url, topic, username, password)
    from adapters.crews.client import Broker, Subscriber  # noqa: PLC0415  (brings in paho)

    account = {"username": username, "password": password, "client_id": client_id}
    broker = Broker(url=url, topic=topic, ca=ca, **account)
    if broker.secure:
        _ = broker.tls  # a bad `ca` is said now, not at the first connection
    return Subscriber(broker)


def _inlet(name: str, section: Section) -> tuple[Inlet, float | None]:
    """Read one of `[adapters.crews.inlets.<name>]`, and how long its positions stand for now."""
    listen = section.url("listen", "udp", "tcp", default="")
    connect = section.url("connect", "tcp", default="")
    replay = section.file("replay")
    if sum(map(bool, (listen, connect, replay))) != 1:
        raise BadSettings(f"inlets.{name}", "…", "write one of: listen, connect, replay")
    for key, value in (("listen", listen), ("connect", connect)):
        if value and not urlsplit(value).port:
            raise BadSettings(
                f"inlets.{name}.{key}", value, "write the port, as udp://0.0.0.0:10110"
            )
    allow = section.texts("allow", ())
    try:
        networks = tuple(ip_network(each) for each in allow)
    except ValueError as error:
        raise BadSettings(
            f"inlets.{name}.allow", list(allow), 'write addresses or networks, as "192.0.2.0/24"'
        ) from error
    speed = section.number("speed", 1, low=0.1, high=100)
    stale_s = _staleness(section, "stale_after_s")
    section.end()
    if listen and not is_here(urlsplit(listen).hostname or "") and not networks:
        # Positions come without a password there: from anybody, they would be anybody's.
        raise BadSettings(f"inlets.{name}.allow", None, "write who may send there")
    inlet = Inlet(name=name, listen=listen, connect=connect, replay=replay, speed=speed,
                  allow=networks)  # fmt: skip
    return inlet, stale_s


def _staleness(section: Section, key: str) -> float | None:
    """Read how long a position of this source stands for now; None: as the town's settings say."""
    seconds = section.number(key, 0, low=0, high=86400)
    return seconds or None


def _check(url: str, topic: str, username: str, password: str) -> None:
    parts = urlsplit(url)
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        said = f"{parts.scheme}://{parts.hostname}…"
        raise BadSettings("mqtt_url", said, "write scheme, host and port alone")
    *heads, last = topic.split("/")
    # MQTT 3.1.1 §4.7.1: a wildcard fills a whole level, and # only the last one.
    if not all(_plain(each) or each == "+" for each in heads) or not (
        _plain(last) or last in ("+", "#")
    ):
        raise BadSettings("topic", topic, "write + for one whole level, # for all that follows")
    if password and not username:
        raise BadSettings("username", username, "a password goes with a username")


def _plain(level: str) -> bool:
    return not set(level) & set("+#")
