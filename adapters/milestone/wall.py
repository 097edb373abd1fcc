"""Smart Wall: the officer and the cameras that see him on a monitor, and the wall as it was after.

Deciding is pure; `SmartWall` asks the site. A monitor is taken only if the settings name it, for
one incident at a time. Whoever changes it meanwhile keeps it.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from adapters.milestone.api import Api, Items, Value
from adapters.milestone.ladder import Scene, UnfinishedError
from adapters.milestone.monitors import Monitors
from adapters.milestone.record import NOTHING, Part
from hooks import AdapterError, Finding, IncidentId, Message, Refused, Unreachable

log = logging.getLogger(__name__)

#: What a monitor was showing is kept in the receipt; a state larger than that is not restored.
LARGEST_STATE = 64 * 1024
#: Ends the text on the wall: it tells a monitor that shows an incident of ours which no receipt
#: remembers, and which is not to be taken for what the operators had there.
SIGNATURE = " — Renfort"


# --- deciding ---


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a monitor is to show: cameras by GUID, place by place, and a text in the place after."""

    cameras: tuple[str, ...]
    text: str = ""


def wanted(scene: Scene, before: Sequence[str], *, text: bool) -> Wanted:
    """Say what the monitor is to show: his own camera first, then up to four that see him."""
    said = scene.picture.title + SIGNATURE
    return Wanted(arrange(before, scene.shown), said if text else "")


