"""The words of crews: statuses and means, as French systems write them."""

from __future__ import annotations

from hooks import CrewStatus, Means

#: The words French systems use, beside the contract's own. Case and accents do not matter.
STATUSES = {
    "disponible": CrewStatus.FREE,
    "libre": CrewStatus.FREE,
    "engage": CrewStatus.ENGAGED,
    "engagee": CrewStatus.ENGAGED,
    "en route": CrewStatus.EN_ROUTE,
    "sur place": CrewStatus.ON_SCENE,
    "indisponible": CrewStatus.UNAVAILABLE,
    "pause": CrewStatus.BREAK,
    "en pause": CrewStatus.BREAK,
    "fin de service": CrewStatus.OFF_DUTY,
    **{status.value: status for status in CrewStatus},
}
MEANS = {
    "voiture": Means.CAR,
    "moto": Means.MOTORBIKE,
    "velo": Means.BIKE,
    "vtt": Means.BIKE,
    "a pied": Means.FOOT,
    "pied": Means.FOOT,
    "pedestre": Means.FOOT,
    **{means.value: means for means in Means},
}
