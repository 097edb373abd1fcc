"""What each way of showing did, on the disk before the next is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from adapters.milestone.record import Part
from hooks import AdapterError

log = logging.getLogger(__name__)

KeepParts = Callable[[Mapping[str, Part]], None]


def unkept(_parts: Mapping[str, Part]) -> None:
    """Keep nothing: nobody gave us a disk."""


class Durable:
    """The parts of one incident's receipt, and which of them are durable."""

    def __init__(self, parts: dict[str, Part], keep: KeepParts) -> None:
        self.parts, self._keep = parts, keep
        self._kept: Mapping[str, Part] = dict(parts)
        #: The disk failed in this call: it is not waited for again.
        self._fault: AdapterError | None = None

    def keep(self, rung: str, part: Part) -> None:
        """Make a rung's part durable with all the others.

        Raises
        ------
        Unreachable
            It cannot be: what could not be undone without it must not be done.
        """
        self._write({**self.parts, rung: part})

    def note(self, rung: str, part: Part) -> None:
        """Do the same where the disk allows: what follows is done all the same."""
        self._try({**self.parts, rung: part})

    def settle(self) -> None:
        """Make durable what was done; where that fails the receipt at the end still says it."""
        self._try(dict(self.parts))

    def _try(self, parts: dict[str, Part]) -> None:
        try:
            self._write(parts)
        except AdapterError as error:
            log.warning("what is done is not durable yet: %s", error)

    def _write(self, parts: dict[str, Part]) -> None:
        if parts == self._kept:
            return
        if self._fault is not None:
            raise self._fault
        try:
            self._keep(parts)
        except AdapterError as error:
            self._fault = error
            raise
        self._kept = parts
