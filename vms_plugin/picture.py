"""Compose the picture of an incident from what is known. Pure."""

from __future__ import annotations

from dataclasses import replace

from hooks import CrewId, Message, Officer, Picture, Position, Situation, SourceKind
from vms_plugin.i18n import Language
from vms_plugin.incident import Incident
from vms_plugin.roster import Wearer, differs

#: What the page draws of the way he came; the journal keeps it all.
TRAIL_SHOWN = 60

NO_CORRELATION = Message(
    text="the law forbids choosing cameras automatically for this source (CSI L243-3, L242-4)"
)


def may_correlate(incident: Incident | Picture) -> bool:
    """Whether cameras may be chosen by themselves: never for vehicles and drones.

    An unknown source is taken for an officer: he may be in danger, and the law's ban is for those
    that are known to be something else.
    """
    return incident.kind not in (SourceKind.VEHICLE, SourceKind.DRONE)


def compose(
    incident: Incident,
    *,
    whereabouts: tuple[Position | None, bool, tuple[Position, ...]],
    situation: Situation,
    wearer: Wearer | None,
    language: Language,
    version: int,
) -> Picture:
    """Draw the picture; everything in it comes from the facts and the situation given."""
    position, last_known, trail = whereabouts
    doubt = differs(incident.officer, wearer) if wearer else None
    if doubt is not None:
        situation = replace(situation, missing=(*situation.missing, doubt))
    closed = incident.closed
    picture = Picture(
        incident=incident.id,
        version=version,
        phase=incident.phase,
        opened_at=incident.opened_at,
        device=incident.device,
        officer=_officer(incident.officer, wearer),
        kind=incident.kind,
        trigger=incident.trigger,
        exercise=incident.exercise,
        ended_at=incident.ended_at,
        link_up=incident.link_up,
        position=position,
        last_known=last_known,
        placed_by=_placed_by(incident, position),
        trail=trail[-TRAIL_SHOWN:],
        situation=situation,
        received_by=incident.received_by,
        escalated=incident.escalated,
        refused_by=incident.refused_by,
        owner=incident.owner,
        engaged=incident.engaged,
        closed_by=closed.by if closed else "",
        outcome=closed.outcome if closed else "",
    )
    return replace(picture, title=title(picture, language), text=text(picture, language))


def _officer(said: Officer, wearer: Wearer | None) -> Officer:
    """Let the town's own roster correct what the maker says."""
    if wearer is None:
        return said
    return replace(
        said,
        call_sign=wearer.call_sign or said.call_sign,
        name=wearer.name or said.name,
        crew=CrewId(wearer.crew) if wearer.crew else said.crew,
    )


def _placed_by(incident: Incident, position: Position | None) -> str:
    """Name the operator whose word the position is; nobody, when the device gave it."""
    placed = incident.placed
    return placed[-1].by if placed and placed[-1].position == position else ""


def rank_of(crew: CrewId, picture: Picture | None) -> int | None:
    """Say at which place a crew was shown, from 1, among those not sent yet; None: it was not."""
    listed = picture.situation.reinforcements if picture else ()
    engaged = picture.engaged if picture else ()
    waiting = [each.crew.id for each in listed if each.crew.id not in engaged]
    return waiting.index(crew) + 1 if crew in waiting else None


def who(picture: Picture, say: Language) -> str:
    """Name the officer as everyone may know him: call sign, else the device."""
    device = picture.device.partition(":")[2]
    if picture.officer.call_sign:
        return picture.officer.call_sign
    if not device:
        return say("unknown officer")
    if picture.kind is SourceKind.RADIO:
        return say("radio {number}", number=device)
    return say("camera {serial}", serial=device)


def title(picture: Picture, say: Language) -> str:
    """Write the one line that an operator reads first."""
    drill = say("EXERCISE") + " — " if picture.exercise else ""
    near = picture.situation.near
    if near:
        return drill + say("OFFICER IN DANGER: {who}, {street}", who=who(picture, say), street=near)
    return drill + say("OFFICER IN DANGER: {who}", who=who(picture, say))


def text(picture: Picture, say: Language) -> str:
    """Write the few lines that go with it in the VMS."""
    lines = [where(picture, say)]
    if not picture.link_up:
        lines.append(say("The camera has lost its link."))
    if picture.ended_at:
        lines.append(say("Activation over since {time}.", time=say.moment(picture.ended_at)))
    seen = [sighting.camera.name for sighting in picture.situation.sightings[:4]]
    if seen:
        lines.append(say("Cameras: {names}.", names=", ".join(seen)))
    names = {each.crew.id: each.crew.name for each in picture.situation.reinforcements}
    if picture.engaged:
        sent = ", ".join(names.get(crew) or crew.partition(":")[2] for crew in picture.engaged)
        lines.append(say("Reinforcement engaged: {names}.", names=sent))
    elif picture.situation.reinforcements:
        first = picture.situation.reinforcements[0]
        lines.append(
            say("Nearest crew: {name}, {minutes} min.",
                name=first.crew.name or first.crew.id.partition(":")[2],
                minutes=max(1, round(first.time_s / 60)))
        )  # fmt: skip
    if picture.owner:
        lines.append(say("Taken in charge by {name}.", name=picture.owner))
    if picture.closed_by:
        lines.append(say("Closed by {name}: {outcome}.",
                         name=picture.closed_by, outcome=picture.outcome))  # fmt: skip
    return "\n".join(lines)


def where(picture: Picture, say: Language) -> str:
    """Say where he is and how sure that is; an old place is never told as the present one."""
    position = picture.position
    if position is None:
        return say("Position unknown.")
    place = f"{position.lat:.5f}, {position.lon:.5f}"
    if picture.last_known:
        if position.fixed_at is None:
            return say("Last known position, of unknown age: {place}.", place=place)
        return say("Last known position, at {time}: {place}.",
                   time=say.moment(position.fixed_at), place=place)  # fmt: skip
    if position.accuracy_m is None:
        return say("Position: {place}, accuracy unknown.", place=place)
    return say("Position: {place}, within {accuracy} m.",
               place=place, accuracy=max(1, round(position.accuracy_m)))  # fmt: skip
