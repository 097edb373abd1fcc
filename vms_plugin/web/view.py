"""What the page is told: pictures, crews, cameras, health, in the operators' language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hooks import (
    Camera,
    Crew,
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
from vms_plugin.picture import where, who


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
        "title": each.title,
        "where": where(each, say),
        "near": situation.near,
        "exercise": each.exercise,
        "opened": millis(each.opened_at),
        "ended": millis(each.ended_at),
        "linkUp": each.link_up,
        "position": _position(each.position),
        "lastKnown": each.last_known,
        "trail": [[place.lat, place.lon] for place in each.trail],
        "owner": each.owner,
        "engaged": list(each.engaged),
        "closedBy": each.closed_by,
        "outcome": each.outcome,
        "cameras": [_sighting(sighting, say) for sighting in situation.sightings],
        "crews": [_reinforcement(crew, each, say) for crew in situation.reinforcements],
        "missing": [say.message(message) for message in situation.missing],
    }


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
        "reasons": _reasons(each.reasons, say),
    }


def _reasons(reasons: tuple[Message, ...], say: Language) -> list[str]:
    return [say.message(reason) for reason in reasons]


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


def camera(each: Camera) -> dict[str, Any]:
    """Write a camera for the map: where it stands, which way it looks."""
    return {
        "id": each.id,
        "name": each.name,
        "position": _position(each.position),
        "heading": each.heading_deg,
        "fov": each.fov_deg,
        "kind": each.kind.value,
        "enabled": each.enabled,
    }


def health(engine: Engine) -> dict[str, Any]:
    """Say how every link of the chain is; what fails is named, with since when and why."""
    now = datetime.now(UTC)
    say = engine.say
    links: dict[str, list[dict[str, Any]]] = {}
    for each in engine.links():
        links.setdefault(each.adapter, []).append(_link(each, now, say))
    adapters = [
        _adapter(adapter, links.get(adapter.name, []), engine) for adapter in engine.adapters
    ]
    used = [each for each in adapters if each["state"] != State.UNUSED.value]
    return {
        "adapters": used,
        "notes": [say.message(note) for note in engine.atlas.notes()],
        "well": all(each["well"] for each in used),
    }


def _adapter(adapter: Adapter, links: list[dict[str, Any]], engine: Engine) -> dict[str, Any]:
    say = engine.say
    failures = [
        {"what": hook, "why": say.message(failure.why), "since": millis(failure.since)}
        for hook, failure in sorted(adapter.failures.items())
    ]
    behind = engine.behind(adapter.name)
    return {
        "name": adapter.name,
        "brand": adapter.info.brand if adapter.info else adapter.name,
        "state": adapter.state.value,
        "failures": failures,
        "links": links,
        "behind": say.plural("{count} thing not shown yet", "{count} things not shown yet", behind)
        if behind
        else "",
        "well": adapter.state is not State.BROKEN
        and not failures
        and all(link["up"] for link in links),
    }


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


def live(status: Status | None, say: Language) -> dict[str, Any] | None:
    """Write how the live picture of an activation is; None where there is none."""
    if status is None:
        return None
    return {
        "state": status.state.value,
        "since": millis(status.since),
        "why": say.message(status.why) if status.why else "",
    }


def state(engine: Engine, relay: Relay) -> dict[str, Any]:
    """Write everything at once: what a page needs that has just opened, or has come back."""
    say = engine.say
    pictures = sorted(engine.pictures.values(), key=lambda each: each.opened_at)
    return {
        "now": millis(datetime.now(UTC)),
        "pictures": [picture(each, say) for each in pictures],
        "crews": [crew(each, say) for each in engine.crews()],
        "cameras": [camera(each) for each in engine.atlas.cameras() if each.position],
        "bounds": engine.atlas.bounds(),
        "health": health(engine),
        "live": {incident: live(each, say) for incident, each in relay.status.items()},
    }
