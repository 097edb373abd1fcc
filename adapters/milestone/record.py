"""What we remember of an incident in XProtect: the content of our receipts. Pure.

The alarm first, then a part for each rung of the ladder (the wall, the event, the bookmarks…), each
its rung's own. No place and no name in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

from hooks import Message, Receipt

Part = Mapping[str, Any]
NOTHING: Part = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an alarm is known to say."""

    alarm: str
    state: str = "new"  #: a key of `alarm.LEVELS`; alarms begin as new
    priority: str = ""  #: a key of `alarm.LEVELS`; empty: not set yet
    assigned: str = ""  #: whom we said it is assigned to
    told: str = ""  #: what was last told to people, as `alarm.matters`; empty: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything remembered of one incident."""

    shown: Shown | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)

    def receipt(self, missing: Message | None = None) -> Receipt:
        """Write it down."""
        alarm = asdict(self.shown) if self.shown else {}
        parts = {name: dict(part) for name, part in self.parts.items() if part}
        return Receipt(data=json.dumps({**alarm, "parts": parts}), missing=missing)


def read_record(receipt: Receipt | None) -> Record:
    """Read what an earlier call wrote; what cannot be read is not there."""
    try:
        said = json.loads(receipt.data) if receipt else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return Record()
    parts = said.get("parts")
    parts = parts if isinstance(parts, dict) else {}
    kept = {name: part for name, part in parts.items() if isinstance(part, dict)}
    return Record(shown=_shown(said), parts=kept)


def _shown(said: Mapping[str, Any]) -> Shown | None:
    if not isinstance(said.get("alarm"), str):
        return None
    known = {each.name for each in fields(Shown)}
    return Shown(
        **{name: each for name, each in said.items() if name in known and isinstance(each, str)}
    )
