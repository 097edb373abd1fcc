"""What an adapter says of itself, and the connections it wants kept open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hooks.basics import ActivationId, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """Who the adapter is; constant."""

    name: str  #: also the prefix of its identifiers and its section in the configuration
    brand: str
    contract: int  #: the CONTRACT it was written for
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at on the other side, and what there is to say of it."""

    subject: str  #: what was looked at, as the site names it: a camera, a wall, a right
    well: bool
    said: Message  #: what was found, and what to do about it when it is not well


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the other side is, as the adapter found it just now."""

    alive: bool
    since: datetime | None = None
    clock_skew_s: float | None = None  #: their clock minus ours
    detail: Message | None = None  #: what it is, and what to do about it
    findings: tuple[Finding, ...] = ()  #: the rest, thing by thing, for `renfort doctor`


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A press that is not real: made on the maker's side, or to be heard at the host's inlet."""

    activation: ActivationId  #: the session it opens
    #: The bytes to hear, as the maker would send them; None: the maker's side was pressed, and will
    #: tell it itself, by the very path of a real press.
    envelope: Envelope | None = None


class Listener(Protocol):
    """What the host hands to a running feed."""

    async def __call__(self, envelope: Envelope) -> tuple[Message, ...]:
        """Take a message; return once its facts are durable, with what was wrong in it.

        Nothing is to be acknowledged to the other side before this returns.
        """
        ...

    def up(self) -> None:
        """Say that the connection stands and is proven alive (a heartbeat answered counts)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A connection the host keeps open: run, watched for silence, run again with back-off.

    `run` connects, calls `listener.up()` at each sign of life, awaits `listener(envelope)` for
    each message, and raises when the connection is lost. It runs on an event loop of its own:
    a feed that blocks hurts nobody else. It ends by being cancelled.
    """

    name: str
    run: Callable[[Listener], Awaitable[None]]
    silence_s: float = 60.0  #: without `up()` or a message for that long, it is taken for dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Bytes as they came, before anybody understood them."""

    adapter: str  #: whom they are for: the adapter's name
    body: bytes
    received_at: datetime  #: the host's clock
    channel: str = ""  #: the adapter's own word for where it came in ("events", "status"...)
    sender: str = ""  #: who sent it, for the record: an address, an account


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Something that others come and read at an outlet: a feed, a message."""

    body: bytes
    media_type: str  #: as HTTP says it: "application/atom+xml"
