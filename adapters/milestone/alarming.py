"""One alarm for each incident, never doubled: made, found again, changed, closed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from adapters._shared.news import far, matters
from adapters.milestone import alarm
from adapters.milestone.elsewhere import CLOSED, incident_in, level_of
from adapters.milestone.record import Shown
from hooks import AdapterError, Camera, IncidentId, Picture, Position, Refused, Unreachable

if TYPE_CHECKING:
    from adapters.milestone.client import Client

log = logging.getLogger(__name__)


ASSIGNED = "assignedTo.displayName"
#: What an operator of the VMS may have changed meanwhile, and is not to be written over.
_HANDLING = {"state", ASSIGNED}
#: Between two questions whether a camera stands for the officer, where the site did not say.
AGAIN_S = 30.0


class Alarms:
    """Our alarms on one site. Never called twice at once for one incident.

    Parameters
    ----------
    raised
        Has the site raise the alarm by itself (an alarm definition on our event), and gives its
        id; None where the alarm is ours to create.
    """

    def __init__(
        self,
        site: Client,
        sources: Callable[[Picture], Sequence[str]],
        raised: Callable[[Picture], str | None],
        close_reason: str = "",
    ) -> None:
        self._site, self._sources, self._raised = site, sources, raised
        self._close_reason = close_reason
        #: Whether the site lets an alarm be assigned to somebody who is no user of its own.
        self._assigns = True
        #: Alarms made by this process, and not yet in a receipt: never made twice.
        self._made: dict[IncidentId, Shown] = {}
        #: The place last told in each alarm; kept in memory alone, for whereabouts are not ours.
        self._told_at: dict[IncidentId, Position | None] = {}
        #: Alarms closed of incidents not withdrawn whole: the rest is tried again without them.
        self._closed: dict[IncidentId, Shown] = {}
        #: What operators of the VMS have made of our alarms: not to be written over.
        self._heard: dict[IncidentId, int] = {}

    def show(self, picture: Picture, shown: Shown | None, *, search: bool) -> Shown:
        """Make one alarm say what the picture says; `search`: one may exist that we forgot."""
        known = self._known(picture, shown, search=search) or self._create(picture)
        if not self._tell(picture, known):
            known = self._replace(picture, known)
            if not self._tell(picture, known):
                raise _not_yet(known)
        self._made.pop(picture.incident, None)
        return alarm.wanted(picture, known)

    def close(self, picture: Picture, shown: Shown | None, *, search: bool) -> Shown | None:
        """Close the alarm with its reason, unless an operator has; the record stays."""
        known = self._closed.get(picture.incident) or self._known(picture, shown, search=search)
        after = None if known is None else Shown(alarm=known.alarm, state="closed")
        if known and known.state != "closed" and self._level(picture, known) < CLOSED:
            closing = {"state": self._state("closed"), "comment": alarm.comment(picture)}
            reason = self._site.close_reason(picture.outcome, self._close_reason)
            self._site.close_alarm(known.alarm, closing, reason)
        if after is not None:
            self._closed[picture.incident] = after
        return after

    def forget(self, incident: IncidentId) -> None:
        """Forget an incident that is withdrawn whole."""
        memories: tuple[dict[IncidentId, Any], ...]
        memories = (self._made, self._told_at, self._heard, self._closed)
        for memory in memories:
            memory.pop(incident, None)

    def heard(self, row: Mapping[str, Any], states: Sequence[Mapping[str, Any]]) -> None:
        """Remember what the site says of an alarm of ours, so as not to write over it."""
        incident, level = incident_in(row), level_of(row, states)
        if incident is not None and level is not None:
            self._heard[incident] = level

    # --- one alarm and no other ---

    def _known(self, picture: Picture, shown: Shown | None, *, search: bool) -> Shown | None:
        """Find the incident's alarm: in memory, in the receipt, or in XProtect by our mark."""
        known = self._made.get(picture.incident) or shown
        return self._find(picture) if known is None and search else known

    def _find(self, picture: Picture) -> Shown | None:
        found = self._site.find_alarm(alarm.reference(picture), picture.opened_at)
        return Shown(alarm=found) if found else None

    def _create(self, picture: Picture) -> Shown:
        """Have the alarm raised, or create it on the first camera that XProtect takes."""
        raised = self._raised(picture)
        if raised:
            shown = Shown(alarm=raised)
        else:
            body = {"name": alarm.name(picture), "message": alarm.message(picture)}
            made = self._site.create_alarm(body, self._sources(picture))
            shown = Shown(alarm=made, told=matters(picture))
        self._made[picture.incident] = shown
        return shown

    def _replace(self, picture: Picture, lost: Shown) -> Shown:
        """Answer for an alarm that XProtect says it has not.

        Deleted by somebody while a man is in danger: the alert must be seen again. Not so when it
        was created a moment ago (XProtect answers 202: accepted) or is there after all: a second
        alarm would be a second officer in danger.
        """
        if picture.incident in self._made:
            raise _not_yet(lost)
        found = self._find(picture)
        if found and found.alarm == lost.alarm:
            raise Refused(
                "XProtect lists the alarm {alarm} and does not let it be changed", alarm=lost.alarm
            )
        return found or self._create(picture)

    # --- what is to be changed ---

    def _tell(self, picture: Picture, shown: Shown) -> bool:
        """Change what an operator would see changed, and nothing else; False: no such alarm."""
        change = self._change(picture, shown)
        if change.keys() & _HANDLING and picture.incident not in self._made:
            self._level(picture, shown)
            change = self._change(picture, shown)
        if change and not self._changed(shown.alarm, change):
            return False
        if "comment" in change:
            self._told_at[picture.incident] = picture.position
        return True

    def _level(self, picture: Picture, shown: Shown) -> int:
        """Say how far the alarm is: what operators did while we were cut off, nobody told us."""
        row = self._site.alarm(shown.alarm)
        level = level_of(row, self._site.states()) if row else None
        if level is not None:
            self._heard[picture.incident] = level
        return self._heard.get(picture.incident, 0)

    def _changed(self, identifier: str, change: dict[str, Any]) -> bool:
        """Change it; a site that assigns to none but its own users is told by the comment alone."""
        from adapters.milestone.gateway import DeclinedError  # noqa: PLC0415  (brings in requests)

        if not self._assigns:
            change.pop(ASSIGNED, None)
        try:
            return not change or self._site.change_alarm(identifier, change)
        except DeclinedError as error:
            if ASSIGNED not in change or error.status != 400:
                raise
            log.info("alarms are not assigned: %s", error)
        rest = {name: value for name, value in change.items() if name != ASSIGNED}
        done = not rest or self._site.change_alarm(identifier, rest)
        self._assigns = False  # the rest was taken: it was the name
        return done

    def _change(self, picture: Picture, shown: Shown) -> dict[str, Any]:
        """Say what differs, in the maker's words."""
        after, change = alarm.wanted(picture, shown), dict[str, Any]()
        further = self._heard.get(picture.incident, 0) >= alarm.LEVELS[after.state][0]
        if shown.state != after.state and not further:
            change["state"] = self._state(after.state)
        if shown.assigned != after.assigned and not further:
            change[ASSIGNED] = after.assigned
        if shown.priority != after.priority:
            priority = self._priority(after.priority)
            if priority is not None:
                change["priority"] = priority
        told_at = self._told_at.setdefault(picture.incident, picture.position)
        if shown.told != after.told or far(told_at, picture.position, alarm.MOVED_M):
            change["comment"] = alarm.comment(picture)
        return change

    def _priority(self, name: str) -> str | int | None:
        """Give a priority's id; None leaves the site's default: the alarm is what counts."""
        try:
            found = self._site.level("alarmPriorities", name)
        except Refused as error:  # not for this role
            log.warning("alarm priorities are not read: %s", error)
            return None
        if found is None:
            log.warning("XProtect has no alarm priority %s", alarm.LEVELS[name])
        return found

    def _state(self, name: str) -> str | int:
        found = self._site.level("alarmStates", name)
        if found is None:
            level, usual = alarm.LEVELS[name]
            raise Refused(
                "XProtect has no alarm state of level {level} ({name}): add it in Alarm Data "
                "Settings", level=level, name=usual,
            )  # fmt: skip
        return found


