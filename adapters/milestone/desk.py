"""One site, put together: what the hooks ask is passed on to whoever does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

from adapters.milestone.alarming import Alarms, Sources
from adapters.milestone.analytics import Sender
from adapters.milestone.api import Api
from adapters.milestone.bodyworn import examine_worn
from adapters.milestone.bookmarks import Bookmarks
from adapters.milestone.client import Client, NoAlarmsError
from adapters.milestone.decode import guid_of
from adapters.milestone.ladder import Ladder, Scene, joined
from adapters.milestone.matrix import Matrix
from adapters.milestone.ptz import Turner
from adapters.milestone.raising import KNOWN_S, Event
from adapters.milestone.record import NOTHING, Part, Record, Shown, read_record
from adapters.milestone.rules import Preset, Rules
from adapters.milestone.settings import Settings
from adapters.milestone.soap import Soap
from adapters.milestone.theirs import AlarmWatch
from adapters.milestone.view import SharedView
from adapters.milestone.wall import SmartWall
from hooks import (
    AdapterError,
    Camera,
    Health,
    IncidentId,
    Keep,
    Listener,
    Picture,
    Receipt,
)

#: Cameras named in the settings that a probe looks up; it must end within seconds.
PROBED = 20


class Desk:
    """Works on one site. Used by several threads at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.client = Client(settings.site)
        self.api = Api(self.client.gateway)
        self.sources = Sources(self.client, settings.devices, settings.slots, settings.fallback)
        self._sender = Sender(settings.analytics_url)
        self.event = Event(self.api, self._sender, settings.analytics, self.client.find_alarm)
        self.alarms = Alarms(self.client, self.sources.of, self._raised, settings.close_reason)
        self.theirs = AlarmWatch(self.client, self.alarms.heard)
        self.turner = Turner(self.api, settings.ranges)
        self._wall = SmartWall(self.api, settings.wall, text=settings.wall_text)
        self._soap = Soap(self.client.gateway)
        self.ladder = Ladder(
            [
                self.event,
                # Before the wall: of a monitor that both may change, the officer's picture stays.
                Preset(self.api, settings.preset_open, settings.preset_closed),
                self._wall,
                Matrix(self._soap, settings.matrix),
                SharedView(self.api, settings.view),
                Rules(self.api, settings.rule_open, settings.rule_closed, self._soap),
                Bookmarks(self.api, used=settings.bookmarks, lock_days=settings.lock_days),
            ]
        )

    def close(self) -> None:
        """Close the connections that are kept."""
        for each in (self.client, self._sender, self._soap):
            each.close()

    def probe(self) -> Health:
        """Ask for what an alarm needs; the rest of the ladder and of the law as findings."""
        settings = self._settings
        named = [settings.fallback, *settings.devices.values(), *settings.slots.values()]
        cameras = [guid for guid in dict.fromkeys(named) if guid]
        health = self.client.probe(cameras[:PROBED], bool(settings.fallback))
        worn = {**settings.slots, **settings.devices}
        return replace(
            health,
            findings=(*health.findings, *self.ladder.examine(), *examine_worn(self.api, worn)),
        )

    async def watch(self, listener: Listener) -> None:
        """Keep all warm until cancelled; raise when the site is lost."""
        await asyncio.to_thread(self._learn)
        warming = asyncio.create_task(self._warmed())
        try:
            await self.client.watch(listener)
        finally:
            warming.cancel()

    async def _warmed(self) -> None:
        while True:
            await asyncio.sleep(KNOWN_S)
            await asyncio.to_thread(self._learn)

    def _learn(self) -> None:
        """Learn what the site has while nothing presses: a press must not pay for it."""
        self.event.warm()
        self._wall.warm()

    def cameras(self) -> list[Camera]:
        """Give the town's cameras, and remember all.

        One that stands for a body-worn device is none of them, though it may have been given a
        place: nobody looks through it unless its wearer has pressed (CSI R241-11).
        """
        inventory, worn = self.client.cameras(), self.sources.worn()
        self.sources.learn(inventory)
        return [each for each in inventory if guid_of(each.id) not in worn]

    def recall(self, receipts: Mapping[IncidentId, Receipt]) -> None:
        """Know again what each incident holds, after a restart."""
        for incident, receipt in receipts.items():
            part = read_record(receipt).parts.get(self._wall.name, NOTHING)
            self._wall.recall(incident, part)

    def show(
        self, picture: Picture, receipt: Receipt | None, *, search: bool, keep: Keep | None = None
    ) -> Receipt:
        """Show the alarm, then climb the ladder; what is missing of it is said in the receipt.

        An alarm that fails keeps nothing else from being shown: it is raised afterwards, what the
        ladder did being kept. A release without alarms shows by the ladder alone.
        """

        def noted(parts: Mapping[str, Part]) -> None:
            if keep is not None:
                keep(Record(shown=shown, parts=parts).receipt())

        began, record = time.monotonic(), read_record(receipt)
        shown, fault = record.shown, None
        try:
            shown = self.alarms.show(picture, shown, search=search)
        except AdapterError as error:
            fault, began = error, time.monotonic()  # what it waited for it is not made to pay
        alone = isinstance(fault, NoAlarmsError)
        scene = replace(self._scene(picture), search=search, alone=alone)
        parts, missing = self.ladder.show(scene, record.parts, began, noted)
        if fault is not None and not (alone and any(parts.values())):
            if parts != record.parts:
                noted(parts)
            raise fault
        if isinstance(fault, NoAlarmsError):
            missing = joined([fault.said, *([missing] if missing else [])])
        return Record(shown=shown, parts=parts).receipt(missing)

    def withdraw(
        self, picture: Picture, receipt: Receipt | None, *, search: bool, keep: Keep | None = None
    ) -> Receipt | None:
        """Close the alarm, and take the ladder down whatever becomes of it.

        What is down is noted as it goes: after a restart it is not taken down a second time.
        """

        def noted(parts: Mapping[str, Part]) -> None:
            if keep is not None:
                keep(Record(shown=closed or record.shown, parts=parts).receipt())

        record, fault = read_record(receipt), None
        closed: Shown | None = None
        try:
            closed = self.alarms.close(picture, record.shown, search=search)
        except NoAlarmsError:
            pass
        except AdapterError as error:
            fault = error
        scene = replace(self._scene(picture), search=search)
        parts = self.ladder.withdraw(scene, record.parts, noted)
        if fault is not None:
            raise fault
        self.ladder.forget(picture.incident)
        self.alarms.forget(picture.incident)
        self.sources.forget(picture.incident)
        # Never the receipt as it was: it would have a monitor given back held again by `recall`.
        left = receipt is not None or closed is not None
        return Record(shown=closed, parts=parts).receipt() if left else None

    def _scene(self, picture: Picture) -> Scene:
        own, sources = self.sources.own(picture), self.sources.of(picture)
        source = sources[0] if sources else ""
        return Scene(picture, own, source, self.sources.worn(), self._settings.officer)

    def _raised(self, picture: Picture) -> str | None:
        return self.event.raised(self._scene(picture))
