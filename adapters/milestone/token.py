"""The access token: asked once, renewed before it lapses, never asked for in a loop."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from hooks import AdapterError, Message, Refused, Unreachable

log = logging.getLogger(__name__)

#: Renewed that long before its end, or at half its life when that is shorter.
MARGIN_S = 60.0
#: While a token still serves, how long a renewal that failed is not tried again.
AGAIN_S = 10.0
#: The maker's default, for an answer that does not say.
LIFE_S = 3600.0
#: Five wrong passwords in a row lock an account (the default of the identity provider's library),
#: however long between them: after two nothing more is asked until a person has looked. Two hosts
#: may share the account, and somebody asks doctor what is wrong.
MOST_REFUSALS = 2


class AccountRefusedError(Refused):
    """The identity provider refuses the account; made from the sentence that says so.

    `locked`: already, so the password was not looked at, and asking again makes nothing worse.
    """

    def __init__(self, said: Refused, *, locked: bool = False) -> None:
        super().__init__(said.text, **said.params)
        self.locked = locked


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    renew_at: float
    ends_at: float


class TokenKeeper:
    """Keeps one token for many threads: one asks, the others wait or use the one that serves.

    A wrong password is asked once, then after a pause; then never again by this program: a few of
    them lock the account (`LockedOut`), and with it all that use it. One that is locked already is
    asked after each pause, so that we are back when somebody has unlocked it.

    Parameters
    ----------
    ask
        Asks the identity provider: its parsed answer, or `AccountRefusedError`.
    pause_s
        After a refusal, how long nothing is asked again.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self,
        ask: Callable[[], Mapping[str, Any]],
        pause_s: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask = ask
        self._pause_s = pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        #: The last answer was no, and is held for everybody who asked before that time.
        self._no: tuple[float, AdapterError] | None = None
        self._refusals = 0

    def get(self, spoiled: str = "") -> str:
        """Give a good token; `spoiled` is one that the server has just refused.

        Raises
        ------
        Refused
            The account is refused, now or less than `pause_s` ago.
        Unreachable
            The identity provider does not answer.
        """
        began, held = self._clock(), self._serving(spoiled)
        if held and began < held.renew_at:
            return held.token
        # A press does not wait behind the renewal of a token that still serves.
        if held is None:
            self._lock.acquire()
        elif not self._lock.acquire(blocking=False):
            return held.token
        try:
            return self._renewed(spoiled, began)
        finally:
            self._lock.release()

    def _serving(self, spoiled: str) -> _Held | None:
        held = self._held
        serves = held and held.token != spoiled and self._clock() < held.ends_at
        return held if serves else None

    def _renewed(self, spoiled: str, began: float) -> str:
        """Renew, unless another thread just did; a token that still serves outlives a failure."""
        held = self._serving(spoiled)
        if held and self._clock() < held.renew_at:
            return held.token
        try:
            self._held = self._asked(began)
        except AdapterError as error:
            if held is None:
                raise
            log.warning("the token is not renewed yet: %s", error)
            self._held = replace(held, renew_at=self._clock() + AGAIN_S)
        return self._held.token

    def _asked(self, began: float) -> _Held:
        """Ask, unless the account is refused, or the answer was no while this thread waited."""
        if self._no and began < self._no[0]:
            raise _again(self._no[1])
        now = self._clock()
        try:
            held = _read(self._ask(), now)
        except AccountRefusedError as error:
            self._refusals += not error.locked
            last = self._refusals >= MOST_REFUSALS
            said = _for_good(error) if last else error
            self._no = (self._clock() + (math.inf if last else self._pause_s), said)
            raise said from error
        except AdapterError as error:
            self._no = (self._clock(), error)
            raise
        self._no, self._refusals = None, 0
        return held


def _for_good(error: AccountRefusedError) -> AccountRefusedError:
    refused = Message(text=error.text, params={k: str(v) for k, v in error.params.items()})
    return AccountRefusedError(
        Refused("{refused}. It is asked no more, lest it be locked: restart Renfort once it is "
                "mended", refused=refused)
    )  # fmt: skip


def _again(error: AdapterError) -> AdapterError:
    """Say the same without the first one's traceback, which grows each time it is raised."""
    kind = Refused if isinstance(error, Refused) else Unreachable
    return kind(error.text, **error.params)


def _read(answer: Mapping[str, Any], now: float) -> _Held:
    """Note a token and its life, in seconds; a life that makes no sense is the default one."""
    try:
        life_s = float(answer.get("expires_in", LIFE_S))
    except (TypeError, ValueError):
        life_s = LIFE_S
    if not (math.isfinite(life_s) and life_s > 0):
        life_s = LIFE_S
    renew_at = now + max(life_s - MARGIN_S, life_s / 2)
    return _Held(str(answer["access_token"]), renew_at, now + life_s)
