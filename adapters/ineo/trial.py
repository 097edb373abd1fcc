"""A marked exercise: what `renfort ineo essai` sends, and what templates are tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.ineo import templates
from adapters.ineo.identity import Identity
from adapters.ineo.message import Act, Saying, identifier, opening
from hooks import (
    CrewId,
    DeviceId,
    IncidentId,
    Officer,
    Phase,
    Picture,
    Position,
    Situation,
    SourceKind,
    Trigger,
)


def picture(now: datetime, *, lon: float = 4.0853, lat: float = 43.5606) -> Picture:
    """Draw the picture of an exercise."""
    name = f"ineo:essai-{int(now.timestamp())}"
    return Picture(
        incident=IncidentId(name), version=1, phase=Phase.NEW, opened_at=now,
        device=DeviceId("ineo:essai"), officer=Officer(call_sign="PM-ESSAI"),
        kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON, exercise=True,
        position=Position(lon=lon, lat=lat, accuracy_m=12, fixed_at=now, source="gnss"),
        situation=Situation(near="rue de l’Essai"),
        title="EXERCICE — AGENT EN DANGER : PM-ESSAI, rue de l’Essai",
        text="EXERCICE : essai de la liaison avec l’hyperviseur.\nAucune intervention.",
    )  # fmt: skip


def sayings(now: datetime) -> tuple[Saying, Saying, Saying]:
    """Tell it whole: its opening, one change, its end."""
    first = picture(now)
    name, sent = opening(first)
    replaces = ((name, sent.isoformat()),)
    second = replace(first, version=2, phase=Phase.ENGAGED, owner="Essai",
                      engaged=(CrewId("crews:essai"),))  # fmt: skip
    third = replace(second, version=3, phase=Phase.CLOSED, closed_by="Essai",
                     outcome="Fin de l’exercice", ended_at=now)  # fmt: skip
    update = identifier(first.incident, "2", now)
    return (
        Saying(act=Act.OPEN, identifier=name, sent=sent, picture=first, trial=True),
        Saying(act=Act.UPDATE, identifier=update, sent=sent, picture=second, replaces=replaces,
               trial=True),
        Saying(act=Act.END, identifier=identifier(first.incident, "end", now), sent=sent,
               picture=third, replaces=(*replaces, (update, sent.isoformat())), trial=True),
    )  # fmt: skip


#: What an act may be told of: after an outage an opening may tell of an incident under way.
_PHASES = {
    Act.OPEN: (Phase.NEW, Phase.TAKEN, Phase.ENGAGED),
    Act.UPDATE: (Phase.NEW, Phase.TAKEN, Phase.ENGAGED),
    Act.END: (Phase.CLOSED,),
}


def samples(act: Act, codes: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """Give what a template will meet, to try it before anything happens.

    All is known, or nothing is: a press without a position must not find out that a template
    cannot do without.
    """
    identity = Identity(
        sender="essai", organisation="fr.police.essai.renfort", name="Essai",
        zone=ZoneInfo("Europe/Paris"),
    )  # fmt: skip
    now = datetime(2026, 11, 23, 17, 4, 5, tzinfo=UTC)
    [saying] = [each for each in sayings(now) if each.act is act]
    for phase in _PHASES[act]:
        whole = replace(saying, picture=replace(saying.picture, phase=phase))
        yield templates.context(whole, identity, codes)
        for trigger in Trigger:
            bare = replace(whole, picture=_bare(whole.picture, trigger), trial=False)
            yield templates.context(bare, identity, codes)


def _bare(picture: Picture, trigger: Trigger) -> Picture:
    """Take from a picture all that may be unknown."""
    return replace(
        picture, officer=Officer(), trigger=trigger, exercise=False, position=None, text="",
        situation=Situation(), link_up=False, owner="", engaged=(), closed_by="", outcome="",
        ended_at=None,
    )  # fmt: skip
