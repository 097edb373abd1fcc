"""A hypervisor: the other side of the open standards, for demonstrations and tests."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette

from adapters._simulated.trouble import Moods, Trouble
from adapters.ineo.simulator import control, inlets, judge, soap
from adapters.ineo.simulator.broker import IN, OUT, Post
from adapters.ineo.simulator.desk import Desk, Received
from adapters.ineo.simulator.inlets import Habits
from adapters.ineo.simulator.outgoing import Partner, acknowledgement
from adapters.ineo.simulator.trouble import Misbehaviour

__all__ = ["Simulator"]


#: A client that is told "ready" finds the queues, if the broker is there within that.
PATIENCE_S = 10.0


class Simulator:
    """What `renfort simulate ineo` serves."""

    def __init__(self, options: argparse.Namespace, clock: Callable[[], float] = time.time) -> None:
        self._options = options
        self.desk = Desk()
        self.habits = Habits(ack=options.ack)
        self.partner = Partner(
            options.renfort, options.renfort_token, options.renfort_ca or True
        )  # fmt: skip
        self.moods = Moods[Trouble](clock)
        self._post = Post(options.amqp, self._published) if options.amqp else None
        self._pushing: set[asyncio.Task[Any]] = set()
        served = Starlette(
            routes=[
                *inlets.routes(self.desk, self.habits, options.token, self._push),
                *soap.routes(self.desk),
                *control.routes(self),
            ],
            lifespan=self._lifespan,
        )
        self.app = Misbehaviour(served, self.moods)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the token, the partner, the broker, the habits."""
        parser.add_argument("--token", default="jeton-du-simulateur-ineo", help="of its inlets")
        parser.add_argument("--renfort", default="", metavar="URL", help="…/intake/ineo")
        parser.add_argument("--renfort-token", default="", metavar="TOKEN")
        parser.add_argument("--renfort-ca", default="", metavar="FILE.pem")
        parser.add_argument("--amqp", default="", metavar="URL", help="amqp://account@host/")
        parser.add_argument("--ack", default="none", choices=["none", "answer", "push"])

    def ready(self, url: str) -> dict[str, object]:
        """Say what a client needs besides the address."""
        return {
            "token": self._options.token, "cap": f"{url}/cap", "emsi": f"{url}/emsi",
            "vendor": f"{url}/vendor/alarms", "wsdl": f"{url}/soap?wsdl", "soap": f"{url}/soap",
            "queue_in": IN, "queue_out": OUT, "control": f"{url}/simulator",
        }  # fmt: skip

    async def say(self, body: bytes, content_type: str, by: str = "https") -> dict[str, Any]:
        """Say something to Renfort."""
        if by == "https":
            return await self.partner.send(body, content_type)
        if self._post is None:
            raise KeyError("broker: start with --amqp")
        await self._post.publish(body, content_type)
        return {"published": len(body)}

    def _published(self, body: bytes, content_type: str) -> None:
        self.desk.take(inlets.read(body, content_type, carrier="amqp"))

    def _push(self, message: Received) -> None:
        body = acknowledgement(message, "Ack", serial=self.habits.number())
        task = asyncio.create_task(self.partner.send(body, "application/cap+xml"))
        self._pushing.add(task)
        task.add_done_callback(self._pushing.discard)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        judge.prepare()  # before the first client comes, who would wait for it
        post = None
        if self._post is not None:
            post = asyncio.create_task(self._post.run())
            with suppress(TimeoutError):  # a broker that is away is waited for, not for ever
                await asyncio.wait_for(self._post.standing.wait(), PATIENCE_S)
        yield
        if post is not None:
            post.cancel()
            await asyncio.gather(post, return_exceptions=True)
