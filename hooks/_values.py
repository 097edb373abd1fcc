"""What the contract's types are made with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """An enum that new firmware cannot break: what it does not know is `UNKNOWN`."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls("unknown")


def require_aware(name: str, value: datetime | None) -> None:
    """Refuse a moment without time zone: `ValueError`."""
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{name} must carry a time zone, got {value.isoformat()}")
