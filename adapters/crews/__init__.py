"""Crews from whatever speaks GeoJSON: by HTTP (`/intake/crews`) and by MQTT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters.crews.decode import decode_crews
from hooks import CONTRACT, AdapterInfo, BadSettings, Envelope, Fact, Feed, hookimpl
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.crews.client import Subscriber

TOPIC = "renfort/crews/+/position"


class Crews:
    """The adapter; see README.md beside."""

    def __init__(self) -> None:
        self._subscriber: Subscriber | None = None

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="crews", brand="GeoJSON", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section; without `mqtt_url` there is the HTTP inlet alone."""
        section = Section(settings)
        url = section.url("mqtt_url", "mqtt", "mqtts", default="")
        topic = section.text("topic", TOPIC)
        username, password = section.text("username", ""), section.text("password", "")
        ca = section.file("ca")
        client_id = section.text("client_id", "")
        section.end()
        self._subscriber = None
        if not url:
            _expect_url(settings)
            return
        _check(url, topic, username, password)
        from adapters.crews.client import Broker, Subscriber  # noqa: PLC0415  (brings in paho)

        account = {"username": username, "password": password, "client_id": client_id}
        broker = Broker(url=url, topic=topic, ca=ca, **account)
        if broker.secure:
            _ = broker.tls  # a bad `ca` is said now, not at the first connection
        self._subscriber = Subscriber(broker)

    @hookimpl
    def list_feeds(self) -> Iterable[Feed]:
        """Give the MQTT subscription, if there is one."""
        if self._subscriber is None:
            return []
        return [Feed(name="mqtt", run=self._subscriber.listen, silence_s=45)]

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        """Read GeoJSON, or one plain object."""
        return decode_crews(envelope)


def _expect_url(settings: Mapping[str, Any]) -> None:
    """Refuse a section that sets a broker up without saying where it is."""
    if settings:
        raise BadSettings(
            "mqtt_url", None, "write mqtts://<host>, or leave the section empty for HTTP alone"
        )


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
