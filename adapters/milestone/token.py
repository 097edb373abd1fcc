"""The access token: asked once, renewed before it lapses, never asked for in a loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from hooks import Refused

#: Renewed that long before its end, or at half its life when that is shorter.
MARGIN_S = 60.0


class TokenKeeper:
    """Keeps one token for many threads.

    A wrong password is asked once: five would lock the account (`LockedOut`), and with it every
    other program of the site that uses it.

    Parameters
    ----------
    ask
        Asks the identity provider: the parsed answer, or `Refused` on `invalid_grant`.
    pause_s
        After a refusal, how long nothing is asked again.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self,
        ask: Callable[[], dict[str, Any]],
        pause_s: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask = ask
        self._pause_s = pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._refused: tuple[float, Refused] | None = None

    def get(self, spoiled: str = "") -> str:
        """Give a good token; `spoiled` is one that the server has just refused.

        Raises
        ------
        Refused
            The account is refused, now or less than `pause_s` ago.
        Unreachable
            The identity provider does not answer.
        """
        with self._lock:
            now = self._clock()
            if self._token and self._token != spoiled and now < self._renew_at:
                return self._token
            if self._refused is not None and now < self._refused[0]:
                raise self._refused[1]
            try:
                answer = self._ask()
            except Refused as error:
                self._refused = (now + self._pause_s, error)
                raise
            life_s = float(answer.get("expires_in", 3600))
            self._token = str(answer["access_token"])
            self._renew_at = now + max(life_s - MARGIN_S, life_s / 2)
            self._refused = None
            return self._token
