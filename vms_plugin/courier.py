"""Make one adapter show what is wanted, however slow or dead its VMS is. One courier an adapter."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Any

from hooks import AdapterError, Message, Receipt, Refused
from vms_plugin.adapters import CALL_S, Adapters
from vms_plugin.delivery import Ledger, Shown, due, failed, succeeded
from vms_plugin.errand import Call
from vms_plugin.store import Delivered, Store

#: Calls one adapter may have open at once: enough for a bad night, not for a flood.
OPEN_CALLS = 8


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

    async def remember(self) -> None:
        """Read what this adapter was made to show before the host was restarted."""
        for row in await self._store.delivered(self.adapter):
            self.ledger.shown[row.subject] = Shown(
                version=row.version, receipt=row.receipt, asked=True
            )

    def want(self, subject: str, version: int, *, urgent: bool = False) -> None:
        """Ask for a version of a subject; returns at once."""
        if self.ledger.want(subject, version, urgent=urgent):
            self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
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
                try:
                    await asyncio.wait_for(self._wake.wait(), wait_s)
                except TimeoutError:
                    continue
        finally:
            for task in self._busy.values():
                task.cancel()

    async def _deliver(self, subject: str) -> None:
        """Close one difference. Never two at once for one subject: a late answer is waited for."""
        try:
            before = self.ledger.state(subject)
            call = self._call_for(self.adapter, subject, before)
            if call is None:
                self.ledger.forget(subject)
                return
            if not before.asked:
                # Durable before the call: after a crash, the adapter must look before it creates.
                await self._keep(subject, before)
            try:
                answer = await self._watched(call)
            except AdapterError as error:
                state = failed(
                    before, now=monotonic(), jitter=random.random(),  # noqa: S311  (no secret)
                    hopeless=isinstance(error, Refused),
                )  # fmt: skip
                self.ledger.shown[subject] = state
                return
            receipt = answer.data if isinstance(answer, Receipt) else before.receipt
            state = succeeded(before, call.version, receipt)
            self.ledger.shown[subject] = state
            await self._keep(subject, state)
            self._on_shown(self.adapter, subject, call.version)
        finally:
            del self._busy[subject]
            self._wake.set()

    async def _keep(self, subject: str, state: Shown) -> None:
        await self._store.keep_delivered(
            Delivered(
                subject=subject,
                adapter=self.adapter,
                version=state.version,
                receipt=state.receipt,
            )
        )

    async def _watched(self, call: Call) -> object:
        """Wait for the answer; past the deadline say so, and go on waiting."""
        future: Future[Any] = self._adapters.start(self.adapter, call.hook, **call.facts)
        answer = asyncio.wrap_future(future)
        done, _ = await asyncio.wait({answer}, timeout=CALL_S)
        if not done:
            late = Message(
                text="no answer to {hook} within {seconds:g} s",
                params={"hook": call.hook, "seconds": CALL_S},
            )
            self._adapters.fail(self.adapter, call.hook, late)
        return await answer
