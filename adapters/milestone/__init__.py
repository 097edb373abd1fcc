"""Milestone XProtect: the cameras it knows, and every way it has of showing an incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.milestone import frames, theirs
from adapters.milestone.decode import read_guid
from hooks import (
    CONTRACT,
    AdapterInfo,
    Aim,
    Camera,
    CameraId,
    Codec,
    Envelope,
    Fact,
    Feed,
    Health,
    IncidentId,
    Keep,
    Live,
    Malformed,
    Picture,
    Pointing,
    Receipt,
    Refused,
    hookimpl,
)

if TYPE_CHECKING:
    from adapters.milestone.desk import Desk

STATE_SILENCE_S = 400.0


class Milestone:
    """The adapter; see README.md beside."""

    def __init__(self) -> None:
        self._made: Desk | None = None

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="milestone", brand="Milestone XProtect", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section, and make ready what works on one site."""
        from adapters.milestone import settings as section  # noqa: PLC0415
        from adapters.milestone.desk import Desk  # noqa: PLC0415  (brings in requests)

        read = section.read(settings)
        self.close()
        self._made = Desk(read)

    def close(self) -> None:
        """Close the connections that are kept."""
        if self._made is not None:
            self._made.close()

    @property
    def _desk(self) -> Desk:
        if self._made is None:
            raise Refused("not configured: add the section [adapters.milestone]")
        return self._made

    @hookimpl
    def probe(self) -> Health:
        """Ask the site for what an alarm needs, then for each rung of the ladder."""
        return self._desk.probe()

    @hookimpl
    def list_feeds(self) -> Iterable[Feed]:
        """Give the watch that keeps the site warm, and what tells of alarms and of cameras."""
        desk = self._desk
        return [
            Feed(name="gateway", run=desk.watch, silence_s=90),
            Feed(name="alarms", run=desk.theirs.run, silence_s=90),
            # It finds dead sockets by itself; gathering the state takes a large site minutes.
            Feed(name="state", run=desk.client.state.run, silence_s=STATE_SILENCE_S),
        ]

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        """Read what the feeds bring."""
        if envelope.channel == frames.CHANNEL:
            return frames.facts(envelope)
        if envelope.channel == theirs.CHANNEL:
            return theirs.facts(envelope)
        raise Malformed("channel", envelope.channel, "XProtect sends nothing to this address")

    @hookimpl
    def list_cameras(self) -> Iterable[Camera]:
        """Give the inventory, and remember it: a camera's name may bear a device's serial."""
        return self._desk.cameras()

    @hookimpl
    def place_cameras(self, cameras: tuple[Camera, ...]) -> tuple[CameraId, ...]:
        """Write where they stand and look, as GIS staff asked."""
        from adapters.milestone.placing import place  # noqa: PLC0415

        return place(self._desk.client.gateway, cameras)

    @hookimpl
    def discover(self) -> Mapping[str, str]:
        """Give what the site answers, scrubbed."""
        from adapters.milestone.discover import discover  # noqa: PLC0415

        return discover(self._desk.client.gateway)

    @hookimpl
    def recall(self, receipts: Mapping[IncidentId, Receipt]) -> None:
        """Know which monitors show which incident."""
        self._desk.recall(receipts)

    @hookimpl
    def show(
        self,
        picture: Picture,
        receipt: Receipt | None,
        repeated: bool,
        keep: Keep | None = None,
    ) -> Receipt:
        """Make one alarm say what the picture says; then the event, the wall and the rest."""
        search = repeated or receipt is not None
        return self._desk.show(picture, receipt, search=search, keep=keep)

    @hookimpl
    def withdraw(
        self,
        picture: Picture,
        receipt: Receipt | None,
        repeated: bool,
        keep: Keep | None = None,
    ) -> Receipt | None:
        """Close the alarm with its reason, and leave the site as it was; the record stays."""
        search = repeated or receipt is not None
        return self._desk.withdraw(picture, receipt, search=search, keep=keep)

    @hookimpl
    def aim(self, camera: CameraId, pointing: Pointing | None) -> Aim | None:
        """Turn a camera, unless somebody of higher priority has it."""
        return self._desk.turner.aim(camera, pointing)

    @hookimpl
    def open_camera(self, camera: CameraId) -> Live | None:
        """Give the camera's own WebRTC session, without its sound."""
        from adapters.milestone.webrtc import CameraSource  # noqa: PLC0415  (aiortc)

        guid = read_guid(camera.removeprefix("milestone:"))
        if guid is None:
            return None
        return Live(run=CameraSource(self._desk.client.gateway, guid).run, video=Codec.H264)
