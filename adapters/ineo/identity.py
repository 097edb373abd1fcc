"""Who we are to a hypervisor, and what its integrator wants said in his own codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from hooks import CrewId, Means

_FRANCE = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What every message says of its sender and of whom it is for."""

    sender: str  #: CAP: no space, comma, `<` nor `&`
    organisation: str  #: EMSI: `fr.police.<town>.renfort`; ours, nobody allocated it
    name: str  #: for people: "CSU de La Grande-Motte"
    recipient: str = "hyperviseur"
    address_scheme: str = "hubex"
    restriction: str = "Police municipale et poste de commandement (CSI R241-12)"
    zone: ZoneInfo = _FRANCE
    lifetime: timedelta = timedelta(hours=24)
    event: str = "Agent en danger"
    codes: Mapping[str, str] = field(default_factory=dict)  #: CAP eventCode
    category: str = "PSW/ALM"  #: EMSI ETYPE.CATEGORY
    actor: str = "PPL"
    place: str = "OTH"  #: EMSI ETYPE.LOCTYPE

    def resource(self, crew: str) -> str:
        """Name a crew as a shared resource of ours."""
        return f"{self.organisation}.resource.{crew}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A crew that the integrator names: what GEO-POS does not say of it."""

    name: str | None = None
    means: Means | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crews:
    """Whose positions are read, and how old they are when they are told."""

    organisations: tuple[str, ...] = ()  #: none: everybody's
    delay: timedelta = timedelta(seconds=5)  #: from the fix to its reception, at the most usual
    known: Mapping[str, Known] = field(default_factory=dict)

    def reads(self, resource: str) -> bool:
        """Whether this resource's positions are ours to show."""
        return not self.organisations or any(
            resource == each or resource.startswith(f"{each}.") for each in self.organisations
        )


def crew_id(resource: str) -> CrewId:
    """Name a crew by its shared identifier."""
    return CrewId(f"ineo:{resource}")
