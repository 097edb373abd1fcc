"""What happens because time passes: ages refreshed, sources asked, what is over put away.

Each job runs for ever beside the engine and speaks to it by its public words.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from dateutil.relativedelta import relativedelta

from hooks import AdapterError, Crew, Health, Message
from vms_plugin import escalation
from vms_plugin.board import as_fact
from vms_plugin.legal import law
from vms_plugin.recordings import open_archive
from vms_plugin.recordings.retention import keep_the_month
from vms_plugin.register import Entry, Operation
from vms_plugin.waypoint import forget_trails, keep_assignments

if TYPE_CHECKING:
    from vms_plugin.engine import Engine

log = structlog.get_logger(__name__)

TICK_S = 1.0
#: Clocks drift by the hour; a probe may cost the other side some questions.
PROBE_S = 120.0
#: An adapter that could not say what its connections are is asked again after that.
AGAIN_S = 10.0
#: How often the town's files are looked at: a street that staff close is closed this soon.
WATCH_S = 2.0
#: Ages and estimates are refreshed this often when nothing else happens.
REFRESH_S = 5.0
#: Positions outside any incident are forgotten after that.
STRAY_S = 600.0
#: How long a message nobody understood is kept for a person to read: until the next day.
UNREAD_S = 86_400.0
#: The ways in closed incidents are looked at this often: all their pictures are read for it, a few
#: at a time.
TRAILS_S = 3600
#: Closed incidents stay on the page that long.
CLOSED_SHOWN_S = 3600.0


def jobs(engine: Engine) -> Iterator[Coroutine[None, None, None]]:
    """List what is to run for ever, each by itself."""
    yield _tick(engine)
    yield _survey(engine)
    yield _watch_layers(engine)
    yield _destroy_the_over(engine)
    yield _watch_roster(engine)
    for name in engine.adapters.offering("list_feeds"):
        yield _open_feeds(engine, name)
    for name in engine.adapters.offering("probe"):
        yield _probe(engine, name)
    for name in engine.adapters.offering("list_crews"):
        yield _ask_crews(engine, name)


async def _tick(engine: Engine) -> None:
    """Refresh what ages, close what the rule closes, forget what served."""
    kept_since = law(engine.settings.law_parameters).register_kept_since
    beats = 0
    while True:
        await asyncio.sleep(TICK_S)
        beats += 1
        engine.beat(refresh=beats % REFRESH_S == 0)
        if beats % REFRESH_S == 0 and (relieved := engine.patrols.relieved(_now())):
            await engine.hear(relieved, _now())
        await _close_the_over(engine)
        await _escalate(engine)
        await engine.store.arrears.settle()
        if beats % 60 == 0:
            with _put_off("what is over"):
                await engine.store.forget_strays(_now() - timedelta(seconds=STRAY_S))
                await engine.store.forget_unread(_now() - timedelta(seconds=UNREAD_S))
                await engine.store.forget_register(kept_since(_now()))
                await _forget_the_old(engine)
                await engine.patrols.forget()
            engine.clear_away(_now() - timedelta(seconds=CLOSED_SHOWN_S))
        if beats % TRAILS_S == 60:
            with _put_off("where people went"):
                await _forget_the_trails(engine)


async def _close_the_over(engine: Engine) -> None:
    after = timedelta(seconds=engine.settings.close_after_end_s)
    outcome = engine.say("closed by itself after the end of the activation")
    for name in list(engine.board.incidents):
        # As it stands now: while the one before was written, an operator may have closed this one.
        incident = engine.board.incidents.get(name)
        if incident is not None and incident.closes_by_itself(_now(), after):
            await engine.close(name, "Renfort", outcome)


async def _forget_the_old(engine: Engine) -> None:
    """Erase incidents whose time is over, and say so in the register (CNIL: three years)."""
    settings, now = engine.settings, _now()
    most = law(settings.law_parameters).require("log_kept_at_most", now.date())
    before = max(now - relativedelta(months=settings.log_months), now - most.delay)
    for incident in await engine.store.forget_incidents(before):
        why = engine.say("the time for which an incident is kept is over")
        entry = Entry(kind=Operation.ERASURE, who="Renfort", what=incident, why=why)
        await engine.store.note(entry)


async def _destroy_the_over(engine: Engine) -> None:
    """Destroy recordings when their month is over; what cannot be is said to the room."""

    def tell(why: Message | None) -> None:
        engine.unlawful = why

    await keep_the_month(open_archive(engine.settings, engine.store), tell)


async def _forget_the_trails(engine: Engine) -> None:
    """Erase where people went, second by second, long before the incident itself (CNIL)."""
    before = _now() - timedelta(days=engine.settings.incident_trail_days)
    for incident in await forget_trails(engine.store, before):
        why = engine.say("the time for which a way is kept is over")
        entry = Entry(kind=Operation.ERASURE, who="Renfort", what=incident, why=why)
        await engine.store.note(entry)


async def _escalate(engine: Engine) -> None:
    """Make louder what nobody confirms."""
    settings, reachable = engine.settings, bool(engine.adapters.offering("notify"))
    steps = [
        step
        for incident in engine.board.incidents.values()
        for step in escalation.due(
            incident, _now(), room_s=settings.escalate_after_s,
            outside_s=settings.notify_after_s, reachable=reachable,
        )
    ]  # fmt: skip
    if steps:
        await engine.escalate(steps)


async def _open_feeds(engine: Engine, name: str) -> None:
    """Open an adapter's connections: one that is slow holds up no other, nor the room."""
    while not await engine.open_feeds(name):  # noqa: ASYNC110  (asked anew, not looked at)
        await asyncio.sleep(AGAIN_S)


