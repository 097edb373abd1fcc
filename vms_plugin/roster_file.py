"""The roster in force: its file read, watched, read again when it changes.

One that cannot be read any more takes nothing away: what was read before stays, and that is said.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from hooks import CrewId, DeviceId, Message
from hooks.causes import cause
from vms_plugin.roster import Line, Roster, Wearer, read_roster
from vms_plugin.roster_table import LONGEST_BYTES, UnreadableRosterError
from vms_plugin.settings import Settings

log = structlog.get_logger(__name__)


class RosterFile:
    """The roster that the settings name. `refresh` is called by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.roster
        self._zone = settings.timezone
        self._fixed = settings.wearers
        self._stamp: object = None
        self._roster = Roster()
        self._notes: tuple[Message, ...] = ()

    def refresh(self) -> bool:
        """Read the file again if it has changed; say whether it had."""
        if self._path is None:
            return False
        try:
            stat = self._path.stat()
            stamp: object = (stat.st_mtime_ns, stat.st_size)
            if stamp == self._stamp:
                return False
            with self._path.open("rb") as table:
                body = table.read(LONGEST_BYTES + 1)  # more of it is refused
            self._roster = read_roster(body, self._zone)
            notes = self._roster.faults
        except (OSError, UnreadableRosterError) as error:
            stamp = str(error)
            if stamp == self._stamp:
                return False
            notes = self._unusable(error)
        self._stamp = stamp
        self._notes = tuple(
            Message(text="{file}: {why}", params={"file": self._path.name, "why": note})
            for note in notes
        )
        return True

    def _unusable(self, error: OSError | UnreadableRosterError) -> tuple[Message, ...]:
        log.warning("roster unusable", file=str(self._path), cause=str(error)[:200])
        why = (
            error.why if isinstance(error, UnreadableRosterError)
            else Message(text="cannot be read: {cause}", params={"cause": cause(error)})
        )  # fmt: skip
        stays = Message(text="what was read before stays in force")
        return (why, stays) if self._roster.lines else (why,)

    def notes(self) -> list[Message]:
        """List what is wrong with it, for people."""
        return list(self._notes)

    def lines(self) -> tuple[Line, ...]:
        """List its rows."""
        return self._roster.lines

    def wearer(self, device: DeviceId, at: datetime) -> Wearer | None:
        """Say who wears a device: the table, else the settings, which know no dates."""
        return self._roster.wearer(device, at) or self._fixed.get(device)

    def on_duty(self, crew: CrewId, at: datetime) -> bool | None:
        """Say whether a crew is on duty; None: nobody says."""
        return self._roster.on_duty(crew, at)

    def on_duty_since(self, crew: CrewId, at: datetime) -> datetime | None:
        """Say when the hours of duty that hold then began; None: off duty, or nobody says."""
        return self._roster.on_duty_since(crew, at)
