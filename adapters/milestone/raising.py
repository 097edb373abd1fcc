"""The analytics event as a rung, and as what makes the alarm where the site wants it so.

Never two alarms for one incident. Where the site has an enabled alarm definition on our event, the
event makes the alarm (with related cameras and the jump to the Smart Map), and we adopt it by our
mark; everywhere else the alarm is ours to create, and the event relates cameras and starts rules.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from requests import RequestException

from adapters.milestone import alarm, analytics, releases
from adapters.milestone.analytics import Sender
from adapters.milestone.api import Api
from adapters.milestone.gateway import never_sent
from adapters.milestone.ladder import Scene
from adapters.milestone.record import NOTHING, Part
from hooks import AdapterError, Finding, IncidentId, Message, Refused, Unreachable

log = logging.getLogger(__name__)

#: How long an alarm that the event is to make is waited for, before we make it ourselves.
ADOPT_S, LOOK_S = 1.5, 0.1
#: Definitions are read again after that long, and while we watch the site rather than at a press.
KNOWN_S = 300.0

Find = Callable[[str, datetime], str | None]


def defined_by(definitions: list[Mapping[str, Any]], names: set[str]) -> list[str]:
    """Name the enabled alarm definitions that make an alarm of an event known by these names."""
    return [
        str(each.get("name", "?"))
        for each in definitions
        if str(each.get("enabled", True)).lower() != "false"
        and any(
            str(each.get(field, "")).casefold() in names for field in ("eventType", "eventtype")
        )
    ]


class Event:
    """Our analytics event on one site."""

    name = "event"
    wished = False

    def __init__(self, api: Api, sender: Sender, event: str, find: Find) -> None:
        self._api, self._sender, self._event, self._find = api, sender, event, find
        self._sent: set[IncidentId] = set()
        self._definitions: list[str] = []
        self._learned = False
        self._type = ""

    @property
    def used(self) -> bool:
        """Whether the settings want it."""
        return bool(self._event)

    def learn(self) -> None:
        """Read whether the event is defined, and whether the site makes alarms of it."""
        known = self._api.rows("analyticsEvents")
        same = [each for each in known if str(each.get("name")) == self._event]
        self._type = str(same[0]["id"]) if same else ""
        names = {self._event.casefold(), *(str(each["id"]).casefold() for each in same)}
        self._definitions = defined_by(list(self._api.rows("alarmDefinitions")), names)
        self._learned = True

    def warm(self) -> None:
        """Learn while nothing presses; what the role may not read is not there."""
        if self.used:
            try:
                self.learn()
            except AdapterError as error:
                log.debug("alarm definitions are not read: %s", error)

    def raised(self, scene: Scene) -> str | None:
        """Have the site make the alarm of our event; None where the alarm is ours to create."""
        picture = scene.picture
        if not self._definitions or not scene.source:
            return None
        try:
            self._send(scene, once=True)
        except Unreachable as error:
            log.warning("whether the event that makes the alarm went out is not known: %s", error)
        except AdapterError as error:
            log.warning("the event that makes the alarm did not go out: %s", error)
            return None
        until = time.monotonic() + ADOPT_S
        while time.monotonic() < until:
            found = self._find(alarm.reference(picture), picture.opened_at)
            if found:
                return found
            time.sleep(LOOK_S)
        log.warning("no alarm came of our event within %g s: it is made by us", ADOPT_S)
        return None

    def show(self, scene: Scene, part: Part) -> Part:
        """Send the event, once; the related cameras are those chosen at that moment.

        Not where it makes alarms: the incident has its alarm by now, and a second one would be a
        second officer in danger. So that must be known first.
        """
        if part.get("sent"):
            return part
        if not self._learned:
            self.learn()
        ours = scene.alone or not self._definitions
        if scene.picture.incident not in self._sent and ours:
            self._send(scene)
        self._sent.discard(scene.picture.incident)
        return {"sent": True}

    def withdraw(self, scene: Scene, _part: Part) -> Part:
        """Leave the event: it is a record."""
        self._sent.discard(scene.picture.incident)
        return NOTHING

    def examine(self) -> Finding:
        """Say by which door the event goes, and what makes the alarm."""
        if not self.used:
            return Finding(subject=self.name, well=True, said=Message(text="switched off"))
        self.learn()
        version = self._api.gateway.found().version
        if releases.offers(version, releases.ALARMS) is False and not self._definitions:
            return Finding(subject=self.name, well=False, said=Message(
                text="no alarm is made at all: XProtect {release} takes none from programs, so "
                "define the analytics event {name} and an alarm definition on it, in Management "
                "Client",
                params={"release": releases.release_of(version), "name": self._event},
            ))  # fmt: skip
        if not self._type:
            raise Refused(
                "no analytics event {name} is defined in Management Client, under Rules and Events",
                name=self._event,
            )
        if len(self._definitions) > 1:
            names = ", ".join(self._definitions)
            raise Refused("several alarm definitions are on our event: keep one of {names}",
                          names=names)  # fmt: skip
        door = f"port {self._sender.host}" if self._sender.answers() else "Events REST"
        if self._definitions:
            said = Message(
                text="by {door}; the alarm definition {name} makes the alarm",
                params={"door": door, "name": self._definitions[0]},
            )
        else:
            said = Message(text="by {door}; the alarm is made by us", params={"door": door})
        return Finding(subject=self.name, well=True, said=said)

    def _send(self, scene: Scene, *, once: bool = False) -> None:
        """Send it by the analytics port, else by the Events REST.

        `once`: not by the second where the first may have taken it, for it makes an alarm.
        """
        picture, source = scene.picture, scene.source
        if not source:
            raise Refused("no camera stands for the event: set fallback_camera")
        cameras = [guid for guid in scene.town if guid != source]
        try:
            self._sender.send(analytics.build(picture, self._event, source, cameras))
        except Unreachable as error:
            lost = error.__cause__
            if once and isinstance(lost, RequestException) and not never_sent(lost):
                raise
            if not self._type:
                raise Refused(
                    "the analytics port {host} is shut: open it under Tools, Options, Analytics "
                    "Events", host=self._sender.host,
                ) from None  # fmt: skip
            body = analytics.as_event(picture, self._type, source, cameras)
            self._api.ask("POST", "events", body)
        self._sent.add(picture.incident)
