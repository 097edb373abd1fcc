"""Axis body-worn cameras: presses, ends, positions, docked recordings.

Two transports: `bridge`, a companion built on Axis's SDK that speaks our published protocol, and
`direct`, the events of the AXIS Body Worn Live server itself: *observed, not specified by Axis*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from adapters._shared.address import bare
from adapters.axis.bridge import decode_bridge
from adapters.axis.decode import decode_event
from adapters.axis.destination import Account as Sender
from adapters.axis.destination import connection_file, trail_of
from adapters.axis.exercise import Drill
from adapters.axis.status import decode_status
from hooks import (
    CONTRACT,
    Activation,
    ActivationId,
    AdapterInfo,
    BadSettings,
    Codec,
    DeviceId,
    Envelope,
    Exercise,
    Fact,
    Feed,
    Health,
    Inlet,
    Live,
    Piece,
    PieceKind,
    Position,
    Trail,
    Vault,
    hookimpl,
)
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.axis.client import Client
    from adapters.axis.vapix import Server

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
        self._server: Server | None = None
        self._drill = Drill("", "", ca=True)
        self._silence_s = 60.0
        self._missed_s = 3600.0
        self._docking: tuple[str, int, Sender] | None = None

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="axis", brand="Axis Communications", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section; the direct transport needs an address and an account."""
        section = Section(settings)
        direct = section.choice("transport", "bridge", "direct", "none") == "direct"
        self._missed_s = section.number("missed_press_window_s", 3600, low=0, high=86400)
        url = section.url("exercise_url", default="")
        serial = section.text("exercise_serial", "")
        if url and not serial:
            raise BadSettings("exercise_serial", None, "write the serial of the spare camera")
        self._drill = Drill(url, serial, ca=settings.get("ca") or True)
        self._client = self._direct(section) if direct else None
        self._docking = _docking(section)
        section.end()

    def _direct(self, section: Section) -> Client:
        # The client is brought in only where it is used: it costs requests and websockets.
        from adapters.axis.auth import Account  # noqa: PLC0415
        from adapters.axis.client import Client  # noqa: PLC0415
        from adapters.axis.vapix import Server  # noqa: PLC0415

        app = section.text("app", "BodyWornLiveSelfHosted")
        if not re.fullmatch(r"[\w-]+", app):
            raise BadSettings("app", app, "write the application's name as in /local/<app>/")
        status_every_s = section.number("status_every_s", 15, low=0.05, high=600)
        ping_every_s = section.number("ping_every_s", 10, low=0.05, high=600)
        self._silence_s = 2 * min(status_every_s, ping_every_s) + 15
        server = Server(
            url=bare("url", section.url("url")),
            account=Account(section.text("username"), section.text("password")),
            ca=section.file("ca"),
            status_path=_path(section, "status_path", f"/local/{app}/status.cgi"),
            events_path=_path(section, "events_path", "/vapix/ws-data-stream?sources=events"),
            session_path=_path(section, "session_path", "/axis-cgi/wssession.cgi"),
            auth_path=_path(section, "auth_path", f"/local/{app}/auth.cgi"),
            signaling_path=_path(section, "signaling_path", f"/local/{app}/client"),
            signaling_port=_port(section),
            topics=_topics(section),
            status_every_s=status_every_s,
            ping_every_s=ping_every_s,
        )
        if server.secure:
            _ = server.tls  # a bad `ca` is said now, not at the first connection
        self._server = server
        return Client(server)

    @hookimpl
    def probe(self) -> Health | None:
        """Ask the server; None for a bridge, which is known by its own connection."""
        return self._client.probe() if self._client else None

    @hookimpl
    def list_feeds(self) -> Iterable[Feed]:
        """Give the event feed of the direct transport."""
        if self._client is None:
            return []
        return [Feed(name="events", run=self._client.listen, silence_s=self._silence_s)]

    @hookimpl
    def open_live(
        self, activation: ActivationId, device: DeviceId, said: Mapping[str, str]
    ) -> Live | None:
        """Give the camera's own WebRTC session; a companion tells where to pull it instead."""
        if self._server is None:
            url = said.get("media.url", "")
            return Live(url=url, video=Codec(said.get("media.video", ""))) if url else None
        from adapters.axis.live import LiveSource  # noqa: PLC0415  (aiortc, only where it is used)

        serial, session = (name.partition(":")[2] for name in (device, activation))
        source = LiveSource(self._server, serial, session)
        return Live(run=source.run, video=Codec.H264, audio=Codec.OPUS)

    @hookimpl
    def list_inlets(self, vault: Vault) -> Iterable[Inlet]:
        """Give the door where a docking station brings recordings, if one is wanted."""
        if self._docking is None:
            return []
        from adapters.axis.destination_door import Door  # noqa: PLC0415  (only where it is used)

        host, port, sender = self._docking

        def file(address: str, certificates: str) -> bytes:
            return connection_file(sender, address, certificates, version("renfort"))

        door = Door(sender, vault)
        return [Inlet(name="docking", app=door, port=port, host=host, connection_file=file)]

    @hookimpl
    def read_trail(self, piece: Piece, content: bytes) -> Trail | None:
        """Read the GNSS trail of a docked recording; None when it is encrypted."""
        ours = piece.recording.startswith("axis:") and piece.kind is PieceKind.TRAIL
        return trail_of(content) if ours else None

    @hookimpl
    def exercise(self, mark: str, place: Position | None, over: bool) -> Exercise | None:
        """Press a spare camera where the site can, else give a companion's message."""
        return self._drill.end(mark) if over else self._drill.begin(mark, place)

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        """Read what came by the feed, or from a companion; a drill's press is marked."""
        for fact in self._read(envelope):
            drill = isinstance(fact, Activation) and self._drill.marked(fact)
            yield replace(fact, exercise=True) if drill else fact  # type: ignore[call-arg]

    def _read(self, envelope: Envelope) -> Iterable[Fact]:
        if envelope.channel == "events":
            return decode_event(envelope)
        if envelope.channel in ("status", "links"):
            return decode_status(envelope, self._missed_s, links=envelope.channel == "links")
        return decode_bridge(envelope)


