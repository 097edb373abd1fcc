"""Axis body-worn cameras: presses, ends, positions.

Two transports: `bridge`, a companion built on Axis's SDK that speaks our published protocol, and
`direct`, the events of the AXIS Body Worn Live server itself: *observed, not specified by Axis*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.axis.bridge import decode_bridge
from adapters.axis.decode import decode_event, decode_status
from hooks import CONTRACT, AdapterInfo, Envelope, Fact, Feed, Health, hookimpl
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.axis.client import Client

#: Both spellings of the last element have been seen; a device delivers once per filter that
#: matches, and doubles are recognised by the event's id.
TOPICS = (
    "tns1:WebRTC/tnsaxis:Signaling/tnsaxis:CloudEvent",
    "tns1:WebRTC/tnsaxis:Signaling/CloudEvent",
)


class Axis:
    """The adapter; see README.md beside."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._silence_s = 60.0
        self._missed_s = 3600.0

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="axis", brand="Axis Communications", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section; the direct transport needs an address and an account."""
        section = Section(settings)
        direct = section.choice("transport", "bridge", "direct") == "direct"
        self._missed_s = section.number("missed_press_window_s", 3600, low=0, high=86400)
        if direct:
            self._client = self._direct(section)
        section.end()

    def _direct(self, section: Section) -> Client:
        from adapters.axis.client import Client, Server  # noqa: PLC0415  (only where it is used)

        app = section.text("app", "BodyWornLiveSelfHosted")
        every_s = section.number("status_every_s", 15, low=0.05, high=600)
        self._silence_s = 3 * every_s + 10
        return Client(
            Server(
                url=section.url("url"),
                username=section.text("username"),
                password=section.text("password"),
                ca=section.file("ca"),
                status_path=section.text("status_path", f"/local/{app}/status.cgi"),
                events_path=section.text("events_path", "/vapix/ws-data-stream?sources=events"),
                session_path=section.text("session_path", "/axis-cgi/wssession.cgi"),
                topics=section.texts("topics", TOPICS),
                status_every_s=every_s,
            )
        )

    @hookimpl
    def probe(self) -> Health | None:
        """Ask the server; a bridge is known by its own connection."""
        return self._client.probe() if self._client else None

    @hookimpl
    def list_feeds(self) -> Iterable[Feed]:
        """Give the event feed of the direct transport."""
        if self._client is None:
            return []
        return [Feed(name="events", run=self._client.listen, silence_s=self._silence_s)]

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        """Read what came by the feed, or from a companion."""
        if envelope.channel == "events":
            return decode_event(envelope)
        if envelope.channel == "status":
            return decode_status(envelope, self._missed_s)
        return decode_bridge(envelope)
