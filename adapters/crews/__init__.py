"""Crews from whatever speaks GeoJSON: by HTTP (`/intake/crews`) and by MQTT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.crews.decode import decode_crews
from hooks import CONTRACT, AdapterInfo, Envelope, Fact, Feed, hookimpl
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
        section.end()
        if url:
            from adapters.crews.client import Broker, Subscriber  # noqa: PLC0415  (only if used)

            self._subscriber = Subscriber(Broker(url, topic, username, password, ca))

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
