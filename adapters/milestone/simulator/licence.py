"""Editions of the product, and what each one allows."""

from __future__ import annotations

from dataclasses import dataclass

#: Edition → stock keeping unit. Essential+'s is recorded, the others are deduced from it.
EDITIONS = {
    "Essential+": "XPESPLUS", "Express+": "XPEXPLUS", "Professional+": "XPPPLUS",
    "Expert": "XPET", "Corporate": "XPCO",
}  # fmt: skip


@dataclass(slots=True)
class Licence:
    """What the site bought."""

    edition: str = "Corporate"
    smart_wall_addon: bool = False
    devices: int = 10_000

    @property
    def smart_wall(self) -> bool:
        """Corporate includes it, Expert may add it: the maker's product pages."""
        return self.edition == "Corporate" or (self.edition == "Expert" and self.smart_wall_addon)

    @property
    def evidence_locks(self) -> bool:
        """Corporate alone: the README of the maker's sample EvidenceLock."""
        return self.edition == "Corporate"

    @property
    def bookmarks(self) -> bool:
        """Corporate, Expert and Professional+: the maker's documentation of BookmarkCreate."""
        return self.edition in ("Corporate", "Expert", "Professional+")
