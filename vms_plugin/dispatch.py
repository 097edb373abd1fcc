"""Everything that goes out through adapters: one courier each, told what is wanted and why."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING

from hooks import CrewId, IncidentId, Notice, Receipt
from vms_plugin.courier import Courier
from vms_plugin.crew_links import CrewLinks
from vms_plugin.delivery import Shown, Told, told_by
from vms_plugin.errand import Call, call_for, errands, heard_by, incident_in, order, seen
from vms_plugin.incident import Incident

if TYPE_CHECKING:
    from vms_plugin.engine import Engine, Heard

#: The hooks through which an adapter is made to show or tell something.
HOOKS = ("show", "engage", "release", "acknowledge", "notify")


class Dispatch:
    """The couriers, and what they answered."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.couriers: dict[str, Courier] = {}
        self.links = CrewLinks(b"")  # until `start`, which reads the key
        self._notices: dict[str, Notice] = {}
        self._noting: set[asyncio.Task[Heard]] = set()

    async def start(self) -> list[Coroutine[None, None, None]]:
        """Remember what is shown everywhere; give the jobs that close the differences."""
        engine, settings = self._engine, self._engine.settings
        self.links = CrewLinks(
            await engine.store.secret("crew-links"), settings.public_url,
            timedelta(hours=settings.crew_link_hours),
        )  # fmt: skip
        for name in sorted({n for hook in HOOKS for n in engine.adapters.offering(hook)}):
            courier = Courier(name, engine.adapters, engine.store, self._call_for, self._shown)
            await courier.remember(engine.pictures)
            self.couriers[name] = courier
        for incident in engine.board.incidents.values():
            self.want(incident)
        return [courier.run() for courier in self.couriers.values()]

    # --- wanted ---

    def want(self, incident: Incident) -> None:
        """Want every adapter to show it, and every order and confirmation to be told."""
        picture = self._engine.pictures.get(incident.id)
        for courier in self.couriers.values():
            offers = self._engine.adapters[courier.adapter].offers
            for errand in errands(incident, picture, offers):
                courier.want(errand.subject, errand.version, urgent=errand.urgent)

    def notify(self, notice: Notice) -> bool:
        """Want whoever can tell somebody outside to do so; answer whether anybody can."""
        self._notices[f"notice:{notice.id}"] = notice
        told = self._engine.adapters.offering("notify")
        for name in told:
            self.couriers[name].want(f"notice:{notice.id}", 1, urgent=True)
        return bool(told)

    def _call_for(self, adapter: str, subject: str, shown: Shown) -> Call | None:
        """Say which call closes the difference for a subject, with the newest there is."""
        engine = self._engine
        if subject in self._notices:
            return Call("notify", {"notice": self._notices[subject]}, 1)
        name = incident_in(subject)
        picture, incident = engine.pictures.get(name), engine.board.incidents.get(name)
        offers = engine.adapters[adapter].offers
        return call_for(subject, shown, picture, incident, offers, engine.say, link=self.links.link)

    # --- shown ---

    def _shown(self, adapter: str, subject: str, version: int) -> None:
        engine = self._engine
        if version >= 1 and IncidentId(subject) in engine.pictures:
            engine.reached(IncidentId(subject), f"shown:{adapter}")
        incident = engine.board.incidents.get(incident_in(subject))
        if incident is None:
            return
        answer = self.couriers[adapter].ledger.state(subject).receipt
        fact = heard_by(adapter, subject, version, incident, well=answer == Told.YES)
        if fact is None:
            return
        engine.tell(incident.id)
        if answer not in (Told.YES, Told.NO):
            return  # "not one of mine": nobody was told, nor could not be
        # On record, so that the log says it and a restart remembers it.
        noting = asyncio.create_task(engine.hear([fact], fact.at))
        self._noting.add(noting)
        noting.add_done_callback(self._noting.discard)

    def told(self, incident: IncidentId) -> tuple[Told, dict[CrewId, Told]]:
        """Say whether the wearer knows that he is seen, and whether each crew has its order."""

        def answer(subject: str) -> Told:
            return told_by(each.ledger.answered(subject) for each in self.couriers.values())

        known = self._engine.board.incidents.get(incident)
        sent = known.engaged if known else ()
        return answer(seen(incident)), {crew: answer(order(incident, crew)) for crew in sent}

    def behind(self, adapter: str) -> int:
        """Count what this adapter does not show yet."""
        courier = self.couriers.get(adapter)
        return courier.ledger.behind() if courier else 0

    def receipts(self, adapter: str) -> dict[IncidentId, Receipt]:
        """Give an adapter's last answers about the incidents on the board."""
        courier = self.couriers.get(adapter)
        return courier.receipts(self._engine.pictures) if courier else {}

    def lacks(self, subject: str) -> bool:
        """Whether some adapter does not show a subject as it is wanted."""
        return any(courier.ledger.lacks(subject) for courier in self.couriers.values())