def _docking(section: Section) -> tuple[str, int, Sender] | None:
    """Read where recordings may be brought, and by whom; None: nowhere (the default)."""
    port = int(section.number("docking_port", 0, low=0, high=65535))
    host = section.text("docking_host", "127.0.0.1")
    username = section.text("docking_username", "axis-docking")
    password = section.text("docking_password", "")
    container = section.text("docking_container", "mp4")
    site = section.text("docking_site", "Renfort")
    public_key = section.text("docking_public_key", "")
    key_id = section.text("docking_public_key_id", "")
    if not port:
        return None
    if not 16 <= len(password) <= 64:
        raise BadSettings(
            "docking_password", password or None, "write a secret of 16 to 64 characters"
        )
    if container not in ("mp4", "mkv"):
        raise BadSettings("docking_container", container, "write mp4 or mkv")
    if public_key and "BEGIN PUBLIC KEY" not in public_key:
        raise BadSettings(
            "docking_public_key",
            "…",
            "give the owner's public key (RSA) in PEM, never the private one",
        )
    if bool(public_key) != bool(key_id):
        raise BadSettings(
            "docking_public_key_id",
            key_id or None,
            "give both the public key and its name, or neither",
        )
    sender = Sender(
        username=username, password=password, site=site, container=container,
        public_key=public_key, public_key_id=key_id,
    )  # fmt: skip
    return host, port, sender


def _path(section: Section, name: str, default: str) -> str:
    path = section.text(name, default)
    if not re.fullmatch(r"/[!-~]*", path):
        raise BadSettings(name, path, "write a path beginning with /, without spaces")
    return path


def _port(section: Section) -> int | None:
    """Read the port of the signalling socket, which newer servers open beside their own."""
    port = int(section.number("signaling_port", 0, low=0, high=65535))
    return port or None


def _topics(section: Section) -> tuple[str, ...]:
    topics = section.texts("topics", TOPICS)
    if not topics or not all(topics):
        raise BadSettings("topics", list(topics), "write at least one topic, and none empty")
    return topics
