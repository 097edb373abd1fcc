"""The daily proof: a marked press sent through the whole running chain, each stage measured.

It goes by the adapter's own way to make one (`exercise`), so by the maker's event path where there
is a spare camera to press. Everything downstream is what a real press meets: the journal, the
geography, every VMS, the page. It is marked EXERCICE everywhere, and withdrawn at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog

from hooks import (
    AdapterError,
    Exercise,
    FactId,
    IncidentId,
    Message,
    Notice,
    NoticeKind,
    Position,
)
from hooks.causes import whole
from vms_plugin.adapters import why
from vms_plugin.engine import Engine, UnknownIncidentError
from vms_plugin.events import Event, Follower
from vms_plugin.live import Relay
from vms_plugin.live.channel import State
from vms_plugin.rights import Person, picture_for, rights_of
from vms_plugin.schedule import next_due
from vms_plugin.web import view

_SHOWN = "shown:"
#: What the stages are called for people.
_STAGES = {
    "durable": Message(text="call on record"),
    "picture": Message(text="situation composed"),
    "page": Message(text="on the operators' page"),
    "live": Message(text="first live picture"),
    "withdrawn": Message(text="all withdrawn"),
}
#: A stage not reached by then is not reached.
PATIENCE_S = 20.0
#: For VMSs to take it away again.
WITHDRAWN_S = 15.0
#: While a real alert is open nothing is exercised; asked again this often, for that long.
QUIET_S, QUIET_MOST = 30.0, timedelta(hours=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came of one exercise. Stages are milliseconds from the press."""

    id: str
    at: datetime
    by: str
    adapter: str = ""
    by_maker: bool = False  #: pressed on the maker's side; else heard at our inlet
    stages: dict[str, float] = field(default_factory=dict)
    cameras: int = 0
    crews: int = 0
    missing: tuple[str, ...] = ()  #: the stages that were not reached
    slow: bool = False
    why: Message | None = None  #: what prevented it

    @property
    def well(self) -> bool:
        """Whether the whole chain answered, and in time."""
        return self.why is None and not self.missing and not self.slow

    @property
    def total_ms(self) -> float | None:
        """From the press to the last stage that an operator waits for."""
        waited = [ms for name, ms in self.stages.items() if name != "withdrawn"]
        return max(waited, default=None)

    def said(self) -> Message:
        """Say in a sentence what came of it."""
        if self.why is not None:
            return Message(text="not done: {why}", params={"why": self.why})
        if self.missing:
            return Message(text="not reached: {names}", params={"names": _listed(self.missing)})
        ms = round(self.total_ms or 0)
        if self.slow:
            return Message(text="slow: {ms} ms", params={"ms": ms})
        return Message(text="{ms} ms", params={"ms": ms})


def stage_named(stage: str) -> Message:
    """Say a stage of the chain as people read it."""
    adapter = stage.removeprefix(_SHOWN)
    if adapter != stage:
        return Message(text="shown by {adapter}", params={"adapter": adapter})
    return _STAGES.get(stage, Message(text=stage))


def _listed(stages: Sequence[str]) -> Message:
    first, *rest = map(stage_named, stages)
    for each in rest:
        first = Message(text="{first}, {rest}", params={"first": first, "rest": each})
    return first


