"""How a simulated server misbehaves when told to: late, failing, losing its replies, cutting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The status of a trouble that breaks the connection.
CUT = 0


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What strikes the requests of a path, so many times or until a moment.

    `after`: the work is done first, and its answer is lost.
    """

    status: int = 500
    path: str = ""
    after: bool = False
    left: int | None = 1
    until: float | None = None

    def strikes(self, scope: Scope) -> bool:
        """Tell whether it is for this request."""
        return str(scope["path"]).startswith(self.path)


Kind = TypeVar("Kind", bound=Trouble)


@dataclass(slots=True)
class Moods(Generic[Kind]):
    """The troubles to come, and how late every answer is."""

    clock: Callable[[], float]
    slow_s: float = 0.0
    troubles: list[Kind] = field(default_factory=list)

    def next(self, scope: Scope) -> Kind | None:
        """Take the trouble that strikes this request, the oldest first."""
        self.troubles = [each for each in self.troubles if not self._over(each)]
        for trouble in self.troubles:
            if trouble.strikes(scope):
                if trouble.left is not None:
                    trouble.left -= 1
                return trouble
        return None

    def _over(self, trouble: Kind) -> bool:
        late = trouble.until is not None and self.clock() >= trouble.until
        return late or trouble.left == 0


async def serve(
    app: ASGIApp, moods: Moods[Kind], answer: Callable[[Kind], ASGIApp],
    scope: Scope, receive: Receive, send: Send,
) -> None:  # fmt: skip
    """Serve a request, or the trouble that strikes it, by this answer."""
    if moods.slow_s:
        await asyncio.sleep(moods.slow_s)
    trouble = moods.next(scope)
    if trouble is None:
        await app(scope, receive, send)
        return
    if trouble.after:
        await app(scope, receive, _nowhere)
    else:
        # A real server that fails has received the request all the same.
        await Request(scope, receive).body()
    if trouble.status == CUT:
        await cut(receive, send)
    else:
        await answer(trouble)(scope, receive, send)


async def cut(receive: Receive, send: Send) -> None:
    """Break the connection without a byte of answer; ASGI has no word for it, uvicorn a way."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionAbortedError("cut, as told")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _nowhere(_message: Message) -> None:
    return None
