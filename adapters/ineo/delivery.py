"""Tell every endpoint of an incident what it does not know yet, and never twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from adapters._shared.news import far, matters
from adapters.ineo.client import NotTaken
from adapters.ineo.message import (
    MOVED_M,
    Act,
    Saying,
    Told,
    after,
    due,
    read_receipt,
    receipt,
    unsure,
)
from adapters.ineo.profile import Endpoint
from hooks import AdapterError, IncidentId, Picture, Position, Receipt, Refused

log = logging.getLogger(__name__)

Key = tuple[IncidentId, str]
#: An incident is one opening, perhaps one more word on it, one end: no more is due at once.
MOST_AT_ONCE = 3


@dataclass(slots=True)
class Memory:
    """What this process knows of one endpoint and one incident, and no receipt says yet."""

    told: Told | None = None
    perhaps: str | None = None  #: what an opening that may have arrived said; None: none did
    pending: Saying | None = None  #: an update or end that may have arrived
    place: Position | None = None  #: last told; in memory alone, for whereabouts are not ours
    missed: bool = False  #: its opening could not be told, at least once


@dataclass(slots=True)
class Deliveries:
    """Drives the endpoints. `send` sends one message to one endpoint, and raises when it cannot."""

    endpoints: tuple[Endpoint, ...]
    send: Callable[[Endpoint, Saying], object]
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _memory: dict[Key, Memory] = field(default_factory=dict)

    def tell(self, picture: Picture, written: Receipt | None, repeated: bool) -> Receipt:
        """Tell all that is due, each endpoint beside the others: a dead one delays nobody.

        Raises
        ------
        Unreachable, Refused
            Of the endpoints that could not be told; what the others were told is remembered.
        """
        known = read_receipt(written)
        told: dict[str, Told] = {}
        errors: dict[str, AdapterError] = {}

        # Asked before, and neither answer nor memory kept: they may know anything.
        unsure_of = repeated and written is None

        def one(endpoint: Endpoint) -> None:
            memory = self._recall(picture, endpoint, known.get(endpoint.name), unsure_of)
            try:
                self._tell(endpoint, picture, memory)
            except AdapterError as error:
                errors[endpoint.name] = error
            if memory.told is not None:
                told[endpoint.name] = memory.told

        if len(self.endpoints) == 1:
            one(self.endpoints[0])
        else:
            with ThreadPoolExecutor(max(1, len(self.endpoints))) as pool:
                list(pool.map(one, self.endpoints))
        if errors:
            # What may pass is tried again soon; a person is needed only where nothing may. Of those
            # the profile's first, so that a long outage is one line, and not another at each try.
            failed = [errors[each.name] for each in self.endpoints if each.name in errors]
            raise min(failed, key=lambda error: isinstance(error, Refused))
        if picture.phase == "closed":
            self._forget(picture.incident)
        return receipt({**known, **told})

    def _recall(
        self, picture: Picture, endpoint: Endpoint, told: Told | None, unsure_of: bool
    ) -> Memory:
        key = (picture.incident, endpoint.name)
        memory = self._memory.get(key)
        if memory is None:
            perhaps = "" if unsure_of else None
            memory = self._memory[key] = Memory(told=told, perhaps=perhaps, place=picture.position)
        elif memory.told is None:
            memory.told = told
        return memory

    def _forget(self, incident: IncidentId) -> None:
        for key in list(self._memory):  # a copy: other incidents are told meanwhile
            if key[0] == incident:
                del self._memory[key]

    def _tell(self, endpoint: Endpoint, picture: Picture, memory: Memory) -> None:
        for _ in range(MOST_AT_ONCE):
            saying = due(
                picture, memory.told, self.clock(), perhaps=memory.perhaps,
                moved=far(memory.place, picture.position, MOVED_M),
            )  # fmt: skip
            if saying is None:
                if picture.phase == "closed" and memory.told is None and memory.missed:
                    log.info(
                        "%s was not told of %s: it was over before %s answered",
                        endpoint.name, picture.incident, endpoint.name,
                    )  # fmt: skip
                return
            saying = _again(saying, memory.pending)
            try:
                self.send(endpoint, saying)
            except (NotTaken, Refused):
                memory.missed |= saying.act is Act.OPEN
                raise
            except AdapterError:
                if saying.act is Act.OPEN:
                    memory.perhaps = matters(saying.picture)
                else:
                    memory.pending = saying
                raise
            self._took(memory, saying)

    @staticmethod
    def _took(memory: Memory, saying: Saying) -> None:
        memory.told = after(memory.told, saying)
        if saying.act is Act.OPEN and memory.perhaps not in (None, memory.told.matters):
            # It may hold the first wording under this identifier, and drop the second: say it anew.
            memory.told = unsure(memory.told, memory.perhaps or "")
        memory.perhaps = memory.pending = None
        memory.place = saying.picture.position


def _again(saying: Saying, pending: Saying | None) -> Saying:
    """Send the very message again that may have been lost; a newer one replaces it too."""
    if pending is None:
        return saying
    if pending.act is saying.act and matters(pending.picture) == matters(saying.picture):
        return pending
    lost = (pending.identifier, pending.sent.astimezone(UTC).isoformat())
    return replace(saying, replaces=(*saying.replaces, lost))