def arrange(before: Sequence[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """Keep each camera where it is; a newcomer takes the place of one that leaves.

    The picture's own order already holds the tiles still; a wall whose pictures change places with
    every step of the officer could not be read.
    """
    kept = [camera if camera in chosen else "" for camera in before]
    coming = [camera for camera in chosen if camera not in kept]
    placed = [camera or (coming.pop(0) if coming else "") for camera in kept]
    return tuple(camera for camera in (*placed, *coming) if camera)


def digest(state: str) -> str:
    """Sum up what a monitor shows, to know it again."""
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def is_ours(state: str) -> bool:
    """Whether a monitor shows an incident of ours; XML may write the dash by its number, twice."""
    return SIGNATURE in unescape(unescape(state))


# --- doing ---


class SmartWall:
    """The monitors that the settings name, each for one incident at a time."""

    name = "wall"

    def __init__(self, api: Api, monitors: Sequence[str], *, text: bool = True) -> None:
        self._site, self._text = Monitors(api, monitors), text
        self._held: dict[str, IncidentId] = {}
        self._taking = threading.Lock()

    @property
    def used(self) -> bool:
        """Whether the settings name a monitor, without which none is taken."""
        return bool(self._site.named)

    wished = used

    def warm(self) -> None:
        """Learn the monitors, their tasks and the layouts while nothing presses."""
        if not self.used:
            return
        try:
            for monitor in self._site.meant().values():
                self._site.offered(monitor)
            self._site.layout(1)
        except AdapterError as error:
            log.debug("the wall is not known yet: %s", error)

    def recall(self, incident: IncidentId, part: Part) -> None:
        """Hold again the monitor that the incident had before a restart."""
        monitor = str(part.get("monitor", ""))
        if monitor and not part.get("left"):
            with self._taking:
                self._held.setdefault(monitor, incident)

    def show(self, scene: Scene, part: Part) -> Part:
        """Make a monitor show the incident; only what differs is asked."""
        if part.get("left"):
            return part
        try:
            return self._shown(scene, part)
        except Refused:
            self._site.forget()  # something is otherwise than it was learned
            raise
        except UnfinishedError as unfinished:
            if isinstance(unfinished.error, Refused):
                self._site.forget()
            raise

    def withdraw(self, scene: Scene, part: Part) -> Part:
        """Give the monitor back as it was, unless somebody has put something else there."""
        monitor = str(part.get("monitor", ""))
        if monitor and not part.get("left"):
            try:
                self._restore(monitor, part)
            except Refused:
                self._free_all(scene.picture.incident)
                raise
        self._free_all(scene.picture.incident)
        return NOTHING

    def examine(self) -> Finding:
        """Say whether the monitors named are there, and may be changed."""
        self._site.forget()
        if not self._site.named:
            return self._unnamed()
        for monitor in self._site.meant().values():
            self._site.offered(monitor)
        names = ", ".join(self._site.named)
        said = Message(text="Smart Wall, monitors {names}", params={"names": names})
        return Finding(subject=self.name, well=True, said=said)

    def _unnamed(self) -> Finding:
        monitors = self._site.listed()
        said = Message(text="no Smart Wall here, or none for this account")
        if monitors:
            names = ", ".join(f"{each['wall']}/{each.get('name')}" for each in monitors)
            said = Message(
                text="not used: name in wall which of its monitors may be taken, among {names}",
                params={"names": names},
            )
        return Finding(subject=self.name, well=True, said=said)

    # --- one incident, one monitor ---

    def _shown(self, scene: Scene, part: Part) -> Part:
        incident = scene.picture.incident
        want = wanted(scene, part.get("cameras", ()), text=self._text)
        if not (want.cameras or want.text):
            return part  # and holds no monitor that another incident needs
        monitor, state = self._take(incident, str(part.get("monitor", "")))
        if tuple(part.get("cameras", ())) == want.cameras and part.get("text") == want.text:
            return part
        state = state or self._site.state(monitor)
        if part.get("after") and digest(state) != part["after"]:
            log.info("the monitor %s was changed by somebody: it is left to him", monitor)
            self._release(monitor, incident)
            return {"monitor": monitor, "left": True}
        before = part.get("before", state if len(state) <= LARGEST_STATE else "")
        places = max(len(want.cameras) + bool(want.text), int(part.get("places", 0)))
        # Remembered even when what follows fails half-way, or never ends: the wall is restored at
        # the end. No `after` in it: from here on what the monitor shows is ours in part.
        draft = {"monitor": monitor, "before": before, "places": places}
        scene.keep(draft)
        try:
            self._apply(monitor, want, part, places)
            after = digest(self._site.state(monitor)) if state else ""
        except (Refused, Unreachable) as error:
            raise UnfinishedError(draft, error) from error
        return {**draft, "after": after, "cameras": list(want.cameras), "text": want.text}

    def _take(self, incident: IncidentId, own: str) -> tuple[str, str]:
        """Hold a free monitor, the one it had already if there is one; gives what a new one shows.

        One that shows an incident of ours is not free, though nothing remembers that it was taken.
        """
        tried = set[str]()
        meant = [own] if own else list(self._site.meant().values())
        while True:
            with self._taking:
                held = next((each for each, by in self._held.items() if by == incident), own)
                free = (each for each in meant if each not in self._held and each not in tried)
                monitor = held or next(free, "")
                if not monitor:
                    raise Refused("every monitor of the wall already shows another incident")
                self._held[monitor] = incident
            if held:
                return monitor, ""
            state = self._free(monitor, incident)
            if state is not None:
                return monitor, state
            tried.add(monitor)

    def _free(self, monitor: str, incident: IncidentId) -> str | None:
        """Read what a monitor just taken shows; None when it is another incident of ours."""
        try:
            state = self._site.state(monitor)
        except AdapterError:
            self._release(monitor, incident)
            raise
        if not is_ours(state):
            return state
        self._release(monitor, incident)
        return None

    def _release(self, monitor: str, incident: IncidentId) -> None:
        with self._taking:
            if self._held.get(monitor) == incident:
                del self._held[monitor]

    def _free_all(self, incident: IncidentId) -> None:
        """Let go of what an incident holds, though it never came to be shown there."""
        with self._taking:
            for monitor in [each for each, by in self._held.items() if by == incident]:
                del self._held[monitor]

    def _apply(self, monitor: str, want: Wanted, part: Part, places: int) -> None:
        """Show cameras and text; a layout only grows, so that it does not flicker."""
        cameras, before = Items("cameras", want.cameras), part.get("cameras", ())
        layout: dict[str, Value] = {"layout": Items("layouts", (self._site.layout(places),))}
        if want.cameras and len(before) != len(want.cameras):
            self._site.run(monitor, ("camera", "layout"), {"camera": cameras, **layout})
        elif tuple(before) != want.cameras:
            values: dict[str, Value] = {"camera": cameras, "position": 1}
            self._site.run(monitor, ("applycameras",), values, but=("layout",))
        told = part.get("text") == want.text and len(before) == len(want.cameras)
        if want.text and not told:
            place: dict[str, Value] = {"text": want.text, "position": len(want.cameras) + 1}
            self._site.run(monitor, ("text",), {**place, **layout})

    def _restore(self, monitor: str, part: Part) -> None:
        state, before = self._site.state(monitor), str(part.get("before", ""))
        if part.get("after") and digest(state) != part["after"]:
            log.info("the monitor %s shows something else by now: it is left so", monitor)
        elif before:
            self._site.run(monitor, ("monitorstate",), {"state": before})
        else:
            ours = Items("cameras", tuple(part.get("cameras", ())))
            self._site.run(monitor, ("remove", "camera"), {"camera": ours})
