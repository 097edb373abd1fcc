"""Who may see what: roles, the rights each has, and the article each right stands on."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """What the law keeps apart."""

    #: The live picture and sound of a body-worn camera: municipal police at the command post
    #: (CSI R241-12 II). Civilian operators and ASVP are not among its recipients.
    BODY_WORN = "flux_pieton"
    #: The town's fixed cameras (CSI L252-2, R253-3).
    CCTV = "videoprotection"


#: Closed by default: a role that is not known has no right.
ROLES: dict[str, frozenset[Right]] = {
    "policier": frozenset({Right.BODY_WORN, Right.CCTV}),
    "civil": frozenset({Right.CCTV}),
}
DEFAULT_ROLE = "civil"


def rights_of(role: str) -> frozenset[Right]:
    """List the rights of a role."""
    return ROLES.get(role, frozenset())
