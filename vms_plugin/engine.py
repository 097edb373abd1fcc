"""The shell around the pure parts: facts in, pictures out, decisions recorded.

The order never changes: a fact is durable, then its sender is answered and it is acted on; a
picture is durable, then it is shown. What is shown is always the newest version; nobody waits for
anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from hooks import (
    Activation,
    CameraId,
    CameraState,
    Crew,
    CrewFix,
    CrewId,
    Envelope,
    Fact,
    FactId,
    Feed,
    Health,
    IncidentId,
    LiveList,
    Malformed,
    Message,
    Picture,
    Position,
    Receipt,
    Unreachable,
)
from hooks.causes import whole
from vms_plugin import aiming, upkeep
from vms_plugin.adapters import Adapters, odd, why
from vms_plugin.board import Board
from vms_plugin.delivery import Told
from vms_plugin.dispatch import Dispatch
from vms_plugin.events import Event, Follower
from vms_plugin.feeds import FeedRunner, Link
from vms_plugin.i18n import Language
from vms_plugin.incident import (
    Aimed,
    Closed,
    Decision,
    Engaged,
    Escalated,
    Explained,
    Placed,
    Released,
    TakenInCharge,
    Unplaced,
    incident_of,
)
from vms_plugin.painter import Painter
from vms_plugin.patrols import Patrols
from vms_plugin.picture import rank_of
from vms_plugin.radio_calls import RadioCalls
from vms_plugin.roster_file import RosterFile
from vms_plugin.sane import plausible
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.viewings import Viewings

if TYPE_CHECKING:
    from vms_plugin.atlas import Atlas  # the geography is slow to import, and only named here
    from vms_plugin.exercise import Drills  # which knows the engine

#: Decoding is pure and short; an adapter that hangs in it must not hold its sender.
DECODE_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of a message: the facts it told, how many were new, what was wrong in it."""

    facts: tuple[FactId, ...] = ()
    new: int = 0
    faults: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of facts: how many were new, and whether they are on the disk."""

    new: int
    durable: bool = True

    def __add__(self, other: Heard) -> Heard:
        return Heard(self.new + other.new, self.durable and other.durable)


@dataclass(slots=True)
class Stages:
    """When a press reached each stage of the chain: the proof of how fast it is."""

    at: dict[str, datetime] = field(default_factory=dict)

    def reach(self, stage: str, at: datetime | None = None) -> None:
        """Note the first time a stage is reached."""
        self.at.setdefault(stage, at or datetime.now(UTC))


class UnknownIncidentError(LookupError):
    """Nothing can be decided of that incident: it does not exist, or it is closed."""


class SentTooError(Exception):
    """Another operator, whom it names, has sent the crew that one would take back."""


class Engine:
    """The running control room. One event loop owns it; `take` alone may be called from others."""

    def __init__(self, settings: Settings, adapters: Adapters, store: Store, atlas: Atlas) -> None:
        self.settings = settings
        self.adapters = adapters
        self.store = store
        self.atlas = atlas
        self.say = Language(settings.language, settings.timezone)
        self.viewings = Viewings(store)
        self.board = Board()
        self.roster = RosterFile(settings)
        self.patrols = Patrols(settings, self.board, store, self.roster)
        self.calls = RadioCalls(self.board)
        self.pictures: dict[IncidentId, Picture] = {}
        self.stages: dict[IncidentId, Stages] = {}
        self.runners: list[FeedRunner] = []
        self.visitors: dict[str, Link] = {}  # connections that others opened to us
        self.dispatch = Dispatch(self)
        self.drills: Drills | None = None  # the daily proof, once it is watched
        self.healths: dict[str, Health] = {}  # what each adapter last said of the other side
        self.unlawful: Message | None = None  # what is kept that may no longer be
        self.notes: list[Message] = []  # what the host itself could not do when it started
        self.painter = Painter(self)
        self._followers: set[Follower] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._turning: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._crews_moved = False
        self.broken = asyncio.Event()

    # --- life ---

    async def start(self) -> None:
        """Remember everything, then open every connection."""
        self._loop = asyncio.get_running_loop()
        await self.viewings.close_left()
        for picture in await self.store.pictures_alive():
            self.pictures[picture.incident] = picture
        for crew in await self.store.crew_facts():
            self.board.hear(crew)
        for fact in await self.store.open_facts():
            self.painter.want(self.board.hear(fact))
        jobs = [self.painter.run(), *upkeep.jobs(self), *await self.dispatch.start()]
        self._tasks = [asyncio.create_task(self._forever(job)) for job in jobs]
        await asyncio.sleep(0)  # each has begun: one that is stopped before would be left unread

    async def open_feeds(self, name: str) -> bool:
        """Open an adapter's connections; False when it could not say which they are."""
        try:
            feeds = await asyncio.to_thread(self.adapters.ask, name, "list_feeds")
        except Exception:  # noqa: BLE001  (noted under the adapter's name)
            return False
        for feed in feeds:
            if isinstance(feed, Feed):
                runner = FeedRunner(name, feed, self.adapters, self.hand_in)
                self.runners.append(runner)
                runner.start()
            else:
                self.adapters.fail(name, "list_feeds", odd("list_feeds", feed, "Feed"))
        return True

    async def stop(self) -> None:
        """Stop everything; the store is closed by whoever opened it."""
        tasks = [*self._tasks, *self._turning]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(asyncio.to_thread(runner.stop) for runner in self.runners))
        await self.viewings.settle()
        await self.store.arrears.settle()
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
        heard = await self.hear(sane, envelope.received_at)
        if faults:
            said = "; ".join(str(whole(each)) for each in faults)
            log.warning("message at fault", adapter=envelope.adapter, why=said)
            # Where crews are is not kept: what was wrong is said, and the rest of it was read.
            told = any(isinstance(fact, CrewFix) for fact in sane)
            await self.store.keep_unread(envelope, said, body=not told)
        if not heard.durable:
            raise Unreachable("the journal cannot be written: the host's log says why")
        return Reception(tuple(fact.id for fact in sane), heard.new, tuple(faults))

    async def hear(self, facts: Iterable[Fact], heard_at: datetime) -> Heard:
        """Journal facts, then let the board hear them.

        What the disk does not take is heard all the same: an officer is in danger, journal or not.
        """
        lists = [fact for fact in facts if isinstance(fact, LiveList)]
        crews = [fact for fact in facts if isinstance(fact, CrewFix)]
        states = [fact for fact in facts if isinstance(fact, CameraState)]
        rest = self.calls.known(
            fact for fact in facts if not isinstance(fact, LiveList | CrewFix | CameraState)
        )
        heard = Heard(len(crews) + len(states))
        if states and self.atlas.hear({fact.camera: fact.alive for fact in states}):
            self.painter.refresh(self.board.incidents)
            self.painter.wake()
        if crews:
            self.painter.refresh(await self.patrols.hear(crews))
            for fact in crews:
                rest += self.board.progress(fact)
            self._crews_moved = True
        if rest:
            heard += await self._journal(rest, heard_at)
        for each in lists:
            implied = self.board.implied_by(each)
            if implied:
                heard += await self._journal(implied, heard_at)
        return heard

    async def _journal(self, facts: Sequence[Fact], heard_at: datetime) -> Heard:
        known = [self.board.served(fact) for fact in facts if self.board.knows_of(fact)]
        written = await self.store.append(known, heard_at)
        touched: set[IncidentId] = set()
        for fact in written.new:
            incident = incident_of(fact)
            if fact.id in written.late and incident not in self.board.incidents:
                continue  # a word on something long over: on record, and that is all
            if isinstance(fact, Activation) and incident is not None and written.durable_at:
                self.reached(incident, "durable", written.durable_at)
            touched |= self.board.hear(fact)
        self.painter.want(touched)
        for name in {name for fact in written.new if (name := incident_of(fact))}:
            self.publish(Event("log", incident=name))
        return Heard(len(written.new), durable=not known or written.durable_at is not None)

    # --- decisions ---

    async def take_in_charge(self, incident: IncidentId, by: str) -> None:
        """Record that an operator confirms reception; the wearer is told where that is possible."""
        await self._decide(TakenInCharge(id=_new(), at=_now(), incident=incident, by=by))

    async def engage(self, incident: IncidentId, crew: CrewId, by: str) -> None:
        """Record that an operator sends a crew; whoever can tell it is told to.

        Who sends help to an alert that nobody has taken has seen it: it is his, and the wearer is
        told. Else it would fall silent with nobody in charge.
        """
        rank = rank_of(crew, self.pictures.get(incident))
        known = self.board.incidents.get(incident)
        seen: list[Decision] = []
        if known is not None and not known.owner:
            seen.append(TakenInCharge(id=_new(), at=_now(), incident=incident, by=by))
        order = Engaged(id=_new(), at=_now(), incident=incident, by=by, crew=crew, rank=rank)
        await self._decide(*seen, order)

    async def explain(self, incident: IncidentId, crew: CrewId, by: str, reason: str) -> None:
        """Record why an operator sent a crew that was not ranked first."""
        await self._decide(
            Explained(id=_new(), at=_now(), incident=incident, by=by, crew=crew, reason=reason)
        )

    async def release(
        self, incident: IncidentId, crew: CrewId, by: str, *, undo: bool = False
    ) -> None:
        """Record that an operator calls a crew back.

        Raises
        ------
        SentTooError
            He takes his own order back (`undo`), and another operator has given the same.
        """
        known = self.board.incidents.get(incident)
        other = known.sent_too_by(crew, by) if undo and known is not None else ""
        if other:
            raise SentTooError(other)
        await self._decide(Released(id=_new(), at=_now(), incident=incident, by=by, crew=crew))

    async def place(self, incident: IncidentId, lon: float, lat: float, by: str) -> None:
        """Record where an operator says it is; `ValueError` when that is not on earth."""
        now = _now()
        position = Position(lon=lon, lat=lat, accuracy_m=None, fixed_at=now, source="operator")
        known = self.board.incidents.get(incident)
        instead = known is not None and self.board.has_fix(known)
        await self._decide(
            Placed(id=_new(), at=now, incident=incident, by=by, position=position, instead=instead)
        )

    async def unplace(self, incident: IncidentId, by: str) -> None:
        """Record that operators take back where they said it is."""
        await self._decide(Unplaced(id=_new(), at=_now(), incident=incident, by=by))

    async def close(self, incident: IncidentId, by: str, outcome: str) -> None:
        """Record that an incident is over, and how it ended."""
        await self._decide(Closed(id=_new(), at=_now(), incident=incident, by=by, outcome=outcome))

    async def aim(self, incident: IncidentId, camera: CameraId, by: str) -> None:
        """Record that an operator turns a camera there; what it answers is told by an event."""
        asked = Aimed(id=_new(), at=_now(), incident=incident, by=by, camera=camera)
        await self._decide(asked)
        picture = self.pictures.get(incident)
        if picture is not None:
            turning = asyncio.create_task(self._aimed(picture, asked))
            self._turning.add(turning)
            turning.add_done_callback(self._turning.discard)

    async def _aimed(self, picture: Picture, asked: Aimed) -> None:
        answer = await aiming.turn(self, picture, asked)
        self.publish(Event("aimed", incident=asked.incident, aim=answer))

    async def _decide(self, *decisions: Decision) -> None:
        if not all(map(self.board.accepts, decisions)):
            raise UnknownIncidentError(decisions[0].incident)
        await self.hear(decisions, decisions[0].at)

    async def escalate(self, steps: Sequence[Escalated]) -> None:
        """Record that nobody confirmed in time; the whole room hears it, then somebody outside."""
        await self.hear(steps, _now())

    # --- out ---

    def subscribe(self) -> Follower:
        """Follow what changes, from now on."""
        follower = Follower()
        self._followers.add(follower)
        return follower

    def unsubscribe(self, follower: Follower) -> None:
        """Stop following."""
        self._followers.discard(follower)

    def crews(self) -> list[Crew]:
        """List the crews as last known, by id."""
        return [self.board.crews[name].crew for name in sorted(self.board.crews)]

    def links(self) -> list[Link]:
        """List the connections: those we keep open, and those others opened to us."""
        return [runner.link for runner in self.runners] + list(self.visitors.values())

    def told(self, incident: IncidentId) -> tuple[Told, dict[CrewId, Told]]:
        """Say whether the wearer knows that he is seen, and whether each crew has its order."""
        return self.dispatch.told(incident)

    def behind(self, adapter: str) -> int:
        """Count what this adapter does not show yet."""
        return self.dispatch.behind(adapter)

    def receipts(self, adapter: str) -> dict[IncidentId, Receipt]:
        """Give an adapter's last answers about the incidents on the board."""
        return self.dispatch.receipts(adapter)

    def reached(self, incident: IncidentId, stage: str, at: datetime | None = None) -> None:
        """Note the first time that a press reaches a stage of the chain."""
        self.stages.setdefault(incident, Stages()).reach(stage, at)

    def tell(self, incident: IncidentId) -> None:
        """Say to the pages that somebody was told, or could not be."""
        self.publish(Event("told", incident=incident))

    def publish(self, event: Event) -> None:
        """Tell every follower."""
        for follower in self._followers:
            follower.put(event)

    def show(self, picture: Picture) -> None:
        """Show a picture on the pages."""
        self.pictures[picture.incident] = picture
        self.reached(picture.incident, "picture")
        self.publish(Event("picture", picture))

    def deliver(self, picture: Picture) -> None:
        """Have a picture that is durable shown in every VMS, and told to whom it concerns."""
        incident = self.board.incidents.get(picture.incident)
        if incident is not None:
            self.dispatch.want(incident)

    # --- time passing (the jobs are in upkeep) ---

    def beat(self, *, refresh: bool) -> None:
        """Tell what moved since the last second; with `refresh`, draw everything that ages."""
        if self._crews_moved:
            self._crews_moved = False
            self.publish(Event("crews"))
        if refresh:
            self.painter.refresh(self.board.incidents)
            self.publish(Event("health"))
        self.painter.wake()

    def redraw_all(self) -> None:
        """Draw the town again, and every picture in its turn: the territory has changed."""
        self.painter.refresh(self.board.incidents)
        self.painter.wake()
        self.publish(Event("territory"))

    def clear_away(self, closed_before: datetime) -> None:
        """Take off the board what was closed before then and is withdrawn everywhere."""
        for incident in list(self.board.incidents.values()):
            if incident.closed is None or incident.closed.at > closed_before:
                continue
            if self.dispatch.lacks(incident.id):
                continue
            del self.board.incidents[incident.id]
            self.pictures.pop(incident.id, None)
            self.stages.pop(incident.id, None)
            self.publish(Event("gone", incident=incident.id))

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


def _now() -> datetime:
    return datetime.now(UTC)


def _new() -> FactId:
    return FactId(f"renfort:{uuid4()}")
