"""EMSI out: our incidents as EVENT, with a RESOURCE for each crew engaged. Pure.

No MISSION is written: the French profile allows twenty-two types of them, all of rescue and health;
a police reinforcement is none of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.ineo.edxl import distribution_id
from adapters.ineo.identity import Identity, crew_id
from adapters.ineo.message import Act, Saying, stamp
from hooks import Crew, CrewStatus, Means, Picture, Position, Trigger
from hooks.reading import printable

NAMESPACE = "urn:emergency:eda:1.9:emsi"


def event(saying: Saying, identity: Identity) -> dict[str, Any]:
    """Write the incident as EMSI: CONTEXT, EVENT, and a RESOURCE for each crew engaged."""
    picture = saying.picture
    body: dict[str, Any] = {
        "CONTEXT": _context(saying, identity),
        "EVENT": _event(saying, identity),
    }
    # What is over engages nobody: whether they are free is for their own centre to say.
    engaged = () if saying.act is Act.END else _engaged(picture)
    resources = [_resource(crew, identity) for crew in engaged]
    return {**body, "RESOURCE": resources} if resources else body


def _context(saying: Saying, identity: Identity) -> dict[str, Any]:
    return {
        "ID": distribution_id(saying, identity),
        "MODE": "EXERCS" if saying.exercise else "ACTUAL",
        "MSGTYPE": "ALERT" if saying.act is Act.OPEN else "UPDATE",
        "CREATION": stamp(saying.sent, identity.zone),
        "LEVEL": "OPR",
        "SECLASS": "RESTRC",
        "FREETEXT": _text(saying.picture.title),
        "ORIGIN": {
            "ORG_ID": identity.organisation, "USER_ID": "renfort", "NAME": _text(identity.name)
        },
        "URGENCY": "URGENT",
    }  # fmt: skip


def _event(saying: Saying, identity: Identity) -> dict[str, Any]:
    picture = saying.picture
    local = saying.identifier.split(".")[1]
    opened = stamp(picture.opened_at, identity.zone)
    written: dict[str, Any] = {
        "ID": local,
        "NAME": _text(identity.event),
        "MAIN_EVENT_ID": f"{identity.organisation}.{local}",
        "ETYPE": {
            "CATEGORY": [identity.category], "ACTOR": [identity.actor], "LOCTYPE": [identity.place]
        },
        "SOURCE": "SENSOR" if picture.trigger == Trigger.FALL else "HUMOBS",
        "DECL_DATIME": opened,
        "OCC_DATIME": opened,
        "STATUS": "COM" if saying.act is Act.END else "IPR",
    }  # fmt: skip
    if picture.position is not None:
        written["EGEO"] = [_geo(picture, identity)]
    written["FREETEXT"] = "\n".join(_text(line) for line in picture.text.splitlines())
    return written


def _geo(picture: Picture, identity: Identity) -> dict[str, Any]:
    place = picture.position
    if place is None:
        return {}
    written: dict[str, Any] = {}
    if place.fixed_at is not None:
        written["DATIME"] = stamp(place.fixed_at, identity.zone)
    written["TYPE"] = "GEN/EVENT"
    if picture.last_known:
        written["FREETEXT"] = "Dernière position connue"
    elif place.accuracy_m is not None:
        written["FREETEXT"] = f"À {max(1, round(place.accuracy_m))} m près"
    written["POSITION"] = _position(place, picture.situation.near)
    return written


def _position(place: Position, name: str = "") -> dict[str, Any]:
    named = {"NAME": _text(name)} if name else {}
    return {
        **named,
        "TYPE": "POINT",
        "COORDSYS": "EPSG-4326",
        "COORD": [{"LAT": round(place.lat, 6), "LONG": round(place.lon, 6)}],
    }


def _engaged(picture: Picture) -> Iterator[Crew]:
    known = {each.crew.id: each.crew for each in picture.situation.reinforcements}
    for name in picture.engaged:
        yield known.get(name, Crew(id=name))


_CLASSES = {
    Means.CAR: "MAT/VEH/ROADVE/POLICE/PATROL",
    Means.MOTORBIKE: "MAT/VEH/ROADVE/POLICE/MBIKE",
}


def _resource(crew: Crew, identity: Identity) -> dict[str, Any]:
    owner, local = _named(crew, identity)
    arrived = crew.status == CrewStatus.ON_SCENE
    written: dict[str, Any] = {
        "RTYPE": {"RCLASS": [_CLASSES.get(crew.means, "HUM/UNIT/POL")]},
        "ID": local,
        "ORG_ID": owner,
        "NAME": _text(crew.name) or local,
    }
    place = crew.position
    if place is not None:
        dated = {"DATIME": stamp(place.fixed_at, identity.zone)} if place.fixed_at else {}
        written["RGEO"] = [{**dated, "TYPE": "CUR", "POSITION": [_position(place)]}]
    return {**written, "STATUS": "IN_USE/ON_SCENE" if arrived else "IN_USE/MOBILE"}


def _named(crew: Crew, identity: Identity) -> tuple[str, str]:
    """Name a crew as its centre does, which told us of it; any other as one of ours."""
    whole = crew.id.partition(":")[2]
    owner, shared, theirs = whole.partition(".resource.")
    if shared and crew.id == crew_id(whole):
        return owner, theirs
    local = "".join(c if c.isalnum() and c.isascii() else "_" for c in whole)
    return identity.organisation, local or "crew"


def _text(text: str) -> str:
    return printable(text)
