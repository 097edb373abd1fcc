"""What the page is told: pictures, crews, cameras, health, in the operators' language."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from hooks import (
    Aim,
    Camera,
    CameraKind,
    Crew,
    Health,
    IncidentId,
    Message,
    Picture,
    Pointing,
    Position,
    Reinforcement,
    Sighting,
    Situation,
)
from vms_plugin.adapters import Adapter, State
from vms_plugin.engine import Engine
from vms_plugin.feeds import Link
from vms_plugin.i18n import Language
from vms_plugin.live import Relay
from vms_plugin.live.channel import Status
from vms_plugin.live.source import Kind
from vms_plugin.picture import where, who
from vms_plugin.rights import Person, Right, cameras_for, crew_for, picture_for

#: A clock off by more is said: the makers' own signatures fail at five (see adapters/axis).
SKEW_S = 3.0


def millis(moment: datetime | None) -> int | None:
    """Write a moment as the browser counts: milliseconds since 1970."""
    return None if moment is None else int(moment.timestamp() * 1000)


def picture(each: Picture, say: Language) -> dict[str, Any]:
    """Write a picture, every sentence already said."""
    situation = each.situation
    return {
        "incident": each.incident,
        "version": each.version,
        "phase": each.phase.value,
        "who": who(each, say),
        "name": each.officer.name,  # empty unless the reader is entitled to it
        "title": each.title,
        "where": where(each, say),
        "near": situation.near,
        "exercise": each.exercise,
        "opened": millis(each.opened_at),
        "ended": millis(each.ended_at),
        "linkUp": each.link_up,
        "position": _position(each.position),
        "lastKnown": each.last_known,
        "placedBy": each.placed_by,
        "trail": [[place.lat, place.lon] for place in each.trail],
        "kind": each.kind.value,
        "receivedBy": list(each.received_by),
        "escalated": each.escalated.value,
        "owner": each.owner,
        "engaged": list(each.engaged),
        "closedBy": each.closed_by,
        "outcome": each.outcome,
        "cameras": [_sighting(sighting, say) for sighting in situation.sightings],
        "crews": _reinforcements(each, say),
        "missing": [say.message(message) for message in situation.missing]
        + [say("{name} could not use the alert.", name=name) for name in each.refused_by],
    }


def concerns(engine: Engine, each: Picture, person: Person) -> bool:
    """Whether an alert is this person's: of his communes, or left unconfirmed by those it is of.

    Where he is, where it began, and whose it is: an officer who crosses a border is not lost.
    """
    if not person.may(Right.ALERTS):
        return False
    if not person.communes or each.owner == person.name or each.escalated:
        return True
    # Where it began is the press's own word too: a place that operators correct leaves no way.
    known = engine.board.incidents.get(each.incident)
    pressed = [told.position for told in known.activations] if known else []
    places = [place for place in (each.position, *each.trail[:1], *pressed) if place is not None]
    communes = [engine.atlas.commune_at(place) for place in places]
    return any(map(person.concerned, communes or [""]))


def situation(found: Situation, say: Language) -> dict[str, Any]:
    """Write an answer of the geography alone, with its figures, for whoever reads JSON."""
    return {
        "near": found.near,
        "cameras": [
            {
                **_sighting(each, say),
                "distance_m": each.distance_m,
                "px_m": each.density_px_m,
                "class": each.pixel_class.value,
                "share": each.share,
                "pointing": _pointing(each.pointing),
            }
            for each in found.sightings
        ],
        "crews": [
            {
                "id": each.crew.id,
                "name": each.crew.name,
                "time_s": each.time_s,
                "spread_s": each.spread_s,
                "distance_m": each.distance_m,
                "byRoad": each.by_road,
                "stale": each.stale,
                "route": [list(point) for point in each.route],
                "reasons": _reasons(each.reasons, say),
            }
            for each in found.reinforcements
        ],
        "missing": [say.message(message) for message in found.missing],
    }


def _pointing(found: Pointing | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "pan_deg": found.pan_deg,
        "tilt_deg": found.tilt_deg,
        "fov_deg": found.fov_deg,
        "preset": found.preset,
    }


def told(engine: Engine, incident: IncidentId) -> dict[str, Any]:
    """Write whether the wearer knows that he is seen, and whether each crew sent was told."""
    wearer, crews = engine.told(incident)
    return {"wearer": wearer.value, "crews": {crew: each.value for crew, each in crews.items()}}


def _position(place: Position | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "lat": place.lat,
        "lon": place.lon,
        "accuracy": place.accuracy_m,
        "fixed": millis(place.fixed_at),
        "byOperator": place.source == "operator",
    }


def _sighting(each: Sighting, say: Language) -> dict[str, Any]:
    return {
        "id": each.camera.id,
        "name": each.camera.name,
        "bearing": each.bearing_deg,
        "mustTurn": each.must_turn,
        "turns": each.camera.kind is CameraKind.PTZ,
        "reasons": _reasons(each.reasons, say),
    }


def _reasons(reasons: tuple[Message, ...], say: Language) -> list[str]:
    return [say.message(reason) for reason in reasons]


def _reinforcements(shown: Picture, say: Language) -> list[dict[str, Any]]:
    """Write who can come; only the ways that the map draws: of the first, and of those sent."""
    coming = shown.situation.reinforcements
    waiting = (each for each in coming if each.crew.id not in shown.engaged and not each.stale)
    drawn = {*shown.engaged, *(each.crew.id for each in islice(waiting, 1))}
    return [
        _reinforcement(each if each.crew.id in drawn else replace(each, route=()), shown, say)
        for each in coming
    ]


def _reinforcement(each: Reinforcement, shown: Picture, say: Language) -> dict[str, Any]:
    place = each.crew.position
    minutes = max(1, round(each.time_s / 60))
    return {
        "id": each.crew.id,
        "name": each.crew.name or each.crew.id.partition(":")[2],
        "means": say(_MEANS[each.crew.means.value]),
        "time": say("{minutes} min", minutes=minutes),
        "distance": say("{km:.1f} km", km=each.distance_m / 1000),
        "byRoad": each.by_road,
        "fixed": millis(place.fixed_at if place else None),
        "stale": each.stale,
        "engaged": each.crew.id in shown.engaged,
        "route": [[lat, lon] for lon, lat in each.route],
        "reasons": _reasons(each.reasons, say),
    }


def crew(each: Crew, say: Language) -> dict[str, Any]:
    """Write a crew for the map."""
    return {
        "id": each.id,
        "name": each.name or each.id.partition(":")[2],
        "position": _position(each.position),
        "status": each.status.value,
        "statusText": say(_STATUS[each.status.value]),
        "means": each.means.value,
    }


def camera(each: Camera, *, alive: bool = True) -> dict[str, Any]:
    """Write a camera for the map: where it stands, which way it looks, whether it answers."""
    return {
        "id": each.id,
        "name": each.name,
        "position": _position(each.position),
        "heading": each.heading_deg,
        "fov": each.fov_deg,
        "kind": each.kind.value,
        "enabled": each.enabled,
        "alive": alive,
    }


def health(engine: Engine) -> dict[str, Any]:
    """Say how every link of the chain is; what fails is named, with since when and why."""
    now = datetime.now(UTC)
    say = engine.say
    links: dict[str, list[Link]] = {}
    for each in engine.links():
        links.setdefault(each.adapter, []).append(each)
    adapters = [
        _adapter(adapter, links.get(adapter.name, []), engine, now) for adapter in engine.adapters
    ]
    used = [each for each in adapters if each["state"] != State.UNUSED.value]
    proof = engine.drills.told() if engine.drills else None
    return {
        "exercise": proof,
        "mapDate": millis(engine.atlas.dated()),
        "adapters": used,
        "notes": [
            say.message(note)
            for note in (*engine.notes, *engine.atlas.notes(), *engine.roster.notes())
        ],
        "unlawful": say.message(engine.unlawful) if engine.unlawful else "",
        "unwritten": bool(engine.store.arrears.fault),  # what the disk said is in the host's log
        "well": all(each["well"] for each in used)
        and (proof is None or proof["well"])
        and not engine.store.arrears.fault,
    }


def health_for(engine: Engine, person: Person) -> dict[str, Any]:
    """Say how the chain is, part by part for those who mend it; to others whether it is well.

    What is kept against the law, everybody may know: who answers for it has no hand in the chain.
    """
    told = health(engine)
    return told if person.may(Right.HEALTH) else {**told, "adapters": [], "notes": []}


def _adapter(adapter: Adapter, links: list[Link], engine: Engine, now: datetime) -> dict[str, Any]:
    say = engine.say
    brand = say(adapter.info.brand) if adapter.info else adapter.name
    down = [each for each in links if not each.alive(now)]
    failures = [
        {"what": hook, "why": say.message(failure.why), "since": millis(failure.since)}
        for hook, failure in sorted(adapter.failures.items())
    ]
    behind = engine.behind(adapter.name)
    skew = _skew(engine.healths.get(adapter.name), say)
    return {
        "name": adapter.name,
        "brand": brand,
        "state": adapter.state.value,
        "down": _unreachable(brand, down, say) if down else "",
        "failures": failures,
        "links": [_link(each, now, say) for each in links],
        "behind": say.plural("{count} thing not shown yet", "{count} things not shown yet", behind)
        if behind
        else "",
        "skew": skew,
        "well": adapter.state is not State.BROKEN and not failures and not down and not skew,
    }


def _skew(found: Health | None, say: Language) -> str:
    """Say that their clock is off ours, when it is: times, and signed pictures, depend on it."""
    skew_s = found.clock_skew_s if found else None
    if skew_s is None or abs(skew_s) < SKEW_S:
        return ""
    return say("its clock is {skew_s:.0f} s off ours: set both by NTP", skew_s=skew_s)


def _unreachable(brand: str, down: list[Link], say: Language) -> str:
    """Say since when: of a link that has fallen silent without a word, since its last sign."""
    silent = [each.last_sign or each.since if each.up else each.since for each in down]
    return say("{brand} unreachable since {time}", brand=brand, time=say.moment(min(silent)))


def _link(each: Link, now: datetime, say: Language) -> dict[str, Any]:
    why = each.why or Message(text="silent")
    return {
        "name": each.name,
        "up": each.alive(now),
        "since": millis(each.since),
        "lastSign": millis(each.last_sign),
        "why": "" if each.alive(now) else say.message(why),
    }


_MEANS = {
    "car": "car",
    "motorbike": "motorbike",
    "bike": "bicycle",
    "foot": "on foot",
    "unknown": "",
}
_STATUS = {
    "free": "free", "engaged": "engaged", "en_route": "on the way", "on_scene": "on the scene",
    "unavailable": "unavailable", "break": "on a break", "off_duty": "off duty",
    "unknown": "status unknown",
}  # fmt: skip


def aimed(incident: IncidentId | None, aim: Aim, say: Language) -> dict[str, Any]:
    """Write what a camera that was to be turned answered."""
    return {
        "incident": incident,
        "camera": aim.camera,
        "done": aim.done,
        "how": say.message(aim.how),
    }


def live(status: Status | None, say: Language) -> dict[str, Any] | None:
    """Write how a live picture is; None where there is none."""
    if status is None:
        return None
    return {
        "state": status.state.value,
        "since": millis(status.since),
        "why": say.message(status.why) if status.why else "",
    }


def crews(engine: Engine, person: Person) -> list[dict[str, Any]]:
    """Write the crews, for whoever sends them."""
    if not person.may(Right.ALERTS):
        return []
    return [crew(crew_for(each, person), engine.say) for each in engine.crews()]


def state(engine: Engine, relay: Relay, person: Person) -> dict[str, Any]:
    """Write everything at once: what a page needs that has just opened, or has come back.

    What the person may not know is left out before it is written.
    """
    say = engine.say
    known = [each for each in engine.pictures.values() if concerns(engine, each, person)]
    pictures = sorted(known, key=lambda each: each.opened_at)
    incidents = {each.incident for each in pictures}
    cameras = cameras_for(engine.atlas.cameras(), person)
    return {
        "now": millis(datetime.now(UTC)),
        "pictures": [
            {**picture(picture_for(each, person), say), "told": told(engine, each.incident)}
            for each in pictures
        ],
        "crews": crews(engine, person),
        "cameras": [
            camera(each, alive=engine.atlas.alive(each.id)) for each in cameras if each.position
        ],
        "bounds": engine.atlas.bounds(),
        "health": health_for(engine, person),
        "live": {
            source.name: live(each, say)
            for source, each in relay.status.items()
            if source.kind is Kind.OFFICER and source.name in incidents
        },
        "cctv": {
            source.name: live(each, say)
            for source, each in relay.status.items()
            if source.kind is Kind.CAMERA and source.open_to(person)
        },
    }
