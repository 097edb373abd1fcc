"""The integrator's hypervisor, through open standards: alerts out, crews and answers in."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.ineo.decode import decode_message
from adapters.ineo.identity import Crews
from hooks import (
    CONTRACT,
    AdapterInfo,
    BadSettings,
    Document,
    Envelope,
    Fact,
    Feed,
    Health,
    IncidentId,
    Listener,
    Message,
    Picture,
    Receipt,
    hookimpl,
)
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.ineo.gateway import Gateway
    from adapters.ineo.profile import Profile

#: How often the hypervisor is reached for, and how often an answer of its is looked for.
WATCH_S, LOOK_S = 20.0, 0.2


class Ineo:
    """The adapter; see README.md beside."""

    def __init__(self) -> None:
        self._profile: Profile | None = None
        self._gateway: Gateway | None = None
        self._crews = Crews()

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="ineo", brand="Hyperviseur (CAP, EMSI)", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the integrator's profile; every fault in it is named at once."""
        from adapters.ineo.gateway import Gateway  # noqa: PLC0415  (brings in requests, aio-pika)
        from adapters.ineo.profile import read_profile  # noqa: PLC0415

        section = Section(settings)
        path = section.text("profile")
        section.end()
        profile, faults = read_profile(Path(path))
        if faults:
            raise BadSettings("profile", path, "{faults}", faults=_joined(faults))
        self._profile, self._crews = profile, profile.crews
        self.close()
        self._gateway = Gateway(profile)

    def close(self) -> None:
        """Close the connections that are kept."""
        if self._gateway is not None:
            self._gateway.close()

    @property
    def _ready(self) -> Gateway:
        if self._gateway is None:
            raise BadSettings("profile", None, "write the path of the hypervisor's profile")
        return self._gateway

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        """Read what the hypervisor sends, by HTTP or through the broker."""
        identity = self._profile.identity if self._profile else None
        rules = self._profile.rules if self._profile else ()
        return decode_message(envelope, identity, self._crews, rules)

    @hookimpl
    def list_feeds(self) -> Iterable[Feed]:
        """Give the watch over the hypervisor, which also hears its answers, and the broker."""
        gateway = self._ready
        if gateway.webs:
            yield Feed(name="hypervisor", run=self._watch, silence_s=3 * WATCH_S)
        if gateway.queue is not None:
            yield Feed(name="amqp", run=gateway.queue.run, silence_s=45)

    async def _watch(self, listener: Listener) -> None:
        """Reach every server now and then; give the acknowledgements that came as answers."""
        gateway = self._ready
        reached_at = 0.0
        while True:
            now = asyncio.get_running_loop().time()
            if now - reached_at >= WATCH_S or not reached_at:
                reached_at = now
                await gateway.reach()
                listener.up()
            with contextlib.suppress(queue.Empty):
                while True:
                    await listener(gateway.answers.get_nowait())
            await asyncio.sleep(LOOK_S)

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        """Tell every endpoint what it does not know yet."""
        return self._ready.deliveries.tell(picture, receipt, repeated)

    @hookimpl
    def withdraw(self, picture: Picture, receipt: Receipt | None, repeated: bool) -> Receipt:
        """Tell them that it is over; what never arrived needs no end."""
        return self._ready.deliveries.tell(picture, receipt, repeated)

    @hookimpl
    def publish(
        self, path: str, pictures: tuple[Picture, ...], receipts: Mapping[IncidentId, Receipt]
    ) -> Document | None:
        """Give our alerts to whoever pulls them: `feed.atom`, and the CAP messages it links to."""
        from adapters.ineo import atom  # noqa: PLC0415

        gateway = self._ready
        return atom.document(
            path, pictures, receipts, gateway.published, gateway.profile.identity
        )  # fmt: skip

    @hookimpl
    def probe(self) -> Health:
        """Reach each server once; nothing is sent."""
        found = self._ready.probe()
        bad = [each for each in found if not each.well]
        return Health(
            alive=not bad, since=datetime.now(UTC), findings=tuple(found),
            detail=bad[0].said if bad else Message(text="the hypervisor can be reached"),
        )  # fmt: skip


def _joined(faults: list[BadSettings]) -> Message:
    """Say every fault of a profile in one sentence that can be translated."""
    said: Message | None = None
    for fault in reversed(faults):
        params: dict[str, Any] = {"field": fault.field, "remedy": _remedy(fault)}
        one = Message(text="{field}: {remedy}", params=params)
        said = one if said is None else Message(text="{one}; {more}",
                                                params={"one": one, "more": said})  # fmt: skip
    return said or Message(text="{field}: {remedy}", params={"field": "", "remedy": ""})


def _remedy(fault: BadSettings) -> Message:
    params = {
        name: value if isinstance(value, str | int | float | Message) else str(value)
        for name, value in fault.params.items()
    }
    return Message(text=fault.text, params=params)
