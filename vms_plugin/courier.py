"""Make one adapter show what is wanted, however slow or dead its VMS is. One courier an adapter."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from hooks import AdapterError, IncidentId, Keep, Message, Receipt, Refused, Unreachable
from hooks.causes import cause
from vms_plugin.adapters import CALL_S, Adapters
from vms_plugin.delivery import Ledger, Shown, Told, due, failed, succeeded, unfinished
from vms_plugin.errand import Call
from vms_plugin.store import Delivered, Store

#: Calls one adapter may have open at once: enough for a bad night, not for a flood.
OPEN_CALLS = 8
#: Under that name is said what `show` could not do, the alert being shown.
PARTLY = "show, in part"
#: The calls made from here: once nothing is behind, none of them fails any more.
CALLS = ("recall", "show", PARTLY, "withdraw", "engage", "release", "acknowledge", "notify")
#: How long an adapter waits for the disk before it replaces something.
KEEP_S = 5.0


class Courier:
    """Drives one adapter until the versions wanted and shown agree."""

    def __init__(
        self,
        adapter: str,
        adapters: Adapters,
        store: Store,
        call_for: Callable[[str, str, Shown], Call | None],
        on_shown: Callable[[str, str, int], None],
    ) -> None:
        self.adapter = adapter
        self.ledger = Ledger()
        self._adapters = adapters
        self._store = store
        self._call_for = call_for
        self._on_shown = on_shown
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._recalled: dict[IncidentId, Receipt] = {}

    async def remember(self, incidents: Iterable[IncidentId]) -> None:
        """Read what this adapter was made to show before the host was restarted.

        Of these incidents, those on the board, it is told its own answers before anything else.
        """
        for row in await self._store.delivered(self.adapter):
            self.ledger.shown[row.subject] = Shown(
                version=row.version, receipt=row.receipt, asked=True
            )
        self._recalled = self.receipts(incidents)

    def want(self, subject: str, version: int, *, urgent: bool = False) -> None:
        """Ask for a version of a subject; returns at once."""
        if self.ledger.want(subject, version, urgent=urgent):
            self._wake.set()

    def receipts(self, incidents: Iterable[IncidentId]) -> dict[IncidentId, Receipt]:
        """Give the adapter's last answers about these incidents."""
        known = {incident: self.ledger.shown.get(incident) for incident in incidents}
        return {
            incident: Receipt(data=shown.receipt)
            for incident, shown in known.items()
            if shown is not None and shown.receipt is not None
        }

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._recall()
        try:
            while True:
                self._wake.clear()
                now = monotonic()
                chosen = due(
                    self.ledger.wanted,
                    self.ledger.shown,
                    busy=self._busy.keys(),
                    now=now,
                    room=OPEN_CALLS - len(self._busy),
                )
                for subject in chosen.subjects:
                    self._busy[subject] = asyncio.create_task(self._deliver(subject))
                wait_s = None if chosen.again_at is None else max(0.0, chosen.again_at - now)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
        finally:
            for task in self._busy.values():
                task.cancel()

    async def _recall(self) -> None:
        """Tell the adapter its own answers; one that cannot take them is asked all the same."""
        if not self._recalled or not self._adapters[self.adapter].offers("recall"):
            return
        ask = partial(self._adapters.ask, self.adapter, "recall", receipts=self._recalled)
        with contextlib.suppress(AdapterError):  # noted under its name
            await asyncio.to_thread(ask)

    async def _deliver(self, subject: str) -> None:
        """Close one difference. Never two at once for one subject: a late answer is waited for."""
        try:
            before = self.ledger.state(subject)
            call = self._call_for(self.adapter, subject, before)
            if call is None:
                self.ledger.forget(subject)
                self._absolve()
                return
            if not before.asked:
                # Durable before the call: after a crash, the adapter must look before it creates.
                await self._keep(subject, before)
            try:
                answer = await self._watched(call, self._keeper(subject))
            except AdapterError as error:
                state = failed(
                    self.ledger.state(subject), now=monotonic(), jitter=random.random(),  # noqa: S311  (no secret)
                    hopeless=isinstance(error, Refused),
                )  # fmt: skip
                self.ledger.shown[subject] = state
                return
            state = self._after(answer, call, before)
            self.ledger.shown[subject] = state
            await self._keep(subject, state)
            self._absolve()
            self._on_shown(self.adapter, subject, call.version)
        finally:
            del self._busy[subject]
            self._wake.set()

    def _after(self, answer: object, call: Call, before: Shown) -> Shown:
        """Say what is shown now; what is missing though the alert is shown is said, and retried."""
        if isinstance(answer, Receipt) and answer.missing is not None and call.hook == "show":
            self._adapters.fail(self.adapter, PARTLY, answer.missing)
            return unfinished(
                before,
                call.version,
                answer.data,
                now=monotonic(),
                jitter=random.random(),  # noqa: S311
            )
        if call.hook == "show":
            self._adapters.succeed(self.adapter, PARTLY)
        return succeeded(before, call.version, _kept(answer, before.receipt))

    def _absolve(self) -> None:
        """Say no more of what failed for a subject that is over, when nothing else is behind."""
        if not self.ledger.behind():
            for hook in CALLS:
                self._adapters.succeed(self.adapter, hook)

    def _keeper(self, subject: str) -> Keep:
        """Make what lets an adapter note, in its own thread, what it is about to replace."""
        loop = asyncio.get_running_loop()

        async def kept(receipt: Receipt) -> None:
            state = replace(self.ledger.state(subject), receipt=receipt.data, asked=True)
            self.ledger.shown[subject] = state
            await self._keep(subject, state)

        def keep(receipt: Receipt) -> None:
            try:
                asyncio.run_coroutine_threadsafe(kept(receipt), loop).result(KEEP_S)
            except Exception as error:
                raise Unreachable(
                    "a receipt cannot be kept: {cause}", cause=cause(error)
                ) from error

        return keep

    async def _keep(self, subject: str, state: Shown) -> None:
        await self._store.keep_delivered(
            Delivered(
                subject=subject,
                adapter=self.adapter,
                # What is unfinished is taken up again after a restart.
                version=state.version - state.unfinished,
                receipt=state.receipt,
            )
        )

    async def _watched(self, call: Call, keep: Keep) -> object:
        """Wait for the answer; past the deadline say so, and go on waiting."""
        facts = {**call.facts, "keep": keep}
        # What one subject gets says nothing of another that fails: `_absolve` does, of them all.
        future: Future[Any] = self._adapters.start(self.adapter, call.hook, clears=False, **facts)
        answer = asyncio.wrap_future(future)
        done, _ = await asyncio.wait({answer}, timeout=CALL_S)
        if not done:
            late = Message(
                text="no answer to {hook} within {seconds:g} s",
                params={"hook": call.hook, "seconds": CALL_S},
            )
            self._adapters.fail(self.adapter, call.hook, late)
            await answer
            self._adapters.succeed(self.adapter, call.hook)  # it may have come meanwhile
        return await answer


def _kept(answer: object, before: str | None) -> str | None:
    """Say what is kept of an answer: a receipt, or whether the person was told."""
    if isinstance(answer, Receipt):
        return answer.data
    return str(Told.YES if answer else Told.NO) if isinstance(answer, bool) else before
