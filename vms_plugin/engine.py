"""The shell around the pure parts: facts in, pictures out, decisions recorded.

The order never changes: a fact is durable, then its sender is answered and it is acted on; a
picture is durable, then it is shown. What is shown is always the newest version; nobody waits for
anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from dispatch_gis.choice import TILES
from hooks import (
    Activation,
    AdapterError,
    Crew,
    CrewFix,
    CrewId,
    Envelope,
    Fact,
    FactId,
    Feed,
    IncidentId,
    LiveList,
    Malformed,
    Message,
    Phase,
    Picture,
    Position,
)
from vms_plugin.adapters import Adapters, odd, why
from vms_plugin.board import Board, as_fact
from vms_plugin.courier import Courier
from vms_plugin.delivery import Shown
from vms_plugin.errand import Call, call_for, errands, incident_in
from vms_plugin.feeds import FeedRunner, Link
from vms_plugin.i18n import Language
from vms_plugin.incident import (
    Closed,
    Decision,
    Engaged,
    Incident,
    Placed,
    Released,
    TakenInCharge,
    incident_of,
)
from vms_plugin.picture import compose
from vms_plugin.register import forgotten_before
from vms_plugin.sane import plausible
from vms_plugin.settings import Settings
from vms_plugin.store import Store

if TYPE_CHECKING:
    from vms_plugin.atlas import Atlas  # the geography is slow to import, and only named here

TICK_S = 1.0
#: Decoding is pure and short; an adapter that hangs in it must not hold its sender.
DECODE_S = 5.0
#: How often the town's files are looked at: a street that staff close is closed this soon.
WATCH_S = 2.0
#: Ages and estimates are refreshed this often when nothing else happens.
REFRESH_S = 5.0
#: Positions outside any incident are forgotten after that.
STRAY_S = 600.0
#: Closed incidents stay on the page that long.
CLOSED_SHOWN_S = 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of a message: the facts it told, how many were new, what was wrong in it."""

    facts: tuple[FactId, ...] = ()
    new: int = 0
    faults: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something the page shows at once."""

    kind: str  #: "picture", "crews", "health", "live", "territory"
    picture: Picture | None = None
    incident: IncidentId | None = None


@dataclass(slots=True)
class Stages:
    """When a press reached each stage of the chain: the proof of how fast it is."""

    at: dict[str, datetime] = field(default_factory=dict)

    def reach(self, stage: str, at: datetime | None = None) -> None:
        """Note the first time a stage is reached."""
        self.at.setdefault(stage, at or datetime.now(UTC))


class UnknownIncidentError(LookupError):
    """Nothing can be decided of that incident: it does not exist, or it is closed."""


class Engine:
    """The running control room. One event loop owns it; `take` alone may be called from others."""

    def __init__(self, settings: Settings, adapters: Adapters, store: Store, atlas: Atlas) -> None:
        self.settings = settings
        self.adapters = adapters
        self.store = store
        self.atlas = atlas
        self.say = Language(settings.language)
        self.board = Board()
        self.pictures: dict[IncidentId, Picture] = {}
        self.stages: dict[IncidentId, Stages] = {}
        self.runners: list[FeedRunner] = []
        self.visitors: dict[str, Link] = {}  # connections that others opened to us
        self._couriers: dict[str, Courier] = {}
        self._subscribers: set[asyncio.Queue[Event]] = set()
        self._now: set[IncidentId] = set()
        self._soon: set[IncidentId] = set()
        self._stirred = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._crews_moved = False
        self.broken = asyncio.Event()

    # --- life ---

    async def start(self) -> None:
        """Remember everything, then open every connection."""
        self._loop = asyncio.get_running_loop()
        for picture in await self.store.pictures(closed=False):
            self.pictures[picture.incident] = picture
        for crew in await self.store.crew_facts():
            self.board.hear(crew)
        for fact in await self.store.open_facts():
            self._now |= self.board.hear(fact)
        for name in sorted({n for hook in _SHOWN for n in self.adapters.offering(hook)}):
            courier = Courier(name, self.adapters, self.store, self._call_for, self._shown)
            await courier.remember()
            self._couriers[name] = courier
        for incident in self.board.incidents.values():
            self._want(incident)
        jobs = [self._paint(), self._tick(), self._survey(), self._watch_layers()]
        jobs += [self._ask_crews(name) for name in self.adapters.offering("list_crews")]
        jobs += [courier.run() for courier in self._couriers.values()]
        self._tasks = [asyncio.create_task(self._forever(job)) for job in jobs]
        self._stirred.set()
        await asyncio.to_thread(self._open_feeds)

    def _open_feeds(self) -> None:
        for name in self.adapters.offering("list_feeds"):
            try:
                feeds = self.adapters.ask(name, "list_feeds")
            except Exception:  # noqa: BLE001, S112  (noted under the adapter's name)
                continue
            for feed in feeds:
                if isinstance(feed, Feed):
                    self.runners.append(FeedRunner(name, feed, self.adapters, self.hand_in))
                else:
                    self.adapters.fail(name, "list_feeds", odd("list_feeds", feed, "Feed"))
        for runner in self.runners:
            runner.start()

    async def stop(self) -> None:
        """Stop everything; the store is closed by whoever opened it."""
        await asyncio.gather(*(asyncio.to_thread(runner.stop) for runner in self.runners))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.atlas.close)

    # --- in ---

    def hand_in(
        self, envelope: Envelope, facts: Sequence[Fact], fault: Malformed | None
    ) -> Future[tuple[Message, ...]]:
        """Take decoded facts from a feed's thread; done once they are durable."""
        if self._loop is None:
            raise RuntimeError("the engine has not started")
        return asyncio.run_coroutine_threadsafe(self._taken(envelope, facts, fault), self._loop)

    async def _taken(
        self, envelope: Envelope, facts: Sequence[Fact], fault: Malformed | None
    ) -> tuple[Message, ...]:
        return (await self.take(envelope, facts, fault)).faults

    async def receive(self, envelope: Envelope) -> Reception:
        """Decode a message sent to an intake, and take what it tells."""
        decoding = asyncio.wrap_future(self.adapters.start_decoding(envelope))
        facts, fault = await asyncio.wait_for(decoding, DECODE_S)
        return await self.take(envelope, facts, fault)

    async def take(
        self, envelope: Envelope, facts: Sequence[Fact], fault: Malformed | None = None
    ) -> Reception:
        """Make facts durable, then act on them; keep what was not understood."""
        faults: list[Message] = []
        if fault is not None:
            faults.append(why(fault))
        sane: list[Fact] = []
        for fact in facts:
            kept, doubt = plausible(fact, envelope.received_at)
            sane.append(kept)
            faults += [doubt] if doubt else []
        # The press first: what was wrong beside it must not delay it, nor lose it.
        new = await self.hear(sane, envelope.received_at)
        if faults:
            said = "; ".join(map(str, faults))
            log.warning("message at fault", adapter=envelope.adapter, why=said)
            await self.store.keep_unread(envelope, said)
        return Reception(tuple(fact.id for fact in sane), new, tuple(faults))

    async def hear(self, facts: Iterable[Fact], heard_at: datetime) -> int:
        """Journal facts, then let the board hear them; answer how many were new."""
        lists = [fact for fact in facts if isinstance(fact, LiveList)]
        crews = [fact for fact in facts if isinstance(fact, CrewFix)]
        rest = [fact for fact in facts if not isinstance(fact, LiveList | CrewFix)]
        new = len(crews)
        if crews:
            for fact in crews:
                self._soon |= self.board.hear(fact)
            self._crews_moved = True
            await self.store.keep_crews([self.board.crews[fact.crew] for fact in crews])
        if rest:
            new += await self._journal(rest, heard_at)
        for each in lists:
            implied = self.board.implied_by(each)
            if implied:
                new += await self._journal(implied, heard_at)
        return new

    async def _journal(self, facts: Sequence[Fact], heard_at: datetime) -> int:
        written = await self.store.append(facts, heard_at)
        for fact in written.new:
            incident = incident_of(fact)
            if fact.id in written.late and incident not in self.board.incidents:
                continue  # a word on something long over: on record, and that is all
            if isinstance(fact, Activation) and incident is not None:
                self.stages.setdefault(incident, Stages()).reach("durable", written.durable_at)
            self._now |= self.board.hear(fact)
        if self._now:
            self._stirred.set()
        return len(written.new)

    # --- decisions ---

    async def take_in_charge(self, incident: IncidentId, by: str) -> None:
        """Record that an operator confirms reception; the wearer is told where that is possible."""
        await self._decide(TakenInCharge(id=_new(), at=_now(), incident=incident, by=by))

    async def engage(self, incident: IncidentId, crew: CrewId, by: str) -> None:
        """Record that an operator sends a crew; whoever can tell it is told to."""
        await self._decide(Engaged(id=_new(), at=_now(), incident=incident, by=by, crew=crew))

    async def release(self, incident: IncidentId, crew: CrewId, by: str) -> None:
        """Record that an operator calls a crew back."""
        await self._decide(Released(id=_new(), at=_now(), incident=incident, by=by, crew=crew))

    async def place(self, incident: IncidentId, lon: float, lat: float, by: str) -> None:
        """Record where an operator says it is; `ValueError` when that is not on earth."""
        now = _now()
        position = Position(lon=lon, lat=lat, accuracy_m=None, fixed_at=now, source="operator")
        await self._decide(Placed(id=_new(), at=now, incident=incident, by=by, position=position))

    async def close(self, incident: IncidentId, by: str, outcome: str) -> None:
        """Record that an incident is over, and how it ended."""
        await self._decide(Closed(id=_new(), at=_now(), incident=incident, by=by, outcome=outcome))

    async def _decide(self, decision: Decision) -> None:
        if not self.board.accepts(decision):
            raise UnknownIncidentError(decision.incident)
        await self.hear([decision], decision.at)

    # --- out ---

    def subscribe(self) -> asyncio.Queue[Event]:
        """Follow what changes; a follower too slow loses the oldest events, never the newest."""
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=1000)
        self._subscribers.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Event]) -> None:
        """Stop following."""
        self._subscribers.discard(queue)

    def crews(self) -> list[Crew]:
        """List the crews as last known, by id."""
        return [self.board.crews[name].crew for name in sorted(self.board.crews)]

    def links(self) -> list[Link]:
        """List the connections: those we keep open, and those others opened to us."""
        return [runner.link for runner in self.runners] + list(self.visitors.values())

    def behind(self, adapter: str) -> int:
        """Count what this adapter does not show yet."""
        courier = self._couriers.get(adapter)
        return courier.ledger.behind() if courier else 0

    def publish(self, event: Event) -> None:
        """Tell every follower."""
        for queue in self._subscribers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    # --- painting ---

    async def _paint(self) -> None:
        """Draw what changed, make it durable, show it. Presses go before refreshes."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            batch, self._now = self._now, set()
            await self._painted(sorted(batch))
            while self._soon and not self._now:
                # One at a time: a press that comes meanwhile does not wait for all of them.
                await self._painted([self._soon.pop()])
                await asyncio.sleep(0)

    async def _painted(self, names: Sequence[IncidentId]) -> None:
        drawn = [picture for name in names if (picture := self._draw(name))]
        if drawn:
            await self.store.keep_pictures(drawn)
            for picture in drawn:
                self._show(picture)

    def _draw(self, name: IncidentId) -> Picture | None:
        """Draw one picture; None when it is the one already shown."""
        incident = self.board.incidents.get(name)
        if incident is None:
            return None
        before = self.pictures.get(name)
        if before is not None and before.phase is Phase.CLOSED:
            return None  # the last picture of an incident is the one it was closed with
        whereabouts = self.board.whereabouts(incident)
        wearer = self.settings.wearers.get(incident.device)
        picture = compose(
            incident,
            whereabouts=whereabouts,
            situation=self.atlas.situate(
                incident,
                whereabouts[0],
                self.board.crews_for(incident),
                _now(),
                wearer,
                shown=[each.camera.id for each in before.situation.sightings[:TILES]]
                if before
                else (),
            ),
            wearer=wearer,
            language=self.say,
            version=before.version if before else 1,
        )
        if picture == before:
            return None
        return replace(picture, version=before.version + 1) if before else picture

    def _show(self, picture: Picture) -> None:
        self.pictures[picture.incident] = picture
        self.stages.setdefault(picture.incident, Stages()).reach("picture")
        incident = self.board.incidents.get(picture.incident)
        if incident is not None:
            self._want(incident)
        self.publish(Event("picture", picture))

    def _want(self, incident: Incident) -> None:
        """Want every adapter to show it, and every order and confirmation to be told."""
        picture = self.pictures.get(incident.id)
        for courier in self._couriers.values():
            offers = self.adapters[courier.adapter].offers
            for errand in errands(incident, picture, offers):
                courier.want(errand.subject, errand.version, urgent=errand.urgent)

    def _call_for(self, adapter: str, subject: str, shown: Shown) -> Call | None:
        """Say which call closes the difference for a subject, with the newest there is."""
        name = incident_in(subject)
        picture, incident = self.pictures.get(name), self.board.incidents.get(name)
        return call_for(subject, shown, picture, incident, self.adapters[adapter].offers, self.say)

    def _shown(self, adapter: str, subject: str, version: int) -> None:
        if version >= 1 and IncidentId(subject) in self.pictures:
            self.stages.setdefault(IncidentId(subject), Stages()).reach(f"shown:{adapter}")

    # --- time passing ---

    async def _tick(self) -> None:
        """Refresh what ages, close what the rule closes, forget what served."""
        beats = 0
        while True:
            await asyncio.sleep(TICK_S)
            beats += 1
            if self._crews_moved:
                self._crews_moved = False
                self.publish(Event("crews"))
            if beats % REFRESH_S == 0:
                self._soon |= self.board.incidents.keys()
                self.publish(Event("health"))
            if self._soon or self._now:
                self._stirred.set()
            await self._close_the_over()
            if beats % 60 == 0:
                await self.store.forget_strays(_now() - timedelta(seconds=STRAY_S))
                await self.store.forget_register(forgotten_before(_now()))
                self._clear_away()

    async def _close_the_over(self) -> None:
        after = timedelta(seconds=self.settings.close_after_end_s)
        over = [
            each.id
            for each in self.board.incidents.values()
            if each.closes_by_itself(_now(), after)
        ]
        for incident in over:
            outcome = self.say("closed by itself after the end of the activation")
            await self.close(incident, "Renfort", outcome)

    def _clear_away(self) -> None:
        """Take off the board what has been closed for long and withdrawn everywhere."""
        limit = _now() - timedelta(seconds=CLOSED_SHOWN_S)
        for incident in list(self.board.incidents.values()):
            if incident.closed is None or incident.closed.at > limit:
                continue
            couriers = self._couriers.values()
            if any(courier.ledger.lacks(incident.id) for courier in couriers):
                continue
            del self.board.incidents[incident.id]
            self.pictures.pop(incident.id, None)
            self.stages.pop(incident.id, None)

    async def _survey(self) -> None:
        """Learn the territory, then the VMS's cameras, and keep them up to date."""
        await asyncio.to_thread(self.atlas.load)
        while True:
            self._redraw_all()
            await asyncio.to_thread(self.atlas.ask_vms, self.adapters)
            self._redraw_all()
            await asyncio.sleep(self.atlas.patience_s)

    async def _watch_layers(self) -> None:
        """Put the town's files in force when GIS staff have changed them."""
        while True:
            await asyncio.sleep(WATCH_S)
            if await asyncio.to_thread(self.atlas.refresh):
                self._redraw_all()

    async def _ask_crews(self, name: str) -> None:
        """Ask a source that does not tell by itself, while an incident is open."""
        while True:
            await asyncio.sleep(REFRESH_S)
            if all(each.closed for each in self.board.incidents.values()):
                continue
            at = _now()
            try:
                crews = await asyncio.wrap_future(self.adapters.start(name, "list_crews", at=at))
            except AdapterError:
                continue  # noted under its name
            known = [crew for crew in crews if isinstance(crew, Crew)]
            await self.hear([as_fact(crew, at, at.isoformat()) for crew in known], at)

    def _redraw_all(self) -> None:
        self._now |= self.board.incidents.keys()
        self._stirred.set()
        self.publish(Event("territory"))

    async def _forever(self, job: Coroutine[None, None, None]) -> None:
        try:
            await job
        except asyncio.CancelledError:
            raise
        except Exception:
            # Nothing here may stop in silence: the process ends, its supervisor restarts it, and
            # the journal has everything.
            log.exception("a part of the host stopped; the host stops with it")
            self.broken.set()


#: The hooks through which an adapter is made to show something.
_SHOWN = ("show", "engage", "release", "acknowledge")


def _now() -> datetime:
    return datetime.now(UTC)


def _new() -> FactId:
    return FactId(f"renfort:{uuid4()}")
