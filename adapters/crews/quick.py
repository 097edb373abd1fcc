"""Read the common form of a position fast: ten thousand crews report once a second.

What is written exactly as documented is read here, typed, in one go; anything else, right or wrong,
is left to `geojson`, which reads it field by field and says every fault. Both tell the same. Pure.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from adapters.crews.values import LONGEST_NAME, LONGEST_TEXT, MOST_MEMBERS
from adapters.crews.words import MEANS, STATUSES
from hooks import CrewFix, CrewId, Envelope, FactId, Position

_Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """What is said of a crew; its place too, in a plain object."""

    id: _Name | Annotated[int, msgspec.Meta(ge=0)] | UnsetType = UNSET
    lon: float | UnsetType = UNSET
    lat: float | UnsetType = UNSET
    accuracy_m: Annotated[float, msgspec.Meta(ge=0)] | UnsetType = UNSET
    fixed_at: _Moment | UnsetType = UNSET
    status: _Text | UnsetType = UNSET
    means: _Text | UnsetType = UNSET
    name: _Text | UnsetType = UNSET
    members: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=MOST_MEMBERS)] | UnsetType = UNSET


_FIELDS = _Said.__struct_fields__
_decoder = msgspec.json.Decoder(_Said)


def read(envelope: Envelope, ahead_at: datetime) -> CrewFix | None:
    """Read one plain object with its place and its time; None: let the patient reader have it.

    `ahead_at` is the latest time that is believed.
    """
    body = envelope.body
    try:
        said = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    # As many names in the text as there are fields: none was written twice, none in odd spacing.
    if body.count(b'":') != sum(getattr(said, name) is not UNSET for name in _FIELDS):
        return None
    crew, fixed_at, lon, lat = said.id, said.fixed_at, said.lon, said.lat
    if isinstance(crew, UnsetType) or isinstance(fixed_at, UnsetType) or fixed_at > ahead_at:
        return None
    try:
        fixed_at = fixed_at.astimezone(UTC)
    except OverflowError:  # the year 1, east of Greenwich: what .NET writes for "never"
        return None
    status = None if isinstance(said.status, UnsetType) else STATUSES.get(said.status)
    means = None if isinstance(said.means, UnsetType) else MEANS.get(said.means)
    texts = (str(crew), said.name, *(() if isinstance(said.members, UnsetType) else said.members))
    if (
        isinstance(lon, UnsetType)
        or isinstance(lat, UnsetType)
        or not (-180 <= lon <= 180 and -90 <= lat <= 90)
        or (lon == 0 and lat == 0)
        or (status is None and said.status is not UNSET)
        or (means is None and said.means is not UNSET)
        or len(str(crew)) > LONGEST_NAME  # a number may have any number of digits
        or not all(isinstance(each, UnsetType) or _plain(each) for each in texts)
    ):
        return None
    accuracy_m = None if isinstance(said.accuracy_m, UnsetType) else said.accuracy_m
    mark = hashlib.blake2b(body, digest_size=8).hexdigest()
    return CrewFix(
        id=FactId(f"crews:{crew}:{mark}"),
        at=envelope.received_at,
        crew=CrewId(f"crews:{crew}"),
        name=None if isinstance(said.name, UnsetType) else said.name or None,
        position=Position(
            lon=lon, lat=lat, accuracy_m=accuracy_m, fixed_at=fixed_at, source="crew",
        ),
        status=status,
        means=means,
        members=None if isinstance(said.members, UnsetType) else said.members,
    )  # fmt: skip


def _plain(text: str) -> bool:
    return text.isprintable() and text == text.strip()
