"""What others do to our alarms in the Smart Client: read every few seconds while any is open.

The Events and State WebSocket tells of devices; nothing public says that it tells of alarms, so
they are asked for. What we write ourselves is noted before it is sent, and held against what is
read: a change of our own never comes back as somebody else's, whichever of the two was faster.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.milestone import alarm as alarms
from adapters.milestone.elsewhere import CLOSED, TAKEN, changes, incident_in, level_of
from adapters.milestone.record import Shown
from hooks import Envelope, Fact, Listener, Malformed

if TYPE_CHECKING:
    from adapters.milestone.client import Client

Row = dict[str, Any]

#: The channel of our envelopes that hold such an alarm.
CHANNEL = "alarms"
POLL_S = 3.0
#: An alarm not found so many times in a row is gone.
MOST_MISSES = 20
#: After a restart, alarms of ours are looked for that far back.
BACK = timedelta(days=2)
#: Where an entry of an alarm's history may name who made it: no answer of a real site was read.
_AUTHORS = ("userName", "user", "changedBy", "modifiedBy", "author", "displayName")


@dataclass(slots=True)
class Ours:
    """The alarms we made or changed and have not closed: level last written, 0 for unknown."""

    levels: dict[str, int] = field(default_factory=dict)

    def wrote(self, alarm: str, level: int) -> None:
        """Note what is about to be written: an alarm goes forward only."""
        self.levels[alarm] = max(level, self.levels.get(alarm, 0))

    def found(self, alarm: str) -> None:
        """Note an alarm of ours, of which we do not know what we wrote."""
        self.levels.setdefault(alarm, 0)

    def forget(self, alarm: str) -> None:
        """Leave an alarm alone: it is closed, or gone."""
        self.levels.pop(alarm, None)


class AlarmWatch:
    """Reads our open alarms; `run` is a feed's.

    Parameters
    ----------
    heard
        Is told what an alarm says now, with the site's states, before the host is.
    """

    def __init__(
        self, client: Client, heard: Callable[[Mapping[str, Any], list[Row]], None]
    ) -> None:
        self._client, self._heard = client, heard
        self._looked_back = False
        self._misses: dict[str, int] = {}

    async def run(self, listener: Listener) -> None:
        """Tell what others did, until cancelled; raise when the site is lost."""
        while True:
            if not self._looked_back:
                self._looked_back = await asyncio.to_thread(self._look_back)
            for alarm in list(self._client.ours.levels):
                body = await asyncio.to_thread(self._changed, alarm)
                listener.up()  # a slow site with many alarms takes longer than a feed may be silent
                if body is not None:
                    await self._tell(body, listener)
            listener.up()
            await asyncio.sleep(POLL_S)

    def _look_back(self) -> bool:
        """Find our alarms of before a restart; False where the release has none to be read."""
        from adapters.milestone.client import NoAlarmsError  # noqa: PLC0415  (brings in requests)

        try:
            for row in self._client.alarms_since(datetime.now(UTC) - BACK):
                if incident_in(row) is not None:
                    self._client.ours.found(str(row["id"]))
        except NoAlarmsError:
            return False
        return True

    def _changed(self, alarm: str) -> Row | None:
        """Read an alarm; give what is to be told when somebody else took it further than we did."""
        ours = self._client.ours
        row = self._client.alarm(alarm)
        if row is None:
            self._missed(alarm)
            return None
        self._misses.pop(alarm, None)
        states = self._client.states()
        level = level_of(row, states) or 0
        # What was written while it was being read counts too.
        written = ours.levels.get(alarm)
        if written is None or level <= written or level < TAKEN:
            return None
        by = author(self._client.history(alarm), states, level)
        if self._client.is_us(by):
            self._settled(alarm, level)
            return None
        self._heard(row, states)
        return {"alarm": {**row, "changedBy": by}, "states": states, "written": written}

    def _missed(self, alarm: str) -> None:
        """Wait for an alarm accepted a moment ago (202); one that stays away was deleted."""
        self._misses[alarm] = self._misses.get(alarm, 0) + 1
        if self._misses[alarm] >= MOST_MISSES:
            del self._misses[alarm]
            self._client.ours.forget(alarm)

    async def _tell(self, body: Row, listener: Listener) -> None:
        """Tell the host; from then on this is what the alarm is known to say."""
        await listener(
            Envelope(
                adapter="milestone", body=json.dumps(body).encode(), channel=CHANNEL,
                received_at=datetime.now(UTC), sender=self._client.host,
            )
        )  # fmt: skip
        self._settled(str(body["alarm"]["id"]), level_of(body["alarm"], body["states"]) or 0)

    def _settled(self, alarm: str, level: int) -> None:
        if level >= CLOSED:
            self._client.ours.forget(alarm)
        else:
            self._client.ours.wrote(alarm, level)


def author(history: Iterable[Mapping[str, Any]], states: Iterable[Row], level: int) -> str:
    """Say who brought an alarm to this level: the last entry that did; empty: it is not said."""
    states, best, at = list(states), "", datetime.min.replace(tzinfo=UTC)
    for entry in history:
        if level_of(entry, states) != level:
            continue
        time = alarms.time_of(entry) or at
        named = (entry.get(each) for each in _AUTHORS)
        said = next((each for each in named if isinstance(each, str) and each.strip()), "")
        if time >= at:
            best, at = said.strip(), time
    return best


def facts(envelope: Envelope) -> Iterator[Fact]:
    """Tell what somebody did to an alarm of ours. Pure.

    Raises
    ------
    Malformed
        It is not what `AlarmWatch` writes.
    """
    try:
        body = json.loads(envelope.body)
        row, states, written = body["alarm"], body["states"], int(body["written"])
        known = {level: name for name, (level, _) in alarms.LEVELS.items() if name in _STATES}
        before = known.get(written, "in_progress" if written >= TAKEN else "new")
        shown = Shown(alarm=str(row["id"]), state=before)
        yield from changes(row, shown, states, envelope.received_at)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        start = envelope.body[:80]
        raise Malformed("message", start, "write a JSON object") from error


_STATES = ("new", "in_progress", "closed")
