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

    def note(self, rung: str, part: Part) -> None:
        """Make a rung's part durable with all the others.

        Raises
        ------
        Unreachable
            It cannot be: what it was to remember must not be done.
        """
        noted = {**self.parts, rung: part}
        if noted != self._kept:
            self._keep(noted)
            self._kept = noted

    def settle(self) -> None:
        """Make durable what was done; where that fails the receipt at the end still says it."""
        if self.parts != self._kept:
            try:
                self._keep(self.parts)
                self._kept = dict(self.parts)
            except AdapterError as error:
                log.warning("what was done is not durable yet: %s", error)
