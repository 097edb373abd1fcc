"""Matrix: cameras pushed one by one into views of ordinary Smart Clients, by SOAP.

The newest camera takes the first position of the view and pushes the others on, so they are sent
last first, a little apart. Nothing takes a camera away: the next incident, or the operator, does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapters.milestone.ladder import Scene, UnfinishedError
from adapters.milestone.record import NOTHING, Part
from adapters.milestone.soap import Soap
from hooks import AdapterError, Finding, IncidentId, Message, Refused

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

#: A view that receives two cameras at once shows one: the receiver's sample handles them in turn.
APART_S = 0.1
#: How often cameras are replaced: a view that changes at every step cannot be read. Those that only
#: join the others are sent at once.
LEAST_S = 5.0


def monitors_in(configuration: Element) -> dict[str, str]:
    """Read the Matrix recipients of a site: GUID → name."""
    found = {}
    for each in configuration.iterfind(".//{*}MatrixMonitorInfo"):
        guid = (each.findtext("{*}MatrixMonitorId") or "").strip().lower()
        if guid:
            found[guid] = (each.findtext("{*}DisplayName") or guid).strip()
    return found


class Matrix:
    """The recipients that the settings name."""

    name = "matrix"

    def __init__(self, soap: Soap, recipients: Sequence[str], *, pause: Any = time.sleep) -> None:
        self._soap = soap
        self._named, self._pause = tuple(recipients), pause
        self._known: dict[str, str] = {}
        self._last: dict[IncidentId, float] = {}

    @property
    def used(self) -> bool:
        """Whether the settings name a recipient."""
        return bool(self._named)

    wished = used

    def show(self, scene: Scene, part: Part) -> Part:
        """Send the cameras, when they are not those sent last."""
        cameras = scene.shown[::-1]  # so that his own ends in the first place
        if set(cameras) == set(part.get("cameras", ())) or not cameras:
            return part
        incident = scene.picture.incident
        if not set(part.get("cameras", ())) <= set(cameras) and self._just_sent(incident):
            return part  # with the next version: a view is to be read before it changes
        recipients = list(self._meant(self._recipients()).values())
        for camera in cameras:
            for recipient in recipients:
                try:
                    self._soap.activate(recipient, camera)
                except AdapterError as error:
                    raise UnfinishedError(NOTHING, error) from error
            self._pause(APART_S)
        self._last[incident] = time.monotonic()
        return {"cameras": cameras}

    def _just_sent(self, incident: IncidentId) -> bool:
        return time.monotonic() - self._last.get(incident, -LEAST_S) < LEAST_S

    def withdraw(self, scene: Scene, _part: Part) -> Part:
        """Leave the views as they are: Matrix has no way back."""
        self._last.pop(scene.picture.incident, None)
        return NOTHING

    def examine(self) -> Finding:
        """Say which recipients there are, and whether those named are among them."""
        if not self._named:
            return Finding(subject=self.name, well=True,
                           said=Message(text="not used: the settings name none"))  # fmt: skip
        self._known = {}
        meant = self._meant(self._recipients())
        said = Message(text="recipients {names}", params={"names": ", ".join(meant)})
        return Finding(subject=self.name, well=True, said=said)

    def _recipients(self) -> Mapping[str, str]:
        if not self._known:
            self._known = monitors_in(self._soap.configuration())
        return self._known

    def _meant(self, known: Mapping[str, str]) -> dict[str, str]:
        """Find the recipients that the settings name, by GUID or by name."""
        found = {}
        for name in self._named:
            said = name.casefold()
            guid = next((g for g, n in known.items() if said in (g, n.casefold())), "")
            if not guid:
                names = ", ".join(known.values()) or "-"
                raise Refused("there is no Matrix recipient {name} in XProtect; there are: {names}",
                              name=name, names=names)  # fmt: skip
            found[name] = guid
        return found
