"""Who may see and do what: rights, the roles that hold them, and the article each stands on. Data.

Closed by default: a role that nobody knows has no right, a door that names none does not open, and
what is shown is pruned here, before anybody writes it: a field added to the page later cannot tell
a name to somebody who is not entitled to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from hooks import Camera, Crew, Picture


class Right(StrEnum):
    """What the law, or the house, keeps apart."""

    #: The page itself; what it shows depends on the others.
    PAGE = "page"
    #: That an officer is in danger, where, and which crews can come: the command post.
    ALERTS = "alertes"
    #: The live picture and sound of a body-worn camera: municipal police at the command post
    #: (CSI R241-12 II). Civilian operators and ASVP are not among its recipients.
    BODY_WORN = "flux_pieton"
    #: The town's fixed cameras, of one's own communes alone (CSI L252-3, R253-3 II).
    CCTV = "videoprotection"
    #: Who the officer is (CSI R241-10 3°): those whom R241-12 I designates. Recipients of the live
    #: picture receive R241-10 1° alone; they know a call sign.
    NAMES = "noms"
    #: Docked recordings: consult, extract, set aside for a procedure (CSI R241-12 I).
    RECORDINGS = "enregistrements"
    #: The map of the town and where its cameras stand: for the GIS staff's own work.
    MAP = "carte"
    DECIDE = "decider"  #: take in charge, engage, call back, place, note
    CLOSE = "clore"
    LOG = "main_courante"  #: read an incident's log
    EXPORT = "exporter"  #: take it out of the room
    REGISTER = "registre"  #: read who consulted what (CSI R241-14)
    ACCOUNTS = "comptes"
    EXERCISE = "exercice"  #: send a marked press through the chain
    HEALTH = "sante"  #: how the chain is, part by part


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The rights that go together, and how long its page may lie idle."""

    rights: frozenset[Right]
    idle: timedelta


#: A watch lasts eight hours, some twelve: an operator is not logged out in the middle of a night
#: without alerts. A desk that others pass by is.
WATCH = timedelta(hours=12)
DESK = timedelta(minutes=30)
#: Nobody touches the room's wall, which decides nothing: it is not dark one morning out of two.
WALL = timedelta(days=366)

_OPERATOR = frozenset({
    Right.PAGE, Right.ALERTS, Right.CCTV, Right.MAP, Right.DECIDE, Right.CLOSE, Right.LOG,
    Right.HEALTH,
})  # fmt: skip

ROLES: Mapping[str, Role] = MappingProxyType({
    # Municipal police, designated by name (R241-12 I 3°), who leads the room.
    "chef": Role(
        rights=_OPERATOR | {
            Right.BODY_WORN, Right.NAMES, Right.RECORDINGS, Right.EXPORT, Right.EXERCISE,
        },
        idle=WATCH,
    ),
    # Municipal police posted to the command post (R241-12 II 1°).
    "policier": Role(rights=_OPERATOR | {Right.BODY_WORN}, idle=WATCH),
    # Civilian operators and ASVP (L132-14-1): CCTV, never the body-worn picture.
    "civil": Role(rights=_OPERATOR, idle=WATCH),
    # The wall of a mixed room: what stands, no picture of a body-worn camera, nothing to decide.
    "mur": Role(
        rights=frozenset({Right.PAGE, Right.ALERTS, Right.CCTV, Right.MAP, Right.HEALTH}),
        idle=WALL,
    ),
    "sig": Role(rights=frozenset({Right.PAGE, Right.MAP, Right.HEALTH}), idle=DESK),
    "integrateur": Role(rights=frozenset({Right.PAGE, Right.HEALTH, Right.EXERCISE}), idle=DESK),
    # Data protection officer: what was done with the pictures, not the pictures.
    "dpo": Role(rights=frozenset({Right.PAGE, Right.REGISTER, Right.EXPORT}), idle=DESK),
    "admin": Role(rights=frozenset({Right.PAGE, Right.ACCOUNTS, Right.HEALTH}), idle=DESK),
})  # fmt: skip
DEFAULT_ROLE = "civil"
_NOBODY = Role(rights=frozenset(), idle=timedelta(0))


def role_of(name: str) -> Role:
    """Give a role; one that is not known has no right."""
    return ROLES.get(name, _NOBODY)


def rights_of(role: str) -> frozenset[Right]:
    """List the rights of a role."""
    return role_of(role).rights


Sight = tuple[frozenset[Right], frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is logged in, as long as he may be."""

    name: str
    role: str = ""
    rights: frozenset[Right] = frozenset()
    #: INSEE codes of his competence (R253-3); empty: all those of the site.
    communes: frozenset[str] = field(default=frozenset())
    #: The communes whose cameras he may see: his, else the site's.
    competence: frozenset[str] = field(default=frozenset())

    @property
    def sight(self) -> Sight:
        """What decides what he is shown: two of the same sight are shown the same."""
        return self.rights, self.communes, self.competence

    def may(self, right: Right) -> bool:
        """Whether he has a right."""
        return right in self.rights

    def competent(self, commune: str) -> bool:
        """Whether a camera of that commune is his to see; one whose commune is not said is not."""
        return not self.competence or commune in self.competence

    def concerned(self, commune: str) -> bool:
        """Whether an alert of that commune is his; one of nobody knows where is everybody's."""
        return not self.communes or not commune or commune in self.communes


# --- pruning: what is shown of a thing to somebody ---


def picture_for(picture: Picture, person: Person) -> Picture:
    """Leave out of a picture what this person may not know."""
    officer, situation = picture.officer, picture.situation
    if not person.may(Right.NAMES):
        officer = replace(officer, name="", id="")
    seen = [each for each in situation.sightings if sees(person, each.camera)]
    coming = [replace(each, crew=crew_for(each.crew, person)) for each in situation.reinforcements]
    situation = replace(situation, sightings=tuple(seen), reinforcements=tuple(coming))
    return replace(picture, officer=officer, situation=situation)


def cameras_for(cameras: Iterable[Camera], person: Person) -> list[Camera]:
    """List the cameras this person may know: for the map, or to look through."""
    if person.may(Right.MAP) and not person.may(Right.CCTV):
        return list(cameras)  # GIS staff: where they stand, all of them, and no picture
    return [each for each in cameras if sees(person, each)]


def crew_for(crew: Crew, person: Person) -> Crew:
    """Leave the members' names to those entitled to names."""
    return crew if person.may(Right.NAMES) or not crew.members else replace(crew, members=())


def sees(person: Person, camera: Camera) -> bool:
    """Whether somebody may look through a camera (R253-3)."""
    return person.may(Right.CCTV) and person.competent(camera.commune)
