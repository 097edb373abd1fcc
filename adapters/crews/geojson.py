"""Positions and statuses of crews in GeoJSON, or in one plain object, field by field. Pure.

What is right is told first, then every fault by its feature's number: a bad feature loses nothing
but itself, a bad property loses nothing but itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.crews.values import (
    members,
    moment,
    name_of,
    place,
    text,
    word,
)
from adapters.crews.words import MEANS, STATUSES
from hooks import CrewFix, CrewId, CrewStatus, Envelope, FactId, Malformed, Means
from hooks.reading import Faults

#: A fix may be that far ahead of our clock; beyond, its time is not believed.
AHEAD = timedelta(seconds=60)
#: The channel of what a broker had kept: nobody knows since when it waits there.
RETAINED = "mqtt.retained"


def read_geojson(
    message: Mapping[str, Any], envelope: Envelope, faults: Faults
) -> Iterator[CrewFix]:
    """Read a Feature, a FeatureCollection, or an object `{id, lon, lat, …}`.

    What is wrong is added to `faults`, by the feature's number: a bad feature loses nothing but
    itself.
    """
    for where, each in _features(message):
        try:
            said, spot = _feature(each, where, faults)
            yield _crew(said, spot, where, envelope, faults)
        except Malformed as fault:
            faults.append(fault)


def _features(message: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """List what may be a feature, each with the start of its fields' names."""
    if message.get("type") != "FeatureCollection":
        yield "", message
        return
    features = message.get("features")
    if not isinstance(features, list):
        raise Malformed("features", features, "write a list of features")
    for index, feature in enumerate(features):
        yield f"features[{index}].", feature


def _feature(
    feature: object, where: str, faults: Faults
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Take apart what is said of a crew, and its place."""
    if not isinstance(feature, Mapping):
        raise Malformed(where.rstrip("."), feature, "write a GeoJSON feature")
    kind = feature.get("type")
    if kind is None and not where:
        return feature, feature  # a plain object
    if kind != "Feature":
        field = f"{where}type"
        raise Malformed(field, kind, "write Feature, FeatureCollection, or no type at all")
    properties = feature.get("properties")
    said = properties if isinstance(properties, Mapping) else {}
    if said is not properties and properties is not None:
        faults.append(Malformed(f"{where}properties", properties, "write an object"))
    # RFC 7946 §3.2: an identifier is a member of the Feature; many write it in the properties.
    return {"id": feature.get("id"), **said}, _point(feature.get("geometry"), where, faults)


def _point(geometry: object, where: str, faults: Faults) -> Mapping[str, Any]:
    if geometry is None:
        return {}  # RFC 7946 §3.2: unlocated
    kind = geometry.get("type") if isinstance(geometry, Mapping) else geometry
    coordinates = geometry.get("coordinates") if isinstance(geometry, Mapping) else None
    if kind != "Point":
        faults.append(Malformed(f"{where}geometry.type", kind, "write Point, or no geometry"))
        return {}
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        field = f"{where}geometry.coordinates"
        faults.append(Malformed(field, coordinates, "write [longitude, latitude]"))
        return {}
    return {"lon": coordinates[0], "lat": coordinates[1]}


def _crew(
    said: Mapping[str, Any],
    spot: Mapping[str, Any],
    where: str,
    envelope: Envelope,
    faults: Faults,
) -> CrewFix:
    """Read one crew; only its identifier must be right."""
    crew = name_of(said, where)
    fixed_at = _fixed_at(said, where, envelope, faults)
    return CrewFix(
        id=FactId(f"crews:{crew}:{_mark(said, spot)}"),
        # What is said of a crew is true when it is said; `fixed_at` is of its position alone.
        at=envelope.received_at,
        crew=CrewId(f"crews:{crew}"),
        name=text(said, "name", where, faults) or None,
        position=place({**spot, "accuracy_m": said.get("accuracy_m")}, fixed_at, where, faults)
        if fixed_at
        else None,
        status=word(said, "status", STATUSES, CrewStatus.UNKNOWN, where, faults),
        means=word(said, "means", MEANS, Means.UNKNOWN, where, faults),
        members=members(said, where, faults),
    )


def _fixed_at(
    said: Mapping[str, Any], where: str, envelope: Envelope, faults: Faults
) -> datetime | None:
    """Say when the position was computed; when it was received if that is not told.

    None: it is told and cannot be read, or the broker kept it; nobody knows how old the place is.
    """
    fixed_at = moment(said, "fixed_at", where, faults)
    if fixed_at is None and said.get("fixed_at") is not None:
        return None
    if fixed_at is None:
        if envelope.channel != RETAINED:
            return envelope.received_at
        faults.append(
            Malformed(
                f"{where}fixed_at",
                said.get("fixed_at"),
                "say when, in a message that the broker retains",
            )
        )
        return None
    if fixed_at > envelope.received_at + AHEAD:
        field = f"{where}fixed_at"
        faults.append(Malformed(field, said["fixed_at"], "set the clock: that is yet to come"))
        return envelope.received_at
    return fixed_at


def _mark(said: Mapping[str, Any], spot: Mapping[str, Any]) -> str:
    """Name a report after what it says: heard twice, it has the same name."""
    written = json.dumps([said, spot], sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:16]