class Drills:
    """Sends exercises, one at a time; remembers the last."""

    def __init__(self, engine: Engine, relay: Relay) -> None:
        self._engine, self._relay = engine, relay
        self._one = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        self.last: Proof | None = None
        engine.drills = self

    # --- life ---

    async def start(self) -> None:
        """Remember the last one, and keep to the hours of the settings."""
        self.last = await self._engine.store.last_proof(Proof)
        if self.last is not None and not self.last.well:
            self._alert(self.last)  # told again under the same id: once
        self._keeping = asyncio.create_task(self._keep_hours())

    async def stop(self) -> None:
        """Keep to no hours any more."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    def due(self, after: datetime) -> datetime | None:
        """Say when the next one is."""
        settings = self._engine.settings
        return next_due(settings.exercise_times, after, settings.timezone)

    async def _keep_hours(self) -> None:
        while (moment := self.due(datetime.now(UTC))) is not None:
            await _until(moment)
            proof = await self._once_quiet(moment)
            if not proof.well:
                self._alert(proof)

    async def _once_quiet(self, moment: datetime) -> Proof:
        """Wait until nobody is in danger; after an hour say that it was not done."""
        while self._busy():
            if datetime.now(UTC) - moment > QUIET_MOST:
                why_not = Message(text="an alert was open")
                proof = Proof(id=uuid4().hex[:12], at=datetime.now(UTC), by="Renfort", why=why_not)
                await self._keep(proof)
                return proof
            await asyncio.sleep(QUIET_S)
        return await self.run("Renfort")

    def _busy(self) -> bool:
        incidents = self._engine.board.incidents.values()
        return any(each.closed is None and not each.exercise for each in incidents)

    def _alert(self, proof: Proof) -> None:
        """Call somebody outside: the chain may not carry the next press."""
        say = self._engine.say
        title = say("Renfort: the end-to-end check failed")
        notice = Notice(
            id=FactId(f"renfort:chain:{proof.id}"), kind=NoticeKind.CHAIN, at=proof.at,
            title=title, text=say.message(proof.said()),
        )  # fmt: skip
        self._engine.dispatch.notify(notice)

    # --- one exercise ---

    async def run(self, by: str) -> Proof:
        """Send one through the chain, and tell what came of it."""
        async with self._one:
            proof = await self._run(by)
            await self._keep(proof)
            return proof

    async def _keep(self, proof: Proof) -> None:
        self.last = proof
        log.info("exercise", well=proof.well, said=str(whole(proof.said())), stages=proof.stages)
        await self._engine.store.keep_proof(proof.id, proof.at, proof)
        self._engine.publish(Event("health"))

    async def _run(self, by: str) -> Proof:
        engine, mark, now = self._engine, uuid4().hex[:12], datetime.now(UTC)
        name = next(iter(engine.adapters.offering("exercise")), None)
        if name is None:
            nothing = Message(text="no adapter in use can make a press that is not real")
            return Proof(id=mark, at=now, by=by, why=nothing)
        follower = engine.subscribe()
        try:
            return await self._measured(name, mark, by, follower)
        except AdapterError as error:
            return Proof(id=mark, at=now, by=by, adapter=name, why=why(error))
        finally:
            engine.unsubscribe(follower)

    async def _measured(self, name: str, mark: str, by: str, follower: Follower) -> Proof:
        at, began = datetime.now(UTC), monotonic()
        made = await self._ask(name, mark, over=False)
        if made is None:
            nothing = Message(text="no adapter in use can make a press that is not real")
            return Proof(id=mark, at=at, by=by, adapter=name, why=nothing)
        incident = IncidentId(made.activation)
        try:
            if made.envelope is not None:
                await self._engine.receive(made.envelope)
            wanted = self._wanted(name, by_maker=made.envelope is None)
            stages = await self._followed(incident, at, wanted, follower, began)
            picture = self._engine.pictures.get(incident)
        finally:
            gone_ms = await self._withdrawn(name, mark, incident, began)
        stages |= {"withdrawn": gone_ms} if gone_ms is not None else {}
        missing = tuple(sorted((wanted | {"withdrawn"}) - stages.keys()))
        waited = [ms for stage, ms in stages.items() if stage != "withdrawn"]
        found = picture.situation if picture else None
        return Proof(
            id=mark, at=at, by=by, adapter=name, by_maker=made.envelope is None, stages=stages,
            cameras=len(found.sightings) if found else 0,
            crews=len(found.reinforcements) if found else 0, missing=missing,
            slow=max(waited, default=0.0) > self._engine.settings.exercise_slow_ms,
        )  # fmt: skip

    async def _ask(self, name: str, mark: str, *, over: bool) -> Exercise | None:
        start = self._engine.adapters.start
        answer = await asyncio.wait_for(
            asyncio.wrap_future(start(name, "exercise", mark=mark, place=self._place(), over=over)),
            PATIENCE_S,
        )
        return answer if isinstance(answer, Exercise) else None

    def _place(self) -> Position | None:
        """Where it is to be: the middle of the town, where cameras and streets are."""
        bounds = self._engine.atlas.bounds()
        if bounds is None:
            return None
        west, south, east, north = bounds
        now = datetime.now(UTC)
        return Position(
            lon=(west + east) / 2, lat=(south + north) / 2, accuracy_m=10, fixed_at=now,
            source="exercise",
        )  # fmt: skip

    def _wanted(self, name: str, *, by_maker: bool) -> set[str]:
        """List the stages that a press must reach on this site."""
        offering = self._engine.adapters.offering
        wanted = {"durable", "picture", "page"} | {f"{_SHOWN}{each}" for each in offering("show")}
        if by_maker and name in offering("open_live"):
            wanted.add("live")
        return wanted

    async def _followed(
        self, incident: IncidentId, at: datetime, wanted: set[str],
        follower: Follower, began: float,
    ) -> dict[str, float]:  # fmt: skip
        """Watch the press go through the chain until it has reached everything, or too late."""
        stages: dict[str, float] = {}
        reader = Person(name="Renfort", rights=rights_of("chef"))
        while wanted - stages.keys() and monotonic() - began < PATIENCE_S:
            with contextlib.suppress(TimeoutError):
                event = await asyncio.wait_for(follower.get(), 0.05)
                picture = event.picture
                if picture is not None and picture.incident == incident and "page" not in stages:
                    # As an operator's page is told it: pruned and written, then sent.
                    view.picture(picture_for(picture, reader), self._engine.say)
                    stages["page"] = _ms(at, datetime.now(UTC))
            self._reached(incident, at, stages)
        return stages

    def _reached(self, incident: IncidentId, at: datetime, stages: dict[str, float]) -> None:
        known = self._engine.stages.get(incident)
        for stage, moment in (known.at if known else {}).items():
            stages.setdefault(stage, _ms(at, moment))
        source = self._relay.officer(incident)
        status = self._relay.status.get(source) if source is not None else None
        if status is not None and status.state is State.SHOWING:
            stages.setdefault("live", _ms(at, status.since))

    async def _withdrawn(
        self, name: str, mark: str, incident: IncidentId, began: float
    ) -> float | None:
        """End it on the maker's side and everywhere; None: a VMS has not taken it away."""
        engine = self._engine
        with contextlib.suppress(AdapterError, TimeoutError):
            over = await self._ask(name, mark, over=True)
            if over is not None and over.envelope is not None:
                await engine.receive(over.envelope)
        with contextlib.suppress(UnknownIncidentError):
            await engine.close(incident, "Renfort", engine.say("end of the exercise"))
        limit = monotonic() + WITHDRAWN_S
        while monotonic() < limit:
            picture = engine.pictures.get(incident)
            closed = picture is not None and picture.closed_by != ""
            if closed and not engine.dispatch.lacks(incident):
                return round((monotonic() - began) * 1000, 1)
            await asyncio.sleep(0.02)
        return None

    # --- for the page ---

    def told(self) -> dict[str, Any] | None:
        """Write when the chain last proved that it works; None where nothing can be exercised."""
        engine, last = self._engine, self.last
        if not engine.adapters.offering("exercise"):
            return None
        say, zone, due = engine.say, engine.settings.timezone, self.due(datetime.now(UTC))
        told: dict[str, Any] = {"well": True, "at": None, "ms": None, "next": view.millis(due)}
        if last is None:
            return {**told, "said": say("never checked end to end")}
        local = last.at.astimezone(zone)
        today = local.date() == datetime.now(zone).date()
        at = local.strftime("%H:%M" if today else "%d/%m %H:%M")
        return {
            **told,
            "well": last.well and not self._overdue(last),
            "at": view.millis(last.at),
            "ms": last.total_ms,
            "stages": last.stages,
            "byMaker": last.by_maker,
            "said": say("last end-to-end check: {time}, {said}", time=at, said=last.said()),
        }

    def _overdue(self, last: Proof) -> bool:
        """Whether one that was due has not been done."""
        due = self.due(last.at)
        return due is not None and datetime.now(UTC) > due + QUIET_MOST + timedelta(minutes=5)


async def _until(moment: datetime) -> None:
    """Wait for a moment of the wall clock, which may be set meanwhile."""
    left_s = (moment - datetime.now(UTC)).total_seconds()
    while left_s > 0:
        await asyncio.sleep(min(left_s, 30.0))
        left_s = (moment - datetime.now(UTC)).total_seconds()


def _ms(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds() * 1000, 1)