async def _probe(engine: Engine, name: str) -> None:
    """Ask how the other side is now and then: its clock above all, which no message tells."""
    while True:
        await asyncio.sleep(PROBE_S)
        try:
            found = await asyncio.wrap_future(engine.adapters.start(name, "probe"))
        except AdapterError:
            continue  # noted under its name
        if isinstance(found, Health):
            engine.healths[name] = found


async def _survey(engine: Engine) -> None:
    """Learn the territory, then the VMS's cameras, and keep them up to date."""
    await asyncio.to_thread(engine.atlas.load)
    await asyncio.to_thread(_settle)
    engine.redraw_all()
    while True:
        if await asyncio.to_thread(engine.atlas.ask_vms, engine.adapters):
            engine.redraw_all()
        await asyncio.sleep(engine.atlas.patience_s)


async def _watch_layers(engine: Engine) -> None:
    """Put the town's files in force when GIS staff have changed them."""
    while True:
        await asyncio.sleep(WATCH_S)
        if await asyncio.to_thread(engine.atlas.refresh):
            engine.redraw_all()
            await asyncio.to_thread(_settle)


async def _watch_roster(engine: Engine) -> None:
    """Put the roster in force when staff have changed it, and remember what it said."""
    while True:
        if await asyncio.to_thread(engine.roster.refresh):
            with _put_off("who wears what"):
                await keep_assignments(engine.store, engine.roster.lines(), _now())
            engine.redraw_all()
        await asyncio.sleep(WATCH_S)


async def _ask_crews(engine: Engine, name: str) -> None:
    """Ask a source that does not tell by itself, while an incident is open."""
    while True:
        await asyncio.sleep(REFRESH_S)
        if all(each.closed for each in engine.board.incidents.values()):
            continue
        at = _now()
        try:
            crews = await asyncio.wrap_future(engine.adapters.start(name, "list_crews", at=at))
        except AdapterError:
            continue  # noted under its name
        known = [crew for crew in crews if isinstance(crew, Crew)]
        await engine.hear([as_fact(crew, at, at.isoformat()) for crew in known], at)


def _settle() -> None:
    """Leave what lasts, the town and the program, out of the rounds of the garbage collector.

    A full round over all of it holds up everybody, for longer than a press may take.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def _put_off(what: str) -> Iterator[None]:
    """Go on when the disk takes nothing: this is done again later, and the room must not stop."""
    try:
        yield
    except sqlite3.Error as error:
        log.warning("put off", what=what, why=str(error))


def _now() -> datetime:
    return datetime.now(UTC)
