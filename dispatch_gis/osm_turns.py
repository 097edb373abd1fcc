"""OpenStreetMap's turn restrictions and barriers as forbidden turns between pieces of street.

Read: restrictions by one node, permanent, for cars or bicycles. Not read: restrictions by a way,
and those of certain hours only, which would be wrong half of the day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dispatch_gis.town import Street, Turn

#: Whoever is excepted by name of a larger class. A police car on its way is an emergency.
_CAR = ("motorcar", "motor_vehicle", "vehicle", "emergency")
_BIKE = ("bicycle", "vehicle")


@dataclass(frozen=True, slots=True)
class Banned:
    """One restriction, between ways that are still whole."""

    only: bool  #: nothing but this turn is allowed
    come: str
    at: int
    go: str
    car: bool
    bike: bool


def banned(tags: Mapping[str, str], members: Sequence[tuple[str, int, str]]) -> Iterator[Banned]:
    """Read one relation; several `from` or `to` members are several restrictions."""
    general = tags.get("restriction", "")
    own = tags.get("restriction:motorcar", tags.get("restriction:motor_vehicle", ""))
    rule = own or general
    if not rule.startswith(("no_", "only_")):
        return
    excepted = [each.strip() for each in tags.get("except", "").split(";")]
    car = not any(each in excepted for each in _CAR)
    bike = bool(general) and not any(each in excepted for each in _BIKE)
    at = [ref for kind, ref, role in members if kind == "n" and role == "via"]
    if len(at) != 1 or not (car or bike):
        return
    come = [ref for kind, ref, role in members if kind == "w" and role == "from"]
    go = [ref for kind, ref, role in members if kind == "w" and role == "to"]
    for one in come:
        for other in go:
            yield Banned(rule.startswith("only_"), str(one), at[0], str(other), car, bike)


def resolve(
    streets: Sequence[Street],
    restrictions: Sequence[Banned],
    barriers: Mapping[int, tuple[bool, bool]],
) -> tuple[Turn, ...]:
    """Say which turns are forbidden between pieces of street, each once."""
    wanted = {each.at for each in restrictions} | set(barriers)
    touching: dict[int, list[int]] = defaultdict(list)
    for index, street in enumerate(streets):
        for node in {street.start, street.end} & wanted:
            touching[node].append(index)
    found: dict[tuple[int, int, int], tuple[bool, bool]] = {}

    def forbid(at: int, come: int, go: int, car: bool, bike: bool) -> None:
        before = found.get((at, come, go), (False, False))
        found[at, come, go] = (before[0] or car, before[1] or bike)

    for each in restrictions:
        here = touching[each.at]
        come = [index for index in here if streets[index].source == each.come]
        named = [index for index in here if streets[index].source == each.go]
        if not named:
            continue  # its way is outside the extract: an "only" would shut the junction
        # "No U-turn" names one way twice; on any other, turning back is not what is forbidden.
        for one in come:
            others = [index for index in here if index not in named] if each.only else named
            for other in others:
                if not each.only and other == one and each.come != each.go:
                    continue
                forbid(each.at, one, other, each.car, each.bike)
    for node, (car, bike) in barriers.items():
        for one in touching[node]:
            for other in touching[node]:
                if one != other:
                    forbid(node, one, other, car, bike)
    return tuple(
        Turn(at, come, go, car, bike) for (at, come, go), (car, bike) in sorted(found.items())
    )