def _not_yet(shown: Shown) -> Unreachable:
    return Unreachable(
        "XProtect does not find the alarm {alarm} that it accepted", alarm=shown.alarm
    )


class Sources:
    """Which camera stands for an incident: an alarm has video and a place by its source alone."""

    def __init__(
        self, site: Client, devices: Mapping[str, str], slots: Mapping[str, str], fallback: str
    ) -> None:
        self._site, self._devices, self._slots, self._fallback = site, devices, slots, fallback
        self._inventory: tuple[Camera, ...] = ()
        #: His own camera, by incident: looked for once, and again with each inventory.
        self._own: dict[IncidentId, str] = {}
        #: Until then it is not looked for: the site did not say.
        self._again_at = 0.0

    def learn(self, inventory: Sequence[Camera]) -> None:
        """Remember the inventory: a camera's name may bear a device's serial number."""
        self._inventory = tuple(inventory)
        self._own.clear()

    def forget(self, incident: IncidentId) -> None:
        """Forget an incident that is over."""
        self._own.pop(incident, None)

    def own(self, picture: Picture) -> str:
        """Give the camera that shows what the officer films; empty: none stands for him."""
        found = self._own.get(picture.incident)
        if found is None:
            found = self._found(picture)
            if found or monotonic() >= self._again_at:
                self._own[picture.incident] = found
        return found

    def _found(self, picture: Picture) -> str:
        slot = self._slots.get(picture.officer.call_sign) or self._slots.get(picture.officer.name)
        found = self._devices.get(picture.device) or slot
        return found or alarm.named_after(picture, self._candidates(picture))

    def of(self, picture: Picture) -> list[str]:
        """List the cameras that can stand for the incident, best first, by GUID."""
        return alarm.sources(picture, self.own(picture), self._fallback)

    def worn(self) -> frozenset[str]:
        """List the cameras known to stand for body-worn devices: nothing of them is ever kept."""
        return frozenset({*self._devices.values(), *self._slots.values()})

    def _candidates(self, picture: Picture) -> Sequence[Camera]:
        """Give the cameras among which his own may be, even before a large inventory was read."""
        serial = alarm.serial(picture)
        if self._inventory or not serial:
            return self._inventory
        if monotonic() < self._again_at:
            return ()
        try:
            return self._site.cameras_named(serial)
        except AdapterError as error:
            self._again_at = monotonic() + AGAIN_S
            # The alarm does not wait for a camera that may not be there: another stands for him.
            log.warning("whether a camera stands for the officer is not known: %s", error)
            return ()
