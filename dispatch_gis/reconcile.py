"""Whether the town's layer and the VMS speak of the same cameras, and where they differ. Pure.

Cameras are paired by id, then by network address, then by place. What pairs more than one way is
left to people: a wrong pair would aim the wrong camera.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

import numpy as np
from scipy.spatial import KDTree

from dispatch_gis.plane import turned_deg
from hooks import Camera, CameraId, Message, Position

#: Two points closer than that may be one camera: a pole is drawn within ten metres of where it is.
NEAR_M = 15.0
#: Nothing else so near to the second best that one could be taken for the other.
CLEARLY = 2.0
#: Differences smaller than these are those of the survey.
MOVED_M, TURNED_DEG, WIDER_DEG = 5.0, 10.0, 10.0
EARTH_M = 6_371_000.0


class How(StrEnum):
    """By what two descriptions were found to be of one camera; the surest first."""

    ID = "id"
    ADDRESS = "address"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something the two sides do not say alike. None: that side does not say it."""

    field: str
    layer: str | float | None
    vms: str | float | None
    said: Message


@dataclass(frozen=True, slots=True)
class Pair:
    """One camera, as the layer and the VMS have it."""

    layer: Camera
    vms: Camera
    how: How
    apart_m: float | None  #: None where one of them has no place
    differences: tuple[Difference, ...] = ()

    @property
    def told(self) -> Camera | None:
        """What the VMS is to be told of where it stands and looks; None: it says so already."""
        if not any(each.field in _GEOGRAPHY for each in self.differences):
            return None
        ours = self.layer
        return Camera(
            id=self.vms.id, name=self.vms.name, position=ours.position, kind=ours.kind,
            heading_deg=ours.heading_deg, fov_deg=ours.fov_deg, range_m=ours.range_m,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How the two sides agree."""

    pairs: tuple[Pair, ...]
    layer_only: tuple[Camera, ...]
    vms_only: tuple[Camera, ...]

    @property
    def agreed(self) -> bool:
        """Whether nobody has anything to do."""
        apart = any(each.differences for each in self.pairs)
        return not (apart or self.layer_only or self.vms_only)


_GEOGRAPHY = ("position", "heading_deg", "fov_deg")


def reconcile(
    layer: Sequence[Camera],
    inventory: Sequence[Camera],
    aliases: Mapping[str, CameraId] = MappingProxyType({}),
) -> Reconciliation:
    """Pair the cameras of both sides, and list what differs.

    Parameters
    ----------
    aliases
        The town's own identifier → a camera that the VMS calls otherwise.
    """
    ours = {camera.id: camera for camera in layer}
    theirs = {camera.id: camera for camera in inventory}
    pairs: list[Pair] = []

    def take(how: How, found: Sequence[tuple[CameraId, CameraId]]) -> None:
        for one, other in found:
            pairs.append(_pair(ours.pop(one), theirs.pop(other), how, aliases))

    take(How.ID, [(each, each) for each in ours if each in theirs])
    take(How.ADDRESS, _alike(ours, theirs, _address))
    # Channels of one encoder share its address: there the name decides.
    take(
        How.ADDRESS,
        _alike(ours, theirs, lambda each: _address(each) and (_address(each), _bare(each.name))),
    )
    take(How.PLACE, _nearest(ours, theirs))
    return Reconciliation(tuple(pairs), tuple(ours.values()), tuple(theirs.values()))


def _alike(
    ours: Mapping[CameraId, Camera],
    theirs: Mapping[CameraId, Camera],
    key: Callable[[Camera], Hashable],
) -> list[tuple[CameraId, CameraId]]:
    """Pair what has the same key, where it is one camera on each side."""
    sides: list[dict[Hashable, list[CameraId]]] = []
    for cameras in (ours, theirs):
        found: dict[Hashable, list[CameraId]] = defaultdict(list)
        for camera in cameras.values():
            if named := key(camera):
                found[named].append(camera.id)
        sides.append(found)
    here, there = sides
    return [
        (names[0], there[named][0])
        for named, names in here.items()
        if len(names) == 1 and len(there.get(named, ())) == 1
    ]


def _nearest(
    ours: Mapping[CameraId, Camera], theirs: Mapping[CameraId, Camera]
) -> list[tuple[CameraId, CameraId]]:
    """Pair each with the nearest, where it is so both ways and nothing else is almost as near.

    On one pole, where several stand within arm's reach, the same name decides.
    """
    here, there = _Placed(ours), _Placed(theirs)
    close: dict[CameraId, list[tuple[float, CameraId]]] = defaultdict(list)
    for row, found in enumerate(here.tree.query_ball_tree(there.tree, NEAR_M)):
        one = here.cameras[row]
        for column in found:
            other = there.cameras[column]
            away_m = _apart(one.position, other.position) or 0.0
            close[one.id].append((away_m, other.id))
            close[other.id].append((away_m, one.id))
    both = {**theirs, **ours}
    chosen = {name: _clear(both[name], sorted(each), both) for name, each in close.items()}
    return [
        (one, other)
        for one, other in chosen.items()
        if one in ours and other is not None and chosen.get(other) == one
    ]


def _clear(
    camera: Camera, near: Sequence[tuple[float, CameraId]], both: Mapping[CameraId, Camera]
) -> CameraId | None:
    """Choose among what is near: the only one of the same name, else the clearly nearest."""
    named = [name for _, name in near if _bare(both[name].name) == _bare(camera.name)]
    if len(named) == 1:
        return named[0]
    first = near[0]
    alone = len(near) == 1 or near[1][0] > max(CLEARLY * first[0], first[0] + 2.0)
    return first[1] if alone else None


class _Placed:
    """Cameras that have a place, as points of a sphere in metres: no meridian to cross."""

    def __init__(self, cameras: Mapping[CameraId, Camera]) -> None:
        self.cameras = [each for each in cameras.values() if each.position is not None]
        degrees = [(c.position.lon, c.position.lat) for c in self.cameras if c.position is not None]
        lon, lat = np.radians(np.array(degrees, dtype=np.float64).reshape(-1, 2)).T
        points = np.column_stack(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        )
        self.tree = KDTree(EARTH_M * points)


def _apart(one: Position | None, other: Position | None) -> float | None:
    """Give the metres between two places; None where one is not known."""
    if one is None or other is None:
        return None
    north = math.radians(other.lat - one.lat)
    east_deg = (other.lon - one.lon + 180) % 360 - 180
    east = math.radians(east_deg) * math.cos(math.radians((one.lat + other.lat) / 2))
    return EARTH_M * math.hypot(north, east)


def _address(camera: Camera) -> str:
    """Read the address of a camera's device: bare, or in a URL, with a port or without."""
    written = camera.extra.get("address", "").strip()
    host = written
    if written:
        try:
            host = urlsplit(written if "//" in written else f"//{written}").hostname or ""
        except ValueError:
            return ""
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower()


def _bare(name: str) -> str:
    return " ".join(name.casefold().split())


# --- what differs ---


def _pair(layer: Camera, vms: Camera, how: How, aliases: Mapping[str, CameraId]) -> Pair:
    apart = _apart(layer.position, vms.position)
    found = [*_named(layer, vms, how, aliases), *_placed(layer, vms, apart), *_looking(layer, vms)]
    return Pair(layer, vms, how, apart, tuple(found))


def _named(
    layer: Camera, vms: Camera, how: How, aliases: Mapping[str, CameraId]
) -> list[Difference]:
    found = []
    if how is not How.ID:
        write = Message(text="write vms_id = {id} in the layer", params={"id": vms.id})
        found.append(Difference("vms_id", "", vms.id, write))
    unnamed = layer.name in (
        layer.id.partition(":")[2],
        *(a for a, c in aliases.items() if c == layer.id),
    )
    if vms.name and not unnamed and _bare(layer.name) != _bare(vms.name):
        names = {"vms": vms.name}
        called = Message(text="the VMS calls it {vms}", params=names)
        found.append(Difference("name", layer.name, vms.name, called))
    if layer.enabled and not vms.enabled:
        off = Message(text="in service in the layer, disabled in the VMS")
        found.append(Difference("enabled", "true", "false", off))
    return found


def _placed(layer: Camera, vms: Camera, apart_m: float | None) -> list[Difference]:
    here = f"{layer.position.lon:.6f} {layer.position.lat:.6f}" if layer.position else None
    there = f"{vms.position.lon:.6f} {vms.position.lat:.6f}" if vms.position else None
    if here and not there:
        unplaced = Message(text="the VMS does not know where it stands")
        return [Difference("position", here, None, unplaced)]
    if apart_m is not None and apart_m > MOVED_M:
        moved = Message(text="{apart_m:.0f} m apart", params={"apart_m": apart_m})
        return [Difference("position", here, there, moved)]
    return []


def _looking(layer: Camera, vms: Camera) -> list[Difference]:
    found = []
    for field, ours, theirs, most, cyclic in (
        ("heading_deg", layer.heading_deg, vms.heading_deg, TURNED_DEG, True),
        ("fov_deg", layer.fov_deg, vms.fov_deg, WIDER_DEG, False),
    ):
        if ours is None:
            continue
        words = _WORDS[field]
        if theirs is None:
            said = Message(text=words[0], params={"ours": ours})
            found.append(Difference(field, ours, None, said))
            continue
        away = abs(float(turned_deg(ours, theirs))) if cyclic else abs(ours - theirs)
        if away > most:
            said = Message(text=words[1], params={"ours": ours, "theirs": theirs})
            found.append(Difference(field, ours, theirs, said))
    return found


def _(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


_WORDS = {
    "heading_deg": (
        _("heading {ours:.0f}° in the layer, unknown to the VMS"),
        _("heading {ours:.0f}° in the layer, {theirs:.0f}° in the VMS"),
    ),
    "fov_deg": (
        _("field of view {ours:.0f}° in the layer, unknown to the VMS"),
        _("field of view {ours:.0f}° in the layer, {theirs:.0f}° in the VMS"),
    ),
}
